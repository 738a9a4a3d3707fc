"""The truth's own lines: the same as the platform reads from the same file, but by code of its own."""

from pathlib import Path

from deploy.demo.days import month_of, month_text
from deploy.demo.lines import FIRST_MONTH, months, product_lines
from deploy.demo.truth import Line
from processors.store import reference
from processors.store.reference_sheets import read_lines

FILE = Path(__file__).parents[3] / "deploy" / "reference" / "poverty_lines.csv"


def test_both_readers_find_the_same_lines() -> None:
    """Truth and platform read alike what they read apart: a difference would be a mistake of one of them."""
    read = read_lines(FILE)
    read.refuse()

    assert product_lines() == [Line(one.definition, one.region, one.urbanisation, one.valid_from, one.rupiah) for one in read.rows]


def test_both_begin_with_the_same_month() -> None:
    """The truth's first month is the platform's, stated twice."""
    assert month_text(month_of(reference.FIRST_MONTH)) == FIRST_MONTH


def test_months_reach_the_last_line() -> None:
    """A line that begins after the last change of any household is a month of the truth, too."""
    lines = product_lines()

    assert months([], lines)[-1] == month_text(month_of(max(line.valid_from for line in lines)))
