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
from numpy.typing import NDArray

from processors.columns.households import distinct_households, numbers_of
from processors.columns.merge import Merged, merge
from processors.columns.reading import Dead, Reading
from processors.columns.statements import STATEMENT, Packed
from processors.reference import Reference
from processors.store.parameters import array_rows, bytea_array, copy_body, int4_array, int8_array, tid_array, uuid_array
from schemas.errors import Retriable

__all__ = ["Collided", "Overtaken", "Part", "ReferenceMoved", "Replayed", "commit_batch", "read_held"]


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


class Collided(Retriable):
    """another transaction touched the same rows ({why}): the batch is rolled back and tried again"""


@dataclass(frozen=True, slots=True)
class Part:
    """A batch's part of one partition: the number of its offset row, the worker's epoch, its first offset, the one after its last."""

    id: int
    epoch: int
    first: int
    after: int


@dataclass(frozen=True, slots=True)
class _Held:
    """What the database holds of a batch's households: their numbers, places of their rows (n, 6), and their statements with numbers."""

    number: NDArray[np.int64]
    place: NDArray[np.uint8]
    statements: Packed
    statement_of: NDArray[np.int64]


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
    distinct, number = distinct_households(reading.household)
    held = await read_held(cursor, distinct)
    merged = merge(len(distinct), reading.statements, number, held.statements, held.statement_of, reference)
    if len(merged.changed):
        await _write_households(cursor, merged, held, distinct)
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


async def read_held(cursor: psycopg.AsyncCursor, distinct: NDArray[np.uint64]) -> _Held:
    """Read the statements held of households (n, 2), in four columns of raw bytes instead of a row each."""
    await cursor.execute(
        "select array_agg(id), array_agg(place), array_agg(length(statements)), string_agg(statements, '')"
        " from (select id, ctid as place, statements from household where id = any(%s) offset 0) as held",
        (uuid_array(distinct),),
        prepare=True,
    )
    row = await cursor.fetchone()
    if row is None or row[0] is None:
        return _Held(np.empty(0, np.int64), np.empty((0, 6), np.uint8), np.empty(0, STATEMENT), np.empty(0, np.int64))
    ids, places, lengths, statements = row
    halves = np.ascontiguousarray(array_rows(ids, 16)).view(">u8").astype(np.uint64)
    number = numbers_of(halves, distinct)
    counts = np.ascontiguousarray(array_rows(lengths, 4)).view(">i4").ravel().astype(np.int64) // STATEMENT.itemsize
    return _Held(number, array_rows(places, 6), np.frombuffer(statements, STATEMENT), np.repeat(number, counts))


async def _write_households(cursor: psycopg.AsyncCursor, merged: Merged, held: _Held, distinct: NDArray[np.uint64]) -> None:
    """Write the changed households: those held by the place of their row, new ones by COPY."""
    counts = np.bincount(merged.household, minlength=len(distinct))[merged.changed]
    row_of = np.full(len(distinct), -1, np.int64)
    row_of[held.number] = np.arange(len(held.number))
    known = row_of[merged.changed] >= 0
    of_known = np.repeat(known, counts)
    if known.any():
        await cursor.execute(
            "update household set statements = new.statements from unnest(%s, %s) as new (place, statements)"
            " where household.ctid = new.place",
            (tid_array(held.place[row_of[merged.changed[known]]]), bytea_array(merged.statements[of_known], counts[known])),
            prepare=True,
        )
        if cursor.rowcount != int(known.sum()):
            # A row moved although the snapshot is fixed: never seen, and never to be passed over.
            raise Collided(why="a household's row moved")
    if not known.all():
        async with cursor.copy("copy household (id, statements) from stdin (format binary)") as copy:
            await copy.write(copy_body(distinct[merged.changed[~known]], merged.statements[~of_known], counts[~known]))


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
        "update ingest_offset set next_offset = new.after from unnest(%s, %s) as new (id, after) where ingest_offset.id = new.id",
        (int4_array(ids), int8_array(after)),
        prepare=True,
    )
