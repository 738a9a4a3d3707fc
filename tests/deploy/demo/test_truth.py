"""Tests of the truth: figures by hand, and nothing shared with the platform."""

import ast
from dataclasses import asdict
from datetime import date
from importlib.resources import files

from deploy.demo.truth import Figures, Line, TruthRow, figures

KELURAHAN, DESA, ELSEWHERE = "51.01.01.1006", "51.01.01.2001", "31.74.01.1001"
LINES = [
    Line("national", "51", "urban", date(2024, 3, 1), 600_000),
    Line("national", "51", "rural", date(2024, 3, 1), 500_000),
    Line("national", "51.01", "all", date(2024, 5, 31), 800_000),
    Line("extreme", "ID", "all", date(2023, 3, 1), 300_000),
]


def row(village: str, size: int | None, expenditure: int | None, *, first: str = "2024-03", until: str | None = None) -> TruthRow:
    """Return a household in a village; what it spends was asked."""
    return TruthRow("9900000101240001", first, until, village, size, expenditure, None if expenditure is None else "OBSERVED")


ROWS = [
    row(KELURAHAN, 4, 1_800_000),  # 450,000 each: a quarter below the urban line
    row(KELURAHAN, 3, 1_800_000),  # exactly on the urban line: not poor
    row(DESA, 5, 1_250_003, until="2024-05"),  # 250,000 each, rounded down: half below the rural line, and extremely poor
    row(DESA, None, 900_000),
    row(DESA, 2, None),
    row(ELSEWHERE, 1, 100_000, first="2024-04"),  # no national line is known there
]


def nonzero(told: Figures) -> dict[str, int]:
    """Return those sums that are not 0."""
    return {name: amount for name, amount in asdict(told).items() if amount}


def test_a_village_by_hand() -> None:
    """A kelurahan is measured against the urban line; the household exactly on the line is vulnerable, not poor."""
    found = figures(ROWS, LINES, ["2024-03"])

    assert nonzero(found[KELURAHAN, "urban", "2024-03"]) == {
        "households": 2,
        "people": 7,
        "known_people": 7,
        "poor_households": 1,
        "poor_people": 4,
        "poverty_gap": 1_000_000_000,
        "poverty_severity": 250_000_000,
        "rupiah_gap": 600_000,
        "log_gap": 4 * 287_682_072,  # ln(600 / 450) = 0.287682072...
        "extreme_known_people": 7,
        "vulnerable_people": 3,
        "expenditure": 3_600_000,
    }


def test_what_is_unknown_counts_as_such() -> None:
    """Without size a household has no people, without expenditure its people are in no denominator."""
    found = figures(ROWS, LINES, ["2024-03"])

    assert nonzero(found[DESA, "rural", "2024-03"]) == {
        "households": 3,
        "people": 7,
        "known_people": 5,
        "poor_households": 1,
        "poor_people": 5,
        "poverty_gap": 2_500_000_000,
        "poverty_severity": 1_250_000_000,
        "rupiah_gap": 1_250_000,
        "log_gap": 5 * 693_147_181,  # ln 2 = 0.6931471806
        "extreme_known_people": 5,
        "extreme_poor_people": 5,
        "expenditure": 1_250_003,
    }


def test_regions_add_up_to_the_nation() -> None:
    """District, regency and province hold their villages, urban and rural apart and together; the nation holds all."""
    found = figures(ROWS, LINES, ["2024-04"])

    for region in ("51.01.01", "51.01", "51"):
        assert found[region, "urban", "2024-04"] == found[KELURAHAN, "all", "2024-04"]
        assert found[region, "rural", "2024-04"] == found[DESA, "rural", "2024-04"]
        assert (found[region, "all", "2024-04"].households, found[region, "all", "2024-04"].poverty_gap) == (5, 3_500_000_000)
    assert (found["ID", "all", "2024-04"].households, found["ID", "all", "2024-04"].people) == (6, 15)
    assert found["ID", "urban", "2024-04"].households == 3


def test_a_household_counts_in_its_months_only() -> None:
    """It is there from its first month up to, but not including, the one it is until; before and after it is nowhere."""
    months = ["2024-02", "2024-03", "2024-04", "2024-05"]
    found = figures(ROWS, LINES, months)

    assert [found.get((DESA, "rural", month), Figures()).households for month in months] == [0, 3, 3, 2]


def test_a_line_governs_from_the_month_it_begins_in() -> None:
    """A line of the regency that begins on the month's last day governs that month, before the province's."""
    found = figures(ROWS, LINES, ["2024-04", "2024-05"])

    assert found[KELURAHAN, "urban", "2024-04"].poor_people == 4
    assert found[KELURAHAN, "urban", "2024-05"].poor_people == 7


def test_where_no_line_governs_only_extreme_poverty_is_known() -> None:
    """The nation's line governs extreme poverty and nothing else."""
    found = figures([*ROWS], [*LINES, Line("national", "ID", "all", date(2020, 1, 1), 500_000)], ["2024-04"])

    assert nonzero(found[ELSEWHERE, "urban", "2024-04"]) == {
        "households": 1,
        "people": 1,
        "extreme_known_people": 1,
        "extreme_poor_people": 1,
    }


def test_nothing_spent_is_wholly_poor_and_has_no_logarithm() -> None:
    """A household that spends nothing has a gap of 1 and is counted apart from the Watts index."""
    found = figures([row(DESA, 2, 0)], LINES, ["2024-03"])[DESA, "all", "2024-03"]

    assert (found.poverty_gap, found.poverty_severity, found.log_gap, found.zero_expenditure_people) == (2 * 10**9, 2 * 10**9, 0, 2)


def test_a_row_travels_as_json() -> None:
    """A row comes back from its record as it was."""
    assert TruthRow.from_record(ROWS[2].as_record()) == ROWS[2]


def imports_of(module: str) -> set[str]:
    """Return the modules that a module of the demo imports."""
    tree = ast.parse((files("deploy") / "demo" / f"{module}.py").read_text(encoding="utf-8"))
    plain = {name.name for node in ast.walk(tree) if isinstance(node, ast.Import) for name in node.names}
    return plain | {node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}


def test_the_simulated_world_shares_no_code_with_the_platform() -> None:
    """Neither the simulated world's process nor its truth nor that one's lines import anything outside the demo, by whatever detour."""
    ours = ("producers", "processors", "schemas", "deploy", "tests")
    known, todo = set(), {"world", "truth", "lines"}
    while todo:
        module = todo.pop()
        known.add(module)
        for name in imports_of(module):
            if name.partition(".")[0] in ours:
                assert name.startswith("deploy.demo."), f"{module} imports {name}"
                todo |= {name.removeprefix("deploy.demo.")} - known

    assert {"carik", "control", "life", "residence", "sddd"} <= known
