"""
Jembrana as life sees it: who comes and goes is told to the villages, whose files (sddd.py) tell all else.

Why: a system of snapshots is told nothing but who lives where; what happened to a family shows in the next file by itself.
Must not: write files, or change what happened.
"""

from random import Random

from deploy.demo.clock import Clock
from deploy.demo.days import month_of
from deploy.demo.household import Household, Stay
from deploy.demo.places import JEMBRANA, regency_of
from deploy.demo.population import BASELINE
from deploy.demo.sddd import Villages

__all__ = ["Jembrana"]

_STILL_LISTED = 0.35


class Jembrana:
    """A `System` (system.py) over the villages' files."""

    region = JEMBRANA
    always_counts = True

    def __init__(self, villages: Villages, clock: Clock, chance: Random) -> None:
        """Know the villages."""
        self.villages = villages
        self._clock, self._chance = clock, chance

    @property
    def held(self) -> int:
        """How many files are made, or will be, and are not yet delivered."""
        return self.villages.held

    def begin(self, households: list[Household]) -> None:
        """Deliver the first files."""
        for one in households:
            self.villages.arrive(one, one.village or "")
        self.villages.begin(month_of(BASELINE))

    def may_go(self, one: Household) -> bool:
        """Let nobody go who would be one too many missing from the village's next files."""
        return self.villages.may_leave(one.village or "", self._clock.month)

    def may_end(self, one: Household) -> bool:
        """As for those who go, and not soon after a move."""
        return one.moved + 2 <= self._clock.month and self.may_go(one)

    def may_come(self, one: Household, village: str) -> bool:
        """Take back nobody into the village that it left, or while that one still lists it."""
        before = one.stays.get(JEMBRANA)
        return before is None or (before.village != village and not self.villages.lists(one))

    def strike_off(self, one: Household) -> bool:
        """Stop listing a household that is no more."""
        return self.villages.strike_off(one)

    def come(self, one: Household, *, members: bool, welfare: bool) -> None:  # noqa: ARG002 - a file always tells the size
        """List a household from the next file on."""
        one.size_said.add(JEMBRANA)
        if welfare and one.expenditure is not None:
            one.welfare_said.add(JEMBRANA)
        self.villages.arrive(one, one.village or "")

    def go(self, one: Household, village: str) -> None:
        """Strike a household off, or go on listing one that leaves the regency for some months."""
        old = one.village or ""
        listed = self._chance.randrange(1, 5) if regency_of(village) != JEMBRANA and self._chance.random() < _STILL_LISTED else 0
        self.villages.leave(one, old, still_listed=listed)
        one.stays[JEMBRANA] = Stay(old, 0, self._clock.today, ended=True)

    def tell(self, one: Household, *, members: bool, welfare: bool, departed: tuple[tuple[int, str], ...]) -> None:
        """Hear what the next file will tell by itself."""

    def dissolve(self, one: Household, village: str) -> None:
        """Strike off a household that lived here last; where it lived elsewhere, `strike_off` has done so."""
        if village.startswith(JEMBRANA):
            self.villages.leave(one, village)

    def close_month(self, month: int) -> None:
        """Take the state of every village as a month ends."""
        self.villages.close_month(month)

    def release(self) -> None:
        """Deliver the files that are due by now."""
        self.villages.release()

    def flush(self) -> None:
        """Deliver everything."""
        self.villages.flush()
