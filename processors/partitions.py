"""
The partitions that a worker holds: taken over, sought back after a gap, halted, let go on; and where each of them stands.

Why: one partition that cannot go on halts visibly and alone, while the batches of all others move on.
Must not: read or commit a batch (processors/batcher.py does); move an offset that counts.
"""

import asyncio
import contextlib
import logging
import time
from collections import Counter
from collections.abc import Coroutine, Mapping
from dataclasses import dataclass
from typing import Protocol

from processors.blocks import Unreadable
from processors.queue import ReadAhead
from processors.store.offsets import Held, OffsetGap, RecordsUnreadable, TopicMadeAnew, fault
from processors.store.worker import WorkerStore
from schemas.errors import Retriable

__all__ = ["GREATEST_BACKOFF_S", "LEAST_BACKOFF_S", "Partition", "Partitions", "Seeker"]

_log = logging.getLogger(__name__)
Partition = tuple[str, int]
LEAST_BACKOFF_S, GREATEST_BACKOFF_S = 0.05, 2.0
"""How long to wait for a service that is away: from a blink at first to what an operator does not notice."""
_GAP_S, _GAPS = 1.0, 3
"""After a seek, records fetched before it may still come for a moment; a gap that is there again after that, twice, is real."""

_REST_S = 1.0
"""How long a partition without a schema stands back: a thousand times what the registry takes, and no figure is late for it."""


class Seeker(Protocol):
    """How the worker tells the consumer where to read."""

    async def seek(self, offsets: Mapping[Partition, int]) -> None:
        """Read partitions on from offsets."""

    async def pause(self, partitions: set[Partition]) -> None:
        """Fetch no more of partitions."""

    async def resume(self, partitions: set[Partition]) -> None:
        """Fetch partitions again."""


@dataclass(slots=True)
class _Gap:
    """Gaps seen at a partition since it last moved: how many, and when the last seek was or will be."""

    count: int = 0
    sought_at: float = 0.0


class Partitions:
    """Held partitions with their positions: what the transport asks, and everything that stops or moves one of them alone."""

    def __init__(self, store: WorkerStore, seeker: Seeker, ahead: ReadAhead, counts: Counter[str]) -> None:
        """Hold no partition yet."""
        self._store, self._seeker, self._ahead, self._counts = store, seeker, ahead, counts
        self.held: dict[Partition, Held] = {}
        self.position: dict[Partition, int] = {}
        self.suspicious = False
        self._gaps: dict[Partition, _Gap] = {}
        self._unreadable: dict[Partition, Unreadable] = {}
        self._waiting: set[Partition] = set()
        self.without_schema: dict[Partition, str] = {}
        """Partitions whose next record has no schema yet, with what was noted of the cause; they are no stalled ones."""
        self._resting: set[Partition] = set()
        self._failed: BaseException | None = None
        self._later: set[asyncio.Task[None]] = set()

    def moving(self, partition: Partition) -> bool:
        """Return whether a partition is held and not halted."""
        return partition in self.held and not self.held[partition].halted

    def moved(self, partition: Partition, after: int) -> None:
        """Note that everything below an offset is committed."""
        self.position[partition] = after
        self._gaps.pop(partition, None)
        self.without_schema.pop(partition, None)

    def wanted(self, partition: Partition) -> bool:
        """Return whether what is fetched of a partition now is what comes next of it."""
        return self.moving(partition) and partition not in self._resting

    async def assigned(self, partitions: set[Partition]) -> Mapping[Partition, int]:
        """Take partitions over and return where to read on; halted ones are paused."""
        self._ahead.drop_all()
        self._gaps.clear()
        self._unreadable.clear()
        self.without_schema.clear()
        self._resting.clear()
        self._waiting = set()
        self.held = {}  # so that a batch in flight, which this very call overtakes, is discarded
        held = await self._taken_over(partitions)
        self.held = held
        self.position = {one: state.next_offset for one, state in held.items()}
        self._waiting = partitions - held.keys()
        for topic, partition in self._waiting:
            _log.warning("partition has no leader, it waits", extra={"action": "without_leader", "topic": topic, "partition": partition})
        halted = _told_halted(held)
        if halted or self._waiting:
            await self._seeker.pause(halted | self._waiting)
        _log.info("partitions taken over", extra={"action": "taken_over", "partitions": len(held), "halted": len(halted)})
        return {one: self.position[one] for one in held if one not in halted}

    def commits(self) -> Mapping[Partition, int]:
        """Return the next offsets, which Kafka is told for monitoring."""
        return {one: offset for one, offset in self.position.items() if self.moving(one)}

    async def gap(self, partition: Partition, at: int, found: int) -> None:
        """Read again from where it counts; halt the partition when the gap stays."""
        gap = self._gaps.setdefault(partition, _Gap())
        self._ahead.drop(partition)
        if time.monotonic() - gap.sought_at >= _GAP_S:
            gap.count += 1
        if gap.count >= _GAPS:
            await self.halt(partition, str(OffsetGap(topic=partition[0], partition=partition[1], next_offset=at, found=found)), found)
            return
        wait = max(0.0, gap.sought_at + _GAP_S - time.monotonic())
        self._soon(self._seek_later(partition, self.held[partition].epoch, wait))
        gap.sought_at = time.monotonic() + wait
        self._counts["gaps"] += 1

    def read_again(self, partition: Partition) -> None:
        """Let what follows a gap inside a batch come again, then as the first of its batch."""
        self._ahead.drop(partition)
        self._soon(self._seek_later(partition, self.held[partition].epoch, _GAP_S))

    async def _seek_later(self, partition: Partition, epoch: int, wait_s: float) -> None:
        await asyncio.sleep(wait_s)
        state = self.held.get(partition)
        if state and state.epoch == epoch and not state.halted:
            await self._seeker.seek({partition: self.position[partition]})

    def _soon(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.create_task(work)
        self._later.add(task)
        task.add_done_callback(self._done)

    def _done(self, task: asyncio.Task[None]) -> None:
        self._later.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            self._failed = error

    def raise_failed(self) -> None:
        """Raise what failed beside the batches, where nobody waited for it: a partition that was to be sought would stand still."""
        if self._failed is not None:
            raise self._failed

    def rest(self, partition: Partition, epoch: int, why: str) -> None:
        """Let a partition whose next record has no schema yet stand back, so that it holds up nobody; then read it on from there."""
        state = self.held.get(partition)
        if state and state.epoch == epoch and not state.halted:
            self._ahead.drop(partition)
            self._unreadable.pop(partition, None)  # it comes again, after what stands before it
            self.without_schema.setdefault(partition, "")
            self._resting.add(partition)
            self._soon(self._go_on(partition, epoch, why))

    async def _go_on(self, partition: Partition, epoch: int, why: str) -> None:
        await self._seeker.pause({partition})
        await self._note_wait(partition, epoch, why)
        await self._seek_later(partition, epoch, _REST_S)
        state = self.held.get(partition)
        if state and state.epoch == epoch:
            self._resting.discard(partition)
        if self.wanted(partition):  # also where it was assigned anew meanwhile: the pause may have come after that
            await self._seeker.resume({partition})

    async def _note_wait(self, partition: Partition, epoch: int, why: str) -> None:
        """Note for operators what a partition waits for, once for each cause; what cannot be noted now is noted with the next rest."""
        state = self.held.get(partition)
        if state is None or state.epoch != epoch or self.without_schema.get(partition) == why:
            return
        with contextlib.suppress(Retriable):
            await self._store.waits(state, why)
            if self.held.get(partition) is state:
                self.without_schema[partition] = why

    async def halt(self, partition: Partition, cause: str, found: int | None = None) -> None:
        """Halt one partition, visibly; all others go on. `found` is where its log goes on after a gap."""
        state = self.held[partition]
        _log.error("partition is halted", extra={"action": "halted", "topic": partition[0], "partition": partition[1], "cause": cause})
        await self._store.halt(state, cause, found)
        if self.held.get(partition) is state:
            self.held[partition] = Held(state.id, state.epoch, state.next_offset, state.topic_id, cause)
        self._ahead.drop(partition)
        await self._seeker.pause({partition})

    def ends_at(self, partition: Partition, mark: Unreadable) -> None:
        """Note that a partition cannot be read on from a mark; see `halt_unreadable`."""
        self._unreadable[partition] = mark
        self.suspicious = True  # its topic may have been made anew

    async def halt_unreadable(self) -> None:
        """Halt partitions that cannot be read on, each as soon as all that was read before is committed."""
        if self._unreadable:
            await self._seeker.pause(set(self._unreadable))
        for partition, mark in list(self._unreadable.items()):
            if self._ahead.waiting(partition):
                continue
            if self.moving(partition) and self.position[partition] <= mark.offset:
                cause = RecordsUnreadable(topic=partition[0], partition=partition[1], offset=mark.offset, why=mark.why)
                await self.halt(partition, str(cause))
            elif self.moving(partition):  # the mark is of a time before a seek
                await self._seeker.resume({partition})
            if self._unreadable.get(partition) is mark:
                del self._unreadable[partition]

    async def check_topics(self, ids: Mapping[str, str]) -> None:
        """
        Halt partitions whose topic was deleted and made anew (it has another id now): its offsets say nothing about what was read.

        After something suspicious also those whose log no longer reaches to where they stand.
        """
        suspicious, self.suspicious = self.suspicious, False
        held = {one: state for one, state in self.held.items() if not state.halted}
        for partition, state in held.items():
            if ids.get(partition[0], state.topic_id) != state.topic_id and self.held.get(partition) is state:
                await self.halt(partition, str(TopicMadeAnew(topic=partition[0])))
        if suspicious:
            try:
                await self._check_logs()
            except Retriable:
                self.suspicious = True  # ask again
                raise

    async def _check_logs(self) -> None:
        """
        Halt partitions that stand outside their log.

        The client reads a log that was cut from its beginning, without a word; what is sent then takes offsets that were read before.
        """
        stood = {one: at for one, at in self.position.items() if self.moving(one)}
        for partition, log in (await self._store.logs(stood)).items():
            if self.moving(partition) and self.position[partition] == stood[partition]:
                cause = fault(partition, self.held[partition].topic_id, stood[partition], log)
                if cause:
                    await self.halt(partition, cause)

    async def resume_accepted(self) -> None:
        """Go on with halted partitions that a person has accepted meanwhile."""
        before = [state for state in self.held.values() if state.halted]
        halted = {state.id: partition for partition, state in self.held.items() if state.halted}
        if not halted:
            return
        accepted = {halted[number] for number in await self._store.resumed(set(halted))}
        if accepted:
            taken = await self._store.take_over(accepted)
            await self._begin({one: state for one, state in taken.items() if self.held.get(one) in before})  # or assigned anew meanwhile

    async def take_over_waiting(self) -> None:
        """Take over what had no leader when it was assigned, as soon as it has one."""
        waiting = self._waiting
        if not waiting:
            return
        taken = await self._store.take_over(waiting)
        if taken and self._waiting is waiting:  # or they were assigned anew meanwhile
            self._waiting = waiting - taken.keys()
            await self._begin(taken)
            told = {"action": "taken_over", "partitions": len(taken), "without_leader": len(self._waiting)}
            _log.info("partitions taken over that had no leader before", extra=told)

    async def _begin(self, taken: Mapping[Partition, Held]) -> None:
        """Read partitions that were taken over later than the others."""
        self.held.update(taken)
        self.position.update({one: state.next_offset for one, state in taken.items()})
        moving = taken.keys() - _told_halted(taken)
        await self._seeker.seek({one: self.position[one] for one in moving})
        await self._seeker.resume(moving)

    async def _taken_over(self, partitions: set[Partition]) -> dict[Partition, Held]:
        """Take partitions over, however long broker and database stay away."""
        backoff = LEAST_BACKOFF_S
        while True:
            try:
                return await self._store.take_over(partitions)
            except Retriable as error:
                _log.warning("waiting: %s", error, extra={"action": "waiting", "wait_s": backoff})
                await asyncio.sleep(backoff)
                backoff = min(2 * backoff, GREATEST_BACKOFF_S)


def _told_halted(held: Mapping[Partition, Held]) -> set[Partition]:
    """Return which of these partitions are halted, and tell each in the log."""
    halted = {one for one, state in held.items() if state.halted}
    for one in sorted(halted):
        _log.error("partition is halted", extra={"action": "halted", "topic": one[0], "partition": one[1], "cause": held[one].halted})
    return halted
