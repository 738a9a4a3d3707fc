"""
The official figures that the synthetic populations are set up to resemble, each with its source.

Why: figures that come out near the published ones are recognised by whoever knows the region; `official.csv` beside names every
source, and says `plausible` where no figure was ever published.
Must not: be shown as a result, or be changed by one: macro (survey) and micro (register) figures are two things.
"""

import csv
from dataclasses import dataclass
from functools import cache
from pathlib import Path

__all__ = ["MONTH", "Target", "target"]

MONTH = "2024-03"
"""The month in which the populations stand as the official figures say."""
_FILE = Path(__file__).with_name("official.csv")


@dataclass(frozen=True, slots=True)
class Target:
    """What a region's population shall show: FGT indices and Gini as ratios, lines in rupiah per person and month by urbanisation."""

    region: str
    p0: float
    p1: float
    p2: float
    gini: float
    lines: dict[str, int]


@cache
def target(region: str) -> Target:
    """
    Return the official figures of a region.

    >>> target("31").lines
    {'urban': 825288}
    >>> target("35.10").lines
    {'urban': 470713, 'rural': 470713}
    """
    with _FILE.open(encoding="utf-8", newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["region"] == region]
    figure = {row["figure"]: float(row["value"]) for row in rows}
    lines = {row["urbanisation"]: int(row["value"]) for row in rows if row["figure"] == "poverty_line"}
    if (everywhere := lines.pop("all", None)) is not None:
        lines = {"urban": everywhere, "rural": everywhere}
    return Target(region, figure["p0"], figure["p1"], figure["p2"], figure["gini"], lines)
