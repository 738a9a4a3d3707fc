"""The transport: what it does with a fetch that comes back while nothing may flow."""

import asyncio
from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any

import pytest
from aiokafka import TopicPartition

from processors import transport
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
        self.positions = Positions()
        self.app = SimpleNamespace(positions=self.positions, consumer_generation_id=1)
        self.can_resume_flow = asyncio.Event()

    async def _wait_next_records(self, _timeout: float) -> tuple[dict[Any, Any], set[Any]]:
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
