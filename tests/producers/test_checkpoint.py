"""The adapter's file: what is committed together is there together, and whoever looks sees how the adapter stands."""

import os
import sqlite3
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from producers.checkpoint import StateFile, _keep_private, exclusive, status
from producers.faults import AdapterRuns, DiskRefuses, StateFileForeign
from producers.spool import Spool
from tests.producers.events import NOW


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where a file may lie."""
    return tmp_path / "state" / "carik.sqlite"


def _keep(state: StateFile, events: list[tuple[str, bytes, bytes]], position: str, fault: Exception | None = None) -> None:
    """Keep events with a position, unless a fault comes between."""
    with state.transaction():
        Spool(state).append(events)
        state.move(position, NOW, nothing_more=False)
        if fault is not None:
            raise fault


def test_a_new_file_is_at_the_beginning(path: Path) -> None:
    """Nothing was read, nothing waits, and nothing is known of the source."""
    assert status(path) is None
    with StateFile(path, "carik") as state:
        assert state.position() is None
    found = status(path)

    assert found is not None
    assert (found.source, found.position, found.asked_at, found.spooled, found.delivered, found.caught_up) == (
        "carik",
        None,
        None,
        0,
        0,
        False,
    )
    assert found.state == "starting"


def test_events_and_position_are_committed_together_or_not_at_all(path: Path) -> None:
    """A transaction that fails leaves neither events nor a new position."""
    with StateFile(path, "carik") as state:
        spool = Spool(state)
        with state.transaction():
            spool.append([("31.74", b"h", b"v")])
            state.move("one", NOW, nothing_more=True)
        with pytest.raises(RuntimeError):
            _keep(state, [("31.74", b"h", b"v")], "two", RuntimeError())

        assert (state.position(), spool.size()[0]) == ("one", 1)


def test_caught_up_means_delivered(path: Path) -> None:
    """An adapter has caught up when the source has nothing more and nothing waits; a restart knows nothing until it has asked."""
    with StateFile(path, "carik") as state:
        spool = Spool(state)
        with state.transaction():
            spool.append([("31.74", b"h", b"v")])
            state.move("one", NOW, nothing_more=True)
        waiting = status(path)
        spool.delivered("31.74", 1, 1, spool.size()[1])
        done = status(path)
        state.start()
        restarted = status(path)

    assert [one and one.caught_up for one in (waiting, done, restarted)] == [False, True, False]
    assert done is not None
    assert (done.delivered, done.asked_at) == (1, NOW)


def test_the_state_tells_what_is_waited_for(path: Path) -> None:
    """What sending waits for comes before what reading does."""
    with StateFile(path, "carik") as state:
        state.sending("ready")
        state.reading("waiting for source", "HTTP 503")
        first = status(path)
        state.sending("waiting for broker", "x does not answer")
        second = status(path)

    assert [one and one.state for one in (first, second)] == ["waiting for source: HTTP 503", "waiting for broker: x does not answer"]


def test_schema_ids_are_kept(path: Path) -> None:
    """The id of a schema outlives the process, for this schema and topic only."""
    with StateFile(path, "carik") as state:
        state.keep_schema_id("t", "f", 7)
    with StateFile(path, "carik") as state:
        assert [state.schema_id(*one) for one in (("t", "f"), ("t", "g"), ("u", "f"))] == [7, None, None]


def test_a_mapping_changes_only_with_its_version(path: Path) -> None:
    """The mapping used under a version is known again; another one under the same version is not."""
    with StateFile(path, "carik") as state:
        assert [state.mapping_unchanged(*one) for one in ((1, "a"), (1, "a"), (1, "b"), (2, "b"), (1, "a"))] == [
            True,
            True,
            False,
            True,
            True,
        ]


def test_two_adapters_do_not_share_a_file(path: Path) -> None:
    """The second one is refused as long as the first one holds the file."""
    with exclusive(path), pytest.raises(AdapterRuns, match="an adapter already runs on"), exclusive(path):
        pass
    with exclusive(path):
        pass


def test_a_foreign_file_is_refused(path: Path) -> None:
    """A file of another source or version is not touched, and the message says what to do."""
    with StateFile(path, "carik"):
        pass
    with pytest.raises(StateFileForeign, match="it belongs to source carik"):
        StateFile(path, "sddd")
    connection = sqlite3.connect(path)
    connection.execute("pragma user_version = 99")
    connection.close()
    with pytest.raises(StateFileForeign, match=r"version 99\): remove it; the adapter starts over"):
        StateFile(path, "carik")
    assert status(path) is None


def test_a_full_disk_is_told_and_nothing_is_half_written(path: Path) -> None:
    """When the disk is full the transaction is not there, and it can be done as soon as there is room."""
    with StateFile(path, "carik") as state:
        spool = Spool(state)
        pages = state.connection.execute("pragma page_count").fetchone()[0]
        state.connection.execute(f"pragma max_page_count = {pages}")
        large = [("31.74", b"h", b"v" * 10_000) for _ in range(10)]
        with pytest.raises(DiskRefuses, match="SQLITE_FULL"):
            _keep(state, large, "one")
        assert (state.position(), spool.size()[0]) == (None, 0)

        state.connection.execute("pragma max_page_count = 1000000")
        _keep(state, large, "one")
        assert (state.position(), spool.size()[0]) == ("one", 10)


def test_the_file_is_its_owners_alone(tmp_path: Path) -> None:
    """
    File, journal and lock are read by nobody else, whatever the umask, and what an earlier version left open is closed.

    So is a folder that is made for it; one that is there belongs to whoever made it.
    """
    path = tmp_path / "adapters" / "x.sqlite"
    before = os.umask(0o000)
    (tmp_path / "there").mkdir(0o755)
    old = tmp_path / "there" / "y.sqlite"
    old.touch(0o644)
    try:
        with exclusive(path), StateFile(path, "x") as state:
            state.start()
            modes = {one.name: stat.S_IMODE(one.stat().st_mode) for one in path.parent.iterdir()}
        StateFile(old, "y").connection.close()
    finally:
        os.umask(before)

    assert modes == dict.fromkeys(("x.sqlite", "x.sqlite-wal", "x.sqlite-shm", "x.lock"), 0o600)
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert (stat.S_IMODE(old.stat().st_mode), stat.S_IMODE(old.parent.stat().st_mode)) == (0o600, 0o755)


def test_another_connection_of_the_same_process_keeps_its_locks(tmp_path: Path) -> None:
    """Two threads have the file open; another process that looks and leaves must not take the journal with it, as the last one would."""
    path = tmp_path / "x.sqlite"
    look = "import sqlite3, sys; one = sqlite3.connect(sys.argv[1]); one.execute('select * from adapter').fetchall(); one.close()"
    with StateFile(path, "x") as state, StateFile(path, "x"):
        state.start()
        _keep_private(path)
        journal = path.with_name("x.sqlite-wal").stat().st_ino
        subprocess.run([sys.executable, "-c", look, str(path)], check=True, timeout=60)  # noqa: S603

        assert path.with_name("x.sqlite-wal").stat().st_ino == journal
