"""
Who runs the services of a folder: at most one live process, by a lock that ends with it.

Why: two brokers on one log destroy it, and a lock, unlike a pid file, cannot be left behind by `kill -9`.
Must not: end anybody else's process: a second owner is told, not helped.
"""

import os
import time
from fcntl import LOCK_EX, LOCK_NB, LOCK_SH, flock
from pathlib import Path
from typing import Self

from deploy.embedded.errors import AlreadyRunning

__all__ = ["Claim", "owner_of"]

PATIENCE_S = 0.3
"""How long a claim tries: over the moment in which another command looks whether there is an owner."""


class Claim:
    """A folder held by this process until `release`, or until the process is gone."""

    def __init__(self, folder: Path, descriptor: int) -> None:
        """Keep the locked file open; forked children must not hold it on."""
        self.folder = folder
        self._descriptor: int | None = descriptor
        os.register_at_fork(after_in_child=self._close)

    @classmethod
    def on(cls, folder: Path) -> Self:
        """Claim a folder; raise `AlreadyRunning` when a live process has it."""
        descriptor = os.open(folder / "owner", os.O_RDWR | os.O_CREAT, 0o600)
        until = time.monotonic() + PATIENCE_S
        while not _locked(descriptor, LOCK_EX):
            if time.monotonic() > until:
                owner = _pid(descriptor)
                os.close(descriptor)
                raise AlreadyRunning(folder=folder, pid=owner)
            time.sleep(0.02)
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
        return cls(folder, descriptor)

    def release(self) -> None:
        """Let another process have the folder."""
        self._close()

    def _close(self) -> None:
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None


def owner_of(folder: Path) -> int | None:
    """Return the process that holds the folder's claim, or None."""
    try:
        descriptor = os.open(folder / "owner", os.O_RDONLY)
    except OSError:
        return None
    try:
        return None if _locked(descriptor, LOCK_SH) else _pid(descriptor)
    finally:
        os.close(descriptor)


def _locked(descriptor: int, kind: int) -> bool:
    try:
        flock(descriptor, kind | LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _pid(descriptor: int) -> int:
    return int(os.pread(descriptor, 20, 0) or b"0")
