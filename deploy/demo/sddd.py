"""
Jembrana's Satu Data Dari Desa: each village drops its whole register once a month as a file, and that is all it ever says.

Why: a snapshot for a month holds the village as that month ended, and is read as valid from the month's first day. Figures are taken on
the month's last day, so both say the same of every month.
Must not: change what happened. Its troubles are those of real exports, and all are mended in the end: files made or delivered weeks
late and so out of order, files with a slip of the pen or with a household left out, each followed by a corrected one; now and then a
file whose first half lies there under its own name for days before the rest is written; and a village that goes on listing, for months,
with what it last knew, a family that moved to Jakarta. Each village has its own form of files (sddd_forms.py).

Corners, and how the villages stay clear of them:
- A reader may refuse a snapshot in which too many are missing, so within any three months at most a sixth of a village leaves it.
- A household left out by mistake is back in a corrected file before the next month's file is made.
- A family that comes back from Jakarta goes to another village than the one it left, and not before the old one has struck it off.
"""

import heapq
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from pathlib import Path
from random import Random

from deploy.demo.clock import Clock
from deploy.demo.days import first_day, microseconds, moment, month_text
from deploy.demo.household import Household
from deploy.demo.people import People
from deploy.demo.places import JEMBRANA
from deploy.demo.said import SILENT, Sections
from deploy.demo.sddd_forms import COLUMNS, content, form_of

__all__ = ["Villages", "file_name"]

_MEMBERS, _EXPENDITURE = COLUMNS.index("P303"), COLUMNS.index("P350")
_DAY = 86_400_000_000
_MADE_DAYS, _LATE_DAYS, _MENDED_DAYS, _SOON_MENDED_DAYS = (1, 5), (36, 45), (5, 80), (3, 20)
_MADE_LATE, _DELIVERED_LATE, _SLIP, _LEFT_OUT = 0.03, 0.03, 0.06, 0.03
_HALF_EVERY, _HALF_DAYS = 37, (1, 4)
"""One in so many files, by counting, is half there for so many days."""
_LOSS = 6
"""One in so many of a village's households may leave it within three months."""


@dataclass(frozen=True, slots=True)
class _Snapshot:
    """One file: a village's rows for a month, when it is made (its export time) and when it is delivered."""

    village: str
    month: int
    rows: tuple[str, ...]
    made: int
    delivered: int


@dataclass(slots=True)
class _Stale:
    """A family that moved away and is still listed, up to and including a month, with what was last known of it."""

    village: str
    row: str
    until: int


class Villages:
    """The villages of Jembrana: who lives there, whom they wrongly still list, and the files that are made and not yet delivered."""

    def __init__(self, inbox: Path, people: People, clock: Clock, chance: Random) -> None:
        """Drop files into a folder, which is made; nobody lives anywhere yet."""
        inbox.mkdir(parents=True, exist_ok=True)
        self.files = 0
        self.rows = 0
        self._inbox, self._people, self._clock, self._chance = inbox, people, clock, chance
        self._living: dict[str, dict[int, Household]] = {}
        self._stale: dict[int, _Stale] = {}
        self._shown: dict[str, tuple[str, ...]] = {}
        self._shown_month = 0
        self._row_shown: dict[int, str] = {}
        self._leaving: Counter[tuple[str, int]] = Counter()
        self._waiting: list[tuple[int, int, _Snapshot]] = []
        self._halves: list[tuple[int, Path, bytes]] = []
        self._order = 0
        self._newest: dict[tuple[int, str], _Snapshot] = {}

    @property
    def held(self) -> int:
        """How many files are made, or will be, and are not yet delivered."""
        return len(self._waiting) + len(self._halves)

    # ---- who lives there ------------------------------------------------------------------------------------------------

    def arrive(self, one: Household, village: str) -> None:
        """List a household from the next file of its village on."""
        self._living.setdefault(village, {})[one.serial] = one

    def leave(self, one: Household, village: str, *, still_listed: int = 0) -> None:
        """Strike a household off in this month's file, or after it has still been listed for some months."""
        del self._living[village][one.serial]
        month = self._clock.month
        self._leaving[village, month + still_listed] += 1
        if still_listed:
            self._stale[one.serial] = _Stale(village, self._row_shown[one.serial], month + still_listed - 1)

    def may_leave(self, village: str, month: int) -> bool:
        """Tell whether a village's file for a month may miss one more household."""
        leaving = sum(self._leaving[village, near] for near in (month - 1, month, month + 1))
        return (leaving + 1) * _LOSS <= len(self._shown.get(village, ()))

    def lists(self, one: Household) -> bool:
        """Tell whether a household that has left is still listed this month."""
        stale = self._stale.get(one.serial)
        return stale is not None and stale.until >= self._clock.month

    def strike_off(self, one: Household) -> bool:
        """Stop listing a household that is no more, from this month's file on; tell whether that can be done."""
        stale, month = self._stale.get(one.serial), self._clock.month
        if stale is None or stale.until < month:
            return True
        if not self.may_leave(stale.village, month):
            return False
        self._leaving[stale.village, month] += 1
        self._leaving[stale.village, stale.until + 1] -= 1
        stale.until = month - 1
        return True

    # ---- files ----------------------------------------------------------------------------------------------------------

    def begin(self, month: int) -> None:
        """Deliver the first files of all villages, without any trouble."""
        for village, rows in self._listed(month).items():
            self._drop(_Snapshot(village, month, rows, self._stamp(), 0))

    def close_month(self, month: int) -> None:
        """Take the state of every village as a month ends; the files follow in the next days, some with trouble."""
        end = microseconds(first_day(month + 1))
        for place, (village, rows) in enumerate(self._listed(month).items()):
            self._plan(village, month, rows, end + self._within(_MADE_DAYS) + place)
        for serial in [serial for serial, stale in self._stale.items() if stale.until <= month]:
            del self._stale[serial]

    def release(self) -> None:
        """Deliver what is due by now, one file in many its first half only; and write what is missing of those."""
        self._complete(self._clock.now)
        while self._waiting and self._waiting[0][0] <= self._clock.now:
            self._drop(heapq.heappop(self._waiting)[2], whole=self.files % _HALF_EVERY != 0)

    def flush(self) -> None:
        """Deliver everything: files waiting are made now, if they were not yet; then every village's state of this month so far, once."""
        self._complete(None)
        while self._waiting:
            told = heapq.heappop(self._waiting)[2]
            made = told.made if told.made <= self._clock.now else self._stamp()
            self._drop(_Snapshot(told.village, told.month, told.rows, made, 0))
        month = self._clock.month
        before = self._shown if self._shown_month == month else {}
        for village, rows in self._listed(month).items():
            if rows != before.get(village):
                self._drop(_Snapshot(village, month, rows, self._stamp(), 0))

    def _listed(self, month: int) -> dict[str, tuple[str, ...]]:
        """Return the rows of every village that lists anybody, and remember them as shown."""
        rows: dict[str, list[str]] = {}
        for village, living in sorted(self._living.items()):
            for serial, one in living.items():
                row = self._row_shown[serial] = one.row = one.row or self._row(one)
                rows.setdefault(village, []).append(row)
        for stale in self._stale.values():
            if stale.until >= month:
                rows.setdefault(stale.village, []).append(stale.row)
        self._shown, self._shown_month = {village: tuple(listed) for village, listed in rows.items()}, month
        return self._shown

    def _plan(self, village: str, month: int, rows: tuple[str, ...], made: int) -> None:
        """Plan a village's file for a month: mostly in time and right."""
        luck = self._chance.random()
        if luck < _MADE_LATE:
            made = microseconds(first_day(month + 1)) + self._within(_LATE_DAYS)
            self._wait(_Snapshot(village, month, rows, made, made))
        elif luck < _MADE_LATE + _DELIVERED_LATE:
            self._wait(_Snapshot(village, month, rows, made, made + self._within(_LATE_DAYS)))
        elif luck < _MADE_LATE + _DELIVERED_LATE + _SLIP:
            self._mended(village, month, rows, self._with_slip(rows), made, _MENDED_DAYS)
        elif luck < _MADE_LATE + _DELIVERED_LATE + _SLIP + _LEFT_OUT and self.may_leave(village, month):
            self._leaving[village, month] += 1
            left_out = self._chance.randrange(len(rows))
            self._mended(village, month, rows, rows[:left_out] + rows[left_out + 1 :], made, _SOON_MENDED_DAYS)
        else:
            self._wait(_Snapshot(village, month, rows, made, made))

    def _mended(self, village: str, month: int, rows: tuple[str, ...], wrong: tuple[str, ...], made: int, days: tuple[int, int]) -> None:
        """Plan a wrong file, and the right one some days later."""
        self._wait(_Snapshot(village, month, wrong, made, made))
        again = made + self._within(days)
        self._wait(_Snapshot(village, month, rows, again, again))

    def _with_slip(self, rows: tuple[str, ...]) -> tuple[str, ...]:
        """Return the rows with a slip of the pen in one: a nought too many, or a member too many."""
        place = self._chance.randrange(len(rows))
        cells = rows[place].split(",")
        if cells[_EXPENDITURE]:
            cells[_EXPENDITURE] += "0"
        else:
            cells[_MEMBERS] = str(int(cells[_MEMBERS]) + 1)
        return (*rows[:place], ",".join(cells), *rows[place + 1 :])

    def _row(self, one: Household) -> str:
        """Return a household's line: what the village knows of it; expenditure is empty while nobody here has asked."""
        asked = JEMBRANA in one.welfare_said and one.expenditure is not None
        women = sum(self._people.is_woman(person) for person in one.members)
        odd = one.serial * 2_654_435_761 >> 4  # spreads neighbours; a dwelling stays as it is
        cells = (
            one.card,
            self._people.number(one.members[0]),
            len(one.members),
            women,
            one.expenditure if asked else "",
            (2 if one.modelled else 1) if asked else "",
            odd % 5 + 1,
            18 + odd % 83,
            odd % 9 + 1,
            odd % 7 + 1,
            odd % 8 + 1,
            odd % 4 + 1,
            odd % 12,
            odd % 3 + 1,
        )
        return ",".join(map(str, cells))

    def _within(self, days: tuple[int, int]) -> int:
        return self._chance.randrange(days[0] * _DAY, days[1] * _DAY)

    def _stamp(self) -> int:
        """Return an export time of now that no other file has."""
        self._clock.now += 1
        return self._clock.now

    def _wait(self, told: _Snapshot) -> None:
        self._order += 1
        heapq.heappush(self._waiting, (told.delivered, self._order, told))

    def _drop(self, told: _Snapshot, *, whole: bool = True) -> None:
        """Write a file under a temporary name and give it its own, so that nobody reads half of it; or its first half as it comes."""
        target, written = self._inbox / file_name(told.village, told.month, told.made), content(told.village, told.month, told.rows)
        first = written if whole else written[: len(written) // 2]
        part = target.with_suffix(".part")
        part.write_bytes(first)
        part.rename(target)
        if not whole:
            self._halves.append((self._clock.now + self._within(_HALF_DAYS), target, written[len(first) :]))
        self.files += 1
        self.rows += len(told.rows)
        newest = self._newest.get((told.month, told.village), told)
        self._newest[told.month, told.village] = max(newest, told, key=lambda one: one.made)

    def _complete(self, by: int | None) -> None:
        """Write the rest of the files of which half is there, of those that are due by a moment or (None) of all."""
        for due, target, rest in [half for half in self._halves if by is None or half[0] <= by]:
            self._halves.remove((due, target, rest))
            with target.open("ab") as file:
                file.write(rest)

    def standing(self) -> Iterator[tuple[str, str, date, Sections]]:
        """Yield what the newest file of each village and month says: card, regency, the month's first day, and the row's sections."""
        shown: dict[str, list[tuple[int, str, str]]] = {}
        for (month, village), told in sorted(self._newest.items()):
            for row in told.rows:
                shown.setdefault(row.partition(",")[0], []).append((month, village, row))
        for card, months in shown.items():
            for month, village, row in months:
                yield card, JEMBRANA, first_day(month), _sections(village, row)


@lru_cache(maxsize=1_024)
def _sections(village: str, row: str) -> Sections:
    """Return what a row says, in the codes of the questionnaire, which are the form's own."""
    told = dict(zip(COLUMNS, row.split(","), strict=True))
    tenure, area, floor, wall, roof, lighting, fuel = (int(told[name]) for name in ("P401", "P403", "P404", "P405", "P407", "P408", "P409"))
    spent = told["P350"]
    return SILENT | {
        "residence": [village],
        "composition": [int(told["P303"])],
        "welfare": [int(spent), "MODELLED" if told["P351"] == "2" else "OBSERVED"] if spent else None,
        "dwelling": [tenure, area, floor, wall, roof, None, lighting, fuel, None, None],
    }


def file_name(village: str, month: int, made: int) -> str:
    """Return the name of a village's file for a month (days.py), made at a moment in microseconds since 1970."""
    return f"sddd_{village}_{month_text(month).replace('-', '')}_{moment(made):%Y%m%dT%H%M%S%f}Z{form_of(village).ending}"
