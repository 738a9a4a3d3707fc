"""
A PostgreSQL database, as a region file of the kind `postgres` declares it: its tables, a role that may read, and real transactions.

Why: see stand_ins/__init__.py.
Must not: give the adapter's role more than a region would.
"""

import secrets
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Self
from urllib.parse import quote, urlsplit, urlunsplit
from zoneinfo import ZoneInfo

import psycopg
from psycopg import sql

from deploy.certify.oddities import Odd, Oddity, written
from deploy.certify.stand_ins import Lie, StandIn
from deploy.certify.stand_ins.captures import followed, tables_beside
from deploy.certify.told import BEGIN, Fact, Says, Told
from deploy.certify.writing import NOTHING, CannotBeSaid, Writer
from producers.declaration import Declaration, PostgresSource, Value

__all__ = ["DatabaseStandIn"]

_ANYBODY = Told(0, BEGIN, 0, datetime(2020, 1, 1, tzinfo=UTC), fact=Fact("", 1, 1))


class DatabaseStandIn(StandIn):
    """One table of families and the tables of their lists, in a database of its own, followed in the declared way."""

    lacks_fields = False
    shows_new_fields = False

    def __init__(self, declared: Declaration, server: str) -> None:
        """Know the server's address, of one who may make databases and roles."""
        assert isinstance(declared.source, PostgresSource)  # noqa: S101 - opened by kind
        self.source = declared.source
        super().__init__(declared, Writer(declared, depth=2, as_text=True))
        # An outbox tells all that it ever told, whole; of what else a database has only the present is known.
        self.tells_its_past = self.source.capture == "outbox"
        # Of times of change that is the last pass: a transaction that began before it may still commit behind its end.
        self.asked_again = 30 if self.source.capture == "changed_at" else 1
        self.passes = 2 if self.source.capture in ("compare", "changed_at") else 1
        self._server, self._name, self._password = server, f"certify_{secrets.token_hex(4)}", secrets.token_hex(16)
        self._role = f"{self._name}_reader"
        self._owner: psycopg.Connection[Any] | None = None
        self._columns: list[str] = []
        self._newest: Told | None = None
        self._renamed: Mapping[str, str] = {}
        self._told_meanwhile: list[Told] = []
        """What was told while a column has another name; it is written once more afterwards."""

    @classmethod
    def lies_of(cls, declared: Declaration) -> Sequence[Lie]:
        """Return what can be done to a reader: who only decodes the log needs no grant on a table."""
        assert isinstance(declared.source, PostgresSource)  # noqa: S101 - opened by kind
        reads_tables = declared.source.capture != "log" or declared.source.lists
        return (Lie.REVOKED, Lie.RENAMED) if reads_tables else (Lie.RENAMED,)

    @classmethod
    def steps_of(cls, declared: Declaration) -> Sequence[str]:
        """Return the steps of a reader: without the log there is no slot."""
        assert isinstance(declared.source, PostgresSource)  # noqa: S101 - opened by kind
        return super().steps_of(declared) if declared.source.capture == "log" else ()

    @classmethod
    def opened(cls, declared: Declaration, folder: Path, server: str) -> Self:  # noqa: ARG003 - folder is what others need
        """Return one."""
        return cls(declared, server)

    @property
    def placeholders(self) -> Mapping[str, str]:
        """The connection string of the role that may read."""
        parts = urlsplit(self._server)
        where = f"{quote(self._role)}:{self._password}@{parts.hostname}:{parts.port}"
        return {self.source.dsn_env: urlunsplit((parts.scheme, where, f"/{self._name}", "", ""))}

    @property
    def secrets(self) -> Sequence[str]:
        """What signs or lets in."""
        return (self._password,)

    @contextmanager
    def running(self) -> Iterator[None]:
        """Make database, tables, publication and role; drop all of it in the end."""
        with psycopg.connect(self._server, autocommit=True) as server:
            server.execute(sql.SQL("create database {}").format(sql.Identifier(self._name)))
            role, database = sql.Identifier(self._role), sql.Identifier(self._name)
            server.execute(sql.SQL("create role {} login replication password {}").format(role, sql.Literal(self._password)))
            try:
                with psycopg.connect(self._own_address, autocommit=True) as self._owner:
                    self._make_tables()
                    yield
            finally:
                self._drop_slots(server)
                server.execute(sql.SQL("drop database {} with (force)").format(database))
                server.execute(sql.SQL("drop role {}").format(role))

    @property
    def can_end(self) -> bool:
        """A row that is deleted ends its family."""
        return True

    @property
    def paces(self) -> Mapping[str, float]:
        """How often everything is compared."""
        return {"compare_s": 0.2} if self.source.capture == "compare" else {}

    def _as_seen(self, told: Told) -> Told:
        """Return a change as it can be known: of a row found gone by its absence nobody knows since when, so it is gone from today on."""
        if told.says is not Says.ENDS or self.source.capture != "compare":
            return told
        return replace(told, since=datetime.now(ZoneInfo(self.source.time_zone)).date())  # noqa: TID251 - the stand-in's clock

    def _note(self, told: Told) -> None:
        """Take a change into account: a row that is there again was not gone, where its absence alone told so."""
        if self.source.capture == "compare" and told.says is Says.IS:
            self.truth.was_not_gone(told.serial, told.since)
        super()._note(told)

    def _tell(self, changes: Sequence[Told], *, disorder: bool) -> None:
        # A log has one order, that of commits, and its places are the revisions; disorder can only be among families.
        for told in sorted(changes, key=lambda one: -one.serial) if disorder else changes:
            self._commit(told)

    @contextmanager
    def telling_late(self, changes: Sequence[Told], by: timedelta) -> Iterator[None]:  # noqa: ARG002 - a database has the time itself
        """Write changes in a transaction that is committed at the end of the block, whatever others commit meanwhile."""
        with psycopg.connect(self._own_address) as late:
            late.execute("select 1")  # so that what is written is committed with this, not before
            owner, self._owner = self._owner, late
            try:
                for told in changes:
                    self._write(self.writer.record(told)[0], told)
            finally:
                self._owner = owner
            yield
            for told in changes:
                self._note(told)

    def repeat(self) -> None:
        """Write the newest change once more, as applications do that save what nobody has changed."""
        if self._newest is not None:
            self._commit(self._newest)

    def odd(self, told: Told, oddity: Oddity) -> Odd:
        """Return how a row is odd; raises `CannotBeSaid` where a database does not let it be."""
        found = super().odd(told, oddity)
        if found.value is NOTHING and found.path == self.source.key:
            raise CannotBeSaid(what=str(oddity), why="the key of a table is never empty")
        if oddity is Oddity.TEXT_FOR_LIST:
            raise CannotBeSaid(what=str(oddity), why="its lists are tables")
        return found

    def tell_odd(self, told: Told, odd: Odd) -> None:
        """Write an odd row; a new field is a new column."""
        if odd.kind == "new_field" and odd.path not in self._columns:
            for table in (self.source.table, *tables_beside(self.source)):
                self._connection.execute(sql.SQL("alter table {} add column {} text").format(self._table(table), sql.Identifier(odd.path)))
            self._columns.append(odd.path)
        record = written(self.writer, told, odd)[0]
        if odd.value is NOTHING:
            record[odd.path] = None
        self._write(record, told)

    def tell_garbage(self) -> None:
        """Write a row whose key alone is filled."""
        self._connection.execute(
            sql.SQL("insert into {} ({}) values ('bukan nomor')").format(self._table(self.source.table), sql.Identifier(self.source.key))
        )

    @contextmanager
    def away(self) -> Iterator[None]:
        """Let the role in no more, and end its sessions."""
        self._may_log_in(sql.SQL("nologin"))
        self._connection.execute("select pg_terminate_backend(pid) from pg_stat_activity where usename = %s", (self._role,))
        try:
            yield
        finally:
            self._may_log_in(sql.SQL("login"))

    @contextmanager
    def lying(self, lie: Lie) -> Iterator[None]:
        """Take what was granted away, or give a column another name; what was told meanwhile is written once more after that."""
        self._told_meanwhile = []
        if lie is Lie.REVOKED:
            self._grant("revoke select on {} from {}")
        else:
            self._rename({self._path("valid_from"): "kolom_lain_contoh"})
        try:
            yield
        finally:
            if lie is Lie.REVOKED:
                self._grant("grant select on {} to {}")
            else:
                self._rename({})
                for told in list(self._told_meanwhile):
                    self._commit(told)

    # ---- the database ----------------------------------------------------------------------------------------------------

    @property
    def _own_address(self) -> str:
        parts = urlsplit(self._server)
        return urlunsplit((parts.scheme, parts.netloc, f"/{self._name}", "", ""))

    @property
    def _connection(self) -> psycopg.Connection[Any]:
        assert self._owner is not None  # noqa: S101 - within `running`
        return self._owner

    def _may_log_in(self, word: sql.SQL) -> None:
        self._connection.execute(sql.SQL("alter role {} with {}").format(sql.Identifier(self._role), word))

    def _grant(self, words: str) -> None:
        for table in self._tables:
            self._connection.execute(sql.SQL(words).format(self._table(table), sql.Identifier(self._role)))

    @property
    def _tables(self) -> Sequence[str]:
        return [self.source.table, *(one.table for one in self.source.lists), *tables_beside(self.source)]

    def _rename(self, names: Mapping[str, str]) -> None:
        """Let columns of the main table have other names, or their own again."""
        changes = {**{new: old for old, new in self._renamed.items()}, **names}
        for table in (self.source.table, *tables_beside(self.source)):
            for old, new in changes.items():
                self._connection.execute(
                    sql.SQL("alter table {} rename column {} to {}").format(self._table(table), sql.Identifier(old), sql.Identifier(new))
                )
        self._renamed = names

    def _drop_slots(self, server: psycopg.Connection[Any]) -> None:
        server.execute("select pg_terminate_backend(active_pid) from pg_replication_slots where database = %s and active", (self._name,))
        server.execute("select pg_drop_replication_slot(slot_name) from pg_replication_slots where database = %s", (self._name,))

    def _make_tables(self) -> None:
        """Make the tables with every column that the mapping reads, and some that it must not; all are texts."""
        sample = self.writer.record(_ANYBODY)[0]
        lists = {one.name for one in self.source.lists}
        self._columns = [name for name in sample if name not in lists]
        tables = {self.source.table: (self._columns, self.source.key, True)}
        for one in self.source.lists:
            columns = [name for name in (sample.get(one.name) or [{}])[0] if name != one.key]
            tables[one.table] = ([*columns, one.key], one.key, False)
        for table, (columns, key, is_main) in tables.items():
            self._make_table(table, columns, key, is_main=is_main)
        if self.source.capture == "log":
            names = sql.SQL(", ").join(self._table(table) for table in tables)
            self._connection.execute(sql.SQL("create publication {} for table {}").format(sql.Identifier(self.source.publication), names))
        for statement in followed(self.source):
            self._connection.execute(statement)
        self._grant("grant select on {} to {}")

    def _make_table(self, table: str, columns: Sequence[str], key: str, *, is_main: bool) -> None:
        schema, _, _ = table.partition(".")
        role = sql.Identifier(self._role)
        self._connection.execute(sql.SQL("create schema if not exists {}").format(sql.Identifier(schema)))
        self._connection.execute(sql.SQL("grant usage on schema {} to {}").format(sql.Identifier(schema), role))
        kind = {one: sql.SQL("text primary key" if is_main and one == key else "text") for one in columns}
        if is_main and self.source.capture == "changed_at" and self.source.changed_at is not None:
            kind[self.source.changed_at] = sql.SQL("timestamptz not null default clock_timestamp()")
        typed: list[sql.Composable] = [sql.SQL("{} {}").format(sql.Identifier(one), of) for one, of in kind.items()]
        if not is_main:
            typed.insert(0, sql.SQL("id bigint generated always as identity primary key"))
        name = self._table(table)
        self._connection.execute(sql.SQL("create table {} ({})").format(name, sql.SQL(", ").join(typed)))
        if is_main:
            self._connection.execute(sql.SQL("alter table {} replica identity full").format(name))

    def _table(self, table: str) -> sql.Identifier:
        return sql.Identifier(*table.split(".", 1))

    def _path(self, field: str) -> str:
        value: Value = getattr(self.declared.mapping, field)
        return value.path or ""

    # ---- changes ---------------------------------------------------------------------------------------------------------

    def _commit(self, told: Told) -> None:
        self._newest = told
        self._told_meanwhile.append(told)
        self._write(self.writer.record(told)[0], told)

    def _write(self, record: Mapping[str, Any], told: Told) -> None:
        """
        Write a family's row and its lists in one transaction; where it ends, its day is written first and the row deleted then.

        A row has every column: of which nothing is said, that is null, and does not stay as it was.
        """
        lists = {one.name: one for one in self.source.lists}
        columns = dict.fromkeys((*self._columns, *record))
        row = {self._renamed.get(name, name): record.get(name) for name in columns if name not in lists}
        key = record[self.source.key]
        with self._connection.transaction():
            self._connection.execute(self._upsert(list(row)), list(row.values()))
            for name, one in lists.items():
                self._connection.execute(self._delete(one.table, one.key), (key,))
                for item in record.get(name) or ():
                    columns = {**item, one.key: key}
                    self._connection.execute(self._insert(one.table, list(columns)), list(columns.values()))
            if told.says is Says.ENDS:
                for one in self.source.lists:
                    self._connection.execute(self._delete(one.table, one.key), (key,))
                self._connection.execute(self._delete(self.source.table, self.source.key), (key,))

    def _insert(self, table: str, columns: Sequence[str]) -> sql.Composed:
        names = sql.SQL(", ").join(map(sql.Identifier, columns))
        values = sql.SQL(", ").join([sql.Placeholder()] * len(columns))
        return sql.SQL("insert into {} ({}) values ({})").format(self._table(table), names, values)

    def _upsert(self, columns: Sequence[str]) -> sql.Composed:
        changes = sql.SQL(", ").join(sql.SQL("{0} = excluded.{0}").format(sql.Identifier(one)) for one in columns if one != self.source.key)
        key = sql.Identifier(self.source.key)
        return sql.SQL("{} on conflict ({}) do update set {}").format(self._insert(self.source.table, columns), key, changes)

    def _delete(self, table: str, key: str) -> sql.Composed:
        return sql.SQL("delete from {} where {} = %s").format(self._table(table), sql.Identifier(key))
