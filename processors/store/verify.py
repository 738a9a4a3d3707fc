"""
The second opinion: every cell, measure and indicator recomputed in SQL from the view `statement`, compared with what is held.

Why: a figure kept up to date change by change is trusted only where another road, from nothing, ends at the same digit.
The road is the SQL beside this file: sets and windows, written from architecture section 2 alone.
Must not: share a line with processors/law.py or processors/columns, repair what it finds, or leave a trace in the database.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any, LiteralString

from psycopg import ClientCursor, Connection

from schemas.errors import Fatal

__all__ = ["Difference", "NothingToVerify", "Progress", "Verification", "verify"]

SHOWN = 20
"""Differences that are named; more would not be read, and all are counted."""
SLICE = 50_000
"""Households recomputed at once. With far fewer, planning costs more than the work; with far more, sorts go to disk."""
REGIONS = 2_000
"""Regions whose indicators are compared at once: 100 MB of temporary tables at 60 months; with fewer, planning costs more than the work."""

_STEPS = Path(__file__).parent

Progress = Callable[[str, int, int], None]
"""Told what is being done, and how much of it of how much: households recomputed, then regions compared (with none, it is one step)."""


class NothingToVerify(Fatal):
    """there is no version of the reference data, so no figure has a meaning yet: load regions, sources and lines first."""


@dataclass(frozen=True, slots=True)
class Difference:
    """One number that is held otherwise than it is recomputed; absent counts as 0, and None is an indicator without a value."""

    kind: str
    """`cell` (a change in a month), `measure` (likewise, between rows of the view) or `indicator` (a value)."""
    region: str
    """Code of the region; `#` and its number where the reference data knows none."""
    urbanisation: str
    month: date
    measure: str
    held: Decimal | None
    recomputed: Decimal | None


@dataclass(frozen=True, slots=True)
class Verification:
    """What was recomputed, what was compared with it, and where the two differ."""

    households: int
    statements: int
    unreadable: int
    """Statements in `household` that the view cannot give: of a claimant that is not registered, or a torn row."""
    repeated: int
    """Statements beyond the one that may stand for a claim and day."""
    misplaced: int
    """Names of households that do not stand in the row where links put them."""
    cells: int
    """Rows of cells compared, of all levels."""
    measures: int
    """Rows of the view `measure` compared; 0 where the database has none."""
    indicators: int
    """Rows of the view `indicator` compared; 0 where the database has none."""
    total: int
    """Numbers that differ."""
    differences: tuple[Difference, ...]
    """The first of them, cells before measures before indicators."""
    dirty: tuple[str, ...]
    """Codes of regions that wait for the fold and were left out above the village's cells, the nation first."""

    @property
    def exact(self) -> bool:
        """True where nothing at all differs; regions that are dirty do not count against it."""
        return not (self.total or self.unreadable or self.repeated or self.misplaced)


@dataclass(frozen=True, slots=True)
class _Compared:
    rows: int
    total: int
    differences: tuple[Difference, ...]


def verify(conn: Connection[Any], progress: Progress | None = None) -> Verification:
    """
    Recompute all figures from the statements and compare them with what is held, in one snapshot.

    Takes a connection that is in no transaction, and leaves nothing in the database: what it writes are temporary tables, rolled back.
    Raises `NothingToVerify` where no reference data was loaded.
    """
    tell = progress or _silent
    with conn.transaction(force_rollback=True), ClientCursor(conn) as cursor:
        cursor.execute("set transaction isolation level repeatable read, read write")
        cursor.execute("set local statement_timeout = 0; set local jit = off; set local work_mem = '64MB'")
        if cursor.execute("select from reference_version").fetchone() is None:
            raise NothingToVerify
        _run(cursor, "prepare")
        _recompute(cursor, tell)
        _run(cursor, "levels")
        _run(cursor, "names")
        return _compare(cursor, tell)


def _silent(_step: str, _done: int, _of: int) -> None:
    """Tell nobody."""


def _run(cursor: ClientCursor[Any], step: str, **facts: object) -> None:
    """Run one of the files beside this one; its values are bound here, since it holds several statements."""
    cursor.execute((_STEPS / f"verify_{step}.sql").read_bytes(), facts or None)


def _recompute(cursor: ClientCursor[Any], tell: Progress) -> None:
    """Fill `verify_part`, slice by slice of households."""
    slices = cursor.execute(
        "select id, lead(id) over (order by id), (select count(*) from household)"
        " from (select id, row_number() over (order by id) as place from household) as household"
        " where (place - 1) %% %(slice)s = 0 order by id",
        {"slice": SLICE},
    ).fetchall()
    for done, (first, before, total) in enumerate(slices):
        tell("recompute", done * SLICE, total)
        _run(cursor, "households", first=first, before=before)
        tell("recompute", min((done + 1) * SLICE, total), total)


def _compare(cursor: ClientCursor[Any], tell: Progress) -> Verification:
    """Compare cells, then whichever of the views there are, with what was recomputed."""
    households, statements, unreadable, repeated = _row(
        cursor,
        "select coalesce(sum(households), 0)::bigint, coalesce(sum(statements), 0)::bigint,"
        " ceil(coalesce(sum(unreadable), 0))::bigint, coalesce(sum(repeated), 0)::bigint from verify_reading",
    )
    (misplaced,) = _row(cursor, "select count(*) from verify_misplaced")
    found = []
    for kind, compare in (("cell", _compare_changes), ("measure", _compare_changes), ("indicator", _compare_indicators)):
        found.append(compare(cursor, kind, tell) if _is_there(cursor, kind) else _Compared(0, 0, ()))
    cells, measures, indicators = found
    dirty = cursor.execute("select code from region join verify_dirty on region.id = verify_dirty.region order by number").fetchall()
    return Verification(
        households=households,
        statements=statements,
        unreadable=unreadable,
        repeated=repeated,
        misplaced=misplaced,
        cells=cells.rows,
        measures=measures.rows,
        indicators=indicators.rows,
        total=sum(kind.total for kind in found),
        differences=tuple(one for kind in found for one in kind.differences)[:SHOWN],
        dirty=tuple(code for (code,) in dirty),
    )


def _is_there(cursor: ClientCursor[Any], name: str) -> bool:
    """Tell whether the database has such a table or view."""
    return bool(_row(cursor, "select to_regclass(%(name)s) is not null", name=name)[0])


def _compare_changes(cursor: ClientCursor[Any], kind: str, tell: Progress) -> _Compared:
    """Compare the changes in cells, or between the rows of the view `measure`."""
    tell(f"compare {kind}s", 0, 0)
    _run(cursor, f"{kind}s")
    (rows,) = _row(cursor, "select count(*) from verify_held")
    return _Compared(rows, *_differences(cursor, "differences", kind))


def _compare_indicators(cursor: ClientCursor[Any], kind: str, tell: Progress) -> _Compared:
    """Compare what the view `indicator` shows, some regions at a time: it has a row for every month of each."""
    regions = cursor.execute(
        "select id, code from region where id in (select region from cell union all select region from verify_recomputed)"
        " and id not in (select region from verify_dirty) order by number"
    ).fetchall()
    rows, total, named = 0, 0, list[Difference]()
    for first in range(0, len(regions), REGIONS):
        tell(f"compare {kind}s", first, len(regions))
        ids, codes = zip(*regions[first : first + REGIONS], strict=True)
        _run(cursor, f"{kind}s", regions=list(ids), codes=list(codes))
        (shown,) = _row(cursor, "select count(*) from verify_shown")
        wrong, differences = _differences(cursor, "wrong_values", kind)
        rows, total = rows + shown, total + wrong
        named += differences
    return _Compared(rows, total, tuple(named[:SHOWN]))


def _differences(cursor: ClientCursor[Any], step: str, kind: str) -> tuple[int, tuple[Difference, ...]]:
    """Return how many numbers differ, and the first of them."""
    _run(cursor, step, shown=SHOWN)
    wrong = cursor.fetchall()
    return wrong[0][-1] if wrong else 0, tuple(Difference(kind, *one[:-1]) for one in wrong)


def _row(cursor: ClientCursor[Any], query: LiteralString, **facts: object) -> tuple[Any, ...]:
    """Return the one row of a query."""
    row: tuple[Any, ...] | None = cursor.execute(query, facts or None).fetchone()
    return row or ()
