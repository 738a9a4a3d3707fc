"""Reading a folder of snapshots: whatever the order, repetition or loss of memory, the same households live in the same months."""

import os
import sqlite3
import tempfile
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from processors.law import Statement, kept, visible
from producers.declaration import Declaration, Value
from producers.faults import SourceAway
from producers.sources import Batch
from producers.sources.files import FilesReader
from producers.sources.showings import forget_refusals
from schemas.events import HouseholdChanged, Operation
from tests.producers.samples import card, drop, mapper, row, sddd, snapshot_name

HERE, THERE, YONDER = "51.01.01.2001", "51.01.01.2002", "51.01.02.2001"
VILLAGES = (HERE, THERE, YONDER)
MONTHS = (202401, 202402, 202403, 202404)
EXPORTED = datetime(2024, 4, 2, 10, 15, tzinfo=UTC)


@dataclass(frozen=True)
class Snapshot:
    """One file of a test: who is in it, by serial."""

    village: str
    period: int
    exported: datetime
    households: frozenset[int]

    @property
    def name(self) -> str:
        """The file's name."""
        return snapshot_name(self.village, self.period, self.exported)

    def drop(self, folder: Path) -> Path:
        """Drop it into a folder; what the rows say depends on the file, so that the newest can be told."""
        spent = str(1_000_000 + self.exported.minute * 60 + self.exported.second)
        return drop(folder, self.name, [row(one, P350=spent) for one in sorted(self.households)])


class Adapter:
    """A files source with its memory, read as the runner reads it, all batches kept."""

    def __init__(
        self,
        folder: Path,
        greatest_loss: float = 1.0,
        memory: sqlite3.Connection | None = None,
        tenure: int = 5,
        **paths: str,
    ) -> None:
        """Remember what the memory given does, or nothing yet; the region file is the product's but for what is given."""
        declared = _with(sddd(folder), tenure, paths)
        source = declared.source.model_copy(update={"greatest_loss": greatest_loss})
        self.connection = memory or sqlite3.connect(":memory:", isolation_level=None)
        forget_refusals(self.connection)
        self.reader = FilesReader(source, mapper(declared), self.connection)  # type: ignore[arg-type]  # of kind files
        self.events: list[HouseholdChanged] = []
        self.causes: list[str] = []

    def read(self) -> list[HouseholdChanged]:
        """Read until nothing more is there; return the events."""
        begin = len(self.events)
        while not (batch := self.reader.read(None)).caught_up:
            self.keep(batch)
        return self.events[begin:]

    def again(self, since: datetime) -> list[HouseholdChanged]:
        """Read again from a time on; return the events."""
        begin, position = len(self.events), None
        while not (batch := self.reader.again(since, position)).caught_up:
            position = batch.position
            self.keep(batch)
        return self.events[begin:]

    def keep(self, batch: Batch) -> None:
        """Keep a batch as the runner does."""
        if batch.keep is not None:
            batch.keep(self.connection)
        if batch.kept is not None:
            batch.kept()
        self.events += batch.events
        self.causes += [f"{one.field} {one.cause}".strip() for one in batch.aside]


def _with(declared: Declaration, tenure: int, paths: Mapping[str, str]) -> Declaration:
    """Return a declaration that knows codes of tenure up to one, and reads some fields from other places."""
    read = {"tenure": Value.model_validate({"path": "P401", "range": (1, tenure)})}
    dwelling = declared.mapping.dwelling.model_copy(update=read)  # type: ignore[union-attr]  # it is there
    others = {field: Value.model_validate({"path": path}) for field, path in paths.items()}
    return declared.model_copy(update={"mapping": declared.mapping.model_copy(update={"dwelling": dwelling, **others})})


def statements(events: Iterable[HouseholdChanged]) -> dict[bytes, list[Statement]]:
    """Return each household's statements that stand, as the office keeps them."""
    said: dict[bytes, list[Statement]] = {}
    for event in events:
        village = event.residence.village if event.residence else None
        spent = event.welfare.expenditure if event.welfare else None
        said.setdefault(event.household, []).append(
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
    return {household: kept(one) for household, one in said.items()}


def residences(events: Iterable[HouseholdChanged]) -> dict[tuple[bytes, int], tuple[str, int | None]]:
    """Return where each household lives in each month by the law, and the expenditure said for that month (None: carried on)."""
    found = {}
    for household, said in statements(events).items():
        for month in MONTHS:
            day = date(month // 100, month % 100, 1)
            alive = None
            for one in visible(said):
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
def _worlds(draw: st.DrawFn) -> tuple[Sequence[Snapshot], Sequence[Snapshot]]:
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


@given(_worlds(), st.integers(1, 3))
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


def _at(second: int) -> datetime:
    return EXPORTED + timedelta(seconds=second)


def _said(events: Iterable[HouseholdChanged]) -> list[tuple[str, int, int]]:
    """Return operation, month and seconds after the first export of each event's revision, in order."""
    begin = int(EXPORTED.timestamp() * 1_000_000)
    return sorted((one.operation.value, one.valid_from.month, (one.revision - begin) // 1_000_000) for one in events)


def test_who_is_missing_has_ended(tmp_path: Path) -> None:
    """A household that the next snapshot misses is ended on the first of that month, under that snapshot's time."""
    adapter = Adapter(tmp_path)
    Snapshot(HERE, 202401, _at(0), frozenset({1, 2})).drop(tmp_path)
    assert _said(adapter.read()) == [("UPSERT", 1, 0), ("UPSERT", 1, 0)]

    Snapshot(HERE, 202402, _at(1), frozenset({1})).drop(tmp_path)
    events = adapter.read()
    assert _said(events) == [("END", 2, 1), ("UPSERT", 2, 1)]
    (ended,) = [one for one in events if one.operation is Operation.END]
    assert ended.household == mapper(sddd())._pseudonyms.family_card(card(2))
    assert (ended.region, ended.source, ended.valid_from, ended.recorded_at) == ("51.01", "sddd", date(2024, 2, 1), _at(1))
    assert (ended.residence, ended.composition, ended.welfare, ended.dwelling) == (None, None, None, None)


def test_a_snapshot_that_would_end_too_many_is_put_aside_whole(tmp_path: Path) -> None:
    """More than a fifth of a village missing: nothing of the file counts, and the cause says how many; a fifth is let through."""
    adapter = Adapter(tmp_path, greatest_loss=0.2)
    Snapshot(HERE, 202401, _at(0), frozenset(range(1, 11))).drop(tmp_path)
    adapter.read()
    Snapshot(HERE, 202402, _at(1), frozenset(range(4, 12))).drop(tmp_path)

    assert adapter.read() == []
    assert adapter.causes == ["would end 3 of the 10 households of its village: ask the village, or raise greatest_loss"]

    Snapshot(HERE, 202402, _at(2), frozenset(range(3, 11))).drop(tmp_path)
    assert [one.operation for one in adapter.read()].count(Operation.END) == 2


def test_a_loss_that_others_explain_is_none(tmp_path: Path) -> None:
    """A snapshot put aside for its loss is read once the next village shows where they all went; and after a restart."""
    adapter = Adapter(tmp_path, greatest_loss=0.2)
    Snapshot(HERE, 202401, _at(0), frozenset({1, 2, 3, 4})).drop(tmp_path)
    Snapshot(HERE, 202402, _at(1), frozenset({1, 2})).drop(tmp_path)
    adapter.read()
    assert len(adapter.causes) == 1

    Snapshot(THERE, 202402, _at(2), frozenset({3, 4})).drop(tmp_path)
    assert _said(adapter.read()) == [("UPSERT", 2, 1), ("UPSERT", 2, 1), ("UPSERT", 2, 2), ("UPSERT", 2, 2)]


def test_a_raised_limit_is_heeded_after_a_restart(tmp_path: Path) -> None:
    """What was put aside is judged anew when the adapter starts again with a mended region file."""
    adapter = Adapter(tmp_path, greatest_loss=0.2)
    Snapshot(HERE, 202401, _at(0), frozenset({1, 2})).drop(tmp_path)
    Snapshot(HERE, 202402, _at(1), frozenset({1})).drop(tmp_path)
    adapter.read()
    restarted = Adapter(tmp_path, greatest_loss=0.5, memory=adapter.connection)

    assert _said(restarted.read()) == [("END", 2, 1), ("UPSERT", 2, 1)]


@pytest.mark.parametrize(
    ("spoil", "cause"),
    [
        (lambda text: text[:-5], "ends in the middle of a line"),
        (lambda text: text.replace("P303", "ANGGOTA", 1), "has another header: P303 missing, 1 not declared"),
        (lambda text: "\0" + text, "holds bytes that are no text"),
        (lambda text: text.splitlines()[0] + "\n", "holds no household"),
    ],
)
def test_a_spoilt_file_is_put_aside_whole_and_read_when_it_is_whole(tmp_path: Path, spoil: Callable[[str], str], cause: str) -> None:
    """Half-written, changed or garbage: nothing of it counts and nobody ends; as soon as it is whole it is read."""
    adapter = Adapter(tmp_path)
    Snapshot(HERE, 202401, _at(0), frozenset({1, 2})).drop(tmp_path)
    adapter.read()
    file = Snapshot(HERE, 202402, _at(1), frozenset({1, 2})).drop(tmp_path)
    whole = file.read_text(encoding="utf-8")
    file.write_text(spoil(whole), encoding="utf-8")

    assert adapter.read() == []
    assert adapter.read() == []
    assert adapter.causes == [cause], "judged once as long as it does not change"
    file.write_text(whole, encoding="utf-8")
    assert _said(adapter.read()) == [("UPSERT", 2, 1), ("UPSERT", 2, 1)]


def test_a_counted_file_that_is_spoilt_later_goes_on_counting(tmp_path: Path) -> None:
    """What a snapshot said stays said when its file is damaged afterwards."""
    adapter = Adapter(tmp_path)
    file = Snapshot(HERE, 202401, _at(0), frozenset({1, 2})).drop(tmp_path)
    adapter.read()
    file.write_text("garbage", encoding="utf-8")

    assert adapter.read() == []
    assert adapter.causes == ["ends in the middle of a line"]
    Snapshot(HERE, 202402, _at(1), frozenset({1})).drop(tmp_path)
    assert _said(adapter.read()) == [("END", 2, 1), ("UPSERT", 2, 1)]


def test_a_file_that_changes_under_its_name_is_read_again(tmp_path: Path) -> None:
    """A file that looked whole and grew later is read again; what it said before is said under a greater revision."""
    adapter = Adapter(tmp_path)
    Snapshot(HERE, 202401, _at(0), frozenset({1})).drop(tmp_path)
    first = adapter.read()
    Snapshot(HERE, 202401, _at(0), frozenset({1, 2})).drop(tmp_path)
    again = adapter.read()

    assert sorted(one.revision - first[0].revision for one in again) == [0, 1]


def test_a_counted_file_that_is_refused_later_is_judged_again(tmp_path: Path) -> None:
    """A file that counts and changes in place, then with a loss: it is judged again when others explain the loss, and after a restart."""
    adapter = Adapter(tmp_path, greatest_loss=0.2)
    Snapshot(HERE, 202401, _at(0), frozenset(range(1, 11))).drop(tmp_path)
    adapter.read()
    Snapshot(HERE, 202401, _at(0), frozenset(range(1, 8))).drop(tmp_path)
    assert adapter.read() == []
    assert adapter.read() == []
    assert adapter.causes == ["would end 3 of the 10 households of its village: ask the village, or raise greatest_loss"]

    memory = sqlite3.connect(":memory:", isolation_level=None)
    adapter.connection.backup(memory)
    restarted = Adapter(tmp_path, greatest_loss=0.5, memory=memory)
    assert Counter(one.operation for one in restarted.read()) == {Operation.UPSERT: 7, Operation.RETRACT: 3}

    Snapshot(THERE, 202401, _at(1), frozenset({8, 9, 10})).drop(tmp_path)
    assert Counter(one.operation for one in adapter.read()) == {Operation.UPSERT: 10}
    assert len(adapter.causes) == 1


def test_a_counted_file_that_is_spoilt_is_judged_again_after_a_restart(tmp_path: Path) -> None:
    """What was put aside is forgotten at a restart for files that count as they were before, too."""
    adapter = Adapter(tmp_path)
    file = Snapshot(HERE, 202401, _at(0), frozenset({1, 2})).drop(tmp_path)
    adapter.read()
    file.write_text("garbage", encoding="utf-8")
    adapter.read()
    restarted = Adapter(tmp_path, memory=adapter.connection)

    assert restarted.read() == []
    assert restarted.causes == ["ends in the middle of a line"]


def test_a_row_without_a_readable_card_ends_nobody(tmp_path: Path) -> None:
    """Where one row may be anyone, nobody is ended by that snapshot; the next whole one does it."""
    adapter = Adapter(tmp_path)
    Snapshot(HERE, 202401, _at(0), frozenset({1, 2})).drop(tmp_path)
    drop(tmp_path, snapshot_name(HERE, 202402, _at(1)), [row(1), row(2, P301="99010"), row(1)])

    assert _said(adapter.read()) == [("UPSERT", 1, 0), ("UPSERT", 1, 0), ("UPSERT", 2, 1)]
    assert adapter.causes == [
        "household is not 16 digits",
        "household stands twice in one snapshot; the first counts",
        "END is withheld from 1 households: 1 rows of this snapshot cannot be read and may be theirs",
    ]
    Snapshot(HERE, 202403, _at(2), frozenset({1})).drop(tmp_path)
    assert _said(adapter.read()) == [("END", 3, 2), ("UPSERT", 3, 2)]


def test_only_what_is_withheld_is_told(tmp_path: Path) -> None:
    """A row without a readable card, where nobody is missing, withholds nothing."""
    adapter = Adapter(tmp_path)
    Snapshot(HERE, 202401, _at(0), frozenset({1, 2})).drop(tmp_path)
    drop(tmp_path, snapshot_name(HERE, 202402, _at(1)), [row(1), row(2), row(3, P301="99010")])
    adapter.read()

    assert adapter.causes == ["household is not 16 digits"]


def test_a_row_that_cannot_be_mapped_is_there_all_the_same(tmp_path: Path) -> None:
    """A household with an unknown code has not ended; its row is in quarantine."""
    adapter = Adapter(tmp_path)
    Snapshot(HERE, 202401, _at(0), frozenset({1, 2})).drop(tmp_path)
    drop(tmp_path, snapshot_name(HERE, 202402, _at(1)), [row(1), row(2, P401="77")])

    assert _said(adapter.read()) == [("UPSERT", 1, 0), ("UPSERT", 1, 0), ("UPSERT", 2, 1)]
    assert adapter.causes == ["dwelling.tenure is not from 1 to 5"]


def test_an_older_export_counts_for_nothing(tmp_path: Path) -> None:
    """A snapshot exported before the one that counts for its village and month says nothing, however late it comes."""
    adapter = Adapter(tmp_path)
    Snapshot(HERE, 202401, _at(5), frozenset({1})).drop(tmp_path)
    adapter.read()
    Snapshot(HERE, 202401, _at(0), frozenset({1, 2})).drop(tmp_path)

    assert adapter.read() == []
    assert adapter.causes == []


def test_other_files_are_left_alone_or_told(tmp_path: Path) -> None:
    """What is still being written, or is no CSV, is not touched; a CSV of another name or regency is put aside."""
    adapter = Adapter(tmp_path)
    (tmp_path / "sddd_51.01.01.2001_202403_20240402T101500000000Z.csv.part").touch()
    (tmp_path / "notes.txt").touch()
    (tmp_path / "folder.csv").mkdir()
    (tmp_path / "export.csv").touch()
    drop(tmp_path, snapshot_name("31.74.01.1001", 202403, _at(0)), [row(1)])

    assert adapter.read() == []
    assert sorted(adapter.causes) == [
        "has a name of another form than file_name says",
        "is of a village in no regency of the region file",
    ]


@pytest.mark.parametrize("village", ["51.01.01.201", "51.01.01.20011", "5101012001", "51.01.012001"])
def test_a_misspelt_village_in_a_name_is_told(tmp_path: Path, village: str) -> None:
    """A file named for no village is put aside whole: its rows would hide the end of their households, as the newest that shows them."""
    adapter = Adapter(tmp_path)
    Snapshot(HERE, 202401, _at(0), frozenset({1, 2})).drop(tmp_path)
    Snapshot(HERE, 202402, _at(1), frozenset({1})).drop(tmp_path)
    Snapshot(village, 202402, _at(2), frozenset({1, 2})).drop(tmp_path)

    assert ("END", 2, 1) in _said(adapter.read())
    assert adapter.causes == ["has no village's code such as 51.01.01.2001 in its name"]


def test_rows_of_another_village_than_the_name_says_are_told(tmp_path: Path) -> None:
    """Where rows name their village themselves, a file named for another one is put aside whole."""
    adapter = Adapter(tmp_path, village="P411")
    drop(tmp_path, snapshot_name(HERE, 202401, _at(0)), [row(1, P411=HERE), row(2, P411=HERE)])
    drop(tmp_path, snapshot_name(THERE, 202402, _at(1)), [row(1, P411=THERE), row(2, P411=HERE)])

    assert _said(adapter.read()) == [("UPSERT", 1, 0), ("UPSERT", 1, 0)]
    assert adapter.causes == ["shows households of another village than its name says"]


def test_a_name_that_is_no_text_is_told(tmp_path: Path) -> None:
    """A file whose name is written in another encoding is put aside once, under a name that can be kept."""
    adapter = Adapter(tmp_path)
    (tmp_path / os.fsdecode(b"d\xe9sa.csv")).touch()
    batch = adapter.reader.read(None)
    adapter.keep(batch)

    assert adapter.read() == []
    assert [(one.place, one.cause) for one in batch.aside] == [(r"d\xe9sa.csv", "has a name of another form than file_name says")]


def test_a_folder_that_is_not_there_is_waited_for(tmp_path: Path) -> None:
    """A folder that is not mounted yet is no empty folder."""
    with pytest.raises(SourceAway, match="No such file or directory"):
        Adapter(tmp_path / "nowhere").reader.read(None)


def test_a_batch_that_was_not_kept_comes_again(tmp_path: Path) -> None:
    """Without its memory kept, a file is read again and says the same."""
    adapter = Adapter(tmp_path)
    Snapshot(HERE, 202401, _at(0), frozenset({1, 2})).drop(tmp_path)

    assert adapter.reader.read(None).events == adapter.reader.read(None).events != []


def test_what_is_needed_again_and_gone_is_told(tmp_path: Path) -> None:
    """Where a showing must be said again and its file is gone, that is in quarantine, and it is said once the file is back."""
    adapter = Adapter(tmp_path)
    Snapshot(HERE, 202401, _at(0), frozenset({1})).drop(tmp_path)
    file = Snapshot(HERE, 202403, _at(1), frozenset({1})).drop(tmp_path)
    adapter.read()
    content = file.read_bytes()
    file.unlink()
    Snapshot(HERE, 202402, _at(5), frozenset({2})).drop(tmp_path)
    Snapshot(HERE, 202402, _at(6), frozenset({2})).drop(tmp_path)
    assert ("END", 2, 5) in _said(adapter.read())
    assert any("is needed once more" in cause for cause in adapter.causes)

    file.write_bytes(content)
    Snapshot(HERE, 202404, _at(7), frozenset({1})).drop(tmp_path)
    adapter.read()
    household = mapper(sddd())._pseudonyms.family_card(card(1))
    assert [month for (one, month) in residences(adapter.events) if one == household] == [202401, 202403, 202404]


def test_reading_again_says_it_under_the_same_revisions(tmp_path: Path) -> None:
    """What counts is read again from a time on, each household under the revision that was said, raised ones included."""
    adapter = Adapter(tmp_path)
    for one in (
        Snapshot(HERE, 202401, _at(0), frozenset({1, 2})),
        Snapshot(HERE, 202402, _at(9), frozenset({2})),
        Snapshot(THERE, 202402, _at(3), frozenset({1})),
    ):
        one.drop(tmp_path)
    last = {(one.household, one.valid_from): one.revision for one in adapter.read() if one.operation is Operation.UPSERT}

    again = adapter.again(_at(1))
    assert {(one.household, one.valid_from): one.revision for one in again} == {key: at for key, at in last.items() if key[1].month == 2}
    assert len(again) == 2


def test_what_is_said_for_the_first_time_when_read_again_is_remembered(tmp_path: Path) -> None:
    """A row that a mended mapping can read is said by a resend; where a later export is without it, that is taken back."""
    adapter = Adapter(tmp_path)
    drop(tmp_path, snapshot_name(HERE, 202401, _at(0)), [row(1), row(2, P401="77")])
    assert _said(adapter.read()) == [("UPSERT", 1, 0)]
    mended = Adapter(tmp_path, memory=adapter.connection, tenure=99)
    assert _said(mended.again(_at(0))) == [("UPSERT", 1, 0), ("UPSERT", 1, 0)]
    assert _said(mended.again(_at(0))) == [("UPSERT", 1, 0), ("UPSERT", 1, 0)]

    Snapshot(HERE, 202401, _at(1), frozenset({1})).drop(tmp_path)
    assert _said(mended.read()) == [("RETRACT", 1, 1), ("UPSERT", 1, 1)]


def test_only_what_counts_is_read_again(tmp_path: Path) -> None:
    """A file that is no longer as it was when it was read says nothing again: told, if it is not known to be refused anyway."""
    adapter = Adapter(tmp_path, greatest_loss=0.2)
    first = Snapshot(HERE, 202401, _at(0), frozenset({1, 2})).drop(tmp_path)
    Snapshot(THERE, 202401, _at(1), frozenset({3, 4})).drop(tmp_path)
    Snapshot(YONDER, 202401, _at(2), frozenset({5, 6})).drop(tmp_path)
    adapter.read()
    Snapshot(THERE, 202401, _at(1), frozenset({3})).drop(tmp_path)
    adapter.read()
    first.unlink()
    Snapshot(YONDER, 202401, _at(2), frozenset({5})).drop(tmp_path)
    adapter.causes.clear()

    assert adapter.again(_at(0)) == []
    assert adapter.causes == ["is no longer there", "is not as it was when it was read"]


def test_what_is_withheld_stays_told_when_read_again(tmp_path: Path) -> None:
    """A resend says no END; where a mended mapping can read all rows, what to do is told, and dropping the snapshot again says it."""
    adapter = Adapter(tmp_path)
    Snapshot(HERE, 202401, _at(0), frozenset({1, 2})).drop(tmp_path)
    file = drop(tmp_path, snapshot_name(HERE, 202402, _at(1)), [row(1, P302=card(1)), row(3, P301="99010", P302=card(3))])
    adapter.read()
    adapter.causes.clear()
    adapter.again(_at(0))
    assert adapter.causes[1] == "END is withheld from 1 households: 1 rows of this snapshot cannot be read and may be theirs"

    mended = Adapter(tmp_path, memory=adapter.connection, household="P302")
    mended.again(_at(0))
    assert mended.causes[-1] == "END is withheld from 1 households: its rows can be read now, drop it again"
    os.utime(file)
    assert ("END", 2, 1) in _said(mended.read())
