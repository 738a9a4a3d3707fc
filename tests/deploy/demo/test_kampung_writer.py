"""Tests of Smart Kampung's real database: whatever its transactions went through, what its log tells amounts, by the law, to the truth."""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg import sql

from deploy.demo.kampung_tables import FAMILY, TABLES, Databases, prepare
from deploy.demo.kampung_writer import KampungWriter
from deploy.demo.simulation import World
from deploy.embedded import EmbeddedServices
from tests.deploy.demo.pgoutput import LogReader
from tests.deploy.demo.replay import Said, TableReader
from tests.deploy.demo.tables import Tables
from tests.deploy.demo.test_simulation import delivered, differences, said_by

CHANGES, STEP = 3_000, 300
PATIENCE_S = 60


def world(inbox: Path) -> World:
    """Return a small world in which much happens, most of it in Banyuwangi's reach."""
    return World(inbox, seed=8, households=60, elsewhere=300, pace=2_400)


@pytest.fixture
def databases(services: EmbeddedServices) -> Iterator[Databases]:
    """A database of its own, removed afterwards with its slots."""
    made = prepare(services.addresses.database, "kampung_test")
    yield made
    with psycopg.connect(services.addresses.database, autocommit=True) as connection:
        for (slot,) in connection.execute("select slot_name from pg_replication_slots where database = 'kampung_test'").fetchall():
            with psycopg.connect(services.addresses.database.rpartition("/")[0] + "/kampung_test", autocommit=True) as own:
                own.execute("select pg_drop_replication_slot(%s)", (slot,))
        connection.execute("drop database kampung_test with (force)")


def written(made: World, databases: Databases, before: Any, after: Any) -> None:
    """Write the first population, then life as it goes on; `before` and `after` get the reader's connection in between and at the end."""

    async def play() -> None:
        writer = KampungWriter(made.kampung, made.people, databases.writer)
        running = asyncio.create_task(writer.run())
        await _quiet(writer, running)
        with psycopg.connect(databases.reader, autocommit=True) as connection:
            before(connection)
            for _ in range(CHANGES // STEP):
                made.advance(STEP)
                await asyncio.sleep(0.1)
            made.flush()
            await _quiet(writer, running)
            after(connection)
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)

    asyncio.run(play())


async def _quiet(writer: KampungWriter, running: asyncio.Task[None]) -> None:
    async with asyncio.timeout(PATIENCE_S):
        while writer.waiting:
            if running.done():
                await running
            await asyncio.sleep(0.02)


def rows_of(connection: psycopg.Connection[Any]) -> dict[str, dict[str, Any]]:
    """Return the table as the reader sees it, by card."""
    statement = sql.SQL("select {} from smart_kampung.keluarga").format(sql.SQL(", ").join(map(sql.Identifier, FAMILY)))
    found = (dict(zip(FAMILY, row, strict=True)) for row in connection.execute(statement).fetchall())
    return {row["no_kk"]: row for row in found}


def test_the_log_amounts_to_the_truth(databases: Databases, tmp_path: Path) -> None:
    """
    Snapshot, then every image in the log's order: by the law exactly the truth.

    Transactions were rolled back, stayed open, wrote whole villages, and the table got a column meanwhile; in the end the tables hold
    what the register's transactions, done in memory, make of them.
    """
    inbox, other = tmp_path / "played", tmp_path / "again"
    made, table, log = world(inbox), TableReader(), LogReader()
    told: Said = table.said
    seen: dict[str, Any] = {}

    def before(connection: psycopg.Connection[Any]) -> None:
        connection.execute("select pg_create_logical_replication_slot('kampung_test', 'pgoutput')")
        for row in rows_of(connection).values():
            table.changed(None, row)

    def after(connection: psycopg.Connection[Any]) -> None:
        for change in log.read(connection, "kampung_test"):
            table.changed(*change)
        seen["rows"] = rows_of(connection)
        counts = connection.execute("select count(*), count(distinct no_kk) from smart_kampung.anggota").fetchone()
        seen["members"] = counts

    written(made, databases, before, after)
    said = said_by(made, delivered(inbox))
    for card, statements in told.items():
        said.setdefault(card, []).extend(statements)

    assert differences(said, made) == []
    again = world(other)
    for _ in range(CHANGES // STEP):
        again.advance(STEP)
    again.flush()
    tables = Tables(lambda *_: None)
    tables.write(again.kampung.log)
    assert {card: {name: row[name] for name in tables.rows[card]} for card, row in seen["rows"].items()} == tables.rows
    assert max(log.transactions) > 30
    assert len(log.columns) == 2
    assert seen["members"][1] > 200


def test_the_reader_may_only_read(databases: Databases) -> None:
    """The adapter's role may use slots and select from the three tables, and nothing else."""
    with psycopg.connect(databases.writer, autocommit=True) as owner:
        owner.execute(TABLES)
    with psycopg.connect(databases.reader, autocommit=True) as connection:
        assert connection.execute("select rolsuper, rolcreatedb, rolreplication from pg_roles where rolname = current_user").fetchone() == (
            False,
            False,
            True,
        )
        for statement in ("delete from smart_kampung.keluarga", "create table smart_kampung.x ()", "create table public.x ()"):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                connection.execute(statement)
