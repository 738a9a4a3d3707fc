"""
The Java programs, ready to run: Kafka's class path, and the registry's folder, unpacked once.

Why: the registry comes as one archive of 158 MB; unpacked it is 168 MB, and the archive is not kept beside it.
Must not: start anything.
"""

import os
import shutil
import tarfile
from dataclasses import dataclass
from pathlib import Path

from deploy.embedded.artifacts import KAFKA, REGISTRY, Artifact, artifacts_of
from deploy.embedded.errors import FolderNotMade
from deploy.embedded.java import Java
from deploy.embedded.progress import Progress
from deploy.embedded.repository import Repository

__all__ = ["LABELS", "Programs", "provide"]

LABELS = {KAFKA: "Apache Kafka 4.3.1", REGISTRY: "Apicurio Registry 3.3.3"}


@dataclass(frozen=True, slots=True)
class Programs:
    """The runtime with the classes of what was asked for; None where it was not."""

    kafka: Java | None
    registry: Java | None


def provide(repository: Repository, progress: Progress, *, kafka: bool, registry: bool) -> Programs:
    """Fetch what is wanted and not yet here; raise what `fetch` raises."""
    if not (kafka or registry):
        return Programs(kafka=None, registry=None)
    from deploy.embedded.fetch import fetch  # noqa: PLC0415 - an HTTP client, which whoever only asks for addresses does without

    jars = artifacts_of(KAFKA) if kafka else []
    archives = artifacts_of(REGISTRY) if registry else []
    with repository.locked(progress):
        packed = [archive for archive in archives if not _unpacked(repository, archive).is_dir()]
        fetched = fetch(jars + packed, repository, progress, LABELS)
        for archive, file in zip(packed, fetched[len(jars) :], strict=True):
            try:
                _unpack(file, _unpacked(repository, archive))
            except OSError as error:
                raise FolderNotMade(folder=repository.cache, why=error.strerror) from error
    return Programs(
        kafka=Java(KAFKA, fetched[: len(jars)], repository.classes) if kafka else None,
        registry=Java(REGISTRY, _class_path(_unpacked(repository, archives[0])), repository.classes) if registry else None,
    )


def _class_path(folder: Path) -> list[Path]:
    """
    Return the registry's jars in the order of Quarkus' own launcher: classes that its build has changed come before what they were.

    The launcher itself, `quarkus-run.jar`, loads them by a loader of its own, of which no archive can be made.
    """
    changed = [folder / "quarkus" / f"{name}-bytecode.jar" for name in ("transformed", "generated")]
    return [*changed, *(jar for part in ("app", "lib/boot", "lib/main") for jar in sorted((folder / part).glob("*.jar")))]


def _unpacked(repository: Repository, archive: Artifact) -> Path:
    return repository.cache / f"registry-{archive.sha256[:12]}"


def _unpack(file: Path, folder: Path) -> None:
    unfinished = folder.with_name(f"{folder.name}.new")
    shutil.rmtree(unfinished, ignore_errors=True)
    with tarfile.open(file) as archive:
        archive.extraction_filter = getattr(tarfile, "data_filter", lambda member, _: member)  # 3.11.0 to 3.11.3 have none
        archive.extractall(unfinished)  # noqa: S202 - its SHA-256 was checked
    os.sync()  # or a power cut leaves empty jars under the final name
    unfinished.rename(folder)
    file.unlink()
