"""
A snapshot file: its name, and its rows as records; whole or not at all.

Why: a file that is half there looks like a village that lost half of its households.
Must not: know how text or a workbook is written (text.py, workbook.py, table.py do).
"""

import os
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from producers.conversions import microseconds
from producers.declaration import FilesSource
from producers.faults import FileUnreadable, masked
from producers.mapping import VILLAGE
from producers.records import Node
from producers.sources.table import Layout, layout_of, table_rows
from producers.sources.text import encoding_of, text_lines
from producers.sources.workbook import sheet_of

__all__ = ["NAME_FAULTS", "WORKBOOK", "Named", "named", "pattern_of", "rows", "rows_of", "standing_for", "writable"]

WORKBOOK = ".xlsx"

_PARTS = {"village": r"(?P<village>[0-9.]+)", "period": r"(?P<period>\d{6})", "exported": r"(?P<exported>\d{8}T\d{12})"}
NAME_FAULTS = _FORM, _VILLAGE, _TIME = (
    "has a name of another form than file_name says",
    "has no village's code such as 51.01.01.2001 in its name",
    "has a period or time in its name that does not exist",
)
"""What can be wrong with a file's name, by itself."""
_MARK_DIGITS = 12
"""Of the keyed mark of such a name: files of one shape are told apart, and nobody finds the name by trying."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


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


def pattern_of(file_names: str | Sequence[str]) -> Sequence[re.Pattern[str]]:
    """
    Return the patterns of declared file names.

    >>> (pattern,) = pattern_of("x_{village}_{period}_{exported}Z.csv")
    >>> pattern.fullmatch("x_51.01.01.2001_202403_20240402T101500000000Z.csv")["period"]
    '202403'
    """
    found = []
    for name in [file_names] if isinstance(file_names, str) else file_names:
        parts = re.split(r"\{(\w+)\}", name)
        found.append(re.compile("".join(_PARTS[part] if place % 2 else re.escape(part) for place, part in enumerate(parts))))
    return found


def writable(name: str) -> str:
    r"""
    Return a file's name such that it can be kept and told: bytes that are no UTF-8, which no declared name has, are spelt out.

    >>> writable("caf\udce9.csv")
    'caf\\xe9.csv'
    """
    return os.fsencode(name).decode("utf-8", "backslashreplace")


def standing_for(name: str, mark: Callable[[bytes], bytes]) -> str:
    """
    Return what stands for a name that is not of a declared form, wherever it is kept or told: its shape, and the beginning of its mark.

    People name files for families and cards. What is of the form holds a village, a month and a time, and nothing else.

    >>> standing_for("kk_WARGA 000001.csv", lambda content: bytes(16))
    'aa_aaaaa 999999.aaa #000000000000'
    """
    return f"{masked(name)} #{mark(name.encode()).hex()[:_MARK_DIGITS]}"


def named(patterns: Sequence[re.Pattern[str]], name: str) -> Named:
    """Return what a file's name tells; raises `FileUnreadable`."""
    found = next((match for pattern in patterns if (match := pattern.fullmatch(name))), None)
    if found is None:
        raise FileUnreadable(file=name, cause=_FORM)
    if not VILLAGE.fullmatch(found["village"]):
        raise FileUnreadable(file=name, cause=_VILLAGE)
    period = int(found["period"])
    try:
        datetime(period // 100, period % 100, 1, tzinfo=UTC)
        exported = datetime.strptime(found["exported"], "%Y%m%dT%H%M%S%f").replace(tzinfo=UTC)
    except ValueError:
        raise FileUnreadable(file=name, cause=_TIME) from None
    return Named(name, found["village"], period, microseconds(exported))


def rows(path: Path, told: Named, declared: FilesSource) -> tuple[Layout, Iterator[Node]]:
    """
    Return where a file's columns stand, and its rows as records; an empty cell is null, and the file itself is what they lie in.

    The file is a mapping with `village`, `period` (YYYY-MM), `exported` (ISO 8601) and `file`. Raises `FileUnreadable`, while rows are
    taken too: a file that cannot be read to its end, or changes meanwhile, does not count at all.
    """
    before = path.stat()
    workbook = told.name.lower().endswith(WORKBOOK)
    most = declared.most_bytes(workbook=workbook)
    if most is not None and before.st_size > most:
        raise FileUnreadable(file=told.name, cause=f"is larger than {most >> 20} MB")
    if workbook:
        layout, lines, convert = sheet_of(path, declared, told.name)
        found = table_rows(lines, layout, declared, told.name, convert)
    else:
        layout, found = _text_rows(path, declared, told.name)
    period = f"{told.period // 100}-{told.period % 100:02}"
    file = Node({"village": told.village, "period": period, "exported": told.moment.isoformat(), "file": told.name})
    return layout, _whole(found, file, path, before)


def rows_of(path: Path, told: Named, declared: FilesSource) -> list[Node]:
    """Return all of a file's rows as records; see `rows`."""
    return list(rows(path, told, declared)[1])


def _whole(found: Iterator[dict[str, Any]], file: Node, path: Path, before: os.stat_result) -> Iterator[Node]:
    """Give the records of rows, and see in the end that the file is the one that was opened."""
    for row in found:
        yield Node(row, file)
    after = path.stat()
    if (after.st_size, after.st_mtime_ns, after.st_ino) != (before.st_size, before.st_mtime_ns, before.st_ino):
        raise FileUnreadable(file=str(file.value["file"]), cause="changed while it was read")


def _text_rows(path: Path, declared: FilesSource, name: str) -> tuple[Layout, Iterator[dict[str, Any]]]:
    """Return where the columns of a text file stand, by the first delimiter by which they are there, and its rows."""
    encoding, fault = encoding_of(path, declared, name), None
    for delimiter in declared.delimiter:
        try:
            with path.open(encoding=encoding, newline="") as file:
                searched = declared.searched(workbook=False)
                first = [line for line, _ in zip(text_lines(file, delimiter, name), range(searched), strict=False)]
            layout = layout_of(first, None, declared, name)
        except FileUnreadable as error:
            fault = fault or error
            continue
        return layout, _text_behind(path, encoding, delimiter, layout, declared, name)
    raise fault or FileUnreadable(file=name, cause="is empty")


def _text_behind(path: Path, encoding: str, delimiter: str, layout: Layout, declared: FilesSource, name: str) -> Iterator[dict[str, Any]]:
    with path.open(encoding=encoding, newline="") as file:
        behind = (line for line in text_lines(file, delimiter, name) if line[0] > layout.line)
        yield from table_rows(behind, layout, declared, name)
