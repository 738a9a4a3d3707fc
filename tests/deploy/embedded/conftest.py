"""
What the tests of the embedded services share: a folder that PostgreSQL can reach, and a command that runs services until it is killed.

Why: owners must be real processes here, since they are killed.
Must not: leave a process or a folder behind.
"""

import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from deploy.embedded.place import found

OWNER = """
import sys, time
from pathlib import Path
from deploy.embedded import EmbeddedServices
given = dict(zip(("kafka", "registry"), sys.argv[2:]))
with EmbeddedServices.start(Path(sys.argv[1]), **given) as services:
    print("ready", flush=True)
    time.sleep(600)
"""

Owner = Callable[..., "subprocess.Popen[str]"]


@pytest.fixture
def directory() -> Iterator[Path]:
    """A directory that any user can pass through, as a checkout outside a home is."""
    with tempfile.TemporaryDirectory(prefix="muara-test-") as made:
        Path(made).chmod(0o711)
        yield Path(made)
        shutil.rmtree(found(Path(made)), ignore_errors=True)


@pytest.fixture
def owner(directory: Path) -> Iterator[Owner]:
    """Start another command that runs the services of `directory`, those without a given address, and return once they are ready."""
    commands: list[subprocess.Popen[str]] = []

    def start(*given: str) -> "subprocess.Popen[str]":
        line = [sys.executable, "-c", OWNER, str(directory), *given]
        command = subprocess.Popen(line, stdout=subprocess.PIPE, text=True)  # noqa: S603 - the line is ours
        commands.append(command)
        assert command.stdout is not None
        assert command.stdout.readline() == "ready\n"
        return command

    yield start
    for command in commands:
        command.terminate()
        command.wait()
        if command.stdout is not None:
            command.stdout.close()
