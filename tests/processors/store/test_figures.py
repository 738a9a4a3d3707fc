"""Figures as they are read: carried forward, filtered, flagged, and equal to what the law says of each household in that month."""

import random
from collections import defaultdict
from datetime import date
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from psycopg import Connection

from processors.indicators.catalogue import INDICATORS, MEASURES, contribution
from processors.indicators.standing import NOTHING, standing
from processors.law import Statement, view
from processors.months import first_day, last_day, month_of
from processors.reference import Reference
from processors.store.figures import BeforeFirstMonth, Figure, NoSuchChoice, NotAMonth, UnknownRegion, figures
from tests.processors.store.office import fold_all, lines, random_statement, say, statements_held

Key = tuple[str, str, date]


@pytest.fixture
def households(conn: Connection[Any], database: str, reference: Reference) -> dict[UUID, list[Statement]]:
    """What was said of some households, merged and folded."""
    chance = random.Random(5)  # noqa: S311 - a test's dice
    said: defaultdict[UUID, list[Statement]] = defaultdict(list)
    for _ in range(150):
        said[UUID(int=chance.randrange(30))].append(random_statement(chance))
    say(conn, said, reference)
    fold_all(database)
    return statements_held([said])


def counted(households: dict[UUID, list[Statement]], month: int, reference: Reference) -> dict[Key, list[int]]:
    """Return the sums of one month, made household by household as each stands on the month's last day."""
    sums: defaultdict[Key, list[int]] = defaultdict(lambda: [0] * len(MEASURES))
    for statements in households.values():
        seen = view(statements, last_day(month), reference)
        if seen is None:
            continue
        regency, urbanisation = reference.regency_of(seen.village) or "", reference.urbanisation_of(seen.village)
        one = standing(
            NOTHING if seen.size is None else seen.size,
            NOTHING if seen.expenditure is None else seen.expenditure,
            int(seen.modelled),
            reference.line("national", regency, urbanisation, month),
            reference.line("extreme", regency, urbanisation, month),
        )
        at: str | None = seen.village
        while at is not None:
            for kind in (urbanisation, "all"):
                key = at, kind, first_day(month)
                sums[key] = [held + amount for held, amount in zip(sums[key], contribution(one), strict=True)]
            at = reference.regions[at].parent
    return sums


def test_each_month_counts_the_households_as_they_stand_at_its_end(
    conn: Connection[Any], households: dict[UUID, list[Statement]], reference: Reference
) -> None:
    """For every region, urbanisation and month of the calendar, without a row too few or too many."""
    found = {(one.region, one.urbanisation, one.month): list(one.sums) for one in figures(conn)}
    places = {(region, urbanisation) for region, urbanisation, _ in found}
    expected: dict[Key, list[int]] = {}
    for month in range(month_of(date(2020, 1, 1)), month_of(date(2021, 12, 1)) + 1):
        sums = counted(households, month, reference)
        expected |= {(*place, first_day(month)): sums.get((*place, first_day(month)), [0] * len(MEASURES)) for place in places}
        assert {key[:2] for key in sums} <= places

    assert found == expected


def test_ratios_are_those_of_the_view(conn: Connection[Any], households: dict[UUID, list[Statement]]) -> None:
    """What is divided here and in SQL is the same to fifteen digits, and absent in both where there is nothing to divide by."""
    names = [one.name for one in INDICATORS]
    rows = conn.execute(f"select region, urbanisation, month, unknown_people, {', '.join(names)} from indicator".encode()).fetchall()  # noqa: S608
    in_sql = {row[:3]: row[3:] for row in rows}
    found = figures(conn)

    assert len(found) == len(in_sql)
    for one in found:
        unknown, *ratios = in_sql[one.region, one.urbanisation, one.month]
        assert one.measures["unknown_people"] == unknown
        for name, ratio in zip(names, ratios, strict=True):
            here = one.indicators[name]
            assert (here is None) == (ratio is None)
            assert here is None or abs(Decimal(here) - ratio) <= abs(ratio) * Decimal("1e-15")


def test_choices_narrow_what_is_shown(conn: Connection[Any], households: dict[UUID, list[Statement]]) -> None:
    """By region, level, urbanisation and month, alone and together."""
    everything = figures(conn)

    def chosen(**wanted: object) -> list[Figure]:
        return [one for one in everything if all(getattr(one, name) == value for name, value in wanted.items())]

    assert figures(conn, region="91.02") == chosen(region="91.02") != []
    assert figures(conn, level="province", urbanisation="all") == chosen(level="province", urbanisation="all") != []
    assert figures(conn, month="2021-03") == chosen(month=date(2021, 3, 1)) != []
    for above in ("ID", "91", "91.01", "91.02"):
        villages = [one for one in chosen(level="village") if above == "ID" or one.region.startswith(above)]
        assert figures(conn, region=above, level="village") == villages != []
    assert figures(conn, region="91.01", level="regency") == chosen(region="91.01")
    assert figures(conn, region="91.01", level="province") == []
    (one,) = figures(conn, region="91", urbanisation="rural", month="2020-12")
    assert one.as_dict()["month"] == "2020-12"
    assert one.as_dict().keys() >= {"region_name", "level", "poor_people", "unknown_people", "p0", "line_is_stale"}


def test_a_month_after_the_last_change_shows_what_stands(conn: Connection[Any], households: dict[UUID, list[Statement]]) -> None:
    """Carried forward under the month that was asked for, and flagged when the line has grown old by then."""
    (last,) = figures(conn, region="ID", urbanisation="all", month="2021-12")
    (later,) = figures(conn, region="ID", urbanisation="all", month="2031-07")

    assert later.month == date(2031, 7, 1)
    assert later.sums == last.sums
    assert (last.line_is_stale, later.line_is_stale) == (False, True)


@pytest.mark.parametrize(("month", "stale"), [("2023-03", False), ("2023-04", True)])
def test_a_line_is_stale_after_24_months(conn: Connection[Any], households: dict[UUID, list[Statement]], month: str, stale: bool) -> None:
    """The urban line of March 2021 still is fresh in March 2023; the extreme one is newer here than it."""
    conn.execute("update poverty_line set valid_from = '2021-06-01' where definition = 'extreme' and valid_from = '2021-01-01'")
    (found,) = figures(conn, region="91.01.01.1001", urbanisation="urban", month=month)

    assert lines().rows[2].valid_from == date(2021, 3, 1)
    assert found.line_is_stale is stale


def test_a_wrong_question_is_answered_with_what_to_ask(conn: Connection[Any], households: dict[UUID, list[Statement]]) -> None:
    """Unknown region, level, urbanisation and month, and one before figures begin."""
    with pytest.raises(UnknownRegion, match=r"region 31\.74 is not known: give a Kemendagri code"):
        figures(conn, region="31.74")
    with pytest.raises(NoSuchChoice, match="city is no level: choose one of nation, province, regency, district, village"):
        figures(conn, level="city")
    with pytest.raises(NoSuchChoice, match="town is no urbanisation: choose one of urban, rural, all"):
        figures(conn, urbanisation="town")
    for month in ("2024", "2024-13", "March"):
        with pytest.raises(NotAMonth, match="is not a month: give one such as 2024-03"):
            figures(conn, month=month)
    with pytest.raises(BeforeFirstMonth, match="figures begin with 2020-01, before 2019-12"):
        figures(conn, month="2019-12")


def test_without_households_there_are_no_figures(conn: Connection[Any], reference: Reference) -> None:
    """A region that is known and has nothing yet is no error."""
    assert figures(conn) == figures(conn, region="91", month="2024-03") == []


def test_a_condition_reaches_the_cells(conn: Connection[Any], households: dict[UUID, list[Statement]]) -> None:
    """Region, level and urbanisation are looked up before anything is summed: the plan has no scan of all cells."""
    conn.execute("set enable_seqscan = off")
    for condition in ("region = '91.01'", "region = any('{91.01,ID}')", "level = 'province'", "region = '91' and urbanisation = 'all'"):
        plan = [row[0] for row in conn.execute(f"explain select * from indicator where {condition}".encode()).fetchall()]  # noqa: S608
        scans = [place for place, line in enumerate(plan) if " on cell" in line and "Backward" not in line]
        assert len(scans) == 2
        for place in scans:
            assert "(region = region_" in plan[place + 1] or "(level = 'province'" in plan[place + 1]
