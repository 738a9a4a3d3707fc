"""
Carik's register: what it is told of true life, and how it says so: in time, weeks late, twice, wrongly first and then corrected.

Why: truth is simple and reports are not. Every trouble here is one that real registers have, and every one of them is mended in the end:
what is held back is said, what was wrong is corrected on the same `berlaku_sejak` or retracted. So once all is said (`flush`),
the law must find exactly what happened.
Must not: change what happened, or know what a reader makes of it.

Corners, and how the register stays clear of them:
- One day, one thing: nothing else happens to a household on the day of a statement, so no statement replaces another by accident.
- An END hides what is dated later and was said before. So an END that is still held back is said before the household is taken
  in again by the same regency, and it is never repeated after that.
- A household that left without an END and comes back into the very same village would go on with its old run: the END, dated when it
  left, is then said first.
"""

import heapq
from bisect import bisect_left, bisect_right
from dataclasses import dataclass, replace
from datetime import date, timedelta
from random import Random

from deploy.demo.clock import Clock
from deploy.demo.days import microseconds
from deploy.demo.household import Household, Stay
from deploy.demo.places import regency_of

__all__ = ["END", "RETRACT", "UPSERT", "CarikRegister", "Page", "Saying"]

UPSERT, END, RETRACT = "UPSERT", "END", "RETRACT"
_LATE, _WRONG_FIRST, _TWICE = 0.14, 0.05, 0.04
_END_LATE, _END_TWICE = 0.45, 0.10
_DAY = 86_400_000_000
_LATE_DAYS, _MENDED_DAYS, _AGAIN_DAYS = (3, 60), (2, 90), (0, 30)
_BASELINE_FROM = date(2024, 3, 2)


@dataclass(frozen=True, slots=True, eq=False)
class Saying:
    """
    One statement of the register about a household, without its moment; None for a section says nothing of it.

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


@dataclass(frozen=True, slots=True)
class Page:
    """A stretch of the register's changes with their moments, the moment to ask from next (inclusive), and whether more is there."""

    changes: list[tuple[int, Saying]]
    cursor: int | None
    more: bool


@dataclass(slots=True)
class _Held:
    """Something that the register will say later; `stay`: only while this is still the household's newest stay in the regency."""

    saying: Saying
    stay: Stay | None = None
    idle: bool = False
    """Said from ignorance: left out when everything is to be told now."""
    said: bool = False


class CarikRegister:
    """All that Carik says, in the order of its moments, and what it still holds back."""

    def __init__(self, clock: Clock, chance: Random) -> None:
        """Begin with nothing said."""
        self._clock, self._chance = clock, chance
        self._moments: list[int] = []
        self._sayings: list[Saying] = []
        self._held: list[tuple[int, int, _Held]] = []
        self._order = 0
        self._ends: dict[tuple[int, str], _Held] = {}

    def __len__(self) -> int:
        """Return how many changes can be read."""
        return len(self._sayings)

    @property
    def held(self) -> int:
        """How many changes are held back."""
        return sum(not held.said for _, _, held in self._held)

    @property
    def newest(self) -> int | None:
        """The moment of the newest change."""
        return self._moments[-1] if self._moments else None

    # ---- saying ---------------------------------------------------------------------------------------------------------

    def baseline(self, households: list[Household]) -> None:
        """Say how the households are at the beginning, over the month before life goes on, in an order that is not theirs."""
        shuffled = self._chance.sample(households, len(households))
        begin = microseconds(_BASELINE_FROM)
        step = (self._clock.now - begin) // max(1, len(shuffled))
        for place, one in enumerate(shuffled):
            one.told_at = begin + place // 2 * 2 * step  # two of them at one moment
            self._moments.append(one.told_at)
            self._sayings.append(self.whole(one, aid=True))

    def whole(self, one: Household, *, aid: bool = False, members: bool = True, welfare: bool = True) -> Saying:
        """Return a statement of how a household is since its newest day, with all that is known or with some sections only."""
        village = one.village or ""
        regency = regency_of(village)
        told_size, told_welfare = members and one.size_known, welfare and one.expenditure is not None
        if told_size:
            one.size_said.add(regency)
        if told_welfare:
            one.welfare_said.add(regency)
        one.stays.setdefault(regency, Stay(village, one.slot))
        return Saying(
            household=one,
            village=village,
            slot=one.slot,
            day=one.day,
            operation=UPSERT,
            members=tuple((person, "ADA") for person in one.members) if told_size else None,
            welfare=(one.expenditure or 0, one.modelled) if told_welfare else None,
            aid=_aid(one) if aid else None,
        )

    def say(self, saying: Saying) -> None:
        """Say what is true: mostly at once, at times weeks late, twice, or wrongly first."""
        trouble = self._chance.random()
        if trouble < _LATE:
            self._hold(_Held(saying), _LATE_DAYS)
        elif trouble < _LATE + _WRONG_FIRST and (saying.welfare or saying.members):
            self._append(_garbled(saying))
            self._hold(_Held(saying), _MENDED_DAYS)
        else:
            self._append(saying)
        if self._chance.random() < _TWICE:
            self._hold(_Held(saying), _AGAIN_DAYS)

    def end(self, one: Household, stay: Stay, day: date, *, in_time: bool = False) -> None:
        """Say that a household is gone from a regency from a day on; often late, unless it must be said in time."""
        stay.ended = True
        held = _Held(Saying(one, stay.village, stay.slot, day, END))
        if not in_time and self._chance.random() < _END_LATE:
            self._ends[one.serial, regency_of(stay.village)] = held
            self._hold(held, _LATE_DAYS)
        else:
            self._append(held.saying)
        if self._chance.random() < _END_TWICE:
            self._hold(_Held(held.saying, stay), _LATE_DAYS)

    def take_in(self, one: Household, village: str) -> None:
        """Make ready for a household that comes to live in a village: an END of its last stay here is said before."""
        regency = regency_of(village)
        pending = self._ends.pop((one.serial, regency), None)
        if pending is not None:
            self._tell(pending)
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
            self._push(microseconds(later) + _DAY, _Held(replace(saying, day=later), idle=True))

    def mistake(self, saying: Saying) -> None:
        """Say what is not true, and retract it days or weeks later."""
        self._append(saying)
        self._hold(_Held(Saying(saying.household, saying.village, saying.slot, saying.day, RETRACT)), _MENDED_DAYS)

    def repeat(self) -> None:
        """Say the newest change once more, where there is nothing else to say."""
        if self._sayings and self._sayings[-1].operation == UPSERT and (newest := self._sayings[-1]).household.village == newest.village:
            self._append(newest)

    # ---- holding back ---------------------------------------------------------------------------------------------------

    def release(self) -> None:
        """Say what is due by now."""
        while self._held and self._held[0][0] <= self._clock.now:
            self._tell(heapq.heappop(self._held)[2])

    def flush(self) -> None:
        """Say everything that is held back, in the order in which it would have been said."""
        while self._held:
            held = heapq.heappop(self._held)[2]
            if not held.idle:
                self._tell(held)

    def _hold(self, held: _Held, days: tuple[int, int]) -> None:
        self._push(self._clock.now + self._chance.randrange(days[0] * _DAY + 1, days[1] * _DAY), held)

    def _push(self, due: int, held: _Held) -> None:
        self._order += 1
        heapq.heappush(self._held, (due, self._order, held))

    def _tell(self, held: _Held) -> None:
        one, regency = held.saying.household, regency_of(held.saying.village)
        if self._ends.get((one.serial, regency)) is held:
            del self._ends[one.serial, regency]
        if not held.said and (held.stay is None or one.stays.get(regency) is held.stay):
            held.said = True
            self._append(held.saying)

    def _append(self, saying: Saying) -> None:
        at = self._clock.stamp(saying.household.told_at)
        saying.household.told_at = at
        self._moments.append(at)
        self._sayings.append(saying)

    # ---- reading --------------------------------------------------------------------------------------------------------

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
