"""
A workbook as a village's spreadsheet program saves it: two sheets, texts shared between cells, merged cells.

Why: a village's register is a spreadsheet first; what reads it must bear what spreadsheet programs do.
Must not: know what a cell means.
"""

import io
import zipfile
from collections.abc import Sequence
from xml.sax.saxutils import escape, quoteattr

__all__ = ["Cell", "Sheet", "column_letters", "workbook"]

Cell = str | int | None
Sheet = tuple[str, Sequence[Sequence[Cell]], Sequence[str]]
"""A sheet's title, its lines of cells, and the ranges that are merged, such as `A3:A4`."""
_MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PACKAGE = "http://schemas.openxmlformats.org/package/2006"
_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml"
_HEAD = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>'
_AT = (2024, 1, 1, 0, 0, 0)
"""The same day in every archive, so that the same sheets are the same bytes."""


def column_letters(place: int) -> str:
    """
    Return the letters of one of the first 702 columns, from 0 on.

    >>> column_letters(0), column_letters(25), column_letters(26)
    ('A', 'Z', 'AA')
    """
    before, last = divmod(place, 26)
    return (chr(64 + before) if before else "") + chr(65 + last)


def workbook(sheets: Sequence[Sheet]) -> bytes:
    """Return a workbook's bytes."""
    texts: dict[str, int] = {}
    written = [_sheet(lines, merged, texts) for _, lines, merged in sheets]
    kinds = [("worksheet", f"worksheets/sheet{number}.xml") for number in range(1, len(sheets) + 1)] + [
        ("sharedStrings", "sharedStrings.xml")
    ]
    related = "".join(f'<Relationship Id="rId{n}" Type="{_OFFICE}/{kind}" Target="{at}"/>' for n, (kind, at) in enumerate(kinds, 1))
    listed = "".join(f'<sheet name={quoteattr(title)} sheetId="{n}" r:id="rId{n}"/>' for n, (title, *_) in enumerate(sheets, 1))
    types = "".join(f'<Override PartName="/xl/{at}" ContentType="{_TYPE}.{kind}+xml"/>' for kind, at in kinds)
    shared = "".join(f'<si><t xml:space="preserve">{escape(text)}</t></si>' for text in texts)
    parts = {
        "[Content_Types].xml": f'<Types xmlns="{_PACKAGE}/content-types"><Default Extension="rels" ContentType="application/vnd.'
        f'openxmlformats-package.relationships+xml"/><Override PartName="/xl/workbook.xml" ContentType="{_TYPE}.sheet.main+xml"/>'
        f"{types}</Types>",
        "_rels/.rels": f'<Relationships xmlns="{_PACKAGE}/relationships"><Relationship Id="rId1" Type="{_OFFICE}/officeDocument"'
        ' Target="xl/workbook.xml"/></Relationships>',
        "xl/workbook.xml": f'<workbook xmlns="{_MAIN}" xmlns:r="{_OFFICE}"><sheets>{listed}</sheets></workbook>',
        "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{_PACKAGE}/relationships">{related}</Relationships>',
        "xl/sharedStrings.xml": f'<sst xmlns="{_MAIN}" uniqueCount="{len(texts)}">{shared}</sst>',
        **{f"xl/worksheets/sheet{number}.xml": one for number, one in enumerate(written, 1)},
    }
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for name, content in parts.items():
            archive.writestr(zipfile.ZipInfo(name, _AT), _HEAD + content, zipfile.ZIP_DEFLATED)
    return out.getvalue()


def _sheet(lines: Sequence[Sequence[Cell]], merged: Sequence[str], texts: dict[str, int]) -> str:
    rows = []
    for number, cells in enumerate(lines, 1):
        told = (_cell(f"{column_letters(place)}{number}", cell, texts) for place, cell in enumerate(cells) if cell is not None)
        rows.append(f'<row r="{number}">{"".join(told)}</row>')
    ranges = "".join(f'<mergeCell ref="{one}"/>' for one in merged)
    after = f'<mergeCells count="{len(merged)}">{ranges}</mergeCells>' if merged else ""
    return f'<worksheet xmlns="{_MAIN}"><sheetData>{"".join(rows)}</sheetData>{after}</worksheet>'


def _cell(at: str, cell: str | int, texts: dict[str, int]) -> str:
    """Write a number as such, and a text by its number among all texts."""
    if isinstance(cell, int):
        return f'<c r="{at}"><v>{cell}</v></c>'
    return f'<c r="{at}" t="s"><v>{texts.setdefault(cell, len(texts))}</v></c>'
