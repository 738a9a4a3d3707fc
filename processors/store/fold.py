"""
The fold: cell changes of batches, added to the cells of their villages and of every region above, and marked for publishing.

Why: batches only append their changes, so workers never wait for each other; one process adds them up.
It is the only writer of `cell` besides a load of reference data, which keeps it out by its lock and adds with the same function.
Must not: judge what a change means, send anything, or delete a change that it did not read.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, LiteralString

import numpy as np
import psycopg
from numpy.typing import NDArray
from psycopg import Connection, Cursor

from processors.columns.cells import CellChanges
from processors.indicators.catalogue import CATALOGUE_HASH, MEASURES
from processors.months import month_of
from processors.store.connection import FULL
from processors.store.outbox import mark, mark_all
from processors.store.parameters import int4_array, int8_array, register
from processors.store.rollup import LEVELS, PUBLISHED_LEVELS, RegionTree, marks_of, rolled_up, total
from schemas.errors import Fatal, Retriable

__all__ = [
    "FOLD_LOCK",
    "CatalogueChanged",
    "FoldResult",
    "Folder",
    "NoRoom",
    "NotInitialised",
    "SessionLost",
    "add_to_cells",
    "changes_of",
    "lost",
    "read_tree",
    "take_bite",
]

BITE_ROWS = 1_000
BITE_BYTES = 32 << 20
"""How much one transaction folds. Much less, and the same cells are written again and again; more costs memory and delays the figures."""
CELLS_AT_ONCE = 5_000
"""Cells in one statement; of four times as many PostgreSQL writes the arrays to disk, and takes twice as long for each."""
FOLD_LOCK = 0x4D75_6172_0002
"""Key of the advisory lock of the one process that folds."""
_SESSION: LiteralString = """
set application_name = 'muara publish';
set idle_session_timeout = '5s';
set idle_in_transaction_session_timeout = '5s';
set tcp_user_timeout = '5s';
set plan_cache_mode = force_generic_plan;
set jit = off;
"""
_NAMES = ", ".join(measure.name for measure in MEASURES)
_ADD = (
    f"insert into cell (region, urbanisation, month, level, {_NAMES})"  # noqa: S608 - names of our catalogue
    " select new.region, case new.urban when 1 then 'urban' else 'rural' end,"
    " make_date(1970 + new.month / 12, new.month %% 12 + 1, 1), (%s::text[])[new.level], "
    + ", ".join(f"new.{measure.name}" for measure in MEASURES)
    + f" from unnest(%s, %s, %s, %s{', %s' * len(MEASURES)}) as new (region, urban, month, level, {_NAMES})"
    " on conflict (region, urbanisation, month) do update set "
    + ", ".join(f"{measure.name} = cell.{measure.name} + excluded.{measure.name}" for measure in MEASURES)
).encode()


class NotInitialised(Fatal):
    """the database holds no reference version yet: start muara up or muara demo once, or run muara regions load."""


class CatalogueChanged(Fatal):
    """the cells were made with another catalogue of measures than this program has: run muara rebuild."""


class SessionLost(Retriable):
    """the fold's session with PostgreSQL is gone ({why}): another process may be folding now, this one stands by."""


class NoRoom(SessionLost):
    """PostgreSQL's disk is full: nothing is folded or sent and nothing lost until somebody makes room"""


def lost(error: psycopg.Error) -> SessionLost:
    """Return what an error says that has cost the session."""
    return NoRoom() if error.sqlstate == FULL else SessionLost(why=error.sqlstate or type(error).__name__)


@dataclass(frozen=True, slots=True)
class FoldResult:
    """What one transaction folded."""

    rows: int
    """Rows of cell changes, one per batch."""
    cells: int
    """Cells written, of all levels."""
    arrived: tuple[datetime, ...]
    """Of each batch, when its oldest record arrived at the broker."""
    more: bool
    """True where more was waiting than one transaction folds."""


def read_tree(cursor: Cursor[Any], version: int) -> RegionTree:
    """Return the region tree as the cursor's transaction sees it."""
    rows = np.array(
        cursor.execute("select id, coalesce(parent, 0), array_position(%s::text[], level) - 1 from region", (list(LEVELS),)).fetchall(),
        np.int64,
    ).reshape(-1, 3)
    greatest = int(rows[:, 0].max(initial=0))
    parent, level = np.zeros(greatest + 1, np.int64), np.full(greatest + 1, len(LEVELS))
    parent[rows[:, 0]], level[rows[:, 0]] = rows[:, 1], rows[:, 2]
    return RegionTree(version, parent, level)


def add_to_cells(cursor: Cursor[Any], villages: CellChanges, tree: RegionTree) -> int:
    """
    Add changes of villages to the cells of all levels and mark what must be published; return how many cells were written.

    The caller's transaction holds a lock on `reference_version` that fits `tree`, and is the only one that writes cells.
    """
    changes = rolled_up(villages, tree)
    if not len(changes.keys):
        return 0
    _mark_new_months(cursor, changes)
    for begin in range(0, len(changes.keys), CELLS_AT_ONCE):
        _add(cursor, changes.keys[begin : begin + CELLS_AT_ONCE], changes.amounts[begin : begin + CELLS_AT_ONCE], tree)
    mark(cursor, marks_of(changes, tree))
    return len(changes.keys)


def _mark_new_months(cursor: Cursor[Any], changes: CellChanges) -> None:
    """Mark everything from the first month that the calendar did not have: figures are carried forward into it."""
    row = cursor.execute("select max(month) from cell where level = 'nation'", prepare=True).fetchone()
    last = month_of(row[0]) if row and row[0] else None
    if last is not None and int((changes.keys & 4095).max()) > last:
        mark_all(cursor, LEVELS[:PUBLISHED_LEVELS], last + 1)


def _add(cursor: Cursor[Any], keys: NDArray[np.int64], amounts: NDArray[np.int64], tree: RegionTree) -> None:
    region = keys >> 13
    cursor.execute(
        _ADD,
        (
            list(LEVELS),
            int4_array(region),
            int4_array(keys >> 12 & 1),
            int4_array(keys & 4095),
            int4_array(tree.level[region] + 1),
            *(int8_array(np.ascontiguousarray(column)) for column in amounts.T),
        ),
        prepare=True,
    )


class Folder:
    """
    The session of the process that folds, or stands by until it may.

    Being active is a lock of the session: who loses the session has lost it, also in mid-transaction, and a process
    that was paused for more than five seconds loses the session.
    """

    def __init__(self, database: str) -> None:
        """Know the database; nothing is connected yet."""
        self._database = database
        self._conn: Connection[Any] | None = None
        self._active = False
        self._tree: RegionTree | None = None

    def activate(self) -> bool:
        """
        Become the one process that folds, or return False where another one is; to be asked again often.

        Raises `SessionLost` while the database is away, `NotInitialised` and `CatalogueChanged` for good.
        """
        try:
            conn = self._conn or self._connect()
            if not self._active:
                _check_catalogue(conn)
                row = conn.execute("select pg_try_advisory_lock(%s)", (FOLD_LOCK,)).fetchone()
                self._active = bool(row and row[0])
        except psycopg.OperationalError as error:
            raise self._lost(error) from error
        return self._active

    def fold(self) -> FoldResult | None:
        """
        Fold what is waiting, at most one bite of it; return None where nothing waits.

        Raises `SessionLost`, and nothing of that fold counts then, or all of it does.
        """
        conn = self._conn
        if conn is None or not self._active:
            raise SessionLost(why="not active")
        try:
            row = conn.execute("select exists (select from cell_change)", prepare=True).fetchone()
            return self._fold(conn) if row and row[0] else None
        except (psycopg.errors.SerializationFailure, psycopg.errors.DeadlockDetected):
            # A mark was taken back at the same moment: nothing is lost, the same changes are folded again.
            return None
        except psycopg.Error as error:
            if conn.closed or isinstance(error, psycopg.OperationalError):
                raise self._lost(error) from error
            raise

    def assert_active(self) -> None:
        """Ask the database whether the session, and so being active, still stands; raises `SessionLost` where not."""
        if self._conn is None or not self._active:
            raise SessionLost(why="not active")
        try:
            self._conn.execute("select 1")
        except psycopg.Error as error:
            raise self._lost(error) from error

    def close(self) -> None:
        """Give up being active."""
        if self._conn is not None:
            self._conn.close()
        self._conn, self._active = None, False

    def _connect(self) -> Connection[Any]:
        conn = psycopg.connect(self._database, autocommit=True, connect_timeout=5, tcp_user_timeout=5000)
        self._conn = conn
        register(conn)
        conn.execute(_SESSION)
        conn.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        return conn

    def _lost(self, error: psycopg.Error) -> SessionLost:
        self.close()
        return lost(error)

    def _fold(self, conn: Connection[Any]) -> FoldResult:
        with conn.transaction():
            cursor = conn.cursor(binary=True)
            # First of all, and as a utility command: it takes no snapshot, so what is read next is what holds under the lock.
            cursor.execute("lock table reference_version in row share mode")
            tree = self._tree_now(cursor)
            rows = take_bite(cursor)
            cells = add_to_cells(cursor, total([changes_of(keys, amounts) for _, keys, amounts, _ in rows]), tree)
        size = sum(len(amounts) for _, _, amounts, _ in rows)
        return FoldResult(len(rows), cells, tuple(row[3] for row in rows if row[3]), len(rows) == BITE_ROWS or size >= BITE_BYTES)

    def _tree_now(self, cursor: Cursor[Any]) -> RegionTree:
        version = _check_catalogue(cursor)
        if self._tree is None or self._tree.version != version:
            self._tree = read_tree(cursor, version)
        return self._tree


def _check_catalogue(cursor: Connection[Any] | Cursor[Any]) -> int:
    """Return the reference version, or raise `NotInitialised` or `CatalogueChanged`."""
    row = cursor.execute("select version, catalogue_hash from reference_version").fetchone()
    if row is None:
        raise NotInitialised
    if row[1] != CATALOGUE_HASH:
        raise CatalogueChanged
    return int(row[0])


def take_bite(cursor: Cursor[Any]) -> list[tuple[int, bytes, bytes, datetime | None]]:
    """
    Delete the first rows of cell changes that are visible, at most one bite of them, but one at least, and return them.

    Each has its number, keys, amounts, and when its batch's oldest record arrived at the broker.
    """
    return cursor.execute(
        "with bite as (select id from ("
        " select id, sum(octet_length(amounts)) over (order by id) - octet_length(amounts) as before"
        " from (select id, amounts from cell_change order by id limit %s) as first) as counted where before < %s)"
        " delete from cell_change using bite where cell_change.id = bite.id"
        " returning cell_change.id, cell_change.keys, cell_change.amounts, cell_change.arrived_at",
        (BITE_ROWS, BITE_BYTES),
        prepare=True,
    ).fetchall()


def changes_of(keys: bytes, amounts: bytes) -> CellChanges:
    """Return the changes that a row of them holds."""
    return CellChanges(
        np.frombuffer(keys, ">i8").astype(np.int64), np.frombuffer(amounts, ">i8").reshape(-1, len(MEASURES)).astype(np.int64)
    )
