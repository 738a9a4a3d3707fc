"""
A snapshot file: its name, and its rows as records; whole or not at all.

Why: a file that is half there looks like a village that lost half of its households.
Must not: guess an encoding, a delimiter or a column, or let a cell of a file into an error.
"""

import csv
import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from producers.conversions import microseconds
from producers.declaration import FilesSource
from producers.faults import FileUnreadable
from producers.mapping import VILLAGE
from producers.records import Node

__all__ = ["Named", "named", "pattern_of", "rows_of", "writable"]

_PARTS = {"village": r"(?P<village>[0-9.]+)", "period": r"(?P<period>\d{6})", "exported": r"(?P<exported>\d{8}T\d{12})"}
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_LONGEST_CELL = 10_000


@dataclass(frozen=True, slots=True)
class Named:
    """What a file's name tells: its village, its period (YYYYMM) and when it was exported (microseconds since 1970, UTC)."""

    name: str
    village: str
    period: int
    exported: int

    @property
    def moment(self) -> datetime:
        """When it was exported."""
        return _EPOCH + timedelta(microseconds=self.exported)


def pattern_of(file_name: str) -> re.Pattern[str]:
    """
    Return the pattern of a declared file name.

    >>> pattern_of("x_{village}_{period}_{exported}Z.csv").fullmatch("x_51.01.01.2001_202403_20240402T101500000000Z.csv")["period"]
    '202403'
    """
    parts = re.split(r"\{(\w+)\}", file_name)
    return re.compile("".join(_PARTS[part] if place % 2 else re.escape(part) for place, part in enumerate(parts)))


def writable(name: str) -> str:
    r"""
    Return a file's name such that it can be kept and told: bytes that are no UTF-8, which no declared name has, are spelt out.

    >>> writable("caf\udce9.csv")
    'caf\\xe9.csv'
    """
    return os.fsencode(name).decode("utf-8", "backslashreplace")


def named(pattern: re.Pattern[str], name: str) -> Named:
    """Return what a file's name tells; raises `FileUnreadable`."""
    found = pattern.fullmatch(name)
    if found is None:
        raise FileUnreadable(file=name, cause="has a name of another form than file_name says")
    if not VILLAGE.fullmatch(found["village"]):
        raise FileUnreadable(file=name, cause="has no village's code such as 51.01.01.2001 in its name")
    period = int(found["period"])
    try:
        datetime(period // 100, period % 100, 1, tzinfo=UTC)
        exported = datetime.strptime(found["exported"], "%Y%m%dT%H%M%S%f").replace(tzinfo=UTC)
    except ValueError:
        raise FileUnreadable(file=name, cause="has a period or time in its name that does not exist") from None
    return Named(name, found["village"], period, microseconds(exported))


def rows_of(path: Path, told: Named, declared: FilesSource) -> list[Node]:
    """
    Return a file's rows as records; an empty cell is null, and the file itself is what they lie in.

    The file is a mapping with `village`, `period` (YYYY-MM), `exported` (ISO 8601) and `file`. Raises `FileUnreadable`.
    """
    if path.stat().st_size > declared.greatest_mb << 20:
        raise FileUnreadable(file=told.name, cause=f"is larger than {declared.greatest_mb} MB")
    try:
        text = path.read_text(encoding=declared.encoding)
    except (UnicodeDecodeError, LookupError):
        raise FileUnreadable(file=told.name, cause=f"is not written in {declared.encoding}") from None
    if not text.endswith("\n"):
        raise FileUnreadable(file=told.name, cause="ends in the middle of a line" if text else "is empty")
    lines = _lines(text, told, declared)
    period = f"{told.period // 100}-{told.period % 100:02}"
    file = Node({"village": told.village, "period": period, "exported": told.moment.isoformat(), "file": told.name})
    return [Node({column: cell or None for column, cell in zip(declared.columns, line, strict=True)}, file) for line in lines]


def _lines(text: str, told: Named, declared: FilesSource) -> Sequence[list[str]]:
    """Return the rows without the header; raises `FileUnreadable` where header or a row is not as declared."""
    if "\0" in text:
        raise FileUnreadable(file=told.name, cause="holds bytes that are no text")
    try:
        header, *lines = csv.reader(text.splitlines(), delimiter=declared.delimiter, strict=True)
    except csv.Error:
        raise FileUnreadable(file=told.name, cause="is no CSV") from None
    if tuple(name.strip() for name in header) != declared.columns:
        raise FileUnreadable(file=told.name, cause=_header_fault(header, declared.columns))
    for number, line in enumerate(lines, 2):
        if len(line) != len(declared.columns):
            raise FileUnreadable(file=told.name, cause=f"has {len(line)} cells instead of {len(declared.columns)} in line {number}")
        if any(len(cell) > _LONGEST_CELL for cell in line):
            raise FileUnreadable(file=told.name, cause=f"has a cell of more than {_LONGEST_CELL} letters in line {number}")
    return lines


def _header_fault(header: Sequence[str], columns: Sequence[str]) -> str:
    """Return how a header differs from the columns declared; names that are not declared are counted, not told."""
    present = {name.strip() for name in header}
    missing = [column for column in columns if column not in present]
    others = len(present - set(columns))
    if missing or others:
        return f"has another header: {', '.join(missing) or 'nothing'} missing, {others} not declared"
    return "has its columns in another order or twice"
