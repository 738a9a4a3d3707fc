"""
Reading tables: rows by page or by key, with the lists that belong to them, all values as the text that PostgreSQL writes.

Why: what the log does not tell (the beginning, a household's members) is read here, in one short look at a time.
Must not: ask for a column that no mapping reads; keep a transaction open longer than one batch.
"""

import time
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from psycopg import sql

from producers.declaration import ChildTable, PostgresSource
from producers.sources.postgres.pgoutput import Row
from producers.sources.postgres.places import place_of
from producers.sources.postgres.session import Connection, Session
from producers.sources.postgres.wanted import Wanted

__all__ = ["Lists", "Seen", "Size", "Tables"]

_LOOK = (
    "select pg_current_snapshot()::text, case when pg_is_in_recovery() then pg_last_wal_replay_lsn() else pg_current_wal_insert_lsn() end"
)
_INSTANT_S, _SETTLE_S = 0.2, 5.0
Lists = dict[str, dict[str, list[Row]]]
"""The rows of each list, by the key of the household that they belong to."""


@dataclass(frozen=True, slots=True)
class Size:
    """How a table lies on the disk: its file's number, and its pages."""

    file: int
    pages: int


@dataclass(frozen=True, slots=True)
class Seen:
    """Which transactions a look at the database sees (pg_snapshot)."""

    least: int
    """Every transaction before this one has ended."""
    beyond: int
    """No transaction from this one on is seen."""
    running: frozenset[int]
    place: int
    """Where the log ended just before."""

    def sees(self, transactions: Iterable[int]) -> bool:
        """Return whether transactions, told by the lower 32 bits of their numbers, are all seen."""
        return all(one not in self.running and (self.beyond - 1 - one) % (1 << 32) < 1 << 31 for one in transactions)


class Tables:
    """The tables of one region file."""

    def __init__(self, session: Session, source: PostgresSource, wanted: Wanted) -> None:
        """Know which columns are wanted; nothing is asked."""
        self._session, self._source, self._wanted = session, source, wanted
        self._key_types: dict[str, str] = {}

    @contextmanager
    def look(self) -> Iterator[Seen]:
        """Look at the database as it is now, until the end of the block: all questions within see the same."""
        connection = self._session.tables()
        with connection.transaction():
            connection.execute("set transaction isolation level repeatable read, read only")
            row = connection.execute(_LOOK).fetchone()
            assert row is not None  # noqa: S101 - a query without a table gives a row
            least, beyond, running = row[0].split(":")
            yield Seen(int(least), int(beyond), frozenset(int(one) % (1 << 32) for one in running.split(",") if one), place_of(row[1]))

    def settle(self) -> None:
        """
        Wait until transactions that had ended for the log, and not yet for those who look, are seen.

        Between the two lies an instant, and those committed before a slot's beginning are not in it; only transactions that go on
        longer are in it for sure, and are not waited for.
        """
        time.sleep(_INSTANT_S)
        with self.look() as seen:
            wanted = seen.beyond
        deadline = time.monotonic() + _SETTLE_S
        while time.monotonic() < deadline:
            with self.look() as seen:
                if seen.least >= wanted:
                    return
            time.sleep(_INSTANT_S / 4)

    def size(self) -> Size:
        """Return how the main table lies on the disk."""
        row = (
            self._session.tables()
            .execute(
                "select pg_relation_filenode(c.oid), pg_relation_size(c.oid) / current_setting('block_size')::bigint"
                " from pg_class c join pg_namespace n on n.oid = c.relnamespace where n.nspname = %s and c.relname = %s",
                self._source.table.split("."),
            )
            .fetchone()
        )
        if row is None:
            raise self._session.unready(f"table {self._source.table} is not there")
        return Size(int(row[0]), int(row[1]))

    def count(self) -> int:
        """Return how many rows the main table has: the server reads it once for that, far faster than we read it behind it."""
        row = self._session.tables().execute(sql.SQL("select count(*) from {}").format(_name(self._source.table))).fetchone()
        return int(row[0]) if row else 0

    def page_rows(self, page: int, upto: int) -> list[Row]:
        """Return the main table's rows that lie in a range of pages."""
        query = sql.SQL("select {} from {} where ctid >= {} and ctid < {}").format(
            self._columns(self._wanted.main), _name(self._source.table), f"({page},0)", f"({upto},0)"
        )
        return self._rows(query, self._wanted.main)

    def key_rows(self, keys: Sequence[str]) -> list[Row]:
        """Return the main table's rows of keys."""
        query = sql.SQL("select {} from {} where {} = any(%s::{}[])").format(
            self._columns(self._wanted.main),
            _name(self._source.table),
            sql.Identifier(self._source.key),
            self._type(self._source.table, self._source.key),
        )
        return self._rows(query, self._wanted.main, _array(keys))

    def lists(self, keys: Sequence[str]) -> Lists:
        """Return the rows of every list that belong to households; a household without rows is missing."""
        written = _array(keys)
        return {one.name: self._list(one, written) for one in self._source.lists}

    def _list(self, one: ChildTable, keys: str) -> dict[str, list[Row]]:
        columns = self._wanted.lists[one.name]
        key, table = sql.Identifier(one.key), _name(one.table)
        where = sql.SQL("from {} where {} = any(%s::{}[])").format(table, key, self._type(one.table, one.key))
        if one.one_per and one.newest_by:
            per, newest = sql.Identifier(one.one_per), sql.Identifier(one.newest_by)
            query = sql.SQL("select distinct on ({0}, {1}) {2} {3} order by {0}, {1}, {4} desc nulls last").format(
                key, per, self._columns(columns), where, newest
            )
        else:
            query = sql.SQL("select {} {}").format(self._columns(columns), where)
        found: defaultdict[str, list[Row]] = defaultdict(list)
        for row in self._rows(query, columns, keys):
            found[(row[one.key] or "").rstrip()].append(row)
        return found

    def _rows(self, query: sql.Composed, columns: Sequence[str], keys: str | None = None) -> list[Row]:
        cursor = self._session.tables().execute(query, None if keys is None else (keys,))
        return [dict(zip(columns, row)) for row in cursor.fetchall()]  # noqa: B905 - the query names them, and checking takes as long again

    def _columns(self, columns: Sequence[str]) -> sql.Composed:
        return sql.SQL(", ").join(map(sql.Identifier, columns))

    def _type(self, table: str, column: str) -> sql.Composable:
        """Return a column's type without its length: a longer key compared with char(16) must not be cut to fit."""
        place = f"{table}.{column}"
        if place not in self._key_types:
            self._key_types[place] = _type_of(self._session.tables(), table, column)
        return sql.SQL(self._key_types[place])  # quoted by the server


def _type_of(connection: Connection, table: str, column: str) -> str:
    row = connection.execute(
        "select format('%%I.%%I', tn.nspname, t.typname) from pg_attribute a join pg_class c on c.oid = a.attrelid"
        " join pg_namespace n on n.oid = c.relnamespace join pg_type t on t.oid = a.atttypid"
        " join pg_namespace tn on tn.oid = t.typnamespace"
        " where n.nspname = %s and c.relname = %s and a.attname = %s and not a.attisdropped",
        (*table.split("."), column),
    ).fetchone()
    return "text" if row is None else str(row[0])


def _array(keys: Sequence[str]) -> str:
    r"""
    Return keys as the server reads an array: once for all lists, where the driver takes a microsecond for each key and list.

    >>> print(_array(["9901", 'a"b', "c\\d"]), _array([]))
    {"9901","a\"b","c\\d"} {}
    """
    written = [key.replace("\\", "\\\\").replace('"', '\\"') for key in keys]
    return '{"' + '","'.join(written) + '"}' if written else "{}"


def _name(table: str) -> sql.Identifier:
    return sql.Identifier(*table.split("."))
