"""
The one transaction that makes a batch count: households, cell changes, rejected records and next offsets, or nothing.

Why: a batch may come twice and a worker may outlive its assignment; the offset rows, locked here, decide.
Must not: judge what a statement means (processors/law.py), connect, or retry on its own.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np
import psycopg

from processors.columns.households import distinct_households, numbers_of
from processors.columns.merge import Merged, merge
from processors.columns.reading import Dead, Reading
from processors.reference import Reference
from processors.store.linked import merge_linked
from processors.store.parameters import int4_array, int8_array
from processors.store.rows import Collided, read_places, write_statements
from schemas.errors import Retriable

__all__ = ["Collided", "Overtaken", "Part", "ReferenceMoved", "Replayed", "commit_batch"]


class ReferenceMoved(Retriable):
    """the reference data is at version {found}, the batch was read with {held}: read it again"""


class Overtaken(Retriable):
    """{partitions} partitions have another worker now: their records are discarded here"""

    def __init__(self, partitions: Sequence[int]) -> None:
        """Name the partitions by the number of their offset rows."""
        super().__init__(partitions=len(partitions))
        self.ids = frozenset(partitions)


class Replayed(Retriable):
    """{partitions} partitions stand at another offset than the batch begins with: cut it and try again"""

    def __init__(self, next_offsets: dict[int, int]) -> None:
        """Name the partitions by the number of their offset rows, each with the offset that is next."""
        super().__init__(partitions=len(next_offsets))
        self.next_offsets = next_offsets


@dataclass(frozen=True, slots=True)
class Part:
    """A batch's part of one partition: the number of its offset row, the worker's epoch, its first offset, the one after its last."""

    id: int
    epoch: int
    first: int
    after: int


_COLLISIONS = (psycopg.errors.SerializationFailure, psycopg.errors.DeadlockDetected, psycopg.errors.UniqueViolation)


async def commit_batch(
    connection: psycopg.AsyncConnection, parts: Sequence[Part], reading: Reading, reference: Reference, arrived_ms: int
) -> Merged | None:
    """
    Commit a batch, or raise what must be done first; nothing of it counts unless this returns.

    `parts` are sorted by id; `arrived_ms` is when its oldest record arrived at the broker. Returns what was merged, None where
    there was nothing to merge. Raises `ReferenceMoved`, `Overtaken`, `Replayed`, `Collided`, all of which leave no trace.
    """
    try:
        async with connection.transaction():
            cursor = connection.cursor(binary=True)
            # First of all, and as a utility command: it takes no snapshot, so what is read next is what holds under the lock.
            await cursor.execute("lock table reference_version in row share mode")
            await _check_reference(cursor, reference)
            await _check_offsets(cursor, parts)
            merged = await _merge_into(cursor, reading, reference, arrived_ms) if len(reading.statements) else None
            if reading.dead:
                await _keep_dead(cursor, reading.dead)
            await _move_offsets(cursor, parts)
    except _COLLISIONS as error:
        raise Collided(why=type(error).__name__) from error
    return merged


async def _check_reference(cursor: psycopg.AsyncCursor, reference: Reference) -> None:
    await cursor.execute("select version from reference_version", prepare=True)
    row = await cursor.fetchone()
    found = row[0] if row else None
    if found != reference.version:
        raise ReferenceMoved(found=found, held=reference.version)


async def _check_offsets(cursor: psycopg.AsyncCursor, parts: Sequence[Part]) -> None:
    ids = np.array([part.id for part in parts], np.int64)
    await cursor.execute(
        "select id, next_offset, epoch from ingest_offset where id = any(%s) order by id for update", (int4_array(ids),), prepare=True
    )
    found = {number: (next_offset, epoch) for number, next_offset, epoch in await cursor.fetchall()}
    overtaken = [part.id for part in parts if part.id not in found or found[part.id][1] != part.epoch]
    if overtaken:
        raise Overtaken(overtaken)
    moved = {part.id: found[part.id][0] for part in parts if found[part.id][0] != part.first}
    if moved:
        raise Replayed(moved)


async def _merge_into(cursor: psycopg.AsyncCursor, reading: Reading, reference: Reference, arrived_ms: int) -> Merged:
    merged = await _merged(cursor, reading, reference)
    if len(merged.cells.keys):
        await cursor.execute(
            "insert into cell_change (keys, amounts, arrived_at) values (%s, %s, %s)",
            (
                merged.cells.keys.astype(">i8").tobytes(),
                merged.cells.amounts.astype(">i8").tobytes(),
                datetime.fromtimestamp(arrived_ms / 1000, UTC),
            ),
            prepare=True,
        )
    return merged


async def _merged(cursor: psycopg.AsyncCursor, reading: Reading, reference: Reference) -> Merged:
    """Merge what is said into the rows of its households and write those that change."""
    if len(reading.links):
        return await merge_linked(cursor, reading, reference)
    distinct, number = distinct_households(reading.household)
    held = await read_places(cursor, distinct)
    if held.pointers:
        return await merge_linked(cursor, reading, reference)
    held_number = numbers_of(held.name, distinct)
    merged = merge(len(distinct), reading.statements, number, held.statements, np.repeat(held_number, held.counts), reference)
    if len(merged.changed):
        counts = np.bincount(merged.household, minlength=len(distinct))[merged.changed]
        place, is_there = np.zeros((len(distinct), 6), np.uint8), np.zeros(len(distinct), bool)
        place[held_number], is_there[held_number] = held.place, True
        await write_statements(cursor, distinct[merged.changed], place[merged.changed], is_there[merged.changed], merged.statements, counts)
    return merged


async def _keep_dead(cursor: psycopg.AsyncCursor, dead: Sequence[Dead]) -> None:
    # The offset row, which this transaction holds, knows which topic of that name it was.
    await cursor.executemany(
        "insert into rejected (topic, topic_id, partition, record_offset, arrived_at, cause, field, message, digest)"
        " select said.topic, held.topic_id, said.partition, record_offset, arrived_at, cause, field, message, digest"
        " from (values (%s::text, %s::integer, %s::bigint, %s::timestamptz, %s::text, %s::text, %s::text, %s::bytea))"
        " as said (topic, partition, record_offset, arrived_at, cause, field, message, digest)"
        " join ingest_offset as held on (held.topic, held.partition) = (said.topic, said.partition)"
        " on conflict (topic, topic_id, partition, record_offset) do nothing",
        [(one.topic, one.partition, one.offset, one.arrived, one.cause, one.field, one.message, one.digest) for one in dead],
    )


async def _move_offsets(cursor: psycopg.AsyncCursor, parts: Sequence[Part]) -> None:
    ids = np.array([part.id for part in parts], np.int64)
    after = np.array([part.after for part in parts], np.int64)
    await cursor.execute(
        "update ingest_offset set next_offset = new.after, moved_at = now(), waits_for = null"
        " from unnest(%s, %s) as new (id, after) where ingest_offset.id = new.id",
        (int4_array(ids), int8_array(after)),
        prepare=True,
    )
