"""
The lock that keeps batches and folds out, and what takes it away from a process that was stopped while it held it.

Why: a stopped process answers nobody, yet its kernel keeps the connection up, so PostgreSQL would wait for it for ever, and everyone else
for the lock. There are three ways to stand still, and a bound for each: idle in the transaction; in the middle of an answer that is not
fetched (only TCP sees that, to PostgreSQL the session is at work); in the middle of a request that is not sent to its end.
Must not: bound the work itself, which may take hours, as long as it goes on.
"""

from typing import Any

from psycopg import Connection

__all__ = ["exclude", "go_on", "take_time"]

SILENT_S = 60
"""How long one that is idle, or fetches nothing, keeps the lock; much less, and a machine that swaps loses a load of hours."""
LEASE_S = 600
"""How long after the last `go_on` a request may be on its way; longer than any statement of a load takes, and they are many."""


def exclude(conn: Connection[Any]) -> None:
    """Keep batches and folds out until the transaction ends; to be called before its first snapshot is taken."""
    conn.execute(
        f"set local idle_in_transaction_session_timeout = '{SILENT_S}s'; set local tcp_user_timeout = '{SILENT_S}s';"
        " set local statement_timeout = 0; set local jit = off".encode()
    )
    conn.execute("lock table reference_version in exclusive mode")


def go_on(conn: Connection[Any]) -> None:
    """Let the transaction live for another while; to be called again and again where much is sent to PostgreSQL."""
    # Only switching the bound off and on again makes its time begin anew.
    conn.execute(f"set local transaction_timeout = 0; set local transaction_timeout = '{LEASE_S}s'".encode())


def take_time(conn: Connection[Any]) -> None:
    """Take that bound back: what follows are short requests, which PostgreSQL may work on for as long as it takes."""
    conn.execute("set local transaction_timeout = 0")
