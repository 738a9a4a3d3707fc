"""A source's key is changed on purpose or not at all: the adapter's file knows by which one its households are named."""

import sqlite3
import threading
from pathlib import Path

import pytest

from producers.checkpoint import StateFile
from producers.faults import KeyChanged, KeyMissing, KeyNotBegun
from producers.keys import begin_with, begun, must_have_begun
from producers.pseudonym import Pseudonyms
from tests.producers.samples import KEY, NEW_KEY, rotated

THIRD_KEY = bytes(range(64, 96))


@pytest.fixture
def state(tmp_path: Path) -> StateFile:
    """The file of an adapter that was run with the first key."""
    made = StateFile(tmp_path / "x.sqlite", "x")
    begin_with(made, Pseudonyms(KEY, 1), nothing)
    return made


def nothing(_: sqlite3.Connection) -> None:
    """Forget nothing."""


def test_a_rotation_and_what_follows_it(state: StateFile) -> None:
    """The same key goes on, a new one begins beside the former, goes on alone, and is the former one of the next rotation."""
    for pseudonyms in (
        Pseudonyms(KEY, 1),
        rotated(),
        rotated(),
        Pseudonyms(NEW_KEY, 2),
        Pseudonyms(THIRD_KEY, 5, Pseudonyms(NEW_KEY, 2)),
        Pseudonyms(THIRD_KEY, 5),
    ):
        begin_with(state, pseudonyms, nothing)

    assert [row[0] for row in state.connection.execute("select version from pseudonym_key order by version")] == [1, 2, 5]


@pytest.mark.parametrize(
    "pseudonyms",
    [
        Pseudonyms(NEW_KEY, 1),  # another key under the same number
        Pseudonyms(NEW_KEY, 2),  # a new one without the former beside it
        Pseudonyms(KEY, 2),  # the same under another number
        Pseudonyms(THIRD_KEY, 3, Pseudonyms(NEW_KEY, 2)),  # a rotation from a key that this source was never read with
    ],
)
def test_a_key_that_was_changed_otherwise_is_refused(state: StateFile, pseudonyms: Pseudonyms) -> None:
    """Nothing starts, and nothing is noted: with the right key it goes on as before."""
    with pytest.raises(KeyChanged, match="the key for pseudonyms is not the one that x was read with so far, of version 1"):
        begin_with(state, pseudonyms, nothing)

    begin_with(state, rotated(), nothing)


def test_the_way_back_is_refused(state: StateFile) -> None:
    """An adapter that was started again without the new settings does not go on under old names."""
    begin_with(state, rotated(), nothing)
    with pytest.raises(KeyChanged, match="of version 2"):
        begin_with(state, Pseudonyms(KEY, 1), nothing)


def test_a_file_that_does_not_know_its_keys_takes_those_given(tmp_path: Path) -> None:
    """A new file, or one of a former version, may begin in the middle of a rotation."""
    state = StateFile(tmp_path / "y.sqlite", "y")
    begin_with(state, rotated(), nothing)
    begin_with(state, Pseudonyms(NEW_KEY, 2), nothing)

    with pytest.raises(KeyChanged, match="of version 2"):
        begin_with(state, Pseudonyms(KEY, 1), nothing)


def test_no_key_is_in_the_file(state: StateFile) -> None:
    """What the file keeps of a key is neither the key nor a part of it."""
    begin_with(state, rotated(), nothing)
    state.connection.execute("pragma wal_checkpoint(truncate)")
    content = state.path.read_bytes()

    assert not any(part in content for key in (KEY, NEW_KEY) for part in (key[:8], key.hex()[:16].encode()))


def test_what_is_remembered_by_names_is_forgotten_with_the_old_key_or_not_at_all(state: StateFile) -> None:
    """Memory and key change in one transaction, and only when the key does; where reading goes on is kept."""
    state.connection.execute("create table memory (household blob)")
    state.connection.execute("update adapter set position = 'here'")

    def forget(connection: sqlite3.Connection) -> None:
        connection.execute("drop table memory")

    def die(connection: sqlite3.Connection) -> None:
        forget(connection)
        raise KeyboardInterrupt

    begin_with(state, Pseudonyms(KEY, 1), forget)
    with pytest.raises(KeyboardInterrupt):
        begin_with(state, rotated(), die)
    assert state.connection.execute("select count(*) from memory").fetchone() == (0,)
    begin_with(state, Pseudonyms(KEY, 1), forget)
    begin_with(state, rotated(), forget)

    assert state.connection.execute("select 1 from sqlite_master where name = 'memory'").fetchone() is None
    assert state.position() == "here"


def test_sending_again_waits_for_the_adapter(state: StateFile) -> None:
    """With another key than the adapter runs with nothing is sent again: its memory has other names."""
    must_have_begun(state, Pseudonyms(KEY, 1))
    with pytest.raises(KeyNotBegun, match="the adapter of x was not started with this key"):
        must_have_begun(state, rotated())
    begin_with(state, rotated(), nothing)
    must_have_begun(state, rotated())
    with pytest.raises(KeyNotBegun):
        must_have_begun(state, Pseudonyms(KEY, 1))


def test_the_same_key_under_another_number_is_told_as_such(state: StateFile) -> None:
    """Whoever mistyped the version is not sent to look for another key."""
    with pytest.raises(KeyChanged, match=r"of version 1 \(it is the very same key, but said to be of version 2: mend the version\): "):
        begin_with(state, Pseudonyms(KEY, 2), nothing)


def test_wrong_keys_in_files_are_waited_for(state: StateFile) -> None:
    """With a wrong key the adapter says so and waits; whatever is still wrong with the files is told; mended, it goes on by itself."""
    found: list[Pseudonyms | Exception] = [KeyMissing(why="the key file x is empty"), Pseudonyms(THIRD_KEY, 1), Pseudonyms(KEY, 1)]
    seen: list[str] = []

    def again() -> Pseudonyms:
        seen.append(state.connection.execute("select reading || ': ' || reading_why from adapter").fetchone()[0])
        one = found.pop(0)
        if isinstance(one, Exception):
            raise one
        return one

    stop = threading.Event()
    taken = begun(state, Pseudonyms(NEW_KEY, 2), again, nothing, stop)
    stop.set()

    assert taken is not None
    assert (taken.version, taken.mark_of_key) == (1, Pseudonyms(KEY, 1).mark_of_key)
    assert [one[:50] for one in seen] == [
        "waiting for key: the key for pseudonyms is not the",
        "waiting for key: no key for pseudonyms (the key fi",
        "waiting for key: the key for pseudonyms is not the",
    ]


def test_a_wrong_key_that_nobody_can_mend_ends_it(state: StateFile) -> None:
    """A variable cannot change while the process runs; and whoever stops an adapter that waits is obeyed."""
    with pytest.raises(KeyChanged):
        begun(state, Pseudonyms(NEW_KEY, 2), None, nothing, threading.Event())

    stop = threading.Event()
    stop.set()
    assert begun(state, Pseudonyms(NEW_KEY, 2), lambda: Pseudonyms(NEW_KEY, 2), nothing, stop) is None


def test_a_key_that_changes_meanwhile_is_told_once(
    state: StateFile, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """The adapter goes on with the key that it has, and says that the files hold another; as often as they come to hold another."""
    monkeypatch.setattr("producers.keys._LOOK_S", 0.001)
    found = iter([Pseudonyms(KEY, 1), rotated(), rotated(), Pseudonyms(KEY, 1)])
    stop, over = threading.Event(), threading.Event()

    def again() -> Pseudonyms:
        one = next(found, None)
        if one is None:
            over.set()
        return one or Pseudonyms(KEY, 1)

    assert begun(state, Pseudonyms(KEY, 1), again, nothing, stop) is not None
    assert over.wait(20)
    stop.set()

    told = [record.why for record in caplog.records if getattr(record, "action", "") == "keys_changed"]  # type: ignore[attr-defined]
    assert told == ["they are of version 2, those in use of version 1"]
