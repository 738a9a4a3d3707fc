"""Verify's law in SQL, held against numbers that a person computed: months, and the poverty lines in force."""

import pytest

from tests.processors.store.test_verify_law import DESA, FAR, OWN, broke, family, proved
from tests.processors.store.verify_world import World


def extreme(*, poor: bool) -> dict[str, int]:
    """What a person alone adds who spends 450,000 rupiah where only an extreme line is in force."""
    return {"households": 1, "people": 1, "extreme_known_people": 1, "extreme_poor_people": int(poor)}


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
