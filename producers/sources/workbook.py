"""
A snapshot as a workbook (XLSX): its sheets' lines, and its cells as text; the only importer of python_calamine.

Why: a spreadsheet keeps numbers as doubles of 15 digits and days as numbers; what that has cost is told, and never mended by a guess.
Must not: open a workbook that was not examined first (workbook_guard.py).
"""

import math
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Any

from python_calamine import CalamineError, CalamineSheet, CalamineWorkbook, PasswordError, SheetTypeEnum

from producers.declaration.files import FilesSource
from producers.faults import FileUnreadable
from producers.pseudonym import LOST
from producers.records import Spoilt
from producers.sources.table import Layout, Line, Merged, layout_of
from producers.sources.workbook_guard import Examined, examined, place_of

__all__ = ["sheet_of"]

_MOST_DIGITS = 10**15
"""From here on a spreadsheet's number has lost digits, or may have: it keeps 15."""
_FIRST_DAY, _FIRST_DAY_1904 = date(1899, 12, 30), date(1904, 1, 1)
_FIRST_SAFE, _LAST_DAY = 61, 2_958_465
"""Day numbers: before March 1900 spreadsheets count a day that never was; the last is the end of the year 9999."""


def sheet_of(path: Path, declared: FilesSource, name: str) -> tuple[Layout, Iterator[Line], Callable[[str], Callable[[Any], Any]]]:
    """
    Return where the table of a workbook stands, the lines behind its header, and what makes the cells of a column text.

    The sheet is the one declared, else the only one that has the header. Raises `FileUnreadable`.
    """
    greatest = declared.most_bytes(workbook=True) or 0
    with path.open("rb") as file:
        known = examined(file, path.stat().st_size, greatest, name)
        try:
            # The file that was examined and no other one, whatever its name leads to by now; a file object would be copied into memory.
            with closing(CalamineWorkbook.from_path(f"/proc/self/fd/{file.fileno()}")) as book:
                title, sheet, layout = _chosen(book, declared, name)
        except PasswordError as error:
            raise FileUnreadable(file=name, cause="is encrypted: ask for it without a password") from error
        except BaseException as error:
            # A panic of the reader's own language is a BaseException that no name is exported for.
            if isinstance(error, CalamineError) or type(error).__name__ == "PanicException":
                raise FileUnreadable(file=name, cause="is a damaged workbook") from error
            raise
    spoilt = _spoilt(known, title, sheet.start or (0, 0))
    lines = (one for one in _lines(sheet, spoilt) if one[0] > layout.line)
    return layout, lines, lambda column: _day_of(known.from_1904) if column in declared.dates else cell_text


def _chosen(book: CalamineWorkbook, declared: FilesSource, name: str) -> tuple[str, CalamineSheet, Layout]:
    titles = [one.name for one in book.sheets_metadata if one.typ == SheetTypeEnum.WorkSheet]
    if declared.sheet is not None:
        titles = [one for one in titles if one.strip() == declared.sheet.strip()]
        if not titles:
            raise FileUnreadable(file=name, cause=f"has no sheet {declared.sheet}")
    found: tuple[str, CalamineSheet, Layout] | None = None
    fault: FileUnreadable | None = None
    for title in titles:
        sheet = book.get_sheet_by_name(title)
        try:
            layout = layout_of(_first(sheet, declared.searched(workbook=True)), _merged(sheet), declared, name)
        except FileUnreadable as error:
            # Of several sheets, the one told is the one that comes nearest.
            fault = error if fault is None or len(str(error)) < len(str(fault)) else fault
            continue
        if found is not None:
            raise FileUnreadable(file=name, cause="has more than one sheet with the header: declare which one counts (sheet)")
        found = title, sheet, layout
    if found is None:
        raise fault or FileUnreadable(file=name, cause="has no sheet")
    return found


def _first(sheet: CalamineSheet, count: int) -> list[Line]:
    return [line for line, _ in zip(_lines(sheet, {}), range(count), strict=False)]


def _merged(sheet: CalamineSheet) -> Merged:
    """Return a sheet's merged cells, columns counted from the first that holds anything, as its lines are."""
    left = (sheet.start or (0, 0))[1]
    return [((a, b - left), (c, d - left)) for (a, b), (c, d) in sheet.merged_cell_ranges or ()]


def _spoilt(known: Examined, title: str, start: tuple[int, int]) -> dict[int, list[tuple[int, Spoilt]]]:
    """Return the cells of a sheet that are errors or were never computed, by line."""
    found: dict[int, list[tuple[int, Spoilt]]] = {}
    causes = {"is an error of the spreadsheet": known.errors, "is a formula that was never computed": known.uncomputed}
    for cause, places in causes.items():
        for place in places.get(title, ()):
            row, column = place_of(place)
            found.setdefault(row, []).append((column - 1 - start[1], Spoilt(cause, "#")))
    return found


def _lines(sheet: CalamineSheet, spoilt: dict[int, list[tuple[int, Spoilt]]]) -> Iterator[Line]:
    """Give a sheet's lines, hidden ones too: a filter that somebody left on ends no household."""
    for number, cells in enumerate(sheet.iter_rows(), 1):
        for column, one in spoilt.get(number, ()):
            if 0 <= column < len(cells):
                cells[column] = one  # type: ignore[call-overload]  # a list of cells, of which this is one
        yield number, cells


def cell_text(cell: Any) -> str | Spoilt:  # noqa: ANN401 - a cell of a workbook
    """
    Return a cell as the text that a person would have written; a number that may have lost digits is none.

    >>> cell_text(2400000.0), cell_text(36.5), cell_text(True), cell_text(date(2024, 3, 1))
    ('2400000', '36.5', 'true', '2024-03-01')
    >>> cell_text(9901010101200000.0)
    Spoilt(cause='went through a number of a spreadsheet, which keeps 15 digits: write it as text')
    """
    if isinstance(cell, str | Spoilt):
        return cell
    if isinstance(cell, bool):
        return "true" if cell else "false"
    if isinstance(cell, int | float):
        return _number_text(cell)
    return Spoilt("is a time without a day", str(cell)) if isinstance(cell, time | timedelta) else str(cell.isoformat())


def _number_text(number: float) -> str | Spoilt:
    if not math.isfinite(number):
        return Spoilt("is no number", str(number))
    if abs(number) >= _MOST_DIGITS:
        return Spoilt(LOST, f"{number:.0f}")
    return str(int(number)) if number == int(number) else repr(number)


def _day_of(from_1904: bool) -> Callable[[Any], str | Spoilt]:
    """Return what makes a cell of a column of dates text: a day's number is a day there."""
    first = _FIRST_DAY_1904 if from_1904 else _FIRST_DAY
    least = 0 if from_1904 else _FIRST_SAFE

    def day(cell: Any) -> str | Spoilt:  # noqa: ANN401 - a cell of a workbook
        if isinstance(cell, datetime):
            return cell.date().isoformat()
        if isinstance(cell, float | int) and not isinstance(cell, bool) and least <= cell <= _LAST_DAY - 1462 and cell == int(cell):
            return (first + timedelta(days=int(cell))).isoformat()
        return cell_text(cell)

    return day
