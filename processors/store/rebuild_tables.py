"""
The tables beside the live ones, into which a rebuild replays: a schema of its own, made anew by every run.

Why: with this schema first on the search path, batch and fold work in it as they are, and the live tables are only read.
What a run leaves behind when it is killed counts for nothing: the next one drops it.
Must not: write a live table, or let what another catalogue made look like its own.
"""

import asyncio
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from typing import Any, LiteralString, Self

import numpy as np
import psycopg
from psycopg import Connection, Cursor
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from processors.columns.cells import CellChanges
from processors.columns.reading import BlockFrom, Reading
from processors.indicators.catalogue import CATALOGUE_HASH, MEASURES
from processors.reference import Reference
from processors.replay import Batch, Partition
from processors.store.batch import Part, commit_batch
from processors.store.connection import connect_worker
from processors.store.exclusive import go_on
from processors.store.fold import NotInitialised, add_to_cells, changes_of, read_tree, take_bite
from processors.store.parameters import register
from processors.store.reference import read
from processors.store.rollup import LEVELS, RegionTree, total
from schemas.errors import Fatal
from schemas.topics import regency_of

__all__ = ["SCHEMA", "Beside", "Fed", "MayNotRebuild", "fed", "fold_all"]

SCHEMA: LiteralString = "muara_rebuild"
_TABLES: tuple[LiteralString, ...] = ("household", "cell_change", "cell", "ingest_offset", "rejected", "outbox", "publication")
_FOLD_EVERY = 16
"""Batches between two folds: cell changes of some 240,000 records wait, a few dozen megabytes."""


class MayNotRebuild(Fatal):
    """this database role may not make the schema muara_rebuild: let an owner run grant create on database"""


@dataclass(frozen=True, slots=True)
class Fed:
    """A partition as it has fed the live tables: the number of its offset row, its topic's id, and the offset after the last record."""

    id: int
    topic_id: str
    next_offset: int
    begin: int = 0
    """Its first offset; greater than 0 where what came before is given up."""


def fed(connection: Connection[Any]) -> dict[Partition, Fed]:
    """Return what the live tables were fed with, as the connection sees it now."""
    rows = connection.execute(
        "select topic, partition, id, topic_id, next_offset from public.ingest_offset order by topic, partition"
    ).fetchall()
    return {(topic, partition): Fed(*rest) for topic, partition, *rest in rows}


class Beside:
    """The tables beside, and two sessions that see them instead of the live ones: one commits batches, one folds."""

    def __init__(
        self, fold: Connection[Any], commit: psycopg.AsyncConnection, runner: asyncio.Runner, reference: Reference, epoch: int
    ) -> None:
        """Hold the sessions; `made` makes all of it. The epoch is this run's alone and fences it from another's tables."""
        self._fold, self._commit, self._runner, self._epoch = fold, commit, runner, epoch
        self.reference = reference
        self.read_up_to: dict[Partition, int] = {}
        """Next offset of each partition here."""
        self._of: dict[Partition, Fed] = {}
        self._tree: RegionTree | None = None
        self._unfolded = 0

    @classmethod
    @contextmanager
    def made(cls, database: str) -> Iterator[Self]:
        """
        Make the tables, empty, with one version of the reference data, and drop them in the end.

        Raises `NotInitialised`, `MayNotRebuild`.
        """
        where = _first_on_the_path(database)
        with ExitStack() as open_:
            fold = open_.enter_context(psycopg.connect(where, autocommit=True, connect_timeout=5))
            register(fold)
            reference = _make(fold)
            number = _number(fold)
            open_.callback(_drop, fold, number)
            runner = open_.enter_context(asyncio.Runner())
            commit = runner.run(connect_worker(where))
            open_.callback(lambda: runner.run(commit.close()))
            yield cls(fold, commit, runner, reference, epoch=number)

    def know(self, partitions: Mapping[Partition, Fed]) -> None:
        """Begin partitions that were not there before, at their first record."""
        new = {partition: state for partition, state in partitions.items() if partition not in self._of}
        with self._fold.cursor() as cursor:
            cursor.executemany(
                "insert into ingest_offset (id, topic, partition, topic_id, next_offset, epoch) overriding system value"
                " values (%s, %s, %s, %s, %s, %s)",
                [(state.id, *partition, state.topic_id, state.begin, self._epoch) for partition, state in new.items()],
            )
        self._of |= new
        self.read_up_to |= {partition: state.begin for partition, state in new.items()}

    def topic_id(self, partition: Partition) -> str | None:
        """Return the id of the topic that a partition's records were read from, None before any was."""
        known = self._of.get(partition)
        return known.topic_id if known else None

    def commit(self, batch: Batch, read_blocks: Callable[[list[BlockFrom]], Reading]) -> int:
        """Merge one batch into the tables, fold now and then, and return how many records it had."""
        order = sorted(batch, key=lambda partition: self._of[partition].id)
        after = {partition: batch[partition][-1].last + 1 for partition in order}
        parts = [Part(self._of[one].id, self._epoch, self.read_up_to[one], after[one]) for one in order]
        blocks = [BlockFrom(block, *partition, regency_of(partition[0])) for partition in order for block in batch[partition]]
        arrived_ms = min(one.block.timestamp_ms for one in blocks)
        self._runner.run(commit_batch(self._commit, parts, read_blocks(blocks), self.reference, arrived_ms))
        self.read_up_to |= after
        self._unfolded += 1
        if self._unfolded >= _FOLD_EVERY:
            self.fold()
        return sum(one.block.last - one.block.first + 1 for one in blocks)

    def fold(self) -> None:
        """Add all cell changes that wait to the cells of all levels."""
        with self._fold.transaction(), self._fold.cursor(binary=True) as cursor:
            if self._tree is None:
                self._tree = read_tree(cursor, self.reference.version)
            fold_all(cursor, self._tree)
        self._unfolded = 0

    def analyze(self) -> None:
        """Tell the planner how large the tables became."""
        for table in ("household", "cell", "rejected"):
            self._fold.execute(f"analyze {SCHEMA}.{table}")


def fold_all(cursor: Cursor[Any], tree: RegionTree) -> list[int]:
    """
    Add all cell changes that wait to the cells, on the cursor's search path; return the numbers of rows that cannot be read.

    Those rows, torn or made with another catalogue, are deleted like the others and add nothing.
    The caller's transaction keeps batches and the fold out.
    """
    unreadable = []
    while rows := take_bite(cursor):
        changes = {number: _changes(keys, amounts, tree) for number, keys, amounts, _ in rows}
        add_to_cells(cursor, total([one for one in changes.values() if one is not None]), tree)
        unreadable += [number for number, one in changes.items() if one is None]
        go_on(cursor.connection)
    return sorted(unreadable)


def _changes(keys: bytes, amounts: bytes, tree: RegionTree) -> CellChanges | None:
    """Return a row of cell changes, or None where it is none of this catalogue and these villages."""
    if len(keys) % 8 or len(amounts) != len(keys) * len(MEASURES):
        return None
    key = np.frombuffer(keys, ">i8").astype(np.int64)
    village = key >> 13
    if not len(key) or (np.diff(key) <= 0).any() or village[0] < 0 or village[-1] >= len(tree.level):
        return None
    if (tree.level[village] != LEVELS.index("village")).any():
        return None
    return changes_of(keys, amounts)


def _first_on_the_path(database: str) -> str:
    """Return the address of the database with the tables beside before the live ones; what is lost by a crash is worth nothing here."""
    options = str(conninfo_to_dict(database).get("options") or "")
    return make_conninfo(database, options=f"{options} -c search_path={SCHEMA},public -c synchronous_commit=off".strip())


def _make(connection: Connection[Any]) -> Reference:
    """Make the tables and return the reference data, both from one snapshot."""
    try:
        with connection.transaction():
            connection.execute("set transaction isolation level repeatable read")
            connection.execute(f"drop schema if exists {SCHEMA} cascade")
            connection.execute(f"create schema {SCHEMA}")
            options = dict(
                connection.execute(
                    "select relname, array_to_string(reloptions, ', ') from pg_class where relnamespace = 'public'::regnamespace"
                    " and reloptions is not null"
                ).fetchall()
            )
            for table in (*_TABLES, "reference_version"):
                # LIKE copies everything but the storage parameters, on which the speed of updates rests.
                stored = f" with ({options[table]})" if table in options else ""
                connection.execute(f"create unlogged table {SCHEMA}.{table} (like public.{table} including all){stored}".encode())
            # From here on unqualified names are those beside.
            connection.execute("insert into publication (revision) values (0)")
            made = connection.execute(
                "insert into reference_version (version, catalogue_hash, first_month, household_size, days_ahead)"
                " select version, %s, first_month, household_size, days_ahead from public.reference_version",
                (CATALOGUE_HASH,),
            ).rowcount
            if not made:
                raise NotInitialised
            return read(connection)
    except psycopg.errors.InsufficientPrivilege as error:
        raise MayNotRebuild from error


def _number(connection: Connection[Any]) -> int:
    """Return the number of the schema: another run's has another, though its name is the same."""
    row = connection.execute("select coalesce(to_regnamespace(%s)::oid::bigint, 0)", (SCHEMA,)).fetchone()
    return int(row[0]) if row else 0


def _drop(connection: Connection[Any], number: int) -> None:
    """Drop this run's tables; where the server is gone the next run does."""
    with suppress(psycopg.Error):
        if _number(connection) == number:
            connection.execute(f"drop schema {SCHEMA} cascade")
