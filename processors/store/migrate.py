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

from psycopg import Connection

from schemas.errors import Fatal

__all__ = ["Migration", "MigrationChanged", "MigrationUnknown", "migrate", "migrations"]

_LOG = getLogger(__name__)
_LOCK = 0x4D75_6172_0001
"""Key of the advisory lock under which migrations run."""


class MigrationChanged(Fatal):
    """migration {name} is not the one that was applied to this database: restore the file, and put the change in a new one."""


class MigrationUnknown(Fatal):
    """migration {number} of the database is not known to this program: run the newer muara that applied it."""


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
    Raises `MigrationChanged` for an applied file with another hash, `MigrationUnknown` for one that is not there.
    """
    conn.execute("select pg_advisory_lock(%s)", (_LOCK,))
    try:
        return _apply(conn, migrations(folder))
    finally:
        if not conn.closed:
            conn.execute("select pg_advisory_unlock(%s)", (_LOCK,))


def _apply(conn: Connection[Any], known: list[Migration]) -> list[str]:
    conn.execute(
        "create table if not exists schema_migration ("
        "number integer primary key, name text not null, hash text not null, applied_at timestamptz not null default now())"
    )
    applied = dict(conn.execute("select number, hash from schema_migration order by number").fetchall())
    for number in applied.keys() - {one.number for one in known}:
        raise MigrationUnknown(number=number)
    for one in known:
        if applied.get(one.number, one.hash) != one.hash:
            raise MigrationChanged(name=one.name)
    missing = [one for one in known if one.number not in applied]
    for one in missing:
        with conn.transaction():
            conn.execute(one.sql.encode())
            conn.execute("insert into schema_migration (number, name, hash) values (%s, %s, %s)", (one.number, one.name, one.hash))
        _LOG.info("migration applied", extra={"action": "migration_applied", "migration": one.name})
    return [one.name for one in missing]
