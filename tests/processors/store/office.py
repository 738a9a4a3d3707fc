"""
A small statistics office in a real database: the invented world of tests/worlds.py, batches that speak into it, and what its cells must be.

Why: fold, loads and publisher are tested on what batches leave behind, against the law applied from nothing.
Must not: use the columns to say what is right.
"""

import random
import time
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID

import numpy as np
import psycopg
from numpy.typing import NDArray
from psycopg import Connection, IsolationLevel

from processors.columns.cells import CellChanges
from processors.columns.merge import merge
from processors.columns.statements import STATEMENT, pack
from processors.indicators.catalogue import MEASURES
from processors.law import Statement, cell_changes, kept
from processors.reference import Reference
from processors.store.fold import Folder
from processors.store.migrate import migrate
from processors.store.reference import initialise, read
from processors.store.reference_load import load_lines, load_regions, load_sources
from processors.store.reference_sheets import LineRow, RegionRow, Sheet, SourceRow
from schemas.events import Operation
from tests.worlds import REFERENCE, SMALL_VILLAGES

__all__ = [
    "Amounts",
    "Cells",
    "connect",
    "enter_changes",
    "expected_cells",
    "fold_all",
    "found",
    "held_cells",
    "lines",
    "random_changes",
    "random_statement",
    "regions",
    "say",
    "sources",
    "statements_held",
]

Amounts = tuple[int, ...]
Cells = dict[tuple[str, str, date], Amounts]
"""Signed changes by region's code, urbanisation and month; cells of zeros are left out."""
ARRIVED = datetime(2024, 5, 1, tzinfo=UTC)
_NAMES = ", ".join(measure.name for measure in MEASURES)


def connect(database: str) -> Connection[Any]:
    """Return a connection in autocommit mode."""
    return psycopg.connect(database, autocommit=True)


# ---- the world ------------------------------------------------------------------------------------------------------------


def regions() -> Sheet[RegionRow]:
    """Return the world's regions as a sheet."""
    rows = [RegionRow(one.code, None, one.name, one.level, one.parent, one.urbanisation, one.id) for one in REFERENCE.regions.values()]
    return Sheet("regions.csv", tuple(rows))


def sources(*rows: SourceRow) -> Sheet[SourceRow]:
    """Return rows, by default the world's registrations, as a sheet."""
    own = tuple(SourceRow(one.region, one.source, one.rank, one.claimant) for one in REFERENCE.registrations)
    return Sheet("sources.csv", rows or own)


def lines(*rows: LineRow) -> Sheet[LineRow]:
    """Return rows, by default the world's lines, as a sheet."""
    own = tuple(
        LineRow(one.definition, one.region, one.urbanisation, one.valid_from, one.rupiah, "invented", place)
        for place, one in enumerate(REFERENCE.lines, 2)
    )
    return Sheet("lines.csv", rows or own)


def found(conn: Connection[Any]) -> Reference:
    """Bring an empty database to the world as it is at first, and return its reference data."""
    migrate(conn)
    initialise(conn, date(2020, 1, 1))
    load_regions(conn, regions())
    load_sources(conn, sources())
    load_lines(conn, lines())
    return read(conn)


# ---- what batches do ------------------------------------------------------------------------------------------------------


def random_statement(chance: random.Random) -> Statement:
    """Return a statement of the world: few claims, dates and revisions, so that they meet often."""
    claim = chance.choice(REFERENCE.registrations)
    villages = [code for code in SMALL_VILLAGES if REFERENCE.regency_of(code) == claim.region]
    expenditure = chance.choice([None, 0, 1, 1_199_999, 1_200_000, 1_800_000, 4_200_000, 30_000_000])
    return Statement(
        region=claim.region,
        source=claim.source,
        valid_from=date(chance.choice([2019, 2020, 2021]), chance.randint(1, 12), chance.randint(1, 28)),
        revision=chance.randint(1, 6),
        mapping_version=1,
        operation=chance.choice([Operation.UPSERT] * 6 + [Operation.END, Operation.RETRACT]),
        village=chance.choice([None, *villages]),
        size=chance.choice([None, 1, 2, 3, 4, 5]),
        expenditure=expenditure,
        modelled=expenditure is not None and chance.random() < 0.5,
    )


def say(conn: Connection[Any], said: Mapping[UUID, Sequence[Statement]], reference: Reference) -> Reference:
    """Commit statements as a worker's batch does, again and again until no other batch or load is in the way; return the version used."""
    conn.isolation_level = IsolationLevel.REPEATABLE_READ
    while True:
        try:
            with conn.transaction():
                conn.execute("lock table reference_version in row share mode")
                row = conn.execute("select version from reference_version").fetchone()
                if row is None or row[0] != reference.version:
                    reference = read(conn)
                _merge(conn, said, reference)
        except (psycopg.errors.SerializationFailure, psycopg.errors.UniqueViolation, psycopg.errors.DeadlockDetected):
            continue
        return reference


def _merge(conn: Connection[Any], said: Mapping[UUID, Sequence[Statement]], reference: Reference) -> None:
    ids = sorted(said)
    number = {household: place for place, household in enumerate(ids)}
    rows = conn.execute("select id, statements from household where id = any(%s)", (ids,)).fetchall()
    held = np.frombuffer(b"".join(row[1] for row in rows), STATEMENT)
    held_of = np.repeat([number[row[0]] for row in rows], [len(row[1]) // STATEMENT.itemsize for row in rows]).astype(np.int64)
    new = np.concatenate([pack(said[household], reference) for household in ids]).astype(STATEMENT)
    new_of = np.repeat(np.arange(len(ids)), [len(said[household]) for household in ids])
    merged = merge(len(ids), new, new_of, held, held_of, reference)
    for changed in merged.changed.tolist():
        conn.execute(
            "insert into household (id, statements) values (%s, %s) on conflict (id) do update set statements = excluded.statements",
            (ids[changed], merged.statements[merged.household == changed].tobytes()),
        )
    if len(merged.cells.keys):
        enter_changes(conn, merged.cells)


def enter_changes(conn: Connection[Any], changes: CellChanges) -> None:
    """Leave one row of cell changes, as a batch does."""
    conn.execute(
        "insert into cell_change (keys, amounts, arrived_at) values (%s, %s, %s)",
        (changes.keys.astype(">i8").tobytes(), changes.amounts.astype(">i8").tobytes(), ARRIVED),
    )


def random_changes(chance: np.random.Generator, villages: NDArray[np.int64], cells: int, months: int = 24) -> CellChanges:
    """Return changes of random cells in villages given by id, both urban and rural."""
    keys = np.unique(chance.choice(villages, cells) << 13 | chance.integers(0, 2, cells) << 12 | chance.integers(600, 600 + months, cells))
    return CellChanges(keys, chance.integers(-(1 << 40), 1 << 40, (len(keys), len(MEASURES))))


def fold_all(database: str) -> int:
    """Fold until nothing waits, and return how many rows were folded."""
    folder, rows = Folder(database), 0
    while not folder.activate():  # the server may not have ended the session of the fold before
        time.sleep(0.01)
    try:
        while (result := folder.fold()) is not None:
            rows += result.rows
    finally:
        folder.close()
    return rows


# ---- what must be, and what is --------------------------------------------------------------------------------------------


def statements_held(said: Iterable[Mapping[UUID, Sequence[Statement]]]) -> dict[UUID, list[Statement]]:
    """Return what stands of each household after batches, in whatever order, by the law."""
    everything: dict[UUID, list[Statement]] = {}
    for batch in said:
        for household, statements in batch.items():
            everything.setdefault(household, []).extend(statements)
    return {household: kept(statements) for household, statements in everything.items()}


def expected_cells(households: Mapping[UUID, Sequence[Statement]], reference: Reference) -> Cells:
    """Return the cells of all levels that households amount to, by the law, one by one, from nothing."""
    sums: dict[tuple[str, str, date], list[int]] = {}
    for statements in households.values():
        for (village, urbanisation, month), amounts in cell_changes(statements, reference).items():
            at: str | None = village
            while at is not None:
                cell = sums.setdefault((at, urbanisation, date(1970 + month // 12, month % 12 + 1, 1)), [0] * len(MEASURES))
                for place, amount in enumerate(amounts):
                    cell[place] += amount
                at = reference.regions[at].parent
    return {key: tuple(amounts) for key, amounts in sums.items() if any(amounts)}


def held_cells(conn: Connection[Any]) -> Cells:
    """Return the cells that the database holds."""
    rows = conn.execute(
        f"select region.code, cell.urbanisation, cell.month, {_NAMES} from cell join region on region.id = cell.region".encode()  # noqa: S608
    ).fetchall()
    return {(row[0], row[1], row[2]): tuple(row[3:]) for row in rows if any(row[3:])}
