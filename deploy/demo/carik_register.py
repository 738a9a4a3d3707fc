"""
Carik's register: a feed of changes in the order of their moments, and all families in the order of their numbers, page by page.

Why: what Jakarta's register knows (register.py) leaves it as "what changed since", or whole, family by family.
Must not: change what happened, or know what a reader makes of it.
"""

from bisect import bisect_left, bisect_right, insort
from dataclasses import dataclass
from datetime import date
from random import Random

from deploy.demo.clock import Clock
from deploy.demo.days import microseconds
from deploy.demo.household import Household
from deploy.demo.places import DKI, regency_of
from deploy.demo.register import UPSERT, Register, Saying

__all__ = ["CarikRegister", "Families", "Page"]

_BASELINE_FROM = date(2024, 3, 2)


@dataclass(frozen=True, slots=True)
class Families:
    """Some families, in the order of their numbers: all that the register holds of them, the last number, whether more is there."""

    changes: list[tuple[int, Saying]]
    last: int | None
    more: bool


@dataclass(frozen=True, slots=True)
class Page:
    """A stretch of the register's changes with their moments, the moment to ask from next (inclusive), and whether more is there."""

    changes: list[tuple[int, Saying]]
    cursor: int | None
    more: bool


class CarikRegister(Register):
    """All that Carik says, in the order of its moments, and what it still holds back."""

    region = DKI

    def __init__(self, clock: Clock, chance: Random) -> None:
        """Begin with nothing said."""
        super().__init__(clock, chance)
        self._moments: list[int] = []
        self._sayings: list[Saying] = []
        self._of: dict[int, list[int]] = {}
        self._families: list[int] = []
        self._counted: set[tuple[int, str, date]] = set()

    def __len__(self) -> int:
        """Return how many changes can be read."""
        return len(self._sayings)

    @property
    def records(self) -> int:
        """How many records all families have: each day's newest word."""
        return len(self._counted)

    @property
    def newest(self) -> int | None:
        """The moment of the newest change."""
        return self._moments[-1] if self._moments else None

    @property
    def stand(self) -> int:
        """The moment from which on a reader of the feed misses nothing that is said from now on."""
        return self._clock.now if self.newest is None else self.newest

    def begin(self, households: list[Household]) -> None:
        """Say how the households are at the beginning, over the month before life goes on, in an order that is not theirs."""
        shuffled = self._chance.sample(households, len(households))
        begin = microseconds(_BASELINE_FROM)
        step = (self._clock.now - begin) // max(1, len(shuffled))
        for place, one in enumerate(shuffled):
            one.told_at = begin + place // 2 * 2 * step  # two of them at one moment
            self._append(one.told_at, self.whole(one, aid=True))

    def repeat(self) -> None:
        """Say the newest change once more, where there is nothing else to say."""
        if self._sayings and self._sayings[-1].operation == UPSERT and (newest := self._sayings[-1]).household.village == newest.village:
            self._utter(newest, true=True)

    def _utter(self, saying: Saying, *, true: bool) -> None:  # noqa: ARG002 - a slip looks like any other change
        at = self._clock.stamp(saying.household.told_at)
        saying.household.told_at = at
        self._append(at, saying)

    def _append(self, at: int, saying: Saying) -> None:
        serial = saying.household.serial
        if serial not in self._of:
            insort(self._families, serial)
        self._of.setdefault(serial, []).append(len(self._sayings))
        self._counted.add((serial, regency_of(saying.village), saying.day))
        self._moments.append(at)
        self._sayings.append(saying)
        self._noted(saying)

    def page(self, since: int | None, limit: int) -> Page:
        """
        Return changes from a moment on (inclusive; None: from the beginning): about `limit` of them, never a part of one moment.

        A page that would hold nothing newer than `since` is made longer by one moment, so that a reader always comes on.
        """
        begin = 0 if since is None else bisect_left(self._moments, since)
        if begin >= len(self._moments):
            return Page([], since, more=False)
        last = self._moments[min(begin + limit, len(self._moments)) - 1]
        end = bisect_right(self._moments, last)
        if last == since and end < len(self._moments):
            last = self._moments[end]
            end = bisect_right(self._moments, last)
        changes = list(zip(self._moments[begin:end], self._sayings[begin:end], strict=True))
        return Page(changes, last, more=end < len(self._moments))

    def families(self, after: int | None, limit: int) -> Families:
        """Return what the register holds of the families behind a number (None: of the first ones): each day's newest word."""
        begin = 0 if after is None else bisect_right(self._families, after)
        found = self._families[begin : begin + limit]
        changes = []
        for serial in found:
            told = [(self._moments[place], self._sayings[place]) for place in self._of[serial]]
            changes += list({(regency_of(one.village), one.day): (at, one) for at, one in told}.values())
        return Families(changes, found[-1] if found else after, more=begin + limit < len(self._families))
