"""
The effect of statements that were not said yet: what they would change in the households that are held, and in the figures.

Why: whoever repairs events sees what becomes of the figures before anything is sent; it is computed by the merge that workers use,
against the statements as one snapshot has them, so it is exact for that moment.
Households are looked up under whatever name is known of them; a name that one of the statements would make known is not.
Must not: write anything: the transaction is read-only.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import numpy as np
from numpy.typing import NDArray
from psycopg import Connection, IsolationLevel

from processors.columns.cells import NO_CHANGES, CellChanges
from processors.columns.merge import merge
from processors.columns.statements import STATEMENT, Packed, unpack
from processors.indicators.catalogue import MEASURES
from processors.months import first_day, month_of
from processors.reference import Reference
from processors.repair.planning import Outcome, outcomes
from processors.store.figures import Figure
from processors.store.fold import read_tree
from processors.store.reference import read
from processors.store.rollup import LEVELS, rolled_up, total
from schemas.errors import Fatal

__all__ = ["Effect", "Moved", "ReferenceMovedOn", "effect"]

CHUNK = 5_000
"""Households computed at once."""
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


def effect(conn: Connection[Any], households: Sequence[bytes], said: Packed, reference: Reference) -> Effect:
    """
    Return what statements (n,) about households (n pseudonyms) would do to what one snapshot holds.

    Takes a connection in autocommit mode. Raises `ReferenceMovedOn` where the snapshot's reference data is of another version.
    """
    before = conn.isolation_level, conn.read_only
    conn.isolation_level, conn.read_only = IsolationLevel.REPEATABLE_READ, True
    try:
        with conn.transaction():
            found = read(conn).version
            if found != reference.version:
                raise ReferenceMovedOn(held=reference.version, found=found)
            told: list[Outcome] = [Outcome.CHANGES] * len(said)
            touched, cells = 0, NO_CHANGES
            for changed, changes in _chunks(conn, households, said, reference, told):
                touched, cells = touched + changed, total([cells, changes])
            row = conn.execute("select count(*) from cell_change").fetchone()
            return Effect(told, touched, list(_moved(conn, cells, reference)), int(row[0]) if row else 0)
    finally:
        conn.isolation_level, conn.read_only = before


def _chunks(
    conn: Connection[Any], households: Sequence[bytes], said: Packed, reference: Reference, told: list[Outcome]
) -> Iterator[tuple[int, CellChanges]]:
    """Give of some households at a time how many change, and their changes of cells; fill in what each statement does."""
    rows_of: dict[bytes, list[int]] = {}
    goes_by = _newer_names(conn, households)
    for row, household in enumerate(households):
        rows_of.setdefault(goes_by.get(household, household), []).append(row)
    distinct = sorted(rows_of)
    for begin in range(0, len(distinct), CHUNK):
        some = distinct[begin : begin + CHUNK]
        rows = [row for household in some for row in rows_of[household]]
        of = np.repeat(np.arange(len(some)), [len(rows_of[household]) for household in some])
        held, held_of = _held(conn, some)
        _judge(told, rows, said, of, held, held_of, reference)
        merged = merge(len(some), said[rows], of, held, held_of, reference)
        yield len(merged.changed), merged.cells


def _newer_names(conn: Connection[Any], names: Sequence[bytes]) -> dict[bytes, bytes]:
    """Return the names by which households go now, by those of some names that are older ones."""
    rows = conn.execute(
        "select id, same_as from household where id = any(%s) and same_as is not null", ([UUID(bytes=name) for name in {*names}],)
    ).fetchall()
    return {name.bytes: newer.bytes for name, newer in rows}


def _held(conn: Connection[Any], households: Sequence[bytes]) -> tuple[Packed, NDArray[np.int64]]:
    """Return the statements held of households, and the number of each one's household."""
    number = {household: place for place, household in enumerate(households)}
    rows = conn.execute(
        "select id, statements from household where id = any(%s)", ([UUID(bytes=household) for household in households],)
    ).fetchall()
    packed = np.frombuffer(b"".join(statements for _, statements in rows), STATEMENT)
    counts = [len(statements) // STATEMENT.itemsize for _, statements in rows]
    return packed, np.repeat(np.array([number[household.bytes] for household, _ in rows], np.int64), counts)


def _judge(
    told: list[Outcome],
    rows: Sequence[int],
    said: Packed,
    of: NDArray[np.int64],
    held: Packed,
    held_of: NDArray[np.int64],
    reference: Reference,
) -> None:
    """Fill in what each of some statements does, household by household, by the law."""
    held_by: dict[int, list[int]] = {}
    for place, household in enumerate(held_of.tolist()):
        held_by.setdefault(household, []).append(place)
    said_by: dict[int, list[int]] = {}
    for row, household in zip(rows, of.tolist(), strict=True):
        said_by.setdefault(household, []).append(row)
    for household, its in said_by.items():
        found = outcomes(unpack(said[its], reference), unpack(held[held_by.get(household, [])], reference))
        for row, outcome in zip(its, found, strict=True):
            told[row] = outcome


def _moved(conn: Connection[Any], villages: CellChanges, reference: Reference) -> Iterator[Moved]:
    """Give the figures of each regency in the months from which on they would be others."""
    tree = read_tree(conn.cursor(), reference.version)
    changes = rolled_up(villages, tree)
    by_region: dict[int, dict[int, NDArray[np.int64]]] = {}
    for key, amounts in zip(changes.keys.tolist(), changes.amounts, strict=True):
        if tree.level[key >> 13] == _REGENCY and amounts.any():
            months = by_region.setdefault(key >> 13, {})
            months[key & 4095] = months.get(key & 4095, 0) + amounts
    regions = {one.id: one for one in reference.regions.values() if one.id in by_region}
    stocks = _stocks(conn, [one.code for one in regions.values()])
    for number, months in sorted(by_region.items(), key=lambda one: regions[one[0]].code):
        region, gone_by = regions[number], np.zeros(len(MEASURES), np.int64)
        for month, amounts in sorted(months.items()):
            if not amounts.any():
                continue  # from urban to rural, or back
            gone_by = gone_by + amounts
            now = next((sums for at, sums in reversed(stocks.get(region.code, [])) if at <= month), (0,) * len(MEASURES))
            then = tuple(int(was) + int(more) for was, more in zip(now, gone_by, strict=True))
            place = (region.code, region.name, region.level, "all", first_day(month))
            yield Moved(Figure(*place, sums=tuple(now)), Figure(*place, sums=then))


def _stocks(conn: Connection[Any], codes: Sequence[str]) -> dict[str, list[tuple[int, tuple[int, ...]]]]:
    """Return the sums of regencies as they stand now: of each the months in which they change, growing, with the sums from there on."""
    rows = conn.execute(
        f"select code, month, {_NAMES} from measure"  # noqa: S608 - names of our catalogue
        " where level = 'regency' and urbanisation = 'all' and code = any(%s) order by code, month".encode(),
        (list(codes),),
    ).fetchall()
    found: dict[str, list[tuple[int, tuple[int, ...]]]] = {}
    for code, month, *sums in rows:
        found.setdefault(code, []).append((month_of(month), tuple(sums)))
    return found
