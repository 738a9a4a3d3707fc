"""
The topic read again at the region: every record of a partition, from its first to a given end, to prove a receipt.

Why: what was sent is proved by what lies in the topic, not by what the adapter remembers.
Must not: produce, join a consumer group, or commit an offset.
"""

import logging
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, Self

from confluent_kafka import Consumer, KafkaError, KafkaException, Message, TopicCollection, TopicPartition
from confluent_kafka.admin import AdminClient

from schemas.addresses import settings_of
from schemas.errors import Fatal, Retriable
from schemas.proofs import Found, Prover
from schemas.receipts import Chain, Receipt

__all__ = ["BrokerSilent", "Rereader", "TopicForbidden", "prove", "watermarks", "with_topic_ids"]

_ANSWER_S = 10.0
_SILENT_S = 30.0
"""A broker that has the records but sends none for so long is away."""
_PAUSE_S = 0.1
_AT_ONCE = 10_000
_NO_TOPIC = (KafkaError.UNKNOWN_TOPIC_OR_PART, KafkaError._UNKNOWN_TOPIC, KafkaError._UNKNOWN_PARTITION)  # noqa: SLF001 - their names
_LEADER_MOVES = (KafkaError.NOT_LEADER_FOR_PARTITION, KafkaError.LEADER_NOT_AVAILABLE)
"""A partition that was just made, or whose broker was just lost, answers so for a moment; the library passes it on."""
_FORBIDDEN = (KafkaError.TOPIC_AUTHORIZATION_FAILED, KafkaError.GROUP_AUTHORIZATION_FAILED, KafkaError.CLUSTER_AUTHORIZATION_FAILED)
_NOT_LET_IN = (KafkaError._AUTHENTICATION, KafkaError._SSL)  # noqa: SLF001
_CONFIGURATION: dict[str, Any] = {
    "group.id": "muara-receipt",  # a name that the library wants; nobody joins it
    "client.id": "muara-receipt",
    "enable.auto.commit": False,
    "auto.offset.reset": "earliest",
    "enable.partition.eof": True,
    "isolation.level": "read_uncommitted",
    "check.crcs": True,
    "fetch.wait.max.ms": 100,
    "queued.max.messages.kbytes": 32 << 10,  # all that is read ahead
}
_LOG = logging.getLogger("librdkafka")
_LOG.setLevel(logging.CRITICAL)  # its reconnects are this module's `BrokerSilent`


def watermarks(consumer: Consumer, at: TopicPartition) -> tuple[int, int]:
    """Return the first offset that a partition holds and the next one to come; waits while its leader moves; raises `KafkaException`."""
    until = time.monotonic() + _ANSWER_S
    while True:
        try:
            first, following = consumer.get_watermark_offsets(at, timeout=_ANSWER_S)
        except KafkaException as error:
            if error.args[0].code() not in _LEADER_MOVES or time.monotonic() > until:
                raise
            time.sleep(_PAUSE_S)
        else:
            return first, following


class BrokerSilent(Retriable):
    """Kafka at {address} does not answer ({why}), so nothing is proved"""


class TopicForbidden(Fatal):
    """{topic} may not be read ({why}): ask for the right to read it, or give the receipt (--out) to the office: muara receipt check"""


def prove(reader: "Rereader", receipt: Receipt) -> dict[tuple[str, int], Found]:
    """Return what was found of a receipt's chains in each partition; raises `BrokerSilent`, `TopicForbidden`."""
    return {place: _proved(reader, place, receipt) for place in sorted({chain.place for chain in receipt.chains})}


def _proved(reader: "Rereader", place: tuple[str, int], receipt: Receipt) -> Found:
    prover = Prover(receipt.source, [chain for chain in receipt.chains if chain.place == place])
    more = True
    while more:
        for message in reader.records(place, prover.end):
            prover.take(message.offset() or 0, message.key(), message.value())
        more = prover.finish()
    return prover.found


def with_topic_ids(receipt: Receipt, ids: Mapping[str, str]) -> Receipt:
    """Return a receipt that names the topics by the ids that the broker knows them by now, where it knows them."""
    chains: Sequence[Chain] = [replace(chain, topic_id=ids.get(chain.topic)) for chain in receipt.chains]
    return Receipt.of(receipt.source, receipt.waiting, chains)


class Rereader:
    """A reader of one cluster."""

    def __init__(self, address: str) -> None:
        """Know the brokers. It connects by itself."""
        self.address, self._refused = address, ""
        self._settings: dict[str, Any] = {"bootstrap.servers": str(address), **settings_of(address), "error_cb": self._on_error}
        self._consumer = Consumer(_CONFIGURATION | self._settings, logger=_LOG)

    def __enter__(self) -> Self:
        """Give the reader; it leaves the broker at the end."""
        return self

    def __exit__(self, *_: object) -> None:
        """Leave the broker."""
        self._consumer.close()

    def topic_ids(self, topics: Sequence[str]) -> dict[str, str]:
        """Return the id of each topic that exists; raises `BrokerSilent`, `TopicForbidden`."""
        if not topics:
            return {}
        admin = AdminClient({**self._settings, "socket.timeout.ms": int(_ANSWER_S * 1000)}, logger=_LOG)
        found = {}
        for topic, answer in admin.describe_topics(TopicCollection(list(topics)), request_timeout=_ANSWER_S).items():
            try:
                found[topic] = str(answer.result().topic_id)
            except KafkaException as error:
                if error.args[0].code() not in _NO_TOPIC:
                    admin.poll(0)
                    raise self._meaning(topic, error.args[0]) from error
        return found

    def records(self, place: tuple[str, int], end: int) -> Iterator[Message]:
        """
        Yield all records of a partition below an offset, in order; those that the broker no longer holds are not among them.

        None where there is no such topic. Raises `BrokerSilent`, `TopicForbidden`.
        """
        begin, reached = self._held(TopicPartition(*place))
        end = min(end, reached)
        if begin >= end:
            return
        self._consumer.assign([TopicPartition(*place, begin)])
        yield from self._until(place[0], begin, end)
        self._consumer.unassign()

    def _held(self, at: TopicPartition) -> tuple[int, int]:
        """Return what offsets a partition holds, from and below; none where there is no such topic, by the broker's own word."""
        until = time.monotonic() + _ANSWER_S
        while True:
            try:
                return watermarks(self._consumer, at)
            except KafkaException as error:
                unknown = error.args[0].code() in _NO_TOPIC
                if unknown and not self._is_there(at.topic):
                    return 0, 0
                if not unknown or time.monotonic() > until:
                    raise self._meaning(at.topic, error.args[0]) from error
            time.sleep(_PAUSE_S)
            self._begin_anew()

    def _begin_anew(self) -> None:
        """Forget what the library knows: who came to a broker that had just lost its session heard of no topics, and keeps to it."""
        self._consumer.close()
        self._consumer = Consumer(_CONFIGURATION | self._settings, logger=_LOG)

    def _is_there(self, topic: str) -> bool:
        try:
            return topic in self._consumer.list_topics(timeout=_ANSWER_S).topics
        except KafkaException as error:
            raise self._meaning(topic, error.args[0]) from error

    def _until(self, topic: str, following: int, end: int) -> Iterator[Message]:
        heard = time.monotonic()
        while True:
            messages = self._consumer.consume(min(_AT_ONCE, end - following), 0.5)  # no more than there are: it would wait for them
            for message in messages:
                error, offset = message.error(), message.offset() or 0
                if error is None and offset < end:
                    yield message
                elif error is not None and error.code() != KafkaError._PARTITION_EOF:  # noqa: SLF001 - the library's own name
                    self._judge(topic, error)
                following = max(following, offset + (error is None))
                if following >= end:
                    return
            if messages:
                heard = time.monotonic()  # counted from here: the caller may have taken long
            elif time.monotonic() - heard > _SILENT_S:
                raise BrokerSilent(address=self.address, why="it sends no records")

    def _judge(self, topic: str, error: KafkaError) -> None:
        """Raise what an error in between means; the library gets over most by itself, and silence tells of the others."""
        if error.fatal() or error.code() in _FORBIDDEN:
            raise self._meaning(topic, error) from KafkaException(error)

    def _on_error(self, error: KafkaError) -> None:
        """Hear why the library cannot connect; whoever asks is only told that nobody answers."""
        if error.code() in _NOT_LET_IN:
            self._refused = error.name()

    def _meaning(self, topic: str, error: KafkaError) -> Fatal | Retriable:
        if error.code() in _FORBIDDEN:
            return TopicForbidden(topic=topic, why=error.name())
        self._consumer.poll(0)  # lets the library tell why it cannot connect
        return BrokerSilent(address=self.address, why=self._refused or error.name())
