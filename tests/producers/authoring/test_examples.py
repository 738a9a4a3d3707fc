"""Examples in a region file: what holds says nothing, what fails says field, expected and got, and what makes no sense is a mistake."""

from pathlib import Path
from typing import Any

import pytest

from producers.check import check
from producers.faults import RegionFileWrong
from tests.producers.samples import CARIK, SDDD
from tests.producers.sources.register import REGION as WORKBOOK

_CARD = "9901010101200001"
_WITHIN = 'within = [{ luas_lantai = 36 }, { kode_kelurahan = "31.74.01.1001" }]'
_RECORD = (
    f'record = {{ no_kk = "{_CARD}", diubah_pada = "2024-03-05T08:00:00Z", berlaku_sejak = 2024-03-01, dihapus = false,'
    ' dibatalkan = false, bantuan = [{ program = "PKH", bulan_terakhir = "2024-02", jumlah = 1 }],'
    ' anggota = [{ nik = "9901014505900001", jenis_kelamin = "P", tanggal_lahir = "1990-05-05", kehadiran = "ADA" }] }'
)


def without_examples(file: Path) -> str:
    """Return a region file up to its first example."""
    return file.read_text(encoding="utf-8").partition("\n[[example]]")[0]


def with_example(folder: Path, *lines: str, record: str = _RECORD, within: str = _WITHIN) -> Path:
    """Write Carik's region file with one example."""
    made = folder / "x.toml"
    made.write_text("\n".join([without_examples(CARIK), "[[example]]", record, within, *lines, ""]), encoding="utf-8")
    return made


@pytest.mark.parametrize(
    "lines",
    [
        ['event = { operation = "UPSERT", valid_from = "2024-03-01", recorded_at = "2024-03-05T15:00:00+07:00" }'],
        ["event.valid_from = 2024-03-01", "event.recorded_at = 2024-03-05T08:00:00Z", 'event.residence.village = "31.74.01.1001"'],
        ["event = { composition = { size = 1 } }", 'silent = ["welfare", "nutrition"]'],
        ["event = { members = [{ sex = 2, birth_year = 1990 }] }"],
        ['event = { programmes = [{ programme = "PKH", last_month = "2024-02-01", amount = 1 }], dwelling = { floor_area_m2 = 36 } }'],
        ['silent = ["welfare"]'],
    ],
)
def test_examples_that_hold(tmp_path: Path, lines: list[str]) -> None:
    """Fields, sections and lists are compared as far as they are told; days and times also as TOML writes them."""
    found = check(with_example(tmp_path, *lines), {})

    assert (found.failed, found.in_order, found.examples, found.examples_failed) == ([], True, 1, 0)


@pytest.mark.parametrize(
    ("lines", "told"),
    [
        (["event = { composition = { size = 2 } }"], ["composition.size: expected 2, got 1"]),
        (['event = { operation = "END" }'], ["operation: expected END, got UPSERT"]),
        (["event = { welfare = { expenditure = 1 } }"], ["welfare: expected expenditure 1, got nothing"]),
        (["event = { members = [{ sex = 1 }] }"], ["members[1].sex: expected 1, got 2"]),
        (["event = { members = [{ sex = 2 }, { sex = 1 }] }"], ["members: expected 2 items, got 1 items"]),
        (["event = { recorded_at = '2024-03-05T08:00:00' }"], ["got 2024-03-05T08:00:00+00:00"]),
        (["event = { composition = { size = true } }"], ["composition.size: expected True, got 1"]),
        (
            ["event = { revision = 1 }", 'silent = ["programmes"]'],
            ["revision: expected 1", "programmes: expected nothing, got 1: programme PKH"],
        ),
        (['fault = "members.sex"'], ["members.sex: expected a fault, got an event"]),
    ],
)
def test_examples_that_fail(tmp_path: Path, lines: list[str], told: list[str]) -> None:
    """Each field that is otherwise is told with what was expected and what came out, and the line of the example."""
    file = with_example(tmp_path, 'name = "a name"', *lines)
    line = file.read_text(encoding="utf-8").splitlines().index("[[example]]") + 1
    found = check(file, {})

    assert (found.in_order, found.examples_failed, len(found.failed)) == (False, 1, len(told))
    for failed, wanted in zip(found.failed, told, strict=True):
        assert failed.startswith(f"line {line}, example 1 (a name): ")
        assert wanted in failed
    assert str(found).splitlines()[-1].startswith("not in order: 0 of 1 examples hold")


def test_a_fault_that_is_expected_and_one_that_is_not(tmp_path: Path) -> None:
    """A record that is to be put aside must be so for the field that is told."""
    odd = _RECORD.replace('"P"', '"X"')

    assert check(with_example(tmp_path, 'fault = "members.sex"', record=odd), {}).in_order
    other = check(with_example(tmp_path, 'fault = "members.relation"', record=odd), {})
    assert other.failed[0].endswith(
        "members.relation: expected a fault, got a fault of members.sex: is a code that the table does not have"
    )
    none = check(with_example(tmp_path, "event = { composition = { size = 1 } }", record=odd), {})
    assert none.failed[0].endswith("members.sex: expected an event, got a fault: is a code that the table does not have")


def test_a_record_may_be_json(tmp_path: Path) -> None:
    """JSON in a text is the same as a table, and has null."""
    record = f"""record = '''{{"no_kk": "{_CARD}", "diubah_pada": "2024-03-05T08:00:00Z", "berlaku_sejak": "2024-03-01",
    "dihapus": false, "dibatalkan": false, "anggota": null}}'''"""

    assert check(with_example(tmp_path, 'event.operation = "UPSERT"', 'silent = ["members"]', record=record), {}).in_order


def test_a_freeze_is_told(tmp_path: Path) -> None:
    """Under freeze an example of a new code stops, as the adapter would."""
    odd = _RECORD.replace('"P"', '"X"')
    file = with_example(tmp_path, 'fault = "members.sex"', record=odd)
    file.write_text(file.read_text(encoding="utf-8").replace("[[example]]", '[drift]\nnew_code = "freeze"\n[[example]]'), encoding="utf-8")

    assert check(file, {}).failed[0].endswith("members.sex: expected members.sex, got freeze: new_code")


@pytest.mark.parametrize(
    ("lines", "told"),
    [
        (["event = { siz = 1 }"], "event.siz: is no field of the event"),
        (["event = { composition = { sise = 1 } }"], "event.composition.sise: is no field of the event: is size meant?"),
        (["event = { household = 'x' }"], "event.household: is made with the region's key"),
        (["event = { members = [{ person = 'x' }] }"], "event.members.person: is made with the region's key"),
        (["event = { composition = 3 }"], "event.composition: is a section: give a table with its fields"),
        (["event = { valid_from = 2024-03-01 }", 'fault = "members.sex"'], "example.0: give either event (and silent), or fault"),
        ([], "example.0: give either event (and silent), or fault"),
        (['fault = "members.sx"'], "fault: members.sx is no field or section of the mapping: is members.sex meant?"),
        (['silent = ["wellfare"]'], "silent.0: wellfare is not known: is welfare meant? there are residence, composition"),
        (["evnt = { revision = 1 }"], "evnt: is not known here: is event meant?"),
    ],
)
def test_examples_that_make_no_sense(tmp_path: Path, lines: list[str], told: str) -> None:
    """What no event could ever be is a mistake of the file, told with its line."""
    with pytest.raises(RegionFileWrong) as caught:
        check(with_example(tmp_path, *lines), {})

    assert told in str(caught.value)


@pytest.mark.parametrize("record", [_RECORD.replace(_CARD, "3174010101200001"), 'record = \'{"no_kk": "3174010101200001"}\''])
def test_numbers_that_may_be_a_persons_are_refused(tmp_path: Path, record: str) -> None:
    """A national identifier has no place in a file that is passed around; nor in the message about it."""
    with pytest.raises(RegionFileWrong, match="examples are invented, with area 99 in front") as caught:
        check(with_example(tmp_path, 'silent = ["welfare"]', record=record), {})

    assert "3174010101200001" not in str(caught.value)


@pytest.mark.parametrize(
    ("record", "told"), [("record = '{'", "is no JSON"), ("record = '[1]'", "a table is needed"), ("record = 3", "a table is needed")]
)
def test_records_that_are_none(tmp_path: Path, record: str, told: str) -> None:
    """A record is a table, or an object in JSON."""
    with pytest.raises(RegionFileWrong) as caught:
        check(with_example(tmp_path, 'silent = ["welfare"]', record=record), {})

    assert f"example.0.record: {told}" in str(caught.value)


def test_a_row_lies_in_what_its_files_name_tells(tmp_path: Path) -> None:
    """For a folder of files the record is a row by its columns, and what it lies in the file."""
    example: dict[str, Any] = {"good": "4", "bad": "x"}
    text = without_examples(SDDD)
    for name, size in example.items():
        text += f"""
[[example]]
name = "{name}"
record = {{ P301 = "{_CARD}", P303 = "{size}" }}
within = [{{ village = "51.01.01.2001", period = "2024-03", exported = "2024-04-02T10:15:00Z" }}]
event = {{ valid_from = "2024-03-01", composition = {{ size = 4 }} }}
"""
    (tmp_path / "x.toml").write_text(text, encoding="utf-8")
    found = check(tmp_path / "x.toml", {})

    assert (found.examples, found.examples_failed) == (2, 1)
    assert "example 2 (bad): composition.size: expected an event, got a fault: is no whole number" in found.failed[0]


def test_a_row_stands_in_an_example_as_it_stands_in_the_file(tmp_path: Path) -> None:
    """Numbers and dates that a file's declaration reads are read in its examples, too: an author copies a line and need not convert it."""
    found = check(WORKBOOK, {"MUARA_DESA_FOLDER": str(tmp_path)})

    assert (found.failed, found.in_order, found.examples) == ([], True, 1)
