"""Migrations: each once, in order, by one process at a time, and never another file than the one that was applied."""

import shutil
import threading
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg import Connection

import processors
from processors.store.migrate import MigrationBlocked, MigrationChanged, MigrationUnknown, TablesInUse, migrate, migrations
from tests.processors.store.office import connect

OWN = Path(processors.__file__).parent / "migrations"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of the product's migrations."""
    return shutil.copytree(OWN, tmp_path / "migrations")


def test_each_is_applied_once_and_in_order(conn: Connection[Any]) -> None:
    """The first start applies all files by number, the second none."""
    applied = migrate(conn)

    assert applied == sorted(file.name for file in OWN.glob("*.sql"))
    assert [one.number for one in migrations()] == list(range(1, len(applied) + 1))
    assert migrate(conn) == []


def test_processes_that_start_at_once_wait_for_each_other(database: str) -> None:
    """Of four that meet an empty database one applies each file, and none fails."""
    applied: list[str] = []

    def start() -> None:
        with connect(database) as own:
            applied.extend(migrate(own))

    threads = [threading.Thread(target=start) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(applied) == sorted(file.name for file in OWN.glob("*.sql"))


def test_one_that_was_stopped_blocks_nobody_who_has_nothing_to_do(
    database: str, conn: Connection[Any], folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever finds all files applied goes on at once; whoever does not is told after a while who is in the way."""
    monkeypatch.setattr("processors.store.migrate.WAIT_S", 1)
    migrate(conn)
    with connect(database) as stopped:
        stopped.execute(f"set application_name = 'muara of yesterday'; select pg_advisory_lock({0x4D75_6172_0001})".encode())
        pid = stopped.info.backend_pid
        assert migrate(conn) == []

        (folder / "9999_new.sql").write_text("create table new ();")
        with pytest.raises(MigrationBlocked) as error:
            migrate(conn, folder)

    assert f"for over 1 s (its pid {pid}, muara of yesterday, from 127.0.0.1): wait for it, or end it" in str(error.value)
    assert conn.execute("show lock_timeout").fetchone() == ("0",)
    assert migrate(conn, folder) == ["9999_new.sql"]


def test_tables_that_others_keep_locked_are_told(
    database: str, conn: Connection[Any], folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A migration does not wait without a bound behind a load, nor let everyone else queue up behind itself."""
    monkeypatch.setattr("processors.store.migrate.WAIT_S", 1)
    migrate(conn)
    (folder / "9999_new.sql").write_text("alter table region add column more text;")
    with connect(database) as load, load.transaction():
        load.execute("lock table region in exclusive mode")
        with pytest.raises(TablesInUse, match=r"migration 9999_new\.sql waits for tables"):
            migrate(conn, folder)

    assert migrate(conn, folder) == ["9999_new.sql"]


def test_a_file_that_was_applied_may_not_change(conn: Connection[Any], folder: Path) -> None:
    """Another hash is refused by name, and nothing new is applied."""
    migrate(conn, folder)
    with (folder / "0002_figures.sql").open("a") as file:
        file.write("-- an afterthought\n")
    (folder / "9999_new.sql").write_text("create table new ();")

    with pytest.raises(MigrationChanged, match=r"migration 0002_figures\.sql is not the one that was applied"):
        migrate(conn, folder)

    assert conn.execute("select to_regclass('new')").fetchone() == (None,)


def test_a_database_of_a_newer_program_is_refused(conn: Connection[Any], folder: Path) -> None:
    """A migration that this program does not have is named."""
    (folder / "9999_newer.sql").write_text("create table newer ();")
    migrate(conn, folder)

    with pytest.raises(MigrationUnknown, match="migration 9999 of the database is not known"):
        migrate(conn)


def test_a_file_that_fails_leaves_nothing_of_it(conn: Connection[Any], folder: Path) -> None:
    """What came before it stays, the file itself is rolled back whole and can be mended and applied."""
    (folder / "9998_wrong.sql").write_text("create table half (); select 1 / 0;")
    with pytest.raises(psycopg.errors.DivisionByZero):
        migrate(conn, folder)
    assert conn.execute("select to_regclass('half'), to_regclass('cell') is not null").fetchone() == (None, True)

    (folder / "9998_wrong.sql").write_text("create table half ();")

    assert migrate(conn, folder) == ["9998_wrong.sql"]
