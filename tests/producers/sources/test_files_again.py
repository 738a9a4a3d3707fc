"""Reading a folder of snapshots again for a resend: what counts is said under its revisions, and what that changes is remembered."""

import os
from pathlib import Path

from schemas.events import Operation
from tests.producers.samples import card, drop, row, snapshot_name
from tests.producers.sources.folder import HERE, THERE, YONDER, Adapter, Snapshot, at, said


def test_reading_again_says_it_under_the_same_revisions(tmp_path: Path) -> None:
    """What counts is read again from a time on, each household under the revision that was said, raised ones included."""
    adapter = Adapter(tmp_path)
    for one in (
        Snapshot(HERE, 202401, at(0), frozenset({1, 2})),
        Snapshot(HERE, 202402, at(9), frozenset({2})),
        Snapshot(THERE, 202402, at(3), frozenset({1})),
    ):
        one.drop(tmp_path)
    last = {(one.household, one.valid_from): one.revision for one in adapter.read() if one.operation is Operation.UPSERT}

    again = adapter.again(at(1))
    assert {(one.household, one.valid_from): one.revision for one in again} == {key: at for key, at in last.items() if key[1].month == 2}
    assert len(again) == 2


def test_what_is_said_for_the_first_time_when_read_again_is_remembered(tmp_path: Path) -> None:
    """A row that a mended mapping can read is said by a resend; where a later export is without it, that is taken back."""
    adapter = Adapter(tmp_path)
    drop(tmp_path, snapshot_name(HERE, 202401, at(0)), [row(1), row(2, P401="77")])
    assert said(adapter.read()) == [("UPSERT", 1, 0)]
    mended = Adapter(tmp_path, memory=adapter.connection, tenure=99)
    assert said(mended.again(at(0))) == [("UPSERT", 1, 0), ("UPSERT", 1, 0)]
    assert said(mended.again(at(0))) == [("UPSERT", 1, 0), ("UPSERT", 1, 0)]

    Snapshot(HERE, 202401, at(1), frozenset({1})).drop(tmp_path)
    assert said(mended.read()) == [("RETRACT", 1, 1), ("UPSERT", 1, 1)]


def test_only_what_counts_is_read_again(tmp_path: Path) -> None:
    """A file that is no longer as it was when it was read says nothing again: told, if it is not known to be refused anyway."""
    adapter = Adapter(tmp_path, greatest_loss=0.2)
    first = Snapshot(HERE, 202401, at(0), frozenset({1, 2})).drop(tmp_path)
    Snapshot(THERE, 202401, at(1), frozenset({3, 4})).drop(tmp_path)
    Snapshot(YONDER, 202401, at(2), frozenset({5, 6})).drop(tmp_path)
    adapter.read()
    Snapshot(THERE, 202401, at(1), frozenset({3})).drop(tmp_path)
    adapter.read()
    first.unlink()
    Snapshot(YONDER, 202401, at(2), frozenset({5})).drop(tmp_path)
    adapter.causes.clear()

    assert adapter.again(at(0)) == []
    assert adapter.causes == ["is no longer there", "is not as it was when it was read"]


def test_what_is_withheld_stays_told_when_read_again(tmp_path: Path) -> None:
    """A resend says no END; where a mended mapping can read all rows, what to do is told, and dropping the snapshot again says it."""
    adapter = Adapter(tmp_path)
    Snapshot(HERE, 202401, at(0), frozenset({1, 2})).drop(tmp_path)
    file = drop(tmp_path, snapshot_name(HERE, 202402, at(1)), [row(1, P302=card(1)), row(3, P301="99010", P302=card(3))])
    adapter.read()
    adapter.causes.clear()
    adapter.again(at(0))
    assert adapter.causes[1] == "END is withheld from 1 households: 1 rows of this snapshot cannot be read and may be theirs"

    mended = Adapter(tmp_path, memory=adapter.connection, household="P302")
    mended.again(at(0))
    assert mended.causes[-1] == "END is withheld from 1 households: its rows can be read now, drop it again"
    os.utime(file)
    assert ("END", 2, 0) in said(mended.read())
