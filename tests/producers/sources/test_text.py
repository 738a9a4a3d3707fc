"""Text as offices write it: declared encodings, delimiters and numbers; and what tells that a file is not whole."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from producers.declaration import FilesSource, Value
from producers.faults import FileUnreadable, RecordUnreadable
from producers.sources import snapshot
from producers.sources.table import Layout
from tests.producers.samples import COLUMNS, card, mapper, row, sddd
from tests.producers.sources.register import TOLD, as_text, desa, register, shown, table

FILE = TOLD.name.replace(".xlsx", ".csv")
_ROW = {"kk": card(1), "jiwa": "4", "belanja": "2400000", "dasar": "SURVEI", "lantai": "2", "luas": "36", "didata": "2024-03-05"}


def _shown(folder: Path, content: bytes, **said: object) -> list[dict[str, Any]]:
    (folder / FILE).write_bytes(content)
    return shown(folder / FILE, **said)


def _cause(folder: Path, content: bytes, **said: object) -> str:
    with pytest.raises(FileUnreadable) as caught:
        _shown(folder, content, **said)
    return str(caught.value.facts["cause"])


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "windows-1252"])
@pytest.mark.parametrize("delimiter", [";", "\t"])
def test_each_declared_encoding_and_delimiter_is_found(tmp_path: Path, encoding: str, delimiter: str) -> None:
    """With a mark or without, by semicolon or tab: what is declared is found, whatever the letters."""
    (found,) = _shown(tmp_path, as_text(table([register(1, dasar="caf\xe9")]), delimiter).encode(encoding))

    assert found == _ROW | {"dasar": "caf\xe9"}


@pytest.mark.parametrize(
    ("content", "declared", "cause"),
    [
        ("caf\xe9\n".encode("windows-1252"), ("utf-8",), "is not written in utf-8"),
        ("x\n".encode("utf-16"), ("utf-8", "windows-1252"), "is not written in utf-8 or windows-1252"),
        ("x\n".encode("utf-16-le"), ("utf-8", "utf-16"), "holds bytes that are no text"),
        ("\ufeffx\n".encode(), ("utf-16",), "is not written in utf-16"),
        (b"x\n\x81", ("utf-8", "windows-1252"), "is not written in utf-8 or windows-1252"),
        ("x\ncaf\xe9".encode()[:-1], ("utf-8", "windows-1252"), "ends in the middle of a line"),
    ],
)
def test_no_encoding_is_guessed(tmp_path: Path, content: bytes, declared: tuple[str, ...], cause: str) -> None:
    """A file in another encoding than those declared, or cut off within a letter, is refused."""
    assert _cause(tmp_path, content, encoding=declared) == cause


@pytest.mark.parametrize(
    ("said", "mistake"),
    [
        ({"encoding": ["windows-1252", "utf-8"]}, "windows-1252 reads any bytes: nothing after it would ever be tried"),
        ({"encoding": "utf-9"}, "there is no encoding utf-9"),
        ({"delimiter": ";;"}, "a delimiter is one letter"),
        ({"file_name": "x_{village}_{period}_{exported}Z.xls"}, "of workbooks only .xlsx is read"),
        ({"file_name": ["x_{village}_{period}.csv"]}, "file_name needs {village}, {period} and {exported}, each once"),
        ({"numbers": {"columns": ["P350"], "thousands": ".", "decimal": "."}}, "thousands and decimal are two different signs"),
        ({"numbers": {"columns": ["P999"], "thousands": "."}}, "P999 is not in columns"),
        ({"skip_rows_where": [{"P999": ""}]}, "P999 is not in columns"),
        ({"labels": {"P301": "P302"}}, "two columns are written P302"),
        ({"columns": ["P301", "P301"]}, "names P301 twice"),
    ],
)
def test_a_declaration_that_cannot_be_meant_is_told(said: dict[str, object], mistake: str) -> None:
    """What would be read wrongly, or never, is a mistake of the region file."""
    with pytest.raises(ValidationError) as caught:
        FilesSource(**(sddd().source.model_dump() | said))

    assert mistake in str(caught.value)


@pytest.mark.parametrize(
    ("written", "wanted"),
    [
        ("1.234.567", "1234567"),
        ("1.234.567,00", "1234567"),
        ("1.234.567,50", "1234567.50"),
        ("-1.234", "-1234"),
        ("1234567", "1234567"),
        ("1234567,0", "1234567"),
        ("1.23.456", "1.23.456"),
        ("1234.567", "1234.567"),
        (".123", ".123"),
        ("1,234,567", "1,234,567"),
        ("1.234,5,0", "1.234,5,0"),
        ("Rp 1.234", "Rp 1.234"),
        ("-", "-"),
    ],
)
def test_numbers_as_people_write_them(tmp_path: Path, written: str, wanted: str) -> None:
    """Thousands and decimals are read as declared; what is not written exactly so stays, for the mapping to refuse."""
    (found,) = _shown(tmp_path, as_text(table([register(1, belanja=written)])).encode())

    assert found["belanja"] == wanted


def test_quoted_line_breaks_and_delimiters(tmp_path: Path) -> None:
    """A cell may hold line breaks of every kind, quotes and delimiters; it is one cell of one row."""
    (found, other) = _shown(tmp_path, as_text(table([register(1, dasar='a;b\r\n"c"\nd\r\x85e'), register(2)])).encode())

    assert found == _ROW | {"dasar": 'a;b\r\n"c"\nd\r\x85e'}
    assert other["kk"] == card(2)


def _lines(*rows: list[str]) -> bytes:
    return "".join(",".join(line) + "\n" for line in [list(COLUMNS), *rows]).encode()


def _sddd(folder: Path, content: bytes, **said: object) -> tuple[Layout, list[dict[str, Any]]]:
    """Return where the columns of a snapshot of Jembrana's stand, and its records."""
    file = folder / "sddd.csv"
    file.write_bytes(content)
    source = sddd().source.model_copy(update=said)
    assert isinstance(source, FilesSource)
    layout, found = snapshot.rows(file, snapshot.Named(file.name, TOLD.village, TOLD.period, TOLD.exported), source)
    return layout, [one.value for one in found]


_PLAIN = dict(zip(COLUMNS, row(1), strict=True))


@pytest.mark.parametrize(
    ("content", "others"),
    [
        (_lines(row(1)), 0),
        (_lines(row(1)).replace(b"\n", b",,,\n"), 0),
        (_lines(row(1)).replace(b"\n", b",P999\n"), 1),
        (b"Baru," + _lines(row(1)).replace(b"\n9", b"\nx,9"), 1),
        (_lines([*row(1)]).replace(b"\n", b"\r\n"), 0),
        (_lines(row(1), [""] * 14), 0),
        (_lines(row(1), list(COLUMNS)), 0),
        (_lines(row(1)).replace(b"P301,P302", b" P301 ,\tP302"), 0),
    ],
)
def test_columns_are_known_by_their_names(tmp_path: Path, content: bytes, others: int) -> None:
    """Columns more are counted and dropped, empty ones at the end are none; blank rows and a header that comes again are no rows."""
    layout, found = _sddd(tmp_path, content)

    assert (layout.others, found) == (others, [_PLAIN])


def test_columns_in_another_order_are_the_same(tmp_path: Path) -> None:
    """A new order of columns changes nothing."""
    turned = "".join(",".join(reversed(line)) + "\n" for line in [list(COLUMNS), row(1), row(2)]).encode()

    assert _sddd(tmp_path, turned) == (_sddd(tmp_path, turned)[0], _sddd(tmp_path, _lines(row(1), row(2)))[1])


@pytest.mark.parametrize(
    ("content", "cause"),
    [
        (_lines(row(1)).replace(b"\n9", b"\nx,9"), "has 15 cells instead of 14 in line 2"),
        (_lines(row(1)).replace(b"P301", b"P3O1"), "has another header: P301 (nearest: P3O1) missing, 1 not declared"),
        (_lines(row(1)) + b'"' + _lines(row(2)), "is no CSV in line 4"),
        (_lines(*[row(1)] * 4), "has more than 3 rows"),
        (_lines(row(1)) + b"," * (1 << 20) + b"\n", "has a line of more than 1048576 letters"),
    ],
)
def test_a_file_that_says_something_else_is_refused(tmp_path: Path, content: bytes, cause: str) -> None:
    """A cell too many, a column renamed, a quote that is never closed, more rows than a village has."""
    with pytest.raises(FileUnreadable) as caught:
        _sddd(tmp_path, content, greatest_rows=3)

    assert caught.value.facts["cause"] == cause


def test_a_header_of_people_is_not_told(tmp_path: Path) -> None:
    """A file without a header begins with a family: its cells are no header's names, and none is told as the nearest."""
    with pytest.raises(FileUnreadable) as caught:
        _sddd(tmp_path, ",".join([*row(1)[:13], "P41I WARGA"]).encode() + b"\n")

    assert "WARGA" not in str(caught.value)
    assert card(1) not in str(caught.value)


@pytest.mark.parametrize("change", [lambda file: file.write_bytes(file.read_bytes() + b";;;;;;\n"), lambda file: file.touch(), Path.unlink])
def test_a_file_that_changes_while_it_is_read_does_not_count(tmp_path: Path, change: Callable[[Path], Any]) -> None:
    """Size or time of change that moved between the first and the last row make what was read worth nothing."""
    file = tmp_path / FILE
    file.write_text(as_text(table([register(1), register(2)])), encoding="utf-8")
    source = desa().source
    assert isinstance(source, FilesSource)
    _, found = snapshot.rows(file, snapshot.Named(FILE, TOLD.village, TOLD.period, TOLD.exported), source)
    next(found)
    change(file)

    with pytest.raises((FileUnreadable, FileNotFoundError)) as caught:
        list(found)
    assert not isinstance(caught.value, FileUnreadable) or caught.value.facts["cause"] == "changed while it was read"


def test_a_day_that_does_not_fit_is_told_with_the_declared_form(tmp_path: Path) -> None:
    """A column's dates are read in its form, or in ISO 8601 as a workbook has them; of any other the form is told, and not the cell."""
    mapping = sddd().mapping.model_copy(update={"valid_from": Value.model_validate({"path": "P304"})})
    days = ["17/05/2024", "2024-05-17", "05-17-2024"]
    source = sddd().source.model_copy(update={"dates": {"P304": "%d/%m/%Y"}})
    file = tmp_path / FILE
    file.write_bytes(_lines(*[row(number, P304=day) for number, day in enumerate(days, 1)]))
    assert isinstance(source, FilesSource)
    _, found = snapshot.rows(file, snapshot.Named(FILE, "51.01.01.2001", 202405, 1_716_000_000_000_000), source)
    mapped = mapper(sddd().model_copy(update={"mapping": mapping}))
    nodes = list(found)

    assert [mapped.event(node).valid_from.isoformat() for node in nodes[:2]] == ["2024-05-17", "2024-05-17"]
    with pytest.raises(RecordUnreadable) as caught:
        mapped.event(nodes[2])
    assert str(caught.value).startswith("valid_from is no date: it does not fit %d/%m/%Y (value 99-99-9999)")
