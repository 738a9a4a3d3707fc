"""
What a database is followed by: the times of rows' last changes and of deletions; numbers of an outbox stand in outbox.py.

Why: both are read by one reader; what differs is which rows, in which order, and what a row says.
Must not: decide what is through (following.py does).
"""

import sqlite3
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Protocol

from psycopg import sql

from producers.declaration import PostgresSource
from producers.sources.postgres.gathering import Said, around
from producers.sources.postgres.pgoutput import Row
from producers.sources.postgres.places import revision
from producers.sources.postgres.session import Session
from producers.sources.postgres.wanted import Wanted

__all__ = ["ORDER", "PLACE", "ChangedAt", "Feed", "ordered", "plain"]

ORDER, PLACE = "\0order", "\0place"
"""Columns beside the row's own: its number or time, and where it lies."""


class Feed(Protocol):
    """Rows in the order of a column that grows."""

    tables: int
    """How many tables one pass goes over."""
    each_counts: bool
    """Whether each row is a statement of its own, whole with its lists, and not the present state of a household."""

    def must_be_whole(self, low: str) -> None:
        """Raise `SourceUnready` where rows could never be found; all before `low` was read."""

    def newest(self) -> str:
        """Return the greatest number or time that any row can have by now."""

    def lower(self, high: str, low: str) -> str:
        """Return from where on the next passes read, once all up to `high` is through."""

    def since(self, moment: datetime) -> str:
        """Return the number or time from which on everything since a moment is found."""

    def rows(self, table: int, low: str, after: tuple[str, str] | None, most: int, upto: str = "") -> list[Row]:
        """Return a table's next rows in order, each with its order and place; none behind `upto`, where that is told."""

    def place_of(self, row: Row) -> tuple[str, str]:
        """Return a row's order and place."""

    def revision(self, place: int, before: int) -> int:
        """Return the revision of what is read at a place of the log, greater than the one before."""

    def said(self, table: int, row: Row, number: int) -> Said:
        """Return what a row says."""

    def unsaid(self, rows: list[Row]) -> list[Row]:
        """Return the rows that were not said before, as far as rows themselves tell."""

    def note(self, connection: sqlite3.Connection, rows: list[Row], low: str) -> None:
        """Write down that rows were said, and forget those before `low`; belongs into the transaction that keeps what they say."""


class ChangedAt:
    """Rows by the time of their last change, then tombstones by theirs; the revision is the place in the log at which they are seen."""

    tables = 2
    each_counts = False

    def __init__(self, session: Session, source: PostgresSource, wanted: Wanted, connection: sqlite3.Connection) -> None:  # noqa: ARG002
        """Know the columns; nothing of its own is in the adapter's file."""
        assert source.changed_at is not None  # noqa: S101 - the declaration has both, or it is refused
        assert source.tombstones is not None  # noqa: S101
        self._session, self._source, self._wanted = session, source, wanted
        self._changed_at, self._tombstones = source.changed_at, source.tombstones

    def must_be_whole(self, low: str) -> None:  # noqa: ARG002 - times go on
        """Refuse rows without a time: they would never be found."""
        for table, column in ((self._source.table, self._changed_at), (self._tombstones.table, self._tombstones.changed_at)):
            query = sql.SQL("select exists (select 1 from {} where {} is null)").format(_name(table), sql.Identifier(column))
            row = self._session.tables().execute(query).fetchone()
            if row is not None and row[0] == "t":
                raise self._session.unready(f"{table} has rows without {column}, which would never be found: fill it in, set it not null")

    def newest(self) -> str:
        """Return the server's time."""
        row = self._session.tables().execute("select clock_timestamp()").fetchone()
        return str(row[0]) if row else ""

    def lower(self, high: str, low: str) -> str:
        """Return the time less the declared overlap, never going back."""
        told = datetime.fromisoformat(high) - timedelta(seconds=self._source.overlap_s)
        return max(told.astimezone(UTC).isoformat(" "), low) if low else told.astimezone(UTC).isoformat(" ")

    def since(self, moment: datetime) -> str:
        """Return the moment itself."""
        return moment.astimezone(UTC).isoformat(" ")

    def rows(self, table: int, low: str, after: tuple[str, str] | None, most: int, upto: str = "") -> list[Row]:
        """Return rows of the main table, or tombstones of those that are not in it any more."""
        if table == 0:
            columns, name, by = list(self._wanted.main), self._source.table, self._changed_at
            where: sql.Composable = sql.SQL("true")
        else:
            told = {self._source.key, *(one for one in (self._wanted.date, self._wanted.village) if one)}
            columns, name, by = sorted(told), self._tombstones.table, self._tombstones.changed_at
            key = sql.Identifier(self._source.key)
            where = sql.SQL("not exists (select 1 from {} m where m.{} = t.{})").format(_name(self._source.table), key, key)
        if upto:
            where = sql.SQL("{} and t.{} <= {}::timestamptz").format(where, sql.Identifier(by), upto)
        return ordered(self._session, name, plain(columns), by, "timestamptz", where, low, after, most)

    def place_of(self, row: Row) -> tuple[str, str]:
        """Return its time and place."""
        return str(row[ORDER]), str(row[PLACE])

    def revision(self, place: int, before: int) -> int:
        """Return the place's, or the next."""
        return max(revision(place, 0, self._source.generation), before + 1)

    def said(self, table: int, row: Row, number: int) -> Said:
        """Return a row of the main table as it is, or a tombstone as a row that is gone."""
        key = (row[self._source.key] or "").rstrip()
        if table == 0:
            return Said(key, row, around(number, None, None))
        row[self._changed_at] = row[ORDER]
        if self._wanted.retracted:
            row[self._wanted.retracted] = "f"
        return Said(key, row, around(number, row[ORDER], None, deleted=True))

    def unsaid(self, rows: list[Row]) -> list[Row]:
        """Return all: what was said is known by digests."""
        return rows

    def note(self, connection: sqlite3.Connection, rows: list[Row], low: str) -> None:
        """Nothing more is remembered."""


def ordered(
    session: Session,
    table: str,
    columns: Mapping[str, sql.Composable],
    by: str,
    kind: str,
    where: sql.Composable,
    low: str,
    after: tuple[str, str] | None,
    most: int,
) -> list[Row]:
    """
    Return a table's rows in the order of a column, where that is the same of their places: any number of equals is passed.

    The columns are told by their names, each with what it is read by, where `t` is the table.
    """
    order, typed = sql.Identifier(by), sql.SQL(kind)  # one of ours
    limits = [where]
    if low:
        limits.append(sql.SQL("t.{} >= {}::{}").format(order, low, typed))
    if after is not None:
        limits.append(sql.SQL("(t.{}, t.ctid) > ({}::{}, {}::tid)").format(order, after[0], typed, after[1]))
    query = sql.SQL("select t.{}, t.ctid, {} from {} t where {} order by t.{}, t.ctid limit {}").format(
        order,
        sql.SQL(", ").join(columns.values()),
        _name(table),
        sql.SQL(" and ").join(limits),
        order,
        most,
    )
    names = (ORDER, PLACE, *columns)
    return [dict(zip(names, row, strict=True)) for row in session.tables().execute(query).fetchall()]


def plain(columns: Sequence[str]) -> dict[str, sql.Composable]:
    """Return columns that are read as they are, for `ordered`."""
    return {one: sql.SQL("t.{}").format(sql.Identifier(one)) for one in columns}


def _name(table: str) -> sql.Identifier:
    return sql.Identifier(*table.split("."))
