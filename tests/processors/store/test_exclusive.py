"""The lock of loads and rebuilds: whoever is stopped while it holds it loses it, however it stands still."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg import Connection

from processors.reference import Reference
from processors.store import exclusive
from processors.store.exclusive import exclude, go_on, take_time
from processors.store.migrate import migrate
from tests.processors.store.office import connect

ROOT = Path(__file__).parents[3]


def doing(conn: Connection[Any]) -> tuple[str, str] | None:
    """Return state and wait event of whoever holds the lock, None where nobody does."""
    return conn.execute(
        "select state, wait_event from pg_stat_activity join pg_locks using (pid)"
        " where relation = 'reference_version'::regclass and mode = 'ExclusiveLock' and granted"
    ).fetchone()


def free_within(conn: Connection[Any], limit_s: float) -> bool:
    """Wait until nobody holds the lock, and return whether that came in time."""
    began = time.monotonic()
    while doing(conn) and time.monotonic() - began < limit_s:
        time.sleep(0.05)
    return doing(conn) is None


@contextmanager
def excluding(database: str) -> Iterator[Connection[Any]]:
    """Give a connection that holds the lock."""
    with closing(connect(database)) as load:
        load.execute("begin")
        exclude(load)
        yield load


@contextmanager
def stopped_in_mid_answer(database: str, watching: Connection[Any]) -> Iterator[None]:
    """Stop a load's process while PostgreSQL is sending households to it."""
    command = [sys.executable, "-m", "tests.processors.store.stopping", database]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:  # noqa: S603
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == "reading\n"
            for attempt in range(200):
                time.sleep(0.003 * attempt)
                os.kill(process.pid, signal.SIGSTOP)
                time.sleep(0.1)
                if doing(watching) == ("active", "ClientWrite"):
                    break
                os.kill(process.pid, signal.SIGCONT)
            yield
        finally:
            process.kill()


def test_one_stopped_in_the_middle_of_an_answer_loses_the_lock(database: str, conn: Connection[Any], reference: Reference) -> None:
    """PostgreSQL believes that it is at work; TCP finds out that nothing is fetched any more."""
    conn.execute("insert into household select gen_random_uuid(), convert_to(repeat('x', 420), 'utf8')")
    with stopped_in_mid_answer(database, conn):
        assert doing(conn) == ("active", "ClientWrite")
        assert free_within(conn, 20)


def test_one_stopped_in_the_middle_of_a_request_loses_the_lock(
    database: str, conn: Connection[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A request of which the end never comes is waited for no longer than the lease."""
    migrate(conn)
    monkeypatch.setattr(exclusive, "LEASE_S", 3)
    with excluding(database) as load:
        go_on(load)
        load.pgconn.nonblocking = 1  # libpq keeps what the socket does not take, and nobody hands it on
        load.pgconn.send_query_params(b"select length($1::text)", [b"x" * (64 << 20)])
        while doing(conn) not in (("active", "ClientRead"), None):
            time.sleep(0.05)
        assert doing(conn) == ("active", "ClientRead")
        assert free_within(conn, 20)


def test_one_that_is_idle_loses_the_lock(database: str, conn: Connection[Any], monkeypatch: pytest.MonkeyPatch) -> None:
    """Between two requests it is seen at once that nothing comes."""
    migrate(conn)
    monkeypatch.setattr(exclusive, "SILENT_S", 1)
    with excluding(database):
        assert free_within(conn, 20)


def test_whoever_goes_on_keeps_the_lock(database: str, conn: Connection[Any], monkeypatch: pytest.MonkeyPatch) -> None:
    """Work of many leases is bounded only between two signs of life, and not at all where time may be taken."""
    migrate(conn)
    monkeypatch.setattr(exclusive, "LEASE_S", 1)
    with excluding(database) as load:
        for _ in range(4):
            go_on(load)
            load.execute("select pg_sleep(0.5)")
        take_time(load)
        load.execute("select pg_sleep(1.5)")
        go_on(load)
        with pytest.raises(psycopg.errors.TransactionTimeout):
            load.execute("select pg_sleep(3)")
        assert free_within(conn, 5)
