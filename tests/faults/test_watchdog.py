"""A worker that has a backlog and does not move, although broker and database answer, ends itself; a silent stall is never repaired."""

import time

from deploy.embedded import EmbeddedServices
from processors.app import EXIT_STALLED
from tests.integration.events import changed, household_key
from tests.integration.stage import Stage, until
from tests.integration.workers import working

STALLED_S = 3.0


def test_a_stalled_worker_ends_itself(services: EmbeddedServices) -> None:
    """Somebody holds the lock of an offset: the worker ends, is started again, and goes on when the lock is free."""
    stage = Stage.set(services, 1)
    (code,) = stage.regencies
    with working(stage, stalled_s=STALLED_S) as workers:
        stage.send([changed(household_key(1), code, village=f"{code}.01.1001", size=1)])
        stage.drained()
        with stage.connect() as holder, holder.transaction():
            holder.execute("select 1 from ingest_offset for update")
            stage.send([changed(household_key(2), code, village=f"{code}.01.1001", size=2)])
            until(workers.exits, 4 * STALLED_S)
        stage.drained()

        assert workers.exits()[:1] == [EXIT_STALLED]
    stage.assert_exact()


def test_an_idle_worker_stays(services: EmbeddedServices) -> None:
    """Without a backlog nothing is stalled, however long nothing happens."""
    stage = Stage.set(services, 1)
    (code,) = stage.regencies
    with working(stage, stalled_s=0.5) as workers:
        for number in range(2):
            stage.send([changed(household_key(number), code, village=f"{code}.01.1001", size=1)])
            stage.drained()
            time.sleep(2.0)
        assert workers.exits() == []
    stage.assert_exact()
