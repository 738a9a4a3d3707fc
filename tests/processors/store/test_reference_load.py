"""Loads of reference data on a real PostgreSQL: exact, idempotent, all or nothing, whatever runs beside them."""

import random
import subprocess
import sys
import threading
from collections import defaultdict
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from psycopg import Connection

from processors.law import Statement
from processors.reference import Limits, Reference
from processors.store import recompute
from processors.store.fold import CatalogueChanged
from processors.store.migrate import migrate
from processors.store.reference import initialise, limits_in_force, read
from processors.store.reference_load import LimitsNarrowed, Loaded, load_lines, load_regions, load_sources
from processors.store.reference_sheets import LineRow, MistakesInSheet, RegionRow, Sheet, SourceRow
from processors.store.verify import verify
from tests.processors.store.office import (
    connect,
    expected_cells,
    fold_all,
    held_cells,
    lines,
    random_statement,
    regions,
    say,
    sources,
    statements_held,
)

ROOT = Path(__file__).parents[3]
Said = dict[UUID, list[Statement]]


def batch(chance: random.Random, households: int = 30, statements: int = 8) -> Said:
    """Return a batch of random statements."""
    said: defaultdict[UUID, list[Statement]] = defaultdict(list)
    for _ in range(statements):
        said[UUID(int=chance.randrange(households))].append(random_statement(chance))
    return said


@pytest.fixture
def said(conn: Connection[Any], database: str, reference: Reference) -> list[Said]:
    """Batches that were merged; the last few wait for the fold still."""
    chance = random.Random(3)  # noqa: S311 - a test's dice
    batches = [batch(chance) for _ in range(16)]
    with connect(database) as worker:
        for one in batches[:12]:
            say(worker, one, reference)
        fold_all(database)
        for one in batches[12:]:
            say(worker, one, reference)
    return batches


def village(code: str, **changed: Any) -> Sheet[RegionRow]:
    """Return a sheet that changes one region."""
    (row,) = (one for one in regions().rows if one.code == code)
    return Sheet("regions.csv", (replace(row, **changed),))


LOADS: dict[str, Callable[[Connection[Any]], Loaded]] = {
    "a province's line": lambda conn: load_lines(conn, lines(LineRow("national", "91", "urban", date(2020, 7, 9), 610_000, "invented"))),
    "a regency's line before the first month": lambda conn: load_lines(
        conn, lines(LineRow("national", "91.01", "all", date(2014, 3, 1), 520_000, "invented"))
    ),
    "an extreme line of the nation": lambda conn: load_lines(conn, lines(LineRow("extreme", "ID", "rural", date(2020, 9, 1), 1, "tiny"))),
    "a line replaced": lambda conn: load_lines(conn, lines(LineRow("national", "92", "all", date(2020, 6, 15), 1_000_000, "mended"))),
    "a village that becomes urban": lambda conn: load_regions(conn, village("91.01.01.2002", urbanisation="urban")),
    "a village that moves to another district": lambda conn: load_regions(conn, village("91.01.01.1001", parent="91.02.01")),
    "a district that moves to another regency": lambda conn: load_regions(conn, village("91.01.01", parent="92.01")),
    "a regency that moves to another province": lambda conn: load_regions(conn, village("91.02", parent="92")),
    "ranks exchanged": lambda conn: load_sources(conn, sources(SourceRow("91.01", "alpha", 9), SourceRow("91.02", "gamma", 1))),
}


@pytest.mark.parametrize("name", LOADS)
def test_a_load_leaves_every_cell_exact(database: str, conn: Connection[Any], said: list[Said], name: str) -> None:
    """By the law and by verify, before and after the changes are folded that batches had left under the version before."""
    before = held_cells(conn)
    loaded = LOADS[name](conn)
    now = read(conn)
    assert loaded.households > 0
    assert loaded.version == now.version
    assert verify(conn).exact
    fold_all(database)

    assert held_cells(conn) == expected_cells(statements_held(said), now)
    assert held_cells(conn) != before
    assert verify(conn).exact


def test_a_load_keeps_the_regencies_that_villages_have_left(conn: Connection[Any], reference: Reference) -> None:
    """Whichever level moved, and however often; coming back, a village has been elsewhere too."""
    load_regions(conn, village("91.01.01", parent="92.01"))
    load_regions(conn, village("91.01.01.1001", parent="91.02.01"))
    load_regions(conn, village("91.01.01", parent="91.01"))
    now = read(conn)

    parts = {code for code in reference.regions if code.startswith("91.01.01.")} - {"91.01.01.1001"}
    assert reference.formerly == {}
    assert now.formerly == dict.fromkeys(parts | {"91.01.01.1001"}, frozenset({"91.01", "92.01"}))
    assert [now.may_speak_of(one, "91.01.01.1001") for one in ("91.01", "91.02", "92.01")] == [True, True, True]
    assert not now.may_speak_of("91.02", min(parts))


def test_many_small_chunks_come_to_the_same(
    database: str, conn: Connection[Any], said: list[Said], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Cells gathered over chunks and written in between are exact too, and progress ends at all households."""
    monkeypatch.setattr(recompute, "CHUNK", 4)
    monkeypatch.setattr(recompute, "KEPT", 3)
    told: list[tuple[int, int]] = []
    load_lines(
        conn, lines(LineRow("extreme", "ID", "all", date(2020, 1, 1), 555_555, "invented")), lambda done, of: told.append((done, of))
    )
    fold_all(database)

    households = len(statements_held(said))
    assert told == [(min(done, households), households) for done in range(4, households + 4, 4)]
    assert held_cells(conn) == expected_cells(statements_held(said), read(conn))


def test_the_same_rows_again_change_nothing(conn: Connection[Any], said: list[Said], reference: Reference) -> None:
    """Neither the version nor a figure nor a mark moves."""
    before = held_cells(conn), conn.execute("select * from outbox order by 1, 2").fetchall()

    assert load_regions(conn, regions()) == Loaded(reference.version, 0, 0)
    assert load_sources(conn, sources()) == Loaded(reference.version, 0, 0)
    assert load_lines(conn, lines()) == Loaded(reference.version, 0, 0)
    assert read(conn) == reference
    assert (held_cells(conn), conn.execute("select * from outbox order by 1, 2").fetchall()) == before


def test_households_are_read_only_where_something_can_have_changed(conn: Connection[Any], said: list[Said], reference: Reference) -> None:
    """New places, new sources, names, and lines that govern nobody cost no scan; a line costs those who ever lived where it governs."""
    new = RegionRow("91.01.01.2003", "9101001003", "village new", "village", "91.01.01", "rural")
    free = [
        load_regions(conn, Sheet("regions.csv", (new,))),
        load_regions(conn, village("91.01", name="another name")),
        load_sources(conn, sources(SourceRow("92.01", "delta", 1))),
        load_sources(conn, sources(SourceRow("91.02", "gamma", 3))),
        load_lines(conn, lines(LineRow("national", "ID", "all", date(2020, 1, 1), 500_000, "an average"))),
        load_lines(conn, lines(replace(lines().rows[0], origin="another page"))),
    ]
    assert [(one.changed, one.households) for one in free] == [(1, 0)] * len(free)
    assert free[-1].version == reference.version + len(free)

    loaded = load_lines(conn, lines(LineRow("national", "92.01", "all", date(2020, 1, 1), 500_000, "invented")))

    lived = [one for one in statements_held(said).values() if any(statement.village == "92.01.01.1001" for statement in one)]
    assert loaded.households == len(lived) < len(statements_held(said))


def test_loads_are_exact_while_batches_run(database: str, conn: Connection[Any], reference: Reference) -> None:
    """Two workers say, a fold folds, and one load follows another: in the end the law's cells, by the last version."""
    ended, everything = threading.Event(), list[Said]()

    def work(seed: int) -> None:
        chance, known = random.Random(seed), reference  # noqa: S311 - a test's dice
        with connect(database) as worker:
            while not ended.is_set():
                one = batch(chance)
                known = say(worker, one, known)
                everything.append(one)

    def fold() -> None:
        while not ended.is_set():
            fold_all(database)

    threads = [threading.Thread(target=work, args=(seed,)) for seed in (1, 2)] + [threading.Thread(target=fold)]
    for thread in threads:
        thread.start()
    try:
        for name in list(LOADS) * 2:
            LOADS[name](conn)
            if "regenc" in name or "village" in name or "district" in name:
                load_regions(conn, regions())
    finally:
        ended.set()
        for thread in threads:
            thread.join()
    fold_all(database)

    assert len(everything) > 20
    assert held_cells(conn) == expected_cells(statements_held(everything), read(conn))
    assert verify(conn).exact


def test_a_load_killed_in_the_middle_has_left_nothing(database: str, conn: Connection[Any], said: list[Said], reference: Reference) -> None:
    """Batches that waited for it go on with the version before, and the same load can be done again."""
    before = held_cells(conn)
    load = subprocess.Popen(  # noqa: S603 - our own program
        [sys.executable, "-m", "tests.processors.store.loading", database], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )
    with load:
        assert load.stdout is not None
        assert load.stdout.readline() == "in the middle\n"
        more = batch(random.Random(4))  # noqa: S311 - a test's dice
        used: list[Reference] = []

        def wait_and_say() -> None:
            with connect(database) as worker:
                used.append(say(worker, more, reference))

        waiting = threading.Thread(target=wait_and_say)
        waiting.start()
        waiting.join(0.5)
        assert waiting.is_alive()
        assert held_cells(conn) == before
        load.kill()
    waiting.join(10)

    assert used == [reference]
    assert read(conn) == reference
    assert held_cells(conn) == before
    said.append(more)
    again = load_lines(conn, lines(LineRow("national", "91", "urban", date(2020, 2, 1), 900_000, "invented")))
    fold_all(database)
    assert again.version == reference.version + 1
    assert held_cells(conn) == expected_cells(statements_held(said), read(conn))


def test_marks_reach_all_that_a_line_governs(database: str, conn: Connection[Any], said: list[Said]) -> None:
    """The line's owner, what lies in it and what it lies in are published anew from its first day, also where only the flag can change."""
    fold_all(database)
    conn.execute("delete from outbox")
    load_lines(conn, lines(replace(lines().rows[4], origin="another page")))

    marked = conn.execute(
        "select code, min(from_month) from outbox join region on region.id = outbox.region group by 1 order by 1"
    ).fetchall()
    assert lines().rows[4].region == "92"
    assert marked == [("92", date(2020, 6, 1)), ("92.01", date(2020, 6, 1)), ("ID", date(2020, 6, 1))]


WRONG: list[tuple[Callable[[Connection[Any]], Loaded], list[str]]] = [
    (
        lambda conn: load_lines(
            conn,
            lines(
                LineRow("national", "99.01", "all", date(2020, 1, 1), 1, "invented", 2),
                LineRow("national", "91.01.01", "all", date(2020, 1, 1), 1, "invented", 3),
                LineRow("national", "91", "all", date(2020, 1, 1), 1, "invented", 4),
            ),
        ),
        [
            "lines.csv:2: region 99.01 is not known: load it first (muara regions load)",
            "lines.csv:3: 91.01.01 is a district, but a poverty line belongs to a nation or province or regency",
        ],
    ),
    (
        lambda conn: load_sources(conn, sources(SourceRow("91", "alpha", 1, 2), SourceRow("93.01", "alpha", 1, 3))),
        [
            "sources.csv:2: 91 is a province, but a source speaks for a regency",
            "sources.csv:3: region 93.01 is not known: load it first (muara regions load)",
        ],
    ),
    (
        lambda conn: load_regions(
            conn,
            Sheet(
                "regions.csv",
                (
                    RegionRow("93", None, "new", "province", "ID", None, 2),
                    RegionRow("91.01", None, "x", "province", "ID", None, 3),
                    RegionRow("93.01", None, "x", "regency", "94", None, 4),
                    RegionRow("93.02", None, "x", "regency", "91.01.01", None, 5),
                    RegionRow("9.10.1", None, "x", "regency", "93", None, 6),
                ),
            ),
        ),
        [
            "regions.csv:3: 91.01 is a regency already and cannot become a province: give the new region its own code",
            "regions.csv:4: parent 94 is neither in the file nor known",
            "regions.csv:5: parent 91.01.01 is a district, which cannot hold a regency",
            "regions.csv:6: 9.10.1 has the digits of 91.01: codes of one level must differ in their digits",
        ],
    ),
]


@pytest.mark.parametrize(("load", "mistakes"), WRONG, ids=["lines", "sources", "regions"])
def test_all_mistakes_are_told_at_once_and_nothing_is_loaded(
    conn: Connection[Any], reference: Reference, load: Callable[[Connection[Any]], Loaded], mistakes: list[str]
) -> None:
    """Each with file and line, also those that only the database knows; right rows beside them do not count either."""
    with pytest.raises(MistakesInSheet) as error:
        load(conn)

    first, *told = str(error.value).splitlines()
    assert told == mistakes
    count = "1 mistake" if len(mistakes) == 1 else f"{len(mistakes)} mistakes"
    assert first == f"{count} in {mistakes[0].split(':')[0]}, nothing was loaded:"
    assert read(conn) == reference


def test_the_first_version_is_made_once(conn: Connection[Any]) -> None:
    """A later start keeps version and first month, and refuses figures of another catalogue."""
    migrate(conn)
    initialise(conn, date(2021, 5, 17))
    initialise(conn)
    assert conn.execute("select version, first_month from reference_version").fetchall() == [(1, date(2021, 5, 1))]

    conn.execute("update reference_version set catalogue_hash = 'of yesterday'")
    with pytest.raises(CatalogueChanged, match="muara rebuild"):
        initialise(conn)
    with pytest.raises(CatalogueChanged, match="muara rebuild"):
        read(conn)


def test_limits_are_of_the_database_and_only_widen(conn: Connection[Any]) -> None:
    """The first start writes them, later starts do not; a load widens those that it names, under a new version, and narrows none."""
    migrate(conn)
    initialise(conn, limits=Limits(household_size=50))
    initialise(conn, limits=Limits(days_ahead=9))
    load_regions(conn, regions())
    before = read(conn)
    assert before.limits == limits_in_force(conn) == Limits(50, 1)

    assert load_regions(conn, regions(), limits={"household_size": 50}) == Loaded(before.version, 0, 0)
    assert load_regions(conn, regions(), limits={"days_ahead": 3}) == Loaded(before.version + 1, 0, 0)
    assert read(conn) == replace(before, version=before.version + 1, limits=Limits(50, 3))
    with pytest.raises(LimitsNarrowed, match="household_size is 50 and cannot become 40: limits only widen"):
        load_regions(conn, regions(), limits={"days_ahead": 4, "household_size": 40})
    assert limits_in_force(conn) == Limits(50, 3)


def test_what_is_read_is_one_version(database: str, conn: Connection[Any], reference: Reference) -> None:
    """A load that commits while another process reads is seen whole or not at all."""
    ended = threading.Event()

    def load() -> None:
        with connect(database) as own:
            for rupiah in range(400_000, 400_060):
                rows = [LineRow("national", region, "all", date(2020, 1, 1), rupiah, "invented") for region in ("91.01", "91.02", "92.01")]
                load_lines(own, lines(*rows))
        ended.set()

    thread = threading.Thread(target=load)
    thread.start()
    versions = set()
    while not ended.is_set():
        now = read(conn)
        amounts = {one.rupiah for one in now.lines if one.valid_from == date(2020, 1, 1)}
        assert len(amounts) <= 1
        assert all(rupiah == 400_000 + now.version - reference.version - 1 for rupiah in amounts)
        versions.add(now.version)
    thread.join()

    assert len(versions) > 3
