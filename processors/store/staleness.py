"""
Which figures rest on a poverty line that is older than it should be.

Why: a line carried on over years still governs, and whoever reads the figure must be told.
Must not: change a figure, or read a clock: a line's age is counted in the figure's own month.
"""

from collections import defaultdict
from functools import cached_property

from processors.months import month_of
from processors.reference import Reference

__all__ = ["STALE_MONTHS", "Staleness"]

STALE_MONTHS = 24
"""A line governs until the next survey's; after two years without one, its figures are flagged."""
_DEFINITIONS = ("national", "extreme")
_Place = tuple[str, str]
"""Where one line governs: regency and urban or rural."""


class Staleness:
    """The answer for every region, urbanisation and month of one reference version, remembered once it was asked for."""

    def __init__(self, reference: Reference) -> None:
        """Hold the reference data; nothing is computed yet."""
        self.reference = reference
        self._places_stale: dict[tuple[_Place, int], bool] = {}
        self._stale: dict[tuple[str, str, int], bool] = {}

    def stale(self, region: str, urbanisation: str, month: int) -> bool:
        """Return whether a line older than `STALE_MONTHS` governs in that month, where the region has villages of that urbanisation."""
        key = region, urbanisation, month
        if key not in self._stale:
            places = self._places.get(region, ())
            self._stale[key] = any(self._place_stale(place, month) for place in places if urbanisation in ("all", place[1]))
        return self._stale[key]

    def _place_stale(self, place: _Place, month: int) -> bool:
        key = place, month
        if key not in self._places_stale:
            begins = (self.reference.line_begins(definition, *place, month) for definition in _DEFINITIONS)
            self._places_stale[key] = any(day is not None and month - month_of(day) > STALE_MONTHS for day in begins)
        return self._places_stale[key]

    @cached_property
    def _places(self) -> dict[str, frozenset[_Place]]:
        """The places in which each region has villages, by the region's code."""
        places: defaultdict[str, set[_Place]] = defaultdict(set)
        for village in self.reference.villages:
            place = self.reference.regency_of(village.code) or "", self.reference.urbanisation_of(village.code)
            at: str | None = village.code
            while at is not None:
                places[at].add(place)
                at = self.reference.regions[at].parent
        return {code: frozenset(found) for code, found in places.items()}
