"""
The reference data that every figure depends on: regions, who may speak for whom, poverty lines; one version of it.

Why: a figure is a function of statements and of exactly one version of this, so a batch holds one frozen value of it.
It answers one household at a time (for the law) and holds the same as arrays (for columns).
Must not: load itself (processors/store/reference.py does), or change after it was made.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from processors.indicators.standing import NOTHING
from processors.months import month_of

__all__ = ["NO_CLAIMANT", "Limits", "Line", "LineSegments", "Reference", "Region", "Registration", "number_of"]

NO_CLAIMANT = -1
_FAR = 1 << 20
"""A month after all months."""


def number_of(code: str) -> int:
    """
    Return the digits of a region's code as one number, the form that statements are packed with.

    >>> number_of("31.74.01.1001")
    3174011001
    """
    return int(code.replace(".", ""))


@dataclass(frozen=True, slots=True)
class Region:
    """One region; `parent` is the code of the region that it is part of, `urbanisation` is a village's."""

    id: int
    code: str
    name: str
    level: str
    parent: str | None
    urbanisation: str | None


@dataclass(frozen=True, slots=True)
class Registration:
    """A source that may speak for a regency, with its rank there (1 is the best) and the number that packed statements carry."""

    claimant: int
    region: str
    source: str
    rank: int


@dataclass(frozen=True, slots=True)
class Line:
    """A poverty line: rupiah per person and month, in force from a day until the next of its definition, region and urbanisation."""

    definition: str
    region: str
    urbanisation: str
    valid_from: date
    rupiah: int


@dataclass(frozen=True, slots=True)
class LineSegments:
    """
    The lines in force, as steps: for each group (regency, urbanisation) one segment per span of months with the same lines.

    `key` (s,) is group << 20 | first month, growing; `national` and `extreme` (s,) are rupiah or `NOTHING`. Every group begins at month 0.
    """

    key: NDArray[np.int64]
    national: NDArray[np.int64]
    extreme: NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Limits:
    """What is beyond reason: members of a household, and how many days a date may lie after its record's arrival."""

    household_size: int = 100
    days_ahead: int = 1


@dataclass(frozen=True)
class Reference:
    """One version of the reference data."""

    version: int
    first_month: int
    regions: Mapping[str, Region]
    registrations: tuple[Registration, ...]
    lines: tuple[Line, ...]
    formerly: Mapping[str, frozenset[str]] = field(default_factory=dict)
    """Regencies that villages lay in before they moved, by village."""
    limits: Limits = field(default_factory=Limits)
    _steps: dict[tuple[str, str, str], list[tuple[date, int]]] = field(default_factory=dict, repr=False)

    def __post_init__(self) -> None:
        """Sort the lines into steps by definition, region and urbanisation."""
        for line in sorted(self.lines, key=lambda one: one.valid_from):
            self._steps.setdefault((line.definition, line.region, line.urbanisation), []).append((line.valid_from, line.rupiah))

    # ---- one at a time, for the law -----------------------------------------------------------------------------------

    def registration(self, region: str, source: str) -> Registration | None:
        """Return the registration of a source for a regency, or None where it may not speak for it."""
        return self._registration_of.get((region, source))

    def ancestor(self, code: str, level: str) -> str | None:
        """Return the region of a level that a region is part of (itself included), or None."""
        at: Region | None = self.regions.get(code)
        while at is not None and at.level != level:
            at = self.regions.get(at.parent) if at.parent else None
        return at.code if at else None

    def regency_of(self, village: str) -> str | None:
        """Return the regency that a village lies in."""
        return self._regency_of.get(village)

    def may_speak_of(self, regency: str, village: str) -> bool:
        """
        Return whether a village lies in a regency, or ever did.

        Of what it was before it moved only its former regency can speak, and a replay must accept what was accepted once.
        """
        return self.regency_of(village) == regency or regency in self.formerly.get(village, ())

    def urbanisation_of(self, village: str) -> str:
        """Return `urban` or `rural` for a village."""
        return self.regions[village].urbanisation or "rural"

    def line(self, definition: str, regency: str, urbanisation: str, month: int) -> int:
        """
        Return the line in force for a regency in a month, in rupiah per person and month, or `NOTHING`.

        The regency's own governs before its province's; the nation's only for `extreme`; urban or rural before `all`.
        In force is the latest that began by the month's last day.
        """
        for step in self._candidates(definition, regency, urbanisation):
            begun = [rupiah for begins, rupiah in step if month_of(begins) <= month]
            if begun:
                return begun[-1]
        return NOTHING

    def line_begins(self, definition: str, regency: str, urbanisation: str, month: int) -> date | None:
        """Return since when the line that governs a month has been in force, or None: its age tells whether it is stale."""
        for step in self._candidates(definition, regency, urbanisation):
            begun = [begins for begins, _ in step if month_of(begins) <= month]
            if begun:
                return begun[-1]
        return None

    def _candidates(self, definition: str, regency: str, urbanisation: str) -> Iterable[list[tuple[date, int]]]:
        owners = [regency, self.ancestor(regency, "province")]
        if definition == "extreme":
            owners.append(self.ancestor(regency, "nation"))
        for owner in owners:
            for kind in (urbanisation, "all"):
                step = self._steps.get((definition, owner or "", kind))
                if step:
                    yield step

    @cached_property
    def _registration_of(self) -> dict[tuple[str, str], Registration]:
        return {(one.region, one.source): one for one in self.registrations}

    @cached_property
    def _regency_of(self) -> dict[str, str | None]:
        return {code: self.ancestor(code, "regency") for code, one in self.regions.items() if one.level == "village"}

    # ---- the same as arrays, for columns ------------------------------------------------------------------------------

    @cached_property
    def villages(self) -> tuple[Region, ...]:
        """All villages, by growing number of their code: the order of every array over villages."""
        return tuple(sorted((one for one in self.regions.values() if one.level == "village"), key=lambda one: number_of(one.code)))

    @cached_property
    def village_number(self) -> NDArray[np.int64]:
        """Digits of each village's code, growing, shape (villages,)."""
        return np.array([number_of(one.code) for one in self.villages], np.int64)

    @cached_property
    def village_id(self) -> NDArray[np.int64]:
        """Database id of each village, shape (villages,)."""
        return np.array([one.id for one in self.villages], np.int64)

    @cached_property
    def village_regency(self) -> NDArray[np.int64]:
        """Number of the regency of each village, shape (villages,)."""
        return np.array([number_of(self.regency_of(one.code) or "0") for one in self.villages], np.int64)

    @cached_property
    def village_urban(self) -> NDArray[np.int64]:
        """1 for urban villages, shape (villages,)."""
        return np.array([one.urbanisation == "urban" for one in self.villages], np.int64)

    @cached_property
    def village_group(self) -> NDArray[np.int64]:
        """Group of poverty lines of each village, shape (villages,); see `segments`."""
        regencies = sorted({*self.village_regency.tolist()})
        return 2 * np.searchsorted(np.array(regencies, np.int64), self.village_regency) + self.village_urban

    @cached_property
    def segments(self) -> LineSegments:
        """The lines in force as steps by group; group = 2 x index of the regency + urban."""
        codes = sorted({code for code in self._regency_of.values() if code}, key=number_of)
        orphans = any(code is None for code in self._regency_of.values())
        key, national, extreme = [], [], []
        for index, code in enumerate([""] * orphans + codes):
            for urban, urbanisation in enumerate(("rural", "urban")):
                last: tuple[int, int] | None = None
                for month in self._line_months(code, urbanisation):
                    now = (self.line("national", code, urbanisation, month), self.line("extreme", code, urbanisation, month))
                    if now != last:
                        key.append((2 * index + urban) << 20 | month)
                        national.append(now[0])
                        extreme.append(now[1])
                        last = now
        return LineSegments(np.array(key, np.int64), np.array(national, np.int64), np.array(extreme, np.int64))

    def _line_months(self, regency: str, urbanisation: str) -> list[int]:
        steps = [step for definition in ("national", "extreme") for step in self._candidates(definition, regency, urbanisation)]
        return sorted({0, *(max(0, month_of(begins)) for step in steps for begins, _ in step)})

    @cached_property
    def claimant_order(self) -> NDArray[np.int64]:
        """Order of each claimant number by (rank, region, source): of equals the least one holds. Shape (greatest number + 1,)."""
        order = np.full(max((one.claimant for one in self.registrations), default=0) + 1, _FAR, np.int64)
        for place, one in enumerate(sorted(self.registrations, key=lambda one: (one.rank, number_of(one.region), one.source))):
            order[one.claimant] = place
        return order

    @cached_property
    def claimant_region(self) -> NDArray[np.int64]:
        """Number of the regency that each claimant speaks for, shape (greatest number + 1,); 0 where there is none."""
        region = np.zeros(len(self.claimant_order), np.int64)
        for one in self.registrations:
            region[one.claimant] = number_of(one.region)
        return region

    @cached_property
    def by_claimant(self) -> dict[int, Registration]:
        """Registrations by the number that packed statements carry."""
        return {one.claimant: one for one in self.registrations}

    @cached_property
    def village_by_number(self) -> dict[int, str]:
        """Codes of villages by their number."""
        return {number_of(one.code): one.code for one in self.villages}
