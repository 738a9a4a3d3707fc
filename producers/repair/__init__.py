"""
Repair of what an adapter put aside: its sealed records through a mended mapping, shown first, then into the spool, with an audit.

Why: what was pushed and could not be mapped is said nowhere else, and one odd record is no reason to read a whole source again.
Must not: know the office's side (deploy joins the two), or let an identifier, a name or an address out of a sealed record.
"""
