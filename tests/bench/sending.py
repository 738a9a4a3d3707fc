"""
Sending the workload: as fast as the broker takes it, or so many changes a second.

Why: an event costs 15 microseconds to make, so all are streamed, and none is kept.
Must not: be part of what is measured: backlogs are sent before the clock starts.
"""

import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from threading import Event, Thread

from confluent_kafka import Producer

from schemas.topics import household_topic
from tests.bench.stage import NotWithin, Stage
from tests.bench.workload import Change, Workload

__all__ = ["send", "streaming"]

_SETTINGS = {"linger.ms": 20, "batch.size": 500_000, "queue.buffering.max.messages": 200_000, "log_level": 0}
_TICK_S = 0.01


def send(stage: Stage, changes: Iterable[Change]) -> tuple[int, int]:
    """Send changes, and return how many there were, and the bytes of their values, when the broker has them all."""
    producer, topics = Producer({"bootstrap.servers": stage.where.kafka, **_SETTINGS}), _topics(stage)
    events = size = 0
    for change in changes:
        while True:
            try:
                producer.produce(topics[change.regency], change.value, change.key, 0)
                break
            except BufferError:
                producer.poll(0.05)
        stage.sample.take(change)
        events, size = events + 1, size + len(change.value)
        if not events % 1000:
            producer.poll(0)
    if producer.flush(120):
        raise NotWithin("the broker takes the workload: not within 120 s")
    return events, size


@contextmanager
def streaming(stage: Stage, workload: Workload, per_s: int, *, evenly: bool = False) -> Iterator[None]:
    """Send updates at a steady rate until the end of the block; `evenly` to each topic as many."""
    stop = Event()
    feeder = Thread(target=_stream, args=(stage, workload.updates(1 << 40, evenly=evenly), per_s, stop), daemon=True)
    feeder.start()
    try:
        yield
    finally:
        stop.set()
        feeder.join(30)


def _stream(stage: Stage, changes: Iterator[Change], per_s: int, stop: Event) -> None:
    producer, topics = Producer({"bootstrap.servers": stage.where.kafka, **_SETTINGS, "linger.ms": 2}), _topics(stage)
    began, sent = time.monotonic(), 0
    while not stop.wait(_TICK_S):
        due = int((time.monotonic() - began) * per_s)
        for _ in range(due - sent):
            change = next(changes)
            producer.produce(topics[change.regency], change.value, change.key, 0)
            stage.sample.take(change)
        sent = due
        producer.poll(0)
    producer.flush(30)


def _topics(stage: Stage) -> dict[str, str]:
    return {regency: household_topic(regency) for regency in stage.regencies}
