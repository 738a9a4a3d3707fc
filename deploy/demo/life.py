"""
Life in the simulated world: births, deaths, moves, splits, merges and spending, one at a time.

Why: what happens is decided and written down here; how it is reported is decided elsewhere. Moves lead through both systems and
back, so every rule of residence and of precedence between registers is met.
Must not: garble a report (carik_register.py and sddd.py do), or look at what was reported to decide what is true.

Corners, and how life stays clear of them:
- A household moves at most once a month, because Jembrana's files know only months: whoever arrives in a month has its newest run begun
  after that of every other register.
- A register that takes in a household tells all that is known of it. It may leave out what another register said (whose word then
  goes on) only where it never spoke of that itself, exactly one other did, and nothing else happened in the month: else it would not
  be clear whose word counts.
- A household that is no more is ended in every register that still holds it, also where it left long ago without an END.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random

from deploy.demo.carik_register import END, UPSERT, CarikRegister, Saying
from deploy.demo.clock import Clock
from deploy.demo.days import month_of
from deploy.demo.household import Household, Stay, card_number
from deploy.demo.people import CHILD, People
from deploy.demo.places import DKI, JEMBRANA, regency_of
from deploy.demo.population import Slots
from deploy.demo.sddd import Villages

__all__ = ["Life", "Pool"]

_MOST_MEMBERS = 12
_PARTIAL = 0.5
_LEFT_OPEN = 0.4
_STILL_LISTED = 0.35
_TRIES = 40


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


class Life:
    """What can happen to the households of the two systems."""

    def __init__(
        self,
        households: list[Household],
        people: People,
        slots: Slots,
        register: CarikRegister,
        villages: Villages,
        clock: Clock,
        chance: Random,
        places: dict[str, tuple[list[str], list[float]]],
    ) -> None:
        """Know the world; `places` gives village codes and growing sums of their weights for DKI Jakarta and Jembrana."""
        self._households, self._people, self._slots, self._places = households, people, slots, places
        self._register, self._villages, self._clock, self._chance = register, villages, clock, chance
        self.pools = {DKI: Pool(), JEMBRANA: Pool()}
        for one in households:
            self.pools[_system(one)].add(one)
            if _system(one) == JEMBRANA:
                self._villages.arrive(one, one.village or "")
        events = (
            (self._spend, 40),
            (self._birth, 9),
            (self._death, 8),
            (self._dissolve, 4),
            (self._move, 22),
            (self._split, 4),
            (self._merge, 3),
            (self._mistake, 6),
        )
        self._events: list[Callable[[Household], bool]] = [event for event, _ in events]
        self._weights = [weight for _, weight in events]

    def happen(self) -> bool:
        """Let one thing happen to somebody; tell whether anything could (not where everybody's day is full)."""
        alive = self.pools[DKI], self.pools[JEMBRANA]
        if not any(alive):
            return False
        event = self._chance.choices(self._events, self._weights)[0]
        for _ in range(_TRIES):
            place = self._chance.randrange(len(alive[0]) + len(alive[1]))
            one = alive[0].members[place] if place < len(alive[0]) else alive[1].members[place - len(alive[0])]
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
        if not self._may_vanish(one):
            return False
        self._vanish(one)
        return True

    def _split(self, one: Household) -> bool:
        """Some members get a card of their own, at times in another village; at times the rest gets a new card too."""
        if len(one.members) < 3 or one.expenditure is None or not one.size_known:
            return False
        if self._chance.random() < 0.25 and self._may_vanish(one):
            members, spent = one.members, one.expenditure
            self._vanish(one)
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
        today, serial = self._clock.today, len(self._households)
        last = parent.village or parent.facts[-2].village or ""
        village = last if self._chance.random() < 0.5 else self._village(DKI if last.startswith(DKI) else JEMBRANA)
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
        self._settle(one)

    def _merge(self, one: Household) -> bool:
        """A household of the same system joins another's card."""
        pool = self.pools[_system(one)].members
        other = pool[self._chance.randrange(len(pool))]
        fits = len(one.members) + len(other.members) <= _MOST_MEMBERS and one.size_known and other.expenditure is not None
        if other is one or other.day >= self._clock.today or not fits or not self._may_vanish(other):
            return False
        joining, brought = other.members, other.expenditure or 0
        self._vanish(other)
        one.members = one.members + joining
        one.expenditure = (one.expenditure or 0) + brought
        self._counted(one)
        one.welfare_said.add(regency_of(one.village or ""))
        self._tell(one)
        return True

    def _may_vanish(self, one: Household) -> bool:
        """Tell whether a household may end: in Jembrana not soon after a move, nor as one too many; elsewhere, have it struck off there."""
        if _system(one) == JEMBRANA:
            return one.moved + 2 <= self._clock.month and self._villages.may_leave(one.village or "", self._clock.month)
        return self._villages.strike_off(one)

    def _vanish(self, one: Household) -> None:
        """End a household, in every register that holds it."""
        today = self._clock.today
        self.pools[_system(one)].remove(one)
        last = self._register.whole(one) if _system(one) == DKI else None
        if _system(one) == JEMBRANA:
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

    def _move(self, one: Household) -> bool:
        """A household moves: near by, to another regency, or from one system to the other."""
        system = _system(one)
        luck = self._chance.random()
        target = system if luck < (0.72 if system == DKI else 0.45) else (JEMBRANA if system == DKI else DKI)
        village = self._near(one) if target == DKI and system == DKI and luck < 0.3 else self._village(target)
        if village == one.village or one.moved >= self._clock.month or not self._may_move(one, system, target, village):
            return False
        quiet = month_of(one.day) < self._clock.month
        self._depart(one, system, target, village)
        self.pools[system].remove(one)
        one.village, one.slot, one.moved = village, self._slots.take(village), self._clock.month
        self._settle(one, may_leave_out=quiet)
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

    def _settle(self, one: Household, *, may_leave_out: bool = False) -> None:
        """Let a household live where it now is, and be taken in by the register there, which may leave out what it need not ask."""
        village, regency = one.village or "", regency_of(one.village or "")
        leave_out = may_leave_out and self._chance.random() < _PARTIAL
        welfare = not (leave_out and _goes_on(one.welfare_said, regency))
        members = not (leave_out and _goes_on(one.size_said, regency) and self._chance.random() < 0.4)
        self.pools[_system(one)].add(one)
        if regency == JEMBRANA:
            self._counted(one)
            if welfare and one.expenditure is not None:
                one.welfare_said.add(JEMBRANA)
            one.note(self._clock.today)
            self._villages.arrive(one, village)
        else:
            one.note(self._clock.today)
            self._register.take_in(one, village)
            self._register.say(self._register.whole(one, members=members, welfare=welfare, aid=self._chance.random() < 0.3))

    def _near(self, one: Household) -> str:
        """Return a village of the same regency."""
        codes = [code for code in self._places[DKI][0] if regency_of(code) == regency_of(one.village or "")]
        return codes[self._chance.randrange(len(codes))]

    def _village(self, system: str) -> str:
        codes, sums = self._places[system]
        return self._chance.choices(codes, cum_weights=sums)[0]

    # ---- reports --------------------------------------------------------------------------------------------------------

    def _tell(self, one: Household, *, members: bool = True, welfare: bool = True, departed: tuple[tuple[int, str], ...] = ()) -> None:
        """Write down what happened today, and tell Carik of it where the household lives in its reach."""
        one.note(self._clock.today)
        if _system(one) == JEMBRANA:
            return
        told = self._register.whole(one, members=members, welfare=welfare)
        if departed:
            told = Saying(one, told.village, told.slot, told.day, UPSERT, (told.members or ()) + departed, told.welfare)
        self._register.say(told)

    def _mistake(self, one: Household) -> bool:
        """Nothing happens, but Carik says so: other spending, an end, or a family in a regency where it never came to live."""
        today = self._clock.today
        one.day = today
        luck = self._chance.random()
        if _system(one) == DKI and luck < 0.4:
            wrong = Saying(one, one.village or "", one.slot, today, UPSERT, welfare=(self._chance.randrange(200_000, 9_000_000), False))
        elif _system(one) == DKI and luck < 0.7:
            wrong = Saying(one, one.village or "", one.slot, today, END)
        else:
            village = self._village(DKI)
            wrong = Saying(one, village, 0, today, UPSERT, tuple((person, "ADA") for person in one.members), (900_000, True))
        self._register.mistake(wrong)
        return True


def _system(one: Household) -> str:
    """Return which of the two systems a household lives in."""
    return DKI if (one.village or "").startswith(DKI) else JEMBRANA


def _goes_on(said: set[str], regency: str) -> bool:
    """Tell whether a register may leave out what others said: it never spoke of it, and exactly one other did."""
    return regency not in said and len(said) == 1
