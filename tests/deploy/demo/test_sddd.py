"""Tests of Jembrana's files: names, whole or not at all, and what a village may lose."""

import csv
import re
from datetime import date
from pathlib import Path
from random import Random

import pytest

from deploy.demo.clock import Clock
from deploy.demo.days import first_day, microseconds, month_of
from deploy.demo.household import Household
from deploy.demo.people import HEAD, People
from deploy.demo.sddd import Villages, file_name
from deploy.demo.sddd_forms import COLUMNS
from tests.deploy.demo.samples import household

VILLAGE, OTHER = "51.01.01.2001", "51.01.01.2002"
NAME = re.compile(r"sddd_51\.01\.\d\d\.\d{4}_\d{6}_\d{8}T\d{12}Z\.csv")
MARCH = month_of(date(2024, 3, 1))


class Lucky(Random):
    """Chance under which no file is late or wrong."""

    def random(self) -> float:
        """Return the greatest luck there is."""
        return 0.999


def villages(inbox: Path, chance: Random, households: int = 12) -> tuple[Villages, Clock, list[Household]]:
    """Return two villages as of April 2024 whose first files are delivered, and the households of the first."""
    people, clock = People(), Clock(date(2024, 4, 1), date(2026, 10, 31), 1_000)
    found = Villages(inbox, people, clock, chance)
    living = []
    for serial in range(households + 1):
        person = people.add(date(1980, 1, 1), HEAD, woman=serial % 2 == 0)
        village = VILLAGE if serial < households else OTHER
        one = household(serial, village, [person], date(2024, 3, 1), 1_000_000 + serial)
        one.welfare_said.add("51.01")
        found.arrive(one, village)
        living.append(one)
    found.begin(MARCH)
    return found, clock, living[:households]


def rows(path: Path) -> list[dict[str, str]]:
    """Return a file's rows."""
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def of_month(inbox: Path, month: str) -> list[Path]:
    """Return the first village's files of a month (YYYYMM) in the order of their export times."""
    return sorted(inbox.glob(f"sddd_{VILLAGE}_{month}_*.csv"))


def test_a_name_tells_village_period_and_export_time() -> None:
    """The name has the form that the region file declares, with microseconds."""
    name = file_name(VILLAGE, MARCH, microseconds(date(2024, 4, 2)) + 36_900_000_007)

    assert name == "sddd_51.01.01.2001_202403_20240402T101500000007Z.csv"


def test_the_first_files_are_whole(tmp_path: Path) -> None:
    """One file for each village that anybody lives in, with the form's columns and nothing half-written beside it."""
    villages(tmp_path, Lucky(1))
    found = sorted(path.name for path in tmp_path.iterdir())

    assert len(found) == 2
    assert all(NAME.fullmatch(name) for name in found)
    told = rows(tmp_path / found[0])
    assert tuple(told[0]) == COLUMNS
    assert [(one["P303"], one["P304"], one["P350"], one["P351"]) for one in told[:2]] == [
        ("1", "1", "1000000", "1"),
        ("1", "0", "1000001", "1"),
    ]


def test_a_file_appears_under_its_name_only_when_it_is_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is written stands under another ending until it is renamed, with all its rows."""
    seen = []
    rename = Path.rename

    def watched(self: Path, to: Path) -> Path:
        seen.append((self.suffix, to.exists(), len(rows(self))))
        return rename(self, to)

    monkeypatch.setattr(Path, "rename", watched)
    villages(tmp_path, Lucky(2))

    assert seen == [(".part", False, 12), (".part", False, 1)]
    assert not list(tmp_path.glob("*.part"))


def test_what_nobody_asked_is_empty(tmp_path: Path) -> None:
    """Expenditure that the village never asked for is an empty cell, though the world knows it."""
    found, clock, living = villages(tmp_path, Lucky(3))
    living[0].welfare_said.clear()
    living[0].note(date(2024, 4, 5))
    clock.now += 86_400_000_000
    found.flush()

    told = rows(of_month(tmp_path, "202404")[0])
    assert [(one["P350"], one["P351"]) for one in told[:2]] == [("", ""), ("1000001", "1")]


def test_a_month_is_told_as_it_ended(tmp_path: Path) -> None:
    """What changes before the file is made, but after the month, stands in the next file only."""
    found, clock, living = villages(tmp_path, Lucky(4))
    clock.now = microseconds(date(2024, 5, 1))
    found.close_month(MARCH + 1)
    living[0].expenditure = 9_000_000
    living[0].note(date(2024, 5, 1))
    clock.now = microseconds(date(2024, 5, 10))
    found.release()
    found.flush()

    assert rows(of_month(tmp_path, "202404")[0])[0]["P350"] == "1000000"
    assert rows(of_month(tmp_path, "202405")[0])[0]["P350"] == "9000000"


def test_a_family_that_left_is_listed_with_what_was_last_known(tmp_path: Path) -> None:
    """A stale line repeats itself for the months told, whatever became of the family, and is then missing."""
    found, clock, living = villages(tmp_path, Lucky(5))
    found.leave(living[3], VILLAGE, still_listed=2)
    living[3].expenditure = 77
    living[3].note(date(2024, 4, 9))
    listed = []
    for month, name in ((MARCH + 1, "202404"), (MARCH + 2, "202405"), (MARCH + 3, "202406")):
        clock.now = microseconds(first_day(month + 1))
        found.close_month(month)
        clock.now += 10 * 86_400_000_000
        found.release()
        listed.append([one["P350"] for one in rows(of_month(tmp_path, name)[0]) if one["P301"] == living[3].card])

    assert listed == [["1000003"], ["1000003"], []]


def test_a_household_that_died_elsewhere_is_struck_off_at_once(tmp_path: Path) -> None:
    """A stale line ends with the month in which the household is no more."""
    found, clock, living = villages(tmp_path, Lucky(6))
    found.leave(living[3], VILLAGE, still_listed=4)
    assert found.lists(living[3])

    assert found.strike_off(living[3])
    assert not found.lists(living[3])
    clock.now += 86_400_000_000
    found.flush()

    assert living[3].card not in {one["P301"] for one in rows(of_month(tmp_path, "202404")[0])}


def test_at_most_a_sixth_of_a_village_leaves_within_three_months(tmp_path: Path) -> None:
    """Of twelve households two may leave, near in time; the small village may lose nobody."""
    found, _, living = villages(tmp_path, Lucky(7))
    april = MARCH + 1

    found.leave(living[0], VILLAGE)
    assert found.may_leave(VILLAGE, april)
    found.leave(living[1], VILLAGE, still_listed=1)

    assert [found.may_leave(VILLAGE, april + later) for later in (-1, 0, 1, 2, 3)] == [True, False, False, True, True]
    assert not found.may_leave(OTHER, april)


@pytest.mark.parametrize("seed", range(3))
def test_every_wrong_file_is_followed_by_the_right_one(tmp_path: Path, seed: int) -> None:
    """In the end the newest export of every village and month tells the village as the month ended, and all months are there."""
    found, clock, living = villages(tmp_path, Random(seed), households=60)  # noqa: S311 - repeatable
    for month in range(MARCH + 1, MARCH + 41):
        clock.now = microseconds(first_day(month + 1))
        found.close_month(month)
        found.release()
    found.flush()
    exports = [of_month(tmp_path, f"{month // 12}{month % 12 + 1:02d}") for month in range(MARCH, MARCH + 41)]

    assert all(exports)
    assert any(len(made) > 1 for made in exports)
    for made in exports:
        assert [(one["P301"], one["P303"], one["P350"]) for one in rows(made[-1])] == [
            (one.card, "1", str(one.expenditure)) for one in living
        ]


def test_flushing_twice_tells_a_month_once(tmp_path: Path) -> None:
    """Where nothing has changed since the last flush, no file follows."""
    found, clock, living = villages(tmp_path, Lucky(8))
    clock.now += 86_400_000_000
    found.flush()
    before = found.files
    found.flush()
    assert found.files == before

    living[0].expenditure = 5
    living[0].note(clock.today)
    found.flush()
    assert found.files == before + 1


def test_half_a_file_is_completed_days_later(tmp_path: Path) -> None:
    """Now and then the first half lies there under its own name; it is held back until its rest is written, at its time or at once."""
    found, clock, _ = villages(tmp_path, Lucky(9))
    found.files = 37  # the next one by count
    clock.now = microseconds(date(2024, 5, 1))
    found.close_month(MARCH + 1)
    clock.now = microseconds(date(2024, 5, 10))
    found.release()

    (half,) = of_month(tmp_path, "202404")
    assert not half.read_text(encoding="utf-8").endswith("\n")
    assert len(rows(half)) < 12
    assert found.held == 1
    clock.now += 4 * 86_400_000_000
    found.release()
    assert len(rows(half)) == 12
    assert found.held == 0


def test_telling_everything_completes_what_is_half_there(tmp_path: Path) -> None:
    """After a flush no file is half there."""
    found, clock, _ = villages(tmp_path, Lucky(10))
    found.files = 37
    clock.now = microseconds(date(2024, 5, 1))
    found.close_month(MARCH + 1)
    clock.now = microseconds(date(2024, 5, 10))
    found.release()
    found.flush()

    assert len(rows(of_month(tmp_path, "202404")[0])) == 12
    assert found.held == 0
