"""The transport: fetches that come back while nothing may flow, that bring what was read before, or what cannot be read at all."""

import asyncio
from collections import OrderedDict, defaultdict
from collections.abc import Callable, Mapping
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from aiokafka import TopicPartition
from aiokafka.consumer import fetcher
from aiokafka.consumer.subscription_state import SubscriptionState
from aiokafka.errors import KafkaError, RecordTooLargeError, TopicAuthorizationFailedError
from aiokafka.record.util import calc_crc32c
from faust.transport.consumer import Consumer as FaustConsumer
from faust.types.tuples import TP

from processors import transport
from processors.blocks import Block, Unreadable
from processors.transport import BatchConsumer
from tests.processors.record_batches import Sent, record_batch

PARTITION, OTHER = ("muara.99.01.household.v1", 0), ("muara.99.02.household.v1", 0)


class Positions:
    """What the app says of positions, and what it was asked."""

    def __init__(self) -> None:
        """Stand at offset 7 of one partition; nothing was taken over."""
        self.taken_over: list[set[tuple[str, int]]] = []

    def full(self) -> bool:
        """Want more."""
        return False

    async def assigned(self, partitions: set[tuple[str, int]]) -> Mapping[tuple[str, int], int]:
        """Note a takeover."""
        self.taken_over.append(partitions)
        return {}

    def commits(self) -> Mapping[tuple[str, int], int]:
        """Say where it stands."""
        return {PARTITION: 7}


class Consumer:
    """As much of Faust's consumer as `getmany` asks, in the middle of a rebalance: flow stops while a fetch is under way."""

    getmany = BatchConsumer.getmany
    _read_again = BatchConsumer._read_again
    _dropped = False
    should_stop = False
    flow_active = True

    def __init__(self) -> None:
        """Hold partitions that another worker is about to get."""
        self._read_offset: dict[Any, int | None] = {}
        self.positions = Positions()
        self.app = SimpleNamespace(positions=self.positions, consumer_generation_id=1)
        self.can_resume_flow = asyncio.Event()

    async def _wait_next_records(self, _timeout: float) -> tuple[dict[Any, Any] | None, set[Any]]:
        self.flow_active = False
        return {TopicPartition(*PARTITION): [object()]}, set()

    async def perform_seek(self) -> None:
        """Do as Faust does: take over what is assigned, which still is what was assigned before."""
        await self.positions.assigned({PARTITION})

    async def wait(self, event: asyncio.Event) -> None:
        """Wait until records may flow."""
        await event.wait()


def test_a_late_fetch_takes_nothing_over_and_is_read_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """What comes back while nothing may flow is dropped, fences nobody, and is read again from where the worker stands."""
    sought: list[Mapping[tuple[str, int], int]] = []

    async def seek(_consumer: object, offsets: Mapping[tuple[str, int], int]) -> None:
        sought.append(offsets)

    async def play() -> tuple[int, int]:
        consumer: Any = Consumer()
        delivered = [one async for one in consumer.getmany(0.1)]
        asked_while_stopped = len(sought)
        assert consumer.positions.taken_over == []

        consumer.flow_active = True
        consumer.can_resume_flow.set()
        delivered += [one async for one in consumer.getmany(0.1)]
        assert consumer.positions.taken_over == []
        return len(delivered), asked_while_stopped

    monkeypatch.setattr(transport, "seek", seek)

    assert asyncio.run(play()) == (0, 0)
    assert sought == [{PARTITION: 7}]


class Draining(Consumer):
    """As much of Faust's consumer as its own loop over fetches asks; fetches are given, then it stops."""

    _drain_messages = FaustConsumer._drain_messages
    _commit_every = None
    _n_acked = 0
    consumer_stopped_errors = ()

    def __init__(self, fetches: list[list[Block]]) -> None:
        """Have read nothing so far."""
        super().__init__()
        self._fetches = fetches
        self._read_offset = defaultdict(lambda: None)
        self._stopped = asyncio.Event()
        self.suspend_flow = asyncio.Event()
        self.app.topics = SimpleNamespace(acks_enabled_for=lambda _topic: False)
        self.diag = SimpleNamespace(set_flag=lambda _flag: None, unset_flag=lambda _flag: None)
        self.log = SimpleNamespace(dev=lambda *_: None)
        self.delivered: list[int] = []

    @property
    def should_stop(self) -> bool:  # type: ignore[override]  # Faust's is a property too
        """Stop after the last fetch."""
        return self._stopped.is_set()

    async def _wait_next_records(self, _timeout: float) -> tuple[dict[Any, Any] | None, set[Any]]:
        if not self._fetches:
            self._stopped.set()
            return None, set()
        return {TP(*PARTITION): self._fetches.pop(0)}, set()

    async def sleep(self, seconds: float) -> None:
        """Let others go on."""
        await asyncio.sleep(seconds)

    async def wait_first(self, work: Any, _other: Any) -> None:
        """Wait for the work."""
        _other.close()
        await work

    async def callback(self, message: Any) -> None:
        """Note the first offset delivered."""
        self.delivered.append(message.value[0][1][0].first)


def test_what_is_read_again_after_a_seek_is_delivered() -> None:
    """Faust drops records below the offset that it read last; here all that a fetch brings counts, also after a seek backwards."""

    async def play() -> list[int]:
        consumer: Any = Draining([[_block(100)], [_block(3)], [_block(4)]])
        await consumer._drain_messages(SimpleNamespace(_stopped=asyncio.Event()))
        return list(consumer.delivered)

    assert asyncio.run(play()) == [100, 3, 4]


def _block(offset: int) -> Block:
    one = np.zeros(1, np.int64)
    return Block(b"", one, one, one, one, offset, 0)


@pytest.fixture
def patched(monkeypatch: pytest.MonkeyPatch) -> None:
    """Aiokafka's fetcher as the transport patches it, for one test."""
    for owner, name in (
        (fetcher, "MemoryRecords"),
        (fetcher.PartitionRecords, "_unpack_records"),
        (fetcher.Fetcher, "_set_error"),
        (fetcher.Fetcher, "_proc_fetch_request"),
    ):
        monkeypatch.setattr(owner, name, getattr(owner, name))
    transport._install()


async def _fetched(arrive: Callable[[Any, Any], None]) -> tuple[dict[tuple[str, int], list[Any]], int]:
    """Return what aiokafka's own fetcher hands over when something arrives for one partition, and where it reads that one on."""
    subscriptions: Any = SubscriptionState()
    one, other = TopicPartition(*PARTITION), TopicPartition(*OTHER)
    subscriptions.assign_from_user([one, other])
    assignment = subscriptions.subscription.assignment
    real: Any = object.__new__(fetcher.Fetcher)
    real.__dict__.update(
        _records=OrderedDict(), _subscriptions=subscriptions, _wait_consume_future=None, _prefetch_backoff=0.0, _check_crcs=True
    )
    for tp in (one, other):
        assignment.state_value(tp).seek(5)
    arrive(real, assignment)
    _arrived(real, assignment, other, record_batch([Sent(b"k", b"v")] * 2, 5))
    found: dict[tuple[str, int], list[Any]] = {}
    while real._records:
        found |= {(tp.topic, tp.partition): blocks for tp, blocks in (await real.fetched_records([], max_records=100)).items()}
    return found, assignment.state_value(one).position


def _arrived(real: Any, assignment: Any, tp: TopicPartition, raw: bytes) -> None:
    records = fetcher.PartitionRecords(tp, transport._WholeBytes(raw), None, 5, None, None, real._check_crcs, fetcher.READ_UNCOMMITTED)
    real._records[tp] = fetcher.FetchResult(tp, assignment=assignment, partition_records=records, backoff=0.0)


def _damaged(at: int, attributes: int | None = None) -> bytes:
    """Return a record batch with a flipped bit, or with a compression that its bytes do not have."""
    raw = bytearray(record_batch([Sent(b"k", b"v")] * 3, at))
    raw[-1] ^= 1
    if attributes is not None:
        raw[22] = attributes
        raw[17:21] = calc_crc32c(bytes(raw[21:])).to_bytes(4, "big")
    return bytes(raw)


@pytest.mark.parametrize(("attributes", "why"), [(None, "wrong checksum"), (4, "while decompressing it"), (7, "while decompressing it")])
def test_a_batch_that_cannot_be_read_is_a_mark(patched: None, attributes: int | None, why: str) -> None:
    """What stands before it is handed over, then a mark that tells place and cause; nothing is raised, and other partitions are read."""

    def arrive(real: Any, assignment: Any) -> None:
        _arrived(real, assignment, TopicPartition(*PARTITION), record_batch([Sent(b"k", b"v")] * 2, 5) + _damaged(7, attributes))

    found, position = asyncio.run(_fetched(arrive))
    good, mark = found[PARTITION]

    assert (good.first, good.last) == (5, 6)
    assert isinstance(mark, Unreadable)
    assert (mark.offset, position) == (7, 7)
    assert why in mark.why
    assert [block.first for block in found[OTHER]] == [5]


@pytest.mark.parametrize("error", [TopicAuthorizationFailedError(PARTITION[0]), RecordTooLargeError("%s", "too large")])
def test_what_the_broker_refuses_is_a_mark(patched: None, error: KafkaError) -> None:
    """A topic that may not be read any more, and a record larger than any fetch, end the reading of their partition alone."""

    def arrive(real: Any, assignment: Any) -> None:
        real._set_error(TopicPartition(*PARTITION), error)
        if isinstance(error, RecordTooLargeError):  # as aiokafka does then
            assignment.state_value(TopicPartition(*PARTITION)).consumed_to(6)

    found, _ = asyncio.run(_fetched(arrive))

    assert [Unreadable(5, type(error).__name__)] == found[PARTITION]
    assert [block.first for block in found[OTHER]] == [5]


def test_no_more_is_fetched_while_much_lies_unread(patched: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Partitions by the hundred, a megabyte of each: what aiokafka would read ahead of all of them is more than a worker may hold."""
    sent: list[float] = []
    batch = record_batch([Sent(b"k", bytes(1 << 20))], 5)
    partitions = [TopicPartition(f"muara.99.{number}.household.v1", 0) for number in range(9)]

    async def fetch(*_: object) -> bool:
        sent.append(asyncio.get_running_loop().time())
        return True

    async def play() -> None:
        subscriptions: Any = SubscriptionState()
        subscriptions.assign_from_user(partitions)
        assignment = subscriptions.subscription.assignment
        real: Any = object.__new__(fetcher.Fetcher)
        real.__dict__.update(_records=OrderedDict(), _subscriptions=subscriptions, _wait_consume_future=None, _check_crcs=True)
        for tp in partitions:
            assignment.state_value(tp).seek(5)
            _arrived(real, assignment, tp, batch)
        refused = fetcher.FetchError(error=KafkaError("of one partition"), backoff=0.0)
        real._records[TopicPartition("muara.99.99.household.v1", 0)] = refused
        asked = asyncio.ensure_future(real._proc_fetch_request(assignment, 0, SimpleNamespace(topics=[("one", [(0, 5, 1)])])))
        await asyncio.sleep(0.1)
        assert not sent
        read = await real.fetched_records(partitions[:2])
        assert len(read) == 2
        assert await asyncio.wait_for(asked, 5)

    monkeypatch.setattr(transport, "_fetch", fetch)

    asyncio.run(play())

    assert len(sent) == 1


def test_offsets_that_kafka_does_not_take_end_nothing() -> None:
    """They are for monitoring only: where one topic may not be read any more, Kafka refuses them, and the worker goes on."""

    class Refusing:
        def assignment(self) -> set[TopicPartition]:
            return {TopicPartition(*PARTITION)}

        async def commit(self, offsets: Mapping[TopicPartition, int]) -> None:
            raise TopicAuthorizationFailedError({one.topic for one in offsets})

    thread: Any = SimpleNamespace(_ensure_consumer=Refusing)

    assert asyncio.run(transport._Thread._commit(thread, {TP(*PARTITION): 3})) is False
    assert asyncio.run(transport._Thread._commit(thread, {TP(*OTHER): 3})) is True
