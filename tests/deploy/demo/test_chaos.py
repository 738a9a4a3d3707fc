"""Chaos kills what is there to be killed, and nothing once it has ended."""

import random
import sys
from collections import Counter
from typing import Any

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
            assert until(lambda: angry.kills["workers"] >= 2, 30.0)
        killed = angry.kills.copy()
        assert until(lambda: kept.starts > killed["workers"], 30.0)
        assert until(lambda: bool(kept.pids), 30.0)
        assert angry.kills == killed
    finally:
        kept.stop()


def test_every_kind_that_there_is_dies_before_any_dies_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """However few are killed in a short play, a worker and a publisher are among them; a kind that is not there yet holds up nobody."""
    monkeypatch.setattr(chaos, "_PAUSE_S", (0.01, 0.02))
    monkeypatch.setattr(chaos, "_FIRST_PAUSE_S", (0.01, 0.02))
    killed: list[str] = []

    class Kept:
        """Has always somebody to kill, and notes it."""

        def __init__(self, kind: str) -> None:
            self.kind = kind

        def kill_one(self, _: random.Random) -> bool:
            killed.append(self.kind)
            return True

    for seed in range(5):
        killed.clear()
        supervisors: dict[str, Any] = {kind: Kept(kind) for kind in ("publishers", "workers")}
        with Chaos(supervisors, seed) as angry:
            assert until(lambda: len(killed) >= 2)
            supervisors["adapters"] = Kept("adapters")
            assert until(lambda: "adapters" in killed)
        assert set(killed[:2]) == {"publishers", "workers"}
        assert angry.kills == Counter(killed)
