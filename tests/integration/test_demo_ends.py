"""Ends of the demo: killed, interrupted twice, or asked for twice, it neither leaves players behind nor harms the one that plays."""

import os
import shlex
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from deploy.embedded import EmbeddedServices
from deploy.embedded.place import found
from tests.deploy.test_cli import muara
from tests.deploy.test_supervisor import until

ROOT = Path(__file__).parents[2]
PLAYING = 9
"""The simulated world, a worker, two publishers and five adapters."""
PLAYERS = ("deploy.demo.world", "worker", "publish", "adapter")


def demo(folder: Path) -> "subprocess.Popen[str]":
    """Start a small live demo in a folder."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("MUARA_")}
    line = [sys.executable, "-m", "deploy.cli", "demo", "--headless", "--households", "60"]
    return subprocess.Popen(  # noqa: S603 - our own command
        line, cwd=folder, env={**clean, "PYTHONPATH": str(ROOT)}, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    )


def players(process: "subprocess.Popen[str]") -> list[psutil.Process]:
    """Return the children of a demo that are no servers: the simulated systems, workers, publishers and adapters."""
    found = []
    for one in psutil.Process(process.pid).children():
        with suppress(psutil.NoSuchProcess):  # also a child that has just ended
            if set(PLAYERS) & set(one.cmdline()):
                found.append(one)
    return found


def live(processes: list[psutil.Process]) -> list[psutil.Process]:
    """Return those that still run."""
    return [one for one in processes if one.is_running() and one.status() != psutil.STATUS_ZOMBIE]


@pytest.fixture
def playing(tmp_path: Path) -> Iterator[tuple["subprocess.Popen[str]", list[psutil.Process]]]:
    """Give a demo that plays, and its players; whatever a test does to it, nothing of it is left in the end."""
    process = demo(tmp_path)
    try:
        assert until(lambda: process.poll() is not None or len(players(process)) == PLAYING, 60.0)
        assert process.poll() is None
        yield process, players(process)
    finally:
        process.kill()
        process.communicate()
        for folder in (tmp_path / ".muara" / "demo" / "smart-kampung", tmp_path / ".muara" / "demo"):
            with EmbeddedServices.start(folder, kafka="a:1", registry="http://b", wal_level="logical"):
                pass  # it ends the servers that a killed demo leaves behind
            shutil.rmtree(found(folder))


def test_a_killed_demo_leaves_no_player(playing: tuple["subprocess.Popen[str]", list[psutil.Process]]) -> None:
    """After `kill -9` nothing goes on that would write beside the next demo: no simulated system, worker, publisher or adapter."""
    process, started = playing

    process.kill()
    process.wait()

    assert until(lambda: not live(started), 5.0), live(started)


def test_a_demo_that_plays_is_found_and_left_alone(playing: tuple["subprocess.Popen[str]", list[psutil.Process]], tmp_path: Path) -> None:
    """
    The demo says which commands look closer, and in its folder they find it by themselves, the README's as they stand there.

    Another demo in its folder ends with one line and exit code 2, and leaves the files of the first alone.
    """
    process, started = playing
    assert process.stderr is not None
    told = next(line for line in process.stderr if line.startswith("live: "))
    logs = sorted((tmp_path / ".muara" / "demo" / "log").iterdir())

    seen = muara("indicators", "--region", "ID", "--format", "csv", cwd=tmp_path)
    readme = (ROOT / "README.md").read_text(encoding="utf-8").split("in a second terminal of the same folder")[1].split("```")[1]
    lines = [shlex.split(line) for line in readme.splitlines()[1:]]
    answers = [(line, muara(*line[1:], cwd=tmp_path)) for line in lines]
    second = demo(tmp_path)
    _, refused = second.communicate(timeout=60)

    assert "in a second terminal in this folder: " in told
    assert "indicators --region ID, " in told
    assert (seen.returncode, seen.stderr) == (0, "")
    assert "\nID,Indonesia," in seen.stdout
    assert [line[:2] for line in lines] == [[".venv/bin/muara", "indicators"], [".venv/bin/muara", "status"]]
    assert [(line, answer.returncode, answer.stderr) for line, answer in answers] == [(line, 0, "") for line in lines]
    assert all(answer.stdout.strip() for _, answer in answers)
    assert second.returncode == 2
    assert f"belong to process {process.pid}, which is running" in refused
    assert refused.count("\n") == 1
    assert [one for one in logs if not one.exists()] == []
    assert live(started) == started


def test_a_demo_interrupted_twice_ends_everything(playing: tuple["subprocess.Popen[str]", list[psutil.Process]]) -> None:
    """A second Ctrl-C, in the middle of the end, leaves no process behind: no player, no server."""
    process, _ = playing
    family = psutil.Process(process.pid).children(recursive=True)

    process.send_signal(signal.SIGINT)
    until(lambda: False, 0.3)
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=60)

    assert process.returncode == 130
    assert until(lambda: not live(family), 5.0), live(family)
