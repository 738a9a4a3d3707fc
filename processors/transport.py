"""
A Faust transport that hands over whole fetches: all record batches of all partitions in one fetch are one Faust event.

Why: stock Faust spends 80 microseconds of event loop on every record; here that price is paid once per fetch.
It starts from the offsets that the app keeps (in PostgreSQL), never from Kafka's.
Must not: decode or merge; pause partitions in Faust's way (one that is not drained blocks its whole broker).
"""

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Iterator, Mapping
from typing import Any, Protocol

from aiokafka import TopicPartition
from aiokafka.consumer import fetcher
from aiokafka.errors import KafkaError, RecordTooLargeError
from aiokafka.record.util import calc_crc32c
from faust.transport.consumer import ensure_TP
from faust.transport.drivers import aiokafka as driver
from faust.types.tuples import TP, ConsumerMessage

from processors.blocks import Block, BrokenBatch, Unreadable, parse_blocks

__all__ = ["BatchConsumer", "BatchTransport", "Fetched", "Positions", "leave_group", "pause", "resume", "seek"]

_log = logging.getLogger(__name__)
Fetched = list[tuple[tuple[str, int], list[Block | Unreadable]]]
"""What one fetch brought: for each partition (topic, partition) its blocks in order; where it cannot be read on, a mark ends them."""
_FULL_WAIT_S = 0.002
_PACE_PER_PARTITION_S, _LEAST_PACE_S, _GREATEST_PACE_S = 0.0002, 0.004, 0.1
"""Pause between fetches: aiokafka has no fetch sessions, so each fetch costs Python time for every partition. Without it a trickle over
514 topics takes a whole core; much longer, and the newest changes wait for it."""
_FETCH_BYTES = 8 << 20
_AHEAD_BYTES = 8 << 20
"""How much may lie fetched and not handed over before the next fetch: aiokafka itself bounds it by the number of partitions only."""


class Positions(Protocol):
    """What the app does for the transport; the Faust app carries one as `app.positions`."""

    def full(self) -> bool:
        """Return whether enough is read ahead, so that no more should be fetched now."""

    async def assigned(self, partitions: set[tuple[str, int]]) -> Mapping[tuple[str, int], int]:
        """Take partitions over and return where to read each; what was read ahead before is dropped."""

    def commits(self) -> Mapping[tuple[str, int], int]:
        """Return the next offset of each partition, for monitoring in Kafka."""


class _WholeBytes:
    """A fetch's bytes, kept as they are: aiokafka's `MemoryRecords` as far as its fetcher asks, without a look inside."""

    def __init__(self, raw: bytes) -> None:
        self.raw = bytes(raw)

    def has_next(self) -> bool:
        """Return whether there is a whole record batch."""
        return len(self.raw) >= 61 and len(self.raw) >= 12 + int.from_bytes(self.raw[8:12], "big")

    def size_in_bytes(self) -> int:
        """Return the size of all of it."""
        return len(self.raw)


def _unpack_blocks(self: fetcher.PartitionRecords) -> Iterator[Block | Unreadable]:
    """
    Yield the fetched blocks from the position asked for, as `PartitionRecords` yields records.

    A batch that cannot be read is a mark: an error raised here would end the reading of all partitions, in whatever worker has this one.
    """
    try:
        for block, after in parse_blocks(self._records.raw, calc_crc32c if self._check_crcs else None):
            wanted = block.from_offset(self.next_fetch_offset) if block is not None and after > self.next_fetch_offset else None
            self.next_fetch_offset = max(after, self.next_fetch_offset)
            if wanted is not None and len(wanted.value):
                yield wanted
    except BrokenBatch as error:
        yield Unreadable(self.next_fetch_offset, str(error))


class _Mark:
    """A mark in place of a fetch's records: aiokafka's `PartitionRecords` as far as its `FetchResult` asks."""

    def __init__(self, mark: Unreadable, after: int) -> None:
        self._marks = iter((mark,))
        self.next_fetch_offset = after

    def __iter__(self) -> Iterator[Unreadable]:
        return self._marks


def _set_error(self: fetcher.Fetcher, tp: TopicPartition, error: KafkaError) -> None:
    """Keep what the broker refuses of a partition (it may not be read, say) as a mark, where aiokafka would raise it for all of them."""
    assignment = self._subscriptions.subscription.assignment
    position = assignment.state_value(tp).position
    mark = _Mark(Unreadable(position, type(error).__name__), position + isinstance(error, RecordTooLargeError))  # aiokafka passes over one
    self._records[tp] = fetcher.FetchResult(tp, assignment=assignment, partition_records=mark, backoff=self._prefetch_backoff)


def _install() -> None:
    """Let aiokafka's fetcher hand over blocks instead of records; its version is pinned for this."""
    fetcher.MemoryRecords = _WholeBytes
    fetcher.PartitionRecords._unpack_records = _unpack_blocks  # noqa: SLF001
    fetcher.Fetcher._set_error = _set_error  # noqa: SLF001
    fetcher.Fetcher._proc_fetch_request = _paced  # noqa: SLF001


_fetch = fetcher.Fetcher._proc_fetch_request  # noqa: SLF001


async def _paced(self: fetcher.Fetcher, assignment: Any, node_id: int, request: Any) -> bool:  # noqa: ANN401 - aiokafka's own
    """Send a fetch, but not sooner after the last one than the number of partitions allows, nor while much of earlier ones lies unread."""
    partitions = sum(len(topic[1]) for topic in request.topics)
    pace = min(max(_PACE_PER_PARTITION_S * partitions, _LEAST_PACE_S), _GREATEST_PACE_S)
    wait = getattr(self, "_muara_sent", 0.0) + pace - time.monotonic()
    if wait > 0:
        await asyncio.sleep(wait)
    while _unread_bytes(self) >= _AHEAD_BYTES:  # noqa: ASYNC110 - aiokafka tells nobody of what is taken from it
        await asyncio.sleep(_FULL_WAIT_S)
    self._muara_sent = time.monotonic()
    return bool(await _fetch(self, assignment, node_id, request))


def _unread_bytes(self: fetcher.Fetcher) -> int:
    """Return the bytes that fetches brought and nobody has asked for yet."""
    waiting = (getattr(one, "_partition_records", None) for one in self._records.values())  # an error waits without records
    return sum(one._records.size_in_bytes() for one in waiting if isinstance(one, fetcher.PartitionRecords))  # noqa: SLF001


class _Thread(driver.AIOKafkaConsumerThread):
    """Faust's thread around aiokafka's consumer, with fetches as we want them."""

    def _create_worker_consumer(self, transport: driver.Transport) -> Any:  # noqa: ANN401
        consumer = super()._create_worker_consumer(transport)
        consumer._fetch_max_bytes = _FETCH_BYTES  # noqa: SLF001
        return consumer

    async def _commit(self, offsets: Mapping[TP, int]) -> bool:
        """Tell Kafka offsets. Stock Faust crashes where it may not (of one topic, say), but nothing counts on them here."""
        consumer = self._ensure_consumer()
        mine = consumer.assignment()
        told = {one: offset for tp, offset in offsets.items() if (one := TopicPartition(*tp)) in mine}
        try:
            if told:
                await consumer.commit(told)
        except KafkaError as error:
            _log.warning("Kafka was not told the offsets: %s", type(error).__name__, extra={"action": "offsets_untold"})
            return False
        return True


class BatchConsumer(driver.Consumer):
    """Yields one message per fetch; begins where `app.positions` says."""

    _dropped = False
    """Whether a fetch came back while nothing might flow, and was dropped."""

    def _new_consumer_thread(self) -> _Thread:
        _install()
        return _Thread(self, loop=self.loop, beacon=self.beacon)

    async def getmany(self, timeout: float) -> AsyncIterator[tuple[TP, ConsumerMessage]]:  # noqa: ASYNC109 - Faust's signature
        """Yield what one fetch brought, as one message; bound what is read ahead by waiting before the fetch."""
        positions: Positions = self.app.positions
        if self._dropped:
            await self._read_again(positions)
        while positions.full() and not self.should_stop:  # noqa: ASYNC110 - Faust may stop meanwhile, without an event
            await asyncio.sleep(_FULL_WAIT_S)
        fetched, _ = await self._wait_next_records(timeout)
        generation = self.app.consumer_generation_id
        if fetched is None or self.should_stop:
            return
        if not self.flow_active:
            self._dropped = True
            return
        parts: Fetched = [((tp.topic, tp.partition), blocks) for tp, blocks in fetched.items() if blocks]
        if not parts:
            return
        (topic, partition), blocks = parts[0]
        last = blocks[-1]
        offset, arrived_s = (last.last, last.timestamp_ms / 1000) if isinstance(last, Block) else (last.offset, 0.0)
        tp = TP(topic, partition)
        self._read_offset[tp] = None  # Faust silently drops what lies below it: all that is read again after a seek
        yield (
            tp,
            ConsumerMessage(
                topic,
                partition,
                offset,
                arrived_s,
                1,
                (),
                None,
                parts,
                None,
                0,
                0,
                tp,
                generation_id=generation,
            ),
        )

    async def _read_again(self, positions: Positions) -> None:
        """
        Read what was dropped again, once records may flow, from where this worker stands.

        Nothing is taken over here, unlike in stock Faust's way: in a rebalance the assignment still is the old one, and taking that
        over would fence the workers that have these partitions now.
        """
        if not self.flow_active:
            await self.wait(self.can_resume_flow)
        self._dropped = False
        if not self.should_stop:
            await seek(self, positions.commits())

    async def seek_to_committed(self) -> Mapping[TP, int]:
        """Take the assigned partitions over in the app's store and read on where it says; all in one call to the consumer's thread."""
        assigned = {(tp.topic, tp.partition) for tp in self.assignment()}
        offsets = await self.app.positions.assigned(assigned)
        await seek(self, offsets)
        return {ensure_TP(TP(*partition)): offset for partition, offset in offsets.items()}

    async def commit(self, topics: Any = None, start_new_transaction: bool = True) -> bool:  # noqa: ANN401, ARG002 - Faust's signature
        """Tell Kafka the next offsets that PostgreSQL holds: for monitoring and autoscaling only."""
        offsets = {TP(*partition): offset for partition, offset in self.app.positions.commits().items()}
        return bool(await self._commit(offsets)) if offsets else False


class BatchTransport(driver.Transport):
    """`batch://host:port`, by the entry point `faust.transports`."""

    Consumer = BatchConsumer


async def _in_thread(consumer: BatchConsumer, work: Any) -> None:  # noqa: ANN401 - a callable of aiokafka's consumer
    """Run `work(aiokafka consumer)` where that consumer lives."""

    async def call() -> None:
        answer = work(consumer._thread._ensure_consumer())  # noqa: SLF001
        if asyncio.iscoroutine(answer):
            await answer

    await consumer._thread.call_thread(call)  # noqa: SLF001


async def seek(consumer: BatchConsumer, offsets: Mapping[tuple[str, int], int]) -> None:
    """Read partitions on from offsets; those that are no longer assigned are left alone."""

    def work(real: Any) -> None:  # noqa: ANN401
        mine = real.assignment()
        for (topic, partition), offset in offsets.items():
            if TopicPartition(topic, partition) in mine:
                real.seek(TopicPartition(topic, partition), offset)

    await _in_thread(consumer, work)


async def pause(consumer: BatchConsumer, partitions: set[tuple[str, int]]) -> None:
    """Fetch no more of these partitions; aiokafka's own pause, since Faust's leaves records undrained."""

    def work(real: Any) -> None:  # noqa: ANN401
        real.pause(*({TopicPartition(*one) for one in partitions} & real.assignment()))

    await _in_thread(consumer, work)


async def resume(consumer: BatchConsumer, partitions: set[tuple[str, int]]) -> None:
    """Fetch these partitions again."""

    def work(real: Any) -> None:  # noqa: ANN401
        real.resume(*({TopicPartition(*one) for one in partitions} & real.assignment()))

    await _in_thread(consumer, work)


async def leave_group(consumer: BatchConsumer) -> None:
    """Leave the consumer group for good, so that others take over at once instead of after the session timeout."""

    def work(real: Any) -> Any:  # noqa: ANN401
        coordinator = real._coordinator  # noqa: SLF001
        if not coordinator._closing.done():  # noqa: SLF001
            coordinator._closing.set_result(None)  # noqa: SLF001 - or it would join again before the process has ended
        return coordinator._maybe_leave_group()  # noqa: SLF001

    await _in_thread(consumer, work)
