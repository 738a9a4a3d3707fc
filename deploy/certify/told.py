"""
What a source is told to say in a certification, and what is true after it: families that nobody has, by their serials.

Why: the truth is kept beside the source, by the plainest rule there is, so that what the office holds can be compared with it.
Must not: import the pipeline's law: what is compared must not be computed by what it is compared with.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum

__all__ = ["BEGIN", "Fact", "Says", "Told", "Truth", "card", "month_after", "name", "nik", "street"]

BEGIN = date(2020, 1, 1)
"""The first day of the certification's own time; every change holds from the first day of a month, so that monthly sources can say it."""
_NOON = datetime(2020, 1, 2, 12, tzinfo=UTC)
_SERIALS = 9_998


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
    """One change that the source tells: `sequence` grows with every change, and so does `moment`, unless the source's clock is wrong."""

    serial: int
    since: date
    sequence: int
    says: Says = Says.IS
    fact: Fact = Fact("", 1, None)
    skew: timedelta = timedelta()

    @property
    def moment(self) -> datetime:
        """When the source recorded it, by its own clock."""
        return _NOON + timedelta(seconds=self.sequence) + self.skew


@dataclass(slots=True)
class Truth:
    """What is true of every family from which day on; None from the day on which it is no more."""

    facts: dict[int, dict[date, Fact | None]] = field(default_factory=dict)

    def note(self, told: Told) -> None:
        """Take a change into account; one that says nothing of expenditure leaves it as it was by that day."""
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

    def at(self, serial: int, day: date) -> Fact | None:
        """Return a family as it is on a day, or None where it does not exist."""
        begun = [since for since in self.facts.get(serial, ()) if since <= day]
        return self.facts[serial][max(begun)] if begun else None

    def living(self, day: date, village: str | None = None) -> dict[int, Fact]:
        """Return all families that exist on a day, of one village or of all."""
        found = {serial: self.at(serial, day) for serial in self.facts}
        return {serial: fact for serial, fact in found.items() if fact and village in (None, fact.village)}

    def days(self) -> list[date]:
        """Return the days on which anything changes."""
        return sorted({day for timeline in self.facts.values() for day in timeline})

    def all_facts(self) -> Iterator[tuple[int, date, Fact | None]]:
        """Yield every family on every day on which anything changes."""
        for day in self.days():
            for serial in self.facts:
                yield serial, day, self.at(serial, day)


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
    ('9900000101200001', '9900020101200005')
    """
    block, place = divmod(serial, _SERIALS)
    return f"99{block:04}010120{place + 1:04}"


def nik(serial: int, place: int = 1) -> str:
    """Return the invented number of a person: a woman born on 5 May 1990, the n-th of a family."""
    return f"99{serial // _SERIALS:04}450590{(serial * 17 + place) % _SERIALS + 1:04}"


def name(serial: int) -> str:
    """Return an invented name, which must never be found in what is sent."""
    return f"WARGA {serial:06}"


def street(serial: int) -> str:
    """Return an invented address, which must never be found in what is sent."""
    return f"JALAN CONTOH {serial:06}"
