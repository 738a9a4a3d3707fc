"""
Workbooks, written part by part, so that every oddity that a spreadsheet program or an attacker makes can be made.

Why: a library that writes workbooks writes sound ones.
Must not: know what should come of them.
"""

import io
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape, quoteattr

__all__ = ["Raw", "Sheet", "bomb", "column_name", "packed", "workbook", "workbook_parts", "write_workbook"]

_MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_RELATIONS = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PACKAGE = "http://schemas.openxmlformats.org/package/2006"
_DAYS = 1
"""The style of cells that show a number as a day."""


@dataclass(frozen=True)
class Raw:
    """A cell as it stands in the file: attributes beside its place, and what lies in it."""

    attributes: str
    inner: str


@dataclass(frozen=True)
class Sheet:
    """A sheet: its title, its lines from the first on, merged ranges, and hidden lines (from 1 on)."""

    title: str
    lines: Sequence[Sequence[Any]]
    merged: Sequence[str] = ()
    hidden: frozenset[int] = field(default=frozenset())


def column_name(place: int) -> str:
    """Return the letters of a column, from 0 on."""
    letters = ""
    place += 1
    while place:
        place, rest = divmod(place - 1, 26)
        letters = chr(65 + rest) + letters
    return letters


def _cell(line: int, place: int, cell: Any) -> str:  # noqa: ANN401 - a cell
    """Write a cell: None is none, text is text, a number a number, a `Raw` as it is."""
    if cell is None or cell == "":
        return ""
    at = f'r="{column_name(place)}{line}"'
    if isinstance(cell, Raw):
        return f"<c {at} {cell.attributes}>{cell.inner}</c>"
    if isinstance(cell, str):
        return f'<c {at} t="inlineStr"><is><t xml:space="preserve">{escape(cell)}</t></is></c>'
    return f"<c {at}><v>{cell!r}</v></c>"


def _sheet(sheet: Sheet) -> str:
    lines = []
    for number, cells in enumerate(sheet.lines, 1):
        hidden = ' hidden="1"' if number in sheet.hidden else ""
        lines.append(f'<row r="{number}"{hidden}>' + "".join(_cell(number, place, one) for place, one in enumerate(cells)) + "</row>")
    merged = "".join(f'<mergeCell ref="{one}"/>' for one in sheet.merged)
    after = f'<mergeCells count="{len(sheet.merged)}">{merged}</mergeCells>' if merged else ""
    return f'<?xml version="1.0"?><worksheet xmlns="{_MAIN}"><sheetData>{"".join(lines)}</sheetData>{after}</worksheet>'


def workbook_parts(*sheets: Sheet, from_1904: bool = False) -> dict[str, str]:
    """Return the parts of a workbook by their names in the archive."""
    listed = "".join(f'<sheet name={quoteattr(one.title)} sheetId="{n}" r:id="rId{n}"/>' for n, one in enumerate(sheets, 1))
    kind = f"{_RELATIONS}/worksheet"
    related = "".join(f'<Relationship Id="rId{n}" Type="{kind}" Target="worksheets/sheet{n}.xml"/>' for n in range(1, len(sheets) + 1))
    content = "application/vnd.openxmlformats-officedocument.spreadsheetml"
    return {
        "[Content_Types].xml": f'<Types xmlns="{_PACKAGE}/content-types"><Default Extension="xml" ContentType="{content}.sheet.main+xml"/>'
        "</Types>",
        "_rels/.rels": f'<Relationships xmlns="{_PACKAGE}/relationships"><Relationship Id="r" Type="{_RELATIONS}/officeDocument"'
        ' Target="xl/workbook.xml"/></Relationships>',
        "xl/workbook.xml": f'<workbook xmlns="{_MAIN}" xmlns:r="{_RELATIONS}"><workbookPr date1904="{int(from_1904)}"/>'
        f"<sheets>{listed}</sheets></workbook>",
        "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{_PACKAGE}/relationships">{related}'
        f'<Relationship Id="s" Type="{_RELATIONS}/styles" Target="styles.xml"/></Relationships>',
        "xl/styles.xml": f'<styleSheet xmlns="{_MAIN}"><cellXfs count="2"><xf numFmtId="0"/><xf numFmtId="14"/></cellXfs></styleSheet>',
        **{f"xl/worksheets/sheet{n}.xml": _sheet(one) for n, one in enumerate(sheets, 1)},
    }


def workbook(*sheets: Sheet) -> bytes:
    """Return a workbook's bytes."""
    return _archived(workbook_parts(*sheets)).getvalue()


def bomb(unpacked: int) -> bytes:
    """Return a workbook whose one sheet unpacks to at least so many bytes, of spaces."""
    parts = workbook_parts(Sheet("Data", []))
    name = "xl/worksheets/sheet1.xml"
    begin, end = parts.pop(name).split("</sheetData>")
    out = _archived(parts)
    with zipfile.ZipFile(out, "a", zipfile.ZIP_DEFLATED, compresslevel=1) as archive, archive.open(name, "w", force_zip64=True) as part:
        part.write(begin.encode())
        for _ in range((unpacked >> 20) + 1):
            part.write(b" " * (1 << 20))
        part.write(f"</sheetData>{end}".encode())
    return out.getvalue()


def _archived(parts: Mapping[str, str | bytes]) -> io.BytesIO:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    return out


def packed(path: Path, parts: Mapping[str, str | bytes]) -> Path:
    """Pack parts into an archive."""
    path.write_bytes(_archived(parts).getvalue())
    return path


def write_workbook(path: Path, *sheets: Sheet, from_1904: bool = False) -> Path:
    """Write a workbook as a spreadsheet program would, into a folder as a village's program does: under another name first."""
    part = packed(path.with_name(f"{path.name}.part"), workbook_parts(*sheets, from_1904=from_1904))
    return part.replace(path)
