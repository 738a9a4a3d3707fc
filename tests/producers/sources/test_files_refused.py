"""Snapshots that are put aside whole: with which cause, what goes on counting meanwhile, and when they are judged again."""

import os
import re
import sqlite3
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from schemas.events import Operation
from tests.producers.samples import drop, row, snapshot_name
from tests.producers.sources.folder import HERE, THERE, Adapter, Snapshot, at, said


def test_a_snapshot_that_would_end_too_many_is_put_aside_whole(tmp_path: Path) -> None:
    """More than a fifth of a village missing: nothing of the file counts, and the cause says how many; a fifth is let through."""
    adapter = Adapter(tmp_path, greatest_loss=0.2)
    Snapshot(HERE, 202401, at(0), frozenset(range(1, 11))).drop(tmp_path)
    adapter.read()
    Snapshot(HERE, 202402, at(1), frozenset(range(4, 12))).drop(tmp_path)

    assert adapter.read() == []
    assert adapter.causes == ["would end 3 of the 10 households of its village: ask the village, or raise greatest_loss"]

    Snapshot(HERE, 202402, at(2), frozenset(range(3, 11))).drop(tmp_path)
    assert [one.operation for one in adapter.read()].count(Operation.END) == 2


def test_a_loss_that_others_explain_is_none(tmp_path: Path) -> None:
    """A snapshot put aside for its loss is read once the next village shows where they all went; and after a restart."""
    adapter = Adapter(tmp_path, greatest_loss=0.2)
    Snapshot(HERE, 202401, at(0), frozenset({1, 2, 3, 4})).drop(tmp_path)
    Snapshot(HERE, 202402, at(1), frozenset({1, 2})).drop(tmp_path)
    adapter.read()
    assert len(adapter.causes) == 1

    Snapshot(THERE, 202402, at(2), frozenset({3, 4})).drop(tmp_path)
    assert said(adapter.read()) == [("UPSERT", 2, 1), ("UPSERT", 2, 1), ("UPSERT", 2, 2), ("UPSERT", 2, 2)]


def test_a_raised_limit_is_heeded_after_a_restart(tmp_path: Path) -> None:
    """What was put aside is judged anew when the adapter starts again with a mended region file."""
    adapter = Adapter(tmp_path, greatest_loss=0.2)
    Snapshot(HERE, 202401, at(0), frozenset({1, 2})).drop(tmp_path)
    Snapshot(HERE, 202402, at(1), frozenset({1})).drop(tmp_path)
    adapter.read()
    restarted = Adapter(tmp_path, greatest_loss=0.5, memory=adapter.connection)

    assert said(restarted.read()) == [("END", 2, 0), ("UPSERT", 2, 1)]


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
    Snapshot(HERE, 202401, at(0), frozenset({1, 2})).drop(tmp_path)
    adapter.read()
    file = Snapshot(HERE, 202402, at(1), frozenset({1, 2})).drop(tmp_path)
    whole = file.read_text(encoding="utf-8")
    file.write_text(spoil(whole), encoding="utf-8")

    assert adapter.read() == []
    assert adapter.read() == []
    assert adapter.causes == [cause], "judged once as long as it does not change"
    file.write_text(whole, encoding="utf-8")
    assert said(adapter.read()) == [("UPSERT", 2, 1), ("UPSERT", 2, 1)]


def test_a_counted_file_that_is_spoilt_later_goes_on_counting(tmp_path: Path) -> None:
    """What a snapshot said stays said when its file is damaged afterwards."""
    adapter = Adapter(tmp_path)
    file = Snapshot(HERE, 202401, at(0), frozenset({1, 2})).drop(tmp_path)
    adapter.read()
    file.write_text("garbage", encoding="utf-8")

    assert adapter.read() == []
    assert adapter.causes == ["ends in the middle of a line"]
    Snapshot(HERE, 202402, at(1), frozenset({1})).drop(tmp_path)
    assert said(adapter.read()) == [("END", 2, 0), ("UPSERT", 2, 1)]


def test_a_counted_file_that_is_refused_later_is_judged_again(tmp_path: Path) -> None:
    """A file that counts and changes in place, then with a loss: it is judged again when others explain the loss, and after a restart."""
    adapter = Adapter(tmp_path, greatest_loss=0.2)
    Snapshot(HERE, 202401, at(0), frozenset(range(1, 11))).drop(tmp_path)
    adapter.read()
    Snapshot(HERE, 202401, at(0), frozenset(range(1, 8))).drop(tmp_path)
    assert adapter.read() == []
    assert adapter.read() == []
    assert adapter.causes == ["would end 3 of the 10 households of its village: ask the village, or raise greatest_loss"]

    memory = sqlite3.connect(":memory:", isolation_level=None)
    adapter.connection.backup(memory)
    restarted = Adapter(tmp_path, greatest_loss=0.5, memory=memory)
    assert Counter(one.operation for one in restarted.read()) == {Operation.UPSERT: 7, Operation.RETRACT: 3}

    Snapshot(THERE, 202401, at(1), frozenset({8, 9, 10})).drop(tmp_path)
    assert Counter(one.operation for one in adapter.read()) == {Operation.UPSERT: 13}
    assert len(adapter.causes) == 1


def test_a_counted_file_that_is_spoilt_is_judged_again_after_a_restart(tmp_path: Path) -> None:
    """What was put aside is forgotten at a restart for files that count as they were before, too."""
    adapter = Adapter(tmp_path)
    file = Snapshot(HERE, 202401, at(0), frozenset({1, 2})).drop(tmp_path)
    adapter.read()
    file.write_text("garbage", encoding="utf-8")
    adapter.read()
    restarted = Adapter(tmp_path, memory=adapter.connection)

    assert restarted.read() == []
    assert restarted.causes == ["ends in the middle of a line"]


def test_other_files_are_left_alone_or_told(tmp_path: Path) -> None:
    """What is still being written, or is no CSV, is not touched; a CSV of another name or regency is put aside."""
    adapter = Adapter(tmp_path)
    (tmp_path / "sddd_51.01.01.2001_202403_20240402T101500000000Z.csv.part").touch()
    (tmp_path / "notes.txt").touch()
    (tmp_path / "folder.csv").mkdir()
    (tmp_path / "export.csv").touch()
    drop(tmp_path, snapshot_name("31.74.01.1001", 202403, at(0)), [row(1)])

    assert adapter.read() == []
    assert sorted(adapter.causes) == [
        "has a name of another form than file_name says",
        "is of a village in no regency of the region file",
    ]


@pytest.mark.parametrize("village", ["51.01.01.201", "51.01.01.20011", "5101012001", "51.01.012001"])
def test_a_misspelt_village_in_a_name_is_told(tmp_path: Path, village: str) -> None:
    """A file named for no village is put aside whole: its rows would hide the end of their households, as the newest that shows them."""
    adapter = Adapter(tmp_path)
    Snapshot(HERE, 202401, at(0), frozenset({1, 2})).drop(tmp_path)
    Snapshot(HERE, 202402, at(1), frozenset({1})).drop(tmp_path)
    Snapshot(village, 202402, at(2), frozenset({1, 2})).drop(tmp_path)

    assert ("END", 2, 0) in said(adapter.read())
    assert adapter.causes == ["has no village's code such as 51.01.01.2001 in its name"]


def test_rows_of_another_village_than_the_name_says_are_told(tmp_path: Path) -> None:
    """Where rows name their village themselves, a file named for another one is put aside whole."""
    adapter = Adapter(tmp_path, village="P411")
    drop(tmp_path, snapshot_name(HERE, 202401, at(0)), [row(1, P411=HERE), row(2, P411=HERE)])
    drop(tmp_path, snapshot_name(THERE, 202402, at(1)), [row(1, P411=THERE), row(2, P411=HERE)])

    assert said(adapter.read()) == [("UPSERT", 1, 0), ("UPSERT", 1, 0)]
    assert adapter.causes == ["shows households of another village than its name says"]


def test_a_name_that_is_no_text_is_told(tmp_path: Path) -> None:
    """A file whose name is written in another encoding is put aside once, under what can be kept."""
    adapter = Adapter(tmp_path)
    (tmp_path / os.fsdecode(b"d\xe9sa.csv")).touch()
    batch = adapter.reader.read(None)
    adapter.keep(batch)

    assert adapter.read() == []
    (one,) = batch.aside
    assert one.cause == "has a name of another form than file_name says"
    assert re.fullmatch(r"a\\aa9aa\.aaa #[0-9a-f]{12}", one.place)


_NUMBER, _NAME = "9901010101200001", "WARGA 000001"


@pytest.mark.parametrize(
    ("name", "cause"),
    [
        (f"kk_{_NUMBER}_{_NAME}.csv", "has a name of another form than file_name says"),
        (snapshot_name(_NUMBER, 202401, at(0)), "has no village's code such as 51.01.01.2001 in its name"),
        (snapshot_name(HERE, 202401, at(0)).replace("_202401_", "_202499_"), "has a period or time in its name that does not exist"),
        (f"{_NAME} {snapshot_name(HERE, 202401, at(0))}", "has a name of another form than file_name says"),
    ],
)
def test_a_name_of_another_form_is_kept_and_told_nowhere(tmp_path: Path, name: str, cause: str) -> None:
    """People name files for cards and families: of such a name its shape and a keyed mark reach position, quarantine and memory."""
    adapter = Adapter(tmp_path)
    (tmp_path / name).write_text("x\n")
    batch = adapter.reader.read(None)
    adapter.keep(batch)

    (one,) = batch.aside
    assert (one.cause, one.field, one.value) == (cause, "", "")
    assert batch.position == one.place == batch.mended == one.mark.decode()
    held = "\n".join(adapter.connection.iterdump()) + f"{one!r}{batch.position}"
    for secret in (_NUMBER, _NAME, name):
        assert secret not in held
    assert re.fullmatch(r"[^0-8b-zA-Z#]+ #[0-9a-f]{12}", one.place)


def test_two_names_of_one_shape_are_two_files(tmp_path: Path) -> None:
    """Each is put aside once, is read again when it changes, and is gone from what waits when it is taken away."""
    adapter = Adapter(tmp_path)
    for name in ("WARGA 000001.csv", "WARGA 000002.csv"):
        (tmp_path / name).write_text("x\n")
    places = []
    while not (batch := adapter.reader.read(None)).caught_up:
        places += [one.place for one in batch.aside]
        adapter.keep(batch)
    assert len(places) == len(set(places)) == 2
    assert adapter.read() == []
    (tmp_path / "WARGA 000002.csv").write_text("changed\n")
    again = adapter.reader.read(None)
    adapter.keep(again)

    assert [one.place for one in again.aside] == [one for one in places if one == again.position]
    assert adapter.read() == []
    assert len(adapter.causes) == 3


@pytest.mark.parametrize(("last", "refused"), [(200, True), (190, False), (201, False)])
def test_cards_that_all_lost_their_last_digit_are_refused(tmp_path: Path, last: int, refused: bool) -> None:
    """Text saved from a spreadsheet that held the cards as numbers has them all end in 0: twenty such and no other are no chance."""
    adapter = Adapter(tmp_path)
    Snapshot(HERE, 202401, at(0), frozenset({*range(10, last, 10), last})).drop(tmp_path)

    assert (adapter.read() == []) == refused
    assert [cause.partition(", each")[0] for cause in adapter.causes] == ["has only family cards that end in 0"] * refused
