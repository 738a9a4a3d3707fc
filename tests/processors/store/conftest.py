"""The invented world of verify's tests, in a real PostgreSQL."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

import processors
from tests.processors.store.verify_server import database
from tests.processors.store.verify_world import World

MIGRATIONS = Path(processors.__file__).parent / "migrations"


@pytest.fixture(scope="session")
def verify_connection() -> Iterator[psycopg.Connection[Any]]:
    """A connection to an own server with all migrations applied."""
    with database() as address, psycopg.connect(address, autocommit=True) as conn:
        for migration in sorted(MIGRATIONS.glob("*.sql")):
            conn.execute(migration.read_bytes())
        yield conn


@pytest.fixture
def world(verify_connection: psycopg.Connection[Any]) -> World:
    """The invented places and sources; no line, no statement, no cell."""
    made = World(verify_connection)
    made.begin()
    return made
