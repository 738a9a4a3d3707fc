"""
The office's side: workers that merge household changes into cells, and the fold that makes figures of them.

Why: figures must be exact under duplicates, disorder, lateness, corrections and kills.
Must not: know producers.
"""
