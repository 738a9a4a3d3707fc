"""
The effect of statements that were not said yet: what they would change in the households that are held, and in the figures.

Why: whoever repairs events sees what becomes of the figures before anything is sent; it is computed by the merge that workers use,
against the statements as one snapshot has them, so it is exact for that moment.
Must not: write anything: the transaction is read-only.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import psycopg
from numpy.typing import NDArray

from processors.columns.cells import NO_CHANGES, CellChanges
from processors.columns.households import distinct_households
from processors.columns.reading import Reading
from processors.columns.statements import unpack
from processors.indicators.catalogue import MEASURES
from processors.law import Statement
from processors.months import first_day, month_of
from processors.reference import Reference
from processors.repair.planning import Outcome, outcomes
from processors.store.connection import connect_worker
from processors.store.figures import Figure
from processors.store.linked import Names, looked_at
from processors.store.parameters import uuid_array
from processors.store.rollup import LEVELS, RegionTree, rolled_up, total
from schemas.errors import Fatal

__all__ = ["Effect", "Moved", "ReferenceMovedOn", "effect"]

CHUNK = 5_000
"""Households computed at once; where links connect them, all are, since no part of them stands for itself."""
_SESSION = (
    "set local transaction read only",
    "set local idle_in_transaction_session_timeout = '60s'",  # the merge of many households takes its time
    "set local enable_hashjoin = on",  # what is read here beside households is read as a whole
    "set local enable_seqscan = on",
)
_NAMES = ", ".join(measure.name for measure in MEASURES)
_REGENCY = LEVELS.index("regency")


class ReferenceMovedOn(Fatal):
    """the reference data moved from version {held} to {found} meanwhile: run it again"""


@dataclass(frozen=True, slots=True)
class Moved:
    """
    The figures of one regency, urban and rural together, in one month: now, and with the change.

    The difference between the two holds for every later month, too, up to the regency's next row.
    """

    before: Figure
    after: Figure


@dataclass(frozen=True, slots=True)
class Effect:
    """
    What statements would do.

    `outcomes` in the order of the statements; `households` whose statements would change; `figures` by regency and month; `to_fold`
    batches whose changes wait for the fold, which the figures, before and after, do not hold yet.
    """

    outcomes: Sequence[Outcome]
    households: int
    figures: Sequence[Moved]
    to_fold: int


def effect(database: str, said: Reading, reference: Reference) -> Effect:
    """
    Return what would come of what is said, on a connection of its own to the database.

    Raises `ReferenceMovedOn` where the reference data is of another version by now, `DatabaseAway`.
    """
    return asyncio.run(_effect(database, said, reference))


async def _effect(database: str, said: Reading, reference: Reference) -> Effect:
    connection = await connect_worker(database)
    try:
        async with connection.transaction():
            for setting in _SESSION:
                await connection.execute(setting)
            version = await _one(connection, "select version from reference_version")
            if version != reference.version:
                raise ReferenceMovedOn(held=reference.version, found=version)
            told: list[Outcome] = [Outcome.CHANGES] * len(said.statements)
            touched, cells = 0, NO_CHANGES
            async for rows in _parts(connection, said):
                part = Reading(said.household[rows], said.statements[rows], [], said.links)
                found, merged = await looked_at(connection.cursor(binary=True), part, reference)
                _judge(told, rows, part, found, reference)
                touched, cells = touched + len(merged.changed), total([cells, merged.cells])
            moved = [one async for one in _moved(connection, cells, reference)]
            return Effect(told, touched, moved, await _one(connection, "select count(*) from cell_change"))
    finally:
        await connection.close()


async def _one(connection: psycopg.AsyncConnection[Any], query: str, *parameters: object) -> Any:  # noqa: ANN401 - any one value
    cursor = await connection.execute(query.encode(), parameters or None)
    row = await cursor.fetchone()
    return row[0] if row else None


async def _parts(connection: psycopg.AsyncConnection[Any], said: Reading) -> AsyncIterator[NDArray[np.int64]]:
    """Give the rows of some statements at a time: all about some households, of which none is also one of the others."""
    if not len(said.statements):
        return
    distinct, number = distinct_households(said.household)
    linked = len(said.links) or await _one(
        connection, "select exists (select from household where id = any(%s) and same_as is not null)", uuid_array(distinct)
    )
    size = len(distinct) if linked else CHUNK
    for begin in range(0, len(distinct), size):
        yield np.flatnonzero((number >= begin) & (number < begin + size))


def _judge(told: list[Outcome], rows: NDArray[np.int64], part: Reading, found: Names, reference: Reference) -> None:
    """Fill in what each of some statements does, household by household, by the law."""
    held: dict[int, list[Statement]] = {}
    for household, one in zip(found.goes_by[found.counted_as].tolist(), unpack(found.rows.statements, reference), strict=True):
        held.setdefault(household, []).append(one)
    said: dict[int, list[tuple[int, Statement]]] = {}
    for row, household, one in zip(rows.tolist(), found.numbers(part.household).tolist(), unpack(part.statements, reference), strict=True):
        said.setdefault(household, []).append((row, one))
    for household, its in said.items():
        for (row, _), outcome in zip(its, outcomes([one for _, one in its], held.get(household, [])), strict=True):
            joins = bool(found.joined[household]) and outcome is not Outcome.CHANGES
            told[row] = Outcome.JOINS if joins else outcome


async def _moved(connection: psycopg.AsyncConnection[Any], villages: CellChanges, reference: Reference) -> AsyncIterator[Moved]:
    """Give the figures of each regency in the months from which on they would be others."""
    by_region = _changes_of_regencies(villages, reference)
    stocks = await _stocks(connection, list(by_region))
    for code, months in sorted(by_region.items()):
        region, gone_by = reference.regions[code], np.zeros(len(MEASURES), np.int64)
        for month, amounts in sorted(months.items()):
            if not amounts.any():
                continue  # from urban to rural, or back
            gone_by = gone_by + amounts
            now = next((sums for at, sums in reversed(stocks.get(code, [])) if at <= month), (0,) * len(MEASURES))
            before = Figure(code, region.name, region.level, "all", first_day(month), now)
            yield Moved(before, replace(before, sums=tuple(int(was) + int(more) for was, more in zip(now, gone_by, strict=True))))


def _changes_of_regencies(villages: CellChanges, reference: Reference) -> dict[str, dict[int, NDArray[np.int64]]]:
    """Return the signed changes of regencies by code and month, urban and rural together."""
    tree = _tree(reference)
    changes = rolled_up(villages, tree)
    codes = {one.id: one.code for one in reference.regions.values() if one.level == LEVELS[_REGENCY]}
    found: dict[str, dict[int, NDArray[np.int64]]] = {}
    for key, amounts in zip(changes.keys.tolist(), changes.amounts, strict=True):
        if key >> 13 in codes:
            months = found.setdefault(codes[key >> 13], {})
            months[key & 4095] = months.get(key & 4095, 0) + amounts
    return found


def _tree(reference: Reference) -> RegionTree:
    """Return the regions as a tree."""
    greatest = max((one.id for one in reference.regions.values()), default=0)
    parent, level = np.zeros(greatest + 1, np.int64), np.full(greatest + 1, len(LEVELS))
    for one in reference.regions.values():
        parent[one.id], level[one.id] = reference.regions[one.parent].id if one.parent else 0, LEVELS.index(one.level)
    return RegionTree(reference.version, parent, level)


async def _stocks(connection: psycopg.AsyncConnection[Any], codes: Sequence[str]) -> dict[str, list[tuple[int, tuple[int, ...]]]]:
    """Return the sums of regencies as they stand now: of each the months in which they change, growing, with the sums from there on."""
    cursor = await connection.execute(
        f"select code, month, {_NAMES} from measure"  # noqa: S608 - names of our catalogue
        " where level = 'regency' and urbanisation = 'all' and code = any(%s) order by code, month".encode(),
        (list(codes),),
    )
    found: dict[str, list[tuple[int, tuple[int, ...]]]] = {}
    for code, month, *sums in await cursor.fetchall():
        found.setdefault(code, []).append((month_of(month), tuple(sums)))
    return found
