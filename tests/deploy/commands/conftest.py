"""What the tests of the subcommands share: the command line over the session's services, with an empty database of its own."""

import itertools
from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from deploy.embedded import EmbeddedServices
from tests.deploy.test_cli import muara

Said = Callable[..., "CompletedProcess[str]"]
_NUMBERS = itertools.count(1)


@pytest.fixture
def database(services: EmbeddedServices) -> str:
    """The address of a database that is empty."""
    name = f"commands_{next(_NUMBERS)}"
    with psycopg.connect(services.addresses.database, autocommit=True) as server:
        server.execute(f"create database {name}")
    return make_conninfo(services.addresses.database, dbname=name)


@pytest.fixture
def say(services: EmbeddedServices, database: str, tmp_path: Path) -> Said:
    """Run a command, its output no terminal; all commands of one test share a database that was empty before."""
    environ = {"MUARA_KAFKA": services.addresses.kafka, "MUARA_REGISTRY": services.addresses.registry, "MUARA_DATABASE": database}
    return lambda *arguments, **more: muara(*arguments, cwd=tmp_path, **{**environ, **more})
