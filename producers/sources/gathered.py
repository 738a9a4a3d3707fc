"""
Rows gathered from a file of any size: kept in memory while they are few, in unnamed files of the disk beyond, and given back in order.

Why: what a snapshot says of anybody is known only when all of it was read, and all of it may be more than memory holds.
Must not: outlive the process (whoever is killed reads the snapshot again), or hold anything that may not leave the region.
"""

import marshal
import tempfile
import weakref
from collections.abc import Iterable, Iterator
from heapq import merge
from itertools import islice
from pathlib import Path
from typing import IO, Any

from producers.faults import DiskRefuses

__all__ = ["Gathered", "Sorted"]

Row = tuple[Any, ...]
"""Of bytes, texts and numbers; where rows are sorted, no two have the same beginning, so that the rest is never compared."""
_TOGETHER = 256
"""Rows that are written and read at once."""
_IN_MEMORY = 20_000
_IN_MEMORY_BYTES = 8 << 20
_MOST_RUNS = 32
"""Sorted runs that are merged at once: each has a file open, and some rows in memory."""


class Gathered:
    """Rows in the order in which they were added; to be read any number of times."""

    def __init__(self, folder: Path | None) -> None:
        """Hold nothing yet; files are made in a folder, or where the system makes such."""
        self._folder = folder
        self._rows: list[Row] = []
        self._file: IO[bytes] | None = None
        self._count = 0

    def __len__(self) -> int:
        """Return the number of rows."""
        return self._count

    def __iter__(self) -> Iterator[Row]:
        """Give the rows; what is added meanwhile is not seen."""
        yield from _read(self._file)
        yield from self._rows

    def add(self, row: Row) -> None:
        """Add a row; raises `DiskRefuses`."""
        self._rows.append(row)
        self._count += 1
        if len(self._rows) >= _IN_MEMORY:
            self._file = self._file or _opened(self._folder, self)
            _write(self._file, self._rows, self._folder)
            self._rows = []

    def extend(self, rows: Iterable[Row]) -> None:
        """Add rows."""
        for row in rows:
            self.add(row)


class Sorted:
    """Rows that are given back in their order, sorted in runs that are merged."""

    def __init__(self, folder: Path | None) -> None:
        """Hold nothing yet."""
        self._folder = folder
        self._rows: list[Row] = []
        self._bytes = 0
        self._levels: list[list[IO[bytes]]] = [[]]
        """Runs; those of a level are each merged of as many of the level below."""

    def add(self, row: Row, size: int) -> None:
        """Add a row of so many bytes; raises `DiskRefuses`."""
        self._rows.append(row)
        self._bytes += size
        if len(self._rows) >= _IN_MEMORY or self._bytes >= _IN_MEMORY_BYTES:
            self._rows.sort()
            self._levels[0].append(self._run(self._rows))
            self._rows, self._bytes = [], 0
            level = 0
            while len(self._levels[level]) >= _MOST_RUNS:
                merged = self._run(merge(*map(_read, self._levels[level])))
                for run in self._levels[level]:
                    run.close()
                self._levels[level] = []
                level += 1
                if level == len(self._levels):
                    self._levels.append([])
                self._levels[level].append(merged)

    def __iter__(self) -> Iterator[Row]:
        """Give the rows in their order."""
        self._rows.sort()
        runs = [run for level in self._levels for run in level]
        yield from merge(*map(_read, runs), iter(self._rows)) if runs else self._rows

    def _run(self, rows: Iterable[Row]) -> IO[bytes]:
        file = _opened(self._folder, self)
        _write(file, rows, self._folder)
        return file


def _opened(folder: Path | None, owner: object) -> IO[bytes]:
    """Return a file without a name: it is gone when it is closed, at the latest when its owner goes or the process ends."""
    try:
        file = tempfile.TemporaryFile(dir=folder)  # noqa: SIM115 - its owner has it
    except OSError as error:
        raise DiskRefuses(file=folder, why=error.strerror or type(error).__name__) from error
    weakref.finalize(owner, file.close)
    return file


def _write(file: IO[bytes], rows: Iterable[Row], folder: Path | None) -> None:
    """Write rows behind those that are there."""
    left = iter(rows)
    try:
        file.seek(0, 2)
        while some := list(islice(left, _TOGETHER)):
            content = marshal.dumps(some)
            file.write(len(content).to_bytes(4, "big") + content)
        file.flush()
    except OSError as error:
        raise DiskRefuses(file=folder, why=error.strerror or type(error).__name__) from error


def _read(file: IO[bytes] | None) -> Iterator[Row]:
    """Give the rows of a file from its beginning, whatever else reads it."""
    at = 0
    while file is not None:
        file.seek(at)
        size = int.from_bytes(file.read(4), "big")
        if not size:
            return
        at += 4 + size
        yield from marshal.loads(file.read(size))  # noqa: S302 - written by this process, into a file that no other one can open
