"""
The outbox: which figures changed since they were last sent, and which rejected records were not sent yet.

Why: what is to be published commits together with what changed, so nothing that counts can fail to leave the house.
A mark that moved while its figures were sent keeps its new revision and stays.
Must not: send anything (processors/publish does), or compute figures.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import numpy as np
from psycopg import Connection, Cursor

from processors.store.parameters import int4_array
from processors.store.rollup import Marks

__all__ = ["DeadLetter", "Mark", "dead_letters_sent", "mark", "mark_all", "settle", "unsent_dead_letters", "waiting"]


@dataclass(frozen=True, slots=True)
class Mark:
    """The figures of one region and urbanisation (urban or rural) changed from a month on; `revision` grows with every change."""

    region: int
    code: str
    urbanisation: str
    from_month: date
    revision: int


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """One rejected record as it leaves the house; `id` is its row."""

    id: int
    topic: str
    partition: int
    offset: int
    arrived_at: datetime
    cause: str
    field: str
    message: str
    digest: bytes


def mark(cursor: Cursor[Any], marks: Marks) -> None:
    """Set marks under a new revision, in the transaction that changes the figures: max(last + 1, now in microseconds)."""
    if not len(marks.region):
        return
    cursor.execute(
        "with next as (update publication"
        " set revision = greatest(revision + 1, (extract(epoch from clock_timestamp()) * 1000000)::bigint) returning revision)"
        " insert into outbox (region, urbanisation, from_month, revision)"
        " select new.region, case new.urban when 1 then 'urban' else 'rural' end,"
        " make_date(1970 + new.month / 12, new.month %% 12 + 1, 1), next.revision"
        " from unnest(%s, %s, %s) as new (region, urban, month) cross join next"
        " on conflict (region, urbanisation) do update"
        " set from_month = least(outbox.from_month, excluded.from_month), revision = excluded.revision",
        (int4_array(marks.region), int4_array(marks.urban), int4_array(marks.from_month)),
        prepare=True,
    )


def mark_all(cursor: Cursor[Any], levels: Sequence[str], from_month: int) -> None:
    """Set a mark on everything of some levels that has figures, likewise."""
    rows = cursor.execute(
        "select distinct region, (urbanisation = 'urban')::integer from cell where level = any(%s) order by 1, 2", (list(levels),)
    ).fetchall()
    places = np.array(rows, np.int64).reshape(-1, 2)
    mark(cursor, Marks(places[:, 0], places[:, 1], np.full(len(places), from_month)))


def waiting(conn: Connection[Any], codes: Sequence[str] | None = None) -> list[Mark]:
    """Return the marks of regions, given by code, or of all; the oldest revision first."""
    rows = conn.execute(
        "select outbox.region, region.code, outbox.urbanisation, outbox.from_month, outbox.revision"
        " from outbox join region on region.id = outbox.region where %s::text[] is null or region.code = any(%s)"
        " order by outbox.revision, outbox.region, outbox.urbanisation",
        (None if codes is None else list(codes), None if codes is None else list(codes)),
    ).fetchall()
    return [Mark(*row) for row in rows]


def settle(conn: Connection[Any], sent: Sequence[Mark]) -> int:
    """
    Take back the marks whose figures were sent, except those that moved meanwhile; return how many.

    Wants READ COMMITTED: a mark that a fold is moving is looked at again when that fold has committed. Rows are locked in the
    order in which a fold writes them, so that the two never wait for each other.
    """
    if not sent:
        return 0
    return conn.execute(
        "with unmoved as (select outbox.region, outbox.urbanisation from outbox"
        " join unnest(%s::integer[], %s::text[], %s::bigint[]) as sent (region, urbanisation, revision)"
        " on (outbox.region, outbox.urbanisation, outbox.revision) = (sent.region, sent.urbanisation, sent.revision)"
        " order by outbox.region, outbox.urbanisation for update of outbox)"
        " delete from outbox using unmoved where (outbox.region, outbox.urbanisation) = (unmoved.region, unmoved.urbanisation)",
        ([one.region for one in sent], [one.urbanisation for one in sent], [one.revision for one in sent]),
    ).rowcount


def unsent_dead_letters(conn: Connection[Any], limit: int) -> list[DeadLetter]:
    """Return rejected records that were not sent yet, the first ones first."""
    rows = conn.execute(
        "select id, topic, partition, record_offset, arrived_at, cause, field, message, digest"
        " from rejected where not sent order by id limit %s",
        (limit,),
    ).fetchall()
    return [DeadLetter(*row) for row in rows]


def dead_letters_sent(conn: Connection[Any], sent: Sequence[DeadLetter]) -> None:
    """Note that rejected records have left the house."""
    conn.execute("update rejected set sent = true where id = any(%s)", ([one.id for one in sent],))
