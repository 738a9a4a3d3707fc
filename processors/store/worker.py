"""
What a worker keeps open: its connections to PostgreSQL, the broker's admin client, the registry's cache.

Why: the batcher says what must happen, this says to whom; a connection that broke is made anew, and the batch is tried again.
Must not: decide whether to try again (processors/batcher.py does).
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Collection, Coroutine
from typing import Any, TypeVar

import psycopg

from processors.broker import Broker, Log
from processors.columns.merge import Merged
from processors.columns.reading import Readers, Reading
from processors.known_schemas import KnownSchemas
from processors.reference import Reference
from processors.settings import WorkerSettings
from processors.store import offsets, reference
from processors.store.batch import Part, commit_batch
from processors.store.connection import away, away_is_retriable, connect_worker, is_away, patient
from processors.store.offsets import Held
from schemas.codec import WriterSchemas

__all__ = ["WorkerStore"]

Partition = tuple[str, int]
_T = TypeVar("_T")
_log = logging.getLogger(__name__)
_BLOCKED_S = 6.0
"""A second more than `idle_in_transaction_session_timeout`, which frees the locks of most workers that were stopped."""

_REFERENCE_LOCKED = (
    "select exists (select from pg_locks where relation = 'reference_version'::regclass and granted"
    " and database = (select oid from pg_database where datname = current_database())"
    " and mode in ('ExclusiveLock', 'AccessExclusiveLock'))"
)


class WorkerStore:
    """Connections of one worker; each lane of the batcher has one of its own."""

    def __init__(self, settings: WorkerSettings, schemas: WriterSchemas) -> None:
        """Open nothing yet."""
        self._settings = settings
        self._broker = Broker(settings.kafka)
        self.schemas = KnownSchemas(schemas)
        self.readers = Readers(self.schemas)
        self._lanes: dict[int, psycopg.AsyncConnection] = {}
        self.still_assigned: Callable[[Partition], bool] = lambda _: False

    async def commit(self, lane: int, parts: list[Part], reading: Reading, held: Reference, arrived_ms: int) -> Merged | None:
        """Commit a batch on a lane's connection; see `commit_batch`. Raises `DatabaseAway` where the server is gone."""
        connection = self._lanes.get(lane)
        if connection is None or connection.broken or connection.closed:
            connection = self._lanes[lane] = await connect_worker(self._settings.database)
        try:
            return await commit_batch(connection, parts, reading, held, arrived_ms)
        except psycopg.Error as error:
            if not is_away(error) and not connection.broken:
                raise
            await connection.close()
            raise away(error) from error

    async def reference(self) -> Reference:
        """Read the reference data, whole, at one version."""

        def ask() -> Reference:
            with away_is_retriable(), psycopg.connect(patient(self._settings.database), autocommit=True) as connection:
                return reference.read(connection)

        return await asyncio.to_thread(ask)  # it is large, and the event loop has other things to do

    async def registered_regencies(self) -> frozenset[str]:
        """Return the regencies that some source may speak for."""

        async def ask(connection: psycopg.AsyncConnection) -> frozenset[str]:
            cursor = await connection.execute("select distinct region.code from source join region on region.id = source.region")
            return frozenset(code for (code,) in await cursor.fetchall())

        return await self._briefly(ask)

    async def reference_locked(self) -> bool:
        """Return whether somebody loads reference data or rebuilds just now, so that all batches wait."""

        async def ask(connection: psycopg.AsyncConnection) -> bool:
            cursor = await connection.execute(_REFERENCE_LOCKED)
            row = await cursor.fetchone()
            return bool(row and row[0])

        return await self._briefly(ask)

    async def topics(self) -> frozenset[str]:
        """Return the topics that the broker has."""
        return await asyncio.to_thread(self._broker.topics)

    async def topic_ids(self, topics: Collection[str]) -> dict[str, str]:
        """Return the id of each topic that exists."""
        return await asyncio.to_thread(self._broker.topic_ids, topics)

    async def ends(self, partitions: Collection[Partition]) -> dict[Partition, int]:
        """Return where the broker's log of each partition ends."""
        return await asyncio.to_thread(self._broker.ends, partitions)

    async def logs(self, partitions: Collection[Partition]) -> dict[Partition, Log]:
        """Return how far the broker's log of each partition reaches."""
        return await asyncio.to_thread(self._broker.logs, partitions)

    async def take_over(self, partitions: Collection[Partition]) -> dict[Partition, Held]:
        """Take partitions over; see `offsets.take_over`. Whoever keeps one of them locked for too long loses its transaction."""
        if not partitions:
            return {}
        logs = await self.logs(partitions)
        return await self._briefly(lambda connection: self._unblocked(connection, offsets.take_over(connection, logs)))

    async def halt(self, state: Held, cause: str, found: int | None = None) -> None:
        """Halt one partition; see `offsets.halt`."""
        await self._briefly(lambda connection: offsets.halt(connection, state.id, state.epoch, cause, found))

    async def waits(self, state: Held, cause: str) -> None:
        """Note what one partition waits for; see `offsets.waits`."""
        await self._briefly(lambda connection: offsets.waits(connection, state.id, state.epoch, cause))

    async def resumed(self, numbers: Collection[int]) -> set[int]:
        """Return which halted partitions were accepted."""
        return await self._briefly(lambda connection: offsets.resumed(connection, numbers))

    async def _unblocked(self, connection: psycopg.AsyncConnection, work: Coroutine[Any, Any, _T]) -> _T:
        """Return what work on a connection returns; end what blocks it for longer than an idle transaction may live."""
        task = asyncio.create_task(work)
        try:
            while not (await asyncio.wait({task}, timeout=_BLOCKED_S))[0]:
                ended = await self._briefly(lambda other: offsets.end_blockers(other, connection.info.backend_pid))
                _log.warning("ended transactions of workers that do not go on", extra={"action": "blockers_ended", "transactions": ended})
            return task.result()
        finally:
            task.cancel()

    async def _briefly(self, work: Callable[[psycopg.AsyncConnection], Awaitable[_T]]) -> _T:
        """Run one piece of work on a connection of its own, at READ COMMITTED."""
        with away_is_retriable():
            async with await psycopg.AsyncConnection.connect(patient(self._settings.database), autocommit=True) as connection:
                return await work(connection)
