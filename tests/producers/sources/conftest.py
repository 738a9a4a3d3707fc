"""An invented database on the session's server, and a reader of it, for whoever asks."""

from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest

from deploy.embedded import EmbeddedServices
from tests.producers.kampung import Kampung, kampung
from tests.producers.sources.reading import Reading, declared, reading

_regencies = (f"96.{number:02}" for number in count(1))


@pytest.fixture
def made(services: EmbeddedServices) -> Iterator[Kampung]:
    """An invented database."""
    with kampung(services.addresses.database, f"{next(_regencies)}.01.2001") as one:
        yield one


@pytest.fixture
def reader(made: Kampung, tmp_path: Path) -> Iterator[Reading]:
    """A reader of it."""
    with reading(declared(made, tmp_path), made, tmp_path) as one:
        yield one
