"""The law, rule by rule, in tables computed by hand."""

from collections.abc import Iterable, Sequence
from datetime import date
from itertools import permutations
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from processors.indicators.catalogue import MEASURES
from processors.law import Statement, View, cell_changes, kept, newest, view, visible
from processors.months import month_of
from processors.reference import Line
from schemas.events import Operation
from tests.worlds import REFERENCE, reference, statements

# Regency 91.01 has the sources alpha (rank 1) and beta (2), 91.02 has alpha (2) and gamma (2), 92.01 has beta (1).
TOWN, DESA, OTHER, FAR = "91.01.01.1001", "91.01.01.2002", "91.02.01.2001", "92.01.01.1001"
JAN, MAR, MAY, JUL, SEP, DEC = (date(2020, month, 1) for month in (1, 3, 5, 7, 9, 12))
END, RETRACT = Operation.END, Operation.RETRACT


def said(valid_from: date, revision: int = 1, village: str | None = None, **more: Any) -> Statement:
    """Return what 91.01's alpha says, unless another claim is named."""
    claim = more.pop("claim", ("91.01", "alpha"))
    return Statement(claim[0], claim[1], valid_from, revision, more.pop("mapping", 1), more.pop("op", Operation.UPSERT), village, **more)


def lives(history: Iterable[Statement], *days: date) -> list[str | None]:
    """Return where a household lives on days."""
    seen = [view(kept(history), day, REFERENCE) for day in days]
    return [one.village if one else None for one in seen]


def sums(history: Iterable[Statement], measure: str, lines: tuple[Line, ...] | None = None) -> dict[tuple[str, str, str], int]:
    """Return the changes of one measure by village, urbanisation and month written as 2020-03; without zeros."""
    place = [one.name for one in MEASURES].index(measure)
    changes = cell_changes(kept(history), reference(lines=lines) if lines is not None else REFERENCE)
    named = {(village, kind, f"{1970 + month // 12}-{month % 12 + 1:02}"): row[place] for (village, kind, month), row in changes.items()}
    return {key: amount for key, amount in named.items() if amount}


# ---- which statements stand -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("stands", "falls"),
    [
        (said(JAN, 2, size=1), said(JAN, 1, size=9)),
        (said(JAN, 2, size=1), said(JAN, 1, size=9, mapping=9)),
        (said(JAN, 1, size=1, mapping=2), said(JAN, 1, size=9)),
        (said(JAN, 1, op=END), said(JAN, 1, size=9)),
        (said(JAN, 1, op=RETRACT), said(JAN, 1, op=END)),
        (said(JAN, 1, size=3), said(JAN, 1, size=2)),
        (said(JAN, 1, size=2), said(JAN, 1)),
        (said(JAN, 1, TOWN), said(JAN, 1)),
        (said(JAN, 1, DESA), said(JAN, 1, TOWN)),
        (said(JAN, 1, expenditure=0), said(JAN, 1)),
        (said(JAN, 1, expenditure=5, modelled=True), said(JAN, 1, expenditure=9)),
        (said(JAN, -5), said(JAN, -6)),
    ],
)
def test_the_greatest_revision_then_mapping_then_content_stands(stands: Statement, falls: Statement) -> None:
    """Of two statements of one claim and date the greater (revision, mapping version, content) stands, whichever came first."""
    assert stands == newest(falls, stands) == newest(stands, falls)
    assert [stands] == kept([falls, stands]) == kept([stands, falls])


@given(st.lists(statements(), max_size=8), st.randoms(use_true_random=False))
def test_order_and_repetition_do_not_show(history: list[Statement], dice: Any) -> None:
    """However often and in whatever order statements arrive, the same ones stand."""
    delivered = history + history[: len(history) // 2]
    dice.shuffle(delivered)

    assert set(kept(history)) == set(kept(delivered)) == set(kept(kept(history)))


def test_each_claim_and_date_keeps_its_own() -> None:
    """Region and source are in the key, so two that speak of one day both stand."""
    both = [said(JAN), said(JAN, claim=("91.01", "beta")), said(JAN, claim=("91.02", "alpha")), said(MAR)]

    assert both == kept(both)


# ---- END and RETRACT ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("end", "one", "is_visible"),
    [
        ((MAR, 5), (MAR, 4), None),  # the same date: one key, the END stands alone
        ((MAR, 5), (MAY, 4), False),  # later, and said before
        ((MAR, 5), (MAY, 5), True),  # of the same revision
        ((MAR, 5), (MAY, 6), True),  # later, and said since: it is back
        ((MAR, 5), (JAN, 4), True),  # dated before the END
    ],
)
def test_an_end_hides_what_was_said_before_it_of_its_date_and_later(
    end: tuple[date, int], one: tuple[date, int], is_visible: bool | None
) -> None:
    """An END dated D hides the claim's statements dated D or later of smaller revision, and no others."""
    shown = visible(kept([said(*end, op=END), said(*one, TOWN)]))

    assert (is_visible is True) == any(each.village == TOWN for each in shown)


def test_an_end_hides_later_ends_of_smaller_revision() -> None:
    """A death reported late, dated earlier, takes the place of an END that was said before it."""
    assert visible([said(MAR, 9, op=END), said(MAY, 3, op=END), said(JAN, 1, TOWN)]) == [said(JAN, 1, TOWN), said(MAR, 9, op=END)]


def test_an_end_of_another_claim_hides_nothing() -> None:
    """A register that lost a household says nothing about another register."""
    history = [said(JAN, 1, TOWN, claim=("91.01", "beta")), said(MAR, 9, op=END)]

    assert lives(history, JAN, MAY) == [TOWN, TOWN]


@pytest.mark.parametrize(
    ("history", "where"),
    [
        ([said(JAN, 1, TOWN), said(MAY, 2, op=END)], [TOWN, TOWN, None, None]),
        ([said(JAN, 1, TOWN), said(MAY, 2, op=END), said(JUL, 3, DESA)], [TOWN, TOWN, None, DESA]),
        ([said(JAN, 1, TOWN), said(MAY, 2, op=END), said(JUL, 3)], [TOWN, TOWN, None, None]),  # alive again only with a residence
        ([said(JAN, 1, TOWN), said(MAY, 3, op=END), said(JUL, 2, DESA)], [TOWN, TOWN, None, None]),  # restated meanwhile, death late
        ([said(JAN, 1, TOWN), said(MAY, 2, op=END), said(MAY, 3, op=RETRACT)], [TOWN, TOWN, TOWN, TOWN]),
        ([said(JAN, 1, TOWN), said(MAY, 2, op=END), said(JAN, 3, op=RETRACT)], [None, None, None, None]),
        ([said(JAN, 1, TOWN), said(JAN, 2, op=RETRACT), said(JAN, 3, DESA)], [DESA, DESA, DESA, DESA]),  # said again
        ([said(JAN, 1, TOWN), said(MAR, 2, DESA), said(MAR, 3, op=RETRACT)], [TOWN, TOWN, TOWN, TOWN]),
        ([said(JAN, 2, TOWN), said(JAN, 1, op=RETRACT)], [TOWN, TOWN, TOWN, TOWN]),  # an old retraction
    ],
)
def test_ends_retractions_and_returns(history: list[Statement], where: list[str | None]) -> None:
    """Residence on four days after ENDs, retractions and returns, in every order of arrival."""
    for delivered in permutations(history):
        assert where == lives(delivered, JAN, MAR, MAY, JUL)


def test_an_end_ends_residence_not_what_was_said() -> None:
    """Size and welfare said before an END go on when the household is back."""
    history = [said(JAN, 1, TOWN, size=4, expenditure=100, modelled=True), said(MAR, 2, op=END), said(MAY, 3, DESA)]

    assert view(history, MAR, REFERENCE) is None
    assert view(history, MAY, REFERENCE) == View(DESA, 4, 100, modelled=True)


def test_what_an_end_says_besides_does_not_count() -> None:
    """An END with a size or a village is an END."""
    history = [said(JAN, 1, TOWN, size=4), said(MAR, 2, DESA, size=9, op=END), said(MAY, 3, TOWN)]

    assert view(history, MAR, REFERENCE) is None
    assert view(history, MAY, REFERENCE) == View(TOWN, 4, None, modelled=False)


# ---- residence: runs ------------------------------------------------------------------------------------------------------


def gone_to(other: date, revision: int = 1, village: str = OTHER, **more: Any) -> Statement:
    """Return what 91.02's gamma says."""
    return said(other, revision, village, claim=("91.02", "gamma"), **more)


@pytest.mark.parametrize(
    ("history", "where"),
    [
        # A family that registers elsewhere has left, and an old register that restates every month does not pull it back.
        ([said(JAN, 1, TOWN), gone_to(MAR)], [TOWN, OTHER, OTHER, OTHER]),
        ([said(JAN, 1, TOWN), gone_to(MAR), *[said(day, 9, TOWN) for day in (MAR, MAY, JUL)]], [TOWN, OTHER, OTHER, OTHER]),
        # ... but a move within the old regency is news.
        ([said(JAN, 1, TOWN), gone_to(MAR), said(MAY, 2, DESA)], [TOWN, OTHER, DESA, DESA]),
        # END before, with, and after the new UPSERT: a gap, no gap, no difference.
        ([said(JAN, 1, TOWN), said(MAR, 2, op=END), gone_to(MAY)], [TOWN, None, OTHER, OTHER]),
        ([said(JAN, 1, TOWN), said(MAR, 2, op=END), gone_to(MAR)], [TOWN, OTHER, OTHER, OTHER]),
        ([said(JAN, 1, TOWN), gone_to(MAR), said(MAY, 2, op=END)], [TOWN, OTHER, OTHER, OTHER]),
        # The new regency loses it: the old one, which never ended it, has it again.
        ([said(JAN, 1, TOWN), gone_to(MAR), gone_to(MAY, 2, op=END)], [TOWN, OTHER, TOWN, TOWN]),
        # Back and forth: an END makes a new run begin in the same village.
        ([said(JAN, 1, TOWN), gone_to(MAR), said(MAY, 2, op=END), said(JUL, 3, TOWN)], [TOWN, OTHER, OTHER, TOWN]),
        # Without an END the same village again is the same run.
        ([said(JAN, 1, TOWN), gone_to(MAR), said(JUL, 3, TOWN)], [TOWN, OTHER, OTHER, OTHER]),
        # A statement that says nothing of residence goes on with the run.
        ([said(JAN, 1, TOWN), gone_to(MAR), said(MAY, 2, size=3)], [TOWN, OTHER, OTHER, OTHER]),
    ],
)
def test_moves_between_regencies(history: list[Statement], where: list[str | None]) -> None:
    """Residence on four days, in every order of arrival of up to four statements."""
    for delivered in permutations(history) if len(history) < 5 else [history, history[::-1]]:
        assert where == lives(delivered, JAN, MAR, MAY, JUL)


@pytest.mark.parametrize(
    ("one", "other", "holds"),
    [
        (said(JAN, 1, TOWN, claim=("91.01", "beta")), said(JAN, 1, DESA), DESA),  # rank 1 before 2
        (said(JAN, 1, DESA, claim=("91.01", "beta")), gone_to(JAN), DESA),  # equal ranks: the smaller region
        (said(JAN, 1, OTHER, claim=("91.02", "alpha")), gone_to(JAN, 9), OTHER),  # equal regions: the smaller source
        (said(JAN, 1, TOWN), said(JAN, 1, FAR, claim=("92.01", "beta")), TOWN),  # both rank 1: the smaller region
        (said(JAN, 1, TOWN), said(date(2020, 1, 2), 1, FAR, claim=("92.01", "beta")), FAR),  # a day later wins whatever its rank
    ],
)
def test_ties_of_runs(one: Statement, other: Statement, holds: str) -> None:
    """Of runs that began on one day the best-ranked claim holds, then the smaller region, then the smaller source."""
    assert [holds, holds] == lives([one, other], JAN if one.valid_from == other.valid_from else MAR, DEC)
    assert [holds] == lives([other, one], DEC)


# ---- the other sections ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("history", "day", "size"),
    [
        ([said(JAN, 1, TOWN)], MAY, None),
        ([said(JAN, 1, TOWN, size=2), said(MAR, 2, size=3)], JAN, 2),
        ([said(JAN, 1, TOWN, size=2), said(MAR, 2, size=3)], MAR, 3),
        ([said(JAN, 1, TOWN, size=2), said(MAR, 2)], MAY, 2),  # silence goes on
        # the better rank of the regency of residence, even where the worse one is newer
        ([said(JAN, 1, TOWN, size=2), said(MAR, 9, size=7, claim=("91.01", "beta"))], MAY, 2),
        ([said(JAN, 1, TOWN), said(MAR, 9, size=7, claim=("91.01", "beta"))], MAY, 7),
        # other regencies only where the regency's own are silent
        ([said(JAN, 1, TOWN), said(JAN, 1, size=5, claim=("92.01", "beta"))], MAY, 5),
        ([said(JAN, 1, TOWN, size=2), said(MAR, 1, size=5, claim=("92.01", "beta"))], MAY, 2),
        ([said(JAN, 1, TOWN), said(MAR, 1, size=2, claim=("91.01", "beta")), said(JAN, 1, size=5, claim=("92.01", "beta"))], JAN, 5),
        ([said(JAN, 1, TOWN), said(MAR, 1, size=2, claim=("91.01", "beta")), said(JAN, 1, size=5, claim=("92.01", "beta"))], MAR, 2),
        # after a move the new regency's own word counts, the old one's until it speaks
        ([said(JAN, 1, TOWN, size=2), gone_to(MAR)], MAR, 2),
        ([said(JAN, 1, TOWN, size=2), gone_to(MAR), gone_to(MAY, 2, size=6)], MAY, 6),
        # what an END hides was not said, nor what was retracted
        ([said(JAN, 1, TOWN, size=2), said(MAR, 1, size=3), said(MAR, 9, op=RETRACT)], MAY, 2),
        ([said(JAN, 1, TOWN, size=2), said(MAY, 1, size=3), said(MAR, 9, op=END), said(JUL, 10, TOWN)], JUL, 2),
    ],
)
def test_sections_come_from_the_best_source(history: list[Statement], day: date, size: int | None) -> None:
    """A section comes from the best-ranked source of the regency of residence that has said anything of it, there the latest."""
    for delivered in (history, history[::-1]):
        seen = view(kept(delivered), day, REFERENCE)
        assert seen is not None
        assert size == seen.size


def test_nobody_registered_comes_last() -> None:
    """What a source said whose registration is gone still stands, behind all others."""
    history = [said(JAN, 1, DESA, claim=("91.01", "gone")), said(JAN, 1, TOWN)]

    assert lives(history, JAN) == [TOWN]


# ---- from timeline to cells -----------------------------------------------------------------------------------------------


def test_a_household_counts_from_its_month_on_as_on_the_last_day() -> None:
    """Of several states in one month only the last counts; the month of the END no longer counts."""
    history = [
        said(date(2020, 3, 1), 1, TOWN, size=2),
        said(date(2020, 3, 30), 2, DESA, size=3),
        said(date(2020, 5, 31), 3, op=END),
    ]

    assert sums(history, "households") == {(DESA, "rural", "2020-03"): 1, (DESA, "rural", "2020-05"): -1}
    assert sums(history, "people") == {(DESA, "rural", "2020-03"): 3, (DESA, "rural", "2020-05"): -3}


def test_what_comes_and_goes_in_one_month_never_counts() -> None:
    """A household that ended within its first month is in no month's figure."""
    assert sums([said(date(2020, 3, 2), 1, TOWN, size=2), said(date(2020, 3, 31), 2, op=END)], "people") == {}


def test_before_the_first_month_nothing_counts() -> None:
    """What began before the first month counts from then, as it stood then; what ended before it never counts."""
    early, later = said(date(2015, 6, 1), 1, TOWN, size=2), said(date(2019, 12, 31), 2, size=5)

    assert sums([early, later], "people") == {(TOWN, "urban", "2020-01"): 5}
    assert sums([early, said(date(2019, 12, 31), 2, op=END)], "people") == {}
    assert sums([early, said(date(2020, 1, 31), 2, op=END)], "people") == {}
    assert sums([early, said(date(2020, 2, 1), 2, op=END)], "people") == {(TOWN, "urban", "2020-01"): 2, (TOWN, "urban", "2020-02"): -2}


def test_a_move_takes_from_one_village_and_gives_to_the_other() -> None:
    """A move changes two cells in its month, and the sum over both not at all."""
    history = [said(JAN, 1, TOWN, size=2), said(MAY, 2, DESA)]

    assert sums(history, "people") == {(TOWN, "urban", "2020-01"): 2, (TOWN, "urban", "2020-05"): -2, (DESA, "rural", "2020-05"): 2}


def national(*rupiah: tuple[date, int]) -> tuple[Line, ...]:
    """Return national lines of 91."""
    return tuple(Line("national", "91", "all", day, amount) for day, amount in rupiah)


def test_a_change_of_the_line_splits_a_state() -> None:
    """A line that rises past a household makes it poor from that month on, whichever day of the month the line begins."""
    lines = national((JAN, 500_000), (date(2020, 5, 31), 500_001), (date(2020, 9, 15), 400_000))
    history = [said(JAN, 1, TOWN, size=2, expenditure=1_000_000)]

    assert sums(history, "poor_people", lines) == {(TOWN, "urban", "2020-05"): 2, (TOWN, "urban", "2020-09"): -2}
    assert sums(history, "rupiah_gap", lines) == {(TOWN, "urban", "2020-05"): 2, (TOWN, "urban", "2020-09"): -2}


@pytest.mark.parametrize(("expenditure", "poor"), [(1_000_000, 0), (999_999, 2), (1_000_001, 0), (999_998, 2), (0, 2)])
def test_exactly_on_the_line_is_not_poor(expenditure: int, poor: int) -> None:
    """Poor is who is strictly below the line, by expenditure // size: one rupiah less in the household is less for each."""
    found = sums([said(JAN, 1, TOWN, size=2, expenditure=expenditure)], "poor_people", national((JAN, 500_000)))

    assert poor == found.get((TOWN, "urban", "2020-01"), 0)


def test_without_line_size_or_welfare_people_count_as_unknown() -> None:
    """A household of which something is missing counts in households and people and in no rate's denominator."""
    whole = {"size": 3, "expenditure": 900_000}
    lines = national((MAR, 500_000))

    for missing, known in (({}, {(TOWN, "urban", "2020-03"): 3}), ({"expenditure": None}, {}), ({"size": None}, {})):
        history = [said(JAN, 1, TOWN, **{**whole, **missing})]
        assert sums(history, "households", lines) == {(TOWN, "urban", "2020-01"): 1}
        assert known == sums(history, "known_people", lines)
        assert sums(history, "people", lines) == {(TOWN, "urban", "2020-01"): 3} or missing == {"size": None}


def test_every_cell_sums_to_the_state_of_its_month() -> None:
    """The stock of a month is the sum of the changes up to it: what the household contributes that month."""
    history: Sequence[Statement] = [said(JAN, 1, TOWN, size=2), gone_to(MAR), gone_to(MAY, 2, size=6), gone_to(JUL, 3, op=END)]
    by_month = dict.fromkeys(range(month_of(JAN), month_of(DEC) + 1), 0)
    place = [one.name for one in MEASURES].index("people")
    for (_, _, month), row in cell_changes(history, REFERENCE).items():
        by_month[month] += row[place]
    stock = [sum(amount for month, amount in by_month.items() if month <= upto) for upto in by_month]

    # While it is at OTHER, gamma of 91.02 has said nothing of its size until May; after July alpha has it again, with its own word.
    assert stock == [2, 2, 2, 2, 6, 6, 2, 2, 2, 2, 2, 2]
