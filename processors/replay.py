"""
Replay: the records of partitions from one offset to another, exactly, in the form in which a worker takes them.

Why: what was once merged can be merged again from the topics, by the same code, to prove or repair what is held.
Must not: join a consumer group, commit an offset, pass over a missing record, or judge what a record says.
"""

import logging
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from itertools import chain, groupby
from typing import Any

import numpy as np
from confluent_kafka import Consumer, KafkaError, KafkaException, Message, TopicPartition

from processors.blocks import Block
from processors.broker import READING_ALL, BrokerAway
from schemas.addresses import settings_of
from schemas.errors import Fatal

__all__ = ["Batch", "Gap", "LogGap", "LogUnreadable", "Partition", "Replay", "blocks_of"]

Partition = tuple[str, int]
Batch = dict[Partition, list[Block]]
"""Records of some partitions, each without a gap."""
Gap = Callable[[Partition, int, int], None]
"""Told of a partition that there is no record from one offset up to, not including, another."""
RECORDS = 15_000
"""Records given at once, as many as a worker merges in one transaction."""
SILENT_S = 30.0
"""A broker that has the records but sends none for so long is away."""
_POLL_S = 0.5
_LIBRARY_LOG = logging.getLogger("librdkafka")
_GUARD = b"\0" * 16
_CONFIGURATION: dict[str, Any] = {
    **READING_ALL,
    "group.id": "muara-rebuild",  # a name that the library wants; nobody joins it
    "fetch.wait.max.ms": 100,
    "queued.min.messages": 2 * RECORDS,
    "queued.max.messages.kbytes": 64 << 10,  # all that is read ahead
}


class LogGap(Fatal):
    """
    {topic}[{partition}] goes on at offset {found} instead of {expected}: records are missing, so a replay proves nothing and nothing was
    changed; where they were given up on purpose, or never were (marks of transactions), muara rebuild --accept-loss goes on without them
    """


class LogUnreadable(Fatal):
    """{topic}[{partition}] cannot be read ({why}): nothing was rebuilt and nothing changed"""


class Replay:
    """A reader of its own; spans of many partitions are read side by side."""

    def __init__(self, address: str) -> None:
        """Know the cluster's address; librdkafka connects by itself."""
        self._address = address
        self._consumer = Consumer(_CONFIGURATION | {"bootstrap.servers": str(address), **settings_of(address)}, logger=_LIBRARY_LOG)

    def batches(self, spans: Mapping[Partition, tuple[int, int]], gap: Gap | None = None) -> Iterator[Batch]:
        """
        Yield the records of each partition from its first offset up to, not including, its second; all of them, each once.

        Where offsets have no record, `gap` is told; without it that raises `LogGap`. Raises `LogUnreadable`, and `BrokerAway` where
        nothing comes for `SILENT_S` seconds.
        """
        rest = {partition: span for partition, span in spans.items() if span[0] < span[1]}
        self._consumer.assign([TopicPartition(*partition, begin) for partition, (begin, _) in rest.items()])
        heard = time.monotonic()
        while rest:
            wanted = sum(end - at for at, end in rest.values())
            batch = self._some(min(RECORDS, wanted), rest, gap or _refuse_gap)
            if batch:
                yield batch
                heard = time.monotonic()  # counted from here: the caller may have taken long
            elif time.monotonic() - heard > SILENT_S:
                raise BrokerAway(address=self._address, why="it sends no records")

    def close(self) -> None:
        """Leave the broker."""
        self._consumer.close()

    def _some(self, count: int, rest: dict[Partition, tuple[int, int]], gap: Gap) -> Batch:
        """Return at most so many records of what is wanted, and move `rest` past them."""
        batch, done = {}, []
        for partition, (messages, reached) in self._fetched(count, rest).items():
            at, end = rest[partition]
            kept = [one for one in messages if _offset(one) < end]
            for message in kept:
                if _offset(message) != at:
                    gap(partition, at, _offset(message))
                at = _offset(message) + 1
            if kept:
                batch[partition] = blocks_of(kept)
            if at < end <= reached:
                gap(partition, at, end)
            rest[partition] = (at, end)
            if end <= max(at, reached):
                del rest[partition]
                done.append(TopicPartition(*partition))
        if done:
            self._consumer.incremental_unassign(done)
        return batch

    def _fetched(self, count: int, rest: Collection[Partition]) -> dict[Partition, tuple[list[Message], int]]:
        """Return what comes of the partitions that are wanted still: records, and the last offset heard of, perhaps the log's end."""
        read: dict[Partition, tuple[list[Message], int]] = {}
        for message in self._consumer.consume(count, _POLL_S):
            partition = (message.topic() or "", message.partition() or 0)
            error = message.error()
            if error is not None and error.code() != KafkaError._PARTITION_EOF:  # noqa: SLF001 - the library's own name
                _refuse(partition, error)
            elif partition in rest:  # else what was fetched of a partition that is done
                messages, _ = read.get(partition, ([], 0))
                if error is None:
                    messages.append(message)
                read[partition] = (messages, _offset(message))
        return read


def blocks_of(messages: Sequence[Message]) -> list[Block]:
    """Return records of one partition as blocks: a new one wherever the time of arrival is another, and behind every gap."""
    runs = groupby(enumerate(messages), key=lambda one: (one[1].timestamp()[1], _offset(one[1]) - one[0]))
    return [_block([message for _, message in run], arrived_ms) for (arrived_ms, _), run in runs]


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


def _offset(message: Message) -> int:
    return message.offset() or 0


def _refuse_gap(partition: Partition, expected: int, found: int) -> None:
    raise LogGap(topic=partition[0], partition=partition[1], found=found, expected=expected)


def _refuse(partition: Partition, error: KafkaError) -> None:
    """Raise what an error of a partition means; errors that the library gets over by itself are passed over."""
    if error.fatal() or not (error.retriable() or error.code() in _PASSING):
        raise LogUnreadable(topic=partition[0], partition=partition[1], why=error.name()) from KafkaException(error)


_PASSING = frozenset(
    {KafkaError._ALL_BROKERS_DOWN, KafkaError._TRANSPORT, KafkaError._TIMED_OUT, KafkaError._RESOLVE}  # noqa: SLF001 - the library's own names
)
"""The broker is away: silence will tell."""
