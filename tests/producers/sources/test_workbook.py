"""A workbook is read as its people mean it, and what a spreadsheet has lost is told and never guessed."""

from datetime import date
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from deploy.certify.stand_ins.workbooks import Raw, Sheet, write_workbook
from producers.faults import FileUnreadable, RecordUnreadable
from producers.pseudonym import LOST
from producers.records import Node, Spoilt
from tests.producers.samples import card, mapper
from tests.producers.sources.register import HEADER, MERGED, REGION, TITLES, TOLD, as_text, desa, read, register, shown, table

_RECORD = {"kk": card(1), "jiwa": "4", "belanja": "2400000", "dasar": "SURVEI", "lantai": "2", "luas": "36", "didata": "2024-03-05"}


def test_the_region_file_is_short() -> None:
    """A region of workbooks is one file of at most sixty lines."""
    assert len(REGION.read_text(encoding="utf-8").splitlines()) <= 60


def test_titles_headers_totals_and_footnotes_are_no_rows(tmp_path: Path) -> None:
    """Of all that people put around a table, only its rows are read, hidden ones too."""
    lines = [
        *TITLES,
        *HEADER,
        register(1),
        [],
        [None, "  ", "\u00a0"],
        register(2),
        ["Subtotal dusun Contoh", 8],
        *HEADER,
        register(3),
        ["JUMLAH", 3],
        [],
        ["Sumber: SDGs Desa"],
    ]
    write_workbook(tmp_path / TOLD.name, Sheet("Data KK", lines, MERGED, frozenset({6, 9})))

    assert shown(tmp_path / TOLD.name) == [_RECORD | {"kk": card(serial)} for serial in (1, 2, 3)]


def test_columns_are_found_wherever_the_table_stands(tmp_path: Path) -> None:
    """A table that begins in another row and column, its columns in another order and others between them, is the same table."""
    order = [6, 3, 2, 5, 4, 1, 0]
    lines: list[list[Any]] = [[], [None, "x"]]
    for line in (*HEADER, register(1), register(2), ["JUMLAH", 2]):
        cells = [*line, *[None] * (7 - len(line))]
        lines.append([None, None, "Foto" if line is HEADER[0] else "f.jpg", *[cells[place] for place in order]])
    # Pengeluaran stands over Dasar and Rp per bulan, Rumah over Luas and Lantai: each merged from its first column on.
    lines[2][4:8] = ["Pengeluaran", None, "Rumah", None]
    write_workbook(tmp_path / TOLD.name, Sheet("Data KK", lines, ["E3:F3", "G3:H3"]))

    assert shown(tmp_path / TOLD.name, header_within=None) == [_RECORD, _RECORD | {"kk": card(2)}]


def test_numbers_as_text_and_text_as_numbers(tmp_path: Path) -> None:
    """Whether a cell is a number or a text that looks like one does not show."""
    (found, same) = read(tmp_path, table([register(1, jiwa="4", belanja="2.400.000,00", lantai=2.0, luas="36"), register(1)]))

    assert found == same == _RECORD


def test_what_is_no_whole_number_stays_what_it_is(tmp_path: Path) -> None:
    """A fraction is not cut off, and a number not written as declared is not mended: the mapping refuses both."""
    (found, other) = read(tmp_path, table([register(1, jiwa=4.5, belanja="2.40.000"), register(1, belanja="2,400,000")]))

    assert (found["jiwa"], found["belanja"], other["belanja"]) == ("4.5", "2.40.000", "2,400,000")


@pytest.mark.parametrize("number", [9901010101200001, 9.9010101012345e15, -9901010101200001])
def test_a_card_that_was_a_number_is_refused_for_that_cause(tmp_path: Path, number: float) -> None:
    """A number of sixteen digits has lost some in a spreadsheet: none is guessed, and the cause tells what to do."""
    (found,) = read(tmp_path, table([register(1, kk=number)]))
    with pytest.raises(RecordUnreadable) as caught:
        mapper(desa()).household(Node(found))

    assert (caught.value.facts["field"], caught.value.facts["cause"]) == ("household", LOST)
    assert "99010101012" not in str(caught.value)


@pytest.mark.parametrize("text", ["9,90101E+15", "9.90101E+15", "9901010101200001.0", "9.90101010120000e15"])
def test_a_card_that_was_a_number_is_known_as_text_too(text: str) -> None:
    """Text saved from a spreadsheet shows by its form that the card was a number there."""
    with pytest.raises(RecordUnreadable, match="went through a number of a spreadsheet"):
        mapper(desa()).household(Node({"kk": text}))


@pytest.mark.parametrize(
    ("cell", "wanted"),
    [
        ("05-03-2024", "2024-03-05"),
        (45356, "2024-03-05"),
        (Raw('s="1"', "<v>45356</v>"), "2024-03-05"),
        (Raw('s="1"', "<v>45356.75</v>"), "2024-03-05"),
        ("2024/03/05", "2024/03/05"),
        (45356.75, "45356.75"),
        (60, "60"),
        (3_000_000, "3000000"),
    ],
)
def test_days_are_text_numbers_or_days(tmp_path: Path, cell: Any, wanted: str) -> None:
    """A day comes as text, as a day of the spreadsheet or as its number; what is none of these stays, for the mapping to refuse."""
    (found,) = read(tmp_path, table([register(1, didata=cell)]))

    assert found["didata"] == wanted


def test_days_may_count_from_1904(tmp_path: Path) -> None:
    """A workbook of an old Macintosh counts days from another one, and says so."""
    lines = table([register(1, didata=45356 - 1462), register(2, didata=Raw('s="1"', f"<v>{45356 - 1462}</v>"))])
    write_workbook(tmp_path / TOLD.name, Sheet("Data KK", lines, MERGED), from_1904=True)

    assert {one["didata"] for one in shown(tmp_path / TOLD.name)} == {date(2024, 3, 5).isoformat()}


def test_a_formulas_computed_value_is_read(tmp_path: Path) -> None:
    """What the spreadsheet computed last is the cell's value, a number or a text, an empty one too."""
    cells = {
        "jiwa": Raw("", "<f>2+2</f><v>4</v>"),
        "dasar": Raw('t="str"', '<f>"SURVEI"</f><v>SURVEI</v>'),
        "luas": Raw('t="str"', "<f>x</f><v></v>"),
    }
    (found,) = read(tmp_path, table([register(1, **cells)]))

    assert found == _RECORD | {"luas": None}


@pytest.mark.parametrize(
    ("cell", "cause"),
    [
        (Raw('t="e"', "<v>#N/A</v>"), "is an error of the spreadsheet"),
        (Raw('t="e"', "<f>1/0</f><v>#DIV/0!</v>"), "is an error of the spreadsheet"),
        (Raw("", "<f>A1*2</f>"), "is a formula that was never computed"),
        (Raw("", "<f>A1*2</f><v></v>"), "is a formula that was never computed"),
        (Raw("", '<f t="shared" si="0"/><v/>'), "is a formula that was never computed"),
    ],
)
def test_a_cell_that_holds_no_value_is_not_an_empty_one(tmp_path: Path, cell: Raw, cause: str) -> None:
    """An error or a formula without its value puts its row into quarantine, where an empty cell would say nothing silently."""
    (found, other) = read(tmp_path, table([register(1, belanja=cell), register(2)]))
    assert isinstance(found["belanja"], Spoilt)
    assert other == _RECORD | {"kk": card(2)}
    around = Node({"village": "51.01.01.2001", "period": "2024-03", "exported": "2024-04-02T10:15:00+00:00"})

    with pytest.raises(RecordUnreadable) as caught:
        mapper(desa()).event(Node(found, around))
    assert (caught.value.facts["field"], caught.value.facts["cause"]) == ("welfare.expenditure", cause)


def test_errors_are_found_far_into_a_large_sheet(tmp_path: Path) -> None:
    """The place of an error is its own also where the sheet is unpacked in many pieces."""
    rows = [register(serial) for serial in range(1, 3001)]
    rows[2500] = register(2501, luas=Raw('t="e"', "<v>#REF!</v>"))
    found = read(tmp_path, table(rows))

    assert [one["kk"] for one in found if isinstance(one["luas"], Spoilt)] == [card(2501)]


# ---- which sheet ---------------------------------------------------------------------------------------------------------------


def test_the_sheet_with_the_header_is_read(tmp_path: Path) -> None:
    """Without a declared sheet it is the only one that has the header, hidden or not, wherever it stands."""
    write_workbook(tmp_path / TOLD.name, Sheet("Petunjuk", [["Isi lembar kedua"]]), Sheet("Isian", table([register(1)]), MERGED))

    assert shown(tmp_path / TOLD.name, sheet=None) == [_RECORD]


@pytest.mark.parametrize(
    ("titles", "sheet", "cause"),
    [
        (("Isian",), "Data KK", "has no sheet Data KK"),
        (("Isian", "Isian lama"), None, "has more than one sheet with the header: declare which one counts (sheet)"),
    ],
)
def test_no_sheet_is_guessed(tmp_path: Path, titles: tuple[str, ...], sheet: str | None, cause: str) -> None:
    """A workbook without the declared sheet, or with two that may be meant, does not count."""
    write_workbook(tmp_path / TOLD.name, *[Sheet(title, table([register(1)]), MERGED) for title in titles])
    with pytest.raises(FileUnreadable) as caught:
        shown(tmp_path / TOLD.name, sheet=sheet)

    assert caught.value.facts["cause"] == cause


@pytest.mark.parametrize(
    ("change", "cause"),
    [
        (
            lambda lines: [["No KK" if cell == "No. KK" else cell for cell in line] for line in lines],
            "has another header: No. KK (nearest: No KK) missing, 1 not declared",
        ),
        (lambda lines: lines[:-1], "ends without its footer"),
        (lambda lines: [*lines[:-1], ["JUMLAH", 3]], "has 2 rows, its footer tells 3"),
        (lambda lines: [*lines[:-1], ["JUMLAH", card(3)]], "has 2 rows, its footer tells no number"),
        (lambda lines: [*lines, register(3)], "goes on behind its footer in line 9"),
        (lambda lines: lines[:2], "has another header: No. KK, Jumlah Jiwa"),
    ],
)
def test_a_register_that_is_not_whole_is_refused(tmp_path: Path, change: Any, cause: str) -> None:
    """A renamed column is told with the nearest name; a file cut off, or with more or fewer rows than it tells, does not count."""
    with pytest.raises(FileUnreadable) as caught:
        read(tmp_path, change(table([register(1), register(2)])))

    assert str(caught.value.facts["cause"]).startswith(cause)


# ---- the same as text ------------------------------------------------------------------------------------------------------------

_CELLS = st.fixed_dictionaries(
    {
        "jiwa": st.integers(-3, 40) | st.integers(1, 12).map(str) | st.just(4.5),
        "belanja": st.none()
        | st.integers(0, 10**9)
        | st.integers(0, 10**9).map(lambda one: f"{one:,}".replace(",", "."))
        | st.just("dua juta"),
        "dasar": st.sampled_from(["SURVEI", "MODEL", "TAKSIR", None]),
        "lantai": st.integers(0, 11) | st.none(),
        "luas": st.integers(0, 400) | st.none() | st.text('ab;"\n é', max_size=5),
        "didata": st.sampled_from(["05-03-2024", "", "kemarin"]),
    }
)


@given(st.lists(st.tuples(st.integers(1, 30), _CELLS), min_size=1, max_size=12), st.booleans())
@settings(max_examples=80, deadline=None)
def test_a_workbook_says_what_its_text_says(
    tmp_path_factory: pytest.TempPathFactory, told: list[tuple[int, dict[str, Any]]], tab: bool
) -> None:
    """Whatever its cells hold, a register has the same records as a workbook and as text saved from it."""
    folder = tmp_path_factory.mktemp("same")
    lines = table([register(serial, **cells) for serial, cells in told])
    text = folder / TOLD.name.replace(".xlsx", ".csv")
    text.write_bytes(as_text(lines, "\t" if tab else ";").encode("utf-16" if tab else "utf-8-sig"))

    assert read(folder, lines) == shown(text)
