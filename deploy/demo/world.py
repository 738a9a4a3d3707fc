"""
The process in which the simulated systems live: Carik's API and the control API on one loopback port, Jembrana's files in a folder,
Banyuwangi's tables in a database, and Sumedang's notices on their way to whoever listens.

Why: the platform must read from a process of its own, by the real protocols, and die apart from it.
Must not: be part of any real installation.

`python -m deploy.demo.world --port 0 --inbox DIR --seed 1 --households 20000 --elsewhere 5000 --ready-file FILE`

The environment tells where the systems that tell by themselves do so; one of which nothing is said keeps silent, and what it has to
say waits: `DEMO_KAMPUNG_DATABASE` (an address with a password), `DEMO_DESA_URL` and `DEMO_DESA_SECRET`, `DEMO_SIMPATI_URL` and
`DEMO_SIMPATI_SECRET`.
"""

import argparse
import asyncio
import json
import os
import signal
import time
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from random import Random

from aiohttp import web

from deploy.demo.carik import CarikServer, Troubles
from deploy.demo.control import Control, Teller
from deploy.demo.kampung_writer import KampungWriter
from deploy.demo.pusher import Pusher
from deploy.demo.simulation import END_OF_LIFE, LIFE_BEGINS, World

__all__ = ["application", "main", "tellers"]

_HOST = "127.0.0.1"
_END_S = 1.0


def tellers(world: World, environ: Mapping[str, str], seed: int) -> dict[str, Teller]:
    """Return those who tell by themselves what a system says, as far as the environment says where."""
    found: dict[str, Teller] = {}
    if database := environ.get("DEMO_KAMPUNG_DATABASE"):
        found["smart_kampung"] = KampungWriter(world.kampung, world.people, database)
    for name, out in (("desa", world.desa.out), ("simpati", world.simpati.out)):
        if url := environ.get(f"DEMO_{name.upper()}_URL"):
            secret = environ[f"DEMO_{name.upper()}_SECRET"].encode()
            chance = Random(f"{seed} pusher {name}")  # noqa: S311 - a simulation
            found[name] = Pusher(out, world.people, url, secret, chance, time.time)
    return found


def application(world: World, troubles: Troubles, telling: Mapping[str, Teller]) -> web.Application:
    """Return both interfaces over one world."""
    app = web.Application()
    CarikServer(world.carik, world.people, troubles, time.monotonic).add_to(app)
    Control(world, telling).add_to(app)
    return app


def main(arguments: list[str] | None = None) -> None:
    """Serve until a signal ends the process; the ready file then holds the address as JSON: `{"url": "http://127.0.0.1:PORT"}`."""
    told = _parser().parse_args(arguments)
    world = World(
        told.inbox,
        seed=told.seed,
        households=told.households,
        elsewhere=told.elsewhere,
        today=told.today,
        pace=told.pace,
    )
    asyncio.run(_serve(world, tellers(world, os.environ, told.seed), told.port, told.ready_file))


async def _serve(world: World, telling: Mapping[str, Teller], port: int, ready: Path | None) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    runner = web.AppRunner(application(world, Troubles(), telling), access_log=None, shutdown_timeout=_END_S)
    await runner.setup()
    try:
        await web.TCPSite(runner, _HOST, port).start()
        url = f"http://{_HOST}:{runner.addresses[0][1]}"
        if ready is not None:
            _write(ready, url)
        print(f"simulated regional systems at {url}", flush=True)
        await _told_until(stop, telling)
    finally:
        await runner.cleanup()


async def _told_until(stop: asyncio.Event, telling: Mapping[str, Teller]) -> None:
    """Let everybody tell until the end; where one fails, the process ends with its error."""
    tasks: list[asyncio.Task[object]] = [asyncio.create_task(stop.wait()), *(asyncio.create_task(one.run()) for one in telling.values())]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            await task
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def _write(ready: Path, url: str) -> None:
    """Write the address whole or not at all."""
    part = ready.with_suffix(".part")
    part.write_text(json.dumps({"url": url}), encoding="utf-8")
    part.rename(ready)


def _parser() -> argparse.ArgumentParser:
    yesterday = datetime.now(UTC).date() - timedelta(days=1)  # noqa: TID251 - a shell: nothing may be dated later than today
    parser = argparse.ArgumentParser(prog="python -m deploy.demo.world", description="the simulated regional systems of the demo")
    parser.add_argument("--port", type=int, default=0, help="port on loopback, 0 for any free one")
    parser.add_argument("--inbox", type=Path, required=True, help="folder into which Jembrana's villages drop files")
    parser.add_argument("--seed", type=int, default=1, help="the same seed makes the same world")
    parser.add_argument("--households", type=_count, default=20_000, help="households of DKI Jakarta")
    parser.add_argument("--elsewhere", type=_count, default=5_000, help="households of each of the other three regions")
    parser.add_argument("--today", type=_end, default=min(END_OF_LIFE, yesterday), help="the day that life leads to and never passes")
    parser.add_argument("--pace", type=_pace, default=None, help="about how many changes lead there; by default 4 for every 5 households")
    parser.add_argument("--ready-file", type=Path, default=None, help="where the address is written once requests are answered")
    return parser


def _count(text: str) -> int:
    if (count := int(text)) < 0:
        raise argparse.ArgumentTypeError("from 0 on")
    return count


def _pace(text: str) -> int:
    if (pace := int(text)) < 1:
        raise argparse.ArgumentTypeError("from 1 on")
    return pace


def _end(text: str) -> date:
    day = date.fromisoformat(text)
    if day <= LIFE_BEGINS:
        raise argparse.ArgumentTypeError(f"after {LIFE_BEGINS}, when life begins")
    return day


if __name__ == "__main__":
    main()
