"""
One server as a child process: its start, its log, its readiness, its end.

Why: Kafka, registry and PostgreSQL differ in what they are called with, not in how they live; fault tests stop and kill each alike.
Must not: know any of them; each is a `Program`.
"""

import signal
import subprocess
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event
from typing import Protocol

import psutil

from deploy.embedded.account import Account
from deploy.embedded.errors import PortTaken, ServerEnded, ServerNotReady, ServerNotRunning, StartInterrupted
from deploy.embedded.processes import RECORD, end_all, recorded

__all__ = ["Command", "Program", "Server"]

READY_S = 90
"""A broker with thousands of partitions may mend its logs for a minute after a power cut; more means that it hangs."""
PAUSE_S = 0.05
TAIL_LINES = 15
LOG_BYTES = 10_000_000
"""A log that has grown so far is put aside at the next start."""
TAKEN = ("Address already in use", "in use by another process")
"""How the three servers say that somebody else listens on their port."""


@dataclass(frozen=True, slots=True)
class Command:
    """What a server is called with; its environment is only what is named here."""

    line: list[str]
    environ: Mapping[str, str] = field(default_factory=dict)
    account: Account | None = None


class Program(Protocol):
    """What makes a child process this server and no other."""

    @property
    def name(self) -> str:
        """What a person calls it."""

    @property
    def folder(self) -> Path:
        """Where it works and has its data; the pid record lies there too."""

    @property
    def stop_signal(self) -> signal.Signals:
        """What makes it end in order."""

    @property
    def stop_s(self) -> float:
        """How long that may take before it is killed."""

    def prepare(self) -> None:
        """Make folders, settings and the first data, where they are missing."""

    def command(self) -> Command:
        """Return what to run."""

    def ready(self) -> bool:
        """Tell whether it answers; quick, and quiet when not."""


class Server:
    """A `Program` that can be started, stopped and killed, on the same port and data each time."""

    def __init__(self, program: Program, log: Path, interrupted: Event | None = None) -> None:
        """Start nothing yet; `interrupted` ends a wait for readiness from another thread."""
        self.program = program
        self.log = log
        self._interrupted = interrupted or Event()
        self._process: subprocess.Popen[bytes] | None = None
        self._log_from = 0

    @property
    def name(self) -> str:
        """What a person calls it."""
        return self.program.name

    @property
    def pid(self) -> int:
        """The process number; raises `ServerNotRunning`."""
        if self._process is None:
            raise ServerNotRunning(server=self.name)
        return self._process.pid

    @property
    def running(self) -> bool:
        """Whether its process lives."""
        return self._process is not None and self._process.poll() is None

    def start(self) -> float:
        """
        Start it, wait until it answers and return the seconds.

        Raises, with the end of its log, `ServerEnded`, `PortTaken` where that was why, or `ServerNotReady`.
        """
        if self.running:
            return 0.0
        began = time.monotonic()
        self.program.prepare()
        self._process = self._spawn()
        while not self.program.ready():
            self._check(time.monotonic() - began)
            time.sleep(PAUSE_S)
        return time.monotonic() - began

    def stop(self) -> None:
        """End it in order, by force where it takes too long; nothing happens to one that is not running."""
        if self._process is None:
            return
        if self.running:
            self._process.send_signal(self.program.stop_signal)
            try:
                self._process.wait(self.program.stop_s)
            except subprocess.TimeoutExpired:
                self.kill()
        self._forget()

    def kill(self) -> None:
        """End it and its children as `kill -9` does."""
        if self._process is None:
            return
        if self.running:
            end_all(psutil.Process(self._process.pid))
            self._process.wait()
        self._forget()

    def restart(self, *, kill: bool = False) -> float:
        """End it, in order or as `kill -9` does, start it again and return the seconds until it answered."""
        if kill:
            self.kill()
        else:
            self.stop()
        return self.start()

    def check(self) -> None:
        """Raise `ServerEnded` when it has ended by itself."""
        if self._process is not None and self._process.poll() is not None:
            raise self._ended(ServerEnded, self._process.returncode)

    @property
    def _record(self) -> Path:
        return self.program.folder / RECORD

    def _spawn(self) -> subprocess.Popen[bytes]:
        command = self.program.command()
        account = command.account
        if self.log.exists() and self.log.stat().st_size > LOG_BYTES:
            self.log.replace(self.log.with_name(f"{self.log.name}.1"))
        with self.log.open("ab") as log:
            self._log_from = log.tell()
            return subprocess.Popen(  # noqa: S603 - the line is ours
                recorded(self.program.folder, command.line),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                cwd=self.program.folder,
                env={"PATH": "/usr/bin:/bin", "LANG": "C.UTF-8", **command.environ},
                start_new_session=True,  # Ctrl-C is for the command, which ends its servers in order
                user=account.uid if account else None,
                group=account.gid if account else None,
                extra_groups=[] if account else None,
            )

    def _ended(self, why: type[ServerEnded], code: int) -> ServerEnded:
        return why(server=self.name, code=code, log=self.log, tail=_tail(self._said()))

    def _check(self, waited_s: float) -> None:
        if self._process is not None and self._process.poll() is not None:
            taken = any(words in self._said() for words in TAKEN)
            raise self._ended(PortTaken if taken else ServerEnded, self._process.returncode)
        if self._interrupted.is_set():
            raise StartInterrupted(server=self.name)
        if waited_s > READY_S:
            raise ServerNotReady(server=self.name, limit_s=READY_S, log=self.log, tail=_tail(self._said()))

    def _said(self) -> str:
        """Return its log since this start."""
        with self.log.open("rb") as log:
            log.seek(self._log_from)
            return log.read().decode(errors="replace")

    def _forget(self) -> None:
        self._process = None
        self._record.unlink(missing_ok=True)


def _tail(said: str) -> str:
    return "\n".join(f"  {line}" for line in said.splitlines()[-TAIL_LINES:])
