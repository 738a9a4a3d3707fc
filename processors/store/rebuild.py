"""
The rebuild: all records replayed from the topics into tables beside the live ones, compared with these, and taken over where they differ.

Why: the topics keep all that was ever said, so the tables can be proved, repaired, or made anew for another catalogue.
Workers go on meanwhile; they wait only while the last records are replayed and the two compared. Until the one commit of the end
the live tables are untouched, so a rebuild that dies has done nothing.
Must not: rest on anything that the live tables say, except how far they were fed and the reference data; take away what only they hold
unless that is asked for.
"""

import logging
from collections.abc import Callable, Collection, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import psycopg
import stamina
from psycopg import Connection

from processors.broker import Broker, BrokerAway, Log
from processors.columns.reading import BlockFrom, Readers, Reading, read
from processors.indicators.catalogue import CATALOGUE_HASH
from processors.replay import Partition, Replay
from processors.settings import WorkerSettings
from processors.store.connection import away, is_away
from processors.store.exclusive import exclude, take_time
from processors.store.fold import read_tree
from processors.store.parameters import register
from processors.store.rebuild_compare import Comparison, compare, shrinking, take_over
from processors.store.rebuild_tables import Beside, Fed, fed, fold_all
from schemas.codec import WriterSchemas
from schemas.errors import Fatal, Retriable

__all__ = ["LogNotWhole", "Progress", "RebuildRuns", "Rebuilt", "ReferenceKeepsMoving", "rebuild"]

_LOG = logging.getLogger(__name__)
_LOCK = 0x4D75_6172_0003
"""Key of the advisory lock of the one rebuild."""
NEAR = 20_000
"""Records that are left to replay while workers wait: a fraction of a second."""
TRIES = 5
SERVICE_AWAY_S = 30.0
"""How long a registry may stay away before the rebuild gives up."""

Progress = Callable[[str, int, int], None]
"""Told what is being done, and how many records of how many are done."""


class RebuildRuns(Fatal):
    """another muara rebuild is at work on this database: wait until it has ended"""


class LogNotWhole(Fatal):
    """
    {topic}[{partition}] cannot be replayed ({why}): what the live tables were fed with is no longer all there, so nothing was changed;
    bring the records back, keep the live tables as they are, or give up what is lost: muara rebuild --accept-loss
    """


class ReferenceKeepsMoving(Fatal):
    """the reference data changed {times} times during the replay: run muara rebuild when nothing is being loaded"""


class _Moved(Retriable):
    """the ground moved during the replay: it is started over"""


@dataclass(frozen=True, slots=True)
class Rebuilt:
    """What a rebuild found and did."""

    records: int
    """Records replayed."""
    compared: tuple[Comparison, ...]
    """Households, cells and rejected records."""
    unreadable: int
    """Rows of cell changes, waiting for the fold, that could not be read."""
    shrinking: int
    """Households of which the live tables held more statements than the topics say."""
    catalogue_changed: bool
    """True where the live figures were made with another catalogue."""
    lost: tuple[str, ...]
    """What fed the live tables and could not be replayed, in words; there is something only where the loss was accepted."""
    taken_over: bool
    """True where the live tables are now what was replayed; else they are as they were."""

    @property
    def same(self) -> bool:
        """True where the live tables were what was replayed, by the same catalogue."""
        return not (self.unreadable or self.catalogue_changed) and all(one.same for one in self.compared)


def rebuild(
    settings: WorkerSettings,
    schemas: WriterSchemas,
    *,
    compare_only: bool = False,
    accept_loss: bool = False,
    progress: Progress | None = None,
) -> Rebuilt:
    """
    Replay all records that fed the live tables, compare, and take over what differs.

    Nothing is taken over with `compare_only`, nor where households would lose statements (`Rebuilt.shrinking`) unless `accept_loss`.
    With that, what the broker no longer holds is left out of the replay (`Rebuilt.lost`) instead of refused.
    The database is up to date by `migrate`, its catalogue may be another. Raises `RebuildRuns`, `LogNotWhole`,
    `ReferenceKeepsMoving`, `LogGap`, `LogUnreadable`, and a `Retriable` where a service stays away: none of them has changed anything.
    """
    try:
        with _alone(settings.database) as live, closing(Replay(settings.kafka)) as replay:
            for _ in range(TRIES):
                try:
                    with Beside.made(settings.database) as beside:
                        work = _Work(settings, live, replay, beside, Readers(schemas), progress or _silent, accept_loss)
                        return work.run(compare_only)
                except _Moved:
                    _LOG.warning("reference data or offsets moved, starting over", extra={"action": "rebuild_restarted"})
    except psycopg.Error as error:
        if is_away(error) or isinstance(error, psycopg.errors.IdleInTransactionSessionTimeout):
            raise away(error) from error
        raise
    raise ReferenceKeepsMoving(times=TRIES)


def _silent(_step: str, _done: int, _of: int) -> None:
    """Tell nobody."""


@contextmanager
def _alone(database: str) -> Iterator[Connection[Any]]:
    """Give the session that compares and takes over; as long as it stands, no other rebuild begins."""
    with psycopg.connect(database, autocommit=True, connect_timeout=5, application_name="muara rebuild") as connection:
        register(connection)
        row = connection.execute("select pg_try_advisory_lock(%s)", (_LOCK,)).fetchone()
        if not (row and row[0]):
            raise RebuildRuns
        yield connection


class _Work:
    """One try, on one version of the reference data."""

    def __init__(
        self,
        settings: WorkerSettings,
        live: Connection[Any],
        replay: Replay,
        beside: Beside,
        readers: Readers,
        progress: Progress,
        accept_loss: bool,
    ) -> None:
        self._live, self._replay, self._beside, self._tell = live, replay, beside, progress
        self._broker = Broker(settings.kafka)
        self._reading = partial(read, reference=beside.reference, limits=beside.reference.limits, readers=readers)
        self._accept_loss = accept_loss
        self._lost: dict[tuple[Partition, str], None] = {}
        self._records = 0

    def run(self, compare_only: bool) -> Rebuilt:
        """Replay while workers go on, until little is left; then the rest, while they wait."""
        left = self._replay_up_to_now("replay")
        while NEAR < (now := self._distance(self._whole())) < left:
            # Each round has less to do than the one before, or workers are as fast as this is, and must wait.
            left = now
            self._replay_up_to_now("replay what came meanwhile")
        self._beside.fold()
        self._beside.analyze()
        return self._while_all_wait(compare_only)

    def _while_all_wait(self, compare_only: bool) -> Rebuilt:
        live = self._live
        with live.transaction() as transaction:
            live.execute("set transaction isolation level read committed")
            live.execute("set local search_path = public; set local work_mem = '256MB'")
            exclude(live)
            self._replay_up_to_now("replay the last, while workers wait")
            self._beside.fold()
            # Whoever sends waits too: rows are locked here in another order than there.
            live.execute("lock table outbox, rejected in share row exclusive mode")
            found = self._compared()
            taken_over = not (found.same or compare_only or (found.shrinking and not self._accept_loss))
            if not taken_over:
                raise psycopg.Rollback(transaction)
            self._tell("take over", 0, 1)
            figures = bool(found.unreadable or found.catalogue_changed or not found.compared[1].same)
            take_over(live, self._beside.reference, figures=figures)
            self._tell("take over", 1, 1)
        return replace(found, taken_over=taken_over)

    def _compared(self) -> Rebuilt:
        """Return what differs; what waits for the fold is folded for it, as much as can be read."""
        live, reference = self._live, self._beside.reference
        self._tell("compare", 0, 1)
        with live.cursor(binary=True) as cursor:
            unreadable = len(fold_all(cursor, read_tree(cursor, reference.version)))
        take_time(live)
        compared = compare(live, reference)
        self._tell("compare", 1, 1)
        lost = tuple(f"{topic}[{number}]: {why}" for (topic, number), why in self._lost)
        return Rebuilt(self._records, compared, unreadable, shrinking(live), self._catalogue_changed(), lost, taken_over=False)

    # ---- records ------------------------------------------------------------------------------------------------------

    def _replay_up_to_now(self, step: str) -> int:
        """Replay all that has fed the live tables by now, and return how many records that were."""
        wanted = self._whole()
        self._beside.know(wanted)
        spans = {one: (self._beside.read_up_to[one], state.next_offset) for one, state in wanted.items()}
        done, total = 0, self._distance(wanted)
        self._tell(step, 0, total)
        for batch in self._replay.batches(spans, self._give_up if self._accept_loss else None):
            done += self._beside.commit(batch, self._read)
            self._check_reference()  # and, in the last phase, a sign of life to the transaction that holds the lock
            self._tell(step, done, total)
        self._records += done
        return done

    def _give_up(self, partition: Partition, begin: int, end: int) -> None:
        """Note a gap."""
        self._lost[partition, f"no record at offsets {begin} to {end - 1}"] = None

    def _read(self, blocks: list[BlockFrom]) -> Reading:
        """Read blocks, and wait for the registry where it is away."""
        for attempt in stamina.retry_context(on=Retriable, attempts=None, timeout=SERVICE_AWAY_S):
            with attempt:
                reading = self._reading(blocks)
        return reading

    def _distance(self, wanted: dict[Partition, Fed]) -> int:
        return sum(state.next_offset - self._beside.read_up_to.get(one, 0) for one, state in wanted.items())

    def _whole(self) -> dict[Partition, Fed]:
        """
        Return what fed the live tables by now, all of which the broker must hold; raises `LogNotWhole`, or `_Moved`.

        Where a loss is accepted, return what is left of it.
        """
        self._check_reference()
        states = fed(self._live)
        logs = self._logs(states)
        wanted = {}
        for one, state in states.items():
            log = logs.get(one)
            why = _missing(state, log)
            if why and not self._accept_loss:
                raise LogNotWhole(topic=one[0], partition=one[1], why=why)
            if why:
                self._lost[one, why] = None
            read_from = self._beside.topic_id(one)
            if read_from not in (None, state.topic_id) or state.next_offset < self._beside.read_up_to.get(one, 0):
                raise _Moved  # someone accepted another topic, or set the offset back
            if log is not None and log.topic_id == state.topic_id:
                begin, end = min(log.begin, state.next_offset), min(log.end, state.next_offset)
                wanted[one] = replace(state, begin=begin, next_offset=end)
        return wanted

    def _logs(self, partitions: Collection[Partition]) -> dict[Partition, Log]:
        """Return the logs of partitions whose topics exist; raises `BrokerAway` where nobody leads one now: that is no loss."""
        logs = self._broker.logs(partitions)
        absent = sorted(set(partitions) - logs.keys())
        there = self._broker.topic_ids({topic for topic, _ in absent})
        for topic, number in absent:
            if topic in there:
                raise BrokerAway(address=self._broker.address, why=f"nobody leads {topic}[{number}]")
        return logs

    def _check_reference(self) -> None:
        row = self._live.execute("select version from public.reference_version").fetchone()
        if row is None or row[0] != self._beside.reference.version:
            raise _Moved

    def _catalogue_changed(self) -> bool:
        row = self._live.execute("select catalogue_hash from reference_version").fetchone()
        return row is None or row[0] != CATALOGUE_HASH


def _missing(state: Fed, log: Log | None) -> str | None:
    """Return why a log does not hold all that fed the live tables, or None."""
    if log is None:
        return "the topic is gone"
    if log.topic_id != state.topic_id:
        return "the topic was deleted and made anew"
    if log.begin > 0:
        return f"its log begins at offset {log.begin}"
    if log.end < state.next_offset:
        return f"its log ends at offset {log.end}, before {state.next_offset}"
    return None
