"""The invented world of verify's tests, in a database of its own in the session's real PostgreSQL."""

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from deploy.embedded import EmbeddedServices
from processors.store.migrate import migrate
from tests.processors.store.verify_world import World


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
