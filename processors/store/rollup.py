"""
Sums of cell changes: of many batches, and from villages up to the nation, on arrays.

Why: a region's figure is the sum of its villages', so what changed below is added above, and nothing is recomputed.
Must not: know PostgreSQL, Kafka or a clock.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from processors.columns.cells import NO_CHANGES, CellChanges
from processors.indicators.catalogue import MEASURES
from schemas.errors import Fatal

__all__ = ["LEVELS", "PUBLISHED_LEVELS", "Marks", "RegionTree", "SumsTooLarge", "marks_of", "rolled_up", "total"]

LEVELS = ("nation", "province", "regency", "district", "village")
PUBLISHED_LEVELS = 3
"""The first so many levels leave the house; district and village stay."""
GREATEST = float(1 << 62)
"""Of changes that are added up, whatever their signs; half of what 64 bits hold, so that the rounding of floats cannot matter."""
_REGION, _URBAN, _PLACE, _MONTH = 13, 12, (1 << 13) - 1, (1 << 12) - 1


class SumsTooLarge(Fatal):
    """the sums of {measure} pass 64 bits: some records say amounts beyond reason, correct them at their source, then run muara rebuild"""


@dataclass(frozen=True, slots=True)
class RegionTree:
    """Regions by their id, of one reference version: `parent` (ids,) with 0 for none, `level` (ids,) as place in `LEVELS`."""

    version: int
    parent: NDArray[np.int64]
    level: NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Marks:
    """Regions and urbanisations whose figures changed, each from a month on; arrays of one shape (marks,)."""

    region: NDArray[np.int64]
    urban: NDArray[np.int64]
    from_month: NDArray[np.int64]


def total(parts: Sequence[CellChanges]) -> CellChanges:
    """
    Return changes added up by key; the keys of each part are distinct. Cells that come to nothing stay, as zeros.

    Raises `SumsTooLarge`.
    """
    if len(parts) == 1:
        return parts[0]
    if not parts:
        return NO_CHANGES
    _check_fits([part.amounts for part in parts])
    return _added(parts)


def rolled_up(villages: CellChanges, tree: RegionTree) -> CellChanges:
    """Return changes of villages together with those of all regions that they are part of, sorted by key; raises `SumsTooLarge`."""
    _check_fits([villages.amounts])
    levels = [villages]
    while len(levels[-1].keys):
        below = levels[-1]
        above = tree.parent[below.keys >> _REGION]
        has = np.flatnonzero(above)
        levels.append(_by_key(above[has] << _REGION | below.keys[has] & _PLACE, below.amounts[has]))
    return _added(levels)


def _added(parts: Sequence[CellChanges]) -> CellChanges:
    """Return parts of distinct keys added up by key, the keys growing; it is known that they fit."""
    keys, place = np.unique(np.concatenate([part.keys for part in parts]), return_inverse=True)
    sums = np.zeros((len(keys), parts[0].amounts.shape[1]), np.int64)
    begin = 0
    for part in parts:
        # Distinct keys, so no place occurs twice and one vectorised addition is exact.
        sums[place[begin : begin + len(part.keys)]] += part.amounts
        begin += len(part.keys)
    return CellChanges(keys, sums)


def marks_of(changes: CellChanges, tree: RegionTree) -> Marks:
    """Return what must be published anew: regencies and above, each from its first month that changed. `changes` is sorted by key."""
    changed = (tree.level[changes.keys >> _REGION] < PUBLISHED_LEVELS) & changes.amounts.any(axis=1)
    keys = changes.keys[changed]
    first = np.flatnonzero(np.diff(keys >> _URBAN, prepend=-1))
    keys = keys[first]
    return Marks(keys >> _REGION, keys >> _URBAN & 1, keys & _MONTH)


def _check_fits(amounts: Sequence[NDArray[np.int64]]) -> None:
    """Refuse what might pass 64 bits when it is added up: numpy would wrap without a word, and PostgreSQL notices only what reaches it."""
    gross = sum(np.abs(one, dtype=np.float64).sum(axis=0) for one in amounts)
    beyond = np.flatnonzero(gross >= GREATEST)
    if len(beyond):
        raise SumsTooLarge(measure=MEASURES[int(beyond[0])].name)


def _by_key(keys: NDArray[np.int64], amounts: NDArray[np.int64]) -> CellChanges:
    """Return entries added up by key; keys may repeat."""
    if not len(keys):
        return NO_CHANGES
    rows = np.argsort(keys, kind="stable")
    keys = keys[rows]
    first = np.flatnonzero(np.diff(keys, prepend=-1))
    return CellChanges(keys[first], np.add.reduceat(amounts[rows], first, axis=0))
