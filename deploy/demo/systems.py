"""
The simulated regional systems as the demo runs them: the world's process, and the database server that Smart Kampung has of its own.

Why: they are other people's machines: they are reached as those would be, by addresses and secrets that adapters are given.
Must not: share a server with the platform, whose own may have been given by somebody and must keep its settings.
"""

import json
import os
import secrets
import sys
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import httpx2

from deploy import children
from deploy.demo.kampung_tables import prepare
from deploy.embedded import Addresses, EmbeddedServices
from deploy.embedded.ports import LOOPBACK, ports_for
from schemas.errors import Fatal

__all__ = ["FOLDERS", "RegionalSystems", "WorldNotReady"]

FOLDERS = ("inbox",)
"""Folders of the systems that must be empty when they open; the database server sees to its own."""
_PUSHING = ("desa", "simpati")
"""Systems that push to a port where their adapter listens."""
_READY_S, _HOUSEHOLDS_S = 60.0, 5_000
"""How long the world may take to be made, and so many households a second more."""


class WorldNotReady(Fatal):
    """the simulated regional systems did not start within {wait_s} s; their log is {log}"""


class RegionalSystems:
    """The systems of one demo, in its folder; `open` starts them."""

    def __init__(self, directory: Path, log: Path, seed: int, households: int, elsewhere: int) -> None:
        """Know where, and how many households in DKI Jakarta and in each other region."""
        self._directory, self._log = directory, log
        self._arguments = ["--seed", str(seed), "--households", str(households), "--elsewhere", str(elsewhere)]
        self._ready_s = _READY_S + (households + 3 * elsewhere) / _HOUSEHOLDS_S
        self._control = ""
        self.environ: dict[str, str] = {}
        """What their adapters must be told, once they are open."""

    def open(self, platform: Addresses, ends: ExitStack) -> None:
        """Start the systems, and wait until they answer; `ends` ends them. Raises `WorldNotReady`."""
        # The platform's broker and registry are named so that only a database server is started.
        server = EmbeddedServices.start(
            self._directory / "smart-kampung", fresh=True, kafka=platform.kafka, registry=platform.registry, wal_level="logical"
        )
        ends.callback(server.stop)
        tables = prepare(server.addresses.database)
        told = {"DEMO_KAMPUNG_DATABASE": tables.writer}
        self.environ = {"MUARA_SMARTKAMPUNG_DSN": tables.reader}
        for name, port in ports_for(_PUSHING, self._directory / "listeners.json").items():
            secret = secrets.token_hex(16)
            told |= {f"DEMO_{name.upper()}_URL": f"http://{LOOPBACK}:{port}/{name}", f"DEMO_{name.upper()}_SECRET": secret}
            self.environ[f"MUARA_SUMEDANG_{name.upper()}_LISTEN"] = f"{LOOPBACK}:{port}"
            self.environ[f"MUARA_SUMEDANG_{name.upper()}_SECRET"] = secret
        self._start_world(told, ends)
        self.environ |= {
            "MUARA_CARIK_URL": self._control,
            "MUARA_CARIK_CLIENT_ID": "muara-demo",
            "MUARA_CARIK_CLIENT_SECRET": "invented-for-the-demo",
            "MUARA_SDDD_FOLDER": str(self._directory / "inbox"),
        }

    def _start_world(self, told: dict[str, str], ends: ExitStack) -> None:
        ready = self._directory / "world.json"
        ready.unlink(missing_ok=True)
        command = [sys.executable, "-m", "deploy.demo.world", "--port", "0", "--inbox", str(self._directory / "inbox")]
        world = children.start([*command, *self._arguments, "--ready-file", str(ready)], {**os.environ, **told}, log=self._log)
        ends.callback(children.end, [world])
        deadline = time.monotonic() + self._ready_s
        while not ready.exists():
            if world.poll() is not None or time.monotonic() > deadline:
                raise WorldNotReady(wait_s=int(self._ready_s), log=self._log)
            time.sleep(0.05)
        self._control = json.loads(ready.read_text(encoding="utf-8"))["url"]

    def ask(self, method: str, path: str, **query: object) -> Any:  # noqa: ANN401 - JSON
        """Ask the systems' control, and return its JSON."""
        answer = httpx2.request(method, f"{self._control}/control/{path}", params={k: str(v) for k, v in query.items()}, timeout=600)
        answer.raise_for_status()
        return answer.json()

    def waiting(self) -> int:
        """Return how much the systems have said that is not written into their database, or taken by who listens, yet."""
        return sum(self.ask("GET", "state")["waiting"].values())

    def truth_rows(self, take: Callable[[dict[str, Any]], None]) -> None:
        """Hand every row of the systems' own truth to `take`."""
        self._lines("truth", take)

    def said_rows(self, take: Callable[[dict[str, Any]], None]) -> None:
        """Hand every row of what the systems have said and stand by to `take`."""
        self._lines("said", take)

    def _lines(self, path: str, take: Callable[[dict[str, Any]], None]) -> None:
        with httpx2.stream("GET", f"{self._control}/control/{path}", timeout=600) as answer:
            answer.raise_for_status()
            for line in answer.iter_lines():
                if line:
                    take(json.loads(line))
