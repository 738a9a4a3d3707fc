"""An office whose figures leave by the real broker, and what a consumer of the indicator topic sees of them."""

import queue
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka import Consumer, TopicPartition

from deploy.embedded import EmbeddedServices
from processors.publish.runner import PublishSettings, run
from processors.publish.topic import event_of, key_of
from processors.reference import Reference
from processors.store.dispatch import Marked
from processors.store.figures import Figure, figures
from producers.rereading import watermarks
from schemas.codec import decode
from schemas.events import IndicatorPublished
from schemas.registry import Registry
from schemas.topics import INDICATOR_TOPIC
from tests.processors.store.conftest import conn, database, reference
from tests.processors.store.office import connect

__all__ = ["Newsroom", "conn", "database", "newsroom", "reference", "until"]

ROOT = Path(__file__).parents[3]


def until(reached: Callable[[], object], limit_s: float = 20.0) -> float:
    """Wait until something is so, and return the seconds."""
    began = time.monotonic()
    while not reached():
        assert time.monotonic() - began < limit_s
        time.sleep(0.05)
    return time.monotonic() - began


class Publisher:
    """One `muara publish` in a process of its own."""

    def __init__(self, settings: PublishSettings) -> None:
        """Start it."""
        self.process = subprocess.Popen(  # noqa: S603 - our own program
            [sys.executable, "-m", "tests.processors.publish.publishing", settings.kafka, settings.registry, settings.database],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            text=True,
        )
        self._words: queue.SimpleQueue[str] = queue.SimpleQueue()
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def says(self, word: str, limit_s: float = 20.0) -> None:
        """Wait until it has said something new."""
        ends = time.monotonic() + limit_s
        while self._words.get(timeout=max(0.01, ends - time.monotonic())) != word:
            pass

    def signal(self, number: signal.Signals) -> None:
        """Send it a signal."""
        self.process.send_signal(number)

    def end(self) -> None:
        """Kill it, stopped or not."""
        self.process.kill()
        self.process.wait()
        self._reader.join()

    def _read(self) -> None:
        assert self.process.stdout is not None
        with self.process.stdout as said:
            for line in said:
                self._words.put(line.strip())


@dataclass(frozen=True)
class Newsroom:
    """The office's addresses, and where the topic ended before the test."""

    settings: PublishSettings
    begin: int

    @classmethod
    def over(cls, settings: PublishSettings) -> "Newsroom":
        """Return a newsroom from which nothing was sent yet."""
        consumer = Consumer({"bootstrap.servers": settings.kafka, "group.id": "reader", "log_level": 0})
        try:
            known = INDICATOR_TOPIC in (consumer.list_topics(timeout=10).topics or {})
            end = watermarks(consumer, TopicPartition(INDICATOR_TOPIC, 0))[1] if known else 0
        finally:
            consumer.close()
        return cls(settings, end)

    def publisher(self, stack: ExitStack) -> Publisher:
        """Run a publisher as a process that ends with the stack."""
        publisher = Publisher(self.settings)
        stack.callback(publisher.end)
        return publisher

    @contextmanager
    def publishing_here(self) -> Iterator[threading.Event]:
        """Run a publisher in a thread; the event ends it, and its end must be in order."""
        stop, codes = threading.Event(), list[int]()
        thread = threading.Thread(target=lambda: codes.append(run(self.settings, stop)))
        thread.start()
        try:
            yield stop
        finally:
            stop.set()
            thread.join()
        assert codes == [0]

    def sent_all(self) -> bool:
        """Return whether nothing waits to be folded or sent."""
        with connect(self.settings.database) as own:
            row = own.execute(
                "select not exists (select from cell_change) and not exists (select from outbox)"
                " and not exists (select from rejected where not sent)"
            ).fetchone()
        return bool(row and row[0])

    def records(self, topic: str, name: str, begin: int = 0) -> list[tuple[str, dict[str, Any]]]:
        """Return all records of a topic that a reader of committed ones gets, by key and in order."""
        schemas = Registry(self.settings.registry)
        found = [(key, decode(name, value, (), schemas)) for key, value in _read(self.settings.kafka, topic, begin)]
        schemas.close()
        return found

    def view(self) -> dict[str, IndicatorPublished]:
        """Return what a consumer of the indicator topic holds: the last of each key; revisions of a key never go back."""
        held: dict[str, IndicatorPublished] = {}
        for key, record in self.records(INDICATOR_TOPIC, "IndicatorPublished", self.begin):
            event = IndicatorPublished(**record)
            assert key not in held or held[key].revision <= event.revision
            held[key] = event
        return held

    def figures(self) -> dict[str, tuple[Figure, int]]:
        """Return what it should hold: the figures of regencies and above, with the reference version."""
        with connect(self.settings.database) as own:
            row = own.execute("select version from reference_version").fetchone()
            rows = [one for one in figures(own) if one.level in ("nation", "province", "regency")]
        assert row is not None
        return {key_of(one): (one, row[0]) for one in rows}

    def assert_published(self) -> None:
        """Compare the two, field by field; only months before a region's first figure may be missing."""
        view, expected = self.view(), self.figures()
        assert view.keys() <= expected.keys()
        assert not any(any(figure.sums) for key, (figure, _) in expected.items() if key not in view)
        for key, event in view.items():
            figure, _ = expected[key]
            assert event == replace(event_of(Marked(figure, event.revision), event.reference_version)), key


def _read(kafka: str, topic: str, begin: int) -> Iterator[tuple[str, bytes]]:
    consumer = Consumer(
        {
            "bootstrap.servers": kafka,
            "group.id": "reader",
            "isolation.level": "read_committed",
            "enable.partition.eof": True,
            "log_level": 0,
        }
    )
    consumer.assign([TopicPartition(topic, 0, begin)])
    try:
        while (message := consumer.poll(10)) is not None:
            if message.error():
                return
            key, value = message.key(), message.value()
            assert key is not None
            assert value is not None
            yield key.decode(), value
    finally:
        consumer.close()


@pytest.fixture
def newsroom(services: EmbeddedServices, database: str, reference: Reference) -> Newsroom:
    """The world's office, with reference data and no household."""
    where = services.addresses
    return Newsroom.over(PublishSettings(where.kafka, where.registry, database))
