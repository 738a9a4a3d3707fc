"""
The ways in which a database is read, by what its region file declares.

Why: opening.py knows kinds of sources, not the ways of one.
Must not: ask the database anything yet.
"""

import sqlite3
from collections.abc import Callable, Mapping
from datetime import datetime

from producers.declaration import PostgresSource
from producers.mapping import Mapper
from producers.sources import Source
from producers.sources.postgres.compare import CompareReader
from producers.sources.postgres.feeds import ChangedAt
from producers.sources.postgres.following import FollowReader
from producers.sources.postgres.log import LogReader
from producers.sources.postgres.outbox import OutboxFeed

__all__ = ["open_postgres"]


def open_postgres(
    source: PostgresSource,
    mapper: Mapper,
    connection: sqlite3.Connection,
    environ: Mapping[str, str],
    clock: Callable[[], datetime],
) -> Source:
    """Return the reader of a database as its region file declares it; `connection` is that of the adapter's own file."""
    if source.capture == "compare":
        return CompareReader(source, mapper, connection, environ, clock)
    if source.capture == "changed_at":
        return FollowReader(source, mapper, connection, environ, ChangedAt)
    if source.capture == "outbox":
        return FollowReader(source, mapper, connection, environ, OutboxFeed)
    return LogReader(source, mapper, connection, environ, clock)
