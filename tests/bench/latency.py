"""
The age of figures: for every change, the time from its arrival at the broker to the commit of the fold that holds it.

Why: neither the worker nor the publisher alone sees both ends, so they are joined afterwards by topic and offset.
Must not: weigh a batch like a change, or leave out a change of the window whose fold came late.
"""

import json
import sys
import time
from bisect import bisect_right
from collections.abc import Iterator, Mapping
from pathlib import Path
from statistics import quantiles

from confluent_kafka import Consumer, TopicPartition

from tests.bench.sending import streaming
from tests.bench.stage import NotWithin, Stage, count, until
from tests.bench.workload import Workload

__all__ = ["latency"]

_WARM_UP_S = 10.0
_LEAST_SHARE = 0.95
"""Of the changes that should arrive: with fewer, it is the latency of another load."""
_READ_S = 60


def latency(stage: Stage, workload: Workload, per_s: int, seconds: float) -> tuple[float, float]:
    """Return p50 and p99 in ms over all changes that arrive within so many seconds at a steady rate; two workers and a publisher run."""
    noted = stage.folder / "folds.txt"
    with stage.running(sys.executable, "-m", "tests.bench.publisher", str(noted)), stage.running(times=2):
        stage.shared_by(2)
        stage.drained()
        before = stage.ends()
        with streaming(stage, workload, per_s):
            time.sleep(_WARM_UP_S)
            begin = time.time()
            time.sleep(seconds)
            end = time.time()
        after = stage.ends()
        with stage.connect() as connection:
            until(lambda: count(connection, "select sum(next_offset) from ingest_offset") >= sum(after.values()), 60, "all is committed")
        stage.drained()
    arrivals = {(topic, offset): arrived for topic, offset, arrived in _arrivals(stage, before, after) if begin <= arrived < end}
    if len(arrivals) < _LEAST_SHARE * per_s * seconds:
        raise NotWithin(f"{len(arrivals):,} changes arrived in {seconds:.0f} s: the load was lighter than {per_s:,} changes/s")
    cuts = quantiles(_ages(arrivals, noted), n=100, method="inclusive")
    return cuts[49], cuts[98]


def _ages(arrivals: Mapping[tuple[str, int], float], noted: Path) -> list[float]:
    """Return the age of each change in ms when the first fold that reaches beyond its offset was committed."""
    folds = [json.loads(line) for line in noted.read_text(encoding="ascii").splitlines()]
    reached = {topic: [next_offsets.get(topic, 0) for _, next_offsets in folds] for topic, _ in arrivals}
    return [1000 * (folds[bisect_right(reached[topic], offset)][0] - arrived) for (topic, offset), arrived in arrivals.items()]


def _arrivals(stage: Stage, before: Mapping[str, int], after: Mapping[str, int]) -> Iterator[tuple[str, int, float]]:
    """Yield topic, offset and arrival (seconds since the epoch, as the broker noted it) of the records between two ends."""
    consumer = Consumer({"bootstrap.servers": stage.where.kafka, "group.id": "bench-arrivals", "enable.auto.commit": False, "log_level": 0})
    missing = sum(after.values()) - sum(before.values())
    limit = time.monotonic() + _READ_S
    try:
        consumer.assign([TopicPartition(topic, 0, before[topic]) for topic in after if after[topic] > before[topic]])
        while missing:
            for message in consumer.consume(10_000, 1.0):
                if error := message.error():
                    raise NotWithin(f"reading the arrivals: {error}")
                topic, offset = str(message.topic()), int(message.offset() or 0)
                if offset < after[topic]:
                    missing -= 1
                    yield topic, offset, message.timestamp()[1] / 1000
            if time.monotonic() > limit:
                raise NotWithin(f"reading the arrivals: not within {_READ_S} s, {missing:,} are missing")
    finally:
        consumer.close()
