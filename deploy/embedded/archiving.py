"""
Archives of loaded classes, made once on a machine, behind everything else, while the servers of a first start run.

Why: nobody should wait for it, neither at a start nor at an end: it takes a quarter of a minute of one core.
Must not: fail a command, outlive it, or leave half an archive under an archive's name.
"""

import os
import shutil
import threading
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from fcntl import LOCK_EX, LOCK_NB, flock
from pathlib import Path
from subprocess import Popen
from typing import IO, Self

from deploy import children
from deploy.embedded.java import Java

__all__ = ["Archiving", "Listed"]

PATIENCE_S = 1.0
"""How long the end of a command waits for a slow disk to take an archive that is just complete."""
ROOM_BYTES = 1_000_000_000
"""On a fuller disk none is made: a hundred megabytes each are no help there."""
KEPT = 3
"""Archives of one server that other installations use; the others' are removed."""
PRIORITY = 19
"""That of who computes only when nobody else wants to."""
_UNFINISHED = ".new"


@dataclass(frozen=True, slots=True)
class Listed:
    """A server that runs without an archive, and where the classes are listed that it has loaded."""

    java: Java
    listing: Path

    @classmethod
    def of(cls, java: Java, listing: Path) -> Self:
        """Take the whole lines of the list as it is now: the server writes on in it, and one that is started again begins it anew."""
        taken = listing.with_name(f"{listing.name}.taken")
        whole, end, _ = listing.read_bytes().rpartition(b"\n")
        taken.write_bytes(whole + end)
        return cls(java, taken)


class Archiving:
    """One thread that makes archives, one after the other, until all are there or it is stopped."""

    def __init__(self, wanted: Sequence[Listed], log: Path) -> None:
        """Begin; what the runtime says goes to `log`."""
        self._log = log
        self._making: Popen[bytes] | None = None
        self._stopped = False
        self._lock = threading.Lock()
        self._thread = threading.Thread(target=self._make_all, args=(wanted,), name="archives of classes", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End what is being made, which the next start begins anew; nobody waits long, the thread ends with the process."""
        with self._lock:
            self._stopped = True
            if self._making is not None:
                self._making.kill()
        self._thread.join(PATIENCE_S)

    def wait(self) -> None:
        """Wait until nothing is left to be made."""
        self._thread.join()

    def _make_all(self, wanted: Sequence[Listed]) -> None:
        with suppress(OSError):  # no place, a full disk: starts stay as long as they are
            for one in wanted:
                one.java.archives.mkdir(parents=True, exist_ok=True)
                with (one.java.archives / "lock").open("a") as lock:
                    self._make_first(one, lock)

    def _make_first(self, one: Listed, lock: IO[str]) -> None:
        """Make an archive, unless another command is making one, or has."""
        try:
            flock(lock, LOCK_EX | LOCK_NB)
        except BlockingIOError:
            return
        for left in one.java.archives.glob(f"*{_UNFINISHED}"):
            left.unlink(missing_ok=True)
        room = shutil.disk_usage(one.java.archives).free
        if room > ROOM_BYTES and one.listing.exists() and one.java.wanted():
            self._make(one)

    def _make(self, one: Listed) -> None:
        archive = one.java.archive
        unfinished = archive.with_name(f"{archive.name}-{os.getpid()}{_UNFINISHED}")
        code = self._run(one.java.dump_line(one.listing, unfinished))
        if code is None or code < 0:  # stopped, or killed
            unfinished.unlink(missing_ok=True)
            return
        if code > 0:  # an empty one says that it need not be tried again soon
            unfinished.write_bytes(b"")
        _synced(unfinished)
        unfinished.replace(archive)
        for unused in one.java.others()[:-KEPT]:
            unused.unlink(missing_ok=True)

    def _run(self, line: Sequence[str]) -> int | None:
        """Return the exit code, or None where it was stopped."""
        with self._lock:
            if self._stopped:
                return None
            making = self._making = children.start(line, {}, self._log)
            with suppress(OSError):  # it is gone, or we are not to be so important
                os.setpriority(os.PRIO_PROCESS, making.pid, PRIORITY)
        code = making.wait()
        with self._lock:
            self._making = None
            return None if self._stopped else code


def _synced(file: Path) -> None:
    """A power cut must not leave a damaged archive under its name."""
    with file.open("r+b") as written:
        os.fsync(written.fileno())
