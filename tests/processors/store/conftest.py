"""The invented worlds of verify's, the batches' and the office's tests, in databases of their own in the session's real PostgreSQL."""

import itertools
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from psycopg.conninfo import make_conninfo
from psycopg.sql import SQL, Identifier

from deploy.embedded import EmbeddedServices
from processors.reference import Reference
from processors.store.migrate import migrate
from tests.integration.stage import Stage
from tests.processors.store.batches import Run, running
from tests.processors.store.office import found
from tests.processors.store.verify_world import World

_NUMBERS = itertools.count(1)


@pytest.fixture(scope="session")
def verify_connection(services: EmbeddedServices) -> Iterator[psycopg.Connection[Any]]:
    """A connection to a new database with all migrations applied."""
    with psycopg.connect(services.addresses.database, autocommit=True) as server:
        server.execute("create database verified")
    with psycopg.connect(make_conninfo(services.addresses.database, dbname="verified"), autocommit=True) as conn:
        migrate(conn)
        yield conn


@pytest.fixture
def world(verify_connection: psycopg.Connection[Any]) -> World:
    """The invented places and sources; no line, no statement, no cell."""
    made = World(verify_connection)
    made.begin()
    return made


@pytest.fixture(scope="module")
def stage(services: EmbeddedServices) -> Stage:
    """Two regencies, one stage for the module; each test begins with nothing said."""
    return Stage.set(services, 2)


@pytest.fixture
def office(stage: Stage) -> Run:
    """How to run a test's coroutine with an office in which nothing was said yet."""
    return running(stage)


@pytest.fixture
def database(services: EmbeddedServices) -> Iterator[str]:
    """The address of an empty database, which goes with the session's server."""
    name = f"office_{next(_NUMBERS)}"
    with psycopg.connect(services.addresses.database, autocommit=True) as server:
        server.execute(SQL("create database {}").format(Identifier(name)))
        yield make_conninfo(services.addresses.database, dbname=name)


@pytest.fixture
def conn(database: str) -> Iterator[psycopg.Connection[Any]]:
    """A connection to it, in autocommit mode."""
    with psycopg.connect(database, autocommit=True) as connection:
        yield connection


@pytest.fixture
def reference(conn: psycopg.Connection[Any]) -> Reference:
    """The invented world of tests/worlds.py, loaded into it."""
    return found(conn)
