"""Reading a folder of snapshots: whatever the order, repetition or loss of memory, the same households live in the same months."""

import tempfile
from collections.abc import Iterable, Sequence
from datetime import date, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from processors.law import Statement, kept, visible
from producers.faults import SourceAway
from schemas.events import HouseholdChanged, Operation
from tests.producers.samples import card, drop, mapper, row, sddd, snapshot_name
from tests.producers.sources.folder import EXPORTED, HERE, MONTHS, VILLAGES, Adapter, Snapshot, at, said


def statements(events: Iterable[HouseholdChanged]) -> dict[bytes, list[Statement]]:
    """Return each household's statements that stand, as the office keeps them."""
    found: dict[bytes, list[Statement]] = {}
    for event in events:
        village = event.residence.village if event.residence else None
        spent = event.welfare.expenditure if event.welfare else None
        found.setdefault(event.household, []).append(
            Statement(
                event.region,
                event.source,
                event.valid_from,
                event.revision,
                event.mapping_version,
                event.operation,
                village,
                expenditure=spent,
            )
        )
    return {household: kept(one) for household, one in found.items()}


def residences(events: Iterable[HouseholdChanged]) -> dict[tuple[bytes, int], tuple[str, int | None]]:
    """Return where each household lives in each month by the law, and the expenditure said for that month (None: carried on)."""
    found = {}
    for household, told in statements(events).items():
        for month in MONTHS:
            day = date(month // 100, month % 100, 1)
            alive = None
            for one in visible(told):
                if one.valid_from <= day:
                    alive = None if one.operation is Operation.END else one
            if alive is not None and alive.village is not None:
                found[household, month] = (alive.village, alive.expenditure if alive.valid_from == day else None)
    return found


def truth(snapshots: Iterable[Snapshot]) -> dict[tuple[bytes, int], tuple[str, int | None]]:
    """Return the same from the snapshots alone: shown, or held by a village that has not been heard since."""
    counting: dict[tuple[str, int], Snapshot] = {}
    for one in sorted(snapshots, key=lambda one: one.exported):
        counting[one.village, one.period] = one
    found = {}
    pseudonyms = mapper(sddd())._pseudonyms
    for serial in range(1, 10):
        holder: str | None = None
        for month in MONTHS:
            shows = [one for (_, period), one in counting.items() if period == month and serial in one.households]
            newest = max(shows, key=lambda one: one.exported, default=None)
            if newest is not None:
                holder = newest.village
            elif (holder, month) in counting:
                holder = None
            if holder is not None:
                spent = 1_000_000 + newest.exported.minute * 60 + newest.exported.second if newest else None
                found[pseudonyms.family_card(card(serial)), month] = (holder, spent)
    return found


@st.composite
def worlds(draw: st.DrawFn) -> tuple[Sequence[Snapshot], Sequence[Snapshot]]:
    """Return files of some villages and months, corrections among them, in two orders."""
    places = draw(st.lists(st.tuples(st.sampled_from(VILLAGES), st.sampled_from(MONTHS)), min_size=1, max_size=9))
    times = draw(st.permutations(range(len(places))))
    members = st.frozensets(st.integers(1, 5), min_size=1)
    files = [
        Snapshot(village, period, EXPORTED + timedelta(seconds=second), draw(members))
        for (village, period), second in zip(places, times, strict=True)
    ]
    return files, draw(st.permutations(files))


def _read_one_by_one(files: Sequence[Snapshot], together: int) -> list[HouseholdChanged]:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        adapter = Adapter(folder)
        for place, one in enumerate(files):
            one.drop(folder)
            if place % together == 0:
                adapter.read()
        adapter.read()
        return adapter.events


@given(worlds(), st.integers(1, 3))
@settings(max_examples=150, deadline=None)
def test_order_of_reading_does_not_show(world: tuple[Sequence[Snapshot], Sequence[Snapshot]], together: int) -> None:
    """In whatever order the files come, each household lives where the snapshots say, also when two readings meet."""
    files, otherwise = world
    wanted = truth(files)
    one, other = _read_one_by_one(files, together), _read_one_by_one(otherwise, 1)

    assert residences(one) == wanted
    assert residences(other) == wanted
    assert residences([*one, *other]) == wanted, "an adapter that lost its memory and read in another order changed something"


# ---- case by case ----------------------------------------------------------------------------------------------------------


def test_who_is_missing_has_ended(tmp_path: Path) -> None:
    """A household that the next snapshot misses is ended on the first of that month, next to what was said of it last."""
    adapter = Adapter(tmp_path)
    Snapshot(HERE, 202401, at(0), frozenset({1, 2})).drop(tmp_path)
    assert said(adapter.read()) == [("UPSERT", 1, 0), ("UPSERT", 1, 0)]

    Snapshot(HERE, 202402, at(1), frozenset({1})).drop(tmp_path)
    events = adapter.read()
    assert said(events) == [("END", 2, 0), ("UPSERT", 2, 1)]
    (ended,) = [one for one in events if one.operation is Operation.END]
    assert ended.household == mapper(sddd())._pseudonyms.family_card(card(2))
    assert (ended.region, ended.source, ended.valid_from, ended.recorded_at) == ("51.01", "sddd", date(2024, 2, 1), at(1))
    assert (ended.residence, ended.composition, ended.welfare, ended.dwelling) == (None, None, None, None)


def test_a_file_that_changes_under_its_name_is_read_again(tmp_path: Path) -> None:
    """A file that looked whole and grew later is read again; what it said before is said under a greater revision."""
    adapter = Adapter(tmp_path)
    Snapshot(HERE, 202401, at(0), frozenset({1})).drop(tmp_path)
    first = adapter.read()
    Snapshot(HERE, 202401, at(0), frozenset({1, 2})).drop(tmp_path)
    again = adapter.read()

    assert sorted(one.revision - first[0].revision for one in again) == [0, 1]


def test_a_row_without_a_readable_card_ends_nobody(tmp_path: Path) -> None:
    """Where one row may be anyone, nobody is ended by that snapshot; the next whole one does it."""
    adapter = Adapter(tmp_path)
    Snapshot(HERE, 202401, at(0), frozenset({1, 2})).drop(tmp_path)
    drop(tmp_path, snapshot_name(HERE, 202402, at(1)), [row(1), row(2, P301="99010"), row(1)])

    assert said(adapter.read()) == [("UPSERT", 1, 0), ("UPSERT", 1, 0), ("UPSERT", 2, 1)]
    assert adapter.causes == [
        "household is not 16 digits",
        "household stands twice in one snapshot; the first counts",
        "END is withheld from 1 households: 1 rows of this snapshot cannot be read and may be theirs",
    ]
    Snapshot(HERE, 202403, at(2), frozenset({1})).drop(tmp_path)
    assert said(adapter.read()) == [("END", 3, 0), ("UPSERT", 3, 2)]


def test_only_what_is_withheld_is_told(tmp_path: Path) -> None:
    """A row without a readable card, where nobody is missing, withholds nothing."""
    adapter = Adapter(tmp_path)
    Snapshot(HERE, 202401, at(0), frozenset({1, 2})).drop(tmp_path)
    drop(tmp_path, snapshot_name(HERE, 202402, at(1)), [row(1), row(2), row(3, P301="99010")])
    adapter.read()

    assert adapter.causes == ["household is not 16 digits"]


def test_a_row_that_cannot_be_mapped_is_there_all_the_same(tmp_path: Path) -> None:
    """A household with an unknown code has not ended; its row is in quarantine."""
    adapter = Adapter(tmp_path)
    Snapshot(HERE, 202401, at(0), frozenset({1, 2})).drop(tmp_path)
    drop(tmp_path, snapshot_name(HERE, 202402, at(1)), [row(1), row(2, P401="77")])

    assert said(adapter.read()) == [("UPSERT", 1, 0), ("UPSERT", 1, 0), ("UPSERT", 2, 1)]
    assert adapter.causes == ["dwelling.tenure is not from 1 to 5"]


def test_an_older_export_counts_for_nothing(tmp_path: Path) -> None:
    """A snapshot exported before the one that counts for its village and month says nothing, however late it comes."""
    adapter = Adapter(tmp_path)
    Snapshot(HERE, 202401, at(5), frozenset({1})).drop(tmp_path)
    adapter.read()
    Snapshot(HERE, 202401, at(0), frozenset({1, 2})).drop(tmp_path)

    assert adapter.read() == []
    assert adapter.causes == []


def test_a_folder_that_is_not_there_is_waited_for(tmp_path: Path) -> None:
    """A folder that is not mounted yet is no empty folder."""
    with pytest.raises(SourceAway, match="No such file or directory"):
        Adapter(tmp_path / "nowhere").reader.read(None)


def test_a_batch_that_was_not_kept_comes_again(tmp_path: Path) -> None:
    """Without its memory kept, a file is read again and says the same."""
    adapter = Adapter(tmp_path)
    Snapshot(HERE, 202401, at(0), frozenset({1, 2})).drop(tmp_path)

    assert adapter.reader.read(None).events == adapter.reader.read(None).events != []


def test_what_is_needed_again_and_gone_is_told(tmp_path: Path) -> None:
    """Where a showing must be said again and its file is gone, that is in quarantine, and it is said once the file is back."""
    adapter = Adapter(tmp_path)
    Snapshot(HERE, 202401, at(0), frozenset({1})).drop(tmp_path)
    file = Snapshot(HERE, 202403, at(1), frozenset({1})).drop(tmp_path)
    adapter.read()
    content = file.read_bytes()
    file.unlink()
    Snapshot(HERE, 202402, at(5), frozenset({1, 2})).drop(tmp_path)
    Snapshot(HERE, 202402, at(6), frozenset({2})).drop(tmp_path)
    assert ("END", 2, 6) in said(adapter.read())
    assert any("is needed once more" in cause for cause in adapter.causes)

    file.write_bytes(content)
    Snapshot(HERE, 202404, at(7), frozenset({1})).drop(tmp_path)
    adapter.read()
    household = mapper(sddd())._pseudonyms.family_card(card(1))
    assert [month for (one, month) in residences(adapter.events) if one == household] == [202401, 202403, 202404]


def test_a_correction_exported_after_the_memory_was_lost_wins(tmp_path: Path) -> None:
    """What an adapter said and took back before its memory was lost does not stand against what a later export brings about."""
    files = [
        Snapshot(HERE, 202401, at(2), frozenset({1, 2})),
        Snapshot(HERE, 202402, at(4), frozenset({1})),
        Snapshot(HERE, 202401, at(3), frozenset({1})),
        Snapshot(HERE, 202401, at(8), frozenset({1, 2})),
    ]
    first = Adapter(tmp_path)
    for one in files[:3]:
        one.drop(tmp_path)
        first.read()
    second = Adapter(tmp_path)
    second.read()
    files[3].drop(tmp_path)
    second.read()

    assert residences([*first.events, *second.events]) == truth(files)
