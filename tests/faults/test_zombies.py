"""A worker that was stopped in mid-transaction, and wakes up when another one has long gone on: it can do no harm."""

import signal
import time
from contextlib import closing

import psutil
import psycopg
import pytest

from deploy.embedded import EmbeddedServices
from tests.integration.events import changed, household_key
from tests.integration.stage import Stage, until
from tests.integration.workers import Workers, working

LOCKS_FREE_S = 5.0
"""`idle_in_transaction_session_timeout` of a worker's connections."""


def test_a_worker_stopped_in_mid_transaction_wakes_up_after_takeover(services: EmbeddedServices) -> None:
    """Its locks are free after five seconds, the other takes over and goes on, and when it wakes up nothing counts twice."""
    stage = Stage.set(services, 2)
    one, other = stage.regencies
    with working(stage, 2) as workers:
        stage.shared_by(2)
        stage.send(changed(household_key(number), other, village=f"{other}.01.1001", size=1) for number in range(30))
        stage.drained()
        with stage.connect() as holder, holder.transaction():
            holder.execute("lock table household in exclusive mode")
            stage.send(changed(household_key(number), one, village=f"{one}.01.1001", size=2) for number in range(30))
            until(lambda: stage.transactions("waiting"), 20)
            sleeper = worker_of(workers, stage.transactions("waiting")[0])
            workers.signal(signal.SIGSTOP, sleeper)
        until(lambda: stage.transactions("idle"), 5)
        began = time.monotonic()
        until(lambda: not stage.transactions("any"), LOCKS_FREE_S + 1.5)
        assert time.monotonic() - began > LOCKS_FREE_S - 1.5  # it was held, and nobody ended it sooner
        stage.send(changed(household_key(number), other, village=f"{other}.01.2001", size=3, revision=2) for number in range(30))
        stage.drained(20)
        stage.assert_exact()

        workers.signal(signal.SIGCONT, sleeper)
        stage.send(changed(household_key(number), one, village=f"{one}.01.2001", size=4, revision=3) for number in range(30))
        stage.drained(20)
        stage.shared_by(2)
        stage.assert_exact()


@pytest.mark.parametrize("stopped", ["sending", "receiving"])
def test_a_worker_stopped_while_it_sends_or_receives_loses_its_locks(services: EmbeddedServices, stopped: str) -> None:
    """
    In the middle of a COPY, or of a great answer, a transaction is not idle and no timeout ends it: whoever takes over does.

    The stopped worker is a connection of this test, since where a signal stops a process cannot be chosen.
    """
    stage = Stage.set(services, 1)
    (code,) = stage.regencies
    with working(stage) as workers:
        stage.send([changed(household_key(1), code, village=f"{code}.01.1001", size=1)])
        stage.drained()
        workers.signal(signal.SIGTERM)
        with closing(psycopg.connect(stage.database, application_name="muara worker", autocommit=True)) as zombie:
            zombie.execute("set idle_in_transaction_session_timeout = '5s'")
            zombie.execute("begin isolation level repeatable read")
            zombie.execute("select 1 from ingest_offset for update")
            if stopped == "sending":
                zombie.pgconn.send_query(b"copy household (id, statements) from stdin (format binary)")
            else:
                zombie.pgconn.send_query(b"select repeat('x', 1000) from generate_series(1, 100000)")
            stage.send([changed(household_key(2), code, village=f"{code}.01.1001", size=2)])
            stage.drained(25)
    stage.assert_exact()


def worker_of(workers: Workers, port: int) -> str:
    """Return the name of the worker whose process has a connection from a port."""
    return next(
        name for name, pid in workers.pids.items() if port in {one.laddr.port for one in psutil.Process(pid).net_connections("tcp")}
    )
