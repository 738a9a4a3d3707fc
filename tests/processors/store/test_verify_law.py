"""Verify's law in SQL, held against numbers that a person computed: which statements are visible, residence, sections."""

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
