"""
A register that hears of true life and reports it in its own time: at once, weeks late, twice, wrongly first and then corrected.

Why: truth is simple and reports are not. Every trouble here is one that real registers have, and every one of them is mended in the end:
what is held back is said, what was wrong is corrected on the same day or retracted. So once all is said (`flush`), the law must find
exactly what happened. In what form a register says it, each one's own module tells (carik_register.py, desa.py, kampung.py).
Must not: change what happened, or know what a reader makes of it.

Corners, and how a register stays clear of them:
- One day, one thing: nothing else happens to a household on the day of a statement, so no statement replaces another by accident.
- An END hides what is dated later and was said before. So an END that is still held back is said before the household is taken
  in again by the same regency, and it is never repeated after that.
- A household that left without an END and comes back into the very same village would go on with its old run: the END, dated when it
  left, is then said first.
"""

import heapq
from abc import ABC, abstractmethod
from dataclasses import dataclass, replace
from datetime import date, timedelta
from random import Random

from deploy.demo.clock import Clock
from deploy.demo.days import microseconds
from deploy.demo.household import Household, Stay
from deploy.demo.places import regency_of
from deploy.demo.said import LastWords

__all__ = ["END", "RETRACT", "UPSERT", "Held", "Register", "Saying"]

UPSERT, END, RETRACT = "UPSERT", "END", "RETRACT"
_LATE, _WRONG_FIRST, _TWICE = 0.14, 0.05, 0.04
_END_LATE, _END_TWICE = 0.45, 0.10
_LEFT_OPEN = 0.4
_TOLD_OF_AID = 0.3
_DAY = 86_400_000_000
_LATE_DAYS, _MENDED_DAYS, _AGAIN_DAYS = (3, 60), (2, 90), (0, 30)


@dataclass(frozen=True, slots=True, eq=False)
class Saying:
    """
    One statement of a register about a household, without its moment; None for a section says nothing of it.

    `members` are persons with their presence, `welfare` is rupiah per month and whether a model says so, `aid` names programmes.
    """

    household: Household
    village: str
    slot: int
    day: date
    operation: str
    members: tuple[tuple[int, str], ...] | None = None
    welfare: tuple[int, bool] | None = None
    aid: tuple[str, ...] | None = None


@dataclass(slots=True)
class Held:
    """Something that a register will say later; `stay`: only while this is still the household's newest stay in the regency."""

    saying: Saying
    stay: Stay | None = None
    idle: bool = False
    """Said from ignorance: left out when everything is to be told now."""
    said: bool = False


class Register(ABC):
    """What one system says of its region's households, and what it still holds back; a `System` (system.py)."""

    region: str
    always_counts = False
    """Whether it asks every household that it takes in for its size."""
    ends_repeat = True
    """Whether it can say twice that a household has ended."""

    def __init__(self, clock: Clock, chance: Random) -> None:
        """Begin with nothing said."""
        self._clock, self._chance = clock, chance
        self._held: list[tuple[int, int, Held]] = []
        self._order = 0
        self._ends: dict[tuple[int, str], Held] = {}
        self.words: LastWords[Saying] = LastWords()
        """What it has said, of those that say it as statements."""

    @abstractmethod
    def _utter(self, saying: Saying, *, true: bool) -> None:
        """Say it now, in this register's form; `true` tells that it is what happened, or undoes what never did."""

    @property
    def held(self) -> int:
        """How many statements are held back."""
        return sum(not held.said for _, _, held in self._held)

    # ---- what life tells a system -----------------------------------------------------------------------------------------

    def may_go(self, one: Household) -> bool:  # noqa: ARG002 - a System
        """Let anybody go, at any time."""
        return True

    def may_end(self, one: Household) -> bool:  # noqa: ARG002 - a System
        """Let anybody end, at any time."""
        return True

    def may_come(self, one: Household, village: str) -> bool:  # noqa: ARG002 - a System
        """Take in anybody, at any time."""
        return True

    def strike_off(self, one: Household) -> bool:  # noqa: ARG002 - a System
        """Be ready to end whom it still holds."""
        return True

    def come(self, one: Household, *, members: bool, welfare: bool) -> None:
        """Take in a household that lives here from today on."""
        self.take_in(one, one.village or "")
        self.say(self.whole(one, members=members, welfare=welfare, aid=self._chance.random() < _TOLD_OF_AID))

    def go(self, one: Household, village: str) -> None:
        """Hear, or not, that a household of this region moves to a village in another regency today."""
        left = regency_of(one.village or "")
        if left != regency_of(village):
            stay = one.stays[left]
            stay.left = self._clock.today
            if self._chance.random() >= _LEFT_OPEN:
                self.end(one, stay, self._clock.today)

    def tell(self, one: Household, *, members: bool, welfare: bool, departed: tuple[tuple[int, str], ...]) -> None:
        """Hear what happened today to a household that lives here; `departed` are members who have gone, with the cause."""
        told = self.whole(one, members=members, welfare=welfare)
        self.say(replace(told, members=(told.members or ()) + departed) if departed else told)

    def dissolve(self, one: Household, village: str) -> None:
        """End a household that is no more since today and lived in `village` last, also where it left long ago without an END."""
        today = self._clock.today
        for regency, stay in one.stays.items():
            if regency.startswith(self.region) and not stay.ended:
                stay.left = stay.left or today
                self.end(one, stay, today)
        if village.startswith(self.region):
            self.unaware(_known(Saying(one, village, one.slot, today, UPSERT)))

    # ---- saying ---------------------------------------------------------------------------------------------------------

    def whole(self, one: Household, *, aid: bool = False, members: bool = True, welfare: bool = True) -> Saying:
        """Return a statement of how a household is since its newest day, with all that is known or with some sections only."""
        village = one.village or ""
        regency = regency_of(village)
        told = _known(Saying(one, village, one.slot, one.day, UPSERT, aid=_aid(one) if aid else None))
        told = replace(told, members=told.members if members else None, welfare=told.welfare if welfare else None)
        if told.members is not None:
            one.size_said.add(regency)
        if told.welfare is not None:
            one.welfare_said.add(regency)
        one.stays.setdefault(regency, Stay(village, one.slot))
        return told

    def say(self, saying: Saying) -> None:
        """Say what is true: mostly at once, at times weeks late, twice, or wrongly first."""
        trouble = self._chance.random()
        if trouble < _LATE:
            self._hold(Held(saying), _LATE_DAYS)
        elif trouble < _LATE + _WRONG_FIRST and (saying.welfare or saying.members):
            self._utter(_garbled(saying), true=False)
            self._hold(Held(saying), _MENDED_DAYS)
        else:
            self._utter(saying, true=True)
        if self._chance.random() < _TWICE:
            self._hold(Held(saying), _AGAIN_DAYS)

    def end(self, one: Household, stay: Stay, day: date, *, in_time: bool = False) -> None:
        """Say that a household is gone from a regency from a day on; often late, unless it must be said in time."""
        stay.ended = True
        held = Held(Saying(one, stay.village, stay.slot, day, END))
        if not in_time and self._chance.random() < _END_LATE:
            self._ends[one.serial, regency_of(stay.village)] = held
            self._hold(held, _LATE_DAYS)
        else:
            self._utter(held.saying, true=True)
        if self.ends_repeat and self._chance.random() < _END_TWICE:
            self._hold(Held(held.saying, stay), _LATE_DAYS)

    def take_in(self, one: Household, village: str) -> None:
        """Make ready for a household that comes to live in a village: an END of its last stay here is said before."""
        regency = regency_of(village)
        pending = self._ends.pop((one.serial, regency), None)
        if pending is not None:
            self._say_held(pending)
        stay = one.stays.get(regency)
        if stay is not None and stay.left is not None and not stay.ended and stay.village == village:
            self.end(one, stay, stay.left, in_time=True)
        one.stays[regency] = Stay(village, one.slot)

    def unaware(self, saying: Saying) -> None:
        """Restate, days later, a household whose end the register has not been told: the END that follows hides it."""
        pending = self._ends.get((saying.household.serial, regency_of(saying.village)))
        if pending is None:
            return
        due = next(at for at, _, held in self._held if held is pending)
        later = saying.day + timedelta(days=self._chance.randrange(1, 20))
        if microseconds(later) + _DAY < due:
            self._push(microseconds(later) + _DAY, Held(replace(saying, day=later), idle=True))

    def mistake(self, saying: Saying) -> None:
        """Say what is not true, and retract it days or weeks later."""
        self._utter(saying, true=False)
        self._hold(Held(Saying(saying.household, saying.village, saying.slot, saying.day, RETRACT)), _MENDED_DAYS)

    # ---- holding back ---------------------------------------------------------------------------------------------------

    def close_month(self, month: int) -> None:  # noqa: B027 - most registers do not mind
        """Hear that a month has ended."""

    def release(self) -> None:
        """Say what is due by now."""
        while self._held and self._held[0][0] <= self._clock.now:
            self._say_held(heapq.heappop(self._held)[2])

    def flush(self) -> None:
        """Say everything that is held back, in the order in which it would have been said."""
        while self._held:
            held = heapq.heappop(self._held)[2]
            if not held.idle:
                self._say_held(held)

    def _noted(self, saying: Saying) -> None:
        """Note a statement as it is said."""
        told = saying.household.card, regency_of(saying.village), saying.day
        if saying.operation == END:
            self.words.end(*told)
        elif saying.operation == RETRACT:
            self.words.take_back(*told)
        else:
            self.words.say(*told, saying)

    def _hold(self, held: Held, days: tuple[int, int]) -> None:
        self._push(self._clock.now + self._chance.randrange(days[0] * _DAY + 1, days[1] * _DAY), held)

    def _push(self, due: int, held: Held) -> None:
        self._order += 1
        heapq.heappush(self._held, (due, self._order, held))

    def _say_held(self, held: Held) -> None:
        one, regency = held.saying.household, regency_of(held.saying.village)
        if self._ends.get((one.serial, regency)) is held:
            del self._ends[one.serial, regency]
        if not held.said and (held.stay is None or one.stays.get(regency) is held.stay):
            held.said = True
            self._utter(held.saying, true=not held.idle)


def _known(saying: Saying) -> Saying:
    """Return a statement with all that is known of its household."""
    one = saying.household
    return replace(
        saying,
        members=tuple((person, "ADA") for person in one.members) if one.size_known else None,
        welfare=(one.expenditure, one.modelled) if one.expenditure is not None else None,
    )


def _garbled(saying: Saying) -> Saying:
    """Return a statement with a slip of the pen: a nought too many, or a member left out."""
    if saying.welfare is not None:
        return replace(saying, welfare=(saying.welfare[0] * 10, saying.welfare[1]))
    members = saying.members or ()
    return replace(saying, members=members[:-1] if len(members) > 1 else members * 2)


def _aid(one: Household) -> tuple[str, ...]:
    """Return the programmes that a household receives: invented, more often where little is spent."""
    if one.expenditure is None or one.expenditure // len(one.members) > 1_200_000:
        return ()
    return ("PKH", "BPNT") if one.serial % 2 else ("BPNT",)
