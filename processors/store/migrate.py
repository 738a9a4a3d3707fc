"""
Migrations: the numbered SQL files of processors/migrations, applied once each, in order.

Why: every process may be the first one to meet a database, so all of them bring it up to date, and one at a time.
Must not: change a file that was applied anywhere (its hash is kept), or write figures.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256
from importlib.resources import files
from importlib.resources.abc import Traversable
from logging import getLogger
from typing import Any

import psycopg
from psycopg import Connection

from schemas.errors import Fatal

__all__ = ["Migration", "MigrationBlocked", "MigrationChanged", "MigrationUnknown", "TablesInUse", "migrate", "migrations"]

_LOG = getLogger(__name__)
_LOCK = 0x4D75_6172_0001
"""Key of the advisory lock under which migrations run."""
WAIT_S = 30
"""How long one process waits for another's migrations; longer only hides one that was stopped, and a supervisor asks again anyway."""


class MigrationChanged(Fatal):
    """migration {name} is not the one that was applied to this database: restore the file, and put the change in a new one."""


class MigrationUnknown(Fatal):
    """migration {number} of the database is not known to this program: run the newer muara that applied it."""


class MigrationBlocked(Fatal):
    """another process migrates the database for over {wait_s} s (its pid {pid}, {name}, from {address}): wait for it, or end it"""


class TablesInUse(Fatal):
    """migration {name} waits for tables that others keep locked for more than {wait_s} s: stop workers, publishers and loads first"""


@dataclass(frozen=True, slots=True)
class Migration:
    """One file: its number, its name and its SQL."""

    number: int
    name: str
    sql: str

    @property
    def hash(self) -> str:
        """SHA-256 of the SQL, hexadecimal."""
        return sha256(self.sql.encode()).hexdigest()


def migrations(folder: Traversable | None = None) -> list[Migration]:
    """Return the files `NNNN_why.sql` of a folder (the product's own by default), by number."""
    return sorted(_found(folder or files("processors") / "migrations"), key=lambda one: one.number)


def _found(folder: Traversable) -> Iterator[Migration]:
    for file in folder.iterdir():
        if file.name.endswith(".sql"):
            yield Migration(int(file.name.split("_")[0]), file.name, file.read_text(encoding="utf-8"))


def migrate(conn: Connection[Any], folder: Traversable | None = None) -> list[str]:
    """
    Apply what is missing, each file in a transaction of its own, and return the names of the files applied.

    Takes a connection in autocommit mode. Processes that start at once wait for each other.
    Raises `MigrationChanged` for an applied file with another hash, `MigrationUnknown` for one that is not there, `MigrationBlocked`
    and `TablesInUse` where others are in the way for too long.
    """
    known = migrations(folder)
    if not _missing(conn, known):  # looked first: whoever holds the lock need not be waited for
        return []
    conn.execute(f"set lock_timeout = '{WAIT_S}s'".encode())
    try:
        _lock(conn)
        return _apply(conn, known)
    finally:
        if not conn.closed:
            conn.execute("select pg_advisory_unlock_all()")
            conn.execute("reset lock_timeout")


def _lock(conn: Connection[Any]) -> None:
    """Wait until nobody else migrates; raises `MigrationBlocked` after `WAIT_S`."""
    try:
        conn.execute("select pg_advisory_lock(%s)", (_LOCK,))
    except psycopg.errors.LockNotAvailable as error:
        row = conn.execute(
            "select pid, coalesce(nullif(application_name, ''), 'unnamed'), coalesce(host(client_addr), 'this machine')"
            " from pg_locks join pg_stat_activity using (pid)"
            " where locktype = 'advisory' and granted and (classid::bigint << 32 | objid::bigint) = %s",
            (_LOCK,),
        ).fetchone()
        pid, name, address = row or ("gone", "unnamed", "nowhere")
        raise MigrationBlocked(wait_s=WAIT_S, pid=pid, name=name, address=address) from error


def _missing(conn: Connection[Any], known: list[Migration]) -> list[Migration]:
    """Return what was not applied yet; raises `MigrationChanged`, `MigrationUnknown`."""
    there = conn.execute("select to_regclass('schema_migration') is not null").fetchone()
    if there != (True,):
        return known
    applied = dict(conn.execute("select number, hash from schema_migration order by number").fetchall())
    for number in applied.keys() - {one.number for one in known}:
        raise MigrationUnknown(number=number)
    for one in known:
        if applied.get(one.number, one.hash) != one.hash:
            raise MigrationChanged(name=one.name)
    return [one for one in known if one.number not in applied]


def _apply(conn: Connection[Any], known: list[Migration]) -> list[str]:
    conn.execute(
        "create table if not exists schema_migration ("
        "number integer primary key, name text not null, hash text not null, applied_at timestamptz not null default now())"
    )
    missing = _missing(conn, known)
    for one in missing:
        with conn.transaction():
            try:
                conn.execute(one.sql.encode())
            except psycopg.errors.LockNotAvailable as error:
                raise TablesInUse(name=one.name, wait_s=WAIT_S) from error
            conn.execute("insert into schema_migration (number, name, hash) values (%s, %s, %s)", (one.number, one.name, one.hash))
        _LOG.info("migration applied", extra={"action": "migration_applied", "migration": one.name})
    return [one.name for one in missing]
