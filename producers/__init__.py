"""
The region's side: adapters that read a regional system and publish household changes.

Why: it runs at the region's edge, so that no national identifier, name or address ever leaves it.
Must not: know processors.
"""
