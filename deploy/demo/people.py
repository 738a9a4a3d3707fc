"""
The persons of the simulated world, each a whole number: sex, date of birth and relation are kept, everything else follows from the number.

Why: adapters must have something to strip, so records carry names and national numbers; they are visibly invented: WARGA and a number,
area codes from 9900 on, which no region has.
Must not: resemble a real person.
"""

from array import array
from collections.abc import Iterable
from datetime import date
from functools import lru_cache
from random import Random

__all__ = ["CHILD", "HEAD", "OTHER", "PARTNER", "People", "area_and_serial"]

HEAD, PARTNER, CHILD, OTHER = range(4)
_RELATION = ("KEPALA", "ISTRI", "ANAK", "LAIN")
_SCHOOLING = ("SD", "SMP", "SMA", "S1", "TIDAK")
_WORK = ("BURUH", "USAHA", "PNS", "TIDAK")
_SERIALS = 9_999
_FIRST_AREA = 100
"""Invented areas begin with 990100: one whose regency is 00 cannot be."""
_NO_NUMBER_EVERY = 29
"""One child in so many has no national number yet."""
_SCHOOL_AGE, _WORK_AGE, _SCHOOLED_AGE = 7, 17, 23
_NOW_YEAR = 2024
_TODDLER_YEARS = 5


def area_and_serial(number: int) -> tuple[str, str]:
    """
    Return the invented area code (six digits) and the serial (four, never 0000) that belong to a running number.

    >>> area_and_serial(0), area_and_serial(9_999)
    (('990100', '0001'), ('990101', '0001'))
    """
    area, serial = divmod(number, _SERIALS)
    return f"99{_FIRST_AREA + area:04d}", f"{serial + 1:04d}"


class People:
    """All persons there ever were."""

    __slots__ = ("_born", "_relation", "_woman")

    def __init__(self) -> None:
        """Begin with nobody."""
        self._born = array("l")
        self._woman = bytearray()
        self._relation = bytearray()

    def __len__(self) -> int:
        """Return how many persons there ever were."""
        return len(self._born)

    def add(self, born: date, relation: int, *, woman: bool) -> int:
        """Add a person and return its number."""
        self._born.append(born.toordinal())
        self._woman.append(woman)
        self._relation.append(relation)
        return len(self._born) - 1

    def family(self, size: int, chance: Random) -> list[int]:
        """Add a family of a size as it stands in March 2024: a head, mostly a partner, children, at times an elder. Return its members."""
        age = int(min(80, max(22, chance.gauss(44, 12))))
        alone = size == 1 or chance.random() < 0.12
        members = [self.add(_birthday(age, chance), HEAD, woman=alone and chance.random() < 0.6)]
        if not alone:
            members.append(self.add(_birthday(max(18, age - chance.randrange(-2, 7)), chance), PARTNER, woman=True))
        while len(members) < size:
            elder = len(members) > 3 and chance.random() < 0.2
            years = min(95, age + chance.randrange(18, 30)) if elder else chance.randrange(max(1, min(30, age - 17)))
            members.append(self.add(_birthday(years, chance), OTHER if elder else CHILD, woman=chance.random() < 0.5))
        return members

    def is_woman(self, person: int) -> bool:
        """Tell the sex."""
        return bool(self._woman[person])

    def toddlers(self, members: Iterable[int], day: date) -> list[int]:
        """Return those of some persons who are children below five years on a day, and are born by then."""
        last, first = day.toordinal(), day.replace(year=day.year - _TODDLER_YEARS, day=1).toordinal()
        return [person for person in members if self._relation[person] == CHILD and first < self._born[person] <= last]

    def number(self, person: int) -> str:
        """Return a person's invented national number: 16 digits; of women the day of birth plus 40."""
        born = date.fromordinal(self._born[person])
        area, serial = area_and_serial(person)
        return f"{area}{born.day + 40 * self._woman[person]:02d}{born.month:02d}{born.year % 100:02d}{serial}"

    def record(self, person: int, presence: str, *, head: bool) -> dict[str, str]:
        """Return a member as Carik says it; a child may have no national number yet."""
        relation = self._relation[person]
        unnumbered = relation == CHILD and person % _NO_NUMBER_EVERY == 0
        born = self._born[person]
        age = _NOW_YEAR - date.fromordinal(born).year
        schooled = age >= _SCHOOLED_AGE
        return {
            "nik": "" if unnumbered else self.number(person),
            "nama": f"WARGA {person:06d}",
            "jenis_kelamin": "P" if self._woman[person] else "L",
            "tanggal_lahir": _iso(born),
            "hubungan": "KEPALA" if head else _RELATION[relation or OTHER],
            "pendidikan": _SCHOOLING[person % 4] if schooled else "TIDAK" if age < _SCHOOL_AGE else _SCHOOLING[person % 2],
            "pekerjaan": _WORK[person % 4] if age > _WORK_AGE else "TIDAK",
            "kehadiran": presence,
        }


def _birthday(age: int, chance: Random) -> date:
    """Return a date of birth, so that somebody is of an age in March 2024."""
    return date.fromordinal(date(2024 - age, 3, 1).toordinal() - chance.randrange(1, 365))


@lru_cache(maxsize=65_536)
def _iso(ordinal: int) -> str:
    return date.fromordinal(ordinal).isoformat()
