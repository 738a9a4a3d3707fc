"""
From lines of cells to rows by column: where the header stands, which lines are rows, and how their cells are written.

Why: what people put around a table (titles, merged headers, totals, footnotes) differs from office to office and is declared, not guessed.
Must not: open a file; guess a column; or let a cell into an error, a header's apart that is a header for sure.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from difflib import get_close_matches
from typing import Any

from producers.declaration.files import FilesSource, Numbers
from producers.drift import shown
from producers.faults import FileUnreadable
from producers.records import Spoilt

__all__ = ["Layout", "Line", "Merged", "as_read", "layout_of", "table_rows"]

Line = tuple[int, Sequence[Any]]
"""A line's number, from 1 on, and its cells."""
Row = tuple[int, dict[str, Any]]
"""A line's number, and its cells by column."""
Merged = Sequence[tuple[tuple[int, int], tuple[int, int]]]
"""Merged cells: upper left and lower right one, (line, column) from 0 on."""
Convert = Callable[[Any], Any]
_LONGEST_CELL = 10_000


@dataclass(frozen=True, slots=True)
class Layout:
    """Where a table's columns stand."""

    places: Sequence[int]
    """The place of each declared column in a line."""
    width: int
    """Cells of a line, from the first to the last that has a header."""
    line: int
    """The number of the header's last line."""
    others: int = 0
    """Columns that are not declared."""
    headers: frozenset[tuple[Any, ...]] = field(default=frozenset())
    """The header's lines in the declared columns: where one comes again it is no row."""

    @property
    def first_cells(self) -> frozenset[Any]:
        """What the first of the declared columns has in the header's lines."""
        return frozenset(one[0] for one in self.headers)


def layout_of(lines: Sequence[Line], merged: Merged | None, declared: FilesSource, name: str) -> Layout:
    """
    Return where the columns stand in the lines in which the header is searched; raises `FileUnreadable`, of the nearest try.

    Text (None for `merged`) has lost which cells were merged: there an empty cell of a header's upper line belongs to the one on its left.
    """
    wanted = [declared.label(column) for column in declared.columns]
    filled = [(number, _filled(number - 1, cells, merged or ())) for number, cells in lines]
    nearest: tuple[int, list[tuple[str, ...]]] = (-1, [])
    for last in range(len(filled)):
        block = filled[max(0, last - declared.header_rows + 1) : last + 1]
        upper, lowest = [cells for _, cells in block[:-1]], block[-1][1]
        labels = _labels([*(map(_spread, upper) if merged is None else upper), lowest])
        found = [[place for place, label in enumerate(labels) if label[-len(one) :] == one] for one in wanted]
        if all(len(places) == 1 for places in found):
            places = [places[0] for places in found]
            width = max(place for place, label in enumerate(labels) if label) + 1
            others = sum(1 for place, label in enumerate(labels) if label and place not in set(places))
            headers = frozenset(_cells_at(cells, places) for _, cells in lines[max(0, last - declared.header_rows + 1) : last + 1])
            return Layout(places, width, lines[last][0], others, headers - {("",) * len(places)})
        if (known := sum(map(bool, found))) > nearest[0]:
            nearest = (known, labels)
    raise FileUnreadable(file=name, cause=_header_fault(nearest[1], wanted))


def _filled(line: int, cells: Sequence[Any], merged: Merged) -> list[str]:
    """Return a line's cells as header, each merged cell's text in all that it spans in its own first line."""
    texts = [" ".join(one.split()) if isinstance(one, str) else str(one) for one in cells]
    for (top, left), (_, right) in merged:
        if top == line and left < len(texts):
            texts[left : right + 1] = [texts[left]] * (min(right + 1, len(texts)) - left)
    return texts


def _spread(cells: Sequence[str]) -> list[str]:
    """Return a header's upper line with each empty cell filled from its left."""
    found, last = [], ""
    for one in cells:
        last = one or last
        found.append(last)
    return found


def _labels(block: Sequence[Sequence[str]]) -> list[tuple[str, ...]]:
    """Return each column's labels from the upper line to the lower."""
    width = max((len(cells) for cells in block), default=0)
    return [tuple(cells[place] for cells in block if place < len(cells) and cells[place]) for place in range(width)]


def _cells_at(cells: Sequence[Any], places: Sequence[int]) -> tuple[Any, ...]:
    return tuple(cells[place] if place < len(cells) else "" for place in places)


def _header_fault(labels: Sequence[tuple[str, ...]], wanted: Sequence[tuple[str, ...]]) -> str:
    """
    Return how a header differs from the columns declared.

    What is not declared is counted; its nearest name is told where half of the columns are there: it is a header then, and no row.
    """
    missing = [one for one in wanted if all(label[-len(one) :] != one for label in labels)]
    if not missing:
        return "has a column of its header twice"
    others = [label[-1] for label in labels if label and all(label[-len(one) :] != one for one in wanted)]
    told = []
    for one in missing:
        near = get_close_matches(one[-1], others, 1) if 2 * len(missing) <= len(wanted) else []
        told.append(" / ".join(one) + (f" (nearest: {shown(near[0])})" if near else ""))
    return f"has another header: {', '.join(told)} missing, {len(others)} not declared"


# ---- rows ------------------------------------------------------------------------------------------------------------------------


def table_rows(
    lines: Iterable[Line], layout: Layout, declared: FilesSource, name: str, convert: Callable[[str], Convert] | None = None
) -> Iterator[dict[str, Any]]:
    """
    Give the rows behind the header by column, an empty cell as None; `convert` gives what makes a column's cells text.

    Raises `FileUnreadable` as soon as the file cannot count as a whole: what was given before is then not to be used.
    """
    found: Iterator[Row] = _by_column(lines, layout, declared.columns, name, text=convert is None)
    if convert is not None:
        found = _as_text(found, {column: convert(column) for column in declared.columns})
    if converts := _converts(declared):
        found = _converted(found, converts)
    if declared.skip_rows_where or declared.footer:
        found = _households(found, declared, name)
    most = declared.most_rows(workbook=convert is not None)
    for count, (_, row) in enumerate(found, 1):
        if most is not None and count > most:
            instead = ": export it as CSV, which may have any number" if convert is not None else ""
            raise FileUnreadable(file=name, cause=f"has more than {most} rows{instead}")
        yield row


def as_read(row: Mapping[str, Any], declared: FilesSource) -> dict[str, Any]:
    """Return a row of a file, by its columns, with numbers and dates as they are after reading."""
    converts = dict(_converts(declared))
    return {column: converts[column](cell) if column in converts and cell is not None else cell for column, cell in row.items()}


def _by_column(lines: Iterable[Line], layout: Layout, columns: Sequence[str], name: str, *, text: bool) -> Iterator[Row]:
    """Give lines as rows with their numbers; blank ones and repeated headers are none."""
    plain = list(layout.places) == list(range(len(columns))) and layout.width == len(columns)
    first_cells = layout.first_cells
    for number, line in lines:
        cells = line if plain and len(line) == layout.width else _placed(number, line, layout, name, text=text)
        row = {column: cell if cell != "" else None for column, cell in zip(columns, cells, strict=True)}
        if text and sum(map(len, cells)) > _LONGEST_CELL and max(map(len, cells)) > _LONGEST_CELL:
            raise FileUnreadable(file=name, cause=f"has a cell of more than {_LONGEST_CELL} letters in line {number}")
        if _is_blank(row[columns[0]]) and all(map(_is_blank, row.values())):
            continue
        if cells[0] in first_cells and tuple(cells) in layout.headers:
            continue
        yield number, row


def _is_blank(cell: Any) -> bool:  # noqa: ANN401 - a cell
    return cell is None or (isinstance(cell, str) and cell.isspace())


def _as_text(found: Iterable[Row], converts: Mapping[str, Convert]) -> Iterator[Row]:
    """Give rows with all that is no text made text."""
    for number, row in found:
        for column, cell in row.items():
            if type(cell) is not str and cell is not None:
                row[column] = converts[column](cell)
        yield number, row


def _converted(found: Iterable[Row], converts: Sequence[tuple[str, Convert]]) -> Iterator[Row]:
    for number, row in found:
        for column, change in converts:
            if (cell := row[column]) is not None:
                row[column] = change(cell)
        yield number, row


def _households(found: Iterable[Row], declared: FilesSource, name: str) -> Iterator[Row]:
    """Give the rows that show households, and see that the footer tells as many."""
    skipped = [_fitting(where) for where in declared.skip_rows_where]
    is_footer = _fitting(declared.footer.where) if declared.footer else None
    count, footer = 0, None
    for number, row in found:
        if is_footer is not None and is_footer(row):
            footer = row
        elif not any(fits(row) for fits in skipped):
            if footer is not None:
                raise FileUnreadable(file=name, cause=f"goes on behind its footer in line {number}")
            count += 1
            yield number, row
    if declared.footer is not None:
        _check_footer(footer, declared.footer.rows, count, name)


def _placed(number: int, line: Sequence[Any], layout: Layout, name: str, *, text: bool) -> Sequence[Any]:
    """Return a line's cells in the declared columns' order; of text, a line has all its cells, and nothing beyond the header."""
    if text and (len(line) < layout.width or any(line[layout.width :])):
        raise FileUnreadable(file=name, cause=f"has {len(line)} cells instead of {layout.width} in line {number}")
    return _cells_at(line, layout.places)


def _check_footer(footer: Mapping[str, Any] | None, column: str, count: int, name: str) -> None:
    """Refuse a file that ends before its footer, or has another number of rows than that tells."""
    if footer is None:
        raise FileUnreadable(file=name, cause="ends without its footer")
    told = str(footer[column])
    if told != str(count):
        # Rows are counted: a number of them tells nothing of anybody; anything else in that cell might.
        said = told if told.isascii() and told.isdigit() and len(told) < 10 else "no number"
        raise FileUnreadable(file=name, cause=f"has {count} rows, its footer tells {said}")


def _fitting(where: Mapping[str, str]) -> Callable[[Mapping[str, Any]], bool]:
    """Return the function that tells whether a row is as a rule says."""
    rules = [(column, " ".join(text.split()).casefold()) for column, text in where.items()]

    def fits(row: Mapping[str, Any]) -> bool:
        for column, text in rules:
            cell = row[column]
            if cell is None or text == "":
                if cell is not None or text != "":
                    return False
                continue
            found = " ".join(str(cell).split()).casefold()
            if found != text and not (text.endswith("*") and found.startswith(text[:-1])):
                return False
        return True

    return fits


def _converts(declared: FilesSource) -> list[tuple[str, Convert]]:
    """Return what happens to the cells of which columns: numbers and dates are read as they are declared."""
    number = _number_as(declared.numbers) if declared.numbers else None
    found = [(column, number) for column in declared.numbers.columns] if declared.numbers and number else []
    return found + [(column, _day_as(written)) for column, written in declared.dates.items()]


def _number_as(numbers: Numbers) -> Convert:
    """Return the function that writes a number plainly; what is not written exactly as declared stays as it is, and is refused later."""
    thousands, decimal = numbers.thousands, numbers.decimal

    def plain(cell: Any) -> Any:  # noqa: ANN401 - a cell
        if not isinstance(cell, str) or cell.isdigit():
            return cell
        sign, digits = ("-", cell[1:]) if cell.startswith("-") else ("", cell)
        head, _, tail = digits.partition(decimal) if decimal else (digits, "", "")
        first, *groups = head.split(thousands) if thousands else [head]
        grouped = all(len(group) == 3 for group in groups) and (not groups or 1 <= len(first) <= 3)
        whole = "".join([first, *groups])
        if not (grouped and whole.isascii() and whole.isdigit() and (not tail or (tail.isascii() and tail.isdigit()))):
            return cell
        return f"{sign}{whole}.{tail}" if tail.strip("0") else f"{sign}{whole}"

    return plain


def _day_as(written: str) -> Convert:
    """Return the function that writes a day as ISO 8601; what is written neither so nor as declared is a day for nobody."""
    unfit = f"is no date: it does not fit {written}"

    def day(cell: Any) -> Any:  # noqa: ANN401 - a cell
        try:
            return datetime.strptime(cell, written).date().isoformat()  # noqa: DTZ007 - a day of the region: nothing is converted
        except (ValueError, TypeError):
            return cell if not isinstance(cell, str) or _is_day(cell) else Spoilt(unfit, cell)

    return day


def _is_day(cell: str) -> bool:
    try:
        date.fromisoformat(cell)
    except ValueError:
        return False
    return True
