"""
Sumedang's e-Simpati: toddlers weighed and measured at health posts, each measurement a notice to be pushed.

Why: a second source speaks of the same families and says nothing of where they live or what they spend; no figure may change by it.
Must not: send (pusher.py does), or say who lives where.
"""

import heapq
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from random import Random
from typing import Any

from deploy.demo.clock import Clock
from deploy.demo.codebook import toddler_meant
from deploy.demo.days import first_day, last_day, moment_text, month_of
from deploy.demo.household import Household
from deploy.demo.people import People
from deploy.demo.places import regency_of
from deploy.demo.population import BASELINE
from deploy.demo.said import SILENT, LastWords, Sections

__all__ = ["Measured", "Simpati", "sections_of"]

_SHARE = 0.25
"""So many toddlers come to their post in a month."""
_LATE, _WRONG, _TWICE = 0.12, 0.04, 0.05
_DAY = 86_400_000_000
_LATE_DAYS = (3, 60)
_LEAST_GROWN, _MOST_GROWN = 0.85, 1.08
_SHORT, _THIN = 0.89, 0.92


@dataclass(frozen=True, slots=True)
class Measured:
    """What was measured of a family's toddlers on a day, or (without toddlers) that nothing was; its place in the family's sequence."""

    household: Household
    village: str
    day: date
    toddlers: tuple[int, ...]
    tenfold: bool
    """Whether a nought too many was written."""
    at: int
    number: int
    sequence: int

    def as_record(self, people: People) -> dict[str, Any]:
        """Return it as the system's JSON says it."""
        return {
            "id": f"simpati-{self.number:09d}",
            "waktu": moment_text(self.at),
            "jenis": "balita.diukur" if self.toddlers else "balita.dibatalkan",
            "data": {
                "no_kk": self.household.card,
                "kode_desa": self.village,
                "tanggal_ukur": self.day.isoformat(),
                "urut": self.sequence,
                "balita": [_toddler(one, self.day, people, tenfold=self.tenfold) for one in self.toddlers],
            },
        }


@dataclass(frozen=True, slots=True)
class _Post:
    """A family's visit to a health post."""

    household: Household
    village: str
    day: date
    toddlers: tuple[int, ...]


class Simpati:
    """All that e-Simpati notifies, and what it still holds back."""

    def __init__(self, people: People, clock: Clock, chance: Random) -> None:
        """Begin with nothing measured."""
        self.out: deque[Measured] = deque()
        """Notices that are to be sent, oldest first; whoever sends them takes them out."""
        self.words: LastWords[Measured] = LastWords()
        """What it has notified."""
        self._people, self._clock, self._chance = people, clock, chance
        self._told = 0
        self._sequences: dict[int, int] = {}
        self._held: list[tuple[int, int, _Post]] = []
        self._order = 0

    def __len__(self) -> int:
        """Return how many notices there ever were."""
        return self._told

    @property
    def held(self) -> int:
        """How many notices are held back."""
        return len(self._held)

    def begin(self, households: Iterable[Household]) -> None:
        """Measure as the first population stands, without any trouble."""
        for post in self._posts(households, month_of(BASELINE)):
            self._notify(post)

    def close_month(self, households: Iterable[Household], month: int) -> None:
        """Measure those who came in a month that has ended; `households` are Sumedang's."""
        for post in self._posts(households, month):
            self._tell(post)

    def release(self) -> None:
        """Notify what is due by now."""
        while self._held and self._held[0][0] <= self._clock.now:
            self._notify(heapq.heappop(self._held)[2])

    def flush(self) -> None:
        """Notify everything that is held back."""
        while self._held:
            self._notify(heapq.heappop(self._held)[2])

    def _posts(self, households: Iterable[Household], month: int) -> Iterator[_Post]:
        first, days = first_day(month).toordinal(), last_day(month).day
        for one in households:
            day = date.fromordinal(first + self._chance.randrange(days))
            toddlers = tuple(self._people.toddlers(one.members, day))
            if toddlers and self._chance.random() < _SHARE:
                yield _Post(one, one.village or "", day, toddlers)

    def _tell(self, post: _Post) -> None:
        """Notify at once, weeks late, wrongly first, or twice; what never was is taken back."""
        luck = self._chance.random()
        if luck < _LATE:
            self._hold(post)
        elif luck < _LATE + _WRONG:
            self._notify(post, tenfold=True)
            self._hold(post if luck < _LATE + _WRONG / 2 else _Post(post.household, post.village, post.day, ()))
        else:
            self._notify(post)
        if luck > 1 - _TWICE:
            self._hold(post)

    def _hold(self, post: _Post) -> None:
        self._order += 1
        due = self._clock.now + self._chance.randrange(_LATE_DAYS[0] * _DAY, _LATE_DAYS[1] * _DAY)
        heapq.heappush(self._held, (due, self._order, post))

    def _notify(self, post: _Post, *, tenfold: bool = False) -> None:
        one = post.household
        at = one.told_at = self._clock.stamp(one.told_at)
        self._told += 1
        sequence = self._sequences[one.serial] = self._sequences.get(one.serial, 0) + 1
        told = Measured(one, post.village, post.day, post.toddlers, tenfold, at, self._told, sequence)
        self.out.append(told)
        if post.toddlers:
            self.words.say(one.card, regency_of(post.village), post.day, told)
        else:
            self.words.take_back(one.card, regency_of(post.village), post.day)


def sections_of(told: Measured, people: People) -> Sections:
    """Return what a notice says of a family: of each toddler the day, and how it was measured; nothing else."""
    toddlers = [_toddler(one, told.day, people, tenfold=told.tenfold) for one in told.toddlers]
    return SILENT | {"nutrition": [toddler_meant(one, told.day) for one in toddlers]}


def _toddler(person: int, day: date, people: People, *, tenfold: bool) -> dict[str, str]:
    """Return a toddler as weighed and measured: invented curves, near those of healthy children, times a factor of its own."""
    told = people.record(person, "ADA", head=False)
    months = max(0, (day - date.fromisoformat(told["tanggal_lahir"])).days) / 30.4
    grown = _LEAST_GROWN + (_MOST_GROWN - _LEAST_GROWN) * (person * 2_654_435_761 % 997) / 997
    weight, height = (3.3 + 6.3 * (months / 12) ** 0.5) * grown, (49.5 + 27 * (months / 12) ** 0.5) * (1 + (grown - 1) / 2)
    return {
        "nik": told["nik"],
        "nama": told["nama"],
        "tanggal_lahir": told["tanggal_lahir"],
        "berat_kg": f"{weight * 10 if tenfold else weight:.1f}",
        "tinggi_cm": f"{height:.1f}",
        "status_gizi": "PENDEK" if grown < _SHORT else "KURUS" if grown < _THIN else "NORMAL",
    }
