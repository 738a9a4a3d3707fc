"""A hostile or damaged workbook is refused before its reader makes memory for it; whatever the bytes, nothing worse comes of them."""

import io
import struct
import subprocess
import sys
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from deploy.certify.stand_ins.workbooks import Raw, Sheet, packed, workbook_parts, write_workbook
from producers.faults import FileUnreadable
from tests.producers.samples import card
from tests.producers.sources.register import MERGED, TOLD, as_text, register, shown, table

Parts = dict[str, str]
_SHEET = "xl/worksheets/sheet1.xml"
_MB = 1 << 20


def _parts() -> Parts:
    return workbook_parts(Sheet("Data KK", table([register(1), register(2)]), MERGED))


def _whole() -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in _parts().items():
            archive.writestr(name, content)
    return out.getvalue()


def _cause(folder: Path, content: bytes, **said: object) -> str:
    (folder / TOLD.name).write_bytes(content)
    with pytest.raises(FileUnreadable) as caught:
        shown(folder / TOLD.name, **said)
    return str(caught.value.facts["cause"])


def _cause_of(folder: Path, parts: Parts, **said: object) -> str:
    return _cause(folder, packed(folder / "made", parts).read_bytes(), **said)


@pytest.mark.parametrize(
    ("content", "cause"),
    [
        (b"", "is empty"),
        (as_text(table([register(1)])).encode(), "is no XLSX, whatever its name says"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(2000), "is a workbook of old (.xls)"),
        (
            b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(999) + "EncryptedPackage".encode("utf-16-le"),
            "is encrypted: ask for it without a password",
        ),
        (_whole()[:-30], "is a damaged workbook, its end is missing"),
        (_whole()[:1000], "is a damaged workbook, its end is missing"),
        (_whole() + b"more", "is a damaged workbook, its directory is not where it says"),
        (b"PK\x03\x04" + _whole(), "is a damaged workbook, its directory is not where it says"),
    ],
)
def test_what_is_no_workbook_is_told_for_what_it_is(tmp_path: Path, content: bytes, cause: str) -> None:
    """Text, an old workbook, an encrypted one, or half of one, under the name of a workbook."""
    assert _cause(tmp_path, content) == cause


def test_a_bomb_that_declares_its_size(tmp_path: Path) -> None:
    """A part that unpacks to gigabytes by its own account is not unpacked."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive, archive.open("xl/media/big.bin", "w") as part:
        for _ in range(65):
            part.write(bytes(_MB))
    assert len(out.getvalue()) < _MB

    assert _cause(tmp_path, out.getvalue()) == "unpacks to more than 64 MB"
    assert _cause(tmp_path, out.getvalue(), greatest_mb=1) == "unpacks to more than 1 MB"


def _with_declared(content: bytes, size: int) -> bytes:
    """Return an archive of one part that says another size of it, in both of its places."""
    changed = bytearray(content)
    changed[22:26] = struct.pack("<I", size)
    directory = changed.rindex(b"PK\x01\x02")
    changed[directory + 24 : directory + 28] = struct.pack("<I", size)
    return bytes(changed)


@pytest.mark.parametrize(
    ("declared", "cause"),
    [(100, "unpacks to more than it says"), (30 * _MB, "a part of it is not as long as it says")],
)
def test_a_bomb_that_lies_about_its_size(tmp_path: Path, declared: int, cause: str) -> None:
    """What a part says of its size is compared with what comes out of it, and no more is unpacked than that."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(_SHEET, b"<row></row>" * (2 * _MB))

    assert cause in _cause(tmp_path, _with_declared(out.getvalue(), declared))


_FAR = "would need more than 64 MB to be read: has it cells far away? Else export it as CSV"


@pytest.mark.parametrize(
    ("change", "cause"),
    [
        (lambda one: one.replace('r="A1"', 'r="XFD1048576"', 1), _FAR),
        (lambda one: one.replace('<row r="6">', '<row r="1048576">').replace('r="G6"', 'r="ZZZ6"'), _FAR),
        (lambda one: one.replace('<row r="6">', "<row r = '1048576'>").replace('r="G6"', "r\n=\n'ZZ6'"), _FAR),
        (lambda one: one.replace("<sheetData>", '<sheetData><x:row r="900000000" xmlns:x="y"/>'), _FAR),
        (lambda one: one.replace("</sheetData>", "<row>" + "<c/>" * 3000 + "</row>" + "<row/>" * 3000 + "</sheetData>"), _FAR),
        (lambda one: one.replace("</sheetData>", "<row>" + "<c/>" * 900_000 + "</row></sheetData>"), _FAR),
        (
            lambda one: one.replace("</sheetData>", "<row " + "x" * 3 * _MB + "/></sheetData>"),
            "is a damaged workbook, it has no end of a row",
        ),
    ],
)
def test_cells_far_away_make_no_memory(tmp_path: Path, change: Callable[[str], str], cause: str) -> None:
    """One cell in the last corner, or a million of nothing, would make the reader fill what lies between: it never sees them."""
    assert _cause_of(tmp_path, _parts() | {_SHEET: change(_parts()[_SHEET])}) == cause


def test_a_million_texts_make_no_memory(tmp_path: Path) -> None:
    """A table of texts that nobody uses is refused for what it would cost."""
    assert _cause_of(tmp_path, _parts() | {"xl/sharedStrings.xml": "<sst>" + "<si/>" * 1_000_000 + "</sst>"}) == _FAR


def test_texts_that_hold_themselves_are_not_spelt_out(tmp_path: Path) -> None:
    """Entities within entities, a thousand million of them, are refused by the parser of the list of sheets, and unknown to the reader."""
    laughs = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 10))
    evil = f'<!DOCTYPE x [<!ENTITY l0 "ha">{laughs}]>'
    parts = _parts()

    parts["xl/workbook.xml"] = evil + parts["xl/workbook.xml"].replace('name="Data KK"', 'name="&l9;"')
    assert _cause_of(tmp_path, parts) == "is a damaged workbook, it has no list of its sheets"
    sheet = parts[_SHEET].replace("REGISTER KELUARGA DESA CONTOH", "&l9;")
    assert _cause_of(tmp_path, _parts() | {_SHEET: sheet.replace("?>", f"?>{evil}", 1)}) != ""


@pytest.mark.parametrize("name", ["xl/workbook.xml", "xl/_rels/workbook.xml.rels", _SHEET])
def test_a_part_that_is_missing_is_told(tmp_path: Path, name: str) -> None:
    """Without its sheet, or the list of its sheets, a workbook is damaged."""
    assert "damaged" in _cause_of(tmp_path, {key: one for key, one in _parts().items() if key != name})


@pytest.mark.parametrize("name", ["content.xml", "xl\\workbook.bin", "XL/Worksheets/Sheet1.xml"])
def test_a_workbook_that_can_be_read_in_two_ways_is_not_read(tmp_path: Path, name: str) -> None:
    """An archive that is also another kind of workbook, or has a part twice, may be read otherwise than it was examined."""
    assert _cause_of(tmp_path, _parts() | {name: "x"}) == "is a damaged workbook, it can be read in two ways"


def test_a_directory_of_a_hundred_thousand_parts_is_not_read(tmp_path: Path) -> None:
    """The list of an archive's parts is itself bounded, before anything makes objects of it."""
    many = _parts() | {f"xl/media/{number}": "" for number in range(5000)}

    assert _cause_of(tmp_path, many) == "is packed in more parts than a workbook has"


def test_an_encrypted_part_is_told(tmp_path: Path) -> None:
    """A part with a password is told as such, by the flag that says so."""
    content = bytearray(_whole())
    directory = content.index(b"PK\x01\x02")
    content[directory + 8] |= 1

    assert _cause(tmp_path, bytes(content)) == "is encrypted: ask for it without a password"


_PIECES = ["", "<", ">", '"', "&#0;", "<c>", "</row>", 't="e"', 't="b"', 't="d"', "nan", "1e999", "<v>", "<f>", "-1"]


def _refusal(file: Path) -> str:
    """Return why a file is refused, or nothing where it is read."""
    try:
        shown(file)
    except FileUnreadable as fault:
        return str(fault)
    return ""


@given(st.data())
@settings(max_examples=300, deadline=None)
def test_whatever_the_bytes_it_is_read_or_refused(tmp_path_factory: pytest.TempPathFactory, data: st.DataObject) -> None:
    """Bytes changed anywhere end in rows or in a refusal that holds no cell, never in another error."""
    content = bytearray(_whole())
    for _ in range(data.draw(st.integers(1, 4))):
        place = data.draw(st.integers(0, len(content) - 1))
        content[place] = data.draw(st.integers(0, 255))
    file = tmp_path_factory.mktemp("bytes") / TOLD.name
    file.write_bytes(content[: data.draw(st.integers(len(content) // 2, len(content)))] if data.draw(st.booleans()) else content)

    assert card(1)[:12] not in _refusal(file)


@given(st.data())
@settings(max_examples=300, deadline=None)
def test_whatever_the_sheet_it_is_read_or_refused(tmp_path_factory: pytest.TempPathFactory, data: st.DataObject) -> None:
    """A sheet changed anywhere, in a sound archive, ends in rows or in a refusal."""
    sheet = _parts()[_SHEET]
    for _ in range(data.draw(st.integers(1, 4))):
        place = data.draw(st.integers(0, len(sheet)))
        new = data.draw(
            st.sampled_from(["", "<", ">", '"', "&#0;", "<c>", "</row>", 't="e"', 't="b"', 't="d"', "nan", "1e999", "<v>", "<f>", "-1"])
        )
        sheet = sheet[:place] + new + sheet[place + data.draw(st.integers(0, 9)) :]
    folder = tmp_path_factory.mktemp("sheet")

    assert card(1)[:12] not in _refusal(packed(folder / TOLD.name, _parts() | {_SHEET: sheet}))


def test_bytes_behind_a_part_are_not_unpacked(tmp_path: Path) -> None:
    """A part that goes on behind the end of its stream is read up to that end, as the workbook's reader does."""
    raw = zlib.compressobj(9, zlib.DEFLATED, -15)
    stream = raw.compress(b"x" * 100) + raw.flush()
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_STORED) as archive:
        archive.writestr("a.bin", stream + stream)
    content = bytearray(out.getvalue())
    for at, place in ((0, 8), (content.rindex(b"PK\x01\x02"), 10)):
        content[at + place : at + place + 2] = struct.pack("<H", zipfile.ZIP_DEFLATED)

    assert _cause(tmp_path, _with_declared(bytes(content), 100)) == "is a damaged workbook, it has no list of its sheets"


_MEASURED = """
import sys
from pathlib import Path
from tests.memory import peak_mb
from tests.producers.sources.register import desa, TOLD
from producers.sources.snapshot import rows
source = desa(said={"footer": None}).source
before = peak_mb()
found = sum(1 for _ in rows(Path(sys.argv[1]), TOLD, source)[1])
print(found, peak_mb() - before)
"""


def test_the_dearest_workbook_that_is_read_takes_little_memory(tmp_path: Path) -> None:
    """Just below the bound, all of texts, a workbook adds at most 80 MB to its process."""
    rows = [
        register(1, **dict.fromkeys(("jiwa", "belanja", "dasar", "lantai", "luas", "didata"), Raw('t="s"', f"<v>{n}</v>")))
        for n in range(36_000)
    ]
    parts = workbook_parts(Sheet("Data KK", table(rows)[:-1], MERGED))
    parts["xl/sharedStrings.xml"] = "<sst>" + "".join(f"<si><t>{n:016}</t></si>" for n in range(36_000)) + "</sst>"
    relations = parts["xl/_rels/workbook.xml.rels"]
    kind = "http://schemas.openxmlformats.org/officeDocument/2006/relationships/sharedStrings"
    parts["xl/_rels/workbook.xml.rels"] = relations.replace(
        "</Relationships>", f'<Relationship Id="t" Type="{kind}" Target="sharedStrings.xml"/></Relationships>'
    )
    file = packed(tmp_path / TOLD.name, parts)
    said = subprocess.run([sys.executable, "-c", _MEASURED, str(file)], capture_output=True, text=True, check=True)  # noqa: S603 - our own program
    read, more_mb = map(float, said.stdout.split())

    assert read == 36_000
    assert 1 < more_mb < 80


def test_a_sound_workbook_is_read(tmp_path: Path) -> None:
    """What all the above is made of is read when nothing is done to it."""
    assert [one["kk"] for one in shown(write_workbook(tmp_path / TOLD.name, Sheet("Data KK", table([register(1)]), MERGED)))] == [card(1)]
