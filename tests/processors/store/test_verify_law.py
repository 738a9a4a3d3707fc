"""Verify's law in SQL, held against numbers that a person computed: residence, sections, visibility, lines, months."""

from collections.abc import Mapping

import pytest

from processors.store.verify import Verification, verify
from tests.processors.store.verify_world import Cell, World

OWN, DESA = "91.01.01.1001", "91.01.01.2002"
"""Two villages of regency 91.01, urban and rural."""
NEAR, FAR = "91.02.01.2001", "92.01.01.1001"
"""A village of another regency of the province, and one of another province."""


def family(people: int) -> dict[str, int]:
    """What a household adds whose welfare is not known."""
    return {"households": 1, "people": people}


def broke(line: int) -> dict[str, int]:
    """What a person alone adds who spends nothing, under a line of so many rupiah."""
    ones = ("households", "people", "known_people", "poor_households", "poor_people", "zero_expenditure_people")
    return {**dict.fromkeys(ones, 1), "poverty_gap": 10**9, "poverty_severity": 10**9, "rupiah_gap": line}


def extreme(*, poor: bool) -> dict[str, int]:
    """What a person alone adds who spends 450,000 rupiah where only an extreme line is in force."""
    return {"households": 1, "people": 1, "extreme_known_people": 1, "extreme_poor_people": int(poor)}


def proved(world: World, *cells: Cell) -> Verification:
    """Hold these cells and no others, and let verify find them exact."""
    world.hold(cells)
    found = verify(world.conn)
    assert found.exact, found.differences

    return found


# ---- which statements are visible ----------------------------------------------------------------------------------------


def test_what_is_retracted_was_never_said(world: World) -> None:
    """A retracted statement neither moves the household nor changes its size."""
    world.say("alpha-9101", "2020-02-10", village=OWN, size=4)
    world.say("alpha-9101", "2020-05-10", 2, "RETRACT", village=DESA, size=9)

    proved(world, (OWN, "2020-02", 1, family(4)))


def test_an_end_hides_what_was_restated_with_smaller_revisions(world: World) -> None:
    """A death reported late closes a claim that was restated meanwhile."""
    world.say("alpha-9101", "2020-02-10", 1, village=OWN, size=4)
    world.say("alpha-9101", "2020-06-10", 3, village=OWN, size=5)
    world.say("alpha-9101", "2020-04-10", 7, "END")

    proved(world, (OWN, "2020-02", 1, family(4)), (OWN, "2020-04", -1, family(4)))


def test_a_return_after_an_end_opens_the_claim_again(world: World) -> None:
    """A statement after an END whose revision is not smaller stands, in order of dates."""
    world.say("alpha-9101", "2020-02-10", 1, village=OWN, size=4)
    world.say("alpha-9101", "2020-04-10", 3, "END")
    world.say("alpha-9101", "2020-06-10", 3, village=OWN, size=5)

    proved(world, (OWN, "2020-02", 1, family(4)), (OWN, "2020-04", -1, family(4)), (OWN, "2020-06", 1, family(5)))


def test_an_end_hides_nothing_that_is_dated_before_it(world: World) -> None:
    """What was true before the END stays so, however small its revision."""
    world.say("alpha-9101", "2020-02-10", 1, village=OWN, size=4)
    world.say("alpha-9101", "2020-03-10", 2, village=OWN, size=3)
    world.say("alpha-9101", "2020-04-10", 9, "END")

    proved(world, (OWN, "2020-02", 1, family(4)), (OWN, "2020-03", 1, {"people": -1}), (OWN, "2020-04", -1, family(3)))


def test_an_end_hides_a_later_end_with_a_smaller_revision(world: World) -> None:
    """An END that was corrected to an earlier day does not close the claim a second time after a return."""
    world.say("alpha-9101", "2020-02-10", 1, village=OWN, size=4)
    world.say("alpha-9101", "2020-03-10", 5, "END")
    world.say("alpha-9101", "2020-05-10", 6, village=OWN)
    world.say("alpha-9101", "2020-07-10", 4, "END")

    proved(world, (OWN, "2020-02", 1, family(4)), (OWN, "2020-03", -1, family(4)), (OWN, "2020-05", 1, family(4)))


def test_a_retracted_end_hides_nothing(world: World) -> None:
    """An END that was retracted leaves residence and sections as they are."""
    world.say("alpha-9101", "2020-02-10", 1, village=OWN, size=4)
    world.say("alpha-9101", "2020-03-10", 9, "RETRACT")
    world.say("alpha-9101", "2020-05-10", 2, village=OWN, size=5)

    proved(world, (OWN, "2020-02", 1, family(4)), (OWN, "2020-05", 1, {"people": 1}))


def test_an_end_of_one_claim_does_not_end_another(world: World) -> None:
    """Each claim has its own END: the household goes on where another source still lists it."""
    world.say("alpha-9101", "2020-02-10", 1, village=OWN, size=4)
    world.say("beta-9101", "2020-01-10", 1, village=DESA)
    world.say("alpha-9101", "2020-04-10", 9, "END")

    proved(
        world,
        (DESA, "2020-01", 1, family(0)),
        (DESA, "2020-02", -1, family(0)),
        (OWN, "2020-02", 1, family(4)),
        (OWN, "2020-04", -1, family(4)),
        (DESA, "2020-04", 1, family(4)),
    )


def test_an_end_hides_nothing_of_another_claim(world: World) -> None:
    """What another source says later, with a smaller revision of its own counting, stands."""
    world.say("alpha-9101", "2020-02-10", 1, village=OWN, size=4)
    world.say("alpha-9101", "2020-04-10", 9, "END")
    world.say("beta-9101", "2020-05-10", 1, village=DESA)

    proved(world, (OWN, "2020-02", 1, family(4)), (OWN, "2020-04", -1, family(4)), (DESA, "2020-05", 1, family(4)))


# ---- residence -----------------------------------------------------------------------------------------------------------


def test_an_old_register_that_restates_does_not_pull_the_family_back(world: World) -> None:
    """The claim whose run began latest holds, whatever another says again every month, and however well it is ranked."""
    world.say("alpha-9101", "2020-01-10", 1, village=OWN, size=4)
    world.say("gamma-9102", "2020-03-10", 1, village=NEAR, size=4)
    for month in ("04", "05", "06"):
        world.say("alpha-9101", f"2020-{month}-10", int(month), village=OWN, size=4)

    proved(world, (OWN, "2020-01", 1, family(4)), (OWN, "2020-03", -1, family(4)), (NEAR, "2020-03", 1, family(4)))


def test_a_run_is_broken_by_an_end_and_begins_anew(world: World) -> None:
    """The same village after an END is a new run, later than the other claim's."""
    world.say("alpha-9101", "2020-01-10", 1, village=OWN, size=4)
    world.say("gamma-9102", "2020-03-10", 1, village=NEAR, size=4)
    world.say("alpha-9101", "2020-04-10", 2, "END")
    world.say("alpha-9101", "2020-05-10", 3, village=OWN, size=4)

    proved(
        world,
        (OWN, "2020-01", 1, family(4)),
        (OWN, "2020-03", -1, family(4)),
        (NEAR, "2020-03", 1, family(4)),
        (NEAR, "2020-05", -1, family(4)),
        (OWN, "2020-05", 1, family(4)),
    )


def test_the_earlier_run_holds_again_when_the_later_ends(world: World) -> None:
    """A claim that was only overtaken is still alive."""
    world.say("alpha-9101", "2020-01-10", 1, village=OWN, size=4)
    world.say("gamma-9102", "2020-03-10", 1, village=NEAR, size=4)
    world.say("gamma-9102", "2020-06-10", 2, "END")

    proved(
        world,
        (OWN, "2020-01", 1, family(4)),
        (OWN, "2020-03", -1, family(4)),
        (NEAR, "2020-03", 1, family(4)),
        (NEAR, "2020-06", -1, family(4)),
        (OWN, "2020-06", 1, family(4)),
    )


def test_a_statement_without_residence_neither_begins_nor_breaks_a_run(world: World) -> None:
    """Residence goes on from statement to statement; a claim that never names a village holds nobody."""
    world.say("alpha-9101", "2020-02-10", 1, village=OWN, size=4)
    world.say("alpha-9101", "2020-04-10", 2, size=5)
    world.say("alpha-9101", "2020-05-10", 3, village=OWN)
    world.say("beta-9101", "2020-06-10", 1, size=8)
    world.say("gamma-9102", "2020-03-10", 1, village=NEAR)
    world.say("alpha-9101", "2020-01-10", 1, size=2, household=2)

    proved(
        world,
        (OWN, "2020-02", 1, family(4)),
        (OWN, "2020-03", -1, family(4)),
        (NEAR, "2020-03", 1, family(4)),
        (NEAR, "2020-04", 1, {"people": 1}),
    )


@pytest.mark.parametrize(
    ("first", "second", "holds"),
    [
        (("beta-9101", OWN), ("beta-9201", FAR), FAR),
        (("beta-9101", OWN), ("gamma-9102", NEAR), OWN),
        (("gamma-9102", NEAR), ("alpha-9102", NEAR), NEAR),
        (("alpha-9101", DESA), ("beta-9201", FAR), DESA),
    ],
    ids=["rank", "region", "source", "region of equal rank"],
)
@pytest.mark.parametrize("swapped", [False, True])
def test_runs_that_began_on_one_day_are_decided_by_rank_region_source(
    world: World, first: tuple[str, str], second: tuple[str, str], holds: str, swapped: bool
) -> None:
    """Of runs that began on one day the best rank holds, then the smallest regency, then the smallest source."""
    for claim, village in (second, first) if swapped else (first, second):
        world.say(claim, "2020-02-10", village=village, size=3)

    proved(world, (holds, "2020-02", 1, family(3)))


def test_equal_claims_of_one_regency_are_decided_by_the_source(world: World) -> None:
    """Rank and regency equal, alpha holds before gamma."""
    world.say("gamma-9102", "2020-02-10", village=OWN, size=3)
    world.say("alpha-9102", "2020-02-10", village=NEAR, size=3)

    proved(world, (NEAR, "2020-02", 1, family(3)))


# ---- the other sections --------------------------------------------------------------------------------------------------


def test_sections_come_from_the_regency_of_residence(world: World) -> None:
    """A move makes another regency's source speak for the size, from the month of the move."""
    world.say("alpha-9101", "2020-01-10", 1, village=OWN, size=3)
    world.say("gamma-9102", "2020-02-10", 1, size=5)
    world.say("gamma-9102", "2020-04-10", 2, village=NEAR)

    proved(world, (OWN, "2020-01", 1, family(3)), (OWN, "2020-04", -1, family(3)), (NEAR, "2020-04", 1, family(5)))


def test_within_the_regency_the_best_rank_speaks_however_old(world: World) -> None:
    """A worse source that spoke later does not change the size; before the better one spoke, it did."""
    world.say("beta-9101", "2020-01-10", 1, village=OWN, size=3)
    world.say("alpha-9101", "2020-03-10", 1, size=4)
    world.say("beta-9101", "2020-05-10", 2, size=9)

    proved(world, (OWN, "2020-01", 1, family(3)), (OWN, "2020-03", 1, {"people": 1}))


@pytest.mark.parametrize(
    ("claims", "size"),
    [
        ({"alpha-9101": 3, "beta-9101": 2, "alpha-9102": 6, "gamma-9102": 7}, 3),
        ({"gamma-9102": 7, "alpha-9102": 6, "beta-9101": 2}, 2),
        ({"gamma-9102": 7, "alpha-9102": 6}, 6),
        ({}, 0),
    ],
    ids=["rank", "region", "source", "nobody"],
)
def test_where_the_regency_is_silent_others_speak_in_order(world: World, claims: Mapping[str, int], size: int) -> None:
    """Other regencies' claims follow by rank, number of the regency and source; unknown size is no people."""
    world.say("beta-9201", "2020-02-10", village=FAR)
    for claim, people in claims.items():
        world.say(claim, "2020-01-10", size=people)

    proved(world, (FAR, "2020-02", 1, family(size)))


def test_sections_are_chosen_each_on_its_own(world: World) -> None:
    """Size and expenditure may come from different claims, and each goes on from what was said last."""
    world.line("national", "91.01", "all", "2019-01-01", 600_000)
    world.say("alpha-9101", "2020-01-10", 1, village=OWN, size=1)
    world.say("beta-9101", "2020-02-10", 1, size=7, expenditure=0)
    world.say("alpha-9101", "2020-03-10", 2, village=OWN)

    proved(world, (OWN, "2020-01", 1, family(1)), (OWN, "2020-02", -1, family(1)), (OWN, "2020-02", 1, broke(600_000)))


def test_expenditure_comes_from_the_best_rank_however_old(world: World) -> None:
    """What holds for the size holds for the expenditure: a worse source that spoke later does not change it."""
    world.line("national", "91.01", "all", "2019-01-01", 600_000)
    world.say("alpha-9101", "2020-01-10", 1, village=OWN, size=1, expenditure=0)
    world.say("beta-9101", "2020-03-10", 1, expenditure=5_000_000)

    proved(world, (OWN, "2020-01", 1, broke(600_000)))


def test_an_end_does_not_erase_what_was_said(world: World) -> None:
    """After a claim of the best source ended, its size still speaks; what the END hides does not."""
    world.say("alpha-9101", "2020-01-10", 1, village=OWN, size=3)
    world.say("beta-9101", "2020-01-10", 1, village=OWN, size=5)
    world.say("alpha-9101", "2020-02-10", 9, "END", village=FAR, size=8)
    world.say("alpha-9101", "2020-02-20", 2, size=6)

    proved(world, (OWN, "2020-01", 1, family(3)))


# ---- months --------------------------------------------------------------------------------------------------------------


def test_a_month_counts_what_stands_on_its_last_day(world: World) -> None:
    """What comes and goes within a month is not seen; an END on the last day ends the month already."""
    world.say("alpha-9101", "2020-02-29", 1, village=OWN, size=3)
    world.say("alpha-9101", "2020-03-05", 2, village=DESA)
    world.say("alpha-9101", "2020-03-06", 3, village=OWN)
    world.say("alpha-9101", "2020-04-30", 4, "END")
    world.say("alpha-9101", "2020-05-01", 1, village=OWN, size=3, household=2)
    world.say("alpha-9101", "2020-05-31", 2, "END", household=2)

    proved(world, (OWN, "2020-02", 1, family(3)), (OWN, "2020-04", -1, family(3)))


def test_what_began_before_the_first_month_counts_from_it(world: World) -> None:
    """Figures begin at the first month, with the state that stands on its last day."""
    world.say("alpha-9101", "2011-02-10", 1, village=DESA, size=3)
    world.say("alpha-9101", "2015-02-10", 2, village=OWN, size=4)
    world.say("alpha-9101", "2020-01-31", 3, size=5)
    world.say("alpha-9101", "2010-02-10", 1, village=OWN, size=3, household=2)
    world.say("alpha-9101", "2019-12-10", 2, "END", household=2)

    proved(world, (OWN, "2020-01", 1, family(5)))


# ---- lines ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("lines", "governs"),
    [
        ([("92.01", "urban", 5), ("92.01", "all", 6), ("92", "urban", 7), ("92", "all", 8), ("ID", "all", 9)], 5),
        ([("92.01", "rural", 5), ("92.01", "all", 6), ("92", "urban", 7), ("92", "all", 8)], 6),
        ([("91.01", "urban", 5), ("92", "urban", 7), ("92", "all", 8)], 7),
        ([("92", "rural", 7), ("92", "all", 8), ("ID", "urban", 9)], 8),
    ],
    ids=["regency", "regency, all", "province", "province, all"],
)
def test_the_nearest_national_line_governs(world: World, lines: list[tuple[str, str, int]], governs: int) -> None:
    """The regency's own line before its province's, urban before all."""
    for region, urbanisation, rupiah in lines:
        world.line("national", region, urbanisation, "2019-01-01", rupiah)
    world.say("beta-9201", "2020-02-10", village=FAR, size=1, expenditure=0)

    proved(world, (FAR, "2020-02", 1, broke(governs)))


def test_the_nations_line_does_not_govern_the_national_definition(world: World) -> None:
    """Where neither regency nor province has a line, welfare counts as not known."""
    world.line("national", "ID", "all", "2019-01-01", 600_000)
    world.say("beta-9201", "2020-02-10", village=FAR, size=1, expenditure=0)

    proved(world, (FAR, "2020-02", 1, family(1)))


@pytest.mark.parametrize(
    ("lines", "poor"),
    [
        ([("ID", "all", 500_000)], True),
        ([("ID", "all", 500_000), ("ID", "urban", 400_000)], False),
        ([("ID", "urban", 500_000), ("92", "all", 450_000)], False),
        ([("92", "all", 400_000), ("92.01", "all", 450_001)], True),
    ],
    ids=["nation, all", "nation, urban", "province", "regency"],
)
def test_the_nations_line_governs_extreme_poverty_last(world: World, lines: list[tuple[str, str, int]], poor: bool) -> None:
    """For extreme poverty the nation's line follows the province's."""
    for region, urbanisation, rupiah in lines:
        world.line("extreme", region, urbanisation, "2019-01-01", rupiah)
    world.say("beta-9201", "2020-02-10", village=FAR, size=1, expenditure=450_000)

    proved(world, (FAR, "2020-02", 1, extreme(poor=poor)))


def test_a_line_splits_the_months_where_it_changes(world: World) -> None:
    """A line counts from the month in which it begins, the latest wins, and a nearer one takes over when it begins."""
    world.line("national", "91", "all", "2019-01-01", 400_000)
    world.line("national", "91", "all", "2020-03-01", 410_000)
    world.line("national", "91", "all", "2020-03-31", 420_000)
    world.line("national", "91.01", "all", "2020-05-20", 300_000)
    world.line("national", "91", "all", "2020-07-01", 430_000)
    world.say("alpha-9101", "2020-01-15", 1, village=OWN, size=1, expenditure=0)
    world.say("alpha-9101", "2020-09-15", 2, "END")

    proved(
        world,
        (OWN, "2020-01", 1, broke(400_000)),
        (OWN, "2020-03", 1, {"rupiah_gap": 20_000}),
        (OWN, "2020-05", 1, {"rupiah_gap": -120_000}),
        (OWN, "2020-09", -1, broke(300_000)),
    )


def test_an_older_line_for_urban_governs_before_a_newer_one_for_all(world: World) -> None:
    """Which line is nearest is asked before which is latest."""
    world.line("national", "91.01", "urban", "2019-01-01", 600_000)
    world.line("national", "91.01", "all", "2020-02-01", 700_000)
    world.line("national", "91", "urban", "2020-03-01", 800_000)
    world.say("alpha-9101", "2020-01-15", village=OWN, size=1, expenditure=0)

    proved(world, (OWN, "2020-01", 1, broke(600_000)))


def test_before_the_first_line_welfare_is_not_known(world: World) -> None:
    """A household is counted before any line is in force, and becomes known with the line."""
    world.line("national", "91.01", "urban", "2020-04-01", 600_000)
    world.say("alpha-9101", "2020-02-10", village=OWN, size=1, expenditure=0)

    proved(world, (OWN, "2020-02", 1, family(1)), (OWN, "2020-04", -1, family(1)), (OWN, "2020-04", 1, broke(600_000)))
