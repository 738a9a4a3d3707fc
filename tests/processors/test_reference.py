"""Which line governs, who may speak, and that the arrays say the same."""

from datetime import date

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from processors.indicators.standing import NOTHING
from processors.months import month_of
from processors.reference import Line, number_of
from tests.worlds import REFERENCE, SMALL_VILLAGES, reference

NATION, PROVINCE, REGENCY = "ID", "91", "91.01"
JAN, MAR, JUN = month_of(date(2020, 1, 1)), month_of(date(2020, 3, 1)), month_of(date(2020, 6, 1))


def line(definition: str, region: str, kind: str, begins: date, rupiah: int) -> Line:
    """Return a line."""
    return Line(definition, region, kind, begins, rupiah)


@pytest.mark.parametrize(
    ("lines", "definition", "urbanisation", "month", "rupiah"),
    [
        # the regency's own before its province's, urban or rural before all
        ([(REGENCY, "all", 1), (PROVINCE, "urban", 2), (PROVINCE, "all", 3)], "national", "urban", JAN, 1),
        ([(PROVINCE, "urban", 2), (PROVINCE, "all", 3)], "national", "urban", JAN, 2),
        ([(PROVINCE, "urban", 2), (PROVINCE, "all", 3)], "national", "rural", JAN, 3),
        ([(PROVINCE, "urban", 2)], "national", "rural", JAN, NOTHING),
        # the nation's only for the extreme definition
        ([(NATION, "all", 4)], "national", "urban", JAN, NOTHING),
        ([(NATION, "all", 4)], "extreme", "urban", JAN, 4),
        ([(NATION, "rural", 4), (PROVINCE, "all", 5)], "extreme", "rural", JAN, 5),
        # another province's or regency's governs nobody here
        ([("92", "all", 6), ("91.02", "all", 7), ("92.01", "all", 8)], "national", "urban", JAN, NOTHING),
    ],
)
def test_which_line_governs(lines: list[tuple[str, str, int]], definition: str, urbanisation: str, month: int, rupiah: int) -> None:
    """The order of owners and kinds, for a village of 91.01."""
    world = reference(lines=tuple(line(definition, region, kind, date(2020, 1, 1), amount) for region, kind, amount in lines))

    assert rupiah == world.line(definition, REGENCY, urbanisation, month)


def test_a_line_governs_from_the_month_in_which_it_begins() -> None:
    """Whatever the day, until the next one of its own series; before the first, the next owner's governs."""
    world = reference(
        lines=(
            line("national", REGENCY, "all", date(2020, 3, 31), 10),
            line("national", REGENCY, "all", date(2020, 6, 1), 20),
            line("national", PROVINCE, "all", date(2020, 2, 1), 5),
        )
    )

    assert [world.line("national", REGENCY, "urban", month) for month in range(JAN, JAN + 7)] == [NOTHING, 5, 10, 10, 10, 20, 20]
    assert world.line_begins("national", REGENCY, "urban", MAR) == date(2020, 3, 31)
    assert world.line_begins("national", REGENCY, "urban", JAN) is None


_LINES = st.lists(
    st.builds(
        Line,
        st.sampled_from(["national", "extreme"]),
        st.sampled_from(["ID", "91", "92", "91.01", "91.02", "92.01"]),
        st.sampled_from(["urban", "rural", "all"]),
        st.dates(date(2019, 1, 1), date(2021, 12, 31)),
        st.integers(1, 10**8),
    ),
    max_size=12,
    unique_by=lambda one: (one.definition, one.region, one.urbanisation, one.valid_from),
)


@given(_LINES)
def test_segments_are_the_lines_month_by_month(lines: list[Line]) -> None:
    """The arrays give every village in every month the lines that the definition gives it."""
    world = reference(lines=tuple(lines))
    segments = world.segments
    assert np.all(np.diff(segments.key) > 0)
    for at, village in enumerate(world.villages):
        for month in range(month_of(date(2018, 12, 1)), month_of(date(2022, 2, 1))):
            row = int(np.searchsorted(segments.key, int(world.village_group[at]) << 20 | month, "right")) - 1
            regency, kind = world.regency_of(village.code) or "", world.urbanisation_of(village.code)
            expected = world.line("national", regency, kind, month), world.line("extreme", regency, kind, month)
            assert expected == (segments.national[row], segments.extreme[row])


def test_arrays_over_villages_say_what_the_regions_say() -> None:
    """Number, id, regency and urbanisation of each village, in the order of their numbers."""
    codes = [one.code for one in REFERENCE.villages]

    assert sorted(SMALL_VILLAGES, key=number_of) == codes
    assert [number_of(code) for code in codes] == REFERENCE.village_number.tolist()
    assert [REFERENCE.regions[code].id for code in codes] == REFERENCE.village_id.tolist()
    assert [number_of(code[:5]) for code in codes] == REFERENCE.village_regency.tolist()
    assert [code[9] == "1" for code in codes] == REFERENCE.village_urban.astype(bool).tolist()


def test_claimants_are_ordered_by_rank_region_and_source() -> None:
    """The order of claims that ties of runs are settled by; a number that nobody has comes last."""
    ordered = sorted(REFERENCE.registrations, key=lambda one: REFERENCE.claimant_order[one.claimant])

    assert [(one.rank, one.region, one.source) for one in ordered] == [
        (1, "91.01", "alpha"),
        (1, "92.01", "beta"),
        (2, "91.01", "beta"),
        (2, "91.02", "alpha"),
        (2, "91.02", "gamma"),
    ]
    assert REFERENCE.claimant_order[5] > max(REFERENCE.claimant_order[one.claimant] for one in REFERENCE.registrations)
    assert [number_of(one.region) for one in ordered] == [REFERENCE.claimant_region[one.claimant] for one in ordered]


def test_ancestors() -> None:
    """A region's ancestors by level, itself included; none where there is none."""
    assert [REFERENCE.ancestor("91.01.01.1001", level) for level in ("village", "district", "regency", "province", "nation")] == [
        "91.01.01.1001",
        "91.01.01",
        "91.01",
        "91",
        "ID",
    ]
    assert REFERENCE.ancestor("91.01", "village") is None
    assert REFERENCE.ancestor("nowhere", "nation") is None
    assert REFERENCE.regency_of("91.01") is None
