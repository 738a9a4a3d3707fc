"""Tests of the process of the simulated world: its ready file, its control, live mode, and its end."""

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientSession

from deploy.demo.carik import Troubles
from deploy.demo.simulation import World
from deploy.demo.truth import TruthRow
from deploy.demo.world import application, main, tellers
from tests.deploy.demo.served import read_all, served

READY_S, END_S = 30.0, 5.0


def driven(inbox: Path, talk: Callable[[ClientSession, World], Awaitable[None]]) -> None:
    """Let a client talk with the two interfaces over a small world."""

    async def play() -> None:
        world = World(inbox, seed=1, households=100, elsewhere=80, pace=500)
        async with served(application(world, Troubles(), {})) as client:
            await talk(client, world)

    asyncio.run(play())


async def ask(client: ClientSession, method: str, path: str, **query: str) -> dict[str, Any]:
    """Return the control's answer."""
    async with client.request(method, f"/control/{path}", params=query) as answer:
        assert answer.status == 200
        told: dict[str, Any] = await answer.json()
        return told


async def truth(client: ClientSession) -> list[TruthRow]:
    """Return the truth as streamed."""
    async with client.get("/control/truth") as answer:
        assert answer.content_type == "application/x-ndjson"
        return [TruthRow.from_record(json.loads(line)) for line in (await answer.text()).splitlines()]


def test_the_control_moves_the_world(tmp_path: Path) -> None:
    """Advancing makes changes and drops files, flushing leaves nothing held back, the state says so, the truth is the world's own."""

    async def talk(client: ClientSession, world: World) -> None:
        before = await ask(client, "GET", "state")
        moved = await ask(client, "POST", "advance", changes="600")
        told = await ask(client, "POST", "flush")

        assert (before["changes"], before["today"], before["held_back"]) == (0, "2024-04-01", 0)
        assert (moved["changes"], told["changes"]) == (600, 600)
        assert moved["held_back"] > told["held_back"] == 0
        assert before["files"] < moved["files"] < told["files"]
        assert before["newest_cursor"] < moved["newest_cursor"] < told["newest_cursor"]
        assert await truth(client) == list(world.truth())

        counted.append(told["files"])

    counted: list[int] = []
    driven(tmp_path, talk)

    assert counted == [len(list(tmp_path.iterdir()))]


def test_both_interfaces_answer_on_one_port(tmp_path: Path) -> None:
    """Changes that the control asked for can be read from Carik."""

    async def talk(client: ClientSession, world: World) -> None:
        await ask(client, "POST", "advance", changes="200")
        buildings, _ = await read_all(client, 1_000)
        families = [family for one in buildings for household in one["rumah_tangga"] for family in household["keluarga"]]

        assert len({(family["no_kk"], family["diubah_pada"]) for family in families}) == len(world.carik)

    driven(tmp_path, talk)


def test_live_mode_goes_on_by_itself_until_it_is_stopped(tmp_path: Path) -> None:
    """At a rate of changes per second the world moves without being asked, and rests once the rate is 0."""

    async def talk(client: ClientSession, world: World) -> None:
        told = await ask(client, "POST", "live", rate="500")
        assert told["live_rate_per_s"] == 500.0
        async with asyncio.timeout(20):
            while (await ask(client, "GET", "state"))["changes"] < 100:
                pass
        await ask(client, "POST", "live", rate="0")
        await asyncio.sleep(0.25)
        stopped = world.changes
        await asyncio.sleep(0.25)

        assert world.changes == stopped >= 100
        assert len(await truth(client)) > 180

    driven(tmp_path, talk)


@pytest.mark.parametrize(
    ("path", "query"),
    [
        ("advance", {}),
        ("advance", {"changes": "-1"}),
        ("advance", {"changes": "x"}),
        ("live", {}),
        ("live", {"rate": "-1"}),
        ("live", {"rate": "nan"}),
    ],
)
def test_a_wrong_order_moves_nothing(tmp_path: Path, path: str, query: dict[str, str]) -> None:
    """What is no whole number of changes, or no rate, is refused with 400 and a sentence."""

    async def talk(client: ClientSession, world: World) -> None:
        async with client.post(f"/control/{path}", params=query) as answer:
            assert answer.status == 400
            assert " from 0 " in (await answer.json())["error"]
        assert world.changes == 0

    driven(tmp_path, talk)


def test_the_process_says_when_it_is_ready_and_ends_at_a_signal(tmp_path: Path) -> None:
    """The ready file holds the address, on loopback, once requests are answered; SIGTERM ends the process without an error."""
    ready, inbox = tmp_path / "world.json", tmp_path / "inbox"
    line = [sys.executable, "-m", "deploy.demo.world", "--port", "0", "--inbox", str(inbox), "--seed", "3"]
    line += ["--households", "80", "--elsewhere", "60", "--ready-file", str(ready)]
    process = subprocess.Popen(line, stdout=subprocess.PIPE, text=True)  # noqa: S603 - the line is ours
    try:
        deadline = time.monotonic() + READY_S
        while not ready.exists() and process.poll() is None and time.monotonic() < deadline:
            time.sleep(0.02)
        url = json.loads(ready.read_text(encoding="utf-8"))["url"]
        assert url.startswith("http://127.0.0.1:")

        async def told() -> dict[str, Any]:
            async with ClientSession(url) as client:
                return await ask(client, "GET", "state")

        state = asyncio.run(told())
        assert state["households"] == {"31": 80, "32.11": 60, "35.10": 60, "51.01": 60}
        assert len(list(inbox.glob("sddd_*"))) == state["files"] > 0
    finally:
        process.send_signal(signal.SIGTERM)
        out, _ = process.communicate(timeout=END_S)
    assert process.returncode == 0
    assert url in out


def test_a_teller_that_fails_ends_the_process_with_its_error(tmp_path: Path) -> None:
    """Where a system's database refuses, nobody waits for ever: the process says why and ends."""
    line = [sys.executable, "-m", "deploy.demo.world", "--inbox", str(tmp_path), "--households", "5", "--elsewhere", "5"]
    environ = {**os.environ, "DEMO_KAMPUNG_DATABASE": "postgresql://muara:invented-secret@127.0.0.1:9/none"}

    ended = subprocess.run(line, env=environ, capture_output=True, text=True, check=False, timeout=READY_S)  # noqa: S603 - the line is ours

    assert ended.returncode == 1
    assert "OperationalError" in ended.stderr
    assert "invented-secret" not in ended.stdout + ended.stderr


@pytest.mark.parametrize("told", [{}, {"DEMO_DESA_URL": "http://127.0.0.1:9/desa", "DEMO_DESA_SECRET": "x", "DEMO_KAMPUNG_DATABASE": "y"}])
def test_who_tells_by_itself_follows_from_the_environment(tmp_path: Path, told: dict[str, str]) -> None:
    """A system of which nothing is said keeps silent; the state names the others, and what waits there."""
    world = World(tmp_path, seed=1, households=10, elsewhere=10, pace=500)
    found = tellers(world, told, 1)

    assert {name: one.waiting for name, one in found.items()} == ({"desa": 10, "smart_kampung": 1} if told else {})


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "--inbox"),
        (["--inbox", "x", "--households", "-1"], "from 0 on"),
        (["--inbox", "x", "--pace", "0"], "from 1 on"),
        (["--inbox", "x", "--today", "2024-04-01"], "when life begins"),
    ],
)
def test_wrong_arguments_are_one_clear_line(arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Errors of use end with code 2 and name what is wrong."""
    with pytest.raises(SystemExit) as ended:
        main(arguments)

    assert ended.value.code == 2
    assert said in capsys.readouterr().err
