"""
What the owner of a database makes so that its changes can be followed without its log: an outbox, or times of change with tombstones.

Why: each way of capture is played as the README tells owners to set it up, by triggers that see every change whoever makes it.
Must not: run anything.
"""

from collections.abc import Iterator, Sequence
from typing import Literal

from psycopg import sql

from producers.declaration import PostgresSource

__all__ = ["followed", "tables_beside"]


def tables_beside(source: PostgresSource) -> Sequence[str]:
    """Return the tables that are read beside those of the families."""
    if source.outbox is not None:
        return [source.outbox.table]
    return [source.tombstones.table] if source.tombstones is not None else []


def followed(source: PostgresSource) -> Iterator[sql.Composed]:
    """Give the statements that make what a way of capture needs, behind the main table of the families."""
    main = _name(source.table)
    if source.capture == "outbox" and source.outbox is not None:
        told, key = source.outbox, sql.Identifier(source.key)
        outbox, sequence, operation = _name(told.table), sql.Identifier(told.sequence), sql.Identifier(told.operation)
        lists = sql.SQL("").join(sql.SQL(", {} jsonb").format(sql.Identifier(one.name)) for one in source.lists)
        yield sql.SQL("create table {} (like {}{}, {} bigserial primary key, {} text)").format(outbox, main, lists, sequence, operation)
        yield _trigger(
            main,
            sql.SQL(
                "insert into {outbox} select * from jsonb_populate_record(null::{outbox},"
                " to_jsonb(case when tg_op = 'DELETE' then old else new end) || jsonb_build_object("
                " {sequence}, nextval(pg_get_serial_sequence({name}, {sequence})),"
                " {operation}, case when tg_op = 'DELETE' then {deleted} else 'UBAH' end{lists})); return null;"
            ).format(
                outbox=outbox,
                name=sql.Literal(told.table),
                sequence=sql.Literal(told.sequence),
                operation=sql.Literal(told.operation),
                deleted=sql.Literal(told.deleted[0]),
                lists=sql.SQL("").join(
                    sql.SQL(
                        ", {}, (select coalesce(jsonb_agg(to_jsonb(one) order by one.id), '[]') from {} one"
                        " where one.{} = case when tg_op = 'DELETE' then old.{} else new.{} end)"
                    ).format(sql.Literal(one.name), _name(one.table), sql.Identifier(one.key), key, key)
                    for one in source.lists
                ),
            ),
            "deferred",
        )
    elif source.capture == "changed_at" and source.tombstones is not None and source.changed_at is not None:
        gone, at = _name(source.tombstones.table), sql.Identifier(source.tombstones.changed_at)
        yield sql.SQL("create table {} (like {})").format(gone, main)
        yield sql.SQL("alter table {} add column if not exists {} timestamptz").format(gone, at)
        yield _trigger(
            main,
            sql.SQL(
                "if tg_op = 'DELETE' then insert into {gone} select (jsonb_populate_record(null::{gone}, to_jsonb(old)"
                " || jsonb_build_object({at}, clock_timestamp()))).*; return old; end if; new.{changed} := clock_timestamp(); return new;"
            ).format(gone=gone, at=sql.Literal(source.tombstones.changed_at), changed=sql.Identifier(source.changed_at)),
            "before",
        )


def _trigger(main: sql.Composable, body: sql.Composed, when: Literal["before", "deferred"]) -> sql.Composed:
    """Return the statement that runs a body before each change of a row, or for each once all of its transaction is there."""
    trigger, on = {
        "before": (sql.SQL("trigger perubahan_contoh before"), sql.SQL("")),
        "deferred": (sql.SQL("constraint trigger perubahan_contoh after"), sql.SQL(" deferrable initially deferred")),
    }[when]
    return sql.SQL(
        "create function perubahan_contoh() returns trigger language plpgsql as $body$ begin {body} end $body$;"
        " create {trigger} insert or update or delete on {main}{on} for each row execute function perubahan_contoh()"
    ).format(body=body, trigger=trigger, main=main, on=on)


def _name(table: str) -> sql.Identifier:
    return sql.Identifier(*table.split(".", 1))
