"""Archives of loaded classes: made once behind everything else, used by every later start, and needed by none."""

import os
import shutil
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from fcntl import LOCK_EX, flock
from pathlib import Path

import psutil
import pytest

from deploy.embedded import EmbeddedServices, archiving
from deploy.embedded.archiving import Archiving, Listed
from deploy.embedded.java import Java
from deploy.embedded.programs import provide
from deploy.embedded.progress import Silent
from deploy.embedded.repository import Repository

TOOL = ("kafka.tools.StorageTool", "random-uuid")
"""A program of the broker's that is done at once."""
REFUSED = ["-Xshare:on"]
"""With it the runtime refuses to start without an archive that is of use to it."""


@pytest.fixture
def java(tmp_path: Path) -> Java:
    """The runtime with the broker's classes, as yet without an archive."""
    there = provide(Repository.from_environ(os.environ), Silent(), kafka=True, registry=False).kafka
    assert there is not None
    return replace(there, archives=tmp_path / "archives")


def run(java: Java, options: Sequence[str] = (), listing: Path | None = None) -> subprocess.CompletedProcess[str]:
    """Run the tool."""
    return subprocess.run(java.line(options, *TOOL, listing=listing), capture_output=True, text=True, check=False)  # noqa: S603 - ours


@pytest.fixture
def listed(java: Java, tmp_path: Path) -> Listed:
    """The tool, run once."""
    assert run(java, listing=tmp_path / "classes").returncode == 0
    return Listed(java, tmp_path / "classes")


def made(listed: Listed, tmp_path: Path) -> bool:
    """Let the archive be made, and tell whether it is there."""
    Archiving([listed], tmp_path / "log").wait()
    return listed.java.archive.exists()


def files(java: Java) -> set[str]:
    """Return what lies where archives are kept."""
    return {file.name for file in java.archives.iterdir()} - {"lock"}


def test_what_one_start_has_loaded_the_next_finds_ready(java: Java, listed: Listed, tmp_path: Path) -> None:
    """An archive is made of the first run's classes, and used by the next; remains of a killed command are removed."""
    assert run(java, REFUSED).returncode != 0
    java.archives.mkdir()
    (java.archives / "kafka-0123456789ab.jsa-1.new").touch()

    assert made(listed, tmp_path)

    assert files(java) == {java.archive.name}
    told = run(java, [*REFUSED, "-Xlog:class+load"])
    assert told.returncode == 0
    assert "kafka.tools.StorageTool source: shared objects file" in told.stdout


def test_a_damaged_archive_is_passed_over(java: Java, listed: Listed, tmp_path: Path) -> None:
    """What is not whole, or no archive at all, costs a start its time alone."""
    assert made(listed, tmp_path)
    whole = java.archive.read_bytes()
    for damaged in (whole[: len(whole) // 2], b"no archive", b""):
        java.archive.write_bytes(damaged)
        assert run(java).returncode == 0


def test_one_that_is_stopped_leaves_nothing(java: Java, listed: Listed, tmp_path: Path) -> None:
    """Who ends a command does not wait for an archive; the next start makes it."""
    never = Never(java.server, java.classes, java.archives)
    making = Archiving([Listed(never, listed.listing)], tmp_path / "log")
    until = time.monotonic() + 30
    while not list(java.archives.glob("*.new")):
        assert time.monotonic() < until
    assert making._making is not None
    child = psutil.Process(making._making.pid)

    began = time.monotonic()
    making.stop()

    assert time.monotonic() - began < 10
    making.wait()
    assert not child.is_running()
    assert files(java) == set()
    again = Archiving([listed], tmp_path / "log")
    again.stop()
    again.wait()
    assert made(listed, tmp_path)


def test_a_server_that_starts_again_meanwhile_does_not_spoil_the_list(java: Java, tmp_path: Path) -> None:
    """An archive is made of the list as it was taken, its whole lines; not of the one that a second run has just begun."""
    listing = tmp_path / "classes"
    assert run(java, listing=listing).returncode == 0
    with listing.open("a") as written:
        written.write("java/lang/Str")
    taken = Listed.of(java, listing)
    listing.write_text("java/lang/Object id: 0\n")

    assert made(taken, tmp_path)

    assert "kafka.tools.StorageTool source: shared objects file" in run(java, ["-Xlog:class+load"]).stdout


def test_another_file_of_the_same_name_has_another_archive(java: Java, tmp_path: Path) -> None:
    """The runtime refuses an archive whose classes' files are not the same, to the moment; it would be of no use for ever."""
    jar = tmp_path / "one.jar"
    shutil.copy2(java.classes[0], jar)
    fetched = replace(java, classes=[jar, *java.classes[1:]])
    before = fetched.archive
    os.utime(jar, (1, 1))

    assert fetched.archive != before


def test_two_commands_make_one(java: Java, listed: Listed, tmp_path: Path) -> None:
    """While one command makes archives, another leaves it to it."""
    java.archives.mkdir()
    with (java.archives / "lock").open("a") as lock:
        flock(lock, LOCK_EX)
        assert not made(listed, tmp_path)

    assert made(listed, tmp_path)


def test_without_place_none_is_made(java: Java, listed: Listed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A full disk is not filled further; a folder that cannot be made fails nothing."""
    with monkeypatch.context() as full:
        full.setattr(archiving, "ROOM_BYTES", shutil.disk_usage(tmp_path).free * 2)
        assert not made(listed, tmp_path)

    shutil.rmtree(java.archives)
    java.archives.touch()
    Archiving([listed], tmp_path / "log").wait()
    assert run(java).returncode == 0


def test_services_make_them_for_those_that_start_later(directory: Path, java: Java, monkeypatch: pytest.MonkeyPatch) -> None:
    """The first start's broker lists what it loads, from which an archive is made while it runs; the second has it from there."""
    monkeypatch.setattr(Repository, "classes", java.archives)
    nowhere = "http://127.0.0.1:9"
    lines = []
    for _ in range(2):
        with EmbeddedServices.start(directory, registry=nowhere, database=nowhere) as services:
            lines.append(psutil.Process(services.kafka.pid).cmdline())
            if services._archiving is not None:
                services._archiving.wait()

    assert [any("DumpLoadedClassList" in part for part in line) for line in lines] == [True, False]
    assert f"-XX:SharedArchiveFile={java.archive}" in lines[1]


@dataclass(frozen=True, slots=True)
class Never(Java):
    """A runtime that is never done with an archive."""

    def dump_line(self, listing: Path, archive: Path) -> list[str]:  # noqa: ARG002 - as the runtime's
        """Write a part, and wait."""
        return ["/bin/sh", "-c", 'echo half an archive > "$0" && exec sleep 600', str(archive)]


@dataclass(frozen=True, slots=True)
class Unable(Java):
    """A runtime of which no archive can be made now."""

    def dump_line(self, listing: Path, archive: Path) -> list[str]:  # noqa: ARG002 - it fails
        """Fail."""
        return ["/bin/false"]


def test_where_none_can_be_made_it_is_tried_once(java: Java, listed: Listed, tmp_path: Path) -> None:
    """An empty file says that it could not be made; starts go on without, and list nothing until a day has passed."""
    unable = Unable(java.server, java.classes, java.archives)

    assert made(Listed(unable, listed.listing), tmp_path)

    assert unable.archive.stat().st_size == 0
    assert run(unable).returncode == 0
    assert not unable.wanted()
    assert unable.line([], *TOOL, listing=tmp_path / "again") == unable.line([], *TOOL)

    os.utime(unable.archive, (time.time() - 90_000,) * 2)
    assert f"-XX:DumpLoadedClassList={tmp_path / 'again'}" in unable.line([], *TOOL, listing=tmp_path / "again")
    assert made(listed, tmp_path)
    assert java.archive.stat().st_size > 1_000_000


def test_archives_of_other_installations_stay_while_they_are_used(java: Java, listed: Listed, tmp_path: Path) -> None:
    """Each installation has its own; of more than a few the one that nobody has used for the longest time goes."""
    java.archives.mkdir()
    for number in range(archiving.KEPT + 1):
        other = java.archives / f"kafka-{number:012}.jsa"
        other.write_bytes(b"theirs")
        os.utime(other, (number, number))
    (java.archives / "registry-000000000000.jsa").write_bytes(b"another server's")

    assert made(listed, tmp_path)

    kept = {f"kafka-{number:012}.jsa" for number in range(1, archiving.KEPT + 1)}
    assert files(java) == {java.archive.name, "registry-000000000000.jsa", *kept}
    os.utime(java.archive, (1, 1))
    assert run(java).returncode == 0
    assert java.archive.stat().st_mtime > 1
