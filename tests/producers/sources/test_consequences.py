"""Households set apart as plain are those of whom the reasoning says just that, and the memory of files is never older than the disk."""

import sqlite3
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from producers.sources.consequences import Consequences, Outcome
from producers.sources.showings import Showings, make_tables
from schemas.events import HouseholdChanged
from tests.producers.samples import drop, mapper, row, sddd, snapshot_name
from tests.producers.sources.folder import HERE, MONTHS, THERE, Adapter, Snapshot, at, said

_Told = tuple[str, int, frozenset[int], bool]


@st.composite
def _months(draw: st.DrawFn) -> Sequence[_Told]:
    """Return villages' months, mostly in order as they come in life: who is shown, and whether a row cannot be read."""
    told = [
        (village, month, draw(st.frozensets(st.integers(1, 6), min_size=1)), draw(st.integers(0, 5)) == 0)
        for month in MONTHS
        for village in draw(st.permutations((HERE, THERE)))
        if draw(st.integers(0, 4))
    ]
    for _ in range(draw(st.integers(0, 2))):
        if told:
            late = told.pop(draw(st.integers(0, len(told) - 1)))
            told.insert(draw(st.integers(0, len(told))), late)
    return told


def _events(told: Sequence[_Told], together: int) -> list[HouseholdChanged]:
    with tempfile.TemporaryDirectory() as name:
        adapter = Adapter(Path(name))
        for second, (village, month, serials, unreadable) in enumerate(told):
            rows = [row(serial, P401="77" if serial == 6 else "1") for serial in sorted(serials)]
            drop(Path(name), snapshot_name(village, month, at(second)), rows + [row(9, P301="9901")] * unreadable)
            if second % together == 0:
                adapter.read()
        adapter.read()
        return sorted(adapter.events, key=lambda one: (one.recorded_at, one.household, one.valid_from, one.revision))


@given(_months(), st.integers(1, 3))
@settings(max_examples=100, deadline=None)
def test_setting_plain_households_apart_changes_nothing(told: Sequence[_Told], together: int) -> None:
    """With every household reasoned over one by one the same is said, to the revision."""
    set_apart = Consequences._apart
    plain = 0

    def counted(self: Consequences, village: str, part: Any, outcome: Outcome, *, late: bool) -> set[bytes]:
        nonlocal plain
        apart = set_apart(self, village, part, outcome, late=late)
        plain += len(part.shown) - len(apart)
        return apart

    def everybody(self: Consequences, village: str, part: Any, outcome: Outcome, *, late: bool) -> set[bytes]:
        return set_apart(self, village, part, outcome, late=True)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Consequences, "_apart", counted)
        found = _events(told, together)
        patch.setattr(Consequences, "_apart", everybody)
        one_by_one = _events(told, together)

    assert found == one_by_one
    assert plain or not told, "nobody was set apart: the test shows nothing"


def test_what_another_one_writes_is_known_at_once(tmp_path: Path) -> None:
    """Files that another connection took in, or forgot the refusal of, are known by the next reading."""
    disk = sqlite3.connect(tmp_path / "memory.sqlite", isolation_level=None)
    (tmp_path / "in").mkdir()
    adapter = Adapter(tmp_path / "in", memory=disk)
    other = Adapter(tmp_path / "in", memory=sqlite3.connect(tmp_path / "memory.sqlite", isolation_level=None))
    Snapshot(HERE, 202401, at(0), frozenset({1, 2})).drop(tmp_path / "in")
    assert len(adapter.read()) == 2
    assert other.read() == []

    Snapshot(HERE, 202402, at(1), frozenset({1})).drop(tmp_path / "in")
    assert said(other.read()) == [("END", 2, 0), ("UPSERT", 2, 1)]
    assert adapter.read() == []
    Snapshot(HERE, 202401, at(2), frozenset({1})).drop(tmp_path / "in")
    assert said(adapter.read()) == [("RETRACT", 1, 2), ("RETRACT", 2, 2), ("UPSERT", 1, 2)]


def test_an_older_layout_is_left_behind(tmp_path: Path) -> None:
    """A memory of an older version is dropped as a whole: the files are read once more, and nothing is said of half of it."""
    connection = sqlite3.connect(":memory:", isolation_level=None)
    connection.execute("create table shown (household blob, village text, period integer)")
    connection.execute("create table file (name text primary key)")
    connection.execute("insert into file values ('old.csv')")
    make_tables(connection)
    Snapshot(HERE, 202401, at(0), frozenset({1})).drop(tmp_path)

    assert said(Adapter(tmp_path, memory=connection).read()) == [("UPSERT", 1, 0)]
    assert connection.execute("select count(*) from file").fetchone() == (1,)


@pytest.mark.parametrize("many", [1, 3, 9, 700])
def test_pasts_are_found_however_many_are_asked_for(tmp_path: Path, many: int) -> None:
    """Few households are searched for in a snapshot's bytes, many by unpacking it, very many in parts: all find the same."""
    adapter = Adapter(tmp_path)
    Snapshot(HERE, 202401, at(0), frozenset(range(1, 801))).drop(tmp_path)
    Snapshot(HERE, 202402, at(1), frozenset(range(2, 801))).drop(tmp_path)
    households = [one.household for one in adapter.read() if one.valid_from.month == 2][:many]
    showings = Showings(adapter.connection)
    pasts = showings.pasts(households, "51.01")

    assert list(pasts) == households
    assert {one: showings.pasts([one], "51.01")[one] for one in households} == pasts
    assert [len(one.shown) + len(one.gone) for one in pasts.values()] == [2] * many
    assert all(not one.shown and not one.gone for one in showings.pasts(households, "51.02").values())
    assert mapper(sddd()).key_version == 1
