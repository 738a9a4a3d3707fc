"""CSV files of reference data: what is read, and every mistake at once with file and line."""

from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from processors.store.reference_sheets import (
    LineRow,
    MistakesInSheet,
    RegionRow,
    Sheet,
    SourceRow,
    read_lines,
    read_regions,
    read_sources,
)

LINES = "definition,province_code_kemendagri,region_code_kemendagri,urbanisation,valid_from,rupiah_per_capita_month,source\n"
REGIONS = "code,bps_code,name,level,parent,urbanisation\n"
SOURCES = "region,source,rank\n"


def file_of(folder: Path, text: str) -> Path:
    """Return a file with this text."""
    path = folder / "sheet.csv"
    path.write_text(text, encoding="utf-8")
    return path


def mistakes(folder: Path, read: Callable[[Path], Sheet[Any]], text: str) -> list[str]:
    """Return all mistakes told of a file, without its folder."""
    path = file_of(folder, text)
    with pytest.raises(MistakesInSheet) as error:
        read(path).refuse()
    return str(error.value).replace(f"{folder}/", "").splitlines()


def test_lines_are_rounded_up_to_whole_rupiah(tmp_path: Path) -> None:
    """A fraction goes up, a whole amount stays, spaces and a byte order mark do not matter, empty lines are no rows."""
    text = (
        "\ufeff" + LINES + 'extreme,ID,ID,all,2021-03-01,358233.6,a page\n\nnational, 32 ,32.11,all,2024-03-01,400000.0,"a, b"\n'
        "extreme,ID,ID,all,2022-03-01,322170,a page\n"
    )
    sheet = read_lines(file_of(tmp_path, text))
    sheet.refuse()

    assert sheet.rows == (
        LineRow("extreme", "ID", "all", date(2021, 3, 1), 358_234, "a page"),
        LineRow("national", "32.11", "all", date(2024, 3, 1), 400_000, "a, b"),
        LineRow("extreme", "ID", "all", date(2022, 3, 1), 322_170, "a page"),
    )
    assert [row.line for row in sheet.rows] == [2, 4, 5]


def test_regions_and_sources_are_read(tmp_path: Path) -> None:
    """Empty cells are None where a region has none."""
    text = REGIONS + "ID,,Indonesia,nation,,\n31,31,DKI Jakarta,province,ID,\n31.74.01.1001,3171010001,A,village,31.74.01,urban\n"
    assert read_regions(file_of(tmp_path, text)).rows == (
        RegionRow("ID", None, "Indonesia", "nation", None, None),
        RegionRow("31", "31", "DKI Jakarta", "province", "ID", None),
        RegionRow("31.74.01.1001", "3171010001", "A", "village", "31.74.01", "urban"),
    )
    assert read_sources(file_of(tmp_path, SOURCES + "31.74,carik,1\n")).rows == (SourceRow("31.74", "carik", 1),)


def test_every_mistake_in_lines_is_told(tmp_path: Path) -> None:
    """By line, several of one row too, and a row that stands twice with where it stood first."""
    told = mistakes(
        tmp_path,
        read_lines,
        LINES
        + "national,31,31,urban,2024-03-01,825288,x\n"
        + "local,31,32,town,2024-13-01,-5,\n"
        + "national,31,31,urban,2024-03-01,825289,y\n"
        + "national,31\n"
        + "national,31,31.,all,2024-03-01,much,x\n",
    )

    assert told == [
        "10 mistakes in sheet.csv, nothing was loaded:",
        "sheet.csv:3: definition 'local' is none of national, extreme",
        "sheet.csv:3: region_code_kemendagri '32' does not lie in province '31'",
        "sheet.csv:3: rupiah_per_capita_month '-5' is not a number from 1 to 100000000",
        "sheet.csv:3: source is empty",
        "sheet.csv:3: urbanisation 'town' is none of urban, rural, all",
        "sheet.csv:3: valid_from '2024-13-01' is not a date such as 2024-03-01",
        "sheet.csv:4: national 31 urban 2024-03-01 stands in line 2 already",
        "sheet.csv:5: 2 columns, expected 7",
        "sheet.csv:6: region_code_kemendagri '31.' is not a region's code such as 31.74",
        "sheet.csv:6: rupiah_per_capita_month 'much' is not a number from 1 to 100000000",
    ]


def test_every_mistake_in_regions_is_told(tmp_path: Path) -> None:
    """Only villages are urban or rural, only the nation has no parent, and it alone is ID."""
    told = mistakes(
        tmp_path,
        read_regions,
        REGIONS + "31,,,province,,\n31.74,,A,regency,31,urban\n31.74.01.1001,,A,village,31.74.01,\n99,,A,nation,ID,\nID,,A,city,ID,\n",
    )

    assert told[1:] == [
        "sheet.csv:2: name is empty",
        "sheet.csv:2: parent '' is not a region's code such as 31.74",
        "sheet.csv:3: urbanisation is only for villages",
        "sheet.csv:4: urbanisation '' is none of urban, rural",
        "sheet.csv:5: the nation has no parent",
        "sheet.csv:5: the nation, and nothing else, has the code ID",
        "sheet.csv:6: level 'city' is none of nation, province, regency, district, village",
        "sheet.csv:6: the nation, and nothing else, has the code ID",
    ]


def test_every_mistake_in_sources_is_told(tmp_path: Path) -> None:
    """Names are short and plain, ranks whole."""
    told = mistakes(tmp_path, read_sources, SOURCES + "31.74,Carik,1\n31.74,carik,1.5\n31.74,,0\n")

    assert told[1:] == [
        "sheet.csv:2: source 'Carik' is not up to 16 of a-z, 0-9, _ and -, the first a letter",
        "sheet.csv:3: rank '1.5' is not a number from 1 to 1000",
        "sheet.csv:4: rank '0' is not a number from 1 to 1000",
        "sheet.csv:4: source is empty",
    ]


def test_a_file_that_is_no_sheet_is_told(tmp_path: Path) -> None:
    """Missing, of another shape, not UTF-8, or of lines that never end."""
    assert mistakes(tmp_path, read_sources, "rank,region\n")[1:] == [
        "sheet.csv:1: the columns are 'rank,region', expected region,source,rank"
    ]
    assert mistakes(tmp_path, read_sources, "")[1:] == ["sheet.csv:1: the columns are '', expected region,source,rank"]
    wrong = tmp_path / "wrong.csv"
    with pytest.raises(MistakesInSheet, match="the file cannot be read: No such file or directory"):
        read_sources(wrong).refuse()
    wrong.write_bytes(b"\xff\xfe")
    with pytest.raises(MistakesInSheet, match="the file cannot be read: it is not UTF-8"):
        read_sources(wrong).refuse()
    endless = SOURCES + "31.74,carik,1\n31.74," + "x" * 200_000 + ",1\n"
    assert mistakes(tmp_path, read_sources, endless)[1:] == ["sheet.csv:3: field larger than field limit (131072)"]
