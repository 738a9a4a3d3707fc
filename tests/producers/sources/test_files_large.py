"""Files of any size: read in parts they say what they say when read as a whole, whatever is killed or dropped in between."""

import random
import sqlite3
import tempfile
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from producers.sources import Batch
from schemas.events import HouseholdChanged
from tests.producers.samples import card, drop, mapper, row, sddd, snapshot_name
from tests.producers.sources.folder import HERE, MONTHS, THERE, YONDER, Adapter, Snapshot, at, said
from tests.producers.sources.large import as_large
from tests.producers.sources.test_files import residences, truth, worlds

_Worlds = tuple[Sequence[Snapshot], Sequence[Snapshot]]


class _Paced(Adapter):
    """An adapter by whose clock each batch is two seconds behind the one before; all are kept, in `batches`, too."""

    def __init__(self, folder: Path) -> None:
        """Begin long after the exports."""
        self._now, self.batches = datetime(2024, 5, 1, tzinfo=UTC), list[Batch]()
        super().__init__(folder, clock=lambda: self._now)

    def step(self) -> Batch:
        """Read and keep the next batch."""
        self._now += timedelta(seconds=2)
        self.batches.append(self.reader.read(None))
        self.keep(self.batches[-1])
        return self.batches[-1]


def _in_order(events: Sequence[HouseholdChanged]) -> list[str]:
    return sorted(map(repr, events))


@given(worlds(), st.integers(1, 3))
@settings(max_examples=100, deadline=None)
def test_read_in_parts_the_same_is_said(world: _Worlds, together: int) -> None:
    """Every event is the same, to the revision, whether files lie in memory or on the disk."""
    files, _ = world
    found = []
    for large in (False, True):
        with tempfile.TemporaryDirectory() as name, as_large(together, every=large):
            adapter = Adapter(Path(name))
            for one in files:
                one.drop(Path(name))
                adapter.read()
            found.append((_in_order(adapter.events), sorted(adapter.causes)))

    assert found[0] == found[1]


@given(worlds(), st.integers(1, 3), st.integers(0, 1 << 32))
@settings(max_examples=150, deadline=None)
def test_whatever_is_killed_between_two_parts(world: _Worlds, together: int, seed: int) -> None:
    """The process ends before or behind any batch; files are dropped in between, large and small ones; nothing is lost or doubled."""
    (files, _), chance = world, random.Random(seed)  # noqa: S311 - not for secrets
    with tempfile.TemporaryDirectory() as name, as_large(together):
        folder, left = Path(name), list(files)
        adapter, events = Adapter(folder), list[HouseholdChanged]()
        while left or not adapter.reader.read(None).caught_up:
            if left and chance.random() < 0.3:
                left.pop(0).drop(folder)
            with as_large(together, every=chance.random() < 0.7):
                batch = adapter.reader.read(None)
            fate = chance.choice(("kept", "kept", "kept", "written", "lost", "not kept"))
            if fate == "kept":
                adapter.keep(batch)
            elif fate == "written":
                adapter.write(batch)
            if fate in ("written", "lost"):
                events += adapter.events
                adapter = Adapter(folder, memory=adapter.connection)
        events += adapter.events

    assert residences(events) == truth(files)


def test_a_household_that_stands_twice_far_apart(tmp_path: Path) -> None:
    """The first row of a household counts, however many rows lie between, and each other one is put aside."""
    with as_large(2):
        adapter = Adapter(tmp_path)
        rows = [row(1, P350="1"), *(row(one) for one in range(2, 9)), row(1, P350="2"), row(1, P350="3")]
        drop(tmp_path, snapshot_name(HERE, 202401, at(0)), rows)
        events = adapter.read()

    assert len(events) == 8
    (first,) = [one for one in events if one.household == mapper(sddd())._pseudonyms.family_card(card(1))]
    assert first.welfare is not None
    assert first.welfare.expenditure == 1
    assert adapter.causes == ["household stands twice in one snapshot; the first counts"] * 2


def test_a_large_file_that_is_spoilt_at_its_end_says_nothing(tmp_path: Path) -> None:
    """What is wrong in the last row refuses the whole file; nothing of it was said before, and it is read when it is whole."""
    with as_large(1):
        adapter = Adapter(tmp_path, village="P411")
        rows = [row(one, P411=HERE) for one in range(1, 6)]
        file = drop(tmp_path, snapshot_name(HERE, 202401, at(0)), [*rows, row(6, P411=THERE)])
        assert adapter.read() == []
        assert adapter.causes == ["shows households of another village than its name says"]

        drop(tmp_path, file.name, rows)
        assert len(adapter.read()) == 5


def test_a_large_file_that_changes_while_it_is_read_says_nothing_of_what_it_was(tmp_path: Path) -> None:
    """A file that grows between two parts is put aside, and read anew as it is then."""
    with as_large(1):
        adapter = Adapter(tmp_path)
        Snapshot(HERE, 202401, at(0), frozenset({1, 2, 3})).drop(tmp_path)
        for _ in range(2):
            adapter.keep(adapter.reader.read(None))
        with (tmp_path / snapshot_name(HERE, 202401, at(0))).open("a") as file:
            file.write(",".join(row(4)) + "\n")
        events = adapter.read()

    assert adapter.causes[0] == "changed while it was read"
    assert len(events) == 4


def test_a_large_loss_is_refused_whole(tmp_path: Path) -> None:
    """The rule of the greatest loss holds before anything of a large file is said."""
    with as_large(2):
        adapter = Adapter(tmp_path, greatest_loss=0.2)
        Snapshot(HERE, 202401, at(0), frozenset(range(1, 11))).drop(tmp_path)
        adapter.read()
        Snapshot(HERE, 202402, at(1), frozenset(range(4, 12))).drop(tmp_path)
        assert adapter.read() == []

    assert adapter.causes == ["would end 3 of the 10 households of its village: ask the village, or raise greatest_loss"]


def test_what_is_owed_of_a_file_that_is_gone_is_told_and_said_when_it_is_back(tmp_path: Path) -> None:
    """A large file that counts, and vanishes before all of it is said: that is told, and mended by putting it back."""
    memory = sqlite3.connect(":memory:", isolation_level=None)
    with as_large(2):
        first = Adapter(tmp_path, memory=memory)
        file = Snapshot(HERE, 202401, at(0), frozenset(range(1, 7))).drop(tmp_path)
        while not first.events:
            first.keep(first.reader.read(None))
        hidden = file.rename(tmp_path / "hidden")
        second = Adapter(tmp_path, memory=memory)
        second.read()
        assert any("is needed once more" in cause for cause in second.causes)
        hidden.rename(file)
        third = Adapter(tmp_path, memory=memory)
        third.read()

    assert len({one.household for one in first.events + third.events}) == 6
    assert len(first.events + third.events) == 6


def test_what_is_dropped_while_a_large_file_is_read_does_not_wait_for_its_end(tmp_path: Path) -> None:
    """A village's file that comes while another's large file is read, or said, is said by the next batch."""
    adapter = _Paced(tmp_path)
    Snapshot(HERE, 202401, at(0), frozenset(range(1, 9))).drop(tmp_path)

    with as_large(2):
        adapter.step()
        with as_large(2, every=False):
            Snapshot(THERE, 202401, at(5), frozenset({11})).drop(tmp_path)
            adapter.step()
        assert adapter.batches[-1].mended == snapshot_name(THERE, 202401, at(5))
        while adapter.batches[-1].mended != snapshot_name(HERE, 202401, at(0)):
            adapter.step()
        with as_large(2, every=False):
            Snapshot(YONDER, 202401, at(6), frozenset({12})).drop(tmp_path)
            adapter.step()
        assert adapter.batches[-1].mended == snapshot_name(YONDER, 202401, at(6))


def test_what_is_dropped_during_a_first_load_goes_ahead_with_its_village(tmp_path: Path) -> None:
    """Of a folder of months, a new file is read next, behind those of its own village only; progress is told in bytes and ends."""
    adapter = _Paced(tmp_path)
    for second, (village, month) in enumerate((village, month) for month in MONTHS[:3] for village in (HERE, THERE, YONDER)):
        Snapshot(village, month, at(second), frozenset({1 + (HERE, THERE, YONDER).index(village)})).drop(tmp_path)

    adapter.step()
    new = Snapshot(YONDER, 202404, at(60), frozenset({3}))
    new.drop(tmp_path)
    while not adapter.step().caught_up:
        pass
    order, progress = [one.mended for one in adapter.batches], [one.backfill for one in adapter.batches]

    assert order[1:5] == [*(snapshot_name(YONDER, month, at(2 + 3 * place)) for place, month in enumerate(MONTHS[:3])), new.name]
    assert len(set(order)) == 11, "each file once, and the end"
    told = [one for one in progress if one is not None]
    size = sum(file.stat().st_size for file in tmp_path.iterdir())
    assert [one.read for one in told] == sorted(one.read for one in told)
    assert told[-1].total == size
    assert progress[-1] is None, "all is read"
    Snapshot(HERE, 202404, at(70), frozenset({1})).drop(tmp_path)
    assert adapter.step().backfill is None, "what comes later is no first load"


def test_sent_again_in_parts(tmp_path: Path) -> None:
    """A resend of a large file says what one of a small one says, the rows that a mended mapping can read among it."""
    found = []
    for large in (False, True):
        folder = tmp_path / str(large)
        folder.mkdir()
        with as_large(2, every=large):
            adapter = Adapter(folder)
            drop(folder, snapshot_name(HERE, 202401, at(0)), [*(row(one) for one in range(1, 6)), row(6, P401="77"), row(7, P301="9")])
            adapter.read()
            mended = Adapter(folder, memory=adapter.connection, tenure=99)
            found.append((said(mended.again(at(0))), _in_order(mended.again(at(0))), mended.causes))

    assert found[0] == found[1]
    assert found[1][0] == [("UPSERT", 1, 0)] * 6
