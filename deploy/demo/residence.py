"""
Where households live: moves near by, between regencies and between the four systems, which are told of it.

Why: moves lead through all systems and back, so every rule of residence and of precedence between registers is met.
Must not: garble a report (register.py and sddd.py do), or look at what was reported to decide what is true.

Corners, and how moves stay clear of them:
- A household moves at most once a month, because Jembrana's files know only months: whoever arrives in a month has its newest run begun
  after that of every other register.
- A register that takes in a household tells all that is known of it. It may leave out what another register said (whose word then
  goes on) only where it never spoke of that itself, exactly one other did, and nothing else happened in the month: else it would not
  be clear whose word counts.
- A household that is no more is ended in every register that still holds it, also where it left long ago without an END.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from random import Random

from deploy.demo.clock import Clock
from deploy.demo.days import month_of
from deploy.demo.household import Household
from deploy.demo.kampung import KampungRegister
from deploy.demo.places import BANYUWANGI, DKI, JEMBRANA, SUMEDANG, regency_of, region_of
from deploy.demo.population import Slots
from deploy.demo.system import System

__all__ = ["Pool", "Residences"]

_LEAVES_OUT = 0.5
_LEAVES_OUT_SIZE = 0.4
_STAYS_IN_SYSTEM = {DKI: 0.66, SUMEDANG: 0.45, BANYUWANGI: 0.45, JEMBRANA: 0.35}
"""How likely a move does not lead to another system."""
_NEAR, _BACK_HOME = 0.3, 0.35


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
    """Who lives where, in truth; and what the systems are told when that changes."""

    def __init__(
        self,
        slots: Slots,
        systems: Mapping[str, System],
        clock: Clock,
        chance: Random,
        places: Mapping[str, tuple[list[str], list[float]]],
    ) -> None:
        """Know the systems by their regions; `places` gives village codes and growing sums of their weights for each."""
        self._slots, self._systems, self._clock = slots, systems, clock
        self._chance, self._places = chance, places
        self.pools = {region: Pool() for region in systems}

    def begin(self, households: Iterable[Household]) -> None:
        """Let households of the first population live where they are."""
        for one in households:
            self.pools[region_of(one.village or "")].add(one)

    def village(self, region: str) -> str:
        """Return a village of a region, drawn by weight."""
        codes, sums = self._places[region]
        return self._chance.choices(codes, cum_weights=sums)[0]

    def home(self, one: Household) -> System:
        """Return the system of the region that a household lives in."""
        return self._systems[region_of(one.village or "")]

    # ---- ends -----------------------------------------------------------------------------------------------------------

    def may_vanish(self, one: Household) -> bool:
        """Tell whether a household may end; where another system still lists it, have it struck off there."""
        home = self.home(one)
        return home.may_end(one) and all(system.strike_off(one) for system in self._systems.values() if system is not home)

    def vanish(self, one: Household) -> None:
        """End a household, in every system that holds it."""
        village = self._gone(one)
        for system in self._systems.values():
            system.dissolve(one, village)

    def may_renew(self, one: Household) -> bool:
        """Tell whether a household may get a new card that its system tells as such."""
        return isinstance(self.home(one), KampungRegister) and self.may_vanish(one)

    def renew(self, one: Household, renewed: Household) -> None:
        """Let a household get a new card: the old one ends, in every system that holds it; the new one lives where it lived."""
        home = self.home(one)
        assert isinstance(home, KampungRegister)  # noqa: S101 - may_renew said so
        village = self._gone(one)
        self.pools[home.region].add(renewed)
        renewed.note(self._clock.today)
        for system in self._systems.values():
            if system is home:
                home.renew(one, renewed)
            else:
                system.dissolve(one, village)

    def _gone(self, one: Household) -> str:
        """Write down that a household is no more since today; return where it lived."""
        village = one.village or ""
        self.pools[region_of(village)].remove(one)
        one.village = None
        one.note(self._clock.today)
        return village

    # ---- moves ----------------------------------------------------------------------------------------------------------

    def move(self, one: Household) -> bool:
        """A household moves: near by, to another regency, or from one system to another."""
        home = self.home(one)
        village = self._target(one, home.region)
        target = self._systems[region_of(village)]
        if village == one.village or one.moved >= self._clock.month:
            return False
        if not home.may_go(one) or not (target is home or target.may_come(one, village)):
            return False
        quiet = month_of(one.day) < self._clock.month
        home.go(one, village)
        self.pools[home.region].remove(one)
        one.village, one.slot, one.moved = village, self._slots.take(village), self._clock.month
        self.settle(one, may_leave_out=quiet)
        return True

    def settle(self, one: Household, *, may_leave_out: bool = False) -> None:
        """Let a household live where it now is, and be taken in by the system there, which may leave out what it need not ask."""
        home, regency = self.home(one), regency_of(one.village or "")
        leave_out = may_leave_out and self._chance.random() < _LEAVES_OUT
        welfare = not (leave_out and _goes_on(one.welfare_said, regency))
        members = not (leave_out and _goes_on(one.size_said, regency) and self._chance.random() < _LEAVES_OUT_SIZE)
        self.pools[home.region].add(one)
        one.size_known = one.size_known or home.always_counts
        one.note(self._clock.today)
        home.come(one, members=members or home.always_counts, welfare=welfare)

    def _target(self, one: Household, region: str) -> str:
        """Return the village that a household moves to: near by, back where it lived before, or anywhere."""
        luck = self._chance.random()
        target = region
        if luck >= _STAYS_IN_SYSTEM[region]:
            target = self._chance.choice([other for other in self._systems if other != region])
        if target == DKI == region and luck < _NEAR:
            codes = [code for code in self._places[DKI][0] if regency_of(code) == regency_of(one.village or "")]
            return codes[self._chance.randrange(len(codes))]
        stays = [stay for regency, stay in one.stays.items() if regency.startswith(target) and stay.left is not None]
        if target != JEMBRANA and stays and self._chance.random() < _BACK_HOME:
            return stays[self._chance.randrange(len(stays))].village
        return self.village(target)


def _goes_on(said: set[str], regency: str) -> bool:
    """Tell whether a register may leave out what others said: it never spoke of it, and exactly one other did."""
    return regency not in said and len(said) == 1
