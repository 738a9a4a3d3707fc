"""Measures and indicators, hand-computed: the worked example, the class bounds, and where there is no value."""

import csv
import random
from collections import Counter
from collections.abc import Iterable
from datetime import date
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from processors.columns.merge import merge
from processors.columns.statements import STATEMENT, pack
from processors.indicators.catalogue import CATALOGUE_HASH, DERIVED, INDICATORS, MEASURES, contribution, indicators
from processors.indicators.standing import NOTHING, PPB, standing
from processors.law import Statement
from processors.reference import Line
from schemas.events import Operation
from tests.worlds import reference

NAMES = [one.name for one in MEASURES]
EXAMPLE = (200, 350, 500, 650, 900, 1200, 1500, 2600)
"""Expenditure per person of the worked example, with a line of 600; here in thousands of rupiah."""


def summed(households: Iterable[tuple[int, int]], line: int, extreme_line: int = NOTHING) -> dict[str, int]:
    """Return the sums of measures of households given as (size, expenditure)."""
    rows = [contribution(standing(size, expenditure, 0, line, extreme_line)) for size, expenditure in households]
    return dict(zip(NAMES, map(sum, zip(*rows, strict=True)), strict=True))


@pytest.mark.parametrize("size", [1, 3])
def test_the_worked_example(size: int) -> None:
    """P0 3/8, P1 5/32, P2 31/384, I 5/12 and Watts of the eight households, to a person's rounding of 1e-9."""
    sums = summed([(size, size * each * 1000) for each in EXAMPLE], 600_000)
    found = indicators(sums)

    people = 8 * size
    assert (people, people, 3 * size, 3) == (sums["people"], sums["known_people"], sums["poor_people"], sums["poor_households"])
    # Gaps 2/3, 5/12, 1/6 of each person, rounded down to 1e-9: 666666666, 416666666, 166666666; their squares likewise.
    assert sums["poverty_gap"] == size * (666_666_666 + 416_666_666 + 166_666_666)
    assert sums["poverty_severity"] == size * (444_444_443 + 173_611_110 + 27_777_777)
    assert sums["rupiah_gap"] == size * (400_000 + 250_000 + 100_000)
    for name, exact in (("p0", Fraction(3, 8)), ("p1", Fraction(5, 32)), ("p2", Fraction(31, 384)), ("income_gap_ratio", Fraction(5, 12))):
        value = found[name]
        assert value is not None
        assert 0 <= exact - Fraction(value) < Fraction(3, PPB)
    watts = found["watts"]
    assert watts is not None
    assert round(watts, 7) == 0.2274913
    assert found["mean_expenditure"] == sum(EXAMPLE) * 1000 / 8


@pytest.mark.parametrize(
    ("each", "kind"),
    [
        (582_931, "poor"),
        (582_932, "vulnerable"),
        (874_397, "vulnerable"),
        (874_398, "aspiring"),
        (2_040_261, "aspiring"),
        (2_040_262, "middle"),
        (9_909_843, "middle"),
        (9_909_844, "upper"),
    ],
)
def test_the_class_bounds(each: int, kind: str) -> None:
    """The bounds of March 2024, 874,398 / 2,040,262 / 9,909,844 for a line of 582,932; a value on a bound belongs above it."""
    sums = summed([(3, 3 * each)], 582_932)

    assert {f"{kind}_people": 3} == {
        name: sums[name] for name in ("poor_people", "vulnerable_people", "aspiring_people", "middle_people", "upper_people") if sums[name]
    }


@pytest.mark.parametrize("line", [1, 3, 400_001, 582_932])
def test_the_classes_share_out_all_known_people(line: int) -> None:
    """Every known person is in exactly one of five classes, with odd lines too, whose bounds are no whole rupiah."""
    kinds = ("poor_people", "vulnerable_people", "aspiring_people", "middle_people", "upper_people")
    edges = {max(0, line * times // 2 + step) for times in (0, 2, 3, 7, 34) for step in (-1, 0, 1)}
    for each in edges:
        sums = summed([(1, each)], line)
        assert sum(sums[kind] for kind in kinds) == sums["known_people"] == 1


def test_extreme_poverty_has_a_line_of_its_own() -> None:
    """Strictly below the extreme line, whoever else is poor; without one there is no rate."""
    households = [(2, 599_999), (2, 600_000), (3, 3_000_000)]
    sums = summed(households, 500_000, 300_000)

    assert (sums["extreme_poor_people"], sums["extreme_known_people"], sums["poor_people"]) == (2, 7, 4)
    assert indicators(sums)["extreme_p0"] == 2 / 7
    assert indicators(summed(households, 500_000))["extreme_p0"] is None


def test_the_share_whose_welfare_is_modelled() -> None:
    """Of ten people four are of unknown welfare, and of the six that are known two live in a household whose spending is a model's: 1/3."""
    rows = [
        standing(2, 1_000_000, 1, 600_000, NOTHING),
        standing(4, 3_000_000, 0, 600_000, NOTHING),
        standing(4, NOTHING, 1, 600_000, NOTHING),
    ]
    sums = dict(zip(NAMES, map(sum, zip(*map(contribution, rows), strict=True)), strict=True))

    assert (sums["people"], sums["known_people"], sums["modelled_people"]) == (10, 6, 2)
    assert indicators(sums)["modelled_share"] == pytest.approx(1 / 3, abs=1e-12)
    assert indicators(summed([(2, 1_000_000)], 600_000))["modelled_share"] == 0


def test_who_spends_nothing_is_left_out_of_watts_and_counted() -> None:
    """ln(line / 0) has no value: such people are in P0, in the denominator, and in a count of their own."""
    sums = summed([(2, 0), (2, 600_000)], 600_000)

    assert (sums["zero_expenditure_people"], sums["poor_people"]) == (2, 4)
    assert indicators(sums)["watts"] == pytest.approx(2 * 0.693147181 / 4, abs=1e-9)


def test_without_anybody_there_is_no_ratio() -> None:
    """A denominator of 0 gives no value, never a zero."""
    assert set(indicators(dict.fromkeys(NAMES, 0)).values()) == {None}


def test_the_catalogue_is_whole() -> None:
    """Every name stands once, and every indicator is made of measures that exist."""
    names = [*NAMES, *(one.name for one in DERIVED), *(one.name for one in INDICATORS)]

    assert [name for name, count in Counter(names).items() if count > 1] == []
    assert {one.numerator for one in INDICATORS} | {one.denominator for one in INDICATORS} <= set(NAMES)
    assert {name for one in DERIVED for name in one.plus + one.minus} <= set(NAMES)
    assert len(CATALOGUE_HASH) == 64


# ---- the synthetic survey -------------------------------------------------------------------------------------------------

KNOWN = {"p0": 0.7333513, "p1": 0.3957584, "p2": 0.2534849, "watts": 0.6899868}
"""What the survey's own project computes; in Watts the one row without welfare is left out above, not below the line of the fraction."""
VILLAGE = {"urban": "91.01.01.1001", "rural": "91.01.01.2002"}


def survey() -> list[tuple[int, Fraction, str]]:
    """Return weight, welfare in rupiah and area of each row of World Bank wbpip's synthetic test data (MIT licence)."""
    with (Path(__file__).parent / "synthetic_survey.csv").open(encoding="utf-8") as file:
        return [(int(float(row["weight"])), Fraction(row["welfare"]), row["area"]) for row in csv.DictReader(file)]


def test_the_synthetic_survey() -> None:
    """
    Pushed as changes in random order, some of them wrong first and twice, the survey gives its known figures to six digits.

    A row is a household of `weight` people; welfare and line (the unweighted mean) are rounded to whole rupiah, which moves no figure
    by as much as 1e-7.
    """
    rows = survey()
    world = reference(lines=(Line("national", "91", "all", date(2020, 1, 1), round(sum(one[1] for one in rows) / len(rows))),))
    said = []
    for number, (weight, welfare, area) in enumerate(rows):
        right = Statement("91.01", "alpha", date(2020, 1, 1), 2, 1, Operation.UPSERT, VILLAGE[area], weight, weight * round(welfare))
        wrong = Statement("91.01", "alpha", date(2020, 1, 1), 1, 1, Operation.UPSERT, VILLAGE["urban"], 1, 10**9)
        said += [(number, right)] * (1 + number % 2) + [(number, wrong)] * (number % 3 == 0)
    random.Random(11).shuffle(said)  # noqa: S311 - an order, not a secret

    held = np.empty(0, STATEMENT)
    held_of = np.empty(0, np.int64)
    total = np.zeros(len(MEASURES), np.int64)
    for begin in range(0, len(said), 700):
        batch = said[begin : begin + 700]
        numbers = np.array([number for number, _ in batch], np.int64)
        mine = np.isin(held_of, numbers)
        done = merge(len(rows), pack((one for _, one in batch), world), numbers, held[mine], held_of[mine], world)
        stays = ~np.isin(held_of, done.changed)
        kept = np.empty(int(stays.sum()) + len(done.statements), STATEMENT)
        kept[: int(stays.sum())], kept[int(stays.sum()) :] = held[stays], done.statements
        held, held_of = kept, np.concatenate((held_of[stays], done.household))
        total += done.cells.amounts.sum(axis=0)

    found = indicators(dict(zip(NAMES, total.tolist(), strict=True)))
    assert {name: round(value, 6) for name, value in KNOWN.items()} == {name: round(found[name] or 0, 6) for name in KNOWN}
    assert {name: abs((found[name] or 0) - value) < 1e-7 for name, value in KNOWN.items()} == dict.fromkeys(KNOWN, True)
    assert total[NAMES.index("zero_expenditure_people")] == sum(weight for weight, welfare, _ in rows if welfare == 0)
