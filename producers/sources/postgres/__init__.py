"""
A PostgreSQL database as a source: its own log by logical decoding, and ways around it for databases that allow less.

Why: psycopg, a driver, is imported by this package alone on the producers' side, and only where a region file asks for it.
Must not: write into the database: it creates, reads and advances a replication slot, and reads tables.

places.py and pgoutput.py are pure: places and revisions; the log's messages. gathering.py (pure) makes statements of changes. session.py
asks the server, and preparation.py whether it can be read; slot.py reads the log, tables.py the tables; log.py joins both.
feeds.py (times of changes), outbox.py and compare.py are the ways around.
"""
