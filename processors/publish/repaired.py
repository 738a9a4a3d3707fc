"""
Repaired events on their way to their regencies' topics: sent once more, in order, and told where the broker has each.

Why: a repair counts when the broker has it on all its replicas, and the audit says at which offset.
Must not: make a topic, decide what is sent, or go on after a failure without telling what arrived before it.
"""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from confluent_kafka import KafkaError, KafkaException, Message, Producer

from processors.broker import BrokerAway
from schemas.addresses import settings_of
from schemas.errors import Fatal, MuaraError
from schemas.topics import household_topic

__all__ = ["Delivered", "Event", "NoTopic", "RepairedSender"]

_LOG = logging.getLogger("librdkafka")
_NO_TOPIC = (KafkaError.UNKNOWN_TOPIC_OR_PART, KafkaError._UNKNOWN_TOPIC, KafkaError._UNKNOWN_PARTITION)  # noqa: SLF001 - their names
WAIT_S = 30.0
"""How long the broker may take for what was handed over at once."""


class NoTopic(Fatal):
    """topic {topic} takes no repaired event ({why}): make it with muara sources load, or get the right to write to it"""


@dataclass(frozen=True, slots=True)
class Event:
    """One repaired event: the regency whose topic it goes to, the key and the value."""

    regency: str
    key: bytes
    value: bytes


@dataclass(slots=True)
class Delivered:
    """What became of some events: partition and offset of each that arrived, by its place, and what stopped the others."""

    at: dict[int, tuple[int, int]] = field(default_factory=dict)
    failed: MuaraError | None = None


class RepairedSender:
    """An idempotent producer, acks=all; used by one thread."""

    def __init__(self, kafka: str) -> None:
        """Know the brokers; librdkafka connects by itself."""
        self._kafka = kafka
        self._producer = Producer(
            {
                "bootstrap.servers": str(kafka),
                **settings_of(kafka),
                "client.id": "muara-repair",
                "acks": "all",
                "enable.idempotence": True,
                "message.timeout.ms": 20_000,
                "linger.ms": 5,
                "compression.type": "lz4",
                "partitioner": "murmur2_random",  # where adapters put the same key
                "allow.auto.create.topics": False,
                "topic.metadata.propagation.max.ms": 3_000,  # a topic unknown for so long is not there
                "error_cb": lambda _: None,
            },
            logger=_LOG,
        )

    def send(self, events: Sequence[Event]) -> Delivered:
        """Send events in order, wait for all reports, and return what became of them; after a failure this sender is of no more use."""
        delivered = Delivered()
        for place, one in enumerate(events):
            report = _report(self._kafka, delivered, place)
            try:
                self._producer.produce(household_topic(one.regency), one.value, one.key, on_delivery=report)
            except KafkaException as error:
                delivered.failed = _meaning(self._kafka, household_topic(one.regency), error.args[0])
                break
            self._producer.poll(0)
        if self._producer.flush(WAIT_S) and delivered.failed is None:
            delivered.failed = BrokerAway(address=self._kafka, why="it did not take all within the time")
        return delivered

    def close(self) -> None:
        """Throw away what was not sent."""
        self._producer.purge()
        self._producer.flush(0.1)


def _report(kafka: str, delivered: Delivered, place: int) -> Callable[[KafkaError | None, Message], None]:
    def take(error: KafkaError | None, message: Message) -> None:
        if error is None:
            delivered.at[place] = (message.partition() or 0, message.offset() or 0)
        elif delivered.failed is None:
            delivered.failed = _meaning(kafka, message.topic() or "", error)

    return take


def _meaning(kafka: str, topic: str, error: KafkaError) -> MuaraError:
    if error.code() in _NO_TOPIC or error.code() == KafkaError.TOPIC_AUTHORIZATION_FAILED:
        return NoTopic(topic=topic, why=error.name())
    return BrokerAway(address=kafka, why=error.name())
