"""
Figures moved from one version of the reference data to the next: for each household that it governs, its cells by the new minus by the old.

Why: the difference of two computations from nothing is exact, whatever changed, and costs one pass over the households.
Must not: commit, or be run without the lock that keeps batches and folds out.
"""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray
from psycopg import Connection

from processors.columns.cells import NO_CHANGES, CellChanges, changes_from_nothing
from processors.columns.statements import STATEMENT, Packed
from processors.indicators.catalogue import MEASURES
from processors.reference import Reference, number_of
from processors.store.exclusive import go_on
from processors.store.fold import add_to_cells, read_tree
from processors.store.parameters import register
from processors.store.rollup import total

__all__ = ["Governed", "Progress", "governed", "recompute", "recompute_above"]

CHUNK = 20_000
"""Households computed at once: the arrays stay near 100 MB; far fewer and numpy's calls cost more than its work."""
KEPT = 200_000
"""Cells gathered before they are written; a chunk alone would write the same cells again and again."""

Progress = Callable[[int, int], None]
"""Told how many households of how many are done."""


@dataclass(frozen=True, slots=True)
class Governed:
    """
    Which households a change of reference data can touch.

    Those ever seen in `villages` (numbers, growing), and with `order_of_claims` those of several claims.
    """

    villages: NDArray[np.int64]
    order_of_claims: bool

    @property
    def nobody(self) -> bool:
        """True where no household can count otherwise than before."""
        return not len(self.villages) and not self.order_of_claims


def governed(before: Reference, after: Reference) -> Governed:
    """Return what counts otherwise after than before: villages by lines, regency or urbanisation, and the order of claims."""
    were, are = _circumstances(before), _circumstances(after)
    villages = sorted(number for number, were_so in were.items() if are.get(number) != were_so)
    known = before.by_claimant.keys()
    orders = [[claimant for claimant in _by_order(reference) if claimant in known] for reference in (before, after)]
    return Governed(np.array(villages, np.int64), orders[0] != orders[1])


def recompute(conn: Connection[Any], before: Reference, after: Reference, progress: Progress | None = None) -> int:
    """Add to the cells what households amount to by `after`, minus what they did by `before`; return how many were computed."""
    touched = governed(before, after)
    if touched.nobody:
        return 0
    (households,) = conn.execute("select count(*) from household where same_as is null").fetchone() or (0,)
    register(conn)
    tree = read_tree(conn.cursor(), after.version)
    computed, done, kept = 0, 0, NO_CHANGES
    with conn.cursor(name="households", binary=True) as rows, conn.cursor(binary=True) as cursor:
        rows.execute("select statements from household where same_as is null")
        while chunk := rows.fetchmany(CHUNK):
            count, changes = _difference([row[0] for row in chunk], touched, before, after)
            kept = _some(total([kept, changes]))
            computed, done = computed + count, done + len(chunk)
            go_on(conn)
            if len(kept.keys) > KEPT:
                add_to_cells(cursor, kept, tree)
                kept = NO_CHANGES
            if progress:
                progress(done, households)
        add_to_cells(cursor, kept, tree)
    return computed


def recompute_above(conn: Connection[Any], regions: list[int]) -> None:
    """Make the cells of regions above villages anew, from those of their villages; for regions that lost or gained parts."""
    names = [measure.name for measure in MEASURES]
    conn.execute("delete from cell where region = any(%s)", (regions,))
    conn.execute(
        (
            "with recursive inside as ("  # noqa: S608 - names of our catalogue
            " select id as region, id as part from region where id = any(%s)"
            " union all select inside.region, region.id from inside join region on region.parent = inside.part)"
            f" insert into cell (region, urbanisation, month, level, {', '.join(names)})"
            f" select region.id, cell.urbanisation, cell.month, region.level, {', '.join(f'sum(cell.{name})' for name in names)}"
            " from inside join region on region.id = inside.region"
            " join cell on cell.region = inside.part and cell.level = 'village'"
            " group by region.id, region.level, cell.urbanisation, cell.month"
        ).encode(),
        (regions,),
    )


def _difference(held: list[bytes], touched: Governed, before: Reference, after: Reference) -> tuple[int, CellChanges]:
    """Return how many of the households, given by their packed statements, are touched, and the difference that they amount to."""
    statements = np.frombuffer(b"".join(held), STATEMENT)
    household = np.repeat(np.arange(len(held)), [len(one) // STATEMENT.itemsize for one in held])
    chosen = _chosen(statements, household, touched, len(held))
    rows = chosen[household]
    count = int(chosen.sum())
    if not count:
        return 0, NO_CHANGES
    statements, household = statements[rows], (np.cumsum(chosen) - 1)[household[rows]]
    were = changes_from_nothing(statements, household, before)
    are = changes_from_nothing(statements, household, after)
    return count, total([are, CellChanges(were.keys, -were.amounts)])


def _chosen(statements: Packed, household: NDArray[np.int64], touched: Governed, households: int) -> NDArray[np.bool_]:
    """Return which households are touched, shape (households,)."""
    chosen = np.zeros(households, bool)
    chosen[household[np.isin(statements["village"].astype(np.int64), touched.villages)]] = True
    if touched.order_of_claims:
        claimant = statements["claimant"].astype(np.int64)
        chosen[household[1:][(household[1:] == household[:-1]) & (claimant[1:] != claimant[:-1])]] = True
    return chosen


def _some(changes: CellChanges) -> CellChanges:
    """Return the changes without those that come to nothing."""
    some = changes.amounts.any(axis=1)
    return CellChanges(changes.keys[some], changes.amounts[some])


def _by_order(reference: Reference) -> list[int]:
    return sorted(reference.by_claimant, key=lambda claimant: int(reference.claimant_order[claimant]))


def _circumstances(reference: Reference) -> dict[int, tuple[object, ...]]:
    """Return of each village, by number, all that decides how a household in it counts."""
    segments = reference.segments
    groups = segments.key >> 20
    firsts = np.flatnonzero(np.diff(groups, prepend=-1)).tolist()
    lines = {
        int(groups[begin]): (
            (segments.key[begin:end] & ((1 << 20) - 1)).tobytes(),
            segments.national[begin:end].tobytes(),
            segments.extreme[begin:end].tobytes(),
        )
        for begin, end in pairwise([*firsts, len(groups)])
    }
    return {
        number_of(village.code): (village.id, int(regency), int(urban), lines.get(int(group)))
        for village, regency, urban, group in zip(
            reference.villages, reference.village_regency, reference.village_urban, reference.village_group, strict=True
        )
    }
