"""Where data lies, who holds it, which ports and processes are its own."""

import errno
import json
import os
import random
import shutil
import signal
import socket
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from deploy.embedded import place, ports
from deploy.embedded.account import make_folder
from deploy.embedded.errors import AlreadyRunning, FolderNotMade, NoPortFree
from deploy.embedded.ownership import Claim, owner_of
from deploy.embedded.processes import RECORD, end_left_behind, recorded

HOLDER = """
import sys
from pathlib import Path
from deploy.embedded.ownership import Claim
claim = Claim.on(Path(sys.argv[1]))
print(flush=True)
input()
"""
CHOOSER = """
import sys
from pathlib import Path
from deploy.embedded import ports
ports._choice = lambda: range(int(sys.argv[2]), int(sys.argv[3]))
ports.ports_for(("a", "b"), Path(sys.argv[1]))
print(flush=True)
input()
"""
ROOT = os.geteuid() == 0


def four_free() -> range:
    """Return four ports in a row that nobody else chooses, and nobody has now."""
    below = range(ports.CHOICE.start - 4_000, ports.CHOICE.start, 4)
    return next(choice for start in random.sample(below, len(below)) if all(map(ports.free, choice := range(start, start + 4))))


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Keep root's other folder inside the test's."""
    monkeypatch.setattr(place, "ELSEWHERE", tmp_path / "elsewhere")
    return tmp_path / "elsewhere"


def test_an_open_directory_keeps_its_data(directory: Path) -> None:
    """In a directory that others can pass through, data lies in the directory itself."""
    assert place.settle(directory).folder == place.found(directory) == directory / "services"


@pytest.mark.parametrize("closed_by", ["mode", "home"])
def test_a_closed_directory(directory: Path, elsewhere: Path, monkeypatch: pytest.MonkeyPatch, closed_by: str) -> None:
    """Root's data lies elsewhere when its home or a closed folder is above; nobody's mode is changed, and others stay where they are."""
    home = directory / "home"
    home.mkdir(mode=0o700 if closed_by == "mode" else 0o755)
    if closed_by == "home":
        monkeypatch.setenv("HOME", str(home))
    mode = stat.S_IMODE(home.stat().st_mode)

    settled = place.settle(home / ".muara")

    assert settled.folder.is_relative_to(elsewhere) == ROOT
    assert place.found(home / ".muara") == settled.folder
    assert place.settle(home / ".muara") == settled
    assert stat.S_IMODE(home.stat().st_mode) == mode


def test_a_directory_made_anew(directory: Path) -> None:
    """When a closed directory was removed, the data elsewhere of its successor at the same path is known as abandoned."""
    directory.chmod(0o700)
    first = place.settle(directory / ".muara")
    shutil.rmtree(directory / ".muara")

    second = place.settle(directory / ".muara")

    assert not first.abandoned
    assert second.abandoned == ROOT


def test_a_path_that_is_taken(directory: Path) -> None:
    """A file in the folder's place is one clear line."""
    (directory / ".muara").touch()

    with pytest.raises(FolderNotMade, match=r"the folder .*/.muara/services cannot be made or written \("):
        place.settle(directory / ".muara")


def test_a_claim_ends_with_its_process(tmp_path: Path) -> None:
    """A folder has one owner at a time; its release, or its death by `kill -9`, frees it."""
    line = [sys.executable, "-c", HOLDER, str(tmp_path)]
    with subprocess.Popen(line, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:  # noqa: S603 - the line is ours
        assert other.stdout is not None
        other.stdout.readline()
        assert owner_of(tmp_path) == other.pid
        with pytest.raises(AlreadyRunning, match=f"belong to process {other.pid}, which is running"):
            Claim.on(tmp_path)
        other.kill()

    assert owner_of(tmp_path) is None
    claim = Claim.on(tmp_path)
    assert owner_of(tmp_path) == os.getpid()
    claim.release()
    assert owner_of(tmp_path) is None


def test_ports_are_kept_while_free(tmp_path: Path) -> None:
    """Ports stay the same from start to start; one that is taken is chosen anew, below the range of outgoing connections."""
    first = ports.ports_for(("a", "b"), tmp_path / "ports.json")
    assert ports.ports_for(("a", "b"), tmp_path / "ports.json") == first

    with socket.create_server(("127.0.0.1", first["a"])):
        second = ports.ports_for(("a", "b", "c"), tmp_path / "ports.json")

    assert second["b"] == first["b"]
    assert len({first["a"], *second.values()}) == 4
    assert max(second.values()) < 32_768


def test_no_two_commands_choose_the_same_ports(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ports belong to one command until it lets go of them or ends, `kill -9` included, also while nobody listens there for a moment."""
    choice = four_free()
    monkeypatch.setattr(ports, "_choice", lambda: choice)
    theirs = tmp_path / "theirs.json"
    line = [sys.executable, "-c", CHOOSER, str(theirs), str(choice.start), str(choice.stop)]
    with subprocess.Popen(line, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:  # noqa: S603 - the line is ours
        assert other.stdout is not None
        other.stdout.readline()
        mine = ports.ports_for(("a", "b"), tmp_path / "mine.json")
        chosen = json.loads(theirs.read_text())
        assert {*mine.values(), *chosen.values()} == set(choice)
        shutil.copy(theirs, tmp_path / "copied.json")
        with pytest.raises(NoPortFree, match=f"none of the ports from {choice.start} to {choice.stop - 1} is free"):
            ports.ports_for(("a", "b"), tmp_path / "copied.json")
        other.kill()

    assert ports.ports_for(("a", "b"), theirs) == chosen
    assert ports.ports_for(("a", "b"), tmp_path / "mine.json") == mine
    ports.release(theirs)
    assert ports.ports_for(("a", "b"), tmp_path / "copied.json") == chosen
    ports.release(tmp_path / "copied.json")
    ports.release(tmp_path / "mine.json")


def test_no_two_names_get_the_same_port(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where a kept port is taken, the one kept for another name is not chosen instead; a file in which it was is mended."""
    choice, kept = four_free(), tmp_path / "ports.json"
    monkeypatch.setattr(ports, "_choice", lambda: choice)
    kept.write_text(json.dumps({"a": choice[0], "b": choice[1], "c": choice[2]}))
    with socket.create_server(("127.0.0.1", choice[0])):
        assert ports.ports_for(("a", "b", "c"), kept) == {"a": choice[3], "b": choice[1], "c": choice[2]}
    ports.release(kept)

    kept.write_text(json.dumps({"a": choice[1], "b": choice[1]}))
    assert len(set(ports.ports_for(("a", "b"), kept).values())) == 2
    ports.release(kept)


def test_where_ports_cannot_be_held_they_are_chosen_all_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A system that gives no such names leaves it to chance, as it is among strangers."""

    class Nameless(socket.socket):
        def bind(self, address: Any) -> None:
            if self.family == socket.AF_UNIX:
                raise PermissionError(errno.EPERM, os.strerror(errno.EPERM))
            super().bind(address)

    monkeypatch.setattr(socket, "socket", Nameless)
    assert len(set(ports.ports_for(("a", "b"), tmp_path / "ports.json").values())) == 2
    ports.release(tmp_path / "ports.json")


@pytest.mark.parametrize(
    ("outgoing", "expected"),
    [
        ("32768\t60999\n", ports.CHOICE),
        ("16000 65535", range(10_000, 16_000)),
        ("10000 30000", range(30_001, 65_536)),
        ("1024 65535", ports.CHOICE),
        ("", ports.CHOICE),
        (None, ports.CHOICE),
    ],
)
def test_ports_for_outgoing_connections_are_left_alone(
    outgoing: str | None, expected: range, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On a system that gives other ports than usual to outgoing connections, others are chosen; with none left, the usual ones."""
    told = tmp_path / "ip_local_port_range"
    monkeypatch.setattr(ports, "OUTGOING", told)
    if outgoing is not None:
        told.write_text(outgoing)

    assert ports._choice() == expected
    assert ports.free_port() in expected


def test_left_behind_is_ended_and_nothing_else(tmp_path: Path) -> None:
    """A recorded process is ended, stopped ones by force; one that has only been given the same number later is left alone."""
    record = tmp_path / RECORD
    with subprocess.Popen(recorded(tmp_path, ["/bin/sleep", "60"])) as left:  # noqa: S603 - the line is ours
        while not (record.exists() and record.read_text().count("\n") == 2):
            pass
        mine = record.read_text()
        before, started, after = mine.partition(mine.rpartition(")")[2].split()[19])
        record.write_text(f"{before}{int(started) - 1}{after}")
        assert end_left_behind(tmp_path, signal.SIGTERM, 5) is None
        assert left.poll() is None

        record.write_text(mine)
        left.send_signal(signal.SIGSTOP)
        os.waitpid(left.pid, os.WUNTRACED)
        assert end_left_behind(tmp_path, signal.SIGTERM, 0.2) == left.pid
        assert left.wait() == -signal.SIGKILL

    assert end_left_behind(tmp_path, signal.SIGTERM, 5) is None


def test_a_folder_that_another_command_makes_in_the_same_moment_is_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two commands that are begun at once find each other by the claim, not by a folder that one of them could not make."""
    mkdir = Path.mkdir

    def late(folder: Path) -> None:
        mkdir(folder)
        mkdir(folder)  # as the one who comes second

    monkeypatch.setattr(Path, "mkdir", late)
    make_folder(tmp_path / "made" / "by two", 0o711)

    assert (tmp_path / "made" / "by two").is_dir()
    (tmp_path / "a file").touch()
    with pytest.raises(FileExistsError):
        make_folder(tmp_path / "a file", 0o711)
