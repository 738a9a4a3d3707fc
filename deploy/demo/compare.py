"""
The comparison: published figures against the simulated systems' own truth, number by number.

Why: a chain that loses a change before Kafka would still verify; only the sources know what they said.
Must not: compute a figure: both sides come ready.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from psycopg import Connection

__all__ = ["Comparison", "compare"]

Truth = Mapping[tuple[str, str, str], Mapping[str, int]]
"""Sums by (region, urbanisation, month as 2024-03)."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """How many numbers were compared, and which differ: (region, urbanisation, month, measure, published, true)."""

    numbers: int
    differences: tuple[tuple[str, str, str, str, int, int], ...]


def compare(connection: Connection[Any], truth: Truth) -> Comparison:
    """
    Compare every sum that truth knows with the view `indicator`, and every figure of the view with truth; absent counts as 0.

    Months after the last of either side are those in which nothing changed.
    """
    names = sorted({name for sums in truth.values() for name in sums})
    columns = ", ".join(["region", "urbanisation", "to_char(month, 'YYYY-MM')", *names])
    rows = connection.execute(f"select {columns} from indicator".encode()).fetchall()  # noqa: S608 - names of measures
    held = {(region, urbanisation, month): dict(zip(names, sums, strict=True)) for region, urbanisation, month, *sums in rows}
    last = min(max((month for _, _, month in held), default=""), max((month for _, _, month in truth), default=""))
    keys = sorted(key for key in held.keys() | truth.keys() if key[2] <= last)
    differences = tuple(
        (*key, name, published, true)
        for key in keys
        for name in names
        if (published := int(held.get(key, {}).get(name) or 0)) != (true := int(truth.get(key, {}).get(name) or 0))
    )
    return Comparison(len(keys) * len(names), differences)
