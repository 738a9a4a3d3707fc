"""How a household stands: quantised once, exactly on its boundaries, and alike for one household and for arrays."""

import math
from decimal import Decimal, getcontext

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from processors.indicators import standing as module
from processors.indicators.catalogue import MEASURES, contribution, contributions
from processors.indicators.standing import NOTHING, PPB, Standing, log_gap, log_gaps, standing, standings

LINE = 600_000
_RUPIAH = st.integers(0, 10**12) | st.integers(1_199_990, 1_200_010)
_LINES = st.sampled_from([NOTHING, 1, 2, 300_000, LINE, 10**8]) | st.integers(1, 10**8)
_HOUSEHOLD = st.tuples(st.sampled_from([NOTHING, 1, 2, 3, 100]), st.just(NOTHING) | _RUPIAH, st.integers(0, 1), _LINES, _LINES)


@pytest.mark.parametrize(
    ("size", "expenditure", "line", "poor", "gap"),
    [
        (4, 4 * LINE, LINE, 0, 0),  # exactly on the line
        (4, 4 * LINE - 1, LINE, 1, 1_666),  # one rupiah less in the household: each has one less, 1/600,000 = 1,666.6 parts per billion
        (4, 4 * LINE + 3, LINE, 0, 0),
        (1, LINE - 1, LINE, 1, 1_666),
        (2, 0, LINE, 1, PPB),  # nothing at all: the whole line is missing
        (3, 900_000, LINE, 1, PPB // 2),
        (3, 900_002, LINE, 1, PPB // 2),  # each: rounded down
        (1, 2, 3, 1, 333_333_333),  # rounded down
    ],
)
def test_poor_is_strictly_below_the_line(size: int, expenditure: int, line: int, poor: int, gap: int) -> None:
    """Expenditure per person, poverty and gap on and around the line."""
    one = standing(size, expenditure, 0, line, NOTHING)

    assert (expenditure // size, poor, gap) == (one.each, one.poor, one.gap)


@pytest.mark.parametrize(
    ("size", "expenditure", "line", "extreme", "known"),
    [
        (2, 100, LINE, LINE, (1, 1)),
        (NOTHING, 100, LINE, LINE, (0, 0)),
        (2, NOTHING, LINE, LINE, (0, 0)),
        (2, 100, NOTHING, LINE, (0, 1)),
        (2, 100, LINE, NOTHING, (1, 0)),
        (2, 0, LINE, LINE, (1, 1)),  # spending nothing is known
    ],
)
def test_what_is_missing_is_unknown(size: int, expenditure: int, line: int, extreme: int, known: tuple[int, int]) -> None:
    """Welfare is known where size, expenditure and the line are, for each line of its own."""
    one = standing(size, expenditure, 0, line, extreme)

    assert known == (one.known, one.extreme_known)
    assert one.poor <= one.known


@given(st.lists(_HOUSEHOLD, min_size=1, max_size=20))
@settings(max_examples=200, deadline=None)
def test_arrays_stand_as_single_households(households: list[tuple[int, int, int, int, int]]) -> None:
    """Every measure of many households at once is that of each alone."""
    many = standings(*(np.array(column, np.int64) for column in zip(*households, strict=True)))

    assert [list(contribution(standing(*one))) for one in households] == contributions(many).T.tolist()


# ---- logarithms -----------------------------------------------------------------------------------------------------------


def rounded_log(line: int, each: int) -> int:
    """Return ln(line / each) x 1e9 rounded to the nearest, from 60 digits."""
    getcontext().prec = 60
    exact = (Decimal(line).ln() - Decimal(each).ln()) * PPB
    return int((exact + Decimal("0.5")).to_integral_value("ROUND_FLOOR"))


@given(st.lists(st.tuples(st.integers(1, 10**8), st.integers(1, 10**8)), min_size=1, max_size=30))
@settings(max_examples=100, deadline=None)
def test_logarithms_are_rounded_correctly(pairs: list[tuple[int, int]]) -> None:
    """By doubles or by decimal, one by one or many, the logarithm is the correctly rounded one."""
    line, each = (np.array(column, np.int64) for column in zip(*pairs, strict=True))
    expected = [rounded_log(*pair) for pair in pairs]

    assert expected == log_gaps(line, each).tolist() == [log_gap(*pair) for pair in pairs]


WRONG_BY_DOUBLES = (
    (98_453_679, 6_172_486),
    (49_305_648, 803_229),
    (51_055_559, 5_282_669),
    (41_552_644, 4_211_852),
    (49_948_325, 2_804_586),
    (66_972_943, 4_365_352),
    (54_655_161, 9_150_214),
    (76_912_293, 241_453),
)
"""Lines and expenditures, found among 100 million pairs, whose scaled logarithm a double rounds to the wrong side."""


def test_where_a_double_cannot_decide_decimal_does() -> None:
    """Pairs on which doubles are wrong come out right."""
    line, each = (np.array(column, np.int64) for column in zip(*WRONG_BY_DOUBLES, strict=True))
    expected = [rounded_log(*pair) for pair in WRONG_BY_DOUBLES]

    assert expected == log_gaps(line, each).tolist()


def test_the_doubt_is_wider_than_a_doubles_error() -> None:
    """A double's error of ln(line / each) x 1e9 stays far below the distance from which `decimal` is asked."""
    generator = np.random.default_rng(6)
    for _ in range(300):
        line, each = (int(one) for one in generator.integers(1, 10**8, 2))
        getcontext().prec = 60
        exact = (Decimal(line).ln() - Decimal(each).ln()) * PPB
        assert abs(Decimal(math.log(line / each) * PPB) - exact) < Decimal(module._DOUBT) / 4


def test_measures_add_up_in_64_bits() -> None:
    """Three hundred million people, each as extreme as admitted, stay below 2^63 in every measure but the household's own rupiah."""
    worst = Standing(
        size=100, known=1, extreme_known=1, expenditure=10**12, each=1, line=10**8, extreme_line=10**8, modelled=1, log_gap=19 * PPB
    )
    households = 3_000_000
    sums = {measure.name: int(amount) * households for measure, amount in zip(MEASURES, contribution(worst), strict=True)}

    assert {name for name, amount in sums.items() if amount >= 2**63} <= {"expenditure"}
    assert 300_000_000 * 30_000_000 < 2**63  # rupiah: a mean of thirty million each, ten times today's
