"""
Fetching files of a Maven repository into the user's cache, once: side by side, verified, resumable, safe for two at once.

Why: 200 MB on a village's line must survive Ctrl-C, `kill -9` and a proxy that alters bytes.
Must not: leave an unverified file under its own name, or be imported where nothing is missing: an HTTP client takes time to load.
"""

import hashlib
from collections import defaultdict
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path
from threading import Event

import httpx2
import stamina

from deploy.embedded.artifacts import Artifact
from deploy.embedded.errors import CorruptDownload, DownloadFailed, FolderNotMade, NotInRepository
from deploy.embedded.progress import Progress
from deploy.embedded.repository import Repository

__all__ = ["fetch"]

CONNECTIONS = 6
"""Downloads side by side: fewer and the many small jars wait for each other, more and a mirror may refuse us."""
ATTEMPTS = 6
"""Tries for one file, waiting 0.2 to 5 s between them: over a lost connection, not over an absent network."""
TIMEOUT_S = 30


class _BrokenOffError(Exception):
    """The transfer broke off, and the same request may succeed."""


def fetch(artifacts: Sequence[Artifact], repository: Repository, progress: Progress, labels: Mapping[str, str]) -> list[Path]:
    """
    Return the artifacts' files, fetched where they are missing or damaged.

    `labels` names each server for the progress display. The caller holds `repository.locked`.
    Raises `DownloadFailed`, `NotInRepository` or `CorruptDownload`.
    """
    missing = [artifact for artifact in artifacts if not _intact(repository.file(artifact), artifact)]
    if missing:
        _fetch_all(missing, repository, progress, labels)
    return [repository.file(artifact) for artifact in artifacts]


def _fetch_all(missing: Sequence[Artifact], repository: Repository, progress: Progress, labels: Mapping[str, str]) -> None:
    totals: dict[str, int] = defaultdict(int)
    for artifact in missing:
        totals[labels[artifact.server]] += artifact.size
    for label, size in totals.items():
        progress.expect(label, size)
    given_up = Event()
    as_it_is = {"Accept-Encoding": "identity"}
    with httpx2.Client(follow_redirects=True, timeout=TIMEOUT_S, headers=as_it_is) as client, ThreadPoolExecutor(CONNECTIONS) as pool:
        largest_first = sorted(missing, key=lambda artifact: -artifact.size)
        transfers = [_Transfer(artifact, repository, client, progress, labels[artifact.server], given_up) for artifact in largest_first]
        jobs = [pool.submit(transfer.run) for transfer in transfers]
        try:
            for job in as_completed(jobs):
                job.result()
        except BaseException:
            given_up.set()
            pool.shutdown(cancel_futures=True)
            raise


@dataclass(frozen=True, slots=True)
class _Transfer:
    """One artifact on its way into the cache, through a file `.part` that a later run goes on with."""

    artifact: Artifact
    repository: Repository
    client: httpx2.Client
    progress: Progress
    label: str
    given_up: Event

    def run(self) -> None:
        part = self.part()
        part.parent.mkdir(parents=True, exist_ok=True)
        for last in (False, True):
            self._complete(part)
            found = _sha256(part)
            if found == self.artifact.sha256:
                part.replace(self.repository.file(self.artifact))
                return
            self.progress.arrived(self.label, -part.stat().st_size)
            part.unlink()
            if last:
                raise CorruptDownload(
                    coordinate=self.artifact.coordinate, found=found, expected=self.artifact.sha256, url=self.repository.base()
                )

    def part(self) -> Path:
        file = self.repository.file(self.artifact)
        return file.with_name(f"{file.name}.{self.artifact.sha256[:8]}.part")

    def _complete(self, part: Path) -> None:
        here = part.stat().st_size if part.exists() else 0
        if here > self.artifact.size:
            part.unlink()
            here = 0
        self.progress.arrived(self.label, here)
        try:
            for attempt in stamina.retry_context(on=_BrokenOffError, attempts=ATTEMPTS, timeout=None, wait_initial=0.2):
                with attempt:
                    self._receive(part)
        except _BrokenOffError as error:
            raise DownloadFailed(coordinate=self.artifact.coordinate, url=self.repository.base(), why=error) from error

    def _receive(self, part: Path) -> None:
        here = part.stat().st_size if part.exists() else 0
        if here == self.artifact.size:
            return
        url = f"{self.repository.base()}/{self.artifact.path}"
        try:
            with self.client.stream("GET", url, headers={"Range": f"bytes={here}-"} if here else {}) as response:
                self._accept(response, part, here)
        except (httpx2.InvalidURL, httpx2.UnsupportedProtocol) as error:
            raise DownloadFailed(coordinate=self.artifact.coordinate, url=url, why=error) from error
        except httpx2.TransportError as error:
            raise _BrokenOffError(str(error) or type(error).__name__) from error
        except OSError as error:
            raise FolderNotMade(folder=part.parent, why=error.strerror) from error

    def _accept(self, response: httpx2.Response, part: Path, here: int) -> None:
        if response.status_code == httpx2.codes.TOO_MANY_REQUESTS or response.status_code >= httpx2.codes.INTERNAL_SERVER_ERROR:
            raise _BrokenOffError(f"status {response.status_code}")
        if not response.is_success:
            raise NotInRepository(url=self.repository.base(), status=response.status_code, coordinate=self.artifact.coordinate)
        resumed = response.status_code == httpx2.codes.PARTIAL_CONTENT
        if not resumed:
            self.progress.arrived(self.label, -here)
        with part.open("ab" if resumed else "wb") as file:
            for chunk in response.iter_raw():
                file.write(chunk)
                self.progress.arrived(self.label, len(chunk))
                if self.given_up.is_set():
                    raise DownloadFailed(coordinate=self.artifact.coordinate, url=self.repository.base(), why="interrupted")
        if part.stat().st_size < self.artifact.size:
            raise _BrokenOffError("the connection closed early")


def _intact(file: Path, artifact: Artifact) -> bool:
    return file.is_file() and file.stat().st_size == artifact.size and _sha256(file) == artifact.sha256


def _sha256(file: Path) -> str:
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()
