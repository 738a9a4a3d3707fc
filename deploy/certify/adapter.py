"""
The adapter under certification as seen from outside: started, killed, waited for, its status read.

Why: what counts is what its file says and what the broker holds, not which calls were made.
Must not: look into the adapter's process.
"""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import psutil

from deploy import children
from deploy.embedded import Addresses
from producers.checkpoint import AdapterStatus, status
from producers.drift_log import drifted, looked_at
from producers.ledger import receipt_of
from producers.quarantine import PutAside, quarantined
from producers.shape import LEARNT
from schemas.errors import Fatal
from schemas.receipts import Receipt

__all__ = ["OWN_CODE", "PATIENCE_S", "Adapter", "DidNotHappen", "until"]

OWN_CODE = (sys.executable, "-m", "deploy.certify.process")
"""The command that runs the adapter's own code on a region file."""
PATIENCE_S = 30.0
_SPOOL_BYTES = 64 << 20
_END_S = 10.0
_SAME_CLOCK_S = 1.0


class DidNotHappen(Fatal):
    """after {wait_s:.0f} s it was still not so: {what}"""


def until(true: Callable[[], bool], what: str, patience_s: float = PATIENCE_S) -> None:
    """Wait until something is so; raises `DidNotHappen`."""
    deadline = time.monotonic() + patience_s
    while not true():
        if time.monotonic() > deadline:
            raise DidNotHappen(wait_s=patience_s, what=what)
        time.sleep(0.02)


class Adapter:
    """One adapter, run as often as a scenario likes, always over the same file until that is lost."""

    def __init__(
        self,
        region_file: Path,
        environ: Mapping[str, str],
        where: Addresses,
        folder: Path,
        command: Sequence[str],
        all_taken: Callable[[], bool] = lambda: True,
        passes: int = 1,
    ) -> None:
        """
        Run nothing yet.

        `environ` fills the region file's placeholders and holds key and secrets; `all_taken` tells whether a source has pushed all, and
        after being caught up `passes` times all is read that was told before.
        """
        self._all_taken, self._passes = all_taken, passes
        self.state, self.log, self._clock = folder / "state", folder / "adapter.log", folder / "clock"
        self.peak_mb = 0.0
        """The greatest resident memory of any run so far, in MB."""
        self.starts = 0
        self.patience_s = PATIENCE_S
        """How long anything is waited for; a first load has its own."""
        self._command = [*command, str(region_file)]
        self._environ = {
            **{name: value for name, value in os.environ.items() if not name.startswith("MUARA_")},
            **environ,
            "CERTIFICATION_KAFKA": where.kafka,
            "CERTIFICATION_REGISTRY": where.registry,
            "CERTIFICATION_STATE": str(self.state),
            "CERTIFICATION_SPOOL_BYTES": str(_SPOOL_BYTES),
            "CERTIFICATION_CLOCK": str(self._clock),
        }
        self.state.mkdir()
        self.set_clock()

    @contextmanager
    def running(self, environ: Mapping[str, str] | None = None, **told: str) -> Iterator[subprocess.Popen[bytes]]:
        """
        Run the adapter until the end of the block, where it is asked to end; raises `DidNotHappen` where it does not, or not well.

        `environ` are settings of its own that are others this time; the rest tells how it is certified (see process.py).
        """
        environ = {**self._environ, **(environ or {}), **{f"CERTIFICATION_{name.upper()}": value for name, value in told.items()}}
        process = children.start(self._command, environ, self.log)
        self.starts += 1
        try:
            yield process
            self._weigh(process)
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
                self._ended_well(process)
        finally:
            children.end([process])

    def set_clock(self, wrong_by: timedelta = timedelta()) -> None:
        """Let the clock of the adapter's machine be wrong, from now on, running or not; without an argument right again."""
        self._wrong_s = wrong_by.total_seconds()
        part = self._clock.with_suffix(".part")
        part.write_text(str(self._wrong_s), encoding="ascii")
        part.replace(self._clock)

    def refuses_to_start(self, **environ: str) -> str:
        """
        Start the adapter with other settings, with which it must not work; return its last words.

        Raises `DidNotHappen` where it does not end by itself, or as if all were well.
        """
        process = children.start(self._command, {**self._environ, **environ}, self.log)
        try:
            if process.wait(_END_S) == 0:
                raise DidNotHappen(wait_s=0.0, what="the adapter ends with an exit code that tells of a fault")
        except subprocess.TimeoutExpired:
            raise DidNotHappen(wait_s=_END_S, what="the adapter refuses to work so, and ends") from None
        finally:
            children.end([process])
        return self._last_words()

    def _ended_well(self, process: subprocess.Popen[bytes]) -> None:
        try:
            code = process.wait(_END_S)
        except subprocess.TimeoutExpired:
            raise DidNotHappen(wait_s=_END_S, what="the adapter ends when it is asked to") from None
        if code != 0:
            raise DidNotHappen(wait_s=0.0, what=f"the adapter ends with exit code 0 (it was {code}: {self._last_words()})")

    def _last_words(self) -> str:
        lines = self.log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
        return lines[-1][:300] if lines else "it said nothing"

    def run_until_told(self) -> AdapterStatus:
        """Run until all that the source has is delivered; return how the adapter stands then."""
        with self.running() as process:
            return self.wait_told(process)

    def wait_told(self, process: subprocess.Popen[bytes], patience_s: float | None = None) -> AdapterStatus:
        """Wait until all that the source had when this was called is delivered; raises `DidNotHappen`, at once where the process ends."""
        for _ in range(self._passes):
            self._wait_caught_up(process, patience_s or self.patience_s)
        found = self.status
        assert found is not None  # noqa: S101 - it was told
        return found

    def _wait_caught_up(self, process: subprocess.Popen[bytes], patience_s: float) -> None:
        pushed = [time.time()]

        def told() -> bool:
            found = self.status
            if process.poll() is not None:
                raise DidNotHappen(wait_s=0.0, what=f"the adapter goes on (it ended with {process.returncode}: {self._last_words()})")
            self._weigh(process)
            if not self._all_taken():
                pushed[0] = time.time()
                return False
            return found is not None and found.caught_up and self._asked_since(found, pushed[0])

        until(told, "everything that the source tells is delivered", patience_s)

    def _asked_since(self, found: AdapterStatus, since_s: float) -> bool:
        """Return whether the newest reading began after a moment; one whose time only the adapter's clock of before explains is older."""
        asked_s = found.asked_at.timestamp() - self._wrong_s if found.asked_at else 0.0
        return since_s < asked_s < time.time() + _SAME_CLOCK_S

    def lose_disk(self) -> None:
        """Remove the adapter's file, as a disk does that is lost."""
        for part in self.state.iterdir():
            part.unlink()

    @property
    def status(self) -> AdapterStatus | None:
        """How the adapter stands, or None before its first start."""
        return status(self.file) if self.file else None

    @property
    def file(self) -> Path | None:
        """The adapter's file, where there is one."""
        return next((one for one in self.state.glob("*.sqlite") if not one.name.endswith(".resend.sqlite")), None)

    @property
    def put_aside(self) -> Sequence[PutAside]:
        """What it has put aside, the newest last."""
        return quarantined(self.file) if self.file else []

    @property
    def drifts(self) -> Mapping[tuple[str, str, str], int]:
        """What it has told of its source's drift: how many records, by field, kind and mode."""
        return {(one.field, one.kind, one.mode): one.count for one in drifted(self.file)} if self.file else {}

    @property
    def learns_from(self) -> int:
        """How many records more it looks at to learn what its source has."""
        return LEARNT - (looked_at(self.file) if self.file else 0)

    @property
    def receipt(self) -> Receipt | None:
        """What it says of all that it has sent since its file was made."""
        return receipt_of(self.file) if self.file else None

    def kept_bytes(self) -> bytes:
        """Return everything that the adapter has on disk, its log included."""
        return b"".join(part.read_bytes() for part in (*self.state.iterdir(), self.log) if part.is_file())

    def _weigh(self, process: subprocess.Popen[bytes]) -> None:
        try:
            self.peak_mb = max(self.peak_mb, psutil.Process(process.pid).memory_info().rss / 1e6)
        except psutil.NoSuchProcess:
            return
