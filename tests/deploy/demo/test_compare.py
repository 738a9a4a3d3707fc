"""The comparison with the truth: what is lost or invented in any month shows, the last one included."""

import pytest

from deploy.demo.compare import Sums, compared

JANUARY, FEBRUARY, MARCH = (("31", "all", f"2024-0{month}") for month in (1, 2, 3))
TRUTH: Sums = {JANUARY: {"people": 4, "poor_people": 1}, FEBRUARY: {"people": 5, "poor_people": 1}}


def test_equal_sides_do_not_differ() -> None:
    """Equal sums are counted, and nothing differs."""
    found = compared(dict(TRUTH), TRUTH)

    assert (found.numbers, found.differences) == (4, ())


@pytest.mark.parametrize("longer", ["published", "truth"])
def test_a_side_that_ends_earlier_goes_on_with_its_last_sums(longer: str) -> None:
    """A month in which nothing changed any more may stand on one side only."""
    more = {**TRUTH, MARCH: TRUTH[FEBRUARY]}

    found = compared(more, TRUTH) if longer == "published" else compared(TRUTH, more)

    assert (found.numbers, found.differences) == (6, ())


def test_what_was_lost_in_the_last_month_shows() -> None:
    """Where every change of the last month is lost, published figures end a month earlier, and differ there."""
    found = compared({JANUARY: TRUTH[JANUARY]}, TRUTH)

    assert found.differences == ((*FEBRUARY, "people", 4, 5),)


def test_what_was_invented_after_the_last_month_shows() -> None:
    """A wrong figure in a month after the last true change differs."""
    found = compared({**TRUTH, MARCH: {"people": 9, "poor_people": 1}}, TRUTH)

    assert found.differences == ((*MARCH, "people", 9, 5),)


def test_a_region_that_is_gone_is_not_carried() -> None:
    """A region without any figure in its side's last month has none later; a region that only one side has differs."""
    other = ("51", "all", "2024-01")

    found = compared({**TRUTH, other: {"people": 0, "poor_people": 0}, MARCH: TRUTH[FEBRUARY]}, {**TRUTH, other: {"people": 2}})

    assert found.differences == ((*other, "people", 0, 2),)


def test_nothing_published_differs_everywhere() -> None:
    """Where nothing was published at all, every true number differs."""
    assert len(compared({}, TRUTH).differences) == 4
