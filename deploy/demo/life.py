"""
Life in the simulated world: births, deaths, splits, merges, spending and moves, one at a time.

Why: what happens is decided and written down here; how it is reported is decided elsewhere.
Must not: garble a report, or look at what was reported to decide what is true.

One day, one thing: a household to which something happened today, or of which a register said something wrong, has rest until tomorrow.
"""

from collections.abc import Callable, Sequence
from random import Random

from deploy.demo.clock import Clock
from deploy.demo.days import month_of
from deploy.demo.household import Household, card_number
from deploy.demo.people import CHILD, People
from deploy.demo.places import regency_of, region_of
from deploy.demo.population import Slots
from deploy.demo.register import END, UPSERT, Register, Saying
from deploy.demo.residence import Residences

__all__ = ["Life"]

_MOST_MEMBERS = 12
_TRIES = 40
"""How often somebody else is looked for before a tick passes without an event: in a tiny world everybody's day may be full."""


class Life:
    """What can happen to the households of the four systems."""

    def __init__(
        self,
        households: list[Household],
        people: People,
        slots: Slots,
        registers: Sequence[Register],
        residences: Residences,
        clock: Clock,
        chance: Random,
    ) -> None:
        """Know the world; households founded later are added to the list. `registers` are those that can say what never happened."""
        self._households, self._people, self._slots = households, people, slots
        self._registers, self._residences = registers, residences
        self._clock, self._chance = clock, chance
        events = (
            (self._spend, 40),
            (self._birth, 9),
            (self._death, 8),
            (self._dissolve, 4),
            (residences.move, 22),
            (self._split, 4),
            (self._merge, 3),
            (self._mistake, 6),
            (self._renew, 3),
        )
        self._events: list[Callable[[Household], bool]] = [event for event, _ in events]
        self._weights = [weight for _, weight in events]

    def happen(self) -> bool:
        """Let one thing happen to somebody; tell whether anything could (not where everybody's day is full)."""
        pools = [pool for pool in self._residences.pools.values() if pool]
        if not pools:
            return False
        event = self._chance.choices(self._events, self._weights)[0]
        for _ in range(_TRIES):
            pool = self._chance.choices(pools, [len(pool) for pool in pools])[0]
            one = pool.members[self._chance.randrange(len(pool))]
            if one.day < self._clock.today and event(one):
                return True
        return False

    # ---- in the family --------------------------------------------------------------------------------------------------

    def _spend(self, one: Household) -> bool:
        """Spending goes up or down, or is asked for the first time."""
        before = one.expenditure or 1_500_000 * len(one.members)
        one.expenditure = max(50_000, round(before * self._chance.lognormvariate(0.01, 0.18) / 1_000) * 1_000)
        one.modelled = self._chance.random() < 0.25
        one.welfare_said.add(regency_of(one.village or ""))
        self._tell(one, members=False)
        return True

    def _birth(self, one: Household) -> bool:
        """A child is born."""
        if len(one.members) >= _MOST_MEMBERS:
            return False
        one.members.append(self._people.add(self._clock.today, CHILD, woman=self._chance.random() < 0.5))
        self._counted(one)
        self._tell(one, welfare=False)
        return True

    def _death(self, one: Household) -> bool:
        """A member dies, or leaves the country; others remain."""
        if len(one.members) < 2:
            return False
        gone = one.members.pop(self._chance.randrange(len(one.members)))
        self._counted(one)
        self._tell(one, welfare=False, departed=((gone, self._chance.choice(("MENINGGAL", "PINDAH"))),))
        return True

    def _counted(self, one: Household) -> None:
        one.size_known = True
        one.size_said.add(regency_of(one.village or ""))

    # ---- beginnings and ends --------------------------------------------------------------------------------------------

    def _dissolve(self, one: Household) -> bool:
        """The last member dies, or all leave the country."""
        if not self._residences.may_vanish(one):
            return False
        self._residences.vanish(one)
        return True

    def _split(self, one: Household) -> bool:
        """Some members get a card of their own, at times in another village; at times the rest gets a new card too."""
        if len(one.members) < 3 or one.expenditure is None or not one.size_known:
            return False
        if self._chance.random() < 0.25 and self._residences.may_vanish(one):
            members, spent = one.members, one.expenditure
            self._residences.vanish(one)
            parts = self._parted(members)
            for part in parts:
                self._found(one, part, spent * len(part) // len(members))
            return True
        staying, going = self._parted(one.members)
        spent = one.expenditure * len(going) // (len(staying) + len(going))
        one.members, one.expenditure = staying, one.expenditure - spent
        self._counted(one)
        one.welfare_said.add(regency_of(one.village or ""))
        self._tell(one)
        self._found(one, going, spent)
        return True

    def _parted(self, members: list[int]) -> tuple[list[int], list[int]]:
        shuffled = self._chance.sample(members, len(members))
        cut = self._chance.randrange(1, len(members))
        return shuffled[:cut], shuffled[cut:]

    def _found(self, parent: Household, members: list[int], expenditure: int) -> None:
        """Found a household in its parent's village or near it."""
        last = parent.village or parent.facts[-2].village or ""
        village = last if self._chance.random() < 0.5 else self._residences.village(region_of(last))
        self._residences.settle(self._made(parent, village, members, expenditure))

    def _made(self, parent: Household, village: str, members: list[int], expenditure: int | None) -> Household:
        """Return a new household with a card of today."""
        today, serial = self._clock.today, len(self._households)
        one = Household(
            serial=serial,
            card=card_number(serial, today),
            village=village,
            slot=self._slots.take(village),
            members=members,
            size_known=True,
            expenditure=expenditure,
            modelled=parent.modelled,
            day=today,
            moved=month_of(today),
        )
        self._households.append(one)
        return one

    def _renew(self, one: Household) -> bool:
        """A family gets a new card, and nothing else changes: the household that the old one was ends, and another begins."""
        if not self._residences.may_renew(one):
            return False
        self._residences.renew(one, self._made(one, one.village or "", list(one.members), one.expenditure))
        return True

    def _merge(self, one: Household) -> bool:
        """A household of the same system joins another's card."""
        pool = self._residences.pools[region_of(one.village or "")].members
        other = pool[self._chance.randrange(len(pool))]
        fits = len(one.members) + len(other.members) <= _MOST_MEMBERS and one.size_known and other.expenditure is not None
        if other is one or other.day >= self._clock.today or not fits or not self._residences.may_vanish(other):
            return False
        joining, brought = other.members, other.expenditure or 0
        self._residences.vanish(other)
        one.members = one.members + joining
        one.expenditure = (one.expenditure or 0) + brought
        self._counted(one)
        one.welfare_said.add(regency_of(one.village or ""))
        self._tell(one)
        return True

    # ---- reports --------------------------------------------------------------------------------------------------------

    def _tell(self, one: Household, *, members: bool = True, welfare: bool = True, departed: tuple[tuple[int, str], ...] = ()) -> None:
        """Write down what happened today, and tell the system where the household lives."""
        one.note(self._clock.today)
        self._residences.home(one).tell(one, members=members, welfare=welfare, departed=departed)

    def _mistake(self, one: Household) -> bool:
        """Nothing happens, but a register says so: other spending, an end, or a family in a regency where it never came to live."""
        today, home = self._clock.today, self._residences.home(one)
        one.day = today
        luck = self._chance.random()
        if isinstance(home, Register) and luck < 0.4:
            wrong = Saying(one, one.village or "", one.slot, today, UPSERT, welfare=(self._chance.randrange(200_000, 9_000_000), False))
            home.mistake(wrong)
        elif isinstance(home, Register) and luck < 0.7:
            home.mistake(Saying(one, one.village or "", one.slot, today, END))
        else:
            other = self._chance.choice(self._registers)
            village = self._residences.village(other.region)
            other.mistake(Saying(one, village, 0, today, UPSERT, tuple((person, "ADA") for person in one.members), (900_000, True)))
        return True
