"""
The synthetic population of the four pilots as it stands in March 2024.

Why: its P0, P1, P2 and Gini come out near the official figures (official.py), at any size and for every seed, because households take
ranks of the welfare curve at even distances, weighted by their people; larger families tend to lower ranks, as they do in life.
Must not: contain anybody: persons, cards and households are invented, only villages are real.
"""

from collections.abc import Mapping
from datetime import date, timedelta
from random import Random

from deploy.demo.days import month_of
from deploy.demo.household import Household, card_number
from deploy.demo.official import target
from deploy.demo.people import People
from deploy.demo.places import BANYUWANGI, DKI, JEMBRANA, SUMEDANG, is_urban, places, regency_of
from deploy.demo.welfare import Curve

__all__ = ["BASELINE", "Slots", "populate"]

BASELINE = date(2024, 3, 1)
"""What is said of the beginning holds from the year before this day on, or in Jembrana, whose files are monthly, from this day on."""
_SIZES = range(1, 9)
_SIZE_WEIGHTS = (7, 14, 24, 28, 15, 7, 3, 2)
_MEAN_SIZE = 3.73
_POORER_WITH_SIZE = 0.21
"""How much a further member pulls down the rank, in standard deviations: poor households then have about 4.8 members, officially 4.92."""
_UNKNOWN_WELFARE = 0.02
_UNKNOWN_SIZE = 0.01
_MODELLED = {DKI: 0.3, SUMEDANG: 0.25, BANYUWANGI: 0.25, JEMBRANA: 0.2}
_COUNTED = (SUMEDANG, BANYUWANGI, JEMBRANA)
"""Where every household's size is known."""
_CARDS_FROM = date(2010, 1, 4)


class Slots:
    """The next free place of each village: three families to a building."""

    __slots__ = ("_next",)

    def __init__(self) -> None:
        """Begin with empty villages."""
        self._next: dict[str, int] = {}

    def take(self, village: str) -> int:
        """Return a place where nobody ever lived."""
        slot = self._next.get(village, 0)
        self._next[village] = slot + 1
        return slot


def populate(seed: int, households: Mapping[str, int], people: People, slots: Slots) -> dict[str, list[Household]]:
    """Return so many households of each region, the same for the same seed, each with its first fact; serials go on through all."""
    made: dict[str, list[Household]] = {}
    for region, count in households.items():
        made[region] = _region(region, seed, count, people, slots, sum(map(len, made.values())))
    return made


def _region(region: str, seed: int, count: int, people: People, slots: Slots, first_serial: int) -> list[Household]:
    chance = Random(f"{seed} population {region}")  # noqa: S311 - a simulation, repeatable by its seed
    found = places(region, seed)
    homes = chance.choices([place.code for place in found], [place.weight for place in found], k=count)
    sizes = chance.choices(_SIZES, _SIZE_WEIGHTS, k=count)
    spending = _spending(region, homes, sizes, chance)
    made = []
    for number, (village, size, expenditure) in enumerate(zip(homes, sizes, spending, strict=True)):
        serial = first_serial + number
        since = BASELINE if region == JEMBRANA else BASELINE - timedelta(days=chance.randrange(367))
        one = Household(
            serial=serial,
            card=card_number(serial, _CARDS_FROM + timedelta(days=serial * 37 % 4_000)),
            village=village,
            slot=slots.take(village),
            members=people.family(size, chance),
            size_known=region in _COUNTED or chance.random() >= _UNKNOWN_SIZE,
            expenditure=None if chance.random() < _UNKNOWN_WELFARE else expenditure,
            modelled=False,
            day=since,
            moved=month_of(since),
        )
        one.modelled = one.expenditure is not None and chance.random() < _MODELLED[region]
        _first_said(one)
        one.note(since)
        made.append(one)
    return made


def _first_said(one: Household) -> None:
    regency = regency_of(one.village or "")
    if one.size_known:
        one.size_said.add(regency)
    if one.expenditure is not None:
        one.welfare_said.add(regency)


def _spending(region: str, homes: list[str], sizes: list[int], chance: Random) -> list[int]:
    """Return each household's expenditure in rupiah per month: the welfare curve at its rank, times its village's line and its size."""
    told = target(region)
    curve = Curve(told)
    order = sorted(range(len(sizes)), key=lambda place: chance.gauss(0, 1) - _POORER_WITH_SIZE * (sizes[place] - _MEAN_SIZE))
    people, passed = sum(sizes), 0
    spending = [0] * len(sizes)
    for place in order:
        size = sizes[place]
        line = told.lines["urban" if is_urban(homes[place]) else "rural"]
        spending[place] = round(curve.multiple((passed + size / 2) / people) * line * size / 1_000) * 1_000
        passed += size
    return spending
