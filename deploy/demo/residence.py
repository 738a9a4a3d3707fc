"""
Where households live: moves near by, between regencies and between the two systems, and what the registers on both sides make of it.

Why: moves lead through both systems and back, so every rule of residence and of precedence between registers is met.
Must not: garble a report (carik_register.py and sddd.py do), or look at what was reported to decide what is true.

Corners, and how moves stay clear of them:
- A household moves at most once a month, because Jembrana's files know only months: whoever arrives in a month has its newest run begun
  after that of every other register.
- A register that takes in a household tells all that is known of it. It may leave out what another register said (whose word then
  goes on) only where it never spoke of that itself, exactly one other did, and nothing else happened in the month: else it would not
  be clear whose word counts.
- A household that is no more is ended in every register that still holds it, also where it left long ago without an END.
"""

from dataclasses import dataclass, field
from random import Random

from deploy.demo.carik_register import UPSERT, CarikRegister, Saying
from deploy.demo.clock import Clock
from deploy.demo.days import month_of
from deploy.demo.household import Household, Stay
from deploy.demo.places import DKI, JEMBRANA, regency_of
from deploy.demo.population import Slots
from deploy.demo.sddd import Villages

__all__ = ["Pool", "Residences", "system_of"]

_LEAVES_OUT = 0.5
_LEAVES_OUT_SIZE = 0.4
_LEFT_OPEN = 0.4
_STILL_LISTED = 0.35
_STAYS_IN_SYSTEM = {DKI: 0.72, JEMBRANA: 0.45}
"""How likely a move does not lead to the other system."""
_NEAR, _BACK_HOME = 0.3, 0.35
_TOLD_OF_AID = 0.3


@dataclass(slots=True)
class Pool:
    """Households of one system that are alive, each as likely as any other to be drawn."""

    members: list[Household] = field(default_factory=list)
    _place: dict[int, int] = field(default_factory=dict)

    def __len__(self) -> int:
        """Return how many there are."""
        return len(self.members)

    def add(self, one: Household) -> None:
        """Take a household in."""
        self._place[one.serial] = len(self.members)
        self.members.append(one)

    def remove(self, one: Household) -> None:
        """Let a household go."""
        place, last = self._place.pop(one.serial), self.members.pop()
        if last is not one:
            self.members[place] = last
            self._place[last.serial] = place


class Residences:
    """Who lives where, in truth; and what both systems are told when that changes."""

    def __init__(
        self,
        slots: Slots,
        register: CarikRegister,
        villages: Villages,
        clock: Clock,
        chance: Random,
        places: dict[str, tuple[list[str], list[float]]],
    ) -> None:
        """Know both systems; `places` gives village codes and growing sums of their weights for DKI Jakarta and Jembrana."""
        self._slots, self._register, self._villages = slots, register, villages
        self._clock, self._chance, self._places = clock, chance, places
        self.pools = {DKI: Pool(), JEMBRANA: Pool()}

    def begin(self, one: Household) -> None:
        """Let a household of the first population live where it is."""
        system = system_of(one)
        self.pools[system].add(one)
        if system == JEMBRANA:
            self._villages.arrive(one, one.village or "")

    def village(self, system: str) -> str:
        """Return a village of a system, drawn by weight."""
        codes, sums = self._places[system]
        return self._chance.choices(codes, cum_weights=sums)[0]

    # ---- ends -----------------------------------------------------------------------------------------------------------

    def may_vanish(self, one: Household) -> bool:
        """Tell whether a household may end: in Jembrana not soon after a move, nor as one too many; elsewhere, have it struck off there."""
        if system_of(one) == JEMBRANA:
            return one.moved + 2 <= self._clock.month and self._villages.may_leave(one.village or "", self._clock.month)
        return self._villages.strike_off(one)

    def vanish(self, one: Household) -> None:
        """End a household, in every register that holds it."""
        today = self._clock.today
        self.pools[system_of(one)].remove(one)
        last = self._register.whole(one) if system_of(one) == DKI else None
        if system_of(one) == JEMBRANA:
            self._villages.leave(one, one.village or "")
        one.village = None
        one.note(today)
        for stay in one.stays.values():
            if not stay.ended:
                stay.left = stay.left or today
                self._register.end(one, stay, today)
        if last is not None:
            self._register.unaware(Saying(one, last.village, last.slot, today, UPSERT, last.members, last.welfare))

    # ---- moves ----------------------------------------------------------------------------------------------------------

    def move(self, one: Household) -> bool:
        """A household moves: near by, to another regency, or from one system to the other."""
        system = system_of(one)
        village = self._target(one, system)
        target = DKI if village.startswith(DKI) else JEMBRANA
        if village == one.village or one.moved >= self._clock.month or not self._may_move(one, system, target, village):
            return False
        quiet = month_of(one.day) < self._clock.month
        self._depart(one, system, target, village)
        self.pools[system].remove(one)
        one.village, one.slot, one.moved = village, self._slots.take(village), self._clock.month
        self.settle(one, may_leave_out=quiet)
        return True

    def _may_move(self, one: Household, system: str, target: str, village: str) -> bool:
        if system == JEMBRANA:
            return self._villages.may_leave(one.village or "", self._clock.month)
        before = one.stays.get(JEMBRANA)
        return target == DKI or before is None or (before.village != village and not self._villages.lists(one))

    def _depart(self, one: Household, system: str, target: str, village: str) -> None:
        """Let the register of a household's old residence know, or not."""
        old = one.village or ""
        if system == JEMBRANA:
            listed = self._chance.randrange(1, 5) if target == DKI and self._chance.random() < _STILL_LISTED else 0
            self._villages.leave(one, old, still_listed=listed)
            one.stays[JEMBRANA] = Stay(old, 0, self._clock.today, ended=True)
        elif regency_of(old) != regency_of(village):
            stay = one.stays[regency_of(old)]
            stay.left = self._clock.today
            if self._chance.random() >= _LEFT_OPEN:
                self._register.end(one, stay, self._clock.today)

    def settle(self, one: Household, *, may_leave_out: bool = False) -> None:
        """Let a household live where it now is, and be taken in by the register there, which may leave out what it need not ask."""
        village, regency = one.village or "", regency_of(one.village or "")
        leave_out = may_leave_out and self._chance.random() < _LEAVES_OUT
        welfare = not (leave_out and _goes_on(one.welfare_said, regency))
        members = not (leave_out and _goes_on(one.size_said, regency) and self._chance.random() < _LEAVES_OUT_SIZE)
        self.pools[system_of(one)].add(one)
        if regency == JEMBRANA:
            one.size_known = True
            one.size_said.add(JEMBRANA)
            if welfare and one.expenditure is not None:
                one.welfare_said.add(JEMBRANA)
            one.note(self._clock.today)
            self._villages.arrive(one, village)
        else:
            one.note(self._clock.today)
            self._register.take_in(one, village)
            self._register.say(self._register.whole(one, members=members, welfare=welfare, aid=self._chance.random() < _TOLD_OF_AID))

    def _target(self, one: Household, system: str) -> str:
        """Return the village that a household moves to: near by, back where it lived before, or anywhere."""
        luck = self._chance.random()
        target = system if luck < _STAYS_IN_SYSTEM[system] else (JEMBRANA if system == DKI else DKI)
        if target == DKI and system == DKI and luck < _NEAR:
            codes = [code for code in self._places[DKI][0] if regency_of(code) == regency_of(one.village or "")]
            return codes[self._chance.randrange(len(codes))]
        homes = [stay.village for regency, stay in one.stays.items() if regency != JEMBRANA and stay.left is not None]
        if target == DKI and homes and self._chance.random() < _BACK_HOME:
            return homes[self._chance.randrange(len(homes))]
        return self.village(target)


def system_of(one: Household) -> str:
    """Return which of the two systems a household lives in."""
    return DKI if (one.village or "").startswith(DKI) else JEMBRANA


def _goes_on(said: set[str], regency: str) -> bool:
    """Tell whether a register may leave out what others said: it never spoke of it, and exactly one other did."""
    return regency not in said and len(said) == 1
