"""
How far a first load is, in the adapter's own file: when it began, what was read of how many, and the last minutes' pace.

Why: it takes longer than a process lives, and whoever asks how long it will take is another process.
Must not: decide anything: reading goes by its position alone.
"""

import sqlite3
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from producers.backfill import FirstLoad, Sample, words

if TYPE_CHECKING:
    from producers.sources import Backfill

__all__ = ["BackfillKept", "first_load"]

_TABLES = """
create table if not exists backfill (
  one integer primary key check (one = 1), begun text not null, read integer not null, total integer, ended text,
  unit text not null default 'records') strict;
create table if not exists backfill_sample (at text primary key, read integer not null) strict;
"""
_SAMPLE = timedelta(seconds=10)
_KEPT = timedelta(minutes=10)
_TOLD_EVERY = timedelta(seconds=30)


class BackfillKept:
    """Keeps how far the first load of one adapter is; used by the thread that reads."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        """Go on from what the adapter's file tells."""
        self._connection = connection
        self._told_at: datetime | None = None
        connection.executescript(_TABLES)
        if not any(name == "unit" for _, name, *_ in connection.execute("pragma table_info(backfill)")):  # made by an earlier version
            connection.execute("alter table backfill add column unit text not null default 'records'")

    def keep(self, told: "Backfill | None", at: datetime) -> None:
        """
        Note how far it is, or that none runs; belongs into the transaction that keeps the batch which tells it.

        What has read less than before was begun anew.
        """
        if told is None:
            self._connection.execute("update backfill set ended = ? where ended is null", (at.isoformat(),))
            return
        known = self._connection.execute(
            "update backfill set read = ?1, total = ?2 where ended is null and read <= ?1", (told.read, told.total)
        ).rowcount
        if not known:
            self._connection.execute(
                "insert or replace into backfill values (1, ?, ?, ?, null, ?)", (at.isoformat(), told.read, told.total, told.unit)
            )
            self._connection.execute("delete from backfill_sample")
        newest = self._connection.execute("select max(at) from backfill_sample").fetchone()[0]
        if newest is None or datetime.fromisoformat(newest) <= at - _SAMPLE:
            self._connection.execute("insert or replace into backfill_sample values (?, ?)", (at.isoformat(), told.read))
            self._connection.execute("delete from backfill_sample where at < ?", ((at - _KEPT).isoformat(),))

    def words(self, told: "Backfill | None", at: datetime) -> str | None:
        """Return how far it is when people should hear of it: at its beginning, now and then, and at its end."""
        if told is None and self._told_at is None:
            return None
        if told is not None and self._told_at is not None and at < self._told_at + _TOLD_EVERY:
            return None
        self._told_at = None if told is None else at
        load = first_load(self._connection)
        return None if load is None else words(load, at)


def first_load(connection: sqlite3.Connection) -> FirstLoad | None:
    """Return how far the first load of an adapter's file is, or was when it ended; None where none ever ran."""
    if not connection.execute("select 1 from sqlite_master where name = 'backfill_sample'").fetchone():
        return None
    row = connection.execute("select * from backfill").fetchone()
    if row is None:
        return None
    samples = connection.execute("select at, read from backfill_sample order by at").fetchall()
    begun, read, total, ended, *unit = row[1:]
    return FirstLoad(
        begun=datetime.fromisoformat(begun),
        read=read,
        total=total,
        ended=datetime.fromisoformat(ended) if ended else None,
        samples=[Sample(datetime.fromisoformat(at), count) for at, count in samples],
        unit=unit[0] if unit else "records",
    )
