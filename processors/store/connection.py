"""
Connections to PostgreSQL as the batch transaction wants them.

Why: plans are pinned, since unpinned ones flip to scans; commits are synchronous; a process that stops in mid-transaction frees its
locks, one that ended while it waited for a lock goes from the server, and a server that went without a word is noticed here.
Must not: be shared by two batches at once.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import LiteralString

import psycopg
from psycopg.conninfo import make_conninfo

from processors.store.parameters import register
from schemas.errors import Retriable

__all__ = ["FULL", "DatabaseAway", "DatabaseFull", "away", "away_is_retriable", "connect_worker", "is_away", "patient"]

_SESSION: LiteralString = """
set application_name = 'muara worker';
set idle_in_transaction_session_timeout = '5s';
set client_connection_check_interval = '5s';
set plan_cache_mode = force_generic_plan;
set enable_hashjoin = off; set enable_mergejoin = off; set enable_seqscan = off; set enable_bitmapscan = off;
set jit = off;
"""
_AWAY = ("08", "57P", "53")
"""SQLSTATE classes and codes of a server that is not there, is going down or starting, or lacks room: it comes back."""
FULL = "53100"
"""SQLSTATE of a server whose disk has no room left: it answers, and somebody must do something."""


class DatabaseAway(Retriable):
    """PostgreSQL does not answer ({why})"""


class DatabaseFull(DatabaseAway):
    """PostgreSQL's disk is full: nothing is written and nothing lost until somebody makes room"""


def is_away(error: psycopg.Error) -> bool:
    """Return whether an error says that the server is away, by SQLSTATE, or that the connection broke."""
    return (error.sqlstate or "08").startswith(_AWAY) if isinstance(error, psycopg.OperationalError) or error.sqlstate else False


def away(error: psycopg.Error) -> DatabaseAway:
    """Return what an error of a server that is away says."""
    return DatabaseFull() if error.sqlstate == FULL else DatabaseAway(why=type(error).__name__)


@contextmanager
def away_is_retriable() -> Iterator[None]:
    """Turn the driver's error into `DatabaseAway` where it says that the server is away."""
    try:
        yield
    except psycopg.Error as error:
        if is_away(error):
            raise away(error) from error
        raise


def patient(database: str) -> str:
    """
    Return a DSN whose connections notice within half a minute that nobody is there any more.

    A cable or a firewall that takes a connection away tells neither side, and would let a batch hang for hours.
    """
    return make_conninfo(
        database, connect_timeout=5, keepalives=1, keepalives_idle=10, keepalives_interval=5, keepalives_count=3, tcp_user_timeout=20_000
    )


async def connect_worker(database: str) -> psycopg.AsyncConnection:
    """Return a connection in autocommit mode whose transactions are REPEATABLE READ; raises `DatabaseAway`."""
    with away_is_retriable():
        connection = await psycopg.AsyncConnection.connect(patient(database), autocommit=True)
        register(connection)
        await connection.execute(_SESSION)
        await connection.set_isolation_level(psycopg.IsolationLevel.REPEATABLE_READ)
    return connection
