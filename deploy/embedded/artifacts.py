"""
The Java programs that we run, by Maven coordinate, SHA-256 and size: the list `artifacts.tsv`, and where each lies.

Why: the same bytes on every machine, whatever a repository answers; a jar more or less is a line in a diff.
Must not: fetch (fetch.py does).
"""

from dataclasses import dataclass
from importlib.resources import files

__all__ = ["KAFKA", "REGISTRY", "Artifact", "artifacts_of"]

KAFKA = "kafka"
REGISTRY = "registry"


@dataclass(frozen=True, slots=True)
class Artifact:
    """One file of a Maven repository."""

    server: str
    """Who needs it: `kafka` or `registry`."""
    coordinate: str
    """`group:name:version`, a jar, or `group:name:version:extension:classifier`."""
    sha256: str
    size: int
    """In bytes."""

    @property
    def path(self) -> str:
        """
        Its place in any Maven repository, and in our cache.

        >>> Artifact("kafka", "org.slf4j:slf4j-api:1.7.36", "", 0).path
        'org/slf4j/slf4j-api/1.7.36/slf4j-api-1.7.36.jar'
        >>> Artifact("registry", "org.example:app:3.3.3:tar.gz:all", "", 0).path
        'org/example/app/3.3.3/app-3.3.3-all.tar.gz'
        """
        group, name, version, *kind = self.coordinate.split(":")
        extension, classifier = kind or ("jar", "")
        file = "-".join(filter(None, (name, version, classifier)))
        return f"{group.replace('.', '/')}/{name}/{version}/{file}.{extension}"


def artifacts_of(server: str) -> list[Artifact]:
    """Return what a server needs, in the list's order."""
    lines = files("deploy.embedded").joinpath("artifacts.tsv").read_text(encoding="utf-8").splitlines()[1:]
    rows = (line.split("\t") for line in lines)
    return [Artifact(owner, coordinate, sha256, int(size)) for owner, coordinate, sha256, size in rows if owner == server]
