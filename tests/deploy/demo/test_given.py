"""Servers given to the demo: empty ones are played on, used ones are refused and left as they are."""

from collections.abc import Callable

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from deploy.commands.context import DatabaseRefuses
from deploy.demo.given import DatabaseInUse, KafkaInUse, refuse_used
from deploy.embedded import EmbeddedServices
from processors.broker import Broker


@pytest.fixture
def database(services: EmbeddedServices) -> str:
    """Make an empty database."""
    with psycopg.connect(services.addresses.database, autocommit=True) as server:
        server.execute("drop database if exists given")
        server.execute("create database given")
    return make_conninfo(services.addresses.database, dbname="given")


def topics(*names: str) -> Callable[[Broker], frozenset[str]]:
    """Return what a broker answers that has these topics."""
    return lambda _: frozenset(names)


def test_empty_servers_are_played_on(database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A database without tables, and a cluster with other people's topics only, are accepted."""
    monkeypatch.setattr(Broker, "topics", topics("__consumer_offsets", "orders"))

    refuse_used("a:1", database)

    refuse_used(None, None)

    with psycopg.connect(database) as connection:  # looking left nothing there, so a second look finds the same
        assert connection.execute("select count(*) from pg_tables where schemaname = 'public'").fetchone() == (0,)
    refuse_used("a:1", database)


def test_a_database_with_tables_is_refused(database: str) -> None:
    """Whoever's tables they are, they stay as they are, and the line says what to do."""
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute("create table kept ()")

    with pytest.raises(DatabaseInUse, match=r"holds 1 tables, such as public.kept: the demo plays only in an empty one"):
        refuse_used(None, database)

    with psycopg.connect(database) as connection:
        assert connection.execute("select tablename from pg_tables where schemaname = 'public'").fetchall() == [("kept",)]


def test_a_cluster_with_topics_of_ours_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where changes of real regions may be, none of invented ones are added."""
    monkeypatch.setattr(Broker, "topics", topics("orders", "muara.31.74.household.v1", "muara.indicator.v1"))

    with pytest.raises(KafkaInUse, match=r"has 2 topics of Muara, such as muara.31.74.household.v1"):
        refuse_used("a:1", None)


def test_a_database_that_is_away_is_told() -> None:
    """A database that does not answer is one line."""
    with pytest.raises(DatabaseRefuses):
        refuse_used(None, "postgresql://127.0.0.1:9/none")
