"""
The Maven repository that servers' programs come from, and the user's cache in which they are kept.

Why: what is kept is used again by every folder and command of this user, one after the other.
Must not: name a repository: Maven Central's address comes from jgo, or MUARA_MAVEN; nor fetch (deploy/embedded/fetch.py does).
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from fcntl import LOCK_EX, LOCK_NB, flock
from pathlib import Path

import platformdirs

from deploy.embedded.artifacts import Artifact
from deploy.embedded.errors import FolderNotMade
from deploy.embedded.progress import Progress

__all__ = ["Repository"]


@dataclass(frozen=True, slots=True)
class Repository:
    """Where artifacts come from and where they are kept."""

    cache: Path
    address: str | None = None
    """Base address of a Maven repository; without it Maven Central's, as jgo knows it."""

    @classmethod
    def from_environ(cls, environ: Mapping[str, str]) -> "Repository":
        """Read MUARA_CACHE and MUARA_MAVEN."""
        cache = environ.get("MUARA_CACHE")
        kept = Path(cache).expanduser() if cache else platformdirs.user_cache_path("muara")
        return cls(cache=kept.absolute(), address=environ.get("MUARA_MAVEN") or None)

    def base(self) -> str:
        """Return the address to fetch from, without a slash at its end."""
        if self.address is None:
            from jgo.constants import MAVEN_CENTRAL_URL  # noqa: PLC0415 - 0.1 s, needed once in a machine's life

            return str(MAVEN_CENTRAL_URL)
        return self.address.rstrip("/")

    @property
    def classes(self) -> Path:
        """Where archives of loaded classes are kept."""
        return self.cache / "classes"

    def file(self, artifact: Artifact) -> Path:
        """Return where the artifact is kept, there or not."""
        return self.cache / "maven" / artifact.path

    @contextmanager
    def locked(self, progress: Progress) -> Iterator[None]:
        """Hold the cache against other processes; wait for one that fills it."""
        try:
            self.cache.mkdir(parents=True, exist_ok=True)
            lock = (self.cache / "lock").open("a")
        except OSError as error:
            raise FolderNotMade(folder=self.cache, why=error.strerror) from error
        with lock:
            try:
                flock(lock, LOCK_EX | LOCK_NB)
            except BlockingIOError:
                progress.say(f"waiting for another process, which fills {self.cache}")
                flock(lock, LOCK_EX)
            yield
