"""
What a database is followed by: the times of rows' last changes and of deletions, or the numbers of an outbox.

Why: both are read by one reader; what differs is which rows, in which order, and what a row says.
Must not: decide what is through (following.py does).
"""

from collections import OrderedDict
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Protocol

from psycopg import sql

from producers.declaration import PostgresSource
from producers.sources.postgres.gathering import Said, around
from producers.sources.postgres.pgoutput import Row
from producers.sources.postgres.places import revision
from producers.sources.postgres.session import Session
from producers.sources.postgres.wanted import Wanted
from schemas.events import HouseholdChanged

__all__ = ["ChangedAt", "Feed", "OutboxFeed"]

_ORDER, _PLACE = "\0order", "\0place"
"""Columns beside the row's own: its number or time, and where it lies."""
_REMEMBERED = 100_000


class Feed(Protocol):
    """Rows in the order of a column that grows."""

    tables: int
    """How many tables one pass goes over."""
    each_counts: bool
    """Whether each row is a statement of its own, and not the present state of a household."""

    def must_be_whole(self) -> None:
        """Raise `SourceUnready` where rows could never be found."""

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

    def unsaid(self, events: list[HouseholdChanged]) -> list[HouseholdChanged]:
        """Return the events that were not said before, as far as that is remembered."""

    def heard(self, events: list[HouseholdChanged]) -> None:
        """Remember events as said, now that they are kept."""


class ChangedAt:
    """Rows by the time of their last change, then tombstones by theirs; the revision is the place in the log at which they are seen."""

    tables = 2
    each_counts = False

    def __init__(self, session: Session, source: PostgresSource, wanted: Wanted) -> None:
        """Know the columns."""
        assert source.changed_at is not None  # noqa: S101 - the declaration has both, or it is refused
        assert source.tombstones is not None  # noqa: S101
        self._session, self._source, self._wanted = session, source, wanted
        self._changed_at, self._tombstones = source.changed_at, source.tombstones

    def must_be_whole(self) -> None:
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
        return _ordered(self._session, name, columns, by, "timestamptz", where, low, after, most)

    def place_of(self, row: Row) -> tuple[str, str]:
        """Return its time and place."""
        return str(row[_ORDER]), str(row[_PLACE])

    def revision(self, place: int, before: int) -> int:
        """Return the place's, or the next."""
        return max(revision(place, 0, self._source.generation), before + 1)

    def said(self, table: int, row: Row, number: int) -> Said:
        """Return a row of the main table as it is, or a tombstone as a row that is gone."""
        key = (row[self._source.key] or "").rstrip()
        if table == 0:
            return Said(key, row, around(number, None, None))
        row[self._changed_at] = row[_ORDER]
        if self._wanted.retracted:
            row[self._wanted.retracted] = "f"
        return Said(key, row, around(number, row[_ORDER], None, deleted=True))

    def unsaid(self, events: list[HouseholdChanged]) -> list[HouseholdChanged]:
        """Return all: what was said is known by digests."""
        return events

    def heard(self, events: list[HouseholdChanged]) -> None:
        """Nothing more is remembered."""


class OutboxFeed:
    """Rows that the system itself writes, one for each change; their number is the revision."""

    tables = 1
    each_counts = True

    def __init__(self, session: Session, source: PostgresSource, wanted: Wanted) -> None:
        """Know the columns."""
        assert source.outbox is not None  # noqa: S101 - the declaration has it, or it is refused
        self._session, self._source, self._wanted, self._outbox = session, source, wanted, source.outbox
        self._said: OrderedDict[tuple[bytes, int, str], None] = OrderedDict()

    def must_be_whole(self) -> None:
        """A bigserial is never null."""

    def newest(self) -> str:
        """Return the greatest number that is seen: those below it that are not seen belong to transactions that run."""
        query = sql.SQL("select coalesce(max({}), 0) from {}").format(sql.Identifier(self._outbox.sequence), _name(self._outbox.table))
        row = self._session.tables().execute(query).fetchone()
        return str(row[0]) if row else "0"

    def lower(self, high: str, low: str) -> str:
        """Return the number behind which nothing is open."""
        return str(max(int(high) + 1, int(low or 0)))

    def since(self, moment: datetime) -> str:  # noqa: ARG002 - a number tells no time
        """Return the first number."""
        return "0"

    def rows(
        self,
        table: int,  # noqa: ARG002 - there is one
        low: str,
        after: tuple[str, str] | None,
        most: int,
        upto: str = "",  # noqa: ARG002 - a queue is read in its order
    ) -> list[Row]:
        """Return the next rows of the outbox."""
        columns = sorted({*self._wanted.main, self._outbox.operation})
        return _ordered(self._session, self._outbox.table, columns, self._outbox.sequence, "bigint", sql.SQL("true"), low, after, most)

    def place_of(self, row: Row) -> tuple[str, str]:
        """Return its number and place."""
        return str(row[_ORDER]), str(row[_PLACE])

    def revision(self, place: int, before: int) -> int:  # noqa: ARG002 - rows have their own
        """Return the one before: rows have their own."""
        return before

    def said(self, table: int, row: Row, number: int) -> Said:  # noqa: ARG002 - there is one table, and rows have their own number
        """Return what a row of the outbox says."""
        own = revision(0, 0, self._source.generation) + int(row[_ORDER] or 0)
        deleted = row[self._outbox.operation] in self._outbox.deleted
        return Said((row[self._source.key] or "").rstrip(), row, around(own, None, None, deleted=deleted))

    def unsaid(self, events: list[HouseholdChanged]) -> list[HouseholdChanged]:
        """Return what was not said by this process: what is said twice changes nothing."""
        return [one for one in events if (one.household, one.revision, one.region) not in self._said]

    def heard(self, events: list[HouseholdChanged]) -> None:
        """Remember the newest ones."""
        for one in events:
            self._said[one.household, one.revision, one.region] = None
        while len(self._said) > _REMEMBERED:
            self._said.popitem(last=False)


def _ordered(
    session: Session,
    table: str,
    columns: Sequence[str],
    by: str,
    kind: str,
    where: sql.Composable,
    low: str,
    after: tuple[str, str] | None,
    most: int,
) -> list[Row]:
    """Return a table's rows in the order of a column, where that is the same of their places: any number of equals is passed."""
    order, typed = sql.Identifier(by), sql.SQL(kind)  # one of ours
    limits = [where]
    if low:
        limits.append(sql.SQL("t.{} >= {}::{}").format(order, low, typed))
    if after is not None:
        limits.append(sql.SQL("(t.{}, t.ctid) > ({}::{}, {}::tid)").format(order, after[0], typed, after[1]))
    query = sql.SQL("select t.{}, t.ctid, {} from {} t where {} order by t.{}, t.ctid limit {}").format(
        order,
        sql.SQL(", ").join(sql.SQL("t.{}").format(sql.Identifier(one)) for one in columns),
        _name(table),
        sql.SQL(" and ").join(limits),
        order,
        most,
    )
    names = (_ORDER, _PLACE, *columns)
    return [dict(zip(names, row, strict=True)) for row in session.tables().execute(query).fetchall()]


def _name(table: str) -> sql.Identifier:
    return sql.Identifier(*table.split("."))
