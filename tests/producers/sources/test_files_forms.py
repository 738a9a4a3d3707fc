"""One folder with files of several forms and names: a correction counts whatever form it has, and a file still being written waits."""

import os
import tempfile
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from deploy.certify.stand_ins.workbooks import Sheet, write_workbook
from producers.declaration import FilesSource
from producers.faults import SourceAway
from producers.sources.files import FilesReader
from producers.sources.showings import make_tables
from schemas.events import Operation
from tests.producers.samples import drop, mapper, row, sddd, snapshot_name
from tests.producers.sources.folder import EXPORTED, HERE, MONTHS, THERE, Adapter, Snapshot, at, said
from tests.producers.sources.register import MERGED, as_text, desa, name_of, register, table
from tests.producers.sources.test_files import residences, truth


def _drop(folder: Path, one: Snapshot, form: str) -> None:
    """Drop a snapshot in a form; what is spent depends on the file, so that the newest can be told."""
    spent = 1_000_000 + one.exported.minute * 60 + one.exported.second
    lines = table([register(serial, belanja=spent) for serial in sorted(one.households)])
    name = name_of(one.village, one.period, one.exported, form.removeprefix("tab."))
    if form == "xlsx":
        write_workbook(folder / name, Sheet("Data KK", lines, MERGED))
        return
    text = as_text(lines, "\t" if form == "tab.csv" else ";").encode("utf-16" if form == "tab.csv" else "utf-8")
    (folder / f"{name}.part").write_bytes(text)
    (folder / f"{name}.part").replace(folder / name)


def _adapter(folder: Path) -> Adapter:
    """Return an adapter of the invented regency over a folder."""
    adapter = Adapter(folder)
    declared = desa(folder)
    assert isinstance(declared.source, FilesSource)
    adapter.reader = FilesReader(declared.source, mapper(declared), adapter.connection)
    return adapter


_FORMS = st.sampled_from(["xlsx", "csv", "tab.csv"])


@st.composite
def _worlds(draw: st.DrawFn) -> Sequence[tuple[Snapshot, str]]:
    """Return files of two villages and some months in some forms, corrections among them, in an order of arrival."""
    places = draw(st.lists(st.tuples(st.sampled_from([HERE, THERE]), st.sampled_from(MONTHS[:3])), min_size=1, max_size=7))
    times = draw(st.permutations(range(len(places))))
    members = st.frozensets(st.integers(1, 4), min_size=1)
    return [
        (Snapshot(village, period, EXPORTED + timedelta(seconds=second), draw(members)), draw(_FORMS))
        for (village, period), second in zip(places, times, strict=True)
    ]


@given(_worlds())
@settings(max_examples=60, deadline=None)
def test_the_form_of_a_file_does_not_show(world: Sequence[tuple[Snapshot, str]]) -> None:
    """In whatever forms and order files and their corrections come, each household lives where the newest of them say."""
    with tempfile.TemporaryDirectory() as name:
        adapter = _adapter(Path(name))
        for one, form in world:
            _drop(Path(name), one, form)
            adapter.read()

        assert residences(adapter.events) == truth(one for one, _ in world)
        assert adapter.causes == []


def test_a_correction_of_an_earlier_month_in_another_form(tmp_path: Path) -> None:
    """A workbook corrected as text a month later: who was not there is taken back, and said again for the later month; the rest stands."""
    adapter = _adapter(tmp_path)
    _drop(tmp_path, Snapshot(HERE, 202401, at(0), frozenset({1, 2})), "xlsx")
    _drop(tmp_path, Snapshot(HERE, 202402, at(1), frozenset({1, 2})), "xlsx")
    adapter.read()
    _drop(tmp_path, Snapshot(HERE, 202401, at(2), frozenset({1, 3})), "csv")

    assert said(adapter.read()) == [("END", 2, 2), ("RETRACT", 1, 2), ("UPSERT", 1, 2), ("UPSERT", 1, 2), ("UPSERT", 2, 2)]


@pytest.mark.parametrize("forms", [("csv", "xlsx"), ("xlsx", "csv")])
def test_of_two_files_exported_at_once_the_same_counts_in_either_order(tmp_path: Path, forms: tuple[str, str]) -> None:
    """Two names for one village, month and time: the later by name counts, whichever comes first."""
    adapter = _adapter(tmp_path)
    for form in forms:
        _drop(tmp_path, Snapshot(HERE, 202401, at(0), frozenset({1} if form == "csv" else {2})), form)
        adapter.read()
    (one,) = {household for household, _ in residences(adapter.events)}

    assert one == mapper(desa())._pseudonyms.family_card(register(2)[0])


def test_a_file_that_has_more_columns_goes_on_and_tells(tmp_path: Path) -> None:
    """Columns that are not declared are dropped, and told once for all files that have as many."""
    adapter = Adapter(tmp_path)
    columns = [*sddd().source.columns, "P999"]  # type: ignore[union-attr]  # of kind files
    for month, second in ((202401, 0), (202402, 1)):
        drop(tmp_path, snapshot_name(HERE, month, at(second)), [[*row(1), "x"]], columns)
    batch = adapter.reader.read(None)

    assert [one.cause for one in batch.aside] == ["has 1 columns that are not declared: they are dropped"]
    assert Counter(one.operation for one in adapter.read()) == {Operation.UPSERT: 2}
    assert len(set(adapter.causes)) == 1


# ---- files that are young --------------------------------------------------------------------------------------------------------


class _Clock:
    """A clock that a test sets."""

    def __init__(self) -> None:
        self.now = datetime.now(UTC)  # noqa: TID251 - files have times of this machine

    def __call__(self) -> datetime:
        return self.now

    def pass_s(self, seconds: float) -> None:
        """Let time pass."""
        self.now += timedelta(seconds=seconds)


def _patient(folder: Path, clock: _Clock) -> Adapter:
    adapter = Adapter(folder)
    source = sddd(folder).source.model_copy(update={"quiet_s": 60.0})
    make_tables(adapter.connection)
    adapter.reader = FilesReader(source, mapper(sddd(folder)), adapter.connection, clock)  # type: ignore[arg-type]  # of kind files
    return adapter


def test_a_file_that_is_still_being_written_waits(tmp_path: Path) -> None:
    """A file younger than the quiet time is not read, also when it looks whole; that is seen from outside; then it is read."""
    clock = _Clock()
    adapter = _patient(tmp_path, clock)
    file = Snapshot(HERE, 202401, at(0), frozenset({1})).drop(tmp_path)
    with pytest.raises(SourceAway, match="1 files changed in the last 60 s, they may be still being written"):
        adapter.reader.read(None)
    clock.pass_s(50)
    Snapshot(HERE, 202401, at(0), frozenset({1, 2})).drop(tmp_path)
    os.utime(file, (clock.now.timestamp(), clock.now.timestamp()))
    clock.pass_s(50)
    with pytest.raises(SourceAway):
        adapter.reader.read(None)
    clock.pass_s(11)

    assert said(adapter.read()) == [("UPSERT", 1, 0), ("UPSERT", 1, 0)]


@pytest.mark.parametrize("hours", [-30 * 24, 30 * 24])
def test_a_file_with_a_time_from_elsewhere_is_read_once_it_is_quiet(tmp_path: Path, hours: int) -> None:
    """A time long past spares the wait; one of a clock that is ahead tells nothing: the file is watched for the quiet time."""
    clock = _Clock()
    adapter = _patient(tmp_path, clock)
    file = Snapshot(HERE, 202401, at(0), frozenset({1})).drop(tmp_path)
    when = (clock.now + timedelta(hours=hours)).timestamp()
    os.utime(file, (when, when))
    if hours > 0:
        with pytest.raises(SourceAway):
            adapter.reader.read(None)
        clock.pass_s(61)

    assert said(adapter.read()) == [("UPSERT", 1, 0)]


def test_a_young_file_does_not_keep_others_waiting(tmp_path: Path) -> None:
    """What is quiet is read while another file is still being written."""
    clock = _Clock()
    adapter = _patient(tmp_path, clock)
    old = Snapshot(HERE, 202401, at(0), frozenset({1})).drop(tmp_path)
    os.utime(old, (1, 1))
    Snapshot(HERE, 202402, at(1), frozenset({1})).drop(tmp_path)
    adapter.keep(adapter.reader.read(None))

    assert said(adapter.events) == [("UPSERT", 1, 0)]
    with pytest.raises(SourceAway):
        adapter.reader.read(None)
