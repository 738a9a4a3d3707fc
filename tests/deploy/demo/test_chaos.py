"""Chaos kills what is there to be killed, and nothing once it has ended."""

import sys

import pytest

from deploy.demo import chaos
from deploy.demo.chaos import Chaos
from deploy.supervisor import Supervisor
from tests.deploy.test_supervisor import until


def test_children_are_killed_and_start_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """A supervisor that comes later is found; after the end nobody dies any more."""
    monkeypatch.setattr(chaos, "_PAUSE_S", (0.3, 0.4))  # longer than a killed process takes to be gone
    monkeypatch.setattr(chaos, "_SHARES", {"workers": 1})
    kept = Supervisor([("sleeper", [sys.executable, "-c", "import time; time.sleep(60)"])])
    supervisors: dict[str, Supervisor] = {}
    try:
        with Chaos(supervisors, seed=1) as angry:
            supervisors["workers"] = kept
            kept.start()
            assert until(lambda: angry.kills >= 2, 30.0)
        killed = angry.kills
        assert until(lambda: kept.starts > killed, 30.0)
        assert until(lambda: bool(kept.pids), 30.0)
        assert angry.kills == killed
    finally:
        kept.stop()
