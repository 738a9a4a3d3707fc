"""
Loads of reference data: regions, who may speak for whom, poverty lines; each one transaction that leaves every figure exact.

Why: a figure rests on one version of the reference data, so rows, version and figures move together, while batches wait.
A load that dies is rolled back by the database and has left nothing; one that is stopped, too (processors/store/exclusive.py).
Must not: remove anything (a region or line that was used explains figures), or change the level of a region.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import astuple, dataclass, replace
from datetime import date
from typing import Any

import numpy as np
from psycopg import Connection

from processors.months import month_of
from processors.reference import Limits, Reference, number_of
from processors.store.exclusive import exclude, go_on
from processors.store.outbox import mark
from processors.store.parameters import register
from processors.store.recompute import Progress, recompute, recompute_above
from processors.store.reference import read
from processors.store.reference_sheets import LineRow, Mistake, RegionRow, Sheet, SourceRow
from processors.store.rollup import LEVELS, PUBLISHED_LEVELS, Marks
from schemas.errors import Fatal

__all__ = ["LimitsNarrowed", "Loaded", "load_lines", "load_regions", "load_sources"]


class LimitsNarrowed(Fatal):
    """{name} is {held} and cannot become {said}: limits only widen, or a rebuild would reject what was accepted by the former ones"""


@dataclass(frozen=True, slots=True)
class Loaded:
    """What a load did."""

    version: int
    """Version of the reference data after it."""
    changed: int
    """Rows added or replaced; with 0 nothing moved, the version neither."""
    households: int
    """Households recomputed."""


def load_lines(conn: Connection[Any], rows: Sheet[LineRow], progress: Progress | None = None) -> Loaded:
    """
    Add or replace poverty lines and recompute the households that they govern; `conn` is in autocommit mode.

    Raises `MistakesInSheet` with everything that is wrong in the file, and changes nothing then.
    """
    with _locked(conn) as before:
        rows.refuse(_unknown_regions(rows, before, LEVELS[:PUBLISHED_LEVELS], "a poverty line belongs to"))
        changed = _write_lines(conn, rows.rows, before)
        if not changed:
            return Loaded(before.version, 0, 0)
        after = _next_version(conn)
        households = recompute(conn, before, after, progress)
        # A figure may keep its value and yet be flagged otherwise, so all that the lines govern is sent again.
        _mark(conn, after, _around(after, {region for region, _ in changed}), min(month_of(day) for _, day in changed))
    return Loaded(after.version, len(changed), households)


def load_sources(conn: Connection[Any], rows: Sheet[SourceRow], progress: Progress | None = None) -> Loaded:
    """
    Let sources speak for regencies, or change their ranks and recompute the households of which several sources speak.

    `conn` is in autocommit mode. Raises `MistakesInSheet` with everything that is wrong in the file, and changes nothing then.
    """
    with _locked(conn) as before:
        rows.refuse(_unknown_regions(rows, before, ("regency",), "a source speaks for"))
        changed = _write_sources(conn, rows.rows, before)
        if not changed:
            return Loaded(before.version, 0, 0)
        after = _next_version(conn)
        return Loaded(after.version, changed, recompute(conn, before, after, progress))


def load_regions(
    conn: Connection[Any], rows: Sheet[RegionRow], progress: Progress | None = None, limits: Mapping[str, int] | None = None
) -> Loaded:
    """
    Add or replace regions, recompute the households of villages that count otherwise now, and the sums of what lost or gained parts.

    With them limits are widened, those that are given by name. `conn` is in autocommit mode. Raises `MistakesInSheet` with everything
    that is wrong in the file, and `LimitsNarrowed`, and changes nothing then.
    """
    with _locked(conn) as before:
        rows.refuse(_wrong_regions(rows, before))
        widened = _widen(conn, before.limits, limits or {})
        changed = sum(_write_level(conn, [row for row in rows.rows if row.level == level]) for level in LEVELS)
        if not changed and not widened:
            return Loaded(before.version, 0, 0)
        after = _next_version(conn)
        _keep_former(conn, before, after)
        households = recompute(conn, before, after, progress)
        moved = [code for code, region in before.regions.items() if after.regions[code].parent != region.parent]
        above = {one for code in moved for reference in (before, after) for one in _above(reference, code)}
        ids = {after.regions[code].id for code in above}
        if ids:
            recompute_above(conn, sorted(ids))
        renamed = {region.id for code, region in before.regions.items() if after.regions[code].name != region.name}
        _mark(conn, after, ids | renamed, after.first_month)
    return Loaded(after.version, changed, households)


# ---- the transaction ------------------------------------------------------------------------------------------------------


@contextmanager
def _locked(conn: Connection[Any]) -> Iterator[Reference]:
    """Keep batches and folds out until the transaction ends, and give the reference data before the load."""
    with conn.transaction():
        conn.execute("set transaction isolation level read committed")
        exclude(conn)
        go_on(conn)
        yield read(conn)


def _next_version(conn: Connection[Any]) -> Reference:
    """
    Begin the next version, and let the planner know the tables' sizes at once.

    PostgreSQL itself looks once a minute, and until then whoever asks for some regions' figures reads a country's.
    """
    conn.execute("update reference_version set version = version + 1")
    conn.execute("analyze region, source, poverty_line, reference_version")
    return read(conn)


def _mark(conn: Connection[Any], reference: Reference, ids: Iterable[int], from_month: int) -> None:
    """Mark regions for publishing, those that leave the house and have figures."""
    rows = conn.execute(
        "select distinct region, (urbanisation = 'urban')::integer from cell where region = any(%s) and level = any(%s) order by 1, 2",
        (list(ids), list(LEVELS[:PUBLISHED_LEVELS])),
    ).fetchall()
    places = np.array(rows, np.int64).reshape(-1, 2)
    register(conn)
    with conn.cursor(binary=True) as cursor:
        mark(cursor, Marks(places[:, 0], places[:, 1], np.full(len(places), max(from_month, reference.first_month))))


def _above(reference: Reference, code: str) -> Iterator[str]:
    """Yield the codes of all regions that a region is part of."""
    at = reference.regions.get(code)
    while at is not None and at.parent is not None:
        yield at.parent
        at = reference.regions.get(at.parent)


def _around(reference: Reference, owners: set[int]) -> set[int]:
    """Return the ids of regions, of all that they are part of, and of the regencies and provinces in them."""
    around = set(owners)
    for code, region in reference.regions.items():
        if region.level in LEVELS[:PUBLISHED_LEVELS]:
            line = [region.id, *(reference.regions[one].id for one in _above(reference, code))]
            if owners.intersection(line):
                around.update(line)
    return around


# ---- rows ------------------------------------------------------------------------------------------------------------------


def _write_lines(conn: Connection[Any], rows: Sequence[LineRow], before: Reference) -> list[tuple[int, date]]:
    """Add or replace lines; return region and first day of those that changed."""
    return conn.execute(
        "insert into poverty_line (definition, region, urbanisation, valid_from, rupiah, origin, version)"
        " select definition, region, urbanisation, valid_from, rupiah, origin, %s"
        " from unnest(%s::text[], %s::integer[], %s::text[], %s::date[], %s::bigint[], %s::text[])"
        " as said (definition, region, urbanisation, valid_from, rupiah, origin)"
        " on conflict (definition, region, urbanisation, valid_from) do update"
        " set rupiah = excluded.rupiah, origin = excluded.origin, version = excluded.version"
        " where (poverty_line.rupiah, poverty_line.origin) is distinct from (excluded.rupiah, excluded.origin)"
        " returning region, valid_from",
        (
            before.version + 1,
            [row.definition for row in rows],
            [before.regions[row.region].id for row in rows],
            [row.urbanisation for row in rows],
            [row.valid_from for row in rows],
            [row.rupiah for row in rows],
            [row.origin for row in rows],
        ),
    ).fetchall()


def _write_sources(conn: Connection[Any], rows: Sequence[SourceRow], before: Reference) -> int:
    """Add sources or change their ranks; return how many changed."""
    arrays = ([before.regions[row.region].id for row in rows], [row.source for row in rows], [row.rank for row in rows])
    ranked = conn.execute(
        "update source set rank = said.rank"
        " from unnest(%s::integer[], %s::text[], %s::integer[]) as said (region, source, rank)"
        " where (source.region, source.source) = (said.region, said.source) and source.rank <> said.rank",
        arrays,
    ).rowcount
    added = conn.execute(
        "insert into source (region, source, rank)"
        " select region, source, rank from unnest(%s::integer[], %s::text[], %s::integer[]) as said (region, source, rank)"
        " where not exists (select from source where (source.region, source.source) = (said.region, said.source))",
        arrays,
    ).rowcount
    return ranked + added


def _write_level(conn: Connection[Any], rows: Sequence[RegionRow]) -> int:
    """Add or replace regions of one level, whose parents are there; return how many changed."""
    arrays = (
        [row.code for row in rows],
        [row.bps_code for row in rows],
        [row.name for row in rows],
        [row.level for row in rows],
        [row.parent for row in rows],
        [row.urbanisation for row in rows],
    )
    replaced = conn.execute(
        "update region set bps_code = said.bps_code, name = said.name, parent = parent.id, urbanisation = said.urbanisation"
        " from unnest(%s::text[], %s::text[], %s::text[], %s::text[], %s::text[], %s::text[])"
        " as said (code, bps_code, name, level, parent, urbanisation)"
        " left join region as parent on parent.code = said.parent"
        " where region.code = said.code and (region.bps_code, region.name, region.parent, region.urbanisation)"
        " is distinct from (said.bps_code, said.name, parent.id, said.urbanisation)",
        arrays,
    ).rowcount
    added = conn.execute(
        "insert into region (code, bps_code, name, level, parent, urbanisation)"
        " select said.code, said.bps_code, said.name, said.level, parent.id, said.urbanisation"
        " from unnest(%s::text[], %s::text[], %s::text[], %s::text[], %s::text[], %s::text[])"
        " as said (code, bps_code, name, level, parent, urbanisation)"
        " left join region as parent on parent.code = said.parent"
        " where not exists (select from region where region.code = said.code) order by said.code",
        arrays,
    ).rowcount
    return replaced + added


def _widen(conn: Connection[Any], held: Limits, said: Mapping[str, int]) -> bool:
    """Widen the limits that are given by name, and return whether one moved."""
    for name, value in said.items():
        if value < getattr(held, name):
            raise LimitsNarrowed(name=name, held=getattr(held, name), said=value)
    limits = replace(held, **said)
    conn.execute("update reference_version set household_size = %s, days_ahead = %s", astuple(limits))
    return limits != held


def _keep_former(conn: Connection[Any], before: Reference, after: Reference) -> None:
    """Keep the regencies that villages have left, whichever level moved."""
    left = [(one.id, before.regency_of(one.code)) for one in before.villages]
    moved = [(number, was) for (number, was), one in zip(left, before.villages, strict=True) if was and was != after.regency_of(one.code)]
    conn.execute(
        "insert into former_regency (village, regency, until_version)"
        " select village, regency, %s from unnest(%s::integer[], %s::integer[]) as moved (village, regency)"
        " on conflict (village, regency) do update set until_version = excluded.until_version",
        (before.version, [number for number, _ in moved], [before.regions[was].id for _, was in moved]),
    )


# ---- what only the database knows to be wrong ------------------------------------------------------------------------------


def _unknown_regions(rows: Sheet[LineRow] | Sheet[SourceRow], reference: Reference, levels: tuple[str, ...], who: str) -> Iterator[Mistake]:
    for row in rows.rows:
        region = reference.regions.get(row.region)
        if region is None:
            yield Mistake(row.line, f"region {row.region} is not known: load it first (muara regions load)")
        elif region.level not in levels:
            yield Mistake(row.line, f"{row.region} is a {region.level}, but {who} a {' or '.join(levels)}")


def _wrong_regions(rows: Sheet[RegionRow], reference: Reference) -> Iterator[Mistake]:
    levels = {code: region.level for code, region in reference.regions.items()} | {row.code: row.level for row in rows.rows}
    numbers = {(region.level, number_of(code)): code for code, region in reference.regions.items() if region.level != "nation"}
    for row in rows.rows:
        held = reference.regions.get(row.code)
        if held is not None and held.level != row.level:
            yield Mistake(
                row.line, f"{row.code} is a {held.level} already and cannot become a {row.level}: give the new region its own code"
            )
        if row.level != "nation":
            yield from _wrong_place(row, levels.get(row.parent or ""))
            same = numbers.setdefault((row.level, number_of(row.code)), row.code)
            if same != row.code:
                yield Mistake(row.line, f"{row.code} has the digits of {same}: codes of one level must differ in their digits")


def _wrong_place(row: RegionRow, above: str | None) -> Iterator[Mistake]:
    if above is None:
        yield Mistake(row.line, f"parent {row.parent} is neither in the file nor known")
    elif LEVELS.index(above) >= LEVELS.index(row.level):
        yield Mistake(row.line, f"parent {row.parent} is a {above}, which cannot hold a {row.level}")
