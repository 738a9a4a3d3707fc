"""The quarantine: each record once, the newest last, bounded, without any content."""

from pathlib import Path

import pytest

from producers import quarantine
from producers.checkpoint import StateFile, status
from producers.faults import FileUnreadable, RecordUnreadable
from producers.quarantine import PutAside, forget_files, put_aside, quarantined, take_back
from tests.producers.events import NOW


def one(mark: bytes, place: str = "feed") -> PutAside:
    """Return a record put aside."""
    return PutAside.record(mark, place, RecordUnreadable(field="f", cause="is missing", value="nothing"))


def test_a_record_is_there_once(tmp_path: Path) -> None:
    """However often a record is read, it is in quarantine once, and counted once."""
    path = tmp_path / "s.sqlite"
    with StateFile(path, "carik") as state:
        for items in ([one(b"a"), one(b"b")], [one(b"a")], []):
            with state.transaction():
                put_aside(state, items, NOW)

    assert quarantined(path) == [one(b"b"), one(b"a")]
    found = status(path)
    assert found is not None
    assert found.quarantined == 2


def test_a_file_that_is_read_again_is_taken_back(tmp_path: Path) -> None:
    """What was put aside of a file, and the file itself, are forgotten when it is read again."""
    path = tmp_path / "s.sqlite"
    with StateFile(path, "carik") as state, state.transaction():
        put_aside(state, [one(b"a", "x.csv"), PutAside.file(FileUnreadable(file="x.csv", cause="is empty")), one(b"b", "y.csv")], NOW)
        take_back(state, "x.csv")

    assert quarantined(path) == [one(b"b", "y.csv")]
    found = status(path)
    assert found is not None
    assert found.quarantined == 1


def test_whole_files_are_forgotten_by_their_cause(tmp_path: Path) -> None:
    """Files put aside for one of some causes go and are counted no more; other files stay, and records whatever their cause."""
    path = tmp_path / "s.sqlite"
    wrong = {"x": "is odd", "y": "is late", "z": "is empty"}
    files = [PutAside.file(FileUnreadable(file=name, cause=cause)) for name, cause in wrong.items()]
    record = PutAside.record(b"r", "feed", RecordUnreadable(field="f", cause="is odd", value="nothing"))
    with StateFile(path, "carik") as state, state.transaction():
        put_aside(state, [*files, record], NOW)
        forget_files(state, ("is odd", "is late"))

    assert quarantined(path) == [files[2], record]
    found = status(path)
    assert found is not None
    assert found.quarantined == 2


def test_ends_that_are_withheld_are_summed_up(tmp_path: Path) -> None:
    """How many ENDs wait for a row to be corrected stands in the status, and in its phrase, until the file is read again."""
    path = tmp_path / "s.sqlite"
    with StateFile(path, "sddd") as state:
        with state.transaction():
            put_aside(state, [PutAside.withheld("x.csv", 3, 1), PutAside.withheld("y.csv", 40, 2), one(b"a")], NOW)
            put_aside(state, [PutAside.file(FileUnreadable(file="x.csv", cause="is no longer there"))], NOW)
        found = status(path)
        with state.transaction():
            take_back(state, "x.csv")
            take_back(state, "y.csv")
        mended = status(path)

    assert found is not None
    assert (found.withheld, found.state) == (43, "starting; 43 ENDs withheld: correct the rows in quarantine")
    assert mended is not None
    assert (mended.withheld, mended.state) == (0, "starting")


def test_it_does_not_grow_without_bound(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Beyond the bound the oldest give way."""
    monkeypatch.setattr(quarantine, "_MOST", 3)
    with StateFile(tmp_path / "s.sqlite", "carik") as state:
        for number in range(5):
            with state.transaction():
                put_aside(state, [one(bytes([number]))], NOW)

    assert [item.mark for item in quarantined(tmp_path / "s.sqlite")] == [b"\2", b"\3", b"\4"]
