"""
Repair: what a repair file may say, what it makes of a rejected event, and what a person may be shown of one.

Why: an event that was rejected for a fault that a person understands should not need its source to say it again.
Must not: read Kafka, PostgreSQL, a file or a clock (processors/records_at.py, processors/store and deploy do).
"""
