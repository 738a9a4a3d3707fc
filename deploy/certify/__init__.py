"""
Certification: an adapter's own code, run against a stand-in of its source under every failure that real sources produce.

Why: what decides whether a region may send is not that its file has no mistakes, but that nothing is lost, doubled or leaked on bad days.
Must not: ask a region's real source or send to a real broker: stand-in and services are its own, everybody in them is invented.
"""
