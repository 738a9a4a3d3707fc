"""
One household of the simulated world: how it is, how it was, and which registers have ever spoken of it.

Why: what really happened is written down here as facts with their day, before any register garbles it; truth is read from the facts alone.
Must not: know how a register reports, or what a reader makes of reports.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from typing import NamedTuple

from deploy.demo.days import month_of
from deploy.demo.people import area_and_serial

__all__ = ["Fact", "Household", "Span", "Stay", "card_number", "spans"]


_CARDS_OF_AN_AREA = 9_998


class Fact(NamedTuple):
    """A household as it is from a day on: village (None: it is no more), size and expenditure (None: nobody has told)."""

    day: date
    village: str | None
    size: int | None
    expenditure: int | None
    modelled: bool


class Span(NamedTuple):
    """A household as it stands at the end of each month from one up to, but not including, another (None: to this day)."""

    first: int
    until: int | None
    village: str
    size: int | None
    expenditure: int | None
    modelled: bool


@dataclass(slots=True)
class Stay:
    """A household in one regency of Carik: its village and place there; once it has left, when, and whether the register was told."""

    village: str
    slot: int
    left: date | None = None
    ended: bool = False


@dataclass(slots=True, eq=False)
class Household:
    """A family card and the people on it; `village` is None once it is dissolved. Expenditure in rupiah per month."""

    serial: int
    card: str
    village: str | None
    slot: int
    members: list[int]
    size_known: bool
    expenditure: int | None
    modelled: bool
    day: date
    """Of the newest thing that happened to it; nothing else happens on that day."""
    moved: int
    """Month of its newest move, or of its beginning."""
    facts: list[Fact] = field(default_factory=list)
    told_at: int = 0
    """Moment of the newest Carik record of it, in microseconds: the next one is later."""
    size_said: set[str] = field(default_factory=set)
    """Regencies whose register has ever told the size."""
    welfare_said: set[str] = field(default_factory=set)
    """Regencies whose register has ever told the expenditure."""
    stays: dict[str, Stay] = field(default_factory=dict)
    """By regency, what Carik holds of it."""
    row: str | None = None
    """Its line in the next Jembrana file, once made; None after a change."""

    @property
    def size(self) -> int | None:
        """How many members are known of, in people."""
        return len(self.members) if self.size_known else None

    def note(self, day: date) -> None:
        """Write down how the household is from a day on."""
        self.day = day
        self.row = None
        self.facts.append(Fact(day, self.village, self.size, self.expenditure, self.modelled))


def card_number(serial: int, registered: date) -> str:
    """
    Return the invented number of a family card: 16 digits, area 99xxxx, date of registration, serial.

    The serial 9999 is passed over: it stands for a card that is still to come, and an adapter puts such a record aside.

    >>> card_number(9_997, date(2024, 4, 9)), card_number(9_998, date(2024, 4, 9))
    ('9901000904249998', '9901010904240001')
    """
    area, last = area_and_serial(serial + serial // _CARDS_OF_AN_AREA)
    return f"{area}{registered:%d%m%y}{last}"


def spans(facts: list[Fact]) -> Iterator[Span]:
    """
    Yield how a household stands at the end of each month, from its facts in the order of their days.

    Of several facts in one month the last is what the month ends with; months that end alike become one span.
    """
    ends = {month_of(fact.day): fact for fact in facts}
    begun: tuple[int, Fact] | None = None
    for month, fact in ends.items():
        if begun is not None:
            if begun[1][1:] == fact[1:]:
                continue
            yield from _span(*begun, month)
        begun = (month, fact)
    if begun is not None:
        yield from _span(*begun, None)


def _span(first: int, fact: Fact, until: int | None) -> Iterator[Span]:
    if fact.village is not None:
        yield Span(first, until, fact.village, fact.size, fact.expenditure, fact.modelled)
