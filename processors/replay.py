"""
Replay: the records of partitions from one offset to another, exactly, in the form in which a worker takes them.

Why: what was once merged can be merged again from the topics, by the same code, to prove or repair what is held.
Must not: join a consumer group, commit an offset, pass over a missing record, or judge what a record says.
"""

import logging
import time
from collections.abc import Iterator, Mapping, Sequence
from itertools import chain, groupby
from typing import Any

import numpy as np
from confluent_kafka import Consumer, KafkaError, KafkaException, Message, TopicPartition

from processors.blocks import Block
from processors.broker import BrokerAway
from schemas.errors import Fatal

__all__ = ["Batch", "LogGap", "LogUnreadable", "Partition", "Replay", "blocks_of"]

Partition = tuple[str, int]
Batch = dict[Partition, list[Block]]
"""Records of some partitions, each without a gap."""
RECORDS = 15_000
"""Records given at once, as many as a worker merges in one transaction."""
SILENT_S = 30.0
"""A broker that has the records but sends none for so long is away."""
_POLL_S = 0.5
_LIBRARY_LOG = logging.getLogger("librdkafka")
_GUARD = b"\0" * 16
_CONFIGURATION: dict[str, Any] = {
    "group.id": "muara-rebuild",  # a name that the library wants; nobody joins it
    "enable.auto.commit": False,
    "enable.auto.offset.store": False,
    "auto.offset.reset": "error",
    "isolation.level": "read_uncommitted",  # everything is seen, as workers see it
    "check.crcs": True,
    "fetch.wait.max.ms": 100,
    "queued.min.messages": 2 * RECORDS,
    "queued.max.messages.kbytes": 64 << 10,  # all that is read ahead
}


class LogGap(Fatal):
    """{topic}[{partition}] goes on at offset {found} instead of {expected}: records are missing, so a replay proves nothing"""


class LogUnreadable(Fatal):
    """{topic}[{partition}] cannot be read ({why}): nothing was rebuilt and nothing changed"""


class Replay:
    """A reader of its own; spans of many partitions are read side by side."""

    def __init__(self, address: str) -> None:
        """Know the cluster's address; librdkafka connects by itself."""
        self._address = address
        self._consumer = Consumer(_CONFIGURATION | {"bootstrap.servers": address}, logger=_LIBRARY_LOG)

    def batches(self, spans: Mapping[Partition, tuple[int, int]]) -> Iterator[Batch]:
        """
        Yield the records of each partition from its first offset up to, not including, its second; all of them, each once.

        Raises `LogGap`, `LogUnreadable`, and `BrokerAway` where nothing comes for `SILENT_S` seconds.
        """
        rest = {partition: span for partition, span in spans.items() if span[0] < span[1]}
        self._consumer.assign([TopicPartition(*partition, begin) for partition, (begin, _) in rest.items()])
        heard = time.monotonic()
        while rest:
            wanted = sum(end - at for at, end in rest.values())
            batch = self._some(min(RECORDS, wanted), rest)
            if batch:
                yield batch
                heard = time.monotonic()  # counted from here: the caller may have taken long
            elif time.monotonic() - heard > SILENT_S:
                raise BrokerAway(address=self._address, why="it sends no records")

    def close(self) -> None:
        """Leave the broker."""
        self._consumer.close()

    def _some(self, count: int, rest: dict[Partition, tuple[int, int]]) -> Batch:
        """Return at most so many records of what is wanted, and move `rest` past them."""
        read: dict[Partition, list[Message]] = {}
        for message in self._consumer.consume(count, _POLL_S):
            partition = (message.topic() or "", message.partition() or 0)
            error = message.error()
            if error is not None:
                _refuse(partition, error)
            elif partition in rest:  # else what was fetched of a partition that is done
                read.setdefault(partition, []).append(message)
        batch, done = {}, []
        for partition, messages in read.items():
            at, end = rest[partition]
            kept = messages[: end - at]
            _check_dense(partition, at, kept)
            batch[partition] = blocks_of(kept)
            rest[partition] = (at + len(kept), end)
            if at + len(kept) == end:
                del rest[partition]
                done.append(TopicPartition(*partition))
        if done:
            self._consumer.incremental_unassign(done)
        return batch


def blocks_of(messages: Sequence[Message]) -> list[Block]:
    """Return records of one partition, one after the other, as blocks: a new one wherever the time of arrival is another."""
    return [_block(list(run), arrived_ms) for arrived_ms, run in groupby(messages, key=lambda one: one.timestamp()[1])]


def _block(messages: Sequence[Message], arrived_ms: int) -> Block:
    """Return one block; its bytes are key, value and headers of each record, as they lie in Kafka's own batches."""
    pieces = [(one.key(), one.value(), _headers(one.headers())) for one in messages]
    raw = b"".join(piece or b"" for piece in chain.from_iterable(pieces))
    lengths = np.array([[-1 if piece is None else len(piece) for piece in record] for record in pieces], np.int64)
    ends = np.cumsum(np.maximum(lengths, 0).ravel()).reshape(-1, 3)
    starts = ends - np.maximum(lengths, 0)
    return Block(
        raw=raw + _GUARD,
        key=np.ascontiguousarray(starts[:, 0]),
        key_length=np.ascontiguousarray(lengths[:, 0]),
        value=np.ascontiguousarray(starts[:, 1]),
        value_length=np.ascontiguousarray(lengths[:, 1]),
        first=messages[0].offset() or 0,
        timestamp_ms=arrived_ms,
    )


def _headers(headers: Any) -> bytes:  # noqa: ANN401 - pairs, or a mapping, or nothing, says the library
    """Return a record's headers in Kafka's form: how many, then each name and value behind its length; -1 is a value of null."""
    if not headers:
        return b"\0"
    pairs = list(headers.items() if isinstance(headers, Mapping) else headers)
    out = [_varint(len(pairs))]
    for name, value in pairs:
        encoded = name.encode()
        content = value.encode() if isinstance(value, str) else value
        out += [_varint(len(encoded)), encoded, _varint(-1 if content is None else len(content)), content or b""]
    return b"".join(out)


def _varint(number: int) -> bytes:
    """Return a whole number as a zigzag varint."""
    rest = number << 1 ^ number >> 63
    out = bytearray()
    while rest > 127:
        out.append(rest & 127 | 128)
        rest >>= 7
    out.append(rest)
    return bytes(out)


def _check_dense(partition: Partition, at: int, messages: Sequence[Message]) -> None:
    offsets = np.array([one.offset() for one in messages], np.int64)
    wrong = np.flatnonzero(offsets != np.arange(at, at + len(offsets)))
    if len(wrong):
        place = int(wrong[0])
        raise LogGap(topic=partition[0], partition=partition[1], found=int(offsets[place]), expected=at + place)


def _refuse(partition: Partition, error: KafkaError) -> None:
    """Raise what an error of a partition means; errors that the library gets over by itself are passed over."""
    if error.fatal() or not (error.retriable() or error.code() in _PASSING):
        raise LogUnreadable(topic=partition[0], partition=partition[1], why=error.name()) from KafkaException(error)


_PASSING = frozenset(
    {KafkaError._ALL_BROKERS_DOWN, KafkaError._TRANSPORT, KafkaError._TIMED_OUT, KafkaError._RESOLVE, KafkaError._PARTITION_EOF}  # noqa: SLF001 - the library's own names
)
"""The broker is away: silence will tell."""
