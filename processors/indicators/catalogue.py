"""
Every measure and every indicator, declared once.

Why: a measure is one whole number per household, an indicator is a formula over sums of measures; law, columns, SQL,
topic and terminal read them from here, in this order.
Must not: change in meaning without `muara rebuild`: `CATALOGUE_HASH` stands in the database and a worker refuses another one.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from hashlib import sha256

import numpy as np
from numpy.typing import NDArray

from processors.indicators.standing import PPB, Standing, Whole

__all__ = [
    "CATALOGUE_HASH",
    "DERIVED",
    "INDICATORS",
    "MEASURES",
    "Derived",
    "Indicator",
    "Measure",
    "contribution",
    "contributions",
    "indicators",
]


@dataclass(frozen=True, slots=True)
class Measure:
    """What one household adds to a sum in one month: a whole number, in the unit named."""

    name: str
    unit: str
    each: Callable[[Standing], Whole]
    formula: str
    """The definition in words, part of the catalogue's hash."""


MEASURES: tuple[Measure, ...] = (
    Measure("households", "households", lambda s: s.size * 0 + 1, "1"),
    Measure("people", "people", lambda s: s.size, "size"),
    Measure("known_people", "people", lambda s: s.known * s.size, "size where welfare, size and line are known"),
    Measure("poor_households", "households", lambda s: s.poor, "1 where expenditure // size < line"),
    Measure("poor_people", "people", lambda s: s.poor * s.size, "size where expenditure // size < line"),
    Measure("poverty_gap", "people x 1e-9", lambda s: s.gap * s.size, "size x floor((line - each) x 1e9 / line), the poor"),
    Measure("poverty_severity", "people x 1e-9", lambda s: s.gap * s.gap // PPB * s.size, "size x floor(gap x gap / 1e9), the poor"),
    Measure("rupiah_gap", "rupiah per month", lambda s: s.poor * (s.line - s.each) * s.size, "size x (line - each), the poor"),
    Measure("log_gap", "people x 1e-9", lambda s: s.log_gap * s.size, "size x round(ln(line / each) x 1e9), the poor with each > 0"),
    Measure("zero_expenditure_people", "people", lambda s: s.poor * (s.each == 0) * s.size, "size, the poor with each = 0"),
    Measure("extreme_known_people", "people", lambda s: s.extreme_known * s.size, "size where welfare, size and extreme line are known"),
    Measure(
        "extreme_poor_people",
        "people",
        lambda s: s.extreme_known * (s.each < s.extreme_line) * s.size,
        "size where expenditure // size < extreme line",
    ),
    Measure(
        "vulnerable_people",
        "people",
        lambda s: s.known * (s.each >= s.line) * (2 * s.each < 3 * s.line) * s.size,
        "size where line <= each, 2 each < 3 line",
    ),
    Measure(
        "aspiring_people",
        "people",
        lambda s: s.known * (2 * s.each >= 3 * s.line) * (2 * s.each < 7 * s.line) * s.size,
        "size where 3 line <= 2 each < 7 line",
    ),
    Measure(
        "middle_people",
        "people",
        lambda s: s.known * (2 * s.each >= 7 * s.line) * (s.each < 17 * s.line) * s.size,
        "size where 7 line <= 2 each, each < 17 line",
    ),
    Measure("upper_people", "people", lambda s: s.known * (s.each >= 17 * s.line) * s.size, "size where 17 line <= each"),
    Measure("expenditure", "rupiah per month", lambda s: s.known * s.expenditure, "expenditure where welfare, size and line are known"),
    Measure("modelled_people", "people", lambda s: s.known * s.modelled * s.size, "size of the known whose welfare is modelled"),
)


@dataclass(frozen=True, slots=True)
class Derived:
    """A whole number made of sums: plus some measures, minus others."""

    name: str
    unit: str
    plus: tuple[str, ...]
    minus: tuple[str, ...] = ()


DERIVED: tuple[Derived, ...] = (Derived("unknown_people", "people", ("people",), ("known_people",)),)


@dataclass(frozen=True, slots=True)
class Indicator:
    """A ratio of two sums, divided for the first time where it is shown; no value where the denominator is 0."""

    name: str
    unit: str
    numerator: str
    denominator: str
    per: int
    """What the numerator's unit is a fraction of: 1, or `PPB`."""
    source: str


INDICATORS: tuple[Indicator, ...] = (
    Indicator("p0", "ratio", "poor_people", "known_people", 1, "Foster, Greer and Thorbecke (1984), alpha = 0"),
    Indicator("p1", "ratio", "poverty_gap", "known_people", PPB, "Foster, Greer and Thorbecke (1984), alpha = 1"),
    Indicator("p2", "ratio", "poverty_severity", "known_people", PPB, "Foster, Greer and Thorbecke (1984), alpha = 2"),
    Indicator("income_gap_ratio", "ratio", "poverty_gap", "poor_people", PPB, "P1 / P0"),
    Indicator("watts", "ratio", "log_gap", "known_people", PPB, "Watts (1968); people without any expenditure left out and counted"),
    Indicator("extreme_p0", "ratio", "extreme_poor_people", "extreme_known_people", 1, "headcount below the extreme line"),
    Indicator("mean_expenditure", "rupiah per person and month", "expenditure", "known_people", 1, "mean over people"),
    Indicator("modelled_share", "ratio", "modelled_people", "known_people", 1, "share of known people whose welfare is modelled"),
)

CATALOGUE_HASH = sha256("\n".join(f"{m.name}|{m.unit}|{m.formula}" for m in MEASURES).encode()).hexdigest()
"""Names the measures' meaning; the database keeps the one that its cells were made with."""


def contribution(one: Standing) -> tuple[int, ...]:
    """Return what one household adds to each measure, in the catalogue's order."""
    return tuple(int(measure.each(one)) for measure in MEASURES)


def contributions(many: Standing) -> NDArray[np.int64]:
    """Return what many households add: shape (measures, households), one row per measure in the catalogue's order."""
    added = np.empty((len(MEASURES), len(many.size)), np.int64)
    for row, measure in zip(added, MEASURES, strict=True):
        row[:] = measure.each(many)
    return added


def indicators(sums: Mapping[str, int]) -> dict[str, float | None]:
    """Return every indicator of one region, urbanisation and month from its sums of measures; None where the denominator is 0."""
    return {one.name: sums[one.numerator] / (sums[one.denominator] * one.per) if sums[one.denominator] else None for one in INDICATORS}
