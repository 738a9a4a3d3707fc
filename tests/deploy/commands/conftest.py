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
def say(services: EmbeddedServices, tmp_path: Path) -> Said:
    """Run a command, its output no terminal; all commands of one test share a database that was empty before."""
    where, name = services.addresses, f"commands_{next(_NUMBERS)}"
    with psycopg.connect(where.database, autocommit=True) as server:
        server.execute(f"create database {name}")
    environ = {
        "MUARA_KAFKA": where.kafka,
        "MUARA_REGISTRY": where.registry,
        "MUARA_DATABASE": make_conninfo(where.database, dbname=name),
    }
    return lambda *arguments: muara(*arguments, cwd=tmp_path, **environ)
