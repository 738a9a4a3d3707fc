"""
What authors of region files work with: mistakes told by line, samples, examples, and files to start from.

Why: a new region costs what its file costs, so the file must explain itself while it is written.
Must not: start anything, ask a source, or be needed by an adapter that runs, except to read its region file.
"""
