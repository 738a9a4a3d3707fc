"""Verify against the views measure and indicator: right ones are exact, and a fault in any of them is found and named."""

from collections.abc import Iterator
from datetime import date
from decimal import Decimal

import pytest
from psycopg.sql import SQL, Identifier

from processors.indicators.catalogue import DERIVED, INDICATORS
from processors.store.verify import Verification, verify
from tests.processors.store.test_verify import DESA, NEAR, OWN, SHORT
from tests.processors.store.verify_world import MEASURES, World, month

RATIOS = [one.name for one in INDICATORS]
FIGURES = {
    "measure": ["level", "region", "code", "urbanisation", "month", *MEASURES],
    "indicator": ["region", "urbanisation", "month", *MEASURES, *(one.name for one in DERIVED), *RATIOS],
}


@pytest.fixture
def figured(world: World) -> Iterator[World]:
    """Poor households in two villages, one of unknown welfare in a third, held rightly; faulty views may be put before the right ones."""
    world.line("national", "91", "all", "2019-03-01", 600_000)
    world.line("extreme", "ID", "all", "2019-03-01", 400_000)
    for household, village in enumerate((OWN, DESA), 1):
        world.say("alpha-9101", "2020-03-05", 1, village=village, size=4, expenditure=1_800_000, modelled=True, household=household)
        world.hold([(village, "2020-03", 1, {**SHORT, "modelled_people": 4})])
    world.say("alpha-9102", "2020-05-05", 1, village=NEAR, size=3, household=3)
    world.say("alpha-9101", "2020-06-05", 2, "END", household=1)
    world.hold([(NEAR, "2020-05", 1, {"households": 1, "people": 3}), (OWN, "2020-06", -1, {**SHORT, "modelled_people": 4})])
    world.conn.execute("create schema faulty")
    yield world
    world.conn.execute("reset search_path; drop schema faulty cascade")


def with_fault(world: World, view: str, *, where: str = "true", and_also: str = "", **faults: str) -> Verification:
    """Verify with a view put before the right one that says something else in some columns, leaves rows out, or adds some."""
    columns = SQL(", ").join(
        SQL("{} as {}").format(SQL(faults[name]), Identifier(name)) if name in faults else Identifier(name) for name in FIGURES[view]
    )
    right = SQL("select {} from public.{} where {}").format(columns, Identifier(view), SQL(where))
    world.conn.execute(SQL("create view faulty.{} as {} {}").format(Identifier(view), right, SQL(and_also)))
    world.conn.execute("set search_path to faulty, public")
    return verify(world.conn)


def named(found: Verification) -> set[tuple[str, str, str, date, str]]:
    """Return where the differences are."""
    return {(one.kind, one.region, one.urbanisation, one.month, one.measure) for one in found.differences}


def test_right_views_are_exact(figured: World) -> None:
    """Every row of both views is compared: urban, rural, all; for indicators every month from the first to the nation's last."""
    found = verify(figured.conn)

    assert found.differences == ()
    assert found.exact
    assert found.measures == figured.conn.execute("select count(*) from measure").fetchone()[0]  # type: ignore[index]
    both, rural, urban = ("91.01.01", "91.01", "91", "ID"), (DESA, NEAR, "91.02.01", "91.02"), (OWN,)
    assert found.indicators == (3 * len(both) + 2 * len(rural) + 2 * len(urban)) * 6


@pytest.mark.parametrize("figure", MEASURES)
def test_a_wrong_sum_in_a_view_is_found(figured: World, figure: str) -> None:
    """One sum of the view measure that is off by one in one row makes two changes differ; the right view indicator is not accused."""
    wrong = f"{figure} + (code = '91' and urbanisation = 'all' and month = '2020-05-01')::integer"
    found = with_fault(figured, "measure", **{figure: wrong})

    assert named(found) == {("measure", "91", "all", month(when), figure) for when in ("2020-05", "2020-06")}


def test_a_row_that_the_view_measure_lacks_is_found(figured: World) -> None:
    """Without its last row a stock goes on as it was, which is a difference of changes in that month."""
    found = with_fault(figured, "measure", where="not (code = '91.01' and urbanisation = 'urban' and month = '2020-06-01')")

    assert named(found) == {("measure", "91.01", "urban", month("2020-06"), name) for name in [*SHORT, "modelled_people"]}


@pytest.mark.parametrize("figure", [*MEASURES, *(one.name for one in DERIVED)])
def test_a_wrong_sum_that_is_carried_forward_is_found(figured: World, figure: str) -> None:
    """A sum in a month in which nothing changed is compared like any other."""
    wrong = f"{figure} + (region = '91' and urbanisation = 'rural' and month = '2020-04-01')::integer"

    assert named(with_fault(figured, "indicator", **{figure: wrong})) == {("indicator", "91", "rural", month("2020-04"), figure)}


@pytest.mark.parametrize("ratio", RATIOS)
def test_a_wrong_ratio_is_found(figured: World, ratio: str) -> None:
    """A ratio that is off in the ninth digit, or has no value where it should, is named with the right value."""
    of_nation = "region = 'ID' and urbanisation = 'all'"
    wrong = (
        f"case when {of_nation} and month = '2020-03-01' then {ratio} * 1.00000001 + 0.000000001"
        f" when {of_nation} and month = '2020-04-01' then null else {ratio} end"
    )

    found = with_fault(figured, "indicator", **{ratio: wrong})

    assert named(found) == {("indicator", "ID", "all", month(when), ratio) for when in ("2020-03", "2020-04")}
    assert found.differences[1].held is None


def test_a_ratio_where_nobody_is_known_is_found(figured: World) -> None:
    """Where the denominator is 0 there is no value; 0 would be a lie."""
    nowhere = f"case when region = '{NEAR}' and urbanisation = 'all' and month = '2020-05-01' then 0 else p0 end"
    found = with_fault(figured, "indicator", p0=nowhere)

    assert named(found) == {("indicator", NEAR, "all", month("2020-05"), "p0")}
    assert found.differences[0].recomputed is None


def test_a_month_that_the_view_indicator_lacks_is_found(figured: World) -> None:
    """A missing row counts as zeros without ratios."""
    found = with_fault(figured, "indicator", where="not (region = '91.02' and urbanisation = 'all' and month = '2020-06-01')")

    assert named(found) == {("indicator", "91.02", "all", month("2020-06"), name) for name in ("households", "people", "unknown_people")}


def test_a_row_that_comes_twice_is_found(figured: World) -> None:
    """Readers would count it twice, so it is a difference."""
    again = f"union all select {', '.join(FIGURES['indicator'])} from public.indicator"  # noqa: S608 - columns of this test
    found = with_fault(figured, "indicator", and_also=f"{again} where region = '91.02' and urbanisation = 'all' and month = '2020-06-01'")

    people = next(one for one in found.differences if one.measure == "people")
    assert (people.region, people.month, people.held, people.recomputed) == ("91.02", month("2020-06"), Decimal(6), Decimal(3))


def test_dirty_regions_are_left_out_of_both_views(figured: World) -> None:
    """What waits for the fold below a region leaves all its figures out, and those of no other."""
    figured.say("alpha-9101", "2020-04-05", village=OWN, size=2, household=4)
    figured.wait([(OWN, "2020-04", 1, {"households": 1, "people": 2})])

    found = verify(figured.conn)

    assert (found.exact, found.dirty) == (True, ("ID", "91", "91.01", "91.01.01", OWN))
    assert found.indicators == 2 * len((DESA, NEAR, "91.02.01", "91.02")) * 6
