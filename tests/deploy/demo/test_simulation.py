"""
Tests of the simulated world: what its registers report amounts, by the law, to exactly what it calls true.

The whole chain from a report to a figure is held against this truth, so this is where the truth itself is proven.
"""

from collections import Counter
from collections.abc import Iterator
from datetime import date
from itertools import pairwise
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from deploy.demo.kampung import Rekey
from deploy.demo.places import DKI, JEMBRANA, REGIONS, places, regency_of, region_of
from deploy.demo.simulation import END_OF_LIFE, World
from deploy.demo.truth import TruthRow
from processors.law import Claim, Statement, kept, visible
from schemas.events import Operation
from tests.deploy.demo.replay import (
    FileReader,
    Said,
    TableReader,
    carik_statements,
    desa_statements,
    reference_of,
    rows_by_law,
    rows_of,
    told_by_carik,
)
from tests.deploy.demo.tables import Tables

REFERENCE = reference_of(place.code for region in REGIONS for place in places(region, 1))
COUNTED = settings(max_examples=4, deadline=None, phases=[Phase.generate], suppress_health_check=[HealthCheck.too_slow])


def world(inbox: Path, seed: int, changes: int, *, households: int = 200, elsewhere: int = 250, flushes: int = 1) -> World:
    """Return a small world to which much happened, flushed at the end and maybe in between."""
    made = World(inbox, seed=seed, households=households, elsewhere=elsewhere, pace=changes * 4 // 5)
    for _ in range(flushes):
        made.advance(changes // flushes)
        made.flush()
    return made


def delivered(inbox: Path) -> list[Path]:
    """Return the files in the order in which they were delivered."""
    return sorted(inbox.iterdir(), key=lambda path: path.stat().st_mtime_ns)


def said_by(made: World, files: list[Path], *, also_later: bool = False) -> Said:
    """Return all statements of the four systems, the files read in a given order, the notices from the last to the first."""
    reader, table = FileReader(also_later=also_later), TableReader()
    for path in files:
        reader.read(path)
    Tables(table.changed).write(made.kampung.log)
    notices = [one.as_record(made.people) for one in reversed(made.desa.out)]
    said: Said = {}
    for told in (carik_statements(told_by_carik(made)), reader.said, desa_statements(notices), table.said):
        for card, statements in told.items():
            said.setdefault(card, []).extend(statements)
    return said


def differences(said: Said, made: World) -> list[tuple[str, TruthRow]]:
    """Return the rows that only the law or only the truth has."""
    law, truth = set(rows_by_law(said, REFERENCE)), set(made.truth())
    found = [("law", row) for row in law - truth] + [("truth", row) for row in truth - law]
    return sorted(found, key=lambda one: (one[1].household, one[1].first))


@COUNTED
@given(seed=st.integers(0, 10**6), flushes=st.sampled_from([1, 1, 3]), also_later=st.booleans(), shuffled=st.booleans())
def test_by_the_law_the_reports_amount_to_the_truth(seed: int, flushes: int, also_later: bool, shuffled: bool) -> None:
    """Whatever the seed, however often everything was told in between, in whatever order files are read: every month of every household."""
    with TemporaryDirectory(prefix="muara-test-") as made_for:
        inbox = Path(made_for)
        made = world(inbox, seed, 900, flushes=flushes)
        files = delivered(inbox)
        if shuffled:
            Random(seed).shuffle(files)  # noqa: S311 - repeatable

        assert differences(said_by(made, files, also_later=also_later), made) == []


@pytest.fixture(scope="module")
def eventful(tmp_path_factory: pytest.TempPathFactory) -> tuple[World, Said]:
    """A larger world in which everything that can happen has happened, and what both systems said of it."""
    inbox = tmp_path_factory.mktemp("inbox")
    made = world(inbox, 11, 6_000, households=500, elsewhere=500)
    return made, said_by(made, delivered(inbox))


def test_a_larger_world_is_exact_too(eventful: tuple[World, Said]) -> None:
    """The law finds every household of an eventful world in every month as it truly was."""
    made, said = eventful

    assert differences(said, made) == []


def test_before_everything_is_told_the_reports_fall_short(tmp_path: Path) -> None:
    """While reports are held back they do not amount to the truth: the comparison can fail."""
    made = World(tmp_path, seed=3, households=300, elsewhere=300, pace=1_000)
    made.advance(600)

    assert made.standing().held_back > 0
    assert differences(said_by(made, delivered(tmp_path)), made) != []


def test_everything_that_can_happen_happens(eventful: tuple[World, Said]) -> None:
    """The world meets the corners of the law that it was made for, each at least once."""
    made, said = eventful
    rows: dict[str, list[TruthRow]] = {}
    for row in made.truth():
        rows.setdefault(row.household, []).append(row)
    met = {corner for card, statements in said.items() for corner in corners_lived(statements, rows.get(card, []))}
    met |= {corner for statements in said.values() for corner in corners_told(statements)}
    met |= {"made anew under another card" for transaction in made.kampung.log for op in transaction if isinstance(op, Rekey)}

    assert met == {
        "back after an end",
        "corrected",
        "hidden by an end",
        "left open",
        "listed after leaving",
        "made anew under another card",
        "modelled",
        "moved between regencies of DKI",
        *(f"moved from {left} to {right}" for left in REGIONS for right in REGIONS if left != right or left != DKI),
        "no more",
        "out of order",
        "retracted",
        "silent on arrival",
        "told again",
        "unknown expenditure",
        "unknown size",
    }


def corners_told(statements: list[Statement]) -> Iterator[str]:
    """Yield what the statements of one household have of interest."""
    by_key: dict[tuple[Claim, date], list[Statement]] = {}
    for one in statements:
        by_key.setdefault((one.claim, one.valid_from), []).append(one)
    for told in by_key.values():
        contents = Counter(one.content for one in told)
        if any(one.operation is Operation.RETRACT for one in told):
            yield "retracted"
        elif len({one.content for one in told if one.operation is Operation.UPSERT}) > 1:
            yield "corrected"
        if max(contents.values()) > 1:
            yield "told again"
    by_claim: dict[Claim, list[Statement]] = {}
    for one in kept(statements):
        by_claim.setdefault(one.claim, []).append(one)
    alive = 0
    for said in by_claim.values():
        shown = visible(said)
        days = [one.valid_from for one in sorted(said, key=lambda one: one.revision)]
        if days != sorted(days):
            yield "out of order"
        if any(one not in shown and one.operation is Operation.UPSERT for one in said):
            yield "hidden by an end"
        if any(one.operation is Operation.END for one in shown[:-1]):
            yield "back after an end"
        if len(by_claim) > 1 and shown and shown[0].expenditure is None and not any(one.expenditure for one in shown[:2]):
            yield "silent on arrival"
        alive += bool(shown) and shown[-1].operation is Operation.UPSERT
    if alive > 1:
        yield "left open"


def corners_lived(statements: list[Statement], rows: list[TruthRow]) -> Iterator[str]:
    """Yield what the life of one household has of interest."""
    rows = sorted(rows, key=lambda row: row.first)
    for row in rows:
        if row.size is None:
            yield "unknown size"
        if row.expenditure is None:
            yield "unknown expenditure"
        if row.basis == "MODELLED":
            yield "modelled"
        if region_of(row.village) != JEMBRANA and any(_lists(one, row) for one in statements):
            yield "listed after leaving"
    for before, after in pairwise(rows):
        homes = regency_of(before.village), regency_of(after.village)
        if homes[0] != homes[1]:
            regions = region_of(before.village), region_of(after.village)
            yield "moved between regencies of DKI" if regions == (DKI, DKI) else "moved from {} to {}".format(*regions)
        elif region_of(before.village) != DKI and before.village != after.village:
            yield f"moved from {homes[0]} to {homes[1]}"
    if rows and rows[-1].until is not None:
        yield "no more"


def _lists(one: Statement, row: TruthRow) -> bool:
    """Tell whether Jembrana lists a household in a month in which it lives elsewhere."""
    month = f"{one.valid_from:%Y-%m}"
    return one.source == "sddd" and one.operation is Operation.UPSERT and row.first <= month and (row.until is None or month < row.until)


def test_the_same_seed_reports_the_same(tmp_path: Path) -> None:
    """Pages, files, notices, rows and truth follow from the seed, however the changes are asked for; another seed differs."""

    def reported(seed: int, name: str, steps: list[int]) -> tuple[object, ...]:
        made = World(tmp_path / name, seed=seed, households=80, elsewhere=60, pace=600)
        for step in steps:
            made.advance(step)
        made.flush()
        files = {path.name: path.read_bytes() for path in (tmp_path / name).iterdir()}
        notices = [one.as_record(made.people) for one in made.desa.out]
        rows: list[object] = []
        Tables(lambda before, after: rows.append((before, after))).write(made.kampung.log)
        return told_by_carik(made), files, notices, rows, list(made.truth())

    first = reported(5, "a", [400])

    assert first == reported(5, "b", [100, 0, 300])
    assert first != reported(6, "c", [400])


def test_no_date_lies_beyond_the_day_that_life_leads_to(tmp_path: Path) -> None:
    """However many changes are asked for, days, moments and export times stay within the end of life."""
    made = World(tmp_path, seed=2, households=60, elsewhere=60, pace=100)
    made.advance(3_000)
    made.flush()

    assert made.changes == 3_000
    assert date.fromisoformat(made.standing().today) <= END_OF_LIFE
    for statements in said_by(made, delivered(tmp_path)).values():
        assert max(one.valid_from for one in statements) <= END_OF_LIFE
    assert max(path.name.split("_")[3] for path in tmp_path.iterdir()) < f"{END_OF_LIFE:%Y%m%d}U"


def test_until_april_2024_everybody_stands_as_at_first(tmp_path: Path) -> None:
    """The month of the official figures is not touched by what happens later."""
    made = World(tmp_path, seed=4, households=200, elsewhere=100, pace=500)
    before = {row.household: row for row in made.truth()}
    made.advance(400)
    after = {row.household: row for row in made.truth() if row.first <= "2024-03"}

    assert after.keys() == before.keys()
    for card, row in after.items():
        assert (row.village, row.size, row.expenditure) == (before[card].village, before[card].size, before[card].expenditure)
        assert row.until is None or row.until > "2024-03"


def test_a_household_moves_at_most_once_a_month_and_lives_one_thing_a_day(eventful: tuple[World, Said]) -> None:
    """What the registers' clarity rests on: months for moves, days for everything."""
    made, _ = eventful
    for one in made._households:
        days = [fact.day for fact in one.facts]
        moves = [fact.day.replace(day=1) for before, fact in pairwise(one.facts) if fact.village and before.village != fact.village]
        assert days == sorted(set(days))
        assert len(moves) == len(set(moves))


def test_no_file_misses_more_than_a_fifth_of_a_village(eventful: tuple[World, Said]) -> None:
    """Beside the last file of the month before that was known when it came, at most a fifth of a village is missing."""
    made, _ = eventful
    known: dict[str, dict[str, set[str]]] = {}
    for path in delivered(made._villages._inbox):
        _, village, period, _ = path.name.split("_")
        cards = {row["P301"] for row in rows_of(path)}
        before = [cards for month, cards in sorted(known.get(village, {}).items()) if month < period]
        if before:
            assert len(before[-1] - cards) * 5 <= len(before[-1])
        known.setdefault(village, {})[period] = cards
