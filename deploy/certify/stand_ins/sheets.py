"""
How a register's rows are written into a file: as text in an encoding with a delimiter, or as a workbook, with what people put around them.

Why: a region file declares titles, merged headers, subtotals, footers, numbers and days as people write them; each is played as declared.
Must not: open a file; know what a column means.
"""

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import zip_longest
from typing import Any

from deploy.certify.stand_ins.workbooks import Sheet, bomb, column_name, workbook
from producers.declaration import FilesSource

__all__ = ["Form", "bomb_of", "content", "forms_of"]

Row = Sequence[str]
_TITLES: Sequence[Sequence[Any]] = (["REGISTER CONTOH"], [])
_FOREIGN = "Desa Cont\u00f6h"
"""What shows in which encoding a text was written."""
_FIRST_DAY, _FIRST_SAFE = date(1899, 12, 30), 61
_LONGEST_NUMBER = 15
_GREATEST_MB = 64
"""What a workbook may unpack to where nothing is declared."""


@dataclass(frozen=True, slots=True)
class Form:
    """One of the ways in which files are written: the form of their names, and of text its encoding and delimiter."""

    name: str
    encoding: str = ""
    delimiter: str = ""

    @property
    def is_workbook(self) -> bool:
        """Whether it is no text."""
        return not self.encoding


def forms_of(source: FilesSource) -> list[Form]:
    """Return the ways in which a folder's files may be written: each name, each encoding and each delimiter occurs."""
    found = []
    for name in source.file_name:
        if name.lower().endswith(".xlsx"):
            found.append(Form(name))
            continue
        ways = zip_longest(source.encoding, source.delimiter)
        found += [Form(name, encoding or source.encoding[0], delimiter or source.delimiter[0]) for encoding, delimiter in ways]
    return found


def content(form: Form, source: FilesSource, columns: Row, rows: Sequence[Row], *, total: int | None = None) -> bytes:
    """Return a file's bytes; `columns` are those of the rows, maybe more or others than declared; `total` is what its footer tells."""
    header, merged = _header(source, columns)
    titles = _TITLES if source.searched(workbook=form.is_workbook) >= source.header_rows + len(_TITLES) else ()
    written = [[_cell(source, name, cell, form) for name, cell in zip(columns, row, strict=True)] for row in rows]
    lines = [*titles, *header, *written[:1], *(_fitting(where, source) for where in source.skip_rows_where), *written[1:]]
    lines += _footer(source, len(rows) if total is None else total)
    if form.is_workbook:
        below = len(titles)
        ranges = [f"{column_name(left)}{below + top + 1}:{column_name(right)}{below + down + 1}" for left, top, right, down in merged]
        return workbook(Sheet(source.sheet or "Data", lines, ranges))
    return _text(lines, form)


def bomb_of(source: FilesSource) -> bytes:
    """Return a workbook of some kilobytes that would unpack to more than the region file lets it."""
    return bomb(((source.greatest_mb or _GREATEST_MB) << 20) + (8 << 20))


def _text(lines: Sequence[Sequence[Any]], form: Form) -> bytes:
    width, out = max(map(len, lines)), io.StringIO()
    writer = csv.writer(out, delimiter=form.delimiter, lineterminator="\n")
    writer.writerows([*line, *[None] * (width - len(line))] for line in lines)
    return out.getvalue().encode(form.encoding)


def _header(source: FilesSource, columns: Row) -> tuple[list[list[Any]], list[tuple[int, int, int, int]]]:
    """
    Return the header's lines, and which of their cells are merged: left, top, right, bottom, from 0 on.

    A label of one part in a header of two lines fills both; else labels end in the lowest line. An upper part that several columns share
    stands over the first of them.
    """
    depth = source.header_rows
    lines: list[list[Any]] = [[None] * len(columns) for _ in range(depth)]
    merged: list[tuple[int, int, int, int]] = []
    for place, name in enumerate(columns):
        label = source.label(name)
        top = 0 if depth == 2 and len(label) == 1 else depth - len(label)
        for step, part in enumerate(label):
            lines[top + step][place] = part
        if depth == 2 and len(label) == 1:
            merged.append((place, 0, place, 1))
    for upper in range(depth - 1):
        merged += _shared(lines[upper], upper, [lines[-1][place] is not None for place in range(len(columns))])
    return lines, merged


def _shared(line: list[Any], row: int, has_lower: Sequence[bool]) -> Iterator[tuple[int, int, int, int]]:
    """Merge neighbours of one text in an upper line of a header, in place."""
    left = 0
    for place in range(1, len(line) + 1):
        if place < len(line) and line[place] is not None and line[place] == line[left] and has_lower[place]:
            continue
        if place - left > 1:
            line[left + 1 : place] = [None] * (place - left - 1)
            yield left, row, place - 1, row
        left = place


def _cell(source: FilesSource, column: str, cell: str, form: Form) -> Any:  # noqa: ANN401 - a cell
    if column in source.dates:
        return _day(cell, source.dates[column], form)
    if form.is_workbook:
        return int(cell) if len(cell) < _LONGEST_NUMBER and cell.isascii() and cell.isdigit() and str(int(cell)) == cell else cell
    if source.numbers is not None and column in source.numbers.columns and cell.isdigit():
        grouped = f"{int(cell):,}".replace(",", source.numbers.thousands or "")
        return f"{grouped}{source.numbers.decimal}00" if source.numbers.decimal else grouped
    return cell


def _day(cell: str, written: str, form: Form) -> Any:  # noqa: ANN401 - a cell
    try:
        day = date.fromisoformat(cell)
    except ValueError:
        return cell
    number = (day - _FIRST_DAY).days
    return number if form.is_workbook and number >= _FIRST_SAFE else day.strftime(written)


def _footer(source: FilesSource, total: int) -> list[list[Any]]:
    if source.footer is None:
        return []
    row = _fitting(source.footer.where, source)
    row[source.columns.index(source.footer.rows)] = str(total)
    return [row]


def _fitting(where: Mapping[str, str], source: FilesSource) -> list[Any]:
    """Return a row that is as a rule says, and has nothing else."""
    cells = {name: f"{text[:-1]} {_FOREIGN}" if text.endswith("*") else text for name, text in where.items()}
    return [cells.get(name) for name in source.columns]
