"""Held partitions: what stops one of them stops it alone, visibly, and not before all that was read of it is committed."""

import asyncio
from collections import Counter
from collections.abc import Mapping
from typing import Any, cast

import numpy as np
import pytest

from processors import partitions as module
from processors.blocks import Block, Unreadable
from processors.partitions import Partition, Partitions
from processors.queue import ReadAhead
from processors.store.connection import DatabaseAway
from processors.store.offsets import Held

A, B = ("muara.99.01.household.v1", 0), ("muara.99.02.household.v1", 0)


class Store:
    """A store that takes over at offset 5 and notes what is halted."""

    def __init__(self) -> None:
        """Halt nothing yet; every partition has a leader."""
        self.halted: list[tuple[int, str]] = []
        self.waiting: list[tuple[int, str]] = []
        self.away = 0
        self.leaderless: set[Partition] = set()

    async def waits(self, state: Held, cause: str) -> None:
        """Note it, unless the database is away once more."""
        if self.away:
            self.away -= 1
            raise DatabaseAway(why="test")
        self.waiting.append((state.id, cause))

    async def take_over(self, partitions: set[Partition]) -> dict[Partition, Held]:
        """Give each a number, the epoch 1 and the offset 5."""
        return {one: Held(number, 1, 5, "id", None) for number, one in enumerate(sorted(partitions)) if one not in self.leaderless}

    async def halt(self, state: Held, cause: str, _found: int | None = None) -> None:
        """Note it."""
        self.halted.append((state.id, cause))


class Seeker:
    """Notes which partitions are paused, and where they were sought."""

    def __init__(self) -> None:
        """Pause nothing yet."""
        self.paused: set[Partition] = set()
        self.sought: dict[Partition, int] = {}

    async def seek(self, offsets: Mapping[Partition, int]) -> None:
        """Note it."""
        self.sought.update(offsets)

    async def pause(self, partitions: set[Partition]) -> None:
        """Note it."""
        self.paused |= partitions

    async def resume(self, partitions: set[Partition]) -> None:
        """Note it."""
        self.paused -= partitions


class Holding:
    """Partitions A and B, held at offset 5, with everything around them."""

    def __init__(self) -> None:
        """Hold nothing yet."""
        self.store = Store()
        self.seeker, self.ahead = Seeker(), ReadAhead(100)
        self.partitions = Partitions(cast("Any", self.store), self.seeker, self.ahead, Counter())

    async def begin(self) -> "Holding":
        """Take over."""
        await self.partitions.assigned({A, B})
        return self


def block(first: int, records: int = 1) -> Block:
    """Return a block of records that nobody reads."""
    places = np.zeros(records, np.int64)
    return Block(b"", places, places, places, places, first, 0)


def test_a_partition_that_cannot_be_read_halts_after_what_was_read_before() -> None:
    """It is fetched no more at once, is halted when its last block is committed, and the other one moves on."""

    async def play() -> None:
        here = await Holding().begin()
        here.ahead.put(A, [block(5)])
        here.partitions.ends_at(A, Unreadable(6, "wrong checksum"))
        await here.partitions.halt_unreadable()
        assert (here.seeker.paused, here.store.halted) == ({A}, [])

        taken = here.ahead.take()
        await here.partitions.halt_unreadable()
        assert here.store.halted == []

        here.ahead.done(taken)
        here.partitions.moved(A, 6)
        await here.partitions.halt_unreadable()
        await here.partitions.halt_unreadable()
        ((number, cause),) = here.store.halted
        assert number == 0
        assert f"{A[0]}[0] cannot be read at offset 6 (wrong checksum)" in cause
        assert [here.partitions.moving(one) for one in (A, B)] == [False, True]
        assert set(here.partitions.commits()) == {B}

    asyncio.run(play())


def test_a_mark_of_a_time_before_a_seek_halts_nothing() -> None:
    """Where the partition stands beyond the mark, a person has let it go on there."""

    async def play() -> None:
        here = await Holding().begin()
        here.partitions.ends_at(A, Unreadable(4, "wrong checksum"))
        await here.partitions.halt_unreadable()
        assert (here.seeker.paused, here.store.halted, here.partitions.moving(A)) == (set(), [], True)

    asyncio.run(play())


def test_a_partition_without_a_leader_is_taken_over_later() -> None:
    """The others move at once; it is fetched when it has a leader, from where it counts."""

    async def play() -> None:
        here = Holding()
        here.store.leaderless = {A}
        assert await here.partitions.assigned({A, B}) == {B: 5}
        await here.partitions.take_over_waiting()
        assert ([here.partitions.moving(one) for one in (A, B)], here.seeker.paused) == ([False, True], {A})

        here.store.leaderless = set()
        await here.partitions.take_over_waiting()
        assert ([here.partitions.moving(one) for one in (A, B)], here.seeker.paused) == ([True, True], set())
        assert here.seeker.sought == {A: 5}

    asyncio.run(play())


def test_a_partition_without_a_schema_stands_back_and_goes_on_from_there(monkeypatch: pytest.MonkeyPatch) -> None:
    """Meanwhile it is not fetched, what still comes of it is not kept, and it does not count as stalled; then it is sought."""

    async def play() -> None:
        here = await Holding().begin()
        here.ahead.put(A, [block(6)])
        here.partitions.ends_at(A, Unreadable(7, "wrong checksum"))
        here.partitions.rest(A, 1, "the registry is away")
        await asyncio.sleep(0.01)
        await here.partitions.halt_unreadable()
        assert here.store.halted == []  # what stands before comes first, and then the mark again
        assert (here.seeker.paused, here.ahead.records, here.partitions.wanted(A), here.partitions.wanted(B)) == ({A}, 0, False, True)

        await asyncio.sleep(0.1)
        assert (here.seeker.paused, here.seeker.sought, here.partitions.wanted(A)) == (set(), {A: 5}, True)
        assert set(here.partitions.without_schema) == {A}
        here.partitions.moved(A, 6)
        assert not here.partitions.without_schema

    monkeypatch.setattr(module, "_REST_S", 0.05)
    asyncio.run(play())


def test_what_a_partition_waits_for_is_noted_once_for_each_cause(monkeypatch: pytest.MonkeyPatch) -> None:
    """Operators see why it waits; a database that is away just then ends nothing, and the cause is noted with the next rest."""

    async def play() -> None:
        here = await Holding().begin()
        here.store.away = 1
        for cause in ("registry away", "registry away", "registry away", "refuses us"):
            here.partitions.rest(A, 1, cause)
            await asyncio.sleep(0.05)
            here.partitions.raise_failed()
        here.partitions.moved(A, 6)
        here.partitions.rest(A, 1, "refuses us")
        await asyncio.sleep(0.05)

        assert here.store.waiting == [(0, "registry away"), (0, "refuses us"), (0, "refuses us")]

    monkeypatch.setattr(module, "_REST_S", 0.01)
    asyncio.run(play())


def test_what_fails_beside_the_batches_is_raised(monkeypatch: pytest.MonkeyPatch) -> None:
    """A partition that could not be sought would stand still for ever: whoever watches over the worker is told, and ends it."""

    async def play() -> None:
        here = await Holding().begin()

        async def fail(_: object) -> None:
            raise ConnectionResetError

        here.partitions.raise_failed()
        monkeypatch.setattr(here.seeker, "pause", fail)
        here.partitions.rest(A, 1, "the registry is away")
        await asyncio.sleep(0.01)
        with pytest.raises(ConnectionResetError):
            here.partitions.raise_failed()

    asyncio.run(play())
