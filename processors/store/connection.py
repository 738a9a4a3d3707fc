"""
Connections to PostgreSQL as the batch transaction wants them.

Why: plans are pinned, since unpinned ones flip to scans; commits are synchronous; a process that stops in mid-transaction frees its locks.
Must not: be shared by two batches at once.
"""

from typing import LiteralString

import psycopg

from processors.store.parameters import register
from schemas.errors import Retriable

__all__ = ["DatabaseAway", "connect_worker", "is_away"]

_SESSION: LiteralString = """
set application_name = 'muara worker';
set idle_in_transaction_session_timeout = '5s';
set plan_cache_mode = force_generic_plan;
set enable_hashjoin = off; set enable_mergejoin = off; set enable_seqscan = off; set enable_bitmapscan = off;
set jit = off;
"""
_AWAY = ("08", "57P", "53")
"""SQLSTATE classes and codes of a server that is not there, is going down or starting, or lacks room: it comes back."""


class DatabaseAway(Retriable):
    """PostgreSQL does not answer ({why}): nothing is lost, it is asked again"""


def is_away(error: psycopg.Error) -> bool:
    """Return whether an error says that the server is away, by SQLSTATE, or that the connection broke."""
    return (error.sqlstate or "08").startswith(_AWAY) if isinstance(error, psycopg.OperationalError) or error.sqlstate else False


async def connect_worker(database: str) -> psycopg.AsyncConnection:
    """Return a connection in autocommit mode whose transactions are REPEATABLE READ; raises `DatabaseAway`."""
    try:
        connection = await psycopg.AsyncConnection.connect(database, autocommit=True, connect_timeout=5)
        register(connection)
        await connection.execute(_SESSION)
        await connection.set_isolation_level(psycopg.IsolationLevel.REPEATABLE_READ)
    except psycopg.OperationalError as error:
        raise DatabaseAway(why=type(error).__name__) from error
    return connection
