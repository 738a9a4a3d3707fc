"""A worker that was stopped in mid-transaction, and wakes up when another one has long gone on: it can do no harm."""

import signal
import time

import psutil

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


def worker_of(workers: Workers, port: int) -> str:
    """Return the name of the worker whose process has a connection from a port."""
    return next(
        name for name, pid in workers.pids.items() if port in {one.laddr.port for one in psutil.Process(pid).net_connections("tcp")}
    )
