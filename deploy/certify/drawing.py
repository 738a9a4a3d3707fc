"""
What a family is beside its facts: codes, numbers, days and programmes that differ from family to family and from change to change.

Why: where every family says the same, an adapter that loses or mixes up what it says is taken for a sound one.
Must not: know a clock or IO, or draw by chance: the same change is the same in every run, and of a source that repeats itself.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from zlib import crc32

from deploy.certify.told import Told, month_after
from producers.declaration import Value
from schemas.codes import CODES

__all__ = ["Drawn", "birth", "drawn", "last_month", "programmes"]

_PROGRAMMES = ("PKH", "BPNT", "PIP", "PBI")
_UP_TO = 200
"""Of a number that nothing bounds: people, square metres, kilograms, thousands of rupiah."""
_FIRST_YEAR, _YEARS = 1945, 75
_MONTHS = 6


@dataclass(frozen=True, slots=True)
class Drawn:
    """A value that is still to be chosen among those that a mapping can read, by a number from 0 on."""

    number: int
    field: str
    """The field of the event, such as members.sex: it tells which codes there are."""

    def whole(self, value: Value) -> int:
        """Return a number that the field may have."""
        least, greatest = value.range or CODES.get(self.field) or (1, _UP_TO)
        return least + self.number % (greatest - least + 1)

    def code(self, table: Sequence[str]) -> str:
        """Return one of the codes that a source may write."""
        return table[self.number % len(table)]


def drawn(told: Told, field: str, place: int = 0) -> Drawn:
    """Return what is drawn for a field of a change, in a list for the item at a place."""
    fact = told.fact
    said = (told.serial, told.since, told.sequence, fact.village, fact.size, fact.expenditure, field, place)
    return Drawn(crc32("|".join(map(str, said)).encode()), field)


def birth(told: Told, place: int) -> date:
    """Return the day of birth of a family's member, the same whatever changes."""
    number = crc32(f"{told.serial}|{place}".encode())
    return date(_FIRST_YEAR + number % _YEARS, 1 + number // _YEARS % 12, 1 + number // (12 * _YEARS) % 28)


def programmes(told: Told, value: Value) -> list[str]:
    """Return the programmes of a family, as the event names them: one or two, none twice."""
    names = _PROGRAMMES if value.table is None else [str(one) for one in dict.fromkeys(value.table.values())]
    if value.constant is not None:
        names = [str(value.constant)]
    number = drawn(told, "programmes").number
    return [names[(number + step) % len(names)] for step in range(min(1 + number // len(names) % 2, len(names)))]


def last_month(told: Told, place: int) -> date:
    """Return the last month in which a programme paid, at most some months before a change."""
    return month_after(told.since, -(drawn(told, "last_month", place).number % _MONTHS))
