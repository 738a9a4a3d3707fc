"""The transport: a fetch that comes back while nothing may flow, and one that brings what was read before."""

import asyncio
from collections import defaultdict
from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from aiokafka import TopicPartition
from faust.transport.consumer import Consumer as FaustConsumer
from faust.types.tuples import TP

from processors import transport
from processors.blocks import Block
from processors.transport import BatchConsumer

PARTITION = ("muara.99.01.household.v1", 0)


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
