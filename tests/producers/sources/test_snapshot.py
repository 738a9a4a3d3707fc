"""A snapshot file is read whole, or refused whole with its cause."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from producers.declaration import FilesSource
from producers.faults import FileUnreadable
from producers.sources.snapshot import Named, named, pattern_of, rows_of
from tests.producers.samples import COLUMNS, card, row, sddd, snapshot_name

NAME = "sddd_51.01.01.2001_202403_20240402T101500000007Z.csv"
TOLD = Named(NAME, "51.01.01.2001", 202403, 1_712_052_900_000_007)


def _source(**said: object) -> FilesSource:
    source = sddd().source
    assert isinstance(source, FilesSource)
    return source.model_copy(update=said)


def _rows(folder: Path, content: bytes, **said: object) -> list[dict[str, str | None]]:
    (folder / NAME).write_bytes(content)
    return [one.value for one in rows_of(folder / NAME, TOLD, _source(**said))]


def test_a_name_tells_village_period_and_time() -> None:
    """The name is read to the microsecond, and the samples make the same names."""
    assert named(pattern_of(_source().file_name), NAME) == TOLD
    assert snapshot_name("51.01.01.2001", 202403, datetime(2024, 4, 2, 10, 15, 0, 7, tzinfo=UTC)) == NAME


@pytest.mark.parametrize(
    ("name", "cause"),
    [
        (NAME.replace("202403", "202413"), "has a period or time in its name that does not exist"),
        (NAME.replace("T1015", "T2515"), "has a period or time in its name that does not exist"),
        (f"copy of {NAME}", "has a name of another form than file_name says"),
        (f"{NAME}.csv", "has a name of another form than file_name says"),
    ],
)
def test_names_that_tell_nothing(name: str, cause: str) -> None:
    """Another name is refused, and told."""
    with pytest.raises(FileUnreadable) as caught:
        named(pattern_of(_source().file_name), name)

    assert str(caught.value) == f"file {name} {cause}: ask for it again, it is read when it changes"


def test_rows_are_records(tmp_path: Path) -> None:
    """A row is a record by its columns, empty cells null, and lies in its file."""
    (tmp_path / NAME).write_text("\n".join([",".join(COLUMNS), ",".join(row(1, P350="")), ""]), encoding="utf-8")
    (record,) = rows_of(tmp_path / NAME, TOLD, _source())

    assert record.value == dict(zip(COLUMNS, row(1), strict=True)) | {"P350": None}
    assert record.parent is not None
    assert record.parent.value == {
        "village": "51.01.01.2001",
        "period": "2024-03",
        "exported": "2024-04-02T10:15:00.000007+00:00",
        "file": NAME,
    }


def test_other_delimiters_encodings_and_quotes(tmp_path: Path) -> None:
    """What the region file declares is what is read, quoted cells included."""
    content = ";".join(COLUMNS) + "\r\n" + ";".join(['"1;2"', *row(1)[1:13], "caf\xe9"]) + "\r\n"
    (found,) = _rows(tmp_path, content.encode("latin-1"), delimiter=(";",), encoding=("latin-1",))

    assert (found["P301"], found["P411"]) == ("1;2", "caf\xe9")


_HEADER = ",".join(COLUMNS).encode() + b"\n"
_ROW = ",".join(row(1)).encode() + b"\n"


@pytest.mark.parametrize(
    ("content", "cause"),
    [
        (b"", "is empty"),
        (_HEADER + _ROW + _ROW[:-1], "ends in the middle of a line"),
        (_HEADER + _ROW + _ROW[:30] + b"\n", "has 2 cells instead of 14 in line 3"),
        (_HEADER + _ROW + b"\n", "has 0 cells instead of 14 in line 3"),
        (_HEADER.replace(b"P303,", b""), "has another header: P303 missing, 0 not declared"),
        (_HEADER.replace(b"P303", b"ANGGOTA"), "has another header: P303 missing, 1 not declared"),
        (_HEADER.replace(b"P303", b"P 303"), "has another header: P303 (nearest: P 303) missing, 1 not declared"),
        (_HEADER.replace(b"P302", b"P301"), "has another header: P302 missing, 0 not declared"),
        (_HEADER.replace(b"\n", b",P301\n"), "has a column of its header twice"),
        (_ROW, f"has another header: {', '.join(COLUMNS)} missing, 14 not declared"),
        (b"PK\x03\x04\x00\x00\n", "holds bytes that are no text"),
        (b"\xff\xfe\x81\n", "is not written in utf-8 or windows-1252"),
        (_HEADER + b'"' + _ROW, "is no CSV in line 2"),
        (_HEADER + _ROW.replace(b"2400000", b"2" * 10_001), "has a cell of more than 10000 letters in line 2"),
    ],
)
def test_a_file_that_is_not_whole_is_refused(tmp_path: Path, content: bytes, cause: str) -> None:
    """Half-written, changed or garbage: refused as a whole, with a cause that holds no cell."""
    with pytest.raises(FileUnreadable) as caught:
        _rows(tmp_path, content)

    assert caught.value.facts == {"file": NAME, "cause": cause}
    assert card(1) not in str(caught.value)


def test_a_file_that_is_too_large_is_refused_unread(tmp_path: Path) -> None:
    """A file beyond reason is not read into memory."""
    (tmp_path / NAME).touch()
    with (tmp_path / NAME).open("r+b") as file:
        file.truncate((1 << 20) + 1)

    with pytest.raises(FileUnreadable, match="is larger than 1 MB"):
        rows_of(tmp_path / NAME, TOLD, _source(greatest_mb=1))
