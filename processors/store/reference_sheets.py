"""
CSV files of reference data, read whole, with all their mistakes at once.

Why: a person who mends a file wants every mistake with file and line, not the first one.
Must not: know the database; what only it knows is checked by processors/store/reference_load.py.
"""

import csv
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import ROUND_CEILING, Decimal, InvalidOperation
from io import StringIO
from pathlib import Path
from typing import Generic, TypeVar

from processors.store.rollup import LEVELS
from schemas.errors import Fatal

__all__ = [
    "DEFINITIONS",
    "LineRow",
    "Mistake",
    "MistakesInSheet",
    "RegionRow",
    "Row",
    "Sheet",
    "SourceRow",
    "read_lines",
    "read_regions",
    "read_sources",
]

DEFINITIONS = ("national", "extreme")
URBANISATIONS = ("urban", "rural", "all")
GREATEST_LINE, GREATEST_RANK = 100_000_000, 1000
_CODE = re.compile(r"ID|[0-9]+(\.[0-9]+)*")
_SOURCE = re.compile(r"[a-z][a-z0-9_-]{0,15}")


class MistakesInSheet(Fatal):
    """
    {count} in {file}, nothing was loaded:
    {mistakes}.
    """


@dataclass(frozen=True, slots=True, order=True)
class Mistake:
    """What is wrong in one line of a file."""

    line: int
    what: str


@dataclass(frozen=True, slots=True)
class LineRow:
    """One poverty line as a file has it; `line` is where it stands."""

    definition: str
    region: str
    urbanisation: str
    valid_from: date
    rupiah: int
    origin: str
    line: int = field(default=0, compare=False)

    @property
    def key(self) -> tuple[object, ...]:
        """What may stand only once."""
        return self.definition, self.region, self.urbanisation, self.valid_from


@dataclass(frozen=True, slots=True)
class RegionRow:
    """One region as a file has it; `line` is where it stands."""

    code: str
    bps_code: str | None
    name: str
    level: str
    parent: str | None
    urbanisation: str | None
    line: int = field(default=0, compare=False)

    @property
    def key(self) -> tuple[object, ...]:
        """What may stand only once."""
        return (self.code,)


@dataclass(frozen=True, slots=True)
class SourceRow:
    """One source that may speak for a regency, as a file has it; `line` is where it stands."""

    region: str
    source: str
    rank: int
    line: int = field(default=0, compare=False)

    @property
    def key(self) -> tuple[object, ...]:
        """What may stand only once."""
        return self.region, self.source


Row = TypeVar("Row", LineRow, RegionRow, SourceRow)


@dataclass(frozen=True, slots=True)
class Sheet(Generic[Row]):
    """The rows of one file that can be read, and what is wrong with the others."""

    file: str
    rows: tuple[Row, ...]
    mistakes: tuple[Mistake, ...] = ()

    def refuse(self, further: Iterable[Mistake] = ()) -> None:
        """Raise `MistakesInSheet` with all mistakes, these and further ones, by line; return where there is none."""
        mistakes = sorted({*self.mistakes, *further})
        if mistakes:
            told = "\n".join(f"{self.file}:{one.line}: {one.what}" for one in mistakes)
            raise MistakesInSheet(count="1 mistake" if len(mistakes) == 1 else f"{len(mistakes):,} mistakes", file=self.file, mistakes=told)


def read_lines(path: Path) -> Sheet[LineRow]:
    """
    Read poverty lines.

    Columns: definition, province_code_kemendagri, region_code_kemendagri, urbanisation, valid_from, rupiah_per_capita_month, source.
    Fractions of a rupiah are rounded up, which leaves whole expenditure on the side of the line where it was.
    """
    return _read(
        path,
        (
            "definition",
            "province_code_kemendagri",
            "region_code_kemendagri",
            "urbanisation",
            "valid_from",
            "rupiah_per_capita_month",
            "source",
        ),
        _line_row,
    )


def read_regions(path: Path) -> Sheet[RegionRow]:
    """Read regions: code, bps_code, name, level, parent, urbanisation."""
    return _read(path, ("code", "bps_code", "name", "level", "parent", "urbanisation"), _region_row)


def read_sources(path: Path) -> Sheet[SourceRow]:
    """Read who may speak for which regency: region, source, rank."""
    return _read(path, ("region", "source", "rank"), _source_row)


class _Cells:
    """One line of a file by column, which gathers what is wrong with it and answers with a stopgap where something is."""

    def __init__(self, line: int, cells: dict[str, str]) -> None:
        self.line = line
        self.mistakes: list[Mistake] = []
        self._cells = cells

    def wrong(self, what: str) -> None:
        self.mistakes.append(Mistake(self.line, what))

    def text(self, column: str) -> str:
        if not self._cells[column]:
            self.wrong(f"{column} is empty")
        return self._cells[column]

    def text_or_none(self, column: str) -> str | None:
        return self._cells[column] or None

    def one_of(self, column: str, allowed: Sequence[str]) -> str:
        if self._cells[column] not in allowed:
            self.wrong(f"{column} {self._cells[column]!r} is none of {', '.join(allowed)}")
        return self._cells[column]

    def code(self, column: str) -> str:
        if not _CODE.fullmatch(self._cells[column]) or len(self._cells[column].replace(".", "")) > 18:
            self.wrong(f"{column} {self._cells[column]!r} is not a region's code such as 31.74")
        return self._cells[column]

    def day(self, column: str) -> date:
        try:
            return date.fromisoformat(self._cells[column])
        except ValueError:
            self.wrong(f"{column} {self._cells[column]!r} is not a date such as 2024-03-01")
            return date.min

    def rupiah(self, column: str) -> int:
        try:
            amount = int(Decimal(self._cells[column]).to_integral_value(ROUND_CEILING))
        except (InvalidOperation, ValueError, OverflowError):
            amount = 0
        return self._within(column, amount, GREATEST_LINE)

    def whole(self, column: str, greatest: int) -> int:
        text = self._cells[column]
        return self._within(column, int(text) if text.isascii() and text.isdigit() else 0, greatest)

    def _within(self, column: str, number: int, greatest: int) -> int:
        if not 1 <= number <= greatest:
            self.wrong(f"{column} {self._cells[column]!r} is not a number from 1 to {greatest}")
        return number


def _line_row(cells: _Cells) -> LineRow:
    province, region = cells.code("province_code_kemendagri"), cells.code("region_code_kemendagri")
    if region.split(".")[0] != province:
        cells.wrong(f"region_code_kemendagri {region!r} does not lie in province {province!r}")
    return LineRow(
        definition=cells.one_of("definition", DEFINITIONS),
        region=region,
        urbanisation=cells.one_of("urbanisation", URBANISATIONS),
        valid_from=cells.day("valid_from"),
        rupiah=cells.rupiah("rupiah_per_capita_month"),
        origin=cells.text("source"),
        line=cells.line,
    )


def _region_row(cells: _Cells) -> RegionRow:
    level, urbanisation, parent = cells.one_of("level", LEVELS), cells.text_or_none("urbanisation"), cells.text_or_none("parent")
    if level == "village":
        urbanisation = cells.one_of("urbanisation", ("urban", "rural"))
    elif urbanisation is not None:
        cells.wrong("urbanisation is only for villages")
    code = cells.code("code")
    if (level == "nation") != (code == "ID"):
        cells.wrong("the nation, and nothing else, has the code ID")
    if level == "nation" and parent is not None:
        cells.wrong("the nation has no parent")
    elif level != "nation":
        parent = cells.code("parent")
    return RegionRow(code, cells.text_or_none("bps_code"), cells.text("name"), level, parent, urbanisation, cells.line)


def _source_row(cells: _Cells) -> SourceRow:
    source = cells.text("source")
    if source and not _SOURCE.fullmatch(source):
        cells.wrong(f"source {source!r} is not up to 16 of a-z, 0-9, _ and -, the first a letter")
    return SourceRow(cells.code("region"), source, cells.whole("rank", GREATEST_RANK), cells.line)


def _read(path: Path, columns: tuple[str, ...], row_of: Callable[[_Cells], Row]) -> Sheet[Row]:
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        return Sheet(str(path), (), (Mistake(0, f"the file cannot be read: {why}"),))
    table = csv.reader(StringIO(text, newline=""))
    header = tuple(name.strip() for name in next(table, []))
    if header != columns:
        return Sheet(str(path), (), (Mistake(1, f"the columns are {','.join(header)!r}, expected {','.join(columns)}"),))
    rows: list[Row] = []
    mistakes: list[Mistake] = []
    try:
        for values in table:
            if len(values) == len(columns):
                cells = _Cells(table.line_num, {name: value.strip() for name, value in zip(columns, values, strict=True)})
                row = row_of(cells)
                mistakes.extend(cells.mistakes)
                rows.extend([] if cells.mistakes else [row])
            elif any(value.strip() for value in values):
                mistakes.append(Mistake(table.line_num, f"{len(values)} columns, expected {len(columns)}"))
    except csv.Error as error:
        mistakes.append(Mistake(table.line_num, str(error)))
    return Sheet(str(path), tuple(rows), (*mistakes, *_repeated(rows)))


def _repeated(rows: Sequence[Row]) -> list[Mistake]:
    """Return a mistake for each row whose key stands further up already."""
    first: dict[tuple[object, ...], int] = {}
    return [
        Mistake(row.line, f"{' '.join(map(str, row.key))} stands in line {first[row.key]} already")
        for row in rows
        if first.setdefault(row.key, row.line) != row.line
    ]
