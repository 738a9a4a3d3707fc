"""
What a database's reader remembers, in the adapter's file: which households it said that are there, and which server it read.

Why: who is gone without a word (a snapshot read again, tables compared) shows only beside who was there; pseudonyms suffice for that.
Must not: hold a row's content or an identifier.
"""

import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from schemas.events import HouseholdChanged, Operation

__all__ = ["Gone", "Memory"]

_TABLES = """
create table if not exists database_known (
  household blob, region text, round integer not null, digest blob, primary key (household, region)) strict, without rowid;
create table if not exists database_server (one integer primary key check (one = 1), identity text not null) strict;
"""


@dataclass(frozen=True, slots=True)
class Gone:
    """A household that was there and is not any more, and its regency."""

    household: bytes
    region: str


class Memory:
    """The memory, seen through one connection to the adapter's file."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        """Make the tables where there are none."""
        self._connection = connection
        connection.executescript(_TABLES)

    def server(self) -> str | None:
        """Return the identity of the server that was read, if any was."""
        row = self._connection.execute("select identity from database_server").fetchone()
        return None if row is None else str(row[0])

    def missing(self, current: int) -> tuple[int, int]:
        """Return how many households are known, and how many of them this round has not shown."""
        row = self._connection.execute("select count(*), count(*) filter (where round < ?) from database_known", (current,)).fetchone()
        return int(row[0]), int(row[1])

    def gone(self, current: int, limit: int) -> Sequence[Gone]:
        """Return households that this round has not shown."""
        rows = self._connection.execute("select household, region from database_known where round < ? limit ?", (current, limit))
        return [Gone(*row) for row in rows]

    def digests(self, households: Iterable[bytes]) -> dict[bytes, bytes]:
        """Return the digests of what was said of households."""
        found = {}
        for household in households:
            for (digest,) in self._connection.execute("select digest from database_known where household = ?", (household,)):
                found[household] = digest
        return found

    def newest_round(self) -> int:
        """Return the newest round in which a household was shown; 0 where none is known."""
        return int(self._connection.execute("select coalesce(max(round), 0) from database_known").fetchone()[0])

    @staticmethod
    def keep_server(connection: sqlite3.Connection, identity: str) -> None:
        """Remember a server's identity; belongs into the transaction that keeps a batch."""
        connection.execute("insert or replace into database_server values (1, ?)", (identity,))

    @staticmethod
    def keep_events(connection: sqlite3.Connection, events: Sequence[HouseholdChanged], current: int) -> None:
        """Remember who was said to be there, and forget who was said to have ended; belongs into the transaction that spools them."""
        last = {(one.household, one.region): one.operation for one in events if one.operation is not Operation.RETRACT}
        connection.executemany(
            "insert into database_known (household, region, round) values (?, ?, ?)"
            " on conflict do update set round = max(round, excluded.round)",
            [(*who, current) for who, operation in last.items() if operation is Operation.UPSERT],
        )
        ended = [who for who, operation in last.items() if operation is Operation.END]
        connection.executemany("delete from database_known where household = ? and region = ?", ended)

    @staticmethod
    def keep_seen(connection: sqlite3.Connection, households: Iterable[bytes], current: int) -> None:
        """Remember that known households were shown, though nothing could be said of them, or something was taken back."""
        connection.executemany("update database_known set round = ? where household = ?", [(current, one) for one in households])
