"""
What is held against what was replayed: households byte by byte, cells of all levels, rejected records; and how the one becomes the other.

Why: rows are exchanged, not tables. A table put in another's place is empty to a reader whose snapshot is older, and loses what
hangs on it (grants, views, storage parameters, replication); rows change for everyone at once, at the commit, and nobody starts over.
Must not: commit, or be run without the lock that keeps batches and folds out.
"""

from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
from psycopg import Connection

from processors.columns.statements import STATEMENT
from processors.indicators.catalogue import CATALOGUE_HASH, MEASURES
from processors.months import EPOCH
from processors.reference import Reference
from processors.store.outbox import mark
from processors.store.rebuild_tables import SCHEMA
from processors.store.rollup import LEVELS, PUBLISHED_LEVELS, Marks

__all__ = ["Comparison", "Difference", "compare", "shrinking", "take_over"]

SHOWN = 10
"""Differences of each kind that are named; more would not be read, and all are counted."""
_NAMES = tuple(measure.name for measure in MEASURES)
_HOUSEHOLDS = f"""
create temporary table different_household on commit drop as
select
    coalesce(held.id, replayed.id) as id,
    held.id is not null as is_held,
    replayed.id is not null as is_replayed,
    coalesce(length(held.statements), 0) > coalesce(length(whole.statements), 0)
    or coalesce(length(held.links), 0) > coalesce(length(whole.links), 0) as shrinks
from public.household as held
full join {SCHEMA}.household as replayed on replayed.id = held.id
left join {SCHEMA}.household as whole on whole.id = coalesce(replayed.same_as, replayed.id)
where (held.statements, held.same_as, held.links) is distinct from (replayed.statements, replayed.same_as, replayed.links)
"""  # noqa: S608 - our schema
_CELLS = f"""
create temporary table different_cell on commit drop as
select region, urbanisation, month, held.region is not null as is_held, replayed.region is not null as is_replayed
from public.cell as held
full join {SCHEMA}.cell as replayed using (region, urbanisation, month)
where
    ({", ".join(f"coalesce(held.{name}, 0)" for name in _NAMES)})
    is distinct from ({", ".join(f"coalesce(replayed.{name}, 0)" for name in _NAMES)})
    or held.level <> replayed.level
"""  # noqa: S608 - names of our catalogue
_REJECTED = f"""
create temporary table different_rejected on commit drop as
select
    topic,
    topic_id,
    partition,
    record_offset,
    held.cause as held_cause,
    replayed.cause as replayed_cause,
    held.cause is not null as is_held,
    replayed.cause is not null as is_replayed
from (
    select rejected.*
    from public.rejected
    join {SCHEMA}.ingest_offset using (topic, topic_id, partition)
) as held
full join {SCHEMA}.rejected as replayed using (topic, topic_id, partition, record_offset)
where held.cause is distinct from replayed.cause
"""  # noqa: S608 - our schema


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing that is held otherwise than it was replayed; never the value of what was said."""

    name: str
    what: str


@dataclass(frozen=True, slots=True)
class Comparison:
    """What was compared of one kind, in rows."""

    kind: str
    equal: int
    otherwise: int
    """Held and replayed, but not alike."""
    missing: int
    """Replayed, but not held."""
    surplus: int
    """Held, but not replayed."""
    first: tuple[Difference, ...]

    @property
    def same(self) -> bool:
        """True where nothing differs."""
        return not (self.otherwise or self.missing or self.surplus)


def compare(conn: Connection[Any], reference: Reference) -> tuple[Comparison, ...]:
    """Compare the live tables with those beside, and leave temporary tables of what differs to this transaction."""
    conn.execute(_HOUSEHOLDS.encode())
    conn.execute(_CELLS.encode())
    conn.execute(_REJECTED.encode())
    return (
        _counted(conn, "household", _households(conn, reference)),
        _counted(conn, "cell", _cells(conn)),
        _counted(conn, "rejected", _rejected(conn)),
    )


def shrinking(conn: Connection[Any]) -> int:
    """Return how many households have more statements in the live tables than were replayed; after `compare`."""
    row = conn.execute("select count(*) from different_household where shrinks").fetchone()
    return int(row[0]) if row else 0


def take_over(conn: Connection[Any], reference: Reference, *, figures: bool) -> None:
    """
    Make the live tables what was replayed, row by row where they differ; after `compare`.

    With `figures` all that is published is marked to be sent again. The catalogue becomes this program's, and where it was another
    the reference version moves, so that whoever still works with the other one stops.
    """
    conn.execute("delete from public.household using different_household as one where household.id = one.id and not one.is_replayed")
    conn.execute(
        "insert into public.household (id, statements, same_as, links)"  # noqa: S608 - our schema
        f" select id, replayed.statements, replayed.same_as, replayed.links from {SCHEMA}.household as replayed"
        " join different_household as one using (id) on conflict (id) do update"
        " set statements = excluded.statements, same_as = excluded.same_as, links = excluded.links".encode()
    )
    conn.execute(
        "delete from public.cell using different_cell as one where not one.is_replayed"
        " and (cell.region, cell.urbanisation, cell.month) = (one.region, one.urbanisation, one.month)"
    )
    conn.execute(
        f"insert into public.cell (region, urbanisation, month, level, {', '.join(_NAMES)})"  # noqa: S608 - names of our catalogue
        f" select region, urbanisation, month, replayed.level, {', '.join(f'replayed.{name}' for name in _NAMES)}"
        f" from {SCHEMA}.cell as replayed join different_cell as one using (region, urbanisation, month)"
        " on conflict (region, urbanisation, month) do update set level = excluded.level, "
        f"{', '.join(f'{name} = excluded.{name}' for name in _NAMES)}".encode()
    )
    _take_over_rejected(conn)
    if figures:
        _mark_all(conn, reference)
    conn.execute(
        "update public.reference_version set version = version + 1, catalogue_hash = %s where catalogue_hash <> %s",
        (CATALOGUE_HASH, CATALOGUE_HASH),
    )


def _take_over_rejected(conn: Connection[Any]) -> None:
    """Exchange rejected records; those with another cause become new rows, so that they are sent."""
    conn.execute(
        "delete from public.rejected using different_rejected as one"
        " where (rejected.topic, rejected.topic_id, rejected.partition, rejected.record_offset)"
        " = (one.topic, one.topic_id, one.partition, one.record_offset)"
    )
    conn.execute(
        "insert into public.rejected (topic, topic_id, partition, record_offset, arrived_at, cause, field, message, digest)"  # noqa: S608
        " select topic, topic_id, partition, record_offset, replayed.arrived_at,"
        " replayed.cause, replayed.field, replayed.message, replayed.digest"
        f" from {SCHEMA}.rejected as replayed join different_rejected as one using (topic, topic_id, partition, record_offset)"
        " order by replayed.arrived_at, topic, partition, record_offset".encode()
    )


def _mark_all(conn: Connection[Any], reference: Reference) -> None:
    """Mark all figures that leave the house, from their first month on."""
    regions = np.array(sorted(one.id for one in reference.regions.values() if one.level in LEVELS[:PUBLISHED_LEVELS]), np.int64)
    with conn.cursor(binary=True) as cursor:
        mark(
            cursor,
            Marks(np.repeat(regions, 2), np.tile(np.array([0, 1]), len(regions)), np.full(2 * len(regions), reference.first_month)),
        )


# ---- names of what differs ------------------------------------------------------------------------------------------------


def _counted(conn: Connection[Any], kind: str, first: list[Difference]) -> Comparison:
    row = conn.execute(
        "select count(*) filter (where is_held and is_replayed), count(*) filter (where not is_held),"  # noqa: S608 - our tables
        f" count(*) filter (where not is_replayed), (select count(*) from {SCHEMA}.{kind}) from different_{kind}".encode()
    ).fetchone()
    otherwise, missing, surplus, replayed = row or (0, 0, 0, 0)
    return Comparison(kind, replayed - otherwise - missing, otherwise, missing, surplus, tuple(first))


def _households(conn: Connection[Any], reference: Reference) -> list[Difference]:
    rows = conn.execute(
        "select one.id, held.statements, replayed.statements,"  # noqa: S608 - our schema
        " (held.same_as, held.links) is distinct from (replayed.same_as, replayed.links) from different_household as one"
        f" left join public.household as held using (id) left join {SCHEMA}.household as replayed using (id)"
        " order by one.id limit %s".encode(),
        (SHOWN,),
    ).fetchall()
    return [
        Difference(f"household {number}", _what_differs(held, replayed, reference, linked=linked))
        for number, held, replayed, linked in rows
    ]


def _what_differs(held: bytes | None, replayed: bytes | None, reference: Reference, *, linked: bool) -> str:
    """Return in words what of a household's row differs; `linked` where it is what is said of its names."""
    if held is None or replayed is None:
        return "is not held" if held is None else "was not said by any record"
    told = ["is linked to other names"] * linked + [_statements_that_differ(held, replayed, reference)] * (held != replayed)
    return "; ".join(told)


def _statements_that_differ(held: bytes, replayed: bytes, reference: Reference) -> str:
    """Return in words which statements of a household differ."""
    if len(held) % STATEMENT.itemsize:
        return "is torn"
    sides = [{(int(one["claimant"]), int(one["valid_from"])): one for one in np.frombuffer(side, STATEMENT)} for side in (held, replayed)]
    words = []
    for claimant, day in sorted(sides[0].keys() | sides[1].keys()):
        is_held, is_replayed = sides[0].get((claimant, day)), sides[1].get((claimant, day))
        if is_held is None or is_replayed is None or is_held != is_replayed:
            words.append(f"{_claim(claimant, day, reference)} {_how(is_held, is_replayed)}")
    return "; ".join(words[:3]) + (f"; {len(words) - 3} more" if len(words) > 3 else "") or "holds its statements in another order"


def _claim(claimant: int, day: int, reference: Reference) -> str:
    known = reference.by_claimant.get(claimant)
    since = date.fromordinal(max(1, min(EPOCH.toordinal() + day, date.max.toordinal())))
    return f"{known.region} {known.source} from {since}" if known else f"claimant {claimant} from {since}"


def _how(held: Any, replayed: Any) -> str:  # noqa: ANN401 - rows of STATEMENT, or None
    """Return how a statement is held otherwise: the names of fields, not their values."""
    if held is None:
        return "is not held"
    if replayed is None:
        return "was not said by any record"
    return "has another " + ", ".join(name for name in STATEMENT.names or () if held[name] != replayed[name])


def _cells(conn: Connection[Any]) -> list[Difference]:
    rows = conn.execute(
        "select coalesce(region.code, '#' || one.region), one.urbanisation, one.month,"  # noqa: S608 - names of our catalogue
        f" array[{', '.join(f'coalesce(held.{name}, 0)' for name in _NAMES)}],"
        f" array[{', '.join(f'coalesce(replayed.{name}, 0)' for name in _NAMES)}]"
        " from different_cell as one left join public.region on region.id = one.region"
        " left join public.cell as held on (held.region, held.urbanisation, held.month) = (one.region, one.urbanisation, one.month)"
        f" left join {SCHEMA}.cell as replayed"
        " on (replayed.region, replayed.urbanisation, replayed.month) = (one.region, one.urbanisation, one.month)"
        " order by region.number, one.urbanisation, one.month limit %s".encode(),
        (SHOWN,),
    ).fetchall()
    return [
        Difference(f"cell {code} {urbanisation} {month:%Y-%m}", _amounts_that_differ(held, replayed))
        for code, urbanisation, month, held, replayed in rows
    ]


def _amounts_that_differ(held: list[int], replayed: list[int]) -> str:
    words = [f"{name} is {old}, replayed {new}" for name, old, new in zip(_NAMES, held, replayed, strict=True) if old != new]
    return "; ".join(words[:3]) + (f"; {len(words) - 3} more" if len(words) > 3 else "") or "has another level"


def _rejected(conn: Connection[Any]) -> list[Difference]:
    rows = conn.execute(
        "select topic, partition, record_offset, coalesce(held_cause, 'accepted'), coalesce(replayed_cause, 'accepted')"
        " from different_rejected order by topic, partition, record_offset limit %s",
        (SHOWN,),
    ).fetchall()
    return [
        Difference(f"record {topic}[{partition}] {offset}", f"was {held}, replayed {replayed}")
        for topic, partition, offset, held, replayed in rows
    ]
