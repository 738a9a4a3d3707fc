"""
The topics that figures and rejected records leave by: events, keys, and the one producer that may write them.

Why: its transactional id fences a publisher that was paused and wakes up after another has taken over: what it sends is refused.
Must not: decide what is to be sent, or go on with a producer that failed (it is thrown away and made anew).
"""

import logging
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from confluent_kafka import KafkaError, KafkaException, Producer

from processors.broker import BrokerAway
from processors.indicators.catalogue import indicators
from processors.publish.topics import make_missing
from processors.store.dispatch import Marked
from processors.store.figures import Figure
from processors.store.outbox import DeadLetter
from schemas.addresses import settings_of
from schemas.codec import encode
from schemas.errors import Retriable
from schemas.events import EventRejected, IndicatorPublished
from schemas.registry import Registry
from schemas.topics import INDICATOR_TOPIC, regency_of, rejected_topic

__all__ = ["Fenced", "Outlet", "event_of", "key_of"]

_LOG = logging.getLogger(__name__)
TRANSACTIONAL_ID = "muara-publish"
WAIT_S = 10.0
"""How long one answer of the broker is waited for; beyond it the work is put off and done again."""
# librdkafka's own codes begin with an underscore; a producer that failed for good says _FATAL from then on, whatever it was.
_FENCED = (KafkaError._FENCED, KafkaError.PRODUCER_FENCED, KafkaError.INVALID_PRODUCER_EPOCH, KafkaError._FATAL)  # noqa: SLF001
_QUEUE = 200_000


class Fenced(Retriable):
    """another publisher has begun to send, so this one stops; if that comes again and again, another installation sends to this Kafka"""


@dataclass(frozen=True, slots=True)
class _Record:
    topic: str
    key: str
    value: bytes


def key_of(figure: Figure) -> str:
    """Return the key of a figure's record, such as `31.74|all|2024-03`."""
    return f"{figure.region}|{figure.urbanisation}|{figure.month.isoformat()[:7]}"


def event_of(marked: Marked, reference_version: int) -> IndicatorPublished:
    """Return the event that carries a figure."""
    figure, sums = marked.figure, marked.figure.measures
    ratios = indicators(sums)
    return IndicatorPublished(
        region=figure.region,
        region_name=figure.region_name,
        level=figure.level,
        urbanisation=figure.urbanisation,
        month=figure.month,
        revision=marked.revision,
        reference_version=reference_version,
        households=sums["households"],
        people=sums["people"],
        known_people=sums["known_people"],
        unknown_people=sums["unknown_people"],
        poor_households=sums["poor_households"],
        poor_people=sums["poor_people"],
        rupiah_gap_per_month=sums["rupiah_gap"],
        extreme_known_people=sums["extreme_known_people"],
        extreme_poor_people=sums["extreme_poor_people"],
        vulnerable_people=sums["vulnerable_people"],
        aspiring_people=sums["aspiring_people"],
        middle_people=sums["middle_people"],
        upper_people=sums["upper_people"],
        expenditure_rupiah_per_month=sums["expenditure"],
        modelled_people=sums["modelled_people"],
        zero_expenditure_people=sums["zero_expenditure_people"],
        p0_ratio=ratios["p0"],
        p1_ratio=ratios["p1"],
        p2_ratio=ratios["p2"],
        income_gap_ratio=ratios["income_gap_ratio"],
        watts_ratio=ratios["watts"],
        extreme_p0_ratio=ratios["extreme_p0"],
        mean_expenditure_rupiah_per_person_month=ratios["mean_expenditure"],
        modelled_ratio=ratios["modelled_share"],
        line_is_stale=figure.line_is_stale,
    )


class Outlet:
    """The way out to Kafka; `open` takes it over from whoever had it."""

    def __init__(self, kafka: str, registry: Registry) -> None:
        """Know broker and registry; nothing is connected yet."""
        self._kafka, self._registry = kafka, registry
        self._producer: Producer | None = None
        self._made: set[str] = set()

    def open(self) -> None:
        """
        Make the producer unless there is one, and fence every other.

        Only the process that folds may do so. Raises `BrokerAway`, `RegistryAway`, `Fenced`.
        """
        if self._producer is not None:
            return
        self._make_topic(INDICATOR_TOPIC, "IndicatorPublished")
        configuration: dict[str, Any] = {
            "bootstrap.servers": str(self._kafka),
            **settings_of(self._kafka),
            "transactional.id": TRANSACTIONAL_ID,
            "transaction.timeout.ms": 30_000,
            "message.timeout.ms": 20_000,
            "linger.ms": 5,
            "compression.type": "lz4",
            "queue.buffering.max.messages": _QUEUE,
            "error_cb": _told,
            "log_level": 0,
        }
        producer = Producer(configuration)
        try:
            producer.init_transactions(WAIT_S)
        except KafkaException as error:
            raise self._failed(error) from error
        self._producer = producer

    def send_figures(self, marked: Iterable[Marked], reference_version: int) -> int:
        """Send figures in one transaction of Kafka; return how many. Raises `BrokerAway`, `RegistryAway`, `Fenced`: then none counts."""
        schema = self._registry.register(INDICATOR_TOPIC, "IndicatorPublished")
        return self._send(_Record(INDICATOR_TOPIC, key_of(one.figure), encode(event_of(one, reference_version), schema)) for one in marked)

    def send_dead_letters(self, letters: Iterable[DeadLetter]) -> int:
        """Send rejected records to the topics of their regencies, likewise."""
        return self._send([self._letter(one) for one in letters])

    def close(self) -> None:
        """Throw the producer away, with whatever it has not sent."""
        if self._producer is not None:
            self._producer.purge()
        self._producer = None

    def _letter(self, one: DeadLetter) -> _Record:
        topic = rejected_topic(regency_of(one.topic))
        schema = self._make_topic(topic, "EventRejected")
        event = EventRejected(
            topic=one.topic,
            partition=one.partition,
            offset=one.offset,
            arrived_at=one.arrived_at,
            cause=one.cause,
            field=one.field,
            message=one.message,
            digest=one.digest.hex(),
        )
        return _Record(topic, f"{one.topic}|{one.partition}|{one.offset}", encode(event, schema))

    def _send(self, records: Iterable[_Record]) -> int:
        self.open()
        producer = self._producer
        assert producer is not None  # noqa: S101 - open made it, or raised
        sent = 0
        try:
            producer.begin_transaction()
            for record in records:
                _produce(producer, record)
                sent += 1
            producer.commit_transaction(WAIT_S)
        except KafkaException as error:
            raise self._failed(error) from error
        except BaseException:
            self.close()
            raise
        return sent

    def _failed(self, error: KafkaException) -> Retriable:
        """Throw the producer away and return what its error means; the next producer ends the transaction that this one began."""
        self.close()
        code: KafkaError = error.args[0]
        return Fenced() if code.code() in _FENCED else BrokerAway(address=self._kafka, why=code.name())

    def _make_topic(self, topic: str, schema: str) -> int:
        """Make a topic unless it is there, register its schema, and return the schema's id."""
        number = self._registry.register(topic, schema)
        if topic not in self._made:
            make_missing(self._kafka, [topic])
            self._made.add(topic)
        return number


def _produce(producer: Producer, record: _Record) -> None:
    while True:
        try:
            producer.produce(record.topic, value=record.value, key=record.key)
        except BufferError:
            producer.poll(0.1)
        else:
            producer.poll(0)
            return


def _told(error: KafkaError) -> None:
    _LOG.debug("kafka client", extra={"action": "kafka_client", "why": error.name()})
