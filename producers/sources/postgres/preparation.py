"""
Whether a database is ready to be read, before anything is: all that is missing at once, each with what its owner must do.

Why: a setting that is missing would show weeks later, as deletions that nobody saw.
Must not: change anything there.
"""

from collections.abc import Iterator, Sequence
from typing import LiteralString

from producers.declaration import PostgresSource
from producers.declaration.postgres import Outbox
from producers.sources.postgres.session import Connection, Session
from producers.sources.postgres.wanted import Wanted

__all__ = ["identities_lacking", "must_be_ready"]

_COLUMNS = """
select a.attname, has_column_privilege(c.oid, a.attnum, 'select') from pg_attribute a join pg_class c on c.oid = a.attrelid
join pg_namespace n on n.oid = c.relnamespace where n.nspname = %s and c.relname = %s and a.attnum > 0 and not a.attisdropped"""
_KIND = """
select c.relkind, c.relreplident, has_schema_privilege(n.oid, 'usage'), c.relpersistence from pg_class c
join pg_namespace n on n.oid = c.relnamespace where n.nspname = %s and c.relname = %s"""
_IDENTITY = """
select a.attname from pg_index i join pg_attribute a on a.attrelid = i.indrelid and a.attnum = any(i.indkey)
join pg_class c on c.oid = i.indrelid join pg_namespace n on n.oid = c.relnamespace
where n.nspname = %s and c.relname = %s
and ((c.relreplident = 'i' and i.indisreplident) or (c.relreplident = 'd' and i.indisprimary))"""


_TYPE = """
select format_type(a.atttypid, null) from pg_attribute a join pg_class c on c.oid = a.attrelid join pg_namespace n on n.oid = c.relnamespace
where n.nspname = %s and c.relname = %s and a.attname = %s and a.attnum > 0 and not a.attisdropped"""
_AHEAD = """
select s.seqcache from pg_sequence s
where s.seqrelid = pg_get_serial_sequence(format('%%I.%%I', %s::text, %s::text), %s)::regclass and s.seqcache > 1"""


def must_be_ready(session: Session, source: PostgresSource, wanted: Wanted) -> None:
    """Raise `SourceUnready` with all that is missing for the declared capture."""
    connection = session.tables()
    missing = list(_tables_missing(connection, source, wanted))
    if source.capture == "log":
        missing = [*_server_missing(connection, source), *missing]
    if missing:
        raise session.unready("; ".join(missing))


def identities_lacking(session: Session, source: PostgresSource) -> list[str]:
    """Return the child tables of whose deleted rows the log does not tell whose they were."""
    connection = session.tables()
    return [one.table for one in source.lists if not _identified(connection, one.table, [one.key])]


def _server_missing(connection: Connection, source: PostgresSource) -> Iterator[str]:
    if _one(connection, "select pg_is_in_recovery()") == "t":
        yield "this server is a standby: name the primary"
        return
    if (level := _one(connection, "select current_setting('wal_level')")) != "logical":
        yield f"wal_level is {level}: set it to logical and restart the server"
    if _one(connection, "select rolreplication or rolsuper from pg_roles where rolname = current_user") != "t":
        yield "the role may not use replication slots: alter role ... replication"
    yield from _publication_missing(connection, source)
    if not _identified(connection, source.table, None):
        yield f"deleted rows would not be told whole: alter table {source.table} replica identity full"


def _publication_missing(connection: Connection, source: PostgresSource) -> Iterator[str]:
    tables = [source.table, *(one.table for one in source.lists)]
    row = connection.execute(
        "select pubinsert and pubupdate and pubdelete and pubtruncate from pg_publication where pubname = %s", (source.publication,)
    ).fetchone()
    if row is None:
        yield f"publication {source.publication} is not there: create publication {source.publication} for table {', '.join(tables)}"
        return
    if row[0] != "t":
        yield f"publication {source.publication} leaves out changes: let it publish insert, update, delete, truncate"
    there = {
        name
        for (name,) in connection.execute(
            "select schemaname || '.' || tablename from pg_publication_tables where pubname = %s", (source.publication,)
        )
    }
    for table in tables:
        if table not in there:
            yield f"publication {source.publication} lacks a table: alter publication {source.publication} add table {table}"


def _tables_missing(connection: Connection, source: PostgresSource, wanted: Wanted) -> Iterator[str]:
    if source.capture == "outbox" and source.outbox:
        yield from _outbox_missing(connection, source, source.outbox, wanted)
        return
    yield from _table_missing(connection, source.table, wanted.main)
    for one in source.lists:
        yield from _table_missing(connection, one.table, wanted.lists[one.name])
    if source.capture == "changed_at" and source.tombstones:
        columns = [source.key, source.tombstones.changed_at, *(name for name in (wanted.date, wanted.village) if name)]
        yield from _table_missing(connection, source.tombstones.table, columns)


def _outbox_missing(connection: Connection, source: PostgresSource, outbox: Outbox, wanted: Wanted) -> Iterator[str]:
    """Give what is missing of the one table that is read: a list that it does not carry itself could not be said twice alike."""
    untold = [one.name for one in source.lists if _one(connection, _TYPE, (*outbox.table.split("."), one.name)) != "jsonb"]
    if untold:
        yield f"{outbox.table} must carry the lists itself, a change whole in its row: add the jsonb columns {', '.join(untold)}"
    lists = [one.name for one in source.lists if one.name not in untold]
    missing = list(_table_missing(connection, outbox.table, [outbox.sequence, outbox.operation, *wanted.main, *lists]))
    yield from missing
    if not missing and (ahead := _one(connection, _AHEAD, (*outbox.table.split("."), outbox.sequence))):
        yield f"the sequence of {outbox.table} hands out {ahead} numbers at a time, not in the order of changes: set its cache to 1"


def _table_missing(connection: Connection, table: str, columns: Sequence[str]) -> Iterator[str]:
    found = connection.execute(_KIND, table.split(".")).fetchone()
    if found is None:
        yield f"table {table} is not there"
        return
    kind, _, usage, persistence = found
    if kind != "r" or persistence == "u":
        yield f"{table} is no plain logged table: name the table itself, no view, partitioned or unlogged table"
        return
    if usage != "t":
        yield f"the role may not use the schema of {table}: grant usage on schema {table.split('.', maxsplit=1)[0]}"
    allowed = {name: may == "t" for name, may in connection.execute(_COLUMNS, table.split("."))}
    if gone := [name for name in columns if name not in allowed]:
        yield f"{table} has no column {', '.join(gone)}: mend the region file's mapping, or the table"
    if [name for name in columns if not allowed.get(name, True)]:
        yield f"the role may not read {table}: grant select on {table}"


def _identified(connection: Connection, table: str, columns: Sequence[str] | None) -> bool:
    """Return whether deleted rows tell columns, or with None all of them."""
    found = connection.execute(_KIND, table.split(".")).fetchone()
    if found is None or found[1] == "f":
        return True  # a table that is not there is told elsewhere
    told = {name for (name,) in connection.execute(_IDENTITY, table.split("."))}
    return columns is not None and told >= set(columns)


def _one(connection: Connection, query: LiteralString, facts: Sequence[str] = ()) -> str:
    row = connection.execute(query, facts or None).fetchone()
    return "" if row is None else str(row[0])
