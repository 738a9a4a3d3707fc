"""
In what form each of Jembrana's villages drops its file: plain text, text of a local program, or a workbook; each as people make it.

Why: one form of files is declared to all villages, and villages have the programs that they have.
Must not: decide what a file says (sddd.py does).

A village keeps its form. Most export `,` and UTF-8. One in four saves text from a spreadsheet: a title, `;`, windows-1252, amounts with
points and a comma, a sum at the end. One in four sends the spreadsheet itself: a sheet of notes before the data, a title, a header of two
lines with merged cells, a blank line here and there, some numbers as text, a sum at the end.
"""

from collections.abc import Sequence
from enum import Enum

from deploy.demo.days import month_text
from deploy.demo.workbook import Cell, column_letters, workbook

__all__ = ["COLUMNS", "Form", "content", "form_of"]

COLUMNS = ("P301", "P302", "P303", "P304", "P350", "P351", "P401", "P403", "P404", "P405", "P407", "P408", "P409", "P411")
_HEADER = ",".join(COLUMNS)
_CARD, _MEMBERS, _EXPENDITURE = COLUMNS.index("P301"), COLUMNS.index("P303"), COLUMNS.index("P350")
_TEXTS = frozenset({"P301", "P302"})
"""Columns that are text in a workbook too: a number of sixteen digits would lose its last ones."""
_GROUPS = (("Anggota", "P302", "P304"), ("Pengeluaran", "P350", "P351"), ("Rumah", "P401", "P411"))
"""What stands in the header's upper line, over which columns."""
_NOTES = ("Petunjuk", [["Isi satu baris untuk satu keluarga."]], ())
_TITLE = "REGISTER DESA CONT\u00d6H \u2013 SATU DATA DARI DESA"
_TEXT_EVERY, _BLANK_EVERY = 7, 40
_FORMS = 4


class Form(Enum):
    """A form of files."""

    PLAIN = "plain text"
    LOCAL = "text of a local program"
    WORKBOOK = "a workbook"

    @property
    def ending(self) -> str:
        """The ending of such a file's name."""
        return ".xlsx" if self is Form.WORKBOOK else ".csv"


def form_of(village: str) -> Form:
    """
    Return the form in which a village drops its files.

    >>> [form_of(f"51.01.01.200{number}").name for number in range(1, 5)]
    ['PLAIN', 'PLAIN', 'LOCAL', 'WORKBOOK']
    """
    return {0: Form.WORKBOOK, 3: Form.LOCAL}.get(int(village.rpartition(".")[2]) % _FORMS, Form.PLAIN)


def content(village: str, month: int, rows: Sequence[str]) -> bytes:
    """Return a file of a village's rows (plain CSV) for a month (days.py), in the village's form."""
    form = form_of(village)
    if form is Form.PLAIN:
        return "\n".join((_HEADER, *rows, "")).encode()
    cells = [row.split(",") for row in rows]
    if form is Form.LOCAL:
        lines = [[_TITLE], [f"Bulan {month_text(month)}"], list(COLUMNS), *map(_written, cells), _total(cells)]
        return "".join(";".join(line) + "\r\n" for line in lines).encode("windows-1252")
    return workbook([_NOTES, (f"Data {month_text(month)}", *_table(month, cells))])


def _written(cells: Sequence[str]) -> list[str]:
    """Return a row with its amount as people write it: 2.400.000,00."""
    spent = cells[_EXPENDITURE]
    return [*cells[:_EXPENDITURE], f"{int(spent):,}".replace(",", ".") + ",00" if spent else "", *cells[_EXPENDITURE + 1 :]]


def _total(rows: Sequence[Sequence[str]]) -> list[str]:
    """Return the row of the sum, which is no household."""
    members = str(sum(int(cells[_MEMBERS]) for cells in rows))
    return ["JUMLAH", *("" for _ in COLUMNS[1:_MEMBERS]), members, *("" for _ in COLUMNS[_MEMBERS + 1 :])]


def _table(month: int, rows: Sequence[Sequence[str]]) -> tuple[list[list[Cell]], list[str]]:
    """Return a sheet's lines, and what is merged in them."""
    upper: list[Cell] = [None] * len(COLUMNS)
    upper[_CARD] = COLUMNS[_CARD]
    lower: list[Cell] = [None, *COLUMNS[1:]]
    merged = ["A1:F1", "A3:A4"]
    for name, first, last in _GROUPS:
        begin, end = COLUMNS.index(first), COLUMNS.index(last)
        upper[begin] = name
        merged.append(f"{column_letters(begin)}3:{column_letters(end)}3")
    lines: list[list[Cell]] = [[_TITLE], [f"Bulan {month_text(month)}"], upper, lower]
    for number, cells in enumerate(rows, 1):
        lines.append([_typed(number, name, cell) for name, cell in zip(COLUMNS, cells, strict=True)])
        if number % _BLANK_EVERY == 0:
            lines.append([])
    lines.append([cell or None for cell in _total(rows)])
    return lines, merged


def _typed(row: int, column: str, cell: str) -> Cell:
    """Return a cell as the spreadsheet holds it; in some rows numbers were typed as text, amounts with points."""
    if not cell or column in _TEXTS:
        return cell or None
    if row % _TEXT_EVERY == 0:
        return f"{int(cell):,}".replace(",", ".") if column == COLUMNS[_EXPENDITURE] else cell
    return int(cell)
