"""
The comparison: published figures against the simulated systems' own truth, number by number.

Why: a chain that loses a change before Kafka would still verify; only the sources know what they said.
Must not: compute a figure: both sides come ready.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from psycopg import Connection

__all__ = ["Comparison", "compare", "compared"]

Sums = Mapping[tuple[str, str, str], Mapping[str, int]]
"""Sums by (region, urbanisation, month as 2024-03)."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """How many numbers were compared, and which differ: (region, urbanisation, month, measure, published, true)."""

    numbers: int
    differences: tuple[tuple[str, str, str, str, int, int], ...]


def compare(connection: Connection[Any], truth: Sums) -> Comparison:
    """Compare every sum that truth knows with the view `indicator`, and every figure of the view with truth; see `compared`."""
    names = sorted({name for sums in truth.values() for name in sums})
    columns = ", ".join(["region", "urbanisation", "to_char(month, 'YYYY-MM')", *names])
    rows = connection.execute(f"select {columns} from indicator".encode()).fetchall()  # noqa: S608 - names of measures
    held = {
        (region, urbanisation, month): {name: int(one or 0) for name, one in zip(names, sums, strict=True)}
        for region, urbanisation, month, *sums in rows
    }
    return compared(held, truth)


def compared(published: Sums, truth: Sums) -> Comparison:
    """
    Compare the sums of both sides in every month that either knows; what is absent counts as 0.

    Sums are stocks: after the last month in which anything changed on a side, its last ones go on.
    """
    months = sorted({month for side in (published, truth) for _, _, month in side})
    held, true = _carried(published, months), _carried(truth, months)
    names = sorted({name for sums in truth.values() for name in sums})
    keys = sorted(held.keys() | true.keys())
    differences = tuple(
        (*key, name, one, other)
        for key in keys
        for name in names
        if (one := held.get(key, {}).get(name, 0)) != (other := true.get(key, {}).get(name, 0))
    )
    return Comparison(len(keys) * len(names), differences)


def _carried(side: Sums, months: list[str]) -> Sums:
    """Return a side with the sums of its last month in all later ones, too."""
    last = max((month for _, _, month in side), default="")
    stocks = [(region, urbanisation, sums) for (region, urbanisation, month), sums in side.items() if month == last]
    later = [month for month in months if month > last]
    return {**side, **{(region, urbanisation, month): sums for region, urbanisation, sums in stocks for month in later}}
