"""
The register of a village as its office makes it: a table with titles, a merged header and a total, as a workbook or as text.

Why: the same content in every form that a spreadsheet gives it is what tests compare.
Must not: read a file: the product does.
"""

import csv
import io
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from deploy.certify.stand_ins.workbooks import Sheet, write_workbook
from producers.declaration import Declaration, FilesSource
from producers.region_file import read_region_file
from producers.sources.snapshot import Named, rows_of
from tests.producers.samples import card

__all__ = ["EXPORTED", "HEADER", "MERGED", "REGION", "TITLES", "TOLD", "as_text", "desa", "name_of", "read", "register", "shown", "table"]

REGION = Path(__file__).parents[1] / "regions" / "desa-workbook.toml"
EXPORTED = "20240402T101500000007"
TOLD = Named(f"desa_51.01.01.2001_202403_{EXPORTED}Z.xlsx", "51.01.01.2001", 202403, 1_712_052_900_000_007)
TITLES: Sequence[Sequence[Any]] = (["REGISTER KELUARGA DESA CONTOH"], [], ["Bulan:", "Maret 2024"])
HEADER: Sequence[Sequence[Any]] = (
    ["No. KK", "Jumlah Jiwa", "Pengeluaran", None, "Rumah", None, "Tanggal Pendataan"],
    [None, None, "Rp per bulan", "Dasar", "Lantai", "Luas (m2)", None],
)
MERGED = ("A4:A5", "B4:B5", "C4:D4", "E4:F4", "G4:G5")


def desa(folder: Path | str = "/nowhere", said: Mapping[str, object] | None = None) -> Declaration:
    """Return the declaration of the invented regency over a folder, with some of its source said otherwise."""
    declared = read_region_file(REGION, {"MUARA_DESA_FOLDER": str(folder)})
    assert isinstance(declared.source, FilesSource)
    return declared.model_copy(update={"source": declared.source.model_copy(update=said or {})})


def register(serial: int, **said: Any) -> list[Any]:
    """Return an invented family's line: four people who spend 2,400,000 rupiah a month."""
    cells = {"kk": card(serial), "jiwa": 4, "belanja": 2_400_000, "dasar": "SURVEI", "lantai": 2, "luas": 36, "didata": "05-03-2024"} | said
    return list(cells.values())


def table(rows: Sequence[Sequence[Any]], *, total: Any = None) -> list[Sequence[Any]]:
    """Return the lines of a register: titles, header, rows and total."""
    return [*TITLES, *HEADER, *rows, ["JUMLAH", len(rows) if total is None else total]]


def as_text(lines: Sequence[Sequence[Any]], delimiter: str = ";") -> str:
    """Return lines as a spreadsheet saves them as text: each as wide as the widest."""
    width, out = max(map(len, lines)), io.StringIO()
    writer = csv.writer(out, delimiter=delimiter, lineterminator="\r\n")
    for line in lines:
        writer.writerow([*line, *[None] * (width - len(line))])
    return out.getvalue()


def read(folder: Path, lines: Sequence[Sequence[Any]], **said: object) -> list[dict[str, Any]]:
    """Return the records that a workbook of one sheet with these lines has."""
    write_workbook(folder / TOLD.name, Sheet("Data KK", lines, MERGED))
    return shown(folder / TOLD.name, **said)


def shown(file: Path, **said: object) -> list[dict[str, Any]]:
    """Return the records of a file that lies under the name of the village's snapshot, or under another form of it."""
    source = desa(said=said).source
    assert isinstance(source, FilesSource)
    return [one.value for one in rows_of(file, Named(file.name, TOLD.village, TOLD.period, TOLD.exported), source)]


def name_of(village: str, period: int, exported: datetime, form: str) -> str:
    """Return the name of a register's file in a form (xlsx, csv)."""
    return f"desa_{village}_{period}_{exported:%Y%m%dT%H%M%S%f}Z.{form}"
