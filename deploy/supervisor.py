"""
A supervisor: keeps a number of processes running, each started again when it ends, with growing pauses when it ends too often.

Why: workers and publishers end themselves on anything unexpected; an exit is repaired here.
Must not: kill anything that it did not start, or start anything again once it was told to stop.
"""

import logging
import random
import signal
import sys
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from subprocess import Popen

from deploy import children

__all__ = ["EXIT_AT_ONCE", "Supervisor", "muara"]

_log = logging.getLogger(__name__)
EXIT_AT_ONCE = 5
"""A child that ends so (changed regencies) is started again at once."""
_SHORT_LIFE_S, _LEAST_S, _GREATEST_S = 10.0, 0.2, 10.0
_LOOK_S = 0.05


@dataclass(slots=True)
class _Child:
    """One place to fill: the command, its process, and when the next start is due."""

    name: str
    command: Sequence[str]
    process: Popen[bytes] | None = None
    started: float = 0.0
    due: float = 0.0
    pause: float = 0.0
    starts: int = 0
    exits: list[int] = field(default_factory=list)


class Supervisor:
    """Starts children and keeps them running until `stop`; `children` may be read (and killed, for a test) at any time."""

    def __init__(
        self, commands: Sequence[tuple[str, Sequence[str]]], environ: dict[str, str] | None = None, logs: Path | None = None
    ) -> None:
        """Take the commands by name; nothing is started yet. With `logs`, each child writes to a file of its name there."""
        self._children = [_Child(name, command) for name, command in commands]
        self._environ, self._logs = environ, logs
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._keep, name="supervisor", daemon=True)

    def start(self) -> None:
        """Start all children and keep them running, in a thread of its own; they end with it."""
        self._thread.start()

    def run(self) -> int:
        """Start all children and keep them running until SIGTERM or SIGINT; return the exit code."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: self._stopping.set())
        self.start()
        self._thread.join()
        return 0 if self._stopping.is_set() else 1

    @property
    def pids(self) -> dict[str, int]:
        """Process ids of the children that run now, by name."""
        return {child.name: child.process.pid for child in self._children if child.process and child.process.poll() is None}

    @property
    def starts(self) -> int:
        """How often any child was started."""
        return sum(child.starts for child in self._children)

    def kill_one(self, dice: random.Random) -> bool:
        """Kill one of the running children (SIGKILL), chosen by `dice`, and return whether there was one; it is started again."""
        running = [child.process for child in self._children if child.process and child.process.poll() is None]
        if not running:
            return False
        dice.choice(running).kill()
        return True

    def stop(self) -> None:
        """End the children and wait for them, those that do not end are killed; goes on even where the waiting is interrupted."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join()

    def _keep(self) -> None:
        try:
            while not self._stopping.is_set():
                for child in self._children:
                    self._look_after(child)
                self._stopping.wait(_LOOK_S)
        finally:
            children.end([child.process for child in self._children if child.process])

    def _look_after(self, child: _Child) -> None:
        now = time.monotonic()
        if child.process is not None and (code := child.process.poll()) is not None:
            child.exits.append(code)
            lived = now - child.started
            child.pause = 0.0 if code == EXIT_AT_ONCE or lived > _SHORT_LIFE_S else _longer(child.pause)
            child.due = now + child.pause
            child.process = None
            _log.warning(
                "%s ended after %.1f s with code %s", child.name, lived, code, extra={"action": "child_ended", "child": child.name}
            )
        if child.process is None and now >= child.due:
            self._try_to_start(child, now)

    def _try_to_start(self, child: _Child, now: float) -> None:
        """Start a child; where the machine has no process, memory or file left to give, again after a pause."""
        try:
            log = self._logs / f"{child.name.replace(' ', '-')}.log" if self._logs else None
            child.process = children.start(child.command, self._environ, log)
        except OSError as error:
            child.pause = _longer(child.pause)
            child.due = now + child.pause
            _log.error("%s cannot be started: %s", child.name, error.strerror, extra={"action": "child_not_started", "child": child.name})
            return
        child.started = now
        child.starts += 1


def _longer(pause: float) -> float:
    return min(max(2 * pause, _LEAST_S), _GREATEST_S)


def muara(*arguments: str) -> list[str]:
    """Return the command line that runs `muara` with arguments in this very environment."""
    return [sys.executable, "-m", "deploy.cli", *arguments]
