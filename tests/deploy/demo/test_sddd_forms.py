"""The forms of Jembrana's files: each is read by the region file as the same rows, and half of one is refused."""

from pathlib import Path

import pytest

from deploy.demo.days import month_of
from deploy.demo.places import JEMBRANA, places
from deploy.demo.population import BASELINE
from deploy.demo.sddd import file_name
from deploy.demo.sddd_forms import COLUMNS, Form, content, form_of
from producers.declaration import FilesSource
from producers.faults import FileUnreadable
from producers.sources.snapshot import named, pattern_of, rows_of
from tests.producers.samples import card, nik, sddd

MARCH, MADE = month_of(BASELINE), 1_712_052_900_000_000
PLAIN, LOCAL, WORKBOOK = "51.01.01.2001", "51.01.01.2003", "51.01.01.2004"


def told(count: int) -> list[str]:
    """Return rows of households, in one of three nobody has asked what they spend."""
    rows = []
    for serial in range(1, count + 1):
        spent = f"{serial * 1_234_567},{1 + serial % 2}" if serial % 3 else ","
        rows.append(f"{card(serial)},{nik(serial)},{1 + serial % 8},1,{spent},1,{20 + serial},2,3,4,1,{serial % 12},1")
    return rows


def read(folder: Path, village: str, written: bytes) -> list[dict[str, str | None]]:
    """Return what the region file of the product reads of a file."""
    declared = sddd(folder).source
    assert isinstance(declared, FilesSource)
    path = folder / file_name(village, MARCH, MADE)
    path.write_bytes(written)
    return [dict(one.value) for one in rows_of(path, named(pattern_of(declared.file_name), path.name), declared)]


@pytest.mark.parametrize("village", [PLAIN, LOCAL, WORKBOOK])
@pytest.mark.parametrize("count", [1, 7, 85])
def test_every_form_is_read_as_the_same_rows(village: str, count: int, tmp_path: Path) -> None:
    """Titles, merged headers, blank lines, sums, encodings and numbers as text change nothing of what is read."""
    rows = told(count)

    assert read(tmp_path, village, content(village, MARCH, rows)) == [
        {name: cell or None for name, cell in zip(COLUMNS, row.split(","), strict=True)} for row in rows
    ]


@pytest.mark.parametrize("village", [PLAIN, LOCAL, WORKBOOK])
@pytest.mark.parametrize("count", [1, 7, 85])
def test_half_of_a_file_is_refused(village: str, count: int, tmp_path: Path) -> None:
    """What ends in the middle of a line, or of an archive, is no village that has lost half of its households."""
    written = content(village, MARCH, told(count))

    with pytest.raises(FileUnreadable):
        read(tmp_path, village, written[: len(written) // 2])


def test_forms_are_what_villages_have() -> None:
    """Text of a local program is no UTF-8; a workbook is an archive; names end as programs end them; the same is written twice alike."""
    local, workbook = content(LOCAL, MARCH, told(9)), content(WORKBOOK, MARCH, told(9))

    with pytest.raises(UnicodeDecodeError):
        local.decode("utf-8")
    assert "REGISTER DESA CONTÖH" in local.decode("windows-1252").splitlines()[0]
    assert "1.234.567,00" in local.decode("windows-1252")
    assert workbook[:2] == b"PK"
    assert workbook == content(WORKBOOK, MARCH, told(9))
    assert [file_name(village, MARCH, MADE)[-5:] for village in (PLAIN, LOCAL, WORKBOOK)] == ["Z.csv", "Z.csv", ".xlsx"]


def test_every_form_is_some_villages() -> None:
    """Of Jembrana's villages each form has several."""
    forms = [form_of(place.code) for place in places(JEMBRANA, 1)]

    assert all(forms.count(form) >= 5 for form in Form)
