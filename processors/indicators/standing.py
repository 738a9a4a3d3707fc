"""
How a household stands in one month, as whole numbers: what every measure is computed from.

Why: each household's share of a figure is quantised once, here, and afterwards only added and subtracted.
Must not: use floats in a result; `log_gap` rounds a logarithm correctly and lets `decimal` decide where a double cannot.
"""

from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Decimal, localcontext
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["NOTHING", "PPB", "Standing", "Whole", "log_gap", "log_gaps", "standing", "standings"]

Whole = Any
"""An int, or an int64 array of any one shape; measures work on both alike."""
PPB = 1_000_000_000
"""Parts per billion, the unit of ratios: 300 million people with a gap of 1 fill a thirtieth of 64 bits."""
NOTHING = -1
"""Stands for `not said` where a whole number is at least 0."""
_DOUBT = 1e-4
"""How near to a half a scaled logarithm may come before `decimal` decides; a double errs by less than 2e-5 here."""


@dataclass(frozen=True, slots=True)
class Standing:
    """One household's month, or int64 arrays of many: all that the catalogue's measures need."""

    size: Whole
    """Members, in people; 0 where not known."""
    known: Whole
    """1 where welfare, size and poverty line are known, else 0."""
    extreme_known: Whole
    """1 where welfare, size and extreme poverty line are known, else 0."""
    expenditure: Whole
    """Of the household, in rupiah per month; 0 where not known."""
    each: Whole
    """Expenditure per person in rupiah per month, rounded down; 0 where not known."""
    line: Whole
    """Poverty line in rupiah per person and month; 1 where none is in force."""
    extreme_line: Whole
    """Extreme poverty line, likewise."""
    modelled: Whole
    """1 where the expenditure is modelled."""
    log_gap: Whole
    """ln(line / each) of the poor who spend anything, times 1e9, rounded to a whole number; else 0."""

    @property
    def poor(self) -> Whole:
        """1 where the household is poor: known, and strictly below the line."""
        return self.known * (self.each < self.line)

    @property
    def gap(self) -> Whole:
        """Relative distance below the line of each member, in parts per billion, rounded down; 0 on or above it."""
        return self.poor * ((self.line - self.each) * PPB // self.line)


def standing(size: int, expenditure: int, modelled: int, line: int, extreme_line: int) -> Standing:
    """
    Return how one household stands; `NOTHING` for size, expenditure or a line that is not known.

    >>> standing(4, 2_400_000, 0, 800_000, NOTHING).gap   # a quarter short
    250000000
    """
    people, welfare = max(size, 0), int(size > 0 and expenditure >= 0)
    known, each = int(welfare and line > 0), expenditure // size if welfare else 0
    return Standing(
        size=people,
        known=known,
        extreme_known=int(welfare and extreme_line > 0),
        expenditure=expenditure if welfare else 0,
        each=each,
        line=max(line, 1),
        extreme_line=max(extreme_line, 1),
        modelled=modelled,
        log_gap=log_gap(line, each) if known and 0 < each < line else 0,
    )


def standings(
    size: NDArray[np.int64],
    expenditure: NDArray[np.int64],
    modelled: NDArray[np.int64],
    line: NDArray[np.int64],
    extreme_line: NDArray[np.int64],
) -> Standing:
    """Return how many households stand, one element each: `standing` on arrays of one shape (n,)."""
    welfare = (size > 0) & (expenditure >= 0)
    known = welfare & (line > 0)
    each = np.where(welfare, expenditure // np.maximum(size, 1), 0)
    logs = np.zeros(len(size), np.int64)
    poor = np.flatnonzero(known & (each > 0) & (each < line))
    logs[poor] = log_gaps(line[poor], each[poor])
    return Standing(
        size=np.maximum(size, 0),
        known=known.astype(np.int64),
        extreme_known=(welfare & (extreme_line > 0)).astype(np.int64),
        expenditure=np.where(welfare, expenditure, 0),
        each=each,
        line=np.maximum(line, 1),
        extreme_line=np.maximum(extreme_line, 1),
        modelled=modelled,
        log_gap=logs,
    )


def log_gap(line: int, each: int) -> int:
    """
    Return ln(line / each) x 1e9, rounded to the nearest whole number, correctly for any two positive whole numbers.

    >>> log_gap(800_000, 600_000)
    287682072
    """
    with localcontext() as context:
        context.prec = 50
        return int(((Decimal(line) / Decimal(each)).ln() * PPB).to_integral_value(ROUND_HALF_EVEN))


def log_gaps(line: NDArray[np.int64], each: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return `log_gap` of arrays (n,): by doubles, and by `decimal` where a double lies too near to a half to decide."""
    scaled = np.log(line / each) * PPB
    rounded = np.rint(scaled)
    doubtful = np.flatnonzero(np.abs(np.abs(scaled - rounded) - 0.5) < _DOUBT)
    logs: NDArray[np.int64] = rounded.astype(np.int64)
    for i in doubtful:
        logs[i] = log_gap(int(line[i]), int(each[i]))
    return logs
