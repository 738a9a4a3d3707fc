"""
The batcher: takes what was read ahead, batch after batch, and brings each to its commit, whatever stands in the way.

Why: this is where a batch is cut to what counts, tried again after a collision, or discarded because another worker took over.
Must not: import Faust or a driver; decide what an event means; pass over anything unexpected (it propagates and ends the process).
"""

import asyncio
import contextlib
import logging
import random
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from uuid import UUID

from processors.blocks import Block, Unreadable
from processors.columns.reading import BlockFrom, Reading, read, schemas_of
from processors.known_schemas import SchemaUnasked
from processors.partitions import GREATEST_BACKOFF_S, LEAST_BACKOFF_S, Partition, Partitions, Seeker
from processors.queue import ReadAhead, Taken
from processors.reference import Reference
from processors.settings import WorkerSettings
from processors.store.batch import Collided, Overtaken, Part, ReferenceMoved, Replayed
from processors.store.worker import WorkerStore
from schemas.errors import Fatal, Rejected, Retriable
from schemas.topics import regency_of

__all__ = ["Batcher", "Lost"]

_log = logging.getLogger(__name__)
_LATE_S = 0.25
"""A batch in flight for so long may be stuck: what else waits goes by another lane."""
_COLLISIONS = 200
"""A batch that collides so often is no accident; each try takes milliseconds."""


class Lost(Fatal):
    """this worker was overtaken by another one but still believes {topic}[{partition}] its own: it starts over"""


class TooManyCollisions(Fatal):
    """a batch collided {times} times with other transactions: the database is overloaded or a lock is held"""


@dataclass(slots=True)
class _Schemas:
    """What one batch was told of writers' schemas: those refused, and up to which offset each partition can be read without more."""

    refused: dict[int | UUID, Rejected] = field(default_factory=dict)
    until: dict[Partition, int] = field(default_factory=dict)
    silent: str = "the schema registry has said nothing yet of its next record's schema"
    """Why a schema is not known yet."""

    def stop(self, partition: Partition, offset: int) -> None:
        """Read a partition only up to an offset."""
        self.until[partition] = min(offset, self.until.get(partition, offset))


class Batcher:
    """The worker's heart: what is read ahead of the partitions that it holds, and the tasks that commit."""

    def __init__(self, settings: WorkerSettings, store: WorkerStore, seeker: Seeker) -> None:
        """Hold no partition yet."""
        self.settings, self.store = settings, store
        self.ahead = ReadAhead(settings.batch_records)
        self.counts: Counter[str] = Counter()
        self.partitions = Partitions(store, seeker, self.ahead, self.counts)
        self._reference: Reference | None = None
        self._reading_reference = asyncio.Lock()
        self._unforeseen: set[str] = set()
        self._wake = asyncio.Event()
        self._took_at = time.monotonic()
        self._stopping = False

    # ---- what the transport asks (processors.transport.Positions) -------------------------------------------------------

    def full(self) -> bool:
        """Return whether enough is read ahead."""
        return self.ahead.full() or self._stopping

    async def assigned(self, partitions: set[Partition]) -> Mapping[Partition, int]:
        """Take partitions over and return where to read on."""
        return await self.partitions.assigned(partitions)

    def commits(self) -> Mapping[Partition, int]:
        """Return the next offsets, which Kafka is told for monitoring."""
        return self.partitions.commits()

    # ---- the work ---------------------------------------------------------------------------------------------------------

    def put(self, partition: Partition, fetched: list[Block | Unreadable]) -> None:
        """Queue what was fetched; what a halted or foreign partition still brings is dropped."""
        if not self.partitions.wanted(partition):
            return
        if blocks := [one for one in fetched if isinstance(one, Block)]:
            self.ahead.put(partition, blocks)
        if isinstance(fetched[-1], Unreadable):
            self.partitions.ends_at(partition, fetched[-1])

    def kick(self) -> None:
        """Say that something was queued."""
        self._wake.set()

    async def run(self, lane: int) -> None:
        """Commit batch after batch on one of the store's connections, until stopped."""
        while not self._stopping:
            if not self.ahead.ready(late=time.monotonic() - self._took_at > _LATE_S):
                self._wake.clear()
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._wake.wait(), _LATE_S)
                continue
            self._took_at = time.monotonic()
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
        """Try one batch until it is committed, or until nothing of it is this worker's any more or could be read."""
        epochs = {one: self.partitions.held[one].epoch for one, _ in taken if one in self.partitions.held}
        schemas = _Schemas()
        await self._try_until_committed(lane, taken, epochs, schemas)
        for partition in schemas.until:
            self.partitions.rest(partition, epochs[partition], schemas.silent)

    async def _try_until_committed(self, lane: int, taken: Taken, epochs: dict[Partition, int], schemas: "_Schemas") -> None:
        collisions, backoff, reference = 0, LEAST_BACKOFF_S, None
        while not self._stopping:
            parts, blocks = await self._cut(taken, epochs, schemas.until)
            if not parts:
                return
            try:
                reference = await self._known_reference()
                reading = read(blocks, reference, reference.limits, self.store.readers.refusing(schemas.refused))
                await self.store.commit(lane, parts, reading, reference, min(one.block.timestamp_ms for one in blocks))
            except Collided as error:
                collisions += 1
                await self._after_collision(collisions, error)
            except SchemaUnasked:
                await self._ask_schemas(blocks, schemas)
            except ReferenceMoved:
                self._forget_reference(reference)
            except Replayed as error:
                self._correct(parts, blocks, error)
            except Overtaken as error:
                self._discard(blocks, error, epochs)
            except Retriable as error:
                _log.warning("waiting: %s", error, extra={"action": "waiting", "wait_s": backoff})
                await asyncio.sleep(backoff)
                backoff = min(2 * backoff, GREATEST_BACKOFF_S)
            else:
                self._committed(parts, blocks, reading, epochs)
                return

    async def _after_collision(self, times: int, error: Collided) -> None:
        self.counts["collisions"] += 1
        if times >= _COLLISIONS:
            raise TooManyCollisions(times=times) from error
        await asyncio.sleep(random.uniform(0, 0.002 * min(times, 20)))  # noqa: S311 - a pause, not a secret

    async def _ask_schemas(self, blocks: list[BlockFrom], schemas: "_Schemas") -> None:
        """Ask for the schemas that a batch lacks, and let each partition go only up to the first record whose schema is still not known."""
        known, named = self.store.schemas, [schemas_of(one.block) for one in blocks]

        def lacks(key: int | UUID | None) -> bool:
            return key is not None and key not in known and key not in schemas.refused

        lacking = dict.fromkeys(key for keys in named for key in keys if key is not None and lacks(key))
        answers = await known.ask(list(lacking))
        schemas.refused |= answers.refused
        if answers.away is not None:
            schemas.silent = str(answers.away)
            _log.warning("waiting: %s", answers.away, extra={"action": "waiting"})
        for one, keys in zip(blocks, named, strict=True):
            first = next((place for place, key in enumerate(keys) if lacks(key)), None)
            if first is not None:
                schemas.stop((one.topic, one.partition), one.block.first + first)

    async def _cut(
        self, taken: Taken, epochs: Mapping[Partition, int], until: Mapping[Partition, int]
    ) -> tuple[list[Part], list[BlockFrom]]:
        """
        Return what of a batch still counts: of partitions held at the same epoch, from their next offset on, without a gap.

        Of a partition in `until` only what stands before that offset.
        """
        found: list[tuple[Part, list[BlockFrom]]] = []
        for partition, blocks in taken:
            state = self.partitions.held.get(partition)
            if state is None or state.halted or state.epoch != epochs.get(partition):
                continue
            at = self.partitions.position[partition]
            rest = [block.from_offset(at) for block in blocks if block.last >= at]
            if not rest:
                self.partitions.suspicious = True  # records below the next offset: a replay, or a topic made anew
                continue
            if rest[0].first > at:
                await self.partitions.gap(partition, at, rest[0].first)
                continue
            if (dense := _dense(rest)) < len(rest):
                self.partitions.read_again(partition)
                rest = blocks[:] = rest[:dense]
            if partition in until:
                rest = [block.before(until[partition]) for block in rest if block.first < until[partition]]
                if not rest:
                    continue
            origin = [BlockFrom(block, partition[0], partition[1], regency_of(partition[0])) for block in rest]
            found.append((Part(state.id, state.epoch, at, rest[-1].last + 1), origin))
        found.sort(key=lambda one: one[0].id)
        return [part for part, _ in found], [block for _, blocks in found for block in blocks]

    async def _known_reference(self) -> Reference:
        """Return the reference data, read once for all lanes: it is tens of megabytes, and two copies at once would stay in the process."""
        async with self._reading_reference:
            if self._reference is None:
                self._reference = await self.store.reference()
                _log.info("reference data read", extra={"action": "reference_read", "version": self._reference.version})
            return self._reference

    def _forget_reference(self, moved: Reference | None) -> None:
        """Forget reference data that has moved on, unless another lane has done so and newer is known."""
        if self._reference is moved:
            self._reference = None

    def _committed(self, parts: list[Part], blocks: list[BlockFrom], reading: Reading, epochs: Mapping[Partition, int]) -> None:
        names = {(one.topic, one.partition) for one in blocks}
        for partition in names:
            state = self.partitions.held.get(partition)
            part = next((one for one in parts if state and one.id == state.id), None)
            if state and part and state.epoch == epochs[partition]:
                self.partitions.moved(partition, part.after)
        self.counts["batches"] += 1
        self.counts["merged"] += len(reading.statements)
        self.counts["rejected"] += len(reading.dead)
        for one in reading.dead:
            if one.unforeseen and one.unforeseen not in self._unforeseen:
                self._unforeseen.add(one.unforeseen)
                told = {"action": "unforeseen", "topic": one.topic, "partition": one.partition, "offset": one.offset}
                _log.error("a record was rejected for an error that nobody foresaw: %s (told once)", one.unforeseen, extra=told)

    def _correct(self, parts: list[Part], blocks: list[BlockFrom], error: Replayed) -> None:
        """Take over the offsets that PostgreSQL holds: a commit whose answer was lost, or records read before a seek."""
        for partition in {(one.topic, one.partition) for one in blocks}:
            state = self.partitions.held.get(partition)
            if state and state.id in error.next_offsets and any(one.epoch == state.epoch for one in parts if one.id == state.id):
                self.partitions.position[partition] = error.next_offsets[state.id]

    def _discard(self, blocks: list[BlockFrom], error: Overtaken, epochs: dict[Partition, int]) -> None:
        """Drop the records of partitions that another worker has; end where this one would go on believing them its own."""
        for partition in {(one.topic, one.partition) for one in blocks}:
            state = self.partitions.held.get(partition)
            if state and state.id in error.ids:
                if state.epoch == epochs[partition] and self.store.still_assigned(partition):
                    raise Lost(topic=partition[0], partition=partition[1])
                epochs[partition] = -1  # no epoch is: what is left of it is cut away
        self.counts["overtaken"] += 1


def _dense(blocks: list[Block]) -> int:
    """Return how many blocks follow one another without a gap in their offsets."""
    count = 1
    while count < len(blocks) and blocks[count].first == blocks[count - 1].last + 1:
        count += 1
    return count
