"""The list of Java programs, and their unpacking."""

import io
import re
import tarfile
from importlib.resources import files
from pathlib import Path

import pytest

from deploy.embedded import Repository, Silent, fetch
from deploy.embedded.artifacts import KAFKA, REGISTRY, Artifact, artifacts_of
from deploy.embedded.programs import LABELS, provide


def test_the_list() -> None:
    """Every line has a coordinate, a SHA-256 and a size; the versions are those that we show; Kafka has a log."""
    kafka, registry = artifacts_of(KAFKA), artifacts_of(REGISTRY)

    assert all(re.fullmatch(r"[0-9a-f]{64}", artifact.sha256) and artifact.size > 0 for artifact in kafka + registry)
    assert f"org.apache.kafka:kafka_2.13:{LABELS[KAFKA].split()[-1]}" in [artifact.coordinate for artifact in kafka]
    assert [artifact.coordinate for artifact in registry] == [
        f"io.apicurio:apicurio-registry-app:{LABELS[REGISTRY].split()[-1]}:tar.gz:all"
    ]
    assert any("log4j-slf4j-impl" in artifact.coordinate for artifact in kafka)


def test_no_host_is_named() -> None:
    """Nothing in the package names a machine other than this one."""
    texts = [file.read_text(encoding="utf-8") for file in files("deploy.embedded").iterdir() if file.is_file()]

    assert [found for text in texts for found in re.findall(r"\w+://[^\s\"'`{}]+", text)] == []


def test_unpacked_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The registry is unpacked under its own name at once and whole, over the remains of a killed start, and its archive is not kept."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as archive:
        for jar in ("lib/main/b.jar", "lib/main/a.jar", "app/app.jar", "quarkus-run.jar"):
            archive.addfile(tarfile.TarInfo(jar))
    fetched: list[Path] = []

    def give(artifacts: list[Artifact], repository: Repository, *_: object) -> list[Path]:
        for artifact in artifacts:
            file = repository.file(artifact)
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(packed.getvalue())
            fetched.append(file)
        return [repository.file(artifact) for artifact in artifacts]

    monkeypatch.setattr(fetch, "fetch", give)
    repository = Repository(cache=tmp_path)
    remains = tmp_path / f"registry-{artifacts_of(REGISTRY)[0].sha256[:12]}.new" / "half"
    remains.mkdir(parents=True)

    first = provide(repository, Silent(), kafka=False, registry=True)
    second = provide(repository, Silent(), kafka=False, registry=True)

    assert first == second
    assert first.registry is not None
    assert [file.name for file in first.registry.classes] == [
        "transformed-bytecode.jar",
        "generated-bytecode.jar",
        "app.jar",
        "a.jar",
        "b.jar",
    ]
    assert all(file.exists() for file in first.registry.classes[2:])
    assert not remains.exists()
    assert len(fetched) == 1
    assert not fetched[0].exists()
