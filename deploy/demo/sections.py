"""
The comparison of sections: what the platform holds of each household against what the systems said, value by value.

Why: an adapter that loses all members, all aid or all nutrition changes no figure; only the sources know what they said.
Must not: share a line of code with the adapters: pseudonyms, too, are made here once more, by the rule that the contract states.
"""

import hmac
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from typing import Any

from deploy.demo.said import FIELDS, LISTS, SaidRow
from deploy.demo.statements import SECTIONS, Held, Key, Values

__all__ = ["Names", "Sections", "compare_sections"]

_CARD, _PERSON = b"muara/family-card/1\0", b"muara/person/1\0"
_BYTES = 16
_DAYS = frozenset({"last_month", "measured_on"})


class Names:
    """Pseudonyms by a key: HMAC-SHA-256 of a domain, a zero and the number, its first 16 bytes."""

    def __init__(self, key: bytes) -> None:
        """Take the key that the adapters have."""
        self._key = key
        self.person = lru_cache(maxsize=1 << 18)(self._person)

    def card(self, number: str) -> bytes:
        """Return the pseudonym of a family card."""
        return hmac.digest(self._key, _CARD + number.encode(), "sha256")[:_BYTES]

    def _person(self, number: str) -> bytes:
        """Return the pseudonym of a person."""
        return hmac.digest(self._key, _PERSON + number.encode(), "sha256")[:_BYTES]


@dataclass(frozen=True, slots=True)
class Sections:
    """How many numbers of each section were compared, of how many statements, and which differ: (source, regency, day, section, how)."""

    statements: int
    numbers: dict[str, int]
    differences: tuple[tuple[str, str, str, str, str], ...]

    @property
    def total(self) -> int:
        """All numbers that were compared."""
        return sum(self.numbers.values())


def compare_sections(held: Held, said: Iterable[SaidRow], names: Names) -> Sections:
    """Compare every statement that stands on either side; a difference tells where and how, never a value or a household."""
    rest, numbers, found = dict(held), Counter[str](), list[tuple[str, str, str, str, str]]()
    statements = 0
    for row in said:
        card, told = names.card(row.household), dict(_translated(row, names))
        counted = {section: _count(values) for section, values in told.items()}
        for day in map(date.fromisoformat, row.days):
            statements += 1
            here = rest.pop((card, row.region, row.source, day), None)
            found += [(row.source, row.region, day.isoformat(), *how) for how in _differences(here, told)]
            for section, count in counted.items():
                numbers[section] += count
    return Sections(statements + len(rest), dict(numbers), tuple(found) + tuple(_unsaid(key) for key in rest))


def _unsaid(key: Key) -> tuple[str, str, str, str, str]:
    _, region, source, day = key
    return source, region, day.isoformat(), "statement", "held, and the system does not say it"


def _translated(row: SaidRow, names: Names) -> Iterator[tuple[str, Values | None]]:
    """Yield what a row says as the platform would hold it, of the sections of which something is known."""
    for section, told in row.sections.items():
        if told is None:
            yield section, None
        elif section in LISTS:
            yield section, tuple(_item(section, one, names) for one in told)
        else:
            yield section, tuple(told)


def _item(section: str, told: list[Any], names: Names) -> Values:
    """Return an item of a list with its person's pseudonym and its days."""
    return tuple(_value(name, value, names) for name, value in zip(FIELDS[section], told, strict=True))


def _value(name: str, value: Any, names: Names) -> Any:  # noqa: ANN401 - a value of the contract
    if value is None:
        return None
    if name == "person":
        return names.person(value)
    return date.fromisoformat(value) if name in _DAYS else value


def _count(values: Values | None) -> int:
    """Return how many numbers a section has; one of a list of nothing, which says that there is none."""
    if values is None:
        return 0
    if values and not isinstance(values[0], tuple):
        return sum(value is not None for value in values)
    return sum(value is not None for item in values for value in item) or 1


def _differences(held: Values | None, told: dict[str, Values | None]) -> list[tuple[str, str]]:
    if held is None:
        return [("statement", "said, and not held")]
    here = dict(zip(SECTIONS, held, strict=True))
    return [(section, _how(section, here[section], values)) for section, values in told.items() if not _alike(here[section], values)]


def _alike(held: Values | None, told: Values | None) -> bool:
    """Tell whether both are the same, items of lists in any order."""
    if held == told:
        return True
    return bool(held and told and isinstance(held[0], tuple)) and Counter(held or ()) == Counter(told or ())


def _how(section: str, held: Values | None, told: Values | None) -> str:
    """Return in words how a section differs."""
    if held is None or told is None:
        return "not held" if held is None else "held, and the system says nothing of it"
    if section not in LISTS:
        return ", ".join(name for name, one, other in zip(FIELDS[section], held, told, strict=True) if one != other)
    if len(held) != len(told):
        return f"{len(held)} items instead of {len(told)}"
    columns = zip(FIELDS[section], zip(*held, strict=True), zip(*told, strict=True), strict=True)
    return ", ".join(name for name, one, other in columns if Counter(one) != Counter(other)) or "other values together"
