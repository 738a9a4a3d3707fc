"""
Carik's register: a feed of changes in the order of their moments, read page by page.

Why: what Jakarta's register knows (register.py) leaves it in one way only: "what changed since".
Must not: change what happened, or know what a reader makes of it.
"""

from bisect import bisect_left, bisect_right
from dataclasses import dataclass
from datetime import date
from random import Random

from deploy.demo.clock import Clock
from deploy.demo.days import microseconds
from deploy.demo.household import Household
from deploy.demo.places import DKI
from deploy.demo.register import UPSERT, Register, Saying

__all__ = ["CarikRegister", "Page"]

_BASELINE_FROM = date(2024, 3, 2)


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

    def __len__(self) -> int:
        """Return how many changes can be read."""
        return len(self._sayings)

    @property
    def newest(self) -> int | None:
        """The moment of the newest change."""
        return self._moments[-1] if self._moments else None

    def begin(self, households: list[Household]) -> None:
        """Say how the households are at the beginning, over the month before life goes on, in an order that is not theirs."""
        shuffled = self._chance.sample(households, len(households))
        begin = microseconds(_BASELINE_FROM)
        step = (self._clock.now - begin) // max(1, len(shuffled))
        for place, one in enumerate(shuffled):
            one.told_at = begin + place // 2 * 2 * step  # two of them at one moment
            self._moments.append(one.told_at)
            self._sayings.append(self.whole(one, aid=True))

    def repeat(self) -> None:
        """Say the newest change once more, where there is nothing else to say."""
        if self._sayings and self._sayings[-1].operation == UPSERT and (newest := self._sayings[-1]).household.village == newest.village:
            self._utter(newest, true=True)

    def _utter(self, saying: Saying, *, true: bool) -> None:  # noqa: ARG002 - a slip looks like any other change
        at = self._clock.stamp(saying.household.told_at)
        saying.household.told_at = at
        self._moments.append(at)
        self._sayings.append(saying)

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
