"""
Records at given offsets: read again from the topics, whatever became of them, in the order of their offsets.

Why: a dead letter holds coordinates and no value; what it speaks of still lies in the topic, which is kept for ever.
Must not: join a consumer group, commit an offset, or hold more in memory than what was asked for at once.
"""

import logging
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from confluent_kafka import Consumer, KafkaError, KafkaException, Message, TopicPartition

from processors.broker import READING_ALL, BrokerAway
from schemas.addresses import settings_of
from schemas.errors import Fatal

__all__ = ["Found", "RecordsAt", "RecordsUnreadable"]

Partition = tuple[str, int]
NEAR = 200
"""Offsets that are read through rather than jumped over: a jump costs a round trip, and drops what was fetched ahead."""
SILENT_S = 30.0
"""A broker that has the records but sends none for so long is away."""
_POLL_S = 0.2
_LIBRARY_LOG = logging.getLogger("librdkafka")
_CONFIGURATION: dict[str, Any] = {
    **READING_ALL,
    "group.id": "muara-rejected",  # a name that the library wants; nobody joins it
    "fetch.wait.max.ms": 50,
    "fetch.queue.backoff.ms": 10,  # else a full queue keeps a jump waiting for a second
    "fetch.message.max.bytes": 256 << 10,
    "queued.min.messages": 5 * NEAR,
    "queued.max.messages.kbytes": 8 << 10,  # all that is read ahead
}
_PASSING = (
    KafkaError._ALL_BROKERS_DOWN,  # noqa: SLF001
    KafkaError._TRANSPORT,  # noqa: SLF001
    KafkaError._TIMED_OUT,  # noqa: SLF001
    KafkaError._RESOLVE,  # noqa: SLF001
)
"""The broker is away: silence will tell."""


class RecordsUnreadable(Fatal):
    """{topic}[{partition}] cannot be read ({why}): nothing was repaired of it"""


@dataclass(frozen=True, slots=True)
class Found:
    """One record as it lies in its topic."""

    offset: int
    key: bytes | None
    value: bytes | None
    headers: Sequence[tuple[str, bytes]]


class RecordsAt:
    """A reader of single records."""

    def __init__(self, address: str) -> None:
        """Know the cluster's address; librdkafka connects by itself."""
        self._address = address
        self._consumer = Consumer(_CONFIGURATION | {"bootstrap.servers": str(address), **settings_of(address)}, logger=_LIBRARY_LOG)

    def read(self, partition: Partition, offsets: Sequence[int]) -> Iterator[Found]:
        """
        Yield the records of a partition at growing offsets, all of them within its log; where the log has nothing at one, it is left out.

        Raises `RecordsUnreadable`, and `BrokerAway` where nothing comes for `SILENT_S` seconds.
        """
        wanted = iter(offsets)
        want, at = next(wanted, None), None
        heard = time.monotonic()
        while want is not None:
            if at is None or want - at > NEAR:
                self._consumer.assign([TopicPartition(*partition, want)])
                at = want
            # One at a time: asked for several, the library waits until it has all of them, however few there are to come.
            message = self._consumer.poll(_POLL_S)
            if message is None:
                if time.monotonic() - heard > SILENT_S:
                    raise BrokerAway(address=self._address, why="it sends no records")
                continue
            heard = time.monotonic()
            here, record = self._told(partition, message)
            if here is None or here < at:
                continue  # an error that passes, or what was fetched before a jump
            if record is None:
                return  # the log ends before what is wanted
            at = here + 1
            while want is not None and want < here:  # the log has nothing there
                want = next(wanted, None)
            if want == here:
                yield _found(record, here)
                want = next(wanted, None)
                heard = time.monotonic()  # counted from here: the caller may have taken long

    def close(self) -> None:
        """Leave the broker."""
        self._consumer.close()

    def _told(self, partition: Partition, message: Message) -> tuple[int | None, Message | None]:
        """Return the offset that a message tells of and its record, None where it is the end of the log; (None, None) where it passes."""
        error = message.error()
        if (message.topic(), message.partition()) != partition:
            return None, None
        if error is None:
            return message.offset() or 0, message
        if error.code() == KafkaError._PARTITION_EOF:  # noqa: SLF001 - the library's own name
            return message.offset() or 0, None
        if error.fatal() or not (error.retriable() or error.code() in _PASSING):
            raise RecordsUnreadable(topic=partition[0], partition=partition[1], why=error.name()) from KafkaException(error)
        return None, None


def _found(message: Message, offset: int) -> Found:
    headers: Any = message.headers() or []
    pairs = headers.items() if isinstance(headers, Mapping) else headers
    named = [(name, content.encode() if isinstance(content, str) else content or b"") for name, content in pairs]
    return Found(offset, _bytes(message.key()), _bytes(message.value()), named)


def _bytes(content: str | bytes | None) -> bytes | None:
    return content.encode() if isinstance(content, str) else content
