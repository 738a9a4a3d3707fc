"""Drift on disk: kept with the batch it was noticed in, told once, and a freeze keeps nothing of a batch until a person accepts."""

import threading
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from producers.checkpoint import AdapterStatus, StateFile, status
from producers.declaration import DriftModes
from producers.drift_log import DriftKept, accept, drifted, looked_at
from producers.mapping import Mapper
from producers.reader import Reader
from producers.shape import LEARNT
from producers.sources import Batch, mapped
from tests.producers.events import NOW
from tests.producers.samples import carik, family, mapper, member
from tests.producers.test_drift import lying

ODD: dict[str, Any] = family(2, anggota=[member(1, jenis_kelamin="X")])


@pytest.fixture
def state(tmp_path: Path) -> Iterator[StateFile]:
    """An adapter's file."""
    with StateFile(tmp_path / "s.sqlite", "carik") as made:
        yield made


def mapper_with(**modes: Any) -> Mapper:
    """Return Carik's mapper with modes for drift."""
    return mapper(carik().model_copy(update={"drift": DriftModes.model_validate(modes)}))


def reader(state: StateFile, subject: Mapper, *pages: list[dict[str, Any]], own: StateFile | None = None) -> tuple[Reader, list[str]]:
    """Return a reader that is given page after page and stays at the last, and the positions that it asked from."""
    asked: list[str] = []

    def read(position: str | None) -> Batch:
        asked.append(position or "0")
        at = int(position or 0)
        if at >= len(pages):
            return Batch([], position, caught_up=True)
        events, aside = mapped(subject, [lying(one) for one in pages[at]], "feed")
        return Batch(events, str(at + 1), caught_up=False, aside=list(aside.values()))

    kept = DriftKept(subject, own or state)
    return Reader(read, state, {"31.74": 5}, lambda: NOW, threading.Event(), spool_bytes=1 << 30, poll_s=9.0, drift=kept), asked


def _status(state: StateFile) -> AdapterStatus:
    found = status(state.path)
    assert found is not None
    return found


def test_what_was_noticed_is_kept_with_its_batch(state: StateFile, caplog: pytest.LogCaptureFixture) -> None:
    """Field, kind, mode, times and count are there for anyone to read, and each is told once; no value of the source is."""
    subject, _ = reader(state, mapper_with(), [family(1), ODD], [ODD, ODD], [family(3)])
    for _ in range(4):
        subject.step()

    (one,) = drifted(state.path)
    assert (one.field, one.kind, one.mode, one.count, one.accepted) == ("members.sex", "new_code", "quarantine", 3, None)
    assert one.first_seen == one.last_seen == NOW
    assert [line.getMessage() for line in caplog.records if getattr(line, "action", "") == "drift"] == [
        "the source has changed: members.sex, new code"
    ]


def test_what_is_discarded_is_counted_and_not_told(state: StateFile, caplog: pytest.LogCaptureFixture) -> None:
    """Discard is evolve without a word."""
    subject, _ = reader(state, mapper_with(only={"members.sex": {"new_code": "discard"}}), [ODD])
    subject.step()

    assert [(one.mode, one.count) for one in drifted(state.path)] == [("discard", 1)]
    assert _status(state).spooled == 1
    assert not [line for line in caplog.records if getattr(line, "action", "") == "drift"]


def test_what_is_not_kept_is_not_counted(state: StateFile, monkeypatch: pytest.MonkeyPatch) -> None:
    """A batch that a fault keeps from the disk leaves no drift either, and counts once when it is read again."""
    subject, _ = reader(state, mapper_with(), [ODD])
    with monkeypatch.context() as patched:
        patched.setattr(state, "move", lambda *_, **__: 1 // 0)
        with pytest.raises(ZeroDivisionError):
            subject.step()
    assert drifted(state.path) == []
    subject.step()

    assert [one.count for one in drifted(state.path)] == [1]


def test_freeze_keeps_nothing_and_stays_where_it_is(state: StateFile) -> None:
    """Not even the good records before the odd one are kept; the state says what is to be done, and the source is left alone."""
    subject, asked = reader(state, mapper_with(only={"members.sex": {"new_code": "freeze"}}), [family(1)], [family(3), ODD])
    pauses = [subject.step() for _ in range(5)]

    assert _status(state).spooled == 1
    assert state.position() == "1"
    assert asked == ["0", "1"]
    assert min(pauses[1:]) > 0
    assert _status(state).state.startswith("frozen: the source has changed (members.sex: new_code)")
    assert "--accept members.sex" in _status(state).state
    assert [(one.field, one.mode, one.count) for one in drifted(state.path)] == [("members.sex", "freeze", 1)]


@pytest.mark.parametrize(("mode", "spooled", "quarantined"), [("evolve", 3, 0), ("discard", 3, 0), ("quarantine", 2, 1)])
def test_a_person_lets_it_go_on(state: StateFile, mode: Any, spooled: int, quarantined: int) -> None:
    """What froze it is accepted while it runs, and from then on as the person said, also after a restart."""
    subject, _ = reader(state, mapper_with(new_code="freeze"), [family(1)], [family(3), ODD])
    subject.step()
    subject.step()
    with StateFile(state.path, "carik") as other:
        assert accept(other, "members.work", mode) == 0
        assert accept(other, "members.sex", mode) == 1
    subject.step()

    assert (_status(state).spooled, _status(state).quarantined, state.position()) == (spooled, quarantined, "2")
    assert [(one.mode, one.accepted) for one in drifted(state.path)] == [(mode, mode)]
    again, _ = reader(state, mapper_with(new_code="freeze"), [], [], [ODD])
    again.step()
    assert state.position() == "3"


def test_a_restart_freezes_again_until_the_mapping_is_mended(state: StateFile) -> None:
    """Without acceptance a new process comes to the same record and stops there; with the code in the table it goes on."""
    for _ in range(2):
        subject, asked = reader(state, mapper_with(new_code="freeze"), [ODD])
        subject.step()
        assert (asked, state.position()) == (["0"], None)
    declared = carik()
    members = declared.mapping.members
    assert members is not None
    assert members.sex is not None
    table = members.sex.model_copy(update={"table": {"L": 1, "P": 2, "X": 2}})
    mapping = declared.mapping.model_copy(update={"members": members.model_copy(update={"sex": table})})
    mended = mapper(declared.model_copy(update={"mapping": mapping, "drift": DriftModes(new_code="freeze")}))
    reader(state, mended, [ODD])[0].step()

    assert (state.position(), _status(state).spooled) == ("1", 1)


def test_a_full_disk_while_freezing_is_waited_for(state: StateFile) -> None:
    """The freeze is noted when the disk takes it again; meanwhile nothing goes on."""
    subject, asked = reader(state, mapper_with(new_code="freeze"), [ODD])
    state.connection.execute("pragma query_only = on")
    pause = subject.step()
    assert pause > 0
    state.connection.execute("pragma query_only = off")
    subject.step()
    subject.step()

    assert asked == ["0", "0"]
    assert _status(state).reading.startswith("frozen")


def test_sending_again_freezes_by_the_adapters_own_file(state: StateFile, tmp_path: Path) -> None:
    """The file of a resend is thrown away: what froze it stands, and is accepted, in the adapter's own."""
    with StateFile(tmp_path / "again.sqlite", "carik") as again:
        subject, _ = reader(again, mapper_with(new_code="freeze"), [ODD], own=state)
        subject.step()
        assert [one.mode for one in drifted(state.path)] == ["freeze"]
        accept(state, "members.sex", "evolve")
        subject.step()

        assert (again.position(), _status(again).spooled) == ("1", 1)


def _until(true: Callable[[], bool], step: Callable[[], float]) -> None:
    for _ in range(50):
        if true():
            return
        step()
    raise AssertionError


def test_what_was_learnt_survives_a_restart(state: StateFile) -> None:
    """The shape of the records is kept: what is new by the next start is told then."""
    subject, _ = reader(state, mapper_with(), [family(1)] * LEARNT, [family(1)])
    _until(lambda: state.position() == "2", subject.step)
    again, _ = reader(state, mapper_with(), [], [], [{**family(1), "agama": "X"}] * 64)
    again.step()

    assert [(one.field, one.kind, one.mode, one.count) for one in drifted(state.path)] == [("agama", "new_field", "evolve", 1)]
    assert drifted(state.path)[0].last_seen - NOW == timedelta(0)


def test_names_that_an_earlier_version_kept_are_kept_by_their_shape(state: StateFile) -> None:
    """A number that a source used as a name, and that stands in the adapter's file, is gone from it after the next reading."""
    reader(state, mapper_with(), [])
    state.connection.execute("insert into shape values ('anggota.9901014505900001', 0)")
    again, _ = reader(state, mapper_with(), [family(1)])
    again.step()

    paths = {path for (path,) in state.connection.execute("select path from shape")}
    assert "aaaaaaa.9999999999999999" in paths
    assert not any("9901" in path for path in paths)


def test_an_adapter_of_before_has_no_drift(tmp_path: Path) -> None:
    """A file without the tables is read as one in which nothing was noticed."""
    with StateFile(tmp_path / "s.sqlite", "carik") as state:
        assert drifted(state.path) == []
        assert accept(state, "members.sex", "evolve") == 0


def test_what_is_declared_wins_over_what_was_learnt(state: StateFile) -> None:
    """A field that the first records had is new where the file lists what is known, though the adapter learnt it before it did."""
    odd = family(1, nomor_rumah="9")
    before, _ = reader(state, mapper_with(), [odd] * 3)
    before.step()
    known = ["anggota.nama", "^.no_urut", "^.^.kode_bangunan", "^.^.dasawisma", "^.^.alamat"]
    after, _ = reader(state, mapper_with(new_field="freeze", known=known), [odd], [odd])
    with state.transaction():
        state.move(None, NOW, nothing_more=False)
    after.step()

    assert _status(state).state.startswith("frozen: the source has changed (nomor_rumah: new_field)")


def test_what_an_earlier_region_file_noticed_is_marked(state: StateFile) -> None:
    """After mending what was noticed before is old; what is noticed again, or newly, is not."""
    for modes, pages in (({"new_code": "evolve"}, [[ODD]]), ({"new_code": "discard"}, [[family(1)]]), ({"new_code": "discard"}, [[ODD]])):
        with state.transaction():
            state.move(None, NOW, nothing_more=False)
        subject, _ = reader(state, mapper_with(**modes), *pages)
        subject.step()
        (one,) = drifted(state.path)
        assert one.old == (pages == [[family(1)]])


def test_how_much_was_learnt_is_told(state: StateFile) -> None:
    """Whoever asks for drift sees whether the source is still being learnt."""
    assert looked_at(state.path) == 0
    subject, _ = reader(state, mapper_with(), [family(1)] * 3)
    subject.step()

    assert looked_at(state.path) == 3
