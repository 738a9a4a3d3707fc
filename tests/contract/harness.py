"""
What a conformance test works with: the adapter as a process, its status, and the office that reads the topic by the law.

Why: what counts is what the office would hold, not which calls were made.
Must not: look into the adapter's process.
"""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from confluent_kafka import OFFSET_BEGINNING, Consumer, TopicPartition

from deploy.embedded import Addresses
from processors.law import Link, Statement, by_household, kept, visible
from producers.checkpoint import AdapterStatus, status
from producers.ledger import receipt_of
from producers.pseudonym import Pseudonyms
from producers.rereading import Rereader, prove, watermarks
from schemas.codec import decode
from schemas.events import Operation
from schemas.proofs import Found
from schemas.receipts import Receipt
from schemas.registry import Registry
from schemas.topics import household_topic
from tests.contract.kinds import Kind
from tests.producers.samples import KEY, NEW_KEY, card

__all__ = ["Adapter", "Record", "office", "records", "until"]

_PATIENCE_S = 40.0


@dataclass(frozen=True)
class Record:
    """One record of the topic."""

    key: bytes
    value: bytes
    headers: object


def until(true: Callable[[], bool], what: str, patience_s: float = _PATIENCE_S) -> None:
    """Wait until something is so, or fail saying what was waited for."""
    deadline = time.monotonic() + patience_s
    while not true():
        assert time.monotonic() < deadline, f"still not so after {patience_s} s: {what}"
        time.sleep(0.02)


class Adapter:
    """One adapter over a kind of source, started and killed as a test likes."""

    def __init__(self, kind: Kind, environ: dict[str, str], where: Addresses, state: Path) -> None:
        """Run nothing yet."""
        self.kind, self.state = kind, state
        self.log = state / "adapter.log"
        state.mkdir(exist_ok=True)
        self._environ = {
            **{name: value for name, value in os.environ.items() if not name.startswith("MUARA_")},
            **environ,
            "MUARA_PSEUDONYM_KEY": KEY.hex(),
            "KAFKA": where.kafka,
            "REGISTRY": where.registry,
            "STATE": str(state),
        }

    @contextmanager
    def running(self, **environ: str) -> Iterator[subprocess.Popen[bytes]]:
        """Run the adapter until the end of the block; it ends by SIGTERM, with exit code 0 if it still lives."""
        command = [sys.executable, "-m", "tests.contract.adapter_process", str(self.kind.region_file)]
        with self.log.open("ab") as log:
            process = subprocess.Popen(command, env={**self._environ, **environ}, stdout=log, stderr=log)  # noqa: S603 - our own command
        try:
            yield process
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
                assert process.wait(10) == 0, self.log.read_text(encoding="utf-8")
        finally:
            if process.poll() is None:
                process.kill()
                process.wait()

    def run_until_told(self) -> AdapterStatus:
        """Run the adapter until all that the source has is delivered; return how it stands then."""
        with self.running():
            return self.wait_told()

    def wait_told(self) -> AdapterStatus:
        """Wait until all that the source had when this was called is delivered."""
        until(self.kind.has_told, f"all told; {self.status}")
        begun = time.time()
        until(lambda: self._told_since(begun), f"caught up; {self.status}")
        found = self.status
        assert found is not None
        return found

    def _told_since(self, begun: float) -> bool:
        found = self.status
        return found is not None and found.caught_up and found.asked_at is not None and found.asked_at.timestamp() > begun

    @property
    def state_file(self) -> Path:
        """The adapter's file."""
        return next(iter(self.state.glob("*.sqlite")), self.state / "none")

    def receipt(self) -> tuple[Receipt, Found]:
        """What it says it sent to its regency's topic, and what is found there."""
        made = receipt_of(self.state_file)
        assert made is not None
        with Rereader(self._environ["KAFKA"]) as reader:
            (found,) = prove(reader, made).values()
        return made, found

    @property
    def status(self) -> AdapterStatus | None:
        """How the adapter stands."""
        return status(self.state_file)


def records(kafka: str, regency: str) -> list[Record]:
    """Return everything in a regency's topic."""
    consumer = Consumer({"bootstrap.servers": kafka, "group.id": "conformance", "enable.auto.commit": False})
    try:
        place = TopicPartition(household_topic(regency), 0)
        _, end = watermarks(consumer, place)
        consumer.assign([TopicPartition(place.topic, 0, OFFSET_BEGINNING)])
        found: list[Record] = []
        while len(found) < end:
            message = consumer.poll(10)
            assert message is not None
            assert message.error() is None
            key, value = message.key(), message.value()
            assert key is not None
            assert value is not None
            found.append(Record(key, value, message.headers()))
        return found
    finally:
        consumer.close()


def office(where: Addresses, kind: Kind, day: date = date(2100, 1, 1)) -> dict[int, int]:
    """Return the households that live on a day by the law, by the serials of their cards, with their sizes; none stands there twice."""
    with closing(Registry(where.registry)) as registry:
        said = _statements(where, kind, registry)
    serials = {Pseudonyms(key, 1).family_card(card(serial)): serial for key in (KEY, NEW_KEY) for serial in range(1, 10_000)}
    found: dict[int, int] = {}
    for household, statements in said.items():
        newest = [one for one in visible(kept(statements)) if one.valid_from <= day]
        if newest and newest[-1].operation is not Operation.END:
            assert serials[household] not in found, "one household counts under two names"
            found[serials[household]] = newest[-1].size or 0
    return found


def _statements(where: Addresses, kind: Kind, registry: Registry) -> dict[bytes, list[Statement]]:
    """Return all statements in the topic, by household."""
    said: list[tuple[bytes, Statement]] = []
    links: list[Link] = []
    for record in records(where.kafka, kind.regency):
        event = decode("HouseholdChanged", record.value, (), registry)
        assert record.key == event["household"]
        if event["previous_household"] is not None:
            links.append(Link(event["previous_household"], event["household"], event["key_version"]))
        said.append((record.key, _statement(event)))
    return by_household(said, links)


def _statement(event: Mapping[str, Any]) -> Statement:
    return Statement(
        region=event["region"],
        source=event["source"],
        valid_from=event["valid_from"],
        revision=event["revision"],
        mapping_version=event["mapping_version"],
        operation=Operation(event["operation"]),
        village=event["residence"] and event["residence"]["village"],
        size=event["composition"] and event["composition"]["size"],
    )
