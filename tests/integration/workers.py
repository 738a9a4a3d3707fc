"""
Workers of a stage: started and kept running by our own supervisor, killed and stopped by tests.

Why: whoever supervises a worker answers its exits, so tests run them as they run in earnest.
Must not: end a process that it did not start.
"""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from deploy.supervisor import Supervisor
from tests.integration.stage import Stage
from tests.integration.worker_process import VARIABLE

__all__ = ["Workers", "command", "environment", "working"]

_ROOT = Path(__file__).parents[2]


def command() -> list[str]:
    """Return the command line of a worker process."""
    return [sys.executable, "-m", "tests.integration.worker_process"]


def environment(stage: Stage, **settings: Any) -> dict[str, str]:
    """Return the environment of a worker process of a stage."""
    told = {
        "kafka": stage.kafka,
        "registry": stage.registry,
        "database": stage.database,
        "group": stage.group,
        "batch_records": 200,
        **settings,
    }
    return {**os.environ, "PYTHONPATH": str(_ROOT), VARIABLE: json.dumps(told)}


class Unattended:
    """Workers that nobody starts again, with the face of a `Supervisor`."""

    def __init__(self, commands: Sequence[tuple[str, Sequence[str]]], environ: dict[str, str], logs: Path) -> None:
        """Take the commands by name; nothing is started yet."""
        self._commands, self._environ, self._logs = commands, environ, logs
        self._processes: dict[str, subprocess.Popen[bytes]] = {}

    def start(self) -> None:
        """Start them."""
        for name, line in self._commands:
            with (self._logs / f"{name}.log").open("ab") as log:
                self._processes[name] = subprocess.Popen(line, env=self._environ, stdin=subprocess.DEVNULL, stdout=log, stderr=log)  # noqa: S603

    @property
    def pids(self) -> dict[str, int]:
        """Process ids of those that run now."""
        return {name: one.pid for name, one in self._processes.items() if one.poll() is None}

    @property
    def exits(self) -> dict[str, list[int]]:
        """Exit codes of those that have ended."""
        return {name: [code] for name, one in self._processes.items() if (code := one.poll()) is not None}

    def stop(self) -> None:
        """End those that run."""
        for one in self._processes.values():
            if one.poll() is None:
                one.terminate()
            one.wait(10)


@dataclass(frozen=True)
class Workers:
    """Running workers and their log lines."""

    supervisor: Supervisor | Unattended
    logs: Path

    @property
    def pids(self) -> dict[str, int]:
        """Process ids of those that run now, by name."""
        return self.supervisor.pids

    def signal(self, number: signal.Signals, name: str = "worker 1") -> int:
        """Send a signal to one of them and return its process id."""
        pid = self.pids[name]
        os.kill(pid, number)
        return pid

    def exits(self, name: str = "worker 1") -> list[int]:
        """Return the exit codes of one of them so far."""
        if isinstance(self.supervisor, Unattended):
            return self.supervisor.exits.get(name, [])
        return next(list(child.exits) for child in self.supervisor._children if child.name == name)

    def told(self) -> str:
        """Return all their log lines."""
        return "".join(path.read_text() for path in sorted(self.logs.glob("*.log")))


@contextmanager
def working(stage: Stage, count: int = 1, *, kept: bool = True, **settings: Any) -> Iterator[Workers]:
    """
    Keep so many workers running over a stage; a failing test shows their log lines.

    Without `kept` a worker that ends is not started again.
    """
    with TemporaryDirectory(prefix="muara-workers-") as folder:
        commands = [(f"worker {number + 1}", command()) for number in range(count)]
        supervisor = (Supervisor if kept else Unattended)(commands, environment(stage, **settings), Path(folder))
        workers = Workers(supervisor, Path(folder))
        supervisor.start()
        try:
            yield workers
        except BaseException:
            print(workers.told())  # noqa: T201 - pytest shows it beside the failure
            raise
        finally:
            for pid in workers.pids.values():
                os.kill(pid, signal.SIGCONT)
            supervisor.stop()
