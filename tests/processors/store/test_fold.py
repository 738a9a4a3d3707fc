"""The fold on a real PostgreSQL: exact whatever comes between, killed, stopped, or taken over."""

import random
import signal
import subprocess
import sys
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import Any
from uuid import UUID

import numpy as np
import pytest
from psycopg import Connection

from processors.columns.cells import CellChanges
from processors.indicators.catalogue import MEASURES
from processors.reference import Reference
from processors.store import fold as module
from processors.store.fold import CatalogueChanged, Folder, NotInitialised, SessionLost
from processors.store.migrate import migrate
from tests.processors.store.office import (
    Cells,
    connect,
    enter_changes,
    expected_cells,
    fold_all,
    held_cells,
    random_changes,
    random_statement,
    say,
    statements_held,
)

ROOT = Path(__file__).parents[3]
TIMEOUT_S = 5.0
"""After so long PostgreSQL ends the session of a process that was stopped."""


def villages(reference: Reference) -> np.ndarray[Any, np.dtype[np.int64]]:
    """Return the ids of the world's villages."""
    return np.array([one.id for one in reference.regions.values() if one.level == "village"], np.int64)


def added_up(batches: list[CellChanges], reference: Reference) -> Cells:
    """Return the cells of all levels that changes come to, one by one."""
    codes = {one.id: one.code for one in reference.regions.values()}
    sums: defaultdict[tuple[str, str, date], list[int]] = defaultdict(lambda: [0] * len(MEASURES))
    for batch in batches:
        for key, amounts in zip(batch.keys.tolist(), batch.amounts.tolist(), strict=True):
            month = key & 4095
            at: str | None = codes[key >> 13]
            while at is not None:
                cell = sums[at, "urban" if key >> 12 & 1 else "rural", date(1970 + month // 12, month % 12 + 1, 1)]
                cell[:] = [held + amount for held, amount in zip(cell, amounts, strict=True)]
                at = reference.regions[at].parent
    return {key: tuple(cell) for key, cell in sums.items() if any(cell)}


@contextmanager
def folding(database: str) -> Iterator["subprocess.Popen[str]"]:
    """Run a process that folds; end it, stopped or not."""
    process = subprocess.Popen(  # noqa: S603 - our own program
        [sys.executable, "-m", "tests.processors.store.folding", database], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )
    try:
        yield process
    finally:
        process.kill()
        process.wait()
        assert process.stdout is not None
        process.stdout.close()


def says(process: "subprocess.Popen[str]", word: str) -> None:
    """Wait until the process says something."""
    assert process.stdout is not None
    for line in process.stdout:
        if line.startswith(word):
            return
    raise AssertionError(f"it ended without {word}")


def until(reached: Callable[[], object], limit_s: float = 10.0) -> float:
    """Wait until something is so, and return the seconds."""
    began = time.monotonic()
    while not reached():
        assert time.monotonic() - began < limit_s
        time.sleep(0.02)
    return time.monotonic() - began


def in_the_way(conn: Connection[Any]) -> bool:
    """Return whether a fold waits for a lock."""
    row = conn.execute(
        "select exists (select from pg_stat_activity where datname = current_database()"
        " and application_name = 'muara publish' and wait_event_type = 'Lock')"
    ).fetchone()
    return bool(row and row[0])


@pytest.mark.parametrize("seed", range(3))
def test_random_changes_are_folded_exactly(database: str, conn: Connection[Any], reference: Reference, seed: int) -> None:
    """Batches folded a few at a time come to the sums of all levels, and no row of changes is left."""
    chance = np.random.default_rng(seed)
    batches = []
    for _ in range(4):
        more = [random_changes(chance, villages(reference), int(chance.integers(1, 200))) for _ in range(5)]
        for batch in more:
            enter_changes(conn, batch)
        assert fold_all(database) == 5
        batches += more

    assert held_cells(conn) == added_up(batches, reference)
    assert conn.execute("select count(*) from cell_change").fetchone() == (0,)


def test_what_batches_say_is_folded_to_what_the_law_says(database: str, conn: Connection[Any], reference: Reference) -> None:
    """Random statements, repeated and corrected, end in the cells that the law gives from nothing."""
    chance = random.Random(7)  # noqa: S311 - a test's dice
    said = []
    for _ in range(12):
        batch: dict[UUID, list[Any]] = defaultdict(list)
        for _ in range(10):
            batch[UUID(int=chance.randrange(15))].append(random_statement(chance))
        say(conn, batch, reference)
        said.append(batch)
        if chance.random() < 0.5:
            fold_all(database)
    fold_all(database)

    assert held_cells(conn) == expected_cells(statements_held(said), reference)


def test_a_bite_is_bounded_and_nothing_is_left_behind(
    database: str, conn: Connection[Any], reference: Reference, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A large backlog is folded in bites by rows and by bytes, a single larger row by itself."""
    chance = np.random.default_rng(1)
    batches = [random_changes(chance, villages(reference), 50) for _ in range(7)]
    for batch in batches:
        enter_changes(conn, batch)
    folder = Folder(database)
    assert folder.activate()
    monkeypatch.setattr(module, "BITE_ROWS", 3)
    first = folder.fold()
    monkeypatch.setattr(module, "BITE_BYTES", 1)
    second = folder.fold()
    assert first is not None
    assert second is not None
    assert (first.rows, first.more) == (3, True)
    assert (second.rows, second.more) == (1, True)
    monkeypatch.undo()
    last = folder.fold()
    folder.close()

    assert last is not None
    assert (last.rows, last.more) == (3, False)
    assert held_cells(conn) == added_up(batches, reference)


def test_marks_are_set_for_regencies_and_above(database: str, conn: Connection[Any], reference: Reference) -> None:
    """Each has its first changed month; a later fold moves the revision on and keeps the earlier month."""
    village = reference.regions["91.01.01.1001"].id
    ones = np.ones((1, len(MEASURES)), np.int64)
    marks = []
    for month in (610, 605, 620):
        enter_changes(conn, CellChanges(np.array([village << 13 | 1 << 12 | month]), ones))
        fold_all(database)
        marks.append(
            conn.execute(
                "select code, outbox.urbanisation, from_month, revision from outbox join region on id = region order by number"
            ).fetchall()
        )

    assert [row[:3] for row in marks[2]] == [(code, "urban", date(2020, 6, 1)) for code in ("ID", "91", "91.01")]
    assert marks[0][0][2] == date(2020, 11, 1)
    revisions = [rows[0][3] for rows in marks]
    assert revisions == sorted(set(revisions))
    assert abs(revisions[-1] / 1e6 - time.time()) < 60


def test_a_revision_never_goes_back(database: str, conn: Connection[Any], reference: Reference) -> None:
    """A database whose last revision lies ahead of the clock goes on from there by one."""
    ahead = int(time.time() * 1e6) + 3_600_000_000
    conn.execute("update publication set revision = %s", (ahead,))
    enter_changes(conn, random_changes(np.random.default_rng(1), villages(reference), 10))
    fold_all(database)

    assert conn.execute("select min(revision), max(revision) from outbox").fetchone() == (ahead + 1, ahead + 1)


def test_a_batch_that_commits_while_the_fold_runs_is_neither_lost_nor_counted_twice(
    database: str, conn: Connection[Any], reference: Reference
) -> None:
    """What the fold did not read it does not delete: the next fold takes it, for the same village."""
    chance = np.random.default_rng(5)
    batches = [random_changes(chance, villages(reference), 60) for _ in range(3)]
    enter_changes(conn, batches[0])
    folder = Folder(database)
    assert folder.activate()
    with connect(database) as holder, holder.transaction():
        holder.execute("select revision from publication for update")
        thread = threading.Thread(target=folder.fold)
        thread.start()
        until(lambda: in_the_way(conn))
        for batch in batches[1:]:
            enter_changes(conn, batch)
    thread.join()
    assert conn.execute("select count(*) from cell_change").fetchone() == (2,)
    folder.close()
    fold_all(database)

    assert held_cells(conn) == added_up(batches, reference)


def test_a_fold_whose_mark_moves_under_it_is_done_again(database: str, conn: Connection[Any], reference: Reference) -> None:
    """A collision in the outbox rolls the fold back whole; the same rows are folded the next time."""
    batch = random_changes(np.random.default_rng(5), villages(reference), 60)
    enter_changes(conn, batch)
    folder = Folder(database)
    assert folder.activate()
    results: list[object] = []
    with connect(database) as holder, holder.transaction():
        holder.execute("update publication set revision = revision + 1")
        thread = threading.Thread(target=lambda: results.append(folder.fold()))
        thread.start()
        until(lambda: in_the_way(conn))
    thread.join()
    folder.close()

    assert results == [None]
    assert held_cells(conn) == {}
    assert fold_all(database) == 1
    assert held_cells(conn) == added_up([batch], reference)


def test_a_fold_killed_in_mid_transaction_has_left_nothing(database: str, conn: Connection[Any], reference: Reference) -> None:
    """Its rows are there, its lock is free, and whoever takes over folds them exactly once."""
    batch = random_changes(np.random.default_rng(5), villages(reference), 60)
    with folding(database) as process:
        says(process, "active")
        with connect(database) as holder, holder.transaction():
            holder.execute("select revision from publication for update")
            enter_changes(conn, batch)
            until(lambda: in_the_way(conn))
            process.kill()
            process.wait()
    heir = Folder(database)
    until(heir.activate)
    assert held_cells(conn) == {}
    heir.fold()
    heir.close()

    assert held_cells(conn) == added_up([batch], reference)


def test_one_is_active_and_another_takes_over_when_it_is_gone(database: str, reference: Reference) -> None:
    """The second stands by, however often it asks, until the first has closed."""
    first, second = Folder(database), Folder(database)
    assert first.activate()
    assert not second.activate()
    with pytest.raises(SessionLost, match="not active"):
        second.fold()
    assert first.activate()
    first.close()

    until(second.activate)
    assert second.fold() is None
    second.close()


@pytest.mark.parametrize("where", ["idle", "in mid-transaction"])
def test_a_fold_that_was_stopped_loses_its_place_and_wakes_up_harmless(
    database: str, conn: Connection[Any], reference: Reference, where: str
) -> None:
    """Five seconds later another is active, and the one that wakes up stands by; every change counts once."""
    chance = np.random.default_rng(5)
    batches = [random_changes(chance, villages(reference), 60) for _ in range(3)]
    with folding(database) as process:
        says(process, "active")
        if where == "idle":
            process.send_signal(signal.SIGSTOP)
            enter_changes(conn, batches[0])
        else:
            with connect(database) as holder, holder.transaction():
                holder.execute("select revision from publication for update")
                enter_changes(conn, batches[0])
                until(lambda: in_the_way(conn))
                process.send_signal(signal.SIGSTOP)
        heir = Folder(database)
        assert not heir.activate()
        waited = until(heir.activate, TIMEOUT_S + 3)
        assert waited > TIMEOUT_S - 1.5
        enter_changes(conn, batches[1])
        while heir.fold() is not None:
            pass
        process.send_signal(signal.SIGCONT)
        says(process, "lost")
        says(process, "standby")
        enter_changes(conn, batches[2])
        while heir.fold() is not None:
            pass
        heir.close()

    assert held_cells(conn) == added_up(batches, reference)


def test_a_load_keeps_the_fold_out_until_it_commits(database: str, conn: Connection[Any], reference: Reference) -> None:
    """The fold waits for the lock, and then adds up by the tree as the load left it."""
    batch = random_changes(np.random.default_rng(5), villages(reference), 60)
    enter_changes(conn, batch)
    folder = Folder(database)
    assert folder.activate()
    with connect(database) as load, load.transaction():
        load.execute("lock table reference_version in exclusive mode")
        thread = threading.Thread(target=folder.fold)
        thread.start()
        until(lambda: in_the_way(conn))
        load.execute("update region set parent = (select id from region where code = '92') where code = '91.02'")
        load.execute("update reference_version set version = version + 1")
    thread.join()
    folder.close()
    moved = {
        code: (one if code != "91.02" else type(one)(one.id, one.code, one.name, one.level, "92", None))
        for code, one in reference.regions.items()
    }

    assert held_cells(conn) == added_up([batch], Reference(9, reference.first_month, moved, (), ()))


def test_cells_of_another_catalogue_are_not_touched(database: str, conn: Connection[Any], reference: Reference) -> None:
    """The process ends and names the remedy, at the start and in mid-life."""
    folder = Folder(database)
    assert folder.activate()
    enter_changes(conn, random_changes(np.random.default_rng(5), villages(reference), 6))
    conn.execute("update reference_version set catalogue_hash = 'of yesterday'")

    with pytest.raises(CatalogueChanged, match="run muara rebuild"):
        folder.fold()
    folder.close()
    with pytest.raises(CatalogueChanged):
        folder.activate()
    folder.close()
    assert held_cells(conn) == {}


def test_a_database_without_a_version_is_told(database: str, conn: Connection[Any]) -> None:
    """Nothing is folded before there is reference data."""
    migrate(conn)
    folder = Folder(database)

    with pytest.raises(NotInitialised, match="no reference version yet"):
        folder.activate()
    folder.close()


def test_a_database_that_is_away_is_waited_for() -> None:
    """A refused connection is a lost session, to be tried again."""
    with pytest.raises(SessionLost, match="gone"):
        Folder("host=127.0.0.1 port=1 connect_timeout=2").activate()
