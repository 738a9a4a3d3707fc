"""
What a simulated system has said and still stands by: its last word of each day, section by section.

Why: figures use residence, size and welfare alone; members, dwelling, aid and nutrition are compared by this.
Must not: share a line of code with producers or processors, or read a region file.

What stands, in the systems' own words: of a day the last word counts; a word that was taken back was never said; and an end takes with it
what had been said before of the days behind it.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, Generic, TypeVar

__all__ = ["FIELDS", "LISTS", "SILENT", "LastWords", "SaidRow", "Sections", "grouped"]

FIELDS: Mapping[str, tuple[str, ...]] = {
    "residence": ("village",),
    "composition": ("size",),
    "welfare": ("expenditure", "basis"),
    "dwelling": ("tenure", "floor_area_m2", "floor", "wall", "roof", "water", "lighting", "fuel", "toilet", "sewage"),
    "members": ("person", "sex", "birth_year", "birth_month", "relation", "schooling", "work", "presence"),
    "programmes": ("programme", "last_month", "amount"),
    "nutrition": ("person", "measured_on", "weight_g", "height_mm", "status"),
}
"""The sections, and the order in which a row has their values; persons by their national number, days as YYYY-MM-DD."""
LISTS = frozenset({"members", "programmes", "nutrition"})
"""Sections that are lists of such rows, in no order."""
Word = TypeVar("Word")
Meant = TypeVar("Meant")
Sections = Mapping[str, Any]
"""Values by section: None says nothing of it, and of a section that is missing nothing is known."""
SILENT: dict[str, Any] = dict.fromkeys(FIELDS)
"""Nothing said of any section."""


@dataclass(frozen=True, slots=True)
class SaidRow:
    """What a system says of a household (its card's number), the same from each of some days (YYYY-MM-DD) on."""

    household: str
    region: str
    source: str
    days: tuple[str, ...]
    sections: Sections

    def as_record(self) -> dict[str, Any]:
        """Return it as the control API's JSON says it."""
        return {name: getattr(self, name) for name in self.__slots__}

    @classmethod
    def from_record(cls, record: dict[str, Any]) -> "SaidRow":
        """Return the row that a record of the control API holds."""
        return cls(**{**record, "days": tuple(record["days"])})


class LastWords(Generic[Word]):
    """A system's last word of each household, regency and day; what a word is, the system knows."""

    __slots__ = ("_said", "_turn")

    def __init__(self) -> None:
        """Begin with nothing said."""
        self._turn = 0
        self._said: dict[tuple[str, str], dict[date, tuple[int, Word | None, bool]]] = {}

    def say(self, card: str, region: str, day: date, word: Word) -> None:
        """Note that a household is said to be so from a day on."""
        self._note(card, region, day, word, end=False)

    def end(self, card: str, region: str, day: date) -> None:
        """Note that a household is said to be gone from a day on."""
        self._note(card, region, day, None, end=True)

    def take_back(self, card: str, region: str, day: date) -> None:
        """Note that what was said of a day was never so."""
        self._note(card, region, day, None, end=False)

    def standing(self, meant: Callable[[Word], Meant]) -> Iterator[tuple[str, str, date, Meant]]:
        """Yield what stands: card, regency, day, and what the word meant; each household's in the order of days."""
        for (card, region), by_day in self._said.items():
            ends = [(day, turn) for day, (turn, _, is_end) in by_day.items() if is_end]
            for day, (turn, word, _) in sorted(by_day.items()):
                if word is not None and not any(ended <= day and turn < later for ended, later in ends):
                    yield card, region, day, meant(word)

    def _note(self, card: str, region: str, day: date, word: Word | None, *, end: bool) -> None:
        self._turn += 1
        self._said.setdefault((card, region), {})[day] = (self._turn, word, end)


def grouped(source: str, standing: Iterable[tuple[str, str, date, Sections]]) -> Iterator[SaidRow]:
    """Yield rows of what stands, neighbours that say the same in one; of a household the days follow each other."""
    held: tuple[str, str, Sections] | None = None
    days: list[str] = []
    for card, region, day, sections in standing:
        if held is not None and held != (card, region, sections):
            yield SaidRow(held[0], held[1], source, tuple(days), held[2])
            days = []
        held = card, region, sections
        days.append(day.isoformat())
    if held is not None:
        yield SaidRow(held[0], held[1], source, tuple(days), held[2])
