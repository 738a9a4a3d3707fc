"""
The embedded services for tests: one set for the whole session, fresh, in a temporary folder outside every home.

Why: real servers take five seconds to start; tests share them and keep apart by the names of their topics and schemas.
Must not: skip: a service that cannot start is a failure of the test that asked for it.
"""

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy.embedded import EmbeddedServices, archiving
from deploy.embedded.errors import AlreadyRunning

__all__ = ["services", "temporary_services"]

archiving.PRIORITY = 0  # here somebody always wants to compute, and the sooner it is made the more starts are short
SLOTS = 8
"""Sessions on one machine at the same time; each uses the first folder that nobody holds, so what a killed session left is ended."""


def temporary_services(purpose: str) -> EmbeddedServices:
    """Start fresh services in the first folder of this purpose that no other session holds."""
    base = Path(tempfile.gettempdir()) / f"muara-{purpose}-{os.geteuid()}"
    for slot in range(SLOTS):
        try:
            return EmbeddedServices.start(base / str(slot), fresh=True, wal_level="logical")  # an adapter reads it, too
        except AlreadyRunning:
            if slot == SLOTS - 1:
                raise
    raise AssertionError


@pytest.fixture(scope="session")
def services() -> Iterator[EmbeddedServices]:
    """Kafka, registry and PostgreSQL, for all tests of the session."""
    running = temporary_services("tests")
    with running:
        yield running
    if running.folder is not None:
        shutil.rmtree(running.folder, ignore_errors=True)  # what is left is wiped by the next session
