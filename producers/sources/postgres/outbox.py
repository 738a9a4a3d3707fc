"""
An outbox: rows that the system itself writes, one for each change, each with all that it says, lists included.

Why: a row that is whole says the same whenever it is read, so that its number is the revision: what is read again, after a kill or a lost
file, is equal to the byte. Lists read from their own tables would be those of the moment of reading, under a revision that tells none.
Must not: read any other table; say a row twice while the adapter's file is there.

Of one family the numbers are in the order of commits where each is taken under the lock of the family's row, as a trigger on that table
does. Of several families they need not be: following.py waits for the numbers of those who run. Which rows were said is written down in
the transaction that keeps them, by their revisions, for all those that may be read again; so what comes late is known from what came.
"""

import json
import sqlite3
from collections.abc import Mapping
from datetime import datetime

from psycopg import sql

from producers.checkpoint import insert
from producers.declaration import ChildTable, PostgresSource
from producers.sources.postgres.feeds import ORDER, PLACE, ordered, plain
from producers.sources.postgres.gathering import Said, around
from producers.sources.postgres.pgoutput import Row
from producers.sources.postgres.places import revision
from producers.sources.postgres.session import Session
from producers.sources.postgres.wanted import Wanted

__all__ = ["OutboxFeed"]

_SAID = "create table if not exists outbox_said (revision integer primary key) strict"


class OutboxFeed:
    """The rows of an outbox by their numbers, as `feeds.Feed`; `connection` is that of the adapter's own file."""

    tables = 1
    each_counts = True

    def __init__(self, session: Session, source: PostgresSource, wanted: Wanted, connection: sqlite3.Connection) -> None:
        """Know the columns, and make the table of what was said; not within a transaction."""
        assert source.outbox is not None  # noqa: S101 - the declaration has it, or it is refused
        self._session, self._source, self._outbox, self._connection = session, source, source.outbox, connection
        self._columns: Mapping[str, sql.Composable] = {
            **plain(sorted({*wanted.main, source.outbox.operation})),
            **{one.name: _list_of(one, wanted.lists[one.name]) for one in source.lists},
        }
        connection.execute(_SAID)

    def must_be_whole(self, low: str) -> None:
        """Refuse numbers that have gone back, as in a database that was restored: the next ones would be taken as read."""
        newest = int(self.newest())
        if 0 < newest < int(low or 0) - 1:
            raise self._session.unready(
                f"{self._outbox.table} ends at {newest}, and was read up to {int(low) - 1}: raise generation if the database was restored"
            )

    def newest(self) -> str:
        """Return the greatest number that is seen: those below it that are not seen belong to transactions that run."""
        query = sql.SQL("select coalesce(max({}), 0) from {}").format(sql.Identifier(self._outbox.sequence), self._table)
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
        everything = sql.SQL("true")
        return ordered(self._session, self._outbox.table, self._columns, self._outbox.sequence, "bigint", everything, low, after, most)

    def place_of(self, row: Row) -> tuple[str, str]:
        """Return its number and place."""
        return str(row[ORDER]), str(row[PLACE])

    def revision(self, place: int, before: int) -> int:  # noqa: ARG002 - rows have their own
        """Return the one before: rows have their own."""
        return before

    def said(self, table: int, row: Row, number: int) -> Said:  # noqa: ARG002 - there is one table, and rows have their own number
        """Return what a row of the outbox says."""
        deleted = row[self._outbox.operation] in self._outbox.deleted
        told = around(self._revision(row[ORDER]), None, None, deleted=deleted)
        lists = {one.name: None if (items := row[one.name]) is None else json.loads(items) for one in self._source.lists}
        return Said((row[self._source.key] or "").rstrip(), {**row, **lists}, told)

    def unsaid(self, rows: list[Row]) -> list[Row]:
        """Return the rows that were not said before."""
        if not rows:
            return rows
        between = (self._revision(rows[0][ORDER]), self._revision(rows[-1][ORDER]))
        said = {one for (one,) in self._connection.execute("select revision from outbox_said where revision between ? and ?", between)}
        return [row for row in rows if self._revision(row[ORDER]) not in said]

    def note(self, connection: sqlite3.Connection, rows: list[Row], low: str) -> None:
        """Write down that rows were said, and forget those before `low`, which nobody reads again."""
        insert(connection, "outbox_said (revision)", [(self._revision(row[ORDER]),) for row in rows], "on conflict do nothing")
        connection.execute("delete from outbox_said where revision < ?", (self._revision(low),))

    @property
    def _table(self) -> sql.Identifier:
        return sql.Identifier(*self._outbox.table.split("."))

    def _revision(self, number: str | None) -> int:
        return revision(0, 0, self._source.generation) + int(number or 0)


def _list_of(one: ChildTable, columns: tuple[str, ...]) -> sql.Composed:
    """
    Return what a list is read by: of its items the wanted columns as texts, of a ledger the newest items.

    What is no list is read as the word for what it is instead, which the mapping refuses; null says nothing of the list.
    """
    item = sql.SQL("e.item -> {}")
    chosen: sql.Composable = sql.SQL("e.place, e.item")
    order: sql.Composable = sql.SQL("e.place")
    if one.one_per and one.newest_by:
        per, newest = item.format(one.one_per), item.format(one.newest_by)
        chosen = sql.SQL("distinct on ({}) e.place, e.item").format(per)
        order = sql.SQL("{}, {} desc nulls last, e.place").format(per, newest)
    return sql.SQL(
        "case jsonb_typeof(t.{list}) when 'array' then (select coalesce(jsonb_agg(jsonb_build_object({told}) order by k.place), '[]')"
        " from (select {chosen} from jsonb_array_elements(t.{list}) with ordinality e(item, place) order by {order}) k)"
        " when 'null' then null else to_jsonb(jsonb_typeof(t.{list})) end"
    ).format(
        list=sql.Identifier(one.name),
        told=sql.SQL(", ").join(sql.SQL("{0}, k.item ->> {0}").format(column) for column in columns),
        chosen=chosen,
        order=order,
    )
