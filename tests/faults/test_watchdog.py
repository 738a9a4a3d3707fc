"""A worker that has a backlog and does not move, although broker and database answer, ends itself; a silent stall is never repaired."""

import os
import signal
import time

from deploy.embedded import EmbeddedServices
from processors.app import EXIT_STALLED
from schemas.topics import household_topic
from tests.integration.events import changed, household_key
from tests.integration.stage import Stage, until
from tests.integration.workers import working

STALLED_S = 3.0
_FIRST_LANE = (
    "select pid from pg_stat_activity where datname = current_database() and application_name = 'muara worker'"
    " order by backend_start limit 1"
)


def say(stage: Stage, number: int, regency: int = 0) -> None:
    """Say a household of a regency, each number another one."""
    code = stage.regencies[regency]
    stage.send([changed(household_key((code, number)), code, village=f"{code}.01.1001", size=1)])


def test_a_stalled_worker_ends_itself(services: EmbeddedServices) -> None:
    """Somebody holds the lock of an offset: the worker ends, is started again, and goes on when the lock is free."""
    stage = Stage.set(services, 1)
    with working(stage, stalled_s=STALLED_S) as workers:
        say(stage, 1)
        stage.drained()
        with stage.connect() as holder, holder.transaction():
            holder.execute("select 1 from ingest_offset for update")
            say(stage, 2)
            until(workers.exits, 4 * STALLED_S)
        stage.drained()

        assert workers.exits()[:1] == [EXIT_STALLED]
    stage.assert_exact()


def test_a_stuck_partition_is_not_hidden_by_one_that_moves(services: EmbeddedServices) -> None:
    """The server's process behind one of a worker's two connections stands still: the other one's partition moves, the worker ends."""
    stage = Stage.set(services, 2)
    stuck, moving = map(household_topic, stage.regencies)

    with working(stage, stalled_s=STALLED_S) as workers:
        say(stage, 0)
        say(stage, 0, regency=1)
        stage.drained()
        with stage.connect() as connection:
            (stopped,) = connection.execute(_FIRST_LANE).fetchall()[0]
        os.kill(stopped, signal.SIGSTOP)
        try:
            say(stage, 1)
            time.sleep(0.5)
            for number in range(1, 100):
                say(stage, number, regency=1)
                time.sleep(0.2)
                if workers.exits():
                    break
            offsets = stage.offsets()
        finally:
            os.kill(stopped, signal.SIGCONT)
        assert workers.exits()[:1] == [EXIT_STALLED]
        assert offsets[stuck][0] == 1
        assert offsets[moving][0] > 2
        stage.drained()
    stage.assert_exact()


def test_workers_wait_for_whoever_loads_reference_data(services: EmbeddedServices) -> None:
    """A load or a rebuild that takes long makes all batches wait: no worker ends for it, and it is told why nothing moves."""
    stage = Stage.set(services, 1)
    with working(stage, stalled_s=1.0) as workers:
        say(stage, 1)
        stage.drained()
        with stage.connect() as load, load.transaction():
            load.execute("lock table reference_version in exclusive mode")
            say(stage, 2)
            until(lambda: "the reference data is being loaded" in workers.told(), 10)
            time.sleep(2.0)
        stage.drained()
        assert workers.exits() == []
    stage.assert_exact()


def test_a_worker_that_was_killed_while_it_waited_leaves_no_connection(services: EmbeddedServices) -> None:
    """The server notices within seconds that nobody waits for the lock any more; else every start of a worker would cost one."""
    stage = Stage.set(services, 1)
    with working(stage, kept=False) as workers:
        say(stage, 1)
        stage.drained()
        with stage.connect() as load, load.transaction():
            load.execute("lock table reference_version in exclusive mode")
            say(stage, 2)
            until(lambda: stage.transactions("waiting"), 20)
            workers.signal(signal.SIGKILL)
            until(lambda: not stage.transactions("any"), 10, lambda: stage.transactions("any"))
    with working(stage):
        stage.drained()
    stage.assert_exact()


def test_an_idle_worker_stays(services: EmbeddedServices) -> None:
    """Without a backlog nothing is stalled, however long nothing happens."""
    stage = Stage.set(services, 1)
    with working(stage, stalled_s=0.5) as workers:
        for number in range(2):
            say(stage, number)
            stage.drained()
            time.sleep(2.0)
        assert workers.exits() == []
    stage.assert_exact()
