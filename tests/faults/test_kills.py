"""Workers and publisher killed at random, and told to stop: nothing is lost, nothing counted twice, and the others take over in time."""

import signal
import time
from collections import Counter
from functools import partial

import pytest

from deploy.embedded import EmbeddedServices
from tests.faults.conftest import Streaming
from tests.faults.publishing import publishing
from tests.integration.events import Dice, changed, household_key
from tests.integration.stage import Stage, until
from tests.integration.workers import Workers, working

KILLS = 9
STOPPED_S, MOVED_AFTER_STOP_S, MOVED_AFTER_KILL_S = 4.0, 6.0, 14.0
"""
About twice what is promised (2, 3 and 8 s): a machine that runs other tests is slower, and what must not come back are minutes.
The promise itself is measured and asked for by `make bench`, on a machine that does nothing else.
"""


def _runs(of: Workers) -> bool:
    return bool(of.pids)


def test_random_kills_end_exact(services: EmbeddedServices, streaming: Streaming) -> None:
    """Two workers and a publisher of which one is killed every second or so, under a stream over three topics, end exact, and published."""
    stage, dice = Stage.set(services, 3), Dice(7)
    with working(stage, 2, batch_records=40) as workers, publishing(stage) as published:
        with streaming(stage):
            stage.shared_by(2)
            for number in range(KILLS):
                time.sleep(dice.uniform(0.2, 1.5))
                of = workers if number % 3 else published.process
                until(partial(_runs, of), 20)
                of.signal(signal.SIGKILL, dice.choice(sorted(of.pids)))
        stage.drained(60)
        published.assert_published()
        killed = Counter(
            of
            for of, running, name in (("w", workers, "worker 1"), ("w", workers, "worker 2"), ("p", published.process, "publish"))
            for code in running.exits(name)
            if code == -signal.SIGKILL
        )

    assert killed == {"w": KILLS - KILLS // 3, "p": KILLS // 3}
    stage.assert_exact()


@pytest.mark.parametrize(("number", "limit_s"), [(signal.SIGTERM, MOVED_AFTER_STOP_S), (signal.SIGKILL, MOVED_AFTER_KILL_S)])
def test_partitions_of_a_worker_that_goes_move_again_in_time(services: EmbeddedServices, number: signal.Signals, limit_s: float) -> None:
    """
    All partitions of a worker that was stopped or killed move again within about twice the promised time.

    Not the promised time itself, which the bench measures: this one holds that it is seconds, on whatever machine runs all tests.
    """
    stage = Stage.set(services, 4)
    with working(stage, 2, kept=False) as workers:
        stage.shared_by(2)
        workers.signal(number)
        began = time.monotonic()
        stage.send(changed(household_key(code), code, village=f"{code}.01.2001", size=3) for code in stage.regencies)
        if number is signal.SIGTERM:
            until(lambda: workers.exits() == [0], STOPPED_S, workers.exits)
        stage.drained(limit_s + 10)
        assert time.monotonic() - began < limit_s

    stage.assert_exact()
