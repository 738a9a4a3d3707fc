"""The sheets that come with the product can be loaded as they are, and speak of regions that come with it too."""

from datetime import date
from pathlib import Path

import pytest

import deploy.reference
from deploy.reference.regions import RegionRow, regions
from processors.store.reference_sheets import LineRow, read_lines, read_sources

HERE = Path(deploy.reference.__path__[0])
NEW_PROVINCES = {"93", "94", "95", "96"}


@pytest.fixture(scope="module")
def lines() -> dict[tuple[object, ...], LineRow]:
    """The product's poverty lines by their key."""
    sheet = read_lines(HERE / "poverty_lines.csv")
    sheet.refuse()
    return {one.key: one for one in sheet.rows}


@pytest.fixture(scope="module")
def upper() -> dict[str, RegionRow]:
    """Nation, provinces and regencies by code."""
    return {one.code: one for one in regions() if one.level in {"nation", "province", "regency"}}


def test_no_line_stands_twice(lines: dict[tuple[object, ...], LineRow]) -> None:
    """There are 169 lines, each with a key of its own, each of a region that exists."""
    assert len(lines) == 169


def test_lines_belong_to_regions_that_exist(lines: dict[tuple[object, ...], LineRow], upper: dict[str, RegionRow]) -> None:
    """No line is of a code of the other system that does not exist in ours."""
    assert {one.region for one in lines.values()} <= upper.keys()


@pytest.mark.parametrize(
    ("region", "urbanisation", "since", "rupiah"),
    [
        ("31", "urban", date(2024, 3, 1), 825_288),
        ("31", "urban", date(2023, 3, 1), 792_515),
        ("ID", "all", date(2024, 3, 1), 582_932),
        ("ID", "all", date(2023, 3, 1), 550_458),
        ("35.10", "all", date(2024, 3, 1), 470_713),
    ],
)
def test_published_lines(lines: dict[tuple[object, ...], LineRow], region: str, urbanisation: str, since: date, rupiah: int) -> None:
    """Lines that BPS printed are there to the rupiah."""
    assert lines["national", region, urbanisation, since].rupiah == rupiah


def test_every_province_has_its_lines(lines: dict[tuple[object, ...], LineRow], upper: dict[str, RegionRow]) -> None:
    """Urban and rural in March 2023 (but for the provinces made since) and in March 2024; Jakarta has no rural one."""
    provinces = {one.code for one in upper.values() if one.level == "province"}
    for since, without in ((date(2023, 3, 1), NEW_PROVINCES), (date(2024, 3, 1), set[str]())):
        for urbanisation, wanted in (("urban", provinces - without), ("rural", provinces - without - {"31"})):
            found = {
                one.region
                for one in lines.values()
                if (one.definition, one.urbanisation, one.valid_from) == ("national", urbanisation, since)
            }
            assert found & provinces == wanted


def test_extreme_lines_lie_below_the_nations(lines: dict[tuple[object, ...], LineRow]) -> None:
    """An extreme line above the national one would be a slip of the pen or of the unit."""
    extreme = [one for one in lines.values() if one.definition == "extreme"]
    lowest = min(one.rupiah for one in lines.values() if one.definition == "national" and one.valid_from >= date(2022, 1, 1))

    assert len(extreme) == 5
    assert all(250_000 < one.rupiah < lowest for one in extreme)


def test_the_pilots_sources_speak_for_regencies_that_exist(upper: dict[str, RegionRow]) -> None:
    """Carik speaks for the six regencies of Jakarta, one source each for Banyuwangi and Jembrana, two for Sumedang, nobody else."""
    sheet = read_sources(HERE / "pilots.csv")
    sheet.refuse()

    assert {one.region for one in sheet.rows if one.source == "carik"} == {code for code in upper if code.startswith("31.")}
    assert [(one.region, one.source, one.rank) for one in sheet.rows if one.source != "carik"] == [
        ("32.11", "desa", 1),
        ("32.11", "simpati", 2),
        ("35.10", "smartkampung", 1),
        ("51.01", "sddd", 1),
    ]


def test_the_readme_names_the_source_and_licence_of_every_file() -> None:
    """A file whose origin is not told must not be here."""
    told = (HERE / "README.md").read_text(encoding="utf-8")

    for file in HERE.glob("*.csv*"):
        assert f"| `{file.name}` |" in told
    assert told.count("MIT") >= 4
