"""
Which folder of snapshots is read, and how its files are written.

Why: what differs from one export to the next is declared here.
Must not: open a file.
"""

import codecs
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, field_validator, model_validator

from producers.declaration.forms import form_fault
from producers.declaration.model import Misplaced, Mistake, Model

__all__ = ["FilesSource", "Footer", "Numbers"]

_XLSX_SEARCHED, _TEXT_SEARCHED = 50, 1
_XLSX_MB, _XLSX_ROWS = 64, 75_000
"""What a workbook may have: its sheet lies in memory as a whole, text is read line by line."""


def _one_or_many(value: Any) -> Any:  # noqa: ANN401 - TOML
    return (value,) if isinstance(value, str) else value


def _twice(names: Sequence[str]) -> list[str]:
    return [name for place, name in enumerate(names) if name in names[:place]]


Texts = Annotated[tuple[str, ...], BeforeValidator(_one_or_many), Field(min_length=1)]
"""One text, or a list of some."""
Where = Annotated[Mapping[str, str], Field(min_length=1)]
"""Cells by column that a row must have: a text, one that a cell begins with (`JUMLAH*`), or nothing (an empty cell)."""


class Numbers(Model):
    """Columns whose numbers are written as people write them, such as 1.234.567,50."""

    columns: tuple[str, ...] = Field(min_length=1)
    thousands: Literal[".", ",", " ", "'"] | None = None
    decimal: Literal[".", ","] | None = None

    @model_validator(mode="after")
    def _apart(self) -> "Numbers":
        if self.thousands == self.decimal:
            raise ValueError("thousands and decimal are two different signs, or one of them is left out")
        return self


class Footer(Model):
    """The row at the end of a file that tells how many rows it has: a file without it, or with another number, is not whole."""

    where: Where
    rows: str
    """The column in which that row tells the number of rows."""


class FilesSource(Model):
    """A folder into which full snapshots are dropped, one file per village and month by its name: CSV or other text, or XLSX."""

    kind: Literal["files"]
    folder: str
    file_name: Texts
    """
    Such as `sddd_{village}_{period}_{exported}Z.csv`: period YYYYMM, exported YYYYMMDDThhmmssffffff in UTC; or several such.

    What ends in `.xlsx` is a workbook, anything else text.
    """
    columns: tuple[str, ...] = Field(min_length=1)
    """The columns that are needed, in any order; others are told, and dropped."""
    labels: Mapping[str, str] = Field(default_factory=dict)
    """How the header writes a column, where that is not its name; parts of a header of several rows are joined by ` / `."""
    header_rows: int = Field(1, ge=1, le=5)
    """Rows that the header fills."""
    header_within: int | None = Field(None, ge=1, le=1000)
    """Lines from the beginning in which the header ends: of text the first alone, of a workbook the first 50."""
    sheet: str | None = None
    """The workbook's sheet; without it, the one that has the header."""
    skip_rows_where: tuple[Where, ...] = ()
    """Rows that show no household: totals, footnotes. Blank rows and a repeated header are none anyway."""
    footer: Footer | None = None
    numbers: Numbers | None = None
    dates: Mapping[str, str] = Field(default_factory=dict)
    """Columns of dates, with the form in which text has them (C's strptime); a workbook's own dates and day numbers are read beside it."""
    encoding: Texts = ("utf-8",)
    """Of text. Of several the first in which a file can be read; what reads nearly everything, such as windows-1252, comes last."""
    delimiter: Texts = (",",)
    """Of text, one letter. Of several the one by which the header has the columns."""
    poll_s: float = Field(2.0, gt=0, le=86_400)
    quiet_s: float = Field(0.0, ge=0, le=86_400)
    """A file that changed since is still being written, and waited for."""
    greatest_loss: float = Field(0.2, ge=0, le=1)
    """A snapshot that would end more than this share of its village is put aside whole."""
    greatest_mb: int | None = Field(None, ge=1)
    """A larger text file is put aside, and a workbook that is larger unpacked; without it text may have any size, a workbook 64 MB."""
    greatest_rows: int | None = Field(None, ge=1)
    """A file of more rows is put aside; without it text may have any number, a workbook 75,000, which no village has."""

    @field_validator("file_name")
    @classmethod
    def _named_parts(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        for name in names:
            if sorted(re.findall(r"\{(\w*)\}", name)) != ["exported", "period", "village"]:
                raise ValueError("file_name needs {village}, {period} and {exported}, each once")
            if name.lower().endswith((".xls", ".xlsb", ".ods")):
                raise ValueError("of workbooks only .xlsx is read")
        return names

    @field_validator("encoding")
    @classmethod
    def _encodings(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        for place, name in enumerate(names):
            try:
                codecs.lookup(name)
                reads_anything = bool(bytes(range(0xA0, 0x100)).decode(name))
            except LookupError:
                raise ValueError(f"there is no encoding {name}") from None
            except UnicodeDecodeError:
                continue
            if reads_anything and place < len(names) - 1:
                raise ValueError(f"{name} reads any bytes: nothing after it would ever be tried")
        return names

    @field_validator("delimiter")
    @classmethod
    def _letters(cls, letters: tuple[str, ...]) -> tuple[str, ...]:
        if any(len(letter) != 1 for letter in letters):
            raise ValueError("a delimiter is one letter")
        return letters

    @model_validator(mode="after")
    def _columns_known(self) -> "FilesSource":
        mistakes = [Mistake(("columns",), f"names {one} twice") for one in _twice(self.columns)]
        mistakes += [Mistake(key, f"{one} is not in columns", one, self.columns) for key, one in self._named() if one not in self.columns]
        written = [" / ".join(self.label(column)) for column in dict.fromkeys(self.columns)]
        mistakes += [Mistake(("labels",), f"two columns are written {one}") for one in _twice(written)]
        mistakes += [Mistake(("dates", one), wrong) for one, form in self.dates.items() if (wrong := form_fault(form))]
        if mistakes:
            raise Misplaced(*mistakes)
        return self

    def _named(self) -> Iterator[tuple[tuple[str, ...], str]]:
        """Give every column that is named apart from `columns`, with the key where it is."""
        yield from ((("labels", one), one) for one in self.labels)
        yield from ((("dates", one), one) for one in self.dates)
        yield from ((("numbers", "columns"), one) for one in (self.numbers.columns if self.numbers else ()))
        if self.footer:
            yield from ((("footer", "where", one), one) for one in self.footer.where)
            yield ("footer", "rows"), self.footer.rows
        for place, where in enumerate(self.skip_rows_where):
            yield from ((("skip_rows_where", str(place), one), one) for one in where)

    def label(self, column: str) -> tuple[str, ...]:
        """Return how the header writes a column, from the upper row to the lower."""
        return tuple(" ".join(part.split()) for part in self.labels.get(column, column).split(" / "))

    def searched(self, *, workbook: bool) -> int:
        """Return how many lines from the beginning are searched for the header."""
        return self.header_within or (_XLSX_SEARCHED if workbook else _TEXT_SEARCHED)

    def most_bytes(self, *, workbook: bool) -> int | None:
        """Return how many bytes a text file may have, or a workbook unpacked; None for any number."""
        greatest = min(self.greatest_mb or _XLSX_MB, _XLSX_MB) if workbook else self.greatest_mb
        return None if greatest is None else greatest << 20

    def most_rows(self, *, workbook: bool) -> int | None:
        """Return how many rows a file may have; None for any number."""
        return min(self.greatest_rows or _XLSX_ROWS, _XLSX_ROWS) if workbook else self.greatest_rows
