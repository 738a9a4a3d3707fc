"""
Event bytes of every version of the contract, kept for ever.

Why: topics are kept for ever, so what was once written must be read by every later version, down to the last field.
Must not: be changed: a new version of the contract adds a folder (`python -m tests.golden.cases tests/golden/v2`).
"""
