"""
The contract between regions and the statistics office: events, their Avro form, topic names, errors.

Why: producers and processors meet only here.
Must not: import either of them, or any driver outside `registry`.
"""
