"""Names are joined within their parent, by nothing but names, and never by guess."""

import csv
import gzip
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import deploy.reference
from deploy.reference.bridge import BpsRegion, Bridged, bridge, main, read_list
from deploy.reference.regions import bps_codes

NAMES = {
    "31": "Daerah Satu",
    "31.71": "Kota Utara",
    "31.72": "Kota Selatan",
    "31.71.01": "Ilir Dua",
    "31.71.02": "Sei Hulu",
    "31.72.01": "Pasar",
    "31.71.01.1001": "Air Putih",
    "31.71.01.1002": "Rawa I",
    "31.71.01.1003": "Rawa Dua",
    "31.71.02.1001": "Air Putih",
    "31.72.01.1001": "Kembar",
    "31.72.01.1002": "Kembar",
    "31.72.01.1003": "Lama",
}
LISTED = [
    BpsRegion("3171", "31", "KOTA SELATAN"),
    BpsRegion("3172", "31", "KOTA UTARA"),
    BpsRegion("3172010", "3172", "SUNGAI HULU"),
    BpsRegion("3172020", "3172", "ILIR II"),
    BpsRegion("3171010", "3171", "PASAR"),
    BpsRegion("3172020001", "3172020", "RAWA SATU"),
    BpsRegion("3172020002", "3172020", "RAWA 2"),
    BpsRegion("3172020003", "3172020", "KELURAHAN AIR PUTIH"),
    BpsRegion("3172010001", "3172010", "AIR  PUTIH"),
    BpsRegion("3171010001", "3171010", "KEMBAR"),
    BpsRegion("3171010002", "3171010", "BARU"),
]
JOINED = {
    "31": "31",
    "31.71": "3172",
    "31.72": "3171",
    "31.71.01": "3172020",
    "31.71.02": "3172010",
    "31.72.01": "3171010",
    "31.71.01.1001": "3172020003",
    "31.71.01.1002": "3172020001",
    "31.71.01.1003": "3172020002",
    "31.71.02.1001": "3172010001",
}


def _bridge(names: dict[str, str], listed: list[BpsRegion], aliases: dict[str, str] | None = None) -> Bridged:
    return bridge(names, listed, aliases or {})


def test_names_are_joined_within_their_parent_whatever_the_codes_say() -> None:
    """Permuted codes, other spellings of numbers and kinds are joined; names that stand twice and unknown ones are not."""
    made = _bridge(NAMES, LISTED)

    assert made.bps_of == JOINED
    assert made.unmatched == ["31.72.01.1001", "31.72.01.1002", "31.72.01.1003"]
    assert made.left_over == [("3171010001", "KEMBAR"), ("3171010002", "BARU")]


@given(st.permutations(list(NAMES.items())), st.permutations(LISTED))
def test_the_order_of_the_lists_does_not_show(names: list[tuple[str, str]], listed: list[BpsRegion]) -> None:
    """Whatever order the lists have, the same codes are joined."""
    assert _bridge(dict(names), listed).bps_of == JOINED


def test_an_alias_gives_the_name_to_look_for() -> None:
    """A renamed village is joined by the name that the BPS list still has, in its own district only."""
    made = _bridge(NAMES, LISTED, {"31.72.01.1003": "Baru", "31.71.02.1001": "BARU"})

    assert made.bps_of["31.72.01.1003"] == "3171010002"
    assert "31.71.02.1001" not in made.bps_of


def test_what_stands_below_an_unknown_region_stays_unknown() -> None:
    """Without its district a village is not looked for elsewhere, though its name stands in another district."""
    made = _bridge(NAMES | {"31.72.01": "Pecahan"}, LISTED)

    assert not {code for code in made.bps_of if code.startswith("31.72.01")}


def test_an_exact_name_goes_before_one_that_is_only_spelled_alike() -> None:
    """Of 'Rawa 1' and 'Rawa Satu' side by side each finds its own."""
    names = {"31": "Daerah", "31.71": "Kota Utara", "31.71.01": "Rawa 1", "31.71.02": "Rawa Satu"}
    listed = [BpsRegion("3171", "31", "KOTA UTARA"), BpsRegion("3171010", "3171", "RAWA SATU"), BpsRegion("3171020", "3171", "RAWA 1")]

    made = _bridge(names, listed)

    assert (made.bps_of["31.71.01"], made.bps_of["31.71.02"]) == ("3171020", "3171010")


def test_regencies_that_papuas_division_moved_have_no_code_of_before() -> None:
    """A regency that stayed in its province keeps its code; one that went to a new province gets none, nor what lies below it."""
    names = {"91": "Papua", "93": "Papua Selatan", "91.03": "Kabupaten Tetap", "93.01": "Kabupaten Pindah", "93.01.01": "Distrik"}
    listed = [
        BpsRegion("9403", "94", "KABUPATEN TETAP"),
        BpsRegion("9401", "94", "KABUPATEN PINDAH"),
        BpsRegion("9401010", "9401", "DISTRIK"),
    ]

    assert _bridge(names, listed).bps_of == {"91": "94", "93": "95", "91.03": "9403"}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with a small BPS list: three real names of Jakarta, one that does not exist."""
    (tmp_path / "regencies.csv").write_text("3171,31,KOTA JAKARTA SELATAN\n", encoding="utf-8")
    (tmp_path / "districts.csv").write_text("3171010,3171,JAGAKARSA\n3171011,3171,TIDAK ADA\n", encoding="utf-8")
    (tmp_path / "villages.csv").write_text("3171010001,3171010,CIPEDAK\n", encoding="utf-8")
    return tmp_path


def test_the_list_is_read_regencies_first(folder: Path) -> None:
    """Every row of the three files is there."""
    assert [one.code for one in read_list(folder)] == ["3171", "3171010", "3171011", "3171010001"]


def test_the_table_is_written_the_same_for_the_same_list(folder: Path) -> None:
    """Making the table again changes no byte, and it holds what was joined, provinces always."""
    made = main(folder, folder / "one.gz")
    main(folder, folder / "two.gz")

    assert (folder / "one.gz").read_bytes() == (folder / "two.gz").read_bytes()
    lines = gzip.decompress((folder / "one.gz").read_bytes()).decode().splitlines()
    assert lines[0] == "code,bps_code"
    assert lines[39:] == ["31.74,3171", "31.74.09,3171010", "31.74.09.1006,3171010001"]
    assert ("3171011", "TIDAK ADA") in made.left_over


def test_every_alias_is_used() -> None:
    """An alias of a region that is gone, or whose BPS name is misspelled, would join nothing: there is none."""
    path = Path(deploy.reference.__path__[0]) / "bps_aliases.csv"
    with path.open(encoding="utf-8", newline="") as file:
        aliases = [row["code"] for row in csv.DictReader(file)]

    assert [code for code in aliases if code not in bps_codes()] == []
    assert len(set(aliases)) == len(aliases)
