"""
The measures themselves: rates, times to move again, latency, size.

Why: each is measured with the processes that an operator starts, by what the database holds as committed.
Must not: count the start of a process into a rate, or anything but it into a restart.
"""

import signal
import sys
import time
from collections.abc import Mapping
from statistics import quantiles

from tests.bench.sending import streaming
from tests.bench.stage import POLL_S, NotWithin, Stage, count, until
from tests.bench.workload import Workload

__all__ = ["bytes_per_household", "latency", "rate", "restart", "takeover"]

_COMMITTED = "select sum(next_offset) from ingest_offset"
_LIMIT_S = 300
_WARM_UP_S = 3.0
_TAKEOVER_PER_S = 1_000


def rate(stage: Stage, workers: int) -> float:
    """
    Return the changes a second at which workers take the backlog, from the first commit to the last.

    All workers start at once; what the group needs to share its partitions out after the first commit is part of it.
    """
    goal = sum(stage.ends().values())
    with stage.connect() as connection, stage.running(times=workers) as processes:
        before = count(connection, _COMMITTED)
        first: tuple[float, int] | None = None
        began = time.perf_counter()
        while True:
            committed, now = count(connection, _COMMITTED), time.perf_counter()
            if first is None and committed > before:
                first = now, committed
            if first and committed >= goal:
                break
            if now - began > _LIMIT_S or any(one.poll() is not None for one in processes):
                raise NotWithin(f"{committed:,} of {goal:,} committed after {now - began:.0f} s, or a worker has ended")
            time.sleep(POLL_S)
    taken = goal - first[1]
    if not taken:
        raise NotWithin(f"all of {goal - before:,} changes were one commit: too few for a rate")
    return taken / (now - first[0])


def bytes_per_household(stage: Stage) -> float:
    """Return the bytes of table and indexes for each household."""
    with stage.connect() as connection:
        return count(connection, "select pg_total_relation_size('household')") / count(connection, "select count(*) from household")


def restart(stage: Stage) -> float:
    """Return the seconds from the start of a worker to its first commit of what waits; the backlog is taken whole."""
    goal = sum(stage.ends().values())
    with stage.connect() as connection:
        before = count(connection, _COMMITTED)
        began = time.monotonic()
        with stage.running():
            until(lambda: count(connection, _COMMITTED) > before, 60, "the first commit")
            took = time.monotonic() - began
            until(lambda: count(connection, _COMMITTED) >= goal, _LIMIT_S, "the backlog is taken")
    return took


def takeover(stage: Stage, workload: Workload, number: signal.Signals) -> tuple[float, float]:
    """End one of two workers by a signal under load; return the seconds until all partitions moved, and until it was gone."""
    with stage.connect() as connection, stage.running(times=2) as workers, streaming(stage, workload, _TAKEOVER_PER_S):
        stage.shared_by(2)
        before = stage.ends()
        until(lambda: _beyond(stage.next_offsets(connection), before), 60, "all partitions move")
        began = time.monotonic()
        workers[0].send_signal(number)
        said = stage.ends()
        gone = 0.0
        while not _beyond(stage.next_offsets(connection), said):
            if not gone and workers[0].poll() is not None:
                gone = time.monotonic() - began
            if time.monotonic() - began > 90:
                raise NotWithin("all partitions move again: not within 90 s")
            time.sleep(POLL_S)
        took = time.monotonic() - began
        if not gone:
            workers[0].wait(30)
            gone = time.monotonic() - began
    return took, gone


def _beyond(held: Mapping[str, int], said: Mapping[str, int]) -> bool:
    """Tell whether every partition is committed further than it was said to reach."""
    return all(held[topic] > said[topic] for topic in said)


def latency(stage: Stage, workload: Workload, per_s: int, seconds: float) -> tuple[float, float]:
    """
    Return p50 and p99 in ms from a record's arrival at the broker to its committed fold, with two workers and a publisher.

    Of each batch its oldest record counts, which is the worst of it.
    """
    noted = stage.folder / "folds.txt"
    with stage.running(sys.executable, "-m", "tests.bench.publisher", str(noted)), stage.running(times=2):
        stage.shared_by(2)
        stage.drained()
        with streaming(stage, workload, per_s):
            time.sleep(_WARM_UP_S)
            begin = time.time()
            time.sleep(seconds)
            end = time.time()
        goal = sum(stage.ends().values())
        with stage.connect() as connection:
            until(lambda: count(connection, _COMMITTED) >= goal, 60, "all is committed")
        stage.drained()
    lines = (line.split() for line in noted.read_text(encoding="ascii").splitlines())
    # By arrival: what came in the window counts, also where its fold came late.
    ages = [float(age) for at, age in lines if begin <= float(at) - float(age) / 1000 < end]
    if len(ages) < 2:
        raise NotWithin(f"{len(ages)} folds in {seconds:.0f} s: nothing to tell a latency from")
    cuts = quantiles(ages, n=100, method="inclusive")
    return cuts[49], cuts[98]
