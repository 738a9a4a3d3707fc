"""The supervisor: what ends is started again, what must stop stops."""

import errno
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from deploy import children
from deploy.supervisor import EXIT_AT_ONCE, Supervisor

SLEEPS = [sys.executable, "-c", "import time; time.sleep(60)"]


def until(condition: Callable[[], bool], wait_s: float = 20.0) -> bool:
    """Return whether a condition came true in time."""
    deadline = time.monotonic() + wait_s
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


def test_a_killed_child_is_started_again(tmp_path: Path) -> None:
    """A child that is killed comes back with another process id, and the other one is left alone."""
    kept = Supervisor([("one", SLEEPS), ("two", SLEEPS)], logs=tmp_path)
    kept.start()
    try:
        assert until(lambda: len(kept.pids) == 2)
        before = kept.pids
        assert kept.kill_one(random.Random(1))  # noqa: S311
        assert until(lambda: len(kept.pids) == 2 and kept.pids != before)
        assert len(set(before.values()) & set(kept.pids.values())) == 1
    finally:
        kept.stop()
    assert kept.pids == {}


def test_children_that_end_at_once_are_started_with_growing_pauses(tmp_path: Path) -> None:
    """A child that fails at once is not started a hundred times a second; one whose regencies changed is started at once."""
    failing = Supervisor([("fails", [sys.executable, "-c", "raise SystemExit(3)"])], logs=tmp_path)
    changed = Supervisor([("changed", [sys.executable, "-c", f"raise SystemExit({EXIT_AT_ONCE})"])], logs=tmp_path)
    failing.start()
    changed.start()
    time.sleep(3.0)
    failing.stop()
    changed.stop()

    assert 2 <= failing.starts <= 6
    assert changed.starts > failing.starts


@pytest.mark.parametrize("number", [errno.EAGAIN, errno.ENOMEM, errno.EMFILE])
def test_a_child_that_cannot_be_started_is_tried_again(
    tmp_path: Path, number: int, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Where the machine has no process, memory or file to give, that is told, and the start is tried again until there is."""
    left = [OSError(number, "none left"), OSError(number, "none left")]
    start = children.start

    def refused(*arguments: Any) -> "subprocess.Popen[bytes]":
        if left:
            raise left.pop()
        return start(*arguments)

    monkeypatch.setattr(children, "start", refused)
    kept = Supervisor([("one", SLEEPS)], logs=tmp_path)
    kept.start()
    try:
        assert until(lambda: len(kept.pids) == 1)
    finally:
        kept.stop()

    assert [record.message for record in caplog.records if "cannot" in record.message] == ["one cannot be started: none left"] * 2


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_supervisor_that_fails_ends_with_its_children(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A supervisor that can no longer keep its children ends them and itself, with an exit code that says so."""
    kept = Supervisor([("one", SLEEPS)], logs=tmp_path)
    monkeypatch.setattr(signal, "signal", lambda *_: None)
    monkeypatch.setattr(kept, "_look_after", lambda _: 1 / 0)

    assert kept.run() == 1
    assert kept.pids == {}


def test_an_interrupted_stop_still_ends_the_children(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A second Ctrl-C while children are ended loses none of them."""
    kept = Supervisor([("one", SLEEPS), ("two", SLEEPS)], logs=tmp_path)
    kept.start()
    assert until(lambda: len(kept.pids) == 2)

    def interrupted() -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(kept._thread, "join", interrupted)
        with pytest.raises(KeyboardInterrupt):
            kept.stop()

    assert until(lambda: kept.pids == {})
