"""
The worker: a Faust app whose one agent hands whole fetches to the batcher, and the watch over it.

Why: Faust gives consumer group, rebalances and lifecycle; what counts (offsets, epochs, batches) is kept in PostgreSQL.
Must not: go on after anything unexpected: an exit is repaired by whoever supervises, a silent stall is not.
"""

import asyncio
import contextlib
import ctypes
import logging
import os
import signal
from collections.abc import Callable, Coroutine, Mapping
from typing import Any, NoReturn

import faust

from processors import transport
from processors.batcher import Batcher
from processors.broker import BrokerAway
from processors.credentials import credentials_of
from processors.progress import Progress
from processors.settings import WorkerSettings
from processors.starting_log import CoordinatorLoads
from processors.store.connection import DatabaseAway
from processors.store.worker import WorkerStore
from schemas.errors import Retriable
from schemas.registry import Registry
from schemas.topics import household_topic

__all__ = ["EXIT_FAILED", "EXIT_REGENCIES_CHANGED", "EXIT_STALLED", "run_worker"]

_log = logging.getLogger(__name__)
EXIT_FAILED, EXIT_STALLED, EXIT_REGENCIES_CHANGED = 3, 4, 5
"""How a worker ends by itself; whoever supervises starts it again, at once for changed regencies."""
StartOver = Callable[[], None]
"""Becomes a worker made anew in the same process; returns only where that cannot be."""
_SESSION_S, _HEARTBEAT_S, _REQUEST_S = 6.0, 2.0, 10.0
_WATCH_S, _TOPICS_S = 0.5, 5.0
_METADATA_MS = 15_000
"""A topic that the group's leader did not see when it shared the partitions out has no reader until its metadata are asked for again."""
_FINISH_S, _LEAVE_S = 0.8, 0.7
"""On SIGTERM: how long the batches in flight may still commit, and how long leaving the group may take."""
Partition = tuple[str, int]


class _Consumer:
    """How the batcher reaches the consumer of a Faust app (`processors.batcher.Seeker`)."""

    def __init__(self) -> None:
        self.app: Any = None

    def _real(self) -> transport.BatchConsumer:
        real: transport.BatchConsumer = self.app.consumer
        return real

    async def seek(self, offsets: Mapping[Partition, int]) -> None:
        await transport.seek(self._real(), offsets)

    async def pause(self, partitions: set[Partition]) -> None:
        await transport.pause(self._real(), partitions)

    async def resume(self, partitions: set[Partition]) -> None:
        await transport.resume(self._real(), partitions)


def run_worker(settings: WorkerSettings, start_over: StartOver = lambda: None) -> NoReturn:
    """
    Run one worker until it is told to stop (SIGTERM, SIGINT) or ends by itself; never returns.

    Exit codes: 0 stopped, `EXIT_FAILED`, `EXIT_STALLED`; and where the regencies changed and it cannot `start_over`,
    `EXIT_REGENCIES_CHANGED`.
    """
    _keep_big_blocks()
    logging.disable(logging.DEBUG)  # aiokafka logs each partition of each fetch
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    store = WorkerStore(settings, Registry(settings.registry, unknown_s=0))
    topics = loop.run_until_complete(_topics_there(store))
    app, batcher = build_app(settings, store, frozenset(topics))
    watch = _Watch(app, batcher, store, settings, topics, start_over)
    app.task(watch.begin)
    worker = _Worker(app, loglevel="ERROR", redirect_stdouts=False, override_logging=False, loop=loop, console_port=0, quiet=True)
    worker.watch = watch
    worker.spinner = None  # it would write a terminal's signs where there is none, and we are quiet anyway
    logging.getLogger("aiokafka.consumer.group_coordinator").addFilter(CoordinatorLoads())
    worker.execute_from_commandline()
    end(EXIT_FAILED)  # it does not return


async def _topics_there(store: WorkerStore) -> dict[str, str]:
    """Return the topics of all registered regencies that exist, with their ids; wait until there is one."""
    said = False
    while True:
        try:
            wanted = {household_topic(code) for code in await store.registered_regencies()}
            there = await store.topic_ids(wanted & await store.topics())
        except Retriable as error:
            _log.warning("waiting: %s", error, extra={"action": "waiting"})
        else:
            if there:
                return there
            if not said:
                _log.warning("no source is registered yet: muara sources load", extra={"action": "waiting"})
                said = True
        await asyncio.sleep(1.0)


def build_app(settings: WorkerSettings, store: WorkerStore, topics: frozenset[str]) -> tuple[faust.App, Batcher]:
    """Return a Faust app over the given topics, and its batcher, not yet started."""
    seeker = _Consumer()
    batcher = Batcher(settings, store, seeker)
    app = _App(
        settings.group,
        broker=f"batch://{settings.kafka}",
        broker_credentials=_credentials(settings.kafka),
        datadir=os.devnull,
        key_serializer="raw",
        value_serializer="raw",
        store="memory://",
        web_enabled=False,
        topic_allow_declare=False,
        topic_disable_leader=True,
        stream_wait_empty=False,
        table_standby_replicas=0,
        consumer_auto_offset_reset="earliest",
        broker_session_timeout=_SESSION_S,
        broker_heartbeat_interval=_HEARTBEAT_S,
        broker_request_timeout=_REQUEST_S,
        broker_max_poll_records=40_000,
        consumer_max_fetch_size=1 << 20,
        consumer_metadata_max_age_ms=_METADATA_MS,
    )
    seeker.app = app
    app.positions = batcher
    store.still_assigned = lambda partition: partition in {(tp.topic, tp.partition) for tp in app.consumer.assignment()}

    async def merge(stream: faust.Stream[transport.Fetched]) -> None:
        """Queue fetch after fetch; the batcher's lanes commit."""
        async for event in stream.events():
            for partition, blocks in event.value:
                batcher.put(partition, blocks)
            batcher.kick()

    # Without acks: Faust keeps them until a commit of its own, so the lists would grow, and every fetch take longer than the last.
    app.agent(app.topic(*sorted(topics), value_serializer="raw", acks=False), name="merge")(merge)
    return app, batcher


def _credentials(kafka: str) -> faust.SSLCredentials | faust.SASLCredentials | None:
    """Return how a broker is to be told who we are, in Faust's words; raises `CannotBeLetIn`."""
    told = credentials_of(kafka)
    if told is None:
        return None
    if not told.mechanism:
        return faust.SSLCredentials(told.context)
    return faust.SASLCredentials(username=told.username, password=told.password, mechanism=told.mechanism, ssl_context=told.context)


class _App(faust.App):
    """Faust's app without its folders: those are for tables, and we keep none, so nothing stays behind a killed worker."""

    def _create_directories(self) -> None:
        """Make none. If Faust ever asked for one elsewhere, the null device as their place would end the worker at once."""


class _Worker(faust.Worker):
    """Faust's worker, which stops in our way."""

    watch: "_Watch"

    def install_signal_handlers(self) -> None:
        """Stop at once but in order: Faust's own way hangs for a minute now and then."""
        for number in (signal.SIGTERM, signal.SIGINT):
            self.loop.add_signal_handler(number, self.watch.stop)


class _Watch:
    """The tasks beside the agent: lanes that commit, and the watch over topics, halted partitions and progress."""

    def __init__(
        self,
        app: faust.App,
        batcher: Batcher,
        store: WorkerStore,
        settings: WorkerSettings,
        topics: Mapping[str, str],
        start_over: StartOver,
    ) -> None:
        self._app, self._batcher, self._store, self._settings, self._topics = app, batcher, store, settings, topics
        self._start_over = start_over
        self._tasks: set[asyncio.Task[None]] = set()
        self._lanes: list[asyncio.Task[None]] = []
        self._progress = Progress(settings.stalled_s)
        self._stopping: asyncio.Task[None] | None = None

    async def begin(self) -> None:
        """Start all tasks; the end of any of them by an error ends the process."""
        self._lanes = [self._start(self._batcher.run(lane)) for lane in range(self._settings.connections)]
        self._start(self._watch())

    def stop(self) -> None:
        """Stop in order, within two seconds."""
        if self._stopping is None:
            self._stopping = asyncio.get_event_loop().create_task(self._stop())

    async def _stop(self) -> None:
        _log.info("stopping", extra={"action": "stopping"})
        self._batcher.stop()
        if self._lanes:
            await asyncio.wait(self._lanes, timeout=_FINISH_S)
        await self._leave_group()
        end(0)

    async def _leave_group(self) -> None:
        """Leave the group, so that others take over at once; where that fails they wait for the session to end."""
        try:
            await asyncio.wait_for(transport.leave_group(self._app.consumer), _LEAVE_S)
        except Exception as error:  # noqa: BLE001 - the process ends all the same
            _log.warning("the group was not left: %s", type(error).__name__, extra={"action": "group_not_left"})

    def _start(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.get_event_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._ended)
        return task

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            _log.error("worker ends: %s", error, exc_info=error, extra={"action": "failed"})
            end(EXIT_FAILED)

    async def _watch(self) -> None:
        loop = asyncio.get_running_loop()
        topics_at = progress_at = loop.time()
        while True:
            await asyncio.sleep(_WATCH_S)
            try:
                self._batcher.partitions.raise_failed()
                await self._batcher.partitions.resume_accepted()
                await self._batcher.partitions.take_over_waiting()
                if self._batcher.partitions.suspicious or loop.time() - topics_at >= _TOPICS_S:
                    topics_at = loop.time()
                    await self._check_topics()
                await self._batcher.partitions.halt_unreadable()
                if loop.time() - progress_at >= self._settings.stalled_s / 4:
                    progress_at = loop.time()
                    await self._check_progress()
            except (DatabaseAway, BrokerAway) as error:
                _log.warning("waiting: %s", error, extra={"action": "waiting"})

    async def _check_topics(self) -> None:
        """
        Start over when topics came or went: a subscription changed at run time is not to be trusted.

        So is one to a topic that was made anew: the client that shares out the partitions may not see it for minutes.
        """
        wanted = {household_topic(code) for code in await self._store.registered_regencies()}
        there = await self._store.topic_ids(wanted & await self._store.topics())
        await self._batcher.partitions.check_topics(there)
        if there != self._topics:
            _log.warning("the set of regencies changed: starting over", extra={"action": "regencies_changed"})
            await self._begin_anew()

    async def _begin_anew(self) -> None:
        """Leave the group and start over, unless somebody said meanwhile that this process is to stop: a new one would not know."""
        self._batcher.stop()
        await self._leave_group()
        if self._stopping is not None:
            await self._stopping
        _flush_logs()
        self._start_over()
        end(EXIT_REGENCIES_CHANGED)

    async def _check_progress(self) -> None:
        """
        End the process when one of its offsets stands still although there is a backlog and broker and database answer.

        While somebody loads reference data or rebuilds, all batches wait for that lock, and so would those of a worker made anew.
        """
        partitions = self._batcher.partitions
        mine = {one for one in partitions.held if partitions.moving(one) and one not in partitions.without_schema}
        try:
            ends = await self._store.ends(mine)
            locked = await self._store.reference_locked()  # the database answers too
        except (DatabaseAway, BrokerAway):
            self._progress.forget()
            raise
        stalled = self._progress.stalled(asyncio.get_running_loop().time(), partitions.position, ends)
        if stalled and locked:
            _log.warning("waiting: the reference data is being loaded or rebuilt", extra={"action": "waiting"})
            self._progress.forget()
        elif stalled:
            topic, partition = min(stalled)
            told = {"action": "stalled", "topic": topic, "partition": partition, "partitions": len(stalled)}
            _log.error("stalled: %s partitions have a backlog and do not move", len(stalled), extra=told)
            end(EXIT_STALLED)


def end(code: int) -> NoReturn:
    """End the process now: PostgreSQL rolls back what is open, and nothing else is kept here."""
    _flush_logs()
    os._exit(code)


def _flush_logs() -> None:
    for handler in logging.getLogger().handlers:
        handler.flush()


def _keep_big_blocks() -> None:
    """Let glibc keep big arrays instead of giving them back after every batch: a fifth of the merge. Elsewhere nothing happens."""
    with contextlib.suppress(OSError, AttributeError):
        libc = ctypes.CDLL(None)
        for option, value in ((-3, 1 << 30), (-1, 512 << 20), (-2, 64 << 20)):  # mmap threshold, trim threshold, top pad
            libc.mallopt(option, value)
