"""
The figures as the simulated systems themselves would state them: each household in each month, added up, nothing else.

Why: a chain that lost a change before it was ever stored would still agree with itself; it cannot agree with this.
Must not: share a line of code with producers or processors, keep anything from one month to the next, or use a float.
"""

from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, fields
from datetime import date
from decimal import ROUND_HALF_EVEN, Decimal, localcontext
from functools import lru_cache
from typing import Any

from deploy.demo.days import last_day, month_text
from deploy.demo.places import is_urban

__all__ = ["Figures", "Key", "Line", "TruthRow", "figures"]

_BILLION = 10**9
_NATION = "ID"
Key = tuple[str, str, str]
"""Region's code (`ID` for the nation), urbanisation (`urban`, `rural`, `all`), month as `YYYY-MM`."""


@dataclass(frozen=True, slots=True)
class TruthRow:
    """
    A household as it stands at the end of each month from `first` up to, but not including, `until` (None: to this day).

    `size` and `expenditure` (rupiah per month) are None where nobody ever told; `basis` is `OBSERVED`, `MODELLED` or None.
    """

    household: str
    first: str
    until: str | None
    village: str
    size: int | None
    expenditure: int | None
    basis: str | None

    def as_record(self) -> dict[str, Any]:
        """Return it as the control API's JSON says it."""
        return asdict(self)

    @classmethod
    def from_record(cls, record: dict[str, Any]) -> "TruthRow":
        """Return the row that a record of the control API holds."""
        return cls(**record)


@dataclass(frozen=True, slots=True)
class Line:
    """A poverty line in rupiah per person and month (`definition` national or extreme), in force from a day until the next of its kind."""

    definition: str
    region: str
    urbanisation: str
    valid_from: date
    rupiah: int


@dataclass(frozen=True, slots=True)
class Figures:
    """Sums over the households of one region, urbanisation and month; gaps and severity in people x 1e-9, money in rupiah per month."""

    households: int = 0
    people: int = 0
    known_people: int = 0
    poor_households: int = 0
    poor_people: int = 0
    poverty_gap: int = 0
    poverty_severity: int = 0
    rupiah_gap: int = 0
    log_gap: int = 0
    zero_expenditure_people: int = 0
    extreme_known_people: int = 0
    extreme_poor_people: int = 0
    vulnerable_people: int = 0
    aspiring_people: int = 0
    middle_people: int = 0
    upper_people: int = 0
    expenditure: int = 0
    modelled_people: int = 0


_NAMES = tuple(field.name for field in fields(Figures))


def figures(rows: Iterable[TruthRow], lines: Iterable[Line], months: Iterable[str]) -> dict[Key, Figures]:
    """
    Return the figures of every region that has households, from village to nation, by urbanisation and in all, for some months.

    A line of the regency goes before its province's, the nation's governs only `extreme`; urban or rural goes before all; in force
    is the latest that began by the month's last day. Months are `YYYY-MM`.
    """
    wanted = sorted({_month(month) for month in months})
    governing = _Governing(lines)
    villages: dict[tuple[str, int], list[tuple[int, ...]]] = {}
    for row in rows:
        first, until = _month(row.first), _month(row.until) if row.until else None
        for month in wanted:
            if first <= month and (until is None or month < until):
                national, extreme = governing.both(row.village, month)
                villages.setdefault((row.village, month), []).append(_one(row.size, row.expenditure, row.basis, national, extreme))
    regions: dict[Key, list[tuple[int, ...]]] = {}
    for (village, month), households in villages.items():
        together = tuple(map(sum, zip(*households, strict=True)))
        for region in _regions(village):
            for urbanisation in (_urbanisation(village), "all"):
                regions.setdefault((region, urbanisation, month_text(month)), []).append(together)
    return {key: Figures(*map(sum, zip(*parts, strict=True))) for key, parts in regions.items()}


@lru_cache(maxsize=65_536)
def _one(size: int | None, expenditure: int | None, basis: str | None, line: int | None, extreme: int | None) -> tuple[int, ...]:
    """Return what one household amounts to in a month, given the lines that govern there (None: none does), in the order of `Figures`."""
    people = size or 0
    amounts = dict.fromkeys(_NAMES, 0) | {"households": 1, "people": people}
    if people and expenditure is not None:
        each = expenditure // people
        if extreme is not None:
            amounts["extreme_known_people"] = people
            amounts["extreme_poor_people"] = people if each < extreme else 0
        if line is not None:
            amounts["known_people"], amounts["expenditure"] = people, expenditure
            amounts["modelled_people"] = people if basis == "MODELLED" else 0
            amounts |= _poor(people, each, line) if each < line else {_class(each, line): people}
    return tuple(amounts.values())


def _poor(people: int, each: int, line: int) -> dict[str, int]:
    """Return what a poor household amounts to; `each` is its expenditure per person."""
    gap = (line - each) * _BILLION // line
    return {
        "poor_households": 1,
        "poor_people": people,
        "poverty_gap": people * gap,
        "poverty_severity": people * (gap * gap // _BILLION),
        "rupiah_gap": people * (line - each),
        "log_gap": people * _log_gap(line, each) if each else 0,
        "zero_expenditure_people": 0 if each else people,
    }


def _class(each: int, line: int) -> str:
    """
    Return the class that people who are not poor belong to: bounds at 1.5, 3.5 and 17 times the line, which belong to the upper one.

    >>> _class(1_499, 1_000), _class(1_500, 1_000), _class(3_500, 1_000), _class(17_000, 1_000)
    ('vulnerable_people', 'aspiring_people', 'middle_people', 'upper_people')
    """
    if each * 2 < line * 3:
        return "vulnerable_people"
    if each * 2 < line * 7:
        return "aspiring_people"
    return "middle_people" if each < line * 17 else "upper_people"


def _log_gap(line: int, each: int) -> int:
    """Return the logarithm of line / each in billionths, rounded to the nearest whole number."""
    with localcontext() as context:
        context.prec = 40
        return int(((Decimal(line).ln() - Decimal(each).ln()) * _BILLION).quantize(Decimal(1), ROUND_HALF_EVEN))


class _Governing:
    """Which lines govern a village in a month."""

    def __init__(self, lines: Iterable[Line]) -> None:
        self._lines = sorted(lines, key=lambda line: line.valid_from)
        self._known: dict[tuple[str, int], tuple[int | None, int | None]] = {}

    def both(self, village: str, month: int) -> tuple[int | None, int | None]:
        """Return the national and the extreme line of a village in a month, in rupiah per person and month, or None."""
        key = (village, month)
        if key not in self._known:
            province = village[:2]
            self._known[key] = (
                self._line("national", (village[:5], province), _urbanisation(village), month),
                self._line("extreme", (village[:5], province, _NATION), _urbanisation(village), month),
            )
        return self._known[key]

    def _line(self, definition: str, owners: Iterable[str], urbanisation: str, month: int) -> int | None:
        day = last_day(month)
        for owner in owners:
            for kind in (urbanisation, "all"):
                begun = [
                    line.rupiah
                    for line in self._lines
                    if (line.definition, line.region, line.urbanisation) == (definition, owner, kind) and line.valid_from <= day
                ]
                if begun:
                    return begun[-1]
        return None


def _regions(village: str) -> Iterator[str]:
    """Yield a village, its district, its regency, its province and the nation."""
    parts = village.split(".")
    for depth in range(len(parts), 0, -1):
        yield ".".join(parts[:depth])
    yield _NATION


def _urbanisation(village: str) -> str:
    return "urban" if is_urban(village) else "rural"


def _month(text: str) -> int:
    """
    Return the month (days.py) of `YYYY-MM`.

    >>> last_day(_month("2024-02"))
    datetime.date(2024, 2, 29)
    """
    return int(text[:4]) * 12 + int(text[5:7]) - 1
