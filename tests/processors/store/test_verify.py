"""Verify: measures held against hand-computed numbers, and that it finds, names and leaves out what it should."""

from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal

import psycopg
import pytest

from processors.indicators.catalogue import MEASURES as CATALOGUE
from processors.store import verify as module
from processors.store.verify import Difference, NothingToVerify, Verification, verify
from tests.processors.store.verify_world import MEASURES, World, month

OWN, DESA, NEAR = "91.01.01.1001", "91.01.01.2002", "91.02.01.2001"
ABOVE = ("91.01.01", "91.01", "91", "ID")
LINE, EXTREME = 600_000, 400_000
SHORT = {
    "households": 1,
    "people": 4,
    "known_people": 4,
    "poor_households": 1,
    "poor_people": 4,
    "poverty_gap": 1_000_000_000,
    "poverty_severity": 250_000_000,
    "rupiah_gap": 600_000,
    "log_gap": 1_150_728_288,
    "extreme_known_people": 4,
    "expenditure": 1_800_000,
}
"""Four people with 450,000 rupiah each, a quarter below the line: ln(4/3) is 0.287682072."""


def known(people: int, expenditure: int, **others: int) -> dict[str, int]:
    """What a household of known welfare adds, apart from what is named."""
    return {"households": 1, "people": people, "known_people": people, "extreme_known_people": people, "expenditure": expenditure, **others}


def poor(people: int, expenditure: int, *each: int, **others: int) -> dict[str, int]:
    """What a poor household adds whose members each have this gap, severity, distance in rupiah and logarithm."""
    sums = {"poor_people": 1, **dict(zip(("poverty_gap", "poverty_severity", "rupiah_gap", "log_gap"), each, strict=True))}
    return known(people, expenditure, poor_households=1, **{name: people * one for name, one in sums.items()}, **others)


@pytest.fixture
def lined(world: World) -> World:
    """The world with a national and an extreme line."""
    world.line("national", "91.01", "urban", "2019-03-01", LINE)
    world.line("extreme", "ID", "all", "2019-03-01", EXTREME)
    return world


@pytest.fixture
def settled(lined: World) -> World:
    """One poor household in March 2020, gone in June, held as it should be."""
    lined.say("alpha-9101", "2020-03-05", 1, village=OWN, size=4, expenditure=1_800_000)
    lined.say("alpha-9101", "2020-06-05", 2, "END")
    lined.hold([(OWN, "2020-03", 1, SHORT), (OWN, "2020-06", -1, SHORT)])
    return lined


# ---- measures ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("size", "expenditure", "adds"),
    [
        (4, 1_800_000, SHORT),
        (4, 2_399_999, poor(4, 2_399_999, 1_666, 0, 1, 1_667)),
        (4, 2_400_000, known(4, 2_400_000, vulnerable_people=4)),
        (4, 3_599_999, known(4, 3_599_999, vulnerable_people=4)),
        (4, 3_600_000, known(4, 3_600_000, aspiring_people=4)),
        (4, 8_399_999, known(4, 8_399_999, aspiring_people=4)),
        (4, 8_400_000, known(4, 8_400_000, middle_people=4)),
        (4, 40_799_999, known(4, 40_799_999, middle_people=4)),
        (4, 40_800_000, known(4, 40_800_000, upper_people=4)),
        (4, 1_600_000, poor(4, 1_600_000, 333_333_333, 111_111_110, 200_000, 405_465_108)),
        (4, 1_599_999, poor(4, 1_599_999, 333_335_000, 111_112_222, 200_001, 405_467_608, extreme_poor_people=4)),
        (3, 2, poor(3, 2, 10**9, 10**9, LINE, 0, zero_expenditure_people=3, extreme_poor_people=3)),
        (1, 10**15, known(1, 10**15, upper_people=1)),
        (1, 400_697, poor(1, 400_697, 332_171_666, 110_338_015, 199_303, 403_724_125)),
        (1, 432_917, poor(1, 432_917, 278_471_666, 77_546_468, 167_083, 326_383_631)),
        (-1, 1_800_000, {"households": 1}),
        (4, -1, {"households": 1, "people": 4}),
        (-1, -1, {"households": 1}),
        (0, 1_800_000, {"households": 1}),
    ],
    ids=[
        "a quarter short",
        "a rupiah short",
        "on the line",
        "below one and a half",
        "one and a half lines",
        "below three and a half",
        "three and a half lines",
        "below seventeen",
        "seventeen lines",
        "on the extreme line",
        "below the extreme line",
        "nothing each",
        "rich",
        "logarithm just above a half",
        "logarithm just below a half",
        "size not known",
        "welfare not known",
        "nothing known",
        "a size of nobody",
    ],
)
def test_each_measure_is_what_a_person_computes(lined: World, size: int, expenditure: int, adds: Mapping[str, int]) -> None:
    """Every class and every boundary of welfare gives the numbers worked out by hand."""
    lined.say("alpha-9101", "2020-03-05", village=OWN, size=size, expenditure=expenditure)
    lined.hold([(OWN, "2020-03", 1, adds)])

    found = verify(lined.conn)

    assert found.differences == ()
    assert found.exact


def test_modelled_welfare_is_counted_where_it_is_known(lined: World) -> None:
    """Modelled people are those of known welfare only, and the basis travels with the expenditure that it was said with."""
    lined.say("alpha-9101", "2020-03-05", 1, village=OWN, size=4, expenditure=1_800_000, modelled=True)
    lined.say("beta-9101", "2020-03-05", 1, village=OWN, size=4, expenditure=1_800_000)
    lined.say("alpha-9101", "2020-03-05", 1, village=NEAR, size=4, expenditure=1_800_000, modelled=True, household=2)
    lined.hold([(OWN, "2020-03", 1, {**SHORT, "modelled_people": 4})])
    lined.hold([(NEAR, "2020-03", 1, {"households": 1, "people": 4, "extreme_known_people": 4})])

    assert verify(lined.conn).differences == ()


def test_every_measure_of_the_catalogue_is_recomputed(settled: World) -> None:
    """The measures written out in SQL are the catalogue's, in its order."""
    with settled.conn.transaction(force_rollback=True):
        for step in ("prepare", "levels"):
            settled.conn.execute((module._STEPS / f"verify_{step}.sql").read_bytes())
        columns = [one.name for one in settled.conn.execute("select * from verify_recomputed").description or ()]

    assert columns == ["level", "region", "urbanisation", "month", *(one.name for one in CATALOGUE)]
    assert tuple(one.name for one in CATALOGUE) == MEASURES


# ---- what is found -------------------------------------------------------------------------------------------------------


def test_what_is_held_right_is_exact_and_counted(settled: World) -> None:
    """An exact database gives the counts of what was read and compared."""
    found = verify(settled.conn)

    assert found.exact
    assert replace(found, measures=0, indicators=0) == Verification(1, 2, 0, 0, 0, 10, 0, 0, 0, (), ())


@pytest.mark.parametrize("region", [OWN, *ABOVE])
def test_a_corrupted_cell_is_found_and_named(settled: World, region: str) -> None:
    """One number changed by one, on any level, is named with what is held and what was recomputed."""
    settled.conn.execute(
        "update cell set poor_people = poor_people + 1 where region = %s and month = %s", [settled.ids[region], month("2020-06")]
    )

    found = verify(settled.conn)

    assert not found.exact
    cells = [one for one in found.differences if one.kind == "cell"]
    assert cells == [Difference("cell", region, "urban", month("2020-06"), "poor_people", Decimal(-3), Decimal(-4))]


def test_a_missing_cell_is_found(settled: World) -> None:
    """A cell that is not there counts as zeros, and each measure that should not be zero is a difference."""
    settled.conn.execute("delete from cell where region = %s and month = %s", [settled.ids["91"], month("2020-03")])

    found = verify(settled.conn)

    assert {(one.region, one.measure, one.recomputed) for one in found.differences if one.kind == "cell"} == {
        ("91", name, Decimal(amount)) for name, amount in SHORT.items()
    }
    assert {one.held for one in found.differences if one.kind == "cell"} == {Decimal(0)}


@pytest.mark.parametrize(
    ("column", "value"), [("urbanisation", "rural"), ("level", "district"), ("month", "2020-04-01")], ids=["urbanisation", "level", "month"]
)
def test_a_cell_in_the_wrong_place_is_found(settled: World, column: str, value: str) -> None:
    """Right numbers under a wrong urbanisation, level or month are missing in one place and too many in another."""
    settled.conn.execute(
        f"update cell set {column} = %s where region = %s and month = %s",  # noqa: S608 - a column of this test
        [value, settled.ids[OWN], month("2020-03")],
    )

    assert len([one for one in verify(settled.conn).differences if one.kind == "cell"]) == min(2 * len(SHORT), module.SHOWN)


def test_a_cell_of_a_region_that_is_not_known_is_found(settled: World) -> None:
    """A cell whose region the reference data lacks is named by its number."""
    settled.conn.execute("update cell set region = 4711 where region = %s and month = %s", [settled.ids[OWN], month("2020-03")])

    assert "#4711" in {one.region for one in verify(settled.conn).differences}


def test_cells_of_zeros_make_no_difference(settled: World) -> None:
    """A held row in which all cancelled out is as good as none."""
    settled.hold([(DESA, "2021-01", 1, {})])

    assert verify(settled.conn).exact


def test_all_differences_are_counted_and_the_first_shown(settled: World) -> None:
    """However many numbers differ, so many are named, the nation's first, and all are counted."""
    settled.conn.execute("update cell set people = people + 7, known_people = 0, households = 5, log_gap = 1, expenditure = 2")

    found = verify(settled.conn)

    assert len(found.differences) == module.SHOWN
    assert found.differences[0].region == "ID"
    assert found.total >= 5 * 10


def test_statements_that_cannot_be_read_are_counted(settled: World) -> None:
    """A statement of a claimant that nobody registered is in no figure, so the state is not called exact."""
    settled.say("nobody", "2020-04-05", claimant=99, village=OWN, size=3, household=2)

    found = verify(settled.conn)

    assert (found.unreadable, found.total, found.exact) == (1, 0, False)


def test_a_torn_row_is_counted(settled: World) -> None:
    """Bytes that are no whole statement are noticed."""
    settled.conn.execute("update household set statements = statements || '\\x00'")

    assert verify(settled.conn).unreadable == 1


def test_statements_that_stand_twice_are_counted(settled: World) -> None:
    """Two statements of one claim and day mean that the store kept what it should have replaced."""
    settled.say("alpha-9101", "2020-06-05", 3, "END")

    found = verify(settled.conn)

    assert (found.repeated, found.exact) == (1, False)


# ---- what waits for the fold ---------------------------------------------------------------------------------------------


def test_regions_that_wait_for_the_fold_are_left_out_and_named(settled: World) -> None:
    """Unfolded changes count for their village; what lies above is left out and named, everything else is compared."""
    settled.say("gamma-9102", "2020-04-05", 1, village=NEAR, size=4, household=2)
    settled.wait([(NEAR, "2020-04", 1, {"households": 1, "people": 4})])

    found = verify(settled.conn)

    assert found.exact
    assert found.dirty == ("ID", "91", "91.02", "91.02.01", NEAR)
    assert found.cells == 1 + 2 * len((OWN, "91.01.01", "91.01"))


def test_a_wrong_change_that_waits_for_the_fold_is_found(settled: World) -> None:
    """Unfolded changes are held to the same numbers as cells."""
    settled.wait([(OWN, "2020-03", 1, {"people": 1}), (OWN, "2020-06", 1, {"people": -1}), (DESA, "2020-03", 1, {"log_gap": -2})])

    found = verify(settled.conn)

    assert [(one.region, one.urbanisation, one.month, one.measure, one.held, one.recomputed) for one in found.differences] == [
        (OWN, "urban", month("2020-03"), "people", Decimal(5), Decimal(4)),
        (OWN, "urban", month("2020-06"), "people", Decimal(-5), Decimal(-4)),
        (DESA, "rural", month("2020-03"), "log_gap", Decimal(-2), Decimal(0)),
    ]


def test_batches_that_wait_are_added_up(lined: World) -> None:
    """Several batches of one village and month, and what is folded already, make one sum."""
    lined.say("alpha-9101", "2020-03-05", 1, village=OWN, size=4, expenditure=1_800_000)
    lined.hold([(OWN, "2020-03", 3, SHORT)], ["village"])
    lined.wait([(OWN, "2020-03", -1, SHORT), (OWN, "2020-05", 1, SHORT)])
    lined.wait([(OWN, "2020-05", -1, SHORT), (OWN, "2020-03", -1, SHORT)])

    found = verify(lined.conn)

    assert (found.exact, found.dirty) == (True, ("ID", "91", "91.01", "91.01.01", OWN))


# ---- how it goes about it ------------------------------------------------------------------------------------------------


def test_slices_do_not_show(settled: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Cutting the households into slices changes nothing but the progress that is told."""
    for household in range(2, 7):
        settled.say("alpha-9101", "2020-03-05", village=OWN, size=4, expenditure=1_800_000, household=household)
    settled.hold([(OWN, "2020-03", 5, SHORT)])
    whole, told = verify(settled.conn), list[tuple[str, int, int]]()
    monkeypatch.setattr(module, "SLICE", 2)

    assert verify(settled.conn, lambda step, done, of: told.append((step, done, of))) == whole
    assert whole.exact
    assert [done for step, done, of in told if step == "recompute" and of == 6] == [0, 2, 2, 4, 4, 6]


def test_who_waits_for_a_country_sees_how_many_regions_are_compared(settled: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """That is the longest step of all where there are tens of thousands, and slices of regions change nothing either."""
    settled.hold([(OWN, "2020-03", 5, SHORT)])
    whole, told = verify(settled.conn), list[tuple[str, int, int]]()
    monkeypatch.setattr(module, "REGIONS", 2)

    assert verify(settled.conn, lambda step, done, of: told.append((step, done, of))) == whole
    assert [done for step, done, of in told if step == "compare indicators" and of == 5] == [0, 2, 4]


def test_everything_is_seen_in_one_snapshot(settled: World) -> None:
    """What others commit meanwhile, rightly or wrongly, is not seen; a second verification sees it."""
    with psycopg.connect(settled.conn.info.dsn, password=settled.conn.info.password, autocommit=True) as other:
        meanwhile = World(other, settled.ids)

        def change(step: str, done: int, _of: int) -> None:
            if step == "recompute" and done == 0:
                meanwhile.say("alpha-9101", "2020-03-05", village=OWN, size=4, household=2)
                meanwhile.hold([(OWN, "2020-04", 1, {"people": 1})])
                meanwhile.line("national", "91.01", "urban", "2020-04-01", LINE + 1)

        first = verify(settled.conn, change)

    assert (first.exact, first.households) == (True, 1)
    assert (verify(settled.conn).exact, verify(settled.conn).households) == (False, 2)


def test_no_trace_is_left(settled: World) -> None:
    """After a verification the session has no temporary table, no setting and no transaction of it."""
    before = settled.conn.execute("select current_setting('work_mem'), current_setting('jit')").fetchone()

    verify(settled.conn)

    assert settled.conn.info.transaction_status == 0
    assert settled.conn.execute("select count(*) from pg_class where relname like 'verify%'").fetchone() == (0,)
    assert settled.conn.execute("select current_setting('work_mem'), current_setting('jit')").fetchone() == before


def test_without_households_nothing_is_exact_only_if_nothing_is_held(world: World) -> None:
    """An empty database is exact; a cell in it is a difference."""
    empty = verify(world.conn)
    world.hold([(OWN, "2020-03", 1, {"people": 1})], ["village"])

    assert (empty.exact, empty.households, empty.cells) == (True, 0, 0)
    assert not verify(world.conn).exact


def test_without_reference_data_it_says_so(world: World) -> None:
    """A database that nothing was loaded into is refused with the remedy."""
    world.conn.execute("delete from reference_version")

    with pytest.raises(NothingToVerify, match=r"^there is no version of the reference data, .*: load regions, sources and lines first$"):
        verify(world.conn)
