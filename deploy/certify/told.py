"""
What a source is told to say in a certification, and what is true after it: families that nobody has, by their serials.

Why: the truth is kept beside the source, by the plainest rule there is, so that what the office holds can be compared with it.
Must not: import the pipeline's law: what is compared must not be computed by what it is compared with.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from enum import StrEnum

__all__ = ["BEGIN", "Fact", "Says", "Told", "Truth", "card", "month_after", "name", "nik", "street"]

BEGIN = date(2020, 1, 1)
"""The first day of the certification's own time; every change holds from the first day of a month, so that monthly sources can say it."""
_SERIALS = 9_998
_FIRST_AREA = 100
"""The regency of an area is not 00."""


class Says(StrEnum):
    """What is said of a family."""

    IS = "is"
    ENDS = "ends"
    NEVER_WAS = "never was"


@dataclass(frozen=True, slots=True)
class Fact:
    """A family as it is: village code, people, rupiah per month (None: nobody has asked)."""

    village: str
    size: int
    expenditure: int | None


@dataclass(frozen=True, slots=True)
class Told:
    """One change that the source tells; `sequence` and `moment` (when it was recorded, by the source's own clock) grow for each family."""

    serial: int
    since: date
    sequence: int
    moment: datetime
    says: Says = Says.IS
    fact: Fact = Fact("", 1, None)


@dataclass(slots=True)
class Truth:
    """What is true of every family from which day on; None from the day on which it is no more."""

    facts: dict[int, dict[date, Fact | None]] = field(default_factory=dict)
    said: dict[tuple[int, str, date], Told] = field(default_factory=dict)
    """What was said last of each family, in each regency, from each date on."""

    def note(self, told: Told) -> None:
        """Take a change into account; one that says nothing of expenditure leaves it as it was by that day."""
        self.said[told.serial, told.fact.village[:5], told.since] = told
        timeline = self.facts.setdefault(told.serial, {})
        if told.says is Says.NEVER_WAS:
            timeline.pop(told.since, None)
        elif told.says is Says.ENDS:
            timeline[told.since] = None
        else:
            fact, before = told.fact, self.at(told.serial, told.since)
            if fact.expenditure is None and before is not None:
                fact = replace(fact, expenditure=before.expenditure)
            timeline[told.since] = fact

    def was_not_gone(self, serial: int, day: date) -> None:
        """Forget the ends of a family after a day: it is there again, and its absence alone had told of them."""
        timeline = self.facts.get(serial, {})
        for since in [since for since, fact in timeline.items() if fact is None and since > day]:
            del timeline[since]
        for key in [key for key, told in self.said.items() if key[0] == serial and key[2] > day and told.says is Says.ENDS]:
            del self.said[key]

    def at(self, serial: int, day: date) -> Fact | None:
        """Return a family as it is on a day, or None where it does not exist."""
        begun = [since for since in self.facts.get(serial, ()) if since <= day]
        return self.facts[serial][max(begun)] if begun else None

    def living(self, day: date, village: str | None = None) -> dict[int, Fact]:
        """Return all families that exist on a day, of one village or of all."""
        found = {serial: self.at(serial, day) for serial in self.facts}
        return {serial: fact for serial, fact in found.items() if fact and village in (None, fact.village)}

    def days(self) -> dict[int, set[date]]:
        """Return the days that tell all of each family: those on which it changes, and the last on which anything does."""
        last = max((day for timeline in self.facts.values() for day in timeline), default=BEGIN)
        return {serial: {*timeline, last} for serial, timeline in self.facts.items()}

    def all_facts(self) -> Iterator[tuple[int, date, Fact | None]]:
        """Yield every family on the days that tell all of it."""
        for serial, days in self.days().items():
            yield from ((serial, day, self.at(serial, day)) for day in sorted(days))


def month_after(day: date, months: int = 1) -> date:
    """
    Return the first day of a later month.

    >>> month_after(date(2020, 11, 1), 3)
    datetime.date(2021, 2, 1)
    """
    month = day.year * 12 + day.month - 1 + months
    return date(month // 12, month % 12 + 1, 1)


def card(serial: int) -> str:
    """
    Return the invented number of a family card: area 99, registered on 1 January 2020.

    >>> card(0), card(20_000)
    ('9901000101200001', '9901020101200005')
    """
    block, place = divmod(serial, _SERIALS)
    return f"99{_FIRST_AREA + block:04}010120{place + 1:04}"


def nik(serial: int, place: int = 1) -> str:
    """Return the invented number of a person: a woman born on 5 May 1990, the n-th of a family."""
    return f"99{_FIRST_AREA + serial // _SERIALS:04}450590{(serial * 17 + place) % _SERIALS + 1:04}"


def name(serial: int) -> str:
    """Return an invented name, which must never be found in what is sent."""
    return f"WARGA {serial:06}"


def street(serial: int) -> str:
    """Return an invented address, which must never be found in what is sent."""
    return f"JALAN CONTOH {serial:06}"
