"""
What tests of the batch transaction share: an office with two workers' connections, and batches interleaved by hand.

Why: a collision is seen only where two transactions stand still at the right moment.
Must not: start a worker.
"""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import psycopg
import pytest

from processors.columns.names import NO_LINKS, Links
from processors.columns.reading import Dead, Reading
from processors.columns.statements import pack
from processors.law import Link
from processors.reference import Reference
from processors.store.batch import Collided, Part, commit_batch
from processors.store.connection import connect_worker
from schemas.events import HouseholdChanged
from tests.integration.events import link_by, said_by
from tests.integration.stage import Stage

__all__ = ["ARRIVED_MS", "ONE", "OTHER", "TABLES", "Office", "Run", "interleaved", "running"]

ARRIVED_MS = 1_700_000_000_000
TABLES = ("household", "cell_change", "rejected", "ingest_offset")
ONE, OTHER = Part(1, 7, 10, 12), Part(2, 7, 10, 12)


@dataclass(frozen=True)
class Office:
    """A stage, its reference data, two workers' connections, and a partition for each: offset rows 1 and 2 at epoch 7, offset 10."""

    stage: Stage
    reference: Reference
    one: psycopg.AsyncConnection[Any]
    other: psycopg.AsyncConnection[Any]

    def reading(self, events: Sequence[HouseholdChanged], dead: Sequence[Dead] = ()) -> Reading:
        """Return events as a batch reads them."""
        for event in events:
            self.stage.remember(event)
        halves = np.frombuffer(b"".join(event.household for event in events), ">u8").astype(np.uint64).reshape(-1, 2)
        links = [link for event in events if (link := link_by(event))]
        return Reading(halves, pack(map(said_by, events), self.reference), list(dead), _columns(links))

    async def commit(self, connection: psycopg.AsyncConnection[Any], reading: Reading, *parts: Part) -> None:
        """Commit a batch, tried again while it collides."""
        for _ in range(5):
            try:
                await commit_batch(connection, parts, reading, self.reference, ARRIVED_MS)
            except Collided:
                continue
            return
        pytest.fail("a batch collides for ever")

    def everything(self) -> list[object]:
        """Return all that a batch may change."""
        with self.stage.connect() as connection:
            return [connection.execute(f"table {name} order by 1").fetchall() for name in TABLES]


Run = Callable[[Callable[[Office], Coroutine[Any, Any, None]]], None]


def _columns(links: Sequence[Link]) -> Links:
    rows = np.frombuffer(b"".join(one.previous + one.household for one in links), ">u8").astype(np.uint64).reshape(-1, 4)
    return Links(rows[:, :2], rows[:, 2:], np.array([one.key_version for one in links], np.int64)) if links else NO_LINKS


def running(stage: Stage) -> Run:
    """Return how to run a test's coroutine with an office in which nothing was said yet."""
    stage.said.clear()
    stage.links.clear()
    with stage.connect() as connection:
        connection.execute("truncate household, cell_change, cell, rejected, ingest_offset restart identity")
        for topic in ("a", "b"):
            connection.execute(
                "insert into ingest_offset (topic, partition, topic_id, next_offset, epoch) values (%s, 0, 'x', 10, 7)", (topic,)
            )

    async def run(test: Callable[[Office], Awaitable[None]]) -> None:
        one, other = await connect_worker(stage.database), await connect_worker(stage.database)
        try:
            await test(Office(stage, stage.reference(), one, other))
        finally:
            await one.close()
            await other.close()

    return lambda test: asyncio.run(run(test))


async def interleaved(office: Office, first: Reading, second: Reading) -> BaseException | None:
    """
    Let one batch take its snapshot, then the other commit, then the one go on; return how the one failed.

    The one stands still where it locks its offset row, which somebody holds meanwhile.
    """
    with office.stage.connect() as holder:
        with holder.transaction():
            holder.execute("select 1 from ingest_offset where id = 1 for update")
            task = asyncio.create_task(commit_batch(office.one, [ONE], first, office.reference, ARRIVED_MS))
            while not office.stage.transactions("waiting"):  # noqa: ASYNC110 - PostgreSQL tells nobody
                await asyncio.sleep(0.01)
            await commit_batch(office.other, [OTHER], second, office.reference, ARRIVED_MS)
        try:
            await task
        except Collided as error:
            return error.__cause__
    return None
