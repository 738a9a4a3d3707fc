"""
Plausibility: what national identifiers say of their own holders, against what the records say of them; counted, and judged by nobody here.

Why: an area that is none now, or a sex and a month of birth that are not the record's, are no faults (an area is that of first issue, and
registers have mistakes), but many of them tell that columns are mixed up or numbers made up, and a person should see that.
Must not: know a clock, IO or a driver; keep or tell a number; put a record aside, or say anything of drift; be asked to look at every
record (producers/shape.py says at which): some show it as well, and mapping must not take longer for it.
"""

from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any

from producers.compiling import compiled
from producers.declaration import Declaration, DriftModes, Kind, Value
from producers.drift import Drift, SectionSilent
from producers.faults import RecordUnreadable
from producers.pseudonym import identifier_fault, is_person
from producers.records import Node, follower

__all__ = ["BIRTH", "CARDS", "CARD_AREA", "PERSONS", "PERSON_AREA", "SEX", "Plausible"]

CARDS, PERSONS = "cards", "persons"
"""Numbers looked at: those that are well formed and no placeholders."""
CARD_AREA, PERSON_AREA, SEX, BIRTH = "cards of an unknown area", "persons of an unknown area", "another sex", "another birth"
_MALE, _FEMALE = 1, 2
"""Regsosek 405."""
_WOMEN_FROM = "4"
"""The tens of a woman's day of birth in her number: 40 is added to it."""
_KINDS: Mapping[str, Kind] = {"person": "text", "sex": "whole", "birth_year": "whole", "birth_month": "whole"}
Get = Callable[[Node], Any]


class Plausible:
    """Counts for one mapper; used by one thread."""

    def __init__(self, declared: Declaration, is_area: Callable[[str], bool] | None) -> None:
        """Have counted nothing; `is_area` tells whether six digits are those of a district, without it no area is judged."""
        self._is_area = is_area
        self._known: dict[str, bool] = {}
        self._counts: Counter[str] = Counter()
        # Fields are read once more by readings of their own: what is odd in them was told already, where events are made.
        drift, mapping = Drift(DriftModes()), declared.mapping
        self._card = compiled("household", mapping.household, "text", drift).get
        self._lists: list[tuple[Get, list[Get]]] = []
        for name, section in (("members", mapping.members), ("nutrition", mapping.nutrition)):
            if section is not None:
                told = {field: getattr(section, field, None) for field in _KINDS}
                gets = [_get(f"{name}.{field}", value, _KINDS[field], drift) for field, value in told.items()]
                self._lists.append((follower(section.each), gets))

    def taken(self) -> Mapping[str, int]:
        """Return what was counted since this was last asked, and begin anew."""
        found, self._counts = self._counts, Counter()
        return found

    def look(self, record: Node) -> None:
        """Look at a record: its card's area, and of each person area, sex and month of birth as far as the record says them."""
        number = _read(self._card, record)
        if number is not None and identifier_fault(number, person=False) is None:
            self._counts[CARDS] += 1
            self._area(number, CARD_AREA)
        for items, gets in self._lists:
            told = items(record)
            for one in told if isinstance(told, list) else ():
                self._person(*[_read(get, Node(one, record)) for get in gets])

    def _person(self, number: str | None, sex: int | None, year: int | None, month: int | None) -> None:
        if not number or not is_person(number):
            return
        self._counts[PERSONS] += 1
        self._area(number, PERSON_AREA)
        if sex in (_MALE, _FEMALE) and (sex == _FEMALE) != (number[6] >= _WOMEN_FROM):
            self._counts[SEX] += 1
        if (month is not None and month != int(number[8:10])) or (year is not None and year % 100 != int(number[10:12])):
            self._counts[BIRTH] += 1

    def _area(self, number: str, what: str) -> None:
        if self._is_area is None:
            return
        area = number[:6]
        known = self._known.get(area)
        if known is None:
            known = self._is_area(area)
            if known:  # of what is none there is no end
                self._known[area] = known
        if not known:
            self._counts[what] += 1


def _get(name: str, value: Value | None, kind: Kind, drift: Drift) -> Get:
    return compiled(name, value, kind, drift).get if isinstance(value, Value) else lambda _: None


def _read(get: Get, node: Node) -> Any:  # noqa: ANN401 - of the field's kind
    """Return a field as it can be read, else None."""
    try:
        return get(node)
    except (RecordUnreadable, SectionSilent):
        return None
