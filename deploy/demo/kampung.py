"""
Smart Kampung's register: Banyuwangi's families as rows of a database, changed in transactions.

Why: a row holds a whole family as it is, so whatever is said of one day says everything of it; a correction of the past is a row set
back to an older `berlaku_sejak` and then set forward again, state by state; an end is a deleted row, a new card a changed key.
Must not: reach a database (kampung_writer.py does), or know what a reader makes of it.

Corners, beside those of every register, and how this one stays clear of them:
- A row that is gone cannot be corrected: before a family is struck off, all that is still to be said of it is said.
- A statement is taken back by marking the row; if the family lives here, or is still thought to, the row is then set to how it is.
- What nobody here has asked stays empty, also in states that are told once more.
"""

from collections import deque
from dataclasses import dataclass
from datetime import date
from random import Random

from deploy.demo.clock import Clock
from deploy.demo.days import month_of
from deploy.demo.household import Fact, Household
from deploy.demo.places import BANYUWANGI
from deploy.demo.register import END, RETRACT, UPSERT, Register, Saying

__all__ = ["Delete", "KampungRegister", "Op", "Put", "Rekey", "Row", "Touch", "Widen"]

_TOUCHED = 0.05
"""The share of villages whose every row is written anew at a month's end, though nothing in it changes."""
_CLEANED = 0.5
_WIDENED_AFTER = month_of(date(2025, 1, 1))
"""The month after which `keluarga` gets a further column: about a third of the way."""


@dataclass(frozen=True, slots=True)
class Row:
    """A family's row of `keluarga` at one moment; `members` and `aid` None: its rows in the other tables stay as they are."""

    household: Household
    village: str
    fact: Fact
    at: int
    cancelled: bool = False
    members: tuple[tuple[int, str], ...] | None = None
    aid: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class Put:
    """Write a family's row, new or not."""

    row: Row


@dataclass(frozen=True, slots=True)
class Delete:
    """Delete a family's rows."""

    card: str


@dataclass(frozen=True, slots=True)
class Rekey:
    """Give a family's rows another card, and the state that it has under it."""

    card: str
    row: Row


@dataclass(frozen=True, slots=True)
class Touch:
    """Write every row of a village anew, unchanged but for when it was changed."""

    village: str
    at: int


@dataclass(frozen=True, slots=True)
class Widen:
    """Add a column to `keluarga`."""


Op = Put | Delete | Rekey | Touch | Widen


class KampungRegister(Register):
    """All that Smart Kampung does to its database, transaction by transaction, and what it still holds back."""

    region = BANYUWANGI
    always_counts = True
    ends_repeat = False

    def __init__(self, clock: Clock, chance: Random, villages: list[str]) -> None:
        """Begin with empty tables."""
        super().__init__(clock, chance)
        self.log: deque[tuple[Op, ...]] = deque()
        """Transactions that are to be written, oldest first; whoever writes them takes them out."""
        self.done: list[Op] = []
        """What all transactions there ever were do, in their order."""
        self._villages = villages

    def begin(self, households: list[Household]) -> None:
        """Enter the first population, all in one transaction."""
        self._do(tuple(Put(self._stated(self.whole(one, aid=True), one.facts[-1])) for one in households))

    def renew(self, one: Household, renewed: Household) -> None:
        """Let a family that lives here have a new card from today on; the old one is no more since today."""
        stay = one.stays[BANYUWANGI]
        self._catch_up(one)
        gone = Saying(one, stay.village, stay.slot, self._clock.today, END)
        if renewed.expenditure is not None:
            renewed.welfare_said.add(BANYUWANGI)
        told = self._stated(self.whole(renewed), renewed.facts[-1])
        self._do((Put(self._stated(gone, self._said(gone))), Rekey(one.card, told)))
        stay.left, stay.ended = self._clock.today, True

    def close_month(self, month: int) -> None:
        """Write some villages anew, each in a transaction of its own; once, the table gets a further column."""
        if month == _WIDENED_AFTER:
            self._do((Widen(),))
        for village in self._villages:
            if self._chance.random() < _TOUCHED:
                self._do((Touch(village, self._clock.now),))

    def _do(self, transaction: tuple[Op, ...]) -> None:
        self.log.append(transaction)
        self.done += transaction

    def _utter(self, saying: Saying, *, true: bool) -> None:
        one = saying.household
        if saying.operation == END:
            self._catch_up(one)
            self._do((Put(self._stated(saying, self._said(saying))), Delete(one.card)))
        elif saying.operation == RETRACT:
            self._do((Put(self._stated(saying, self._said(saying), cancelled=True)), *self._after_retraction(one)))
        else:
            facts = [fact for fact in self._lived(one) if fact.day >= saying.day] if true else []
            self._do(tuple(Put(self._stated(saying, fact)) for fact in facts or [self._said(saying)]))

    def _catch_up(self, one: Household) -> None:
        """Say what is still to be said of a family, but for its end and what would be said from ignorance."""
        for _, _, held in sorted(self._held, key=lambda waiting: waiting[:2]):
            if held.saying.household is one and not held.said and held.saying.operation != END:
                held.said = True
                if not held.idle:
                    self._utter(held.saying, true=True)

    def _after_retraction(self, one: Household) -> tuple[Op, ...]:
        """Return what follows once a family's last statement is taken back: how it is, or at times the row's removal."""
        stay, lived = one.stays.get(BANYUWANGI), self._lived(one)
        if stay is not None and not stay.ended and lived:
            return (Put(self._stated(Saying(one, stay.village, stay.slot, lived[-1].day, UPSERT), lived[-1])),)
        return (Delete(one.card),) if stay is None and self._chance.random() < _CLEANED else ()

    def _lived(self, one: Household) -> list[Fact]:
        """Return what is true of a family's time here."""
        return [fact for fact in one.facts if (fact.village or "").startswith(BANYUWANGI)]

    def _said(self, saying: Saying) -> Fact:
        """Return what a statement says, true or not, as a row holds it; what it does not say is as it was last here."""
        one, lived = saying.household, self._lived(saying.household)
        last = lived[-1] if lived else Fact(saying.day, saying.village, len(one.members), None, modelled=False)
        size = sum(presence == "ADA" for _, presence in saying.members) if saying.members is not None else last.size
        spent, modelled = saying.welfare if saying.welfare is not None else (last.expenditure, last.modelled)
        return Fact(saying.day, saying.village, size, spent, modelled)

    def _stated(self, saying: Saying, fact: Fact, *, cancelled: bool = False) -> Row:
        """Return a row of a fact; members as they are now, with those that the statement says have gone."""
        one = saying.household
        at = one.told_at = self._clock.stamp(one.told_at)
        if saying.welfare is None and BANYUWANGI not in one.welfare_said:
            fact = fact._replace(expenditure=None)
        here = saying.operation == UPSERT and (one.village or "").startswith(BANYUWANGI)
        gone = tuple(who for who in saying.members or () if who[1] != "ADA")
        members = (*((person, "ADA") for person in one.members), *gone) if here else None
        return Row(one, fact.village or saying.village, fact, at, cancelled, members, saying.aid)
