"""
The measures of workers: rates, times to move again, size.

Why: each is measured with the processes that an operator starts, by what the database holds as committed.
Must not: count the start of a process into a rate, or anything but it into a restart.
"""

import signal
import time
from collections.abc import Mapping

from tests.bench.sending import streaming
from tests.bench.stage import POLL_S, NotWithin, Stage, count, until
from tests.bench.workload import Workload

__all__ = ["bytes_per_household", "rate", "restart", "takeover"]

_COMMITTED = "select sum(next_offset) from ingest_offset"
_LIMIT_S = 300
_TAKEOVER_PER_S, _PER_TOPIC_PER_S = 1_000, 8
"""
Changes while partitions move, evenly over all: of many topics more, or the wait for the last one's next change would be what is measured.
"""


def rate(stage: Stage, workers: int) -> float:
    """
    Return the changes a second at which workers take the backlog, from the first commit seen to the last.

    Commits are held back until all workers share the partitions, so that starting and sharing out are no part of it. What they
    have fetched by then, at most three batches each, has its decoding before the clock: a few per cent of a large backlog.
    """
    goal = sum(stage.ends().values())
    with stage.connect() as connection, stage.running(times=workers) as processes:
        before = count(connection, _COMMITTED)
        with stage.connect() as other, other.transaction():
            other.execute("lock table reference_version in exclusive mode")
            stage.shared_by(workers)
        committed, started = before, 0.0
        first = before
        limit = time.monotonic() + _LIMIT_S
        while committed < goal:
            committed, now = count(connection, _COMMITTED), time.perf_counter()
            if first == before and committed > before:
                first, started = committed, now
            if time.monotonic() > limit or any(one.poll() is not None for one in processes):
                raise NotWithin(f"{committed:,} of {goal:,} committed after {_LIMIT_S} s, or a worker has ended")
            time.sleep(POLL_S)
    if first == goal:
        raise NotWithin(f"all of {goal - before:,} changes were one commit: too few for a rate")
    return (goal - first) / (now - started)


def bytes_per_household(stage: Stage) -> Mapping[str, float]:
    """Return the bytes by which the whole database has grown for each household, and those of the households' table and indexes."""
    with stage.connect() as connection:
        households = count(connection, "select count(*) from household")
        table = count(connection, "select pg_total_relation_size('household')")
    grown = stage.database_bytes() - stage.empty_bytes
    return {"bytes_per_household": grown / households, "table_bytes_per_household": table / households}


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
    per_s = max(_TAKEOVER_PER_S, _PER_TOPIC_PER_S * len(stage.topics))
    with stage.connect() as connection, stage.running(times=2) as workers, streaming(stage, workload, per_s, evenly=True):
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
