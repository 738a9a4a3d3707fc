"""
The batcher: takes what was read ahead, batch after batch, and brings each to its commit, whatever stands in the way.

Why: this is where a batch is cut to what counts, tried again after a collision, or discarded because another worker took over.
Must not: import Faust or a driver; decide what an event means; pass over anything unexpected (it propagates and ends the process).
"""

import asyncio
import logging
import random
import time
from collections import Counter
from collections.abc import Coroutine, Mapping
from dataclasses import dataclass
from typing import Protocol

from processors.blocks import Block
from processors.columns.reading import BlockFrom, Reading, read
from processors.queue import ReadAhead, Taken
from processors.reference import Reference
from processors.settings import WorkerSettings
from processors.store.batch import Collided, Overtaken, Part, ReferenceMoved, Replayed
from processors.store.offsets import Held, OffsetGap, TopicMadeAnew
from processors.store.worker import WorkerStore
from schemas.errors import Fatal, Retriable
from schemas.topics import regency_of

__all__ = ["Batcher", "Lost", "Seeker"]

_log = logging.getLogger(__name__)
Partition = tuple[str, int]
_COLLISIONS = 200
"""A batch that collides so often is no accident; each try takes milliseconds."""
_BACKOFF_S, _GREATEST_BACKOFF_S = 0.05, 2.0
_GAP_S, _GAPS = 1.0, 3
"""After a seek, records fetched before it may still come for a moment; a gap that is there again after that, twice, is real."""


class Lost(Fatal):
    """this worker was overtaken by another one but still believes {topic}[{partition}] its own: it starts over"""


class TooManyCollisions(Fatal):
    """a batch collided {times} times with other transactions: the database is overloaded or a lock is held"""


class Seeker(Protocol):
    """How the batcher tells the consumer where to read."""

    async def seek(self, offsets: Mapping[Partition, int]) -> None:
        """Read partitions on from offsets."""

    async def pause(self, partitions: set[Partition]) -> None:
        """Fetch no more of partitions."""

    async def resume(self, partitions: set[Partition]) -> None:
        """Fetch partitions again."""


@dataclass(slots=True)
class _Gap:
    """Gaps seen at a partition since it last moved: how many, when the last seek was, and whether another is planned."""

    count: int = 0
    sought_at: float = 0.0


class Batcher:
    """The worker's heart: positions of its partitions, what is read ahead, and the tasks that commit."""

    def __init__(self, settings: WorkerSettings, store: WorkerStore, seeker: Seeker) -> None:
        """Hold no partition yet."""
        self.settings, self.store, self._seeker = settings, store, seeker
        self.ahead = ReadAhead(settings.batch_records)
        self.held: dict[Partition, Held] = {}
        self.position: dict[Partition, int] = {}
        self.counts: Counter[str] = Counter()
        self.moved_at = time.monotonic()
        self.suspicious = False
        self._reference: Reference | None = None
        self._wake = asyncio.Event()
        self._gaps: dict[Partition, _Gap] = {}
        self._stopping = False
        self._later: set[asyncio.Task[None]] = set()

    # ---- what the transport asks (processors.transport.Positions) -------------------------------------------------------

    def full(self) -> bool:
        """Return whether enough is read ahead."""
        return self.ahead.full() or self._stopping

    async def assigned(self, partitions: set[Partition]) -> Mapping[Partition, int]:
        """Take partitions over and return where to read on; halted ones are paused."""
        self.ahead.drop_all()
        self._gaps.clear()
        self.held = {}  # so that a batch in flight, which this very call overtakes, is discarded
        held = await self._taken_over(partitions)
        self.held = held
        self.position = {one: state.next_offset for one, state in held.items()}
        self.moved_at = time.monotonic()
        halted = {one for one, state in held.items() if state.halted}
        for one in halted:
            _log.error("partition is halted", extra={"action": "halted", "topic": one[0], "partition": one[1], "cause": held[one].halted})
        if halted:
            await self._seeker.pause(halted)
        _log.info("partitions taken over", extra={"action": "taken_over", "partitions": len(held), "halted": len(halted)})
        return {one: self.position[one] for one in held if one not in halted}

    def commits(self) -> Mapping[Partition, int]:
        """Return the next offsets, which Kafka is told for monitoring."""
        return {one: offset for one, offset in self.position.items() if one in self.held and not self.held[one].halted}

    # ---- the work ---------------------------------------------------------------------------------------------------------

    def put(self, partition: Partition, blocks: list[Block]) -> None:
        """Queue what was fetched; what a halted or foreign partition still brings is dropped."""
        if partition in self.held and not self.held[partition].halted:
            self.ahead.put(partition, blocks)

    def kick(self) -> None:
        """Say that something was queued."""
        self._wake.set()

    async def run(self, lane: int) -> None:
        """Commit batch after batch on one of the store's connections, until stopped."""
        while not self._stopping:
            if not self.ahead.ready():
                self._wake.clear()
                await self._wake.wait()
                continue
            taken = self.ahead.take()
            try:
                await self._bring_to_commit(lane, taken)
            finally:
                self.ahead.done(taken)
                self._wake.set()

    def stop(self) -> None:
        """Take no further batch; those in flight end by themselves."""
        self._stopping = True
        self._wake.set()

    async def _bring_to_commit(self, lane: int, taken: Taken) -> None:
        """Try one batch until it is committed, or until nothing of it is this worker's any more."""
        epochs = {one: self.held[one].epoch for one, _ in taken if one in self.held}
        collisions, backoff = 0, _BACKOFF_S
        while not self._stopping:
            parts, blocks = await self._cut(taken, epochs)
            if not parts:
                return
            try:
                reference = await self._known_reference()
                reading = read(blocks, reference, self.settings.limits, self.store.readers)
                await self.store.commit(lane, parts, reading, reference, min(one.block.timestamp_ms for one in blocks))
            except Collided as error:
                collisions += 1
                self.counts["collisions"] += 1
                if collisions >= _COLLISIONS:
                    raise TooManyCollisions(times=collisions) from error
                await asyncio.sleep(random.uniform(0, 0.002 * min(collisions, 20)))  # noqa: S311 - a pause, not a secret
            except ReferenceMoved:
                self._reference = None
            except Replayed as error:
                self._correct(parts, blocks, error)
            except Overtaken as error:
                self._discard(blocks, error, epochs)
            except Retriable as error:
                _log.warning("waiting: %s", error, extra={"action": "waiting", "wait_s": backoff})
                await asyncio.sleep(backoff)
                backoff = min(2 * backoff, _GREATEST_BACKOFF_S)
            else:
                self._committed(parts, blocks, reading, epochs)
                return

    async def _cut(self, taken: Taken, epochs: Mapping[Partition, int]) -> tuple[list[Part], list[BlockFrom]]:
        """Return what of a batch still counts: of partitions held at the same epoch, from their next offset on, without a gap."""
        found: list[tuple[Part, list[BlockFrom]]] = []
        for partition, blocks in taken:
            state = self.held.get(partition)
            if state is None or state.halted or state.epoch != epochs.get(partition):
                continue
            at = self.position[partition]
            rest = [block.from_offset(at) for block in blocks if block.last >= at]
            if not rest:
                self.suspicious = True  # records below the next offset: a replay, or a topic made anew
                continue
            if rest[0].first > at:
                await self._gap(partition, at, rest[0].first)
                continue
            if (dense := _dense(rest)) < len(rest):
                self._read_again(partition, state)
                rest = blocks[:] = rest[:dense]
            origin = [BlockFrom(block, partition[0], partition[1], regency_of(partition[0])) for block in rest]
            found.append((Part(state.id, state.epoch, at, rest[-1].last + 1), origin))
        found.sort(key=lambda one: one[0].id)
        return [part for part, _ in found], [block for _, blocks in found for block in blocks]

    async def _known_reference(self) -> Reference:
        if self._reference is None:
            self._reference = await self.store.reference()
            _log.info("reference data read", extra={"action": "reference_read", "version": self._reference.version})
        return self._reference

    def _committed(self, parts: list[Part], blocks: list[BlockFrom], reading: Reading, epochs: Mapping[Partition, int]) -> None:
        names = {(one.topic, one.partition) for one in blocks}
        for partition in names:
            state = self.held.get(partition)
            part = next((one for one in parts if state and one.id == state.id), None)
            if state and part and state.epoch == epochs[partition]:
                self.position[partition] = part.after
                self._gaps.pop(partition, None)
        self.moved_at = time.monotonic()
        self.counts["batches"] += 1
        self.counts["merged"] += len(reading.statements)
        self.counts["rejected"] += len(reading.dead)

    def _correct(self, parts: list[Part], blocks: list[BlockFrom], error: Replayed) -> None:
        """Take over the offsets that PostgreSQL holds: a commit whose answer was lost, or records read before a seek."""
        for partition in {(one.topic, one.partition) for one in blocks}:
            state = self.held.get(partition)
            if state and state.id in error.next_offsets and any(one.epoch == state.epoch for one in parts if one.id == state.id):
                self.position[partition] = error.next_offsets[state.id]

    def _discard(self, blocks: list[BlockFrom], error: Overtaken, epochs: dict[Partition, int]) -> None:
        """Drop the records of partitions that another worker has; end where this one would go on believing them its own."""
        for partition in {(one.topic, one.partition) for one in blocks}:
            state = self.held.get(partition)
            if state and state.id in error.ids:
                if state.epoch == epochs[partition] and self.store.still_assigned(partition):
                    raise Lost(topic=partition[0], partition=partition[1])
                epochs[partition] = -1  # no epoch is: what is left of it is cut away
        self.counts["overtaken"] += 1

    # ---- gaps and halted partitions -----------------------------------------------------------------------------------------

    async def _gap(self, partition: Partition, at: int, found: int) -> None:
        """Read again from where it counts; halt the partition when the gap stays."""
        gap = self._gaps.setdefault(partition, _Gap())
        self.ahead.drop(partition)
        if time.monotonic() - gap.sought_at >= _GAP_S:
            gap.count += 1
        if gap.count >= _GAPS:
            await self.halt(partition, str(OffsetGap(topic=partition[0], partition=partition[1], next_offset=at, found=found)))
            return
        wait = max(0.0, gap.sought_at + _GAP_S - time.monotonic())
        self._soon(self._seek_later(partition, self.held[partition].epoch, wait))
        gap.sought_at = time.monotonic() + wait
        self.counts["gaps"] += 1

    def _read_again(self, partition: Partition, state: Held) -> None:
        """Let what follows a gap inside a batch come again, then as the first of its batch."""
        self.ahead.drop(partition)
        self._soon(self._seek_later(partition, state.epoch, _GAP_S))

    async def _seek_later(self, partition: Partition, epoch: int, wait_s: float) -> None:
        await asyncio.sleep(wait_s)
        state = self.held.get(partition)
        if state and state.epoch == epoch and not state.halted:
            await self._seeker.seek({partition: self.position[partition]})

    def _soon(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.create_task(work)
        self._later.add(task)
        task.add_done_callback(self._later.discard)

    async def halt(self, partition: Partition, cause: str) -> None:
        """Halt one partition, visibly; all others go on."""
        state = self.held[partition]
        _log.error("partition is halted", extra={"action": "halted", "topic": partition[0], "partition": partition[1], "cause": cause})
        await self.store.halt(state, cause)
        if self.held.get(partition) is state:
            self.held[partition] = Held(state.id, state.epoch, state.next_offset, state.topic_id, cause)
        self.ahead.drop(partition)
        await self._seeker.pause({partition})

    async def check_topics(self, ids: Mapping[str, str]) -> None:
        """Halt partitions whose topic was deleted and made anew (it has another id now): its offsets say nothing about what was read."""
        self.suspicious = False
        held = {one: state for one, state in self.held.items() if not state.halted}
        for partition, state in held.items():
            if ids.get(partition[0], state.topic_id) != state.topic_id and self.held.get(partition) is state:
                await self.halt(partition, str(TopicMadeAnew(topic=partition[0])))

    async def resume_accepted(self) -> None:
        """Go on with halted partitions that a person has accepted meanwhile."""
        before = [state for state in self.held.values() if state.halted]
        halted = {state.id: partition for partition, state in self.held.items() if state.halted}
        if not halted:
            return
        accepted = {halted[number] for number in await self.store.resumed(set(halted))}
        if accepted:
            taken = await self.store.take_over(accepted)
            taken = {one: state for one, state in taken.items() if self.held.get(one) in before}  # or they were assigned anew meanwhile
            self.held.update(taken)
            self.position.update({one: state.next_offset for one, state in taken.items()})
            moving = {one for one, state in taken.items() if not state.halted}
            await self._seeker.seek({one: self.position[one] for one in moving})
            await self._seeker.resume(moving)

    async def _taken_over(self, partitions: set[Partition]) -> dict[Partition, Held]:
        """Take partitions over, however long broker and database stay away."""
        backoff = _BACKOFF_S
        while True:
            try:
                return await self.store.take_over(partitions)
            except Retriable as error:
                _log.warning("waiting: %s", error, extra={"action": "waiting", "wait_s": backoff})
                await asyncio.sleep(backoff)
                backoff = min(2 * backoff, _GREATEST_BACKOFF_S)


def _dense(blocks: list[Block]) -> int:
    """Return how many blocks follow one another without a gap in their offsets."""
    count = 1
    while count < len(blocks) and blocks[count].first == blocks[count - 1].last + 1:
        count += 1
    return count
