"""
What stands in PostgreSQL: the batch transaction, the fold, reference data, offsets, and the second opinion on all of it.

Why: one package speaks to the database, so what is exact about it can be read in one place.
Must not: judge what a statement means (processors/law.py and processors/columns do).
"""
