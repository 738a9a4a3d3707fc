"""
What became of a receipt at the office: its chains computed anew from the topics, and each of their records merged or rejected.

Why: that a partition was read past a record does not say that it counts. Merging it once more must change nothing: that says so.
Must not: write anything, or rest on what the adapter holds.
"""

import asyncio
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field

import numpy as np
import psycopg
from numpy.typing import NDArray

from processors.blocks import Block
from processors.broker import Broker, Log
from processors.columns.households import distinct_households
from processors.columns.merge import merge
from processors.columns.names import Links
from processors.columns.reading import BlockFrom, Readers, Reading, read
from processors.columns.statements import Packed
from processors.reference import Reference
from processors.replay import Partition, Replay
from processors.settings import WorkerSettings
from processors.store import reference as reference_data
from processors.store.connection import away_is_retriable, connect_worker
from processors.store.linked import read_held
from schemas.codec import WriterSchemas
from schemas.proofs import Found, Prover
from schemas.receipts import Chain, Receipt
from schemas.topics import regency_of

__all__ = ["Became", "check_receipt", "unlinked", "would_change"]

Offsets = NDArray[np.int64]


@dataclass(slots=True)
class Became:
    """What became of a receipt's records of one partition: those sent are merged, rejected, behind or unmerged."""

    found: Found
    why_not: str = ""
    """Why nothing can be said of merging, or nothing."""
    next_offset: int = 0
    epoch: int = 0
    halted: str | None = None
    sent: int = 0
    """Records whose offsets the receipt holds."""
    merged: int = 0
    """Records that, merged once more, change nothing: their statement is held, or a greater one of the same claim and date."""
    rejected: Counter[str] = field(default_factory=Counter)
    """Records that are among the rejected, by cause."""
    repaired: int = 0
    """Of those, how many were repaired and sent again by the office."""
    repairs: int = 0
    """Records of the partition that the office sent so, as far as the chains reach: of this source, and in no chain."""
    behind: int = 0
    """Records that no worker has read yet."""
    unmerged: int = 0
    """Records that were passed over: neither is what they say held, nor are they among the rejected."""
    unmerged_at: int | None = None
    """The offset of the first of those, or None."""

    @property
    def holds(self) -> bool:
        """Whether all that was sent is there, and is merged or rejected."""
        return self.found.holds and not self.why_not and not self.behind and not self.unmerged


@dataclass(frozen=True, slots=True)
class _Stand:
    """A partition as the database knows it: which of its records are rejected, with the cause, which repaired, and which repairs."""

    topic_id: str
    next_offset: int
    epoch: int
    halted: str | None
    rejected: Mapping[int, str]
    repaired: frozenset[int]
    repairs: frozenset[int]


def check_receipt(receipt: Receipt, settings: WorkerSettings, schemas: WriterSchemas) -> dict[Partition, Became]:
    """
    Return what became of a receipt, by partition.

    Raises a `Retriable` where broker, database or registry is away, and `LogUnreadable`.
    """
    by_place: dict[Partition, list[Chain]] = {}
    for chain in receipt.chains:
        by_place.setdefault(chain.place, []).append(chain)
    logs = Broker(settings.kafka).logs(by_place)
    with away_is_retriable(), closing(psycopg.connect(settings.database, autocommit=True, connect_timeout=5)) as connection:
        reference = reference_data.read(connection)
        stands = {place: _stand(connection, place) for place in by_place}
    with closing(Replay(settings.kafka)) as replay:
        work = _Work(receipt.source, settings.database, replay, reference, Readers(schemas))
        return {place: work.became(place, by_place[place], logs.get(place), stands[place]) for place in sorted(by_place)}


def _stand(connection: psycopg.Connection, place: Partition) -> _Stand | None:
    row = connection.execute(
        "select topic_id, next_offset, epoch, halted from ingest_offset where (topic, partition) = (%s, %s)", place
    ).fetchone()
    if row is None:
        return None
    rows = connection.execute(
        "select record_offset, cause from rejected where (topic, partition, topic_id) = (%s, %s, %s)", (*place, row[0])
    ).fetchall()
    topic_id, next_offset, epoch, halted = row
    repaired = connection.execute(
        "select record_offset from repair where (topic, partition, topic_id) = (%s, %s, %s) and sent_at is not null", (*place, topic_id)
    ).fetchall()
    sent = "select sent_offset from repair where (sent_topic, sent_partition) = (%s, %s) and sent_at is not null"
    repairs = connection.execute(sent, place).fetchall()
    numbers = (frozenset(offset for (offset,) in found) for found in (repaired, repairs))
    return _Stand(topic_id, next_offset, epoch, halted, dict(rows), *numbers)


class _Work:
    """The check of one receipt, partition by partition."""

    def __init__(self, source: str, database: str, replay: Replay, reference: Reference, readers: Readers) -> None:
        self._source, self._database, self._replay, self._reference, self._readers = source, database, replay, reference, readers

    def became(self, place: Partition, chains: Sequence[Chain], log: Log | None, stand: _Stand | None) -> Became:
        """Return what became of one partition's chains."""
        prover = Prover(self._source, chains)
        span = (log.begin, min(log.end, prover.end)) if log else (0, 0)
        became = Became(prover.found, _why_not(chains, log, stand))
        merging = _Merging(chains, stand, became) if stand and not became.why_not else None
        asyncio.run(self._once(place, span, prover, merging))
        if prover.finish():
            asyncio.run(self._once(place, span, prover, None))
            prover.finish()
        return became

    async def _once(self, place: Partition, span: tuple[int, int], prover: Prover, merging: "_Merging | None") -> None:
        """Give all records of a partition to the prover, and those of the chains to be merged once more."""
        connection = await connect_worker(self._database) if merging else None
        try:
            for batch in self._replay.batches({place: span}, gap=lambda *_: None):  # the prover sees what is missing
                blocks = batch[place]
                for offset, key, value in _records(blocks):
                    prover.take(offset, key, value)
                if merging and connection:
                    await self._merge(place, blocks, merging, connection)
        finally:
            if connection:
                await connection.close()

    async def _merge(self, place: Partition, blocks: Sequence[Block], merging: "_Merging", connection: psycopg.AsyncConnection) -> None:
        """Merge records of the chains with what is held, and count those that would change something."""
        chosen, offsets = merging.chosen(blocks)
        if not len(offsets):
            return
        reading = read(
            [BlockFrom(one, *place, regency_of(place[0])) for one in chosen], self._reference, self._reference.limits, self._readers
        )
        fine = np.ones(len(offsets), bool)
        fine[[one.offset for one in reading.dead]] = False
        changed = np.zeros(len(offsets), bool)
        if len(reading.statements):
            distinct, number = distinct_households(reading.household)
            with away_is_retriable():
                held = await read_held(connection.cursor(binary=True), distinct)
            changed[fine] = would_change(
                reading.statements, held.household[number], held.statements, held.statement_of, self._reference
            ) | unlinked(reading, held.links)
        merging.count(offsets, changed | ~fine)


def would_change(
    said: Packed, said_of: NDArray[np.int64], held: Packed, held_of: NDArray[np.int64], reference: Reference
) -> NDArray[np.bool_]:
    """
    Return which statements are not held, nor a greater one of the same household, claim and date; shape (said,).

    Arguments as of `merge`, which decides it: each statement for itself, as if it alone spoke of a household, against its like.
    """
    if not len(said):
        return np.zeros(0, bool)
    place = {key: number for number, key in enumerate(_keys(held, held_of))}
    like = np.array([place.get(key, -1) for key in _keys(said, said_of)], np.int64)
    there = np.flatnonzero(like >= 0)
    changed = np.zeros(len(said), bool)
    changed[merge(len(said), said, np.arange(len(said)), held[like[there]], there, reference).changed] = True
    return changed


def unlinked(reading: Reading, known: Links) -> NDArray[np.bool_]:
    """Return which statements are of households of which the same records say a link that is not known, shape (statements,)."""
    missing = reading.links.distinct().without(known).household
    if not len(missing):
        return np.zeros(len(reading.statements), bool)
    _, number = distinct_households(np.concatenate((missing, reading.household)))
    return np.asarray(np.isin(number[len(missing) :], number[: len(missing)]))


def _keys(statements: Packed, of: NDArray[np.int64]) -> Iterator[tuple[int, int, int]]:
    return zip(of.tolist(), statements["valid_from"].tolist(), statements["claimant"].tolist(), strict=True)


def _why_not(chains: Sequence[Chain], log: Log | None, stand: _Stand | None) -> str:
    """Return why a database cannot say what became of chains, or nothing."""
    if log is None:
        return "the topic does not exist, or has no leader now"
    if any(chain.topic_id not in (None, log.topic_id) for chain in chains):
        return "the topic was made anew since the receipt"
    if stand is None:
        return "no worker has read it yet"
    if stand.topic_id != log.topic_id:
        return "the topic was made anew since workers read it: muara offsets show"
    return ""


class _Merging:
    """Which records of one partition have to be merged already, and what became of them."""

    def __init__(self, chains: Sequence[Chain], stand: _Stand, became: Became) -> None:
        """Count what is known without the records: those behind, and those rejected."""
        runs = sorted(run for chain in chains if not chain.over for one in chain.segments for run in one.runs)
        self._begins, self._ends = (np.array([run[side] for run in runs], np.int64) for side in (0, 1))
        self._next_offset, self._became = stand.next_offset, became
        became.next_offset, became.epoch, became.halted = stand.next_offset, stand.epoch, stand.halted
        became.sent = sum(end - begin + 1 for begin, end in runs)
        became.behind = sum(max(0, end - max(begin, stand.next_offset) + 1) for begin, end in runs)
        offsets = np.array(sorted(stand.rejected), np.int64)
        self._rejected = offsets[self._said(offsets)]
        became.rejected.update(stand.rejected[offset] for offset in self._rejected.tolist())
        became.repaired = len(stand.repaired & set(self._rejected.tolist()))
        became.repairs = sum(offset <= runs[-1][1] for offset in stand.repairs) if runs else 0

    def chosen(self, blocks: Sequence[Block]) -> tuple[list[Block], Offsets]:
        """Return the records to merge, as blocks that are numbered through from 0, and the offset of each."""
        chosen, offsets, count = [], [], 0
        for block in blocks:
            at = np.arange(block.first, block.last + 1)
            mine = self._said(at) & (at < self._next_offset) & ~np.isin(at, self._rejected)
            if mine.any():
                key, key_length, value, value_length = (one[mine] for one in (block.key, block.key_length, block.value, block.value_length))
                chosen.append(Block(block.raw, key, key_length, value, value_length, count, block.timestamp_ms))
                offsets.append(at[mine])
                count += int(mine.sum())
        return chosen, np.concatenate(offsets) if offsets else np.empty(0, np.int64)

    def count(self, offsets: Offsets, unmerged: NDArray[np.bool_]) -> None:
        """Count records that were merged once more: those that would change something, and the others."""
        became, wrong = self._became, int(unmerged.sum())
        became.merged += len(offsets) - wrong
        became.unmerged += wrong
        if wrong and became.unmerged_at is None:
            became.unmerged_at = int(offsets[unmerged][0])

    def _said(self, offsets: Offsets) -> NDArray[np.bool_]:
        """Return which offsets are in the chains."""
        if not len(self._begins):
            return np.zeros(len(offsets), bool)
        run = np.searchsorted(self._begins, offsets, "right") - 1
        return np.asarray((run >= 0) & (offsets <= self._ends[np.maximum(run, 0)]))


def _records(blocks: Sequence[Block]) -> Iterator[tuple[int, bytes | None, bytes | None]]:
    """Yield offset, key and value of each record."""
    for block in blocks:
        raw = block.raw
        columns = zip(*(one.tolist() for one in (block.key, block.key_length, block.value, block.value_length)), strict=True)
        for offset, (key, key_length, value, value_length) in enumerate(columns, block.first):
            yield (
                offset,
                raw[key : key + key_length] if key_length >= 0 else None,
                raw[value : value + value_length] if value_length >= 0 else None,
            )
