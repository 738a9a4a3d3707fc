"""
A reader of the simulated systems for tests: from pages, files, notices and transactions to statements, and by the law to rows of truth.

Why: it proves that what the systems report amounts to what they call true; it shares no code with producers, whose faults would hide.
Must not: look into the simulated world; it reads what anybody could read.
"""

import csv
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

from python_calamine import CalamineWorkbook

from deploy.demo.carik_records import building_tree
from deploy.demo.simulation import World
from deploy.demo.truth import TruthRow
from processors.law import Statement, kept, view
from processors.months import first_day, last_day, month_of
from processors.reference import Reference, Region, Registration
from schemas.events import Operation

__all__ = [
    "FileReader",
    "Said",
    "TableReader",
    "carik_statements",
    "desa_statements",
    "reference_of",
    "rows_by_law",
    "rows_of",
    "told_by_carik",
]

Said = dict[str, list[Statement]]
"""Statements by family card."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def told_by_carik(world: World, page_size: int = 400) -> list[dict[str, Any]]:
    """Return all buildings that Carik's pages hold, as the API would answer them."""
    buildings, since, more = [], None, True
    while more:
        page = world.carik.page(since, page_size)
        buildings += building_tree(page.changes, world.people)
        since, more = page.cursor, page.more
    return buildings


def carik_statements(buildings: Iterable[dict[str, Any]]) -> Said:
    """Return what Carik's records say, by family card."""
    said: Said = {}
    for building in buildings:
        village = building["kode_kelurahan"]
        for household in building["rumah_tangga"]:
            for family in household["keluarga"]:
                said.setdefault(family["no_kk"], []).append(_of_family(village, family))
    return said


def _of_family(village: str, family: dict[str, Any]) -> Statement:
    operation = Operation.RETRACT if family["dibatalkan"] else Operation.END if family["dihapus"] else Operation.UPSERT
    spent, members = family["pengeluaran"], family["anggota"]
    told = operation is Operation.UPSERT
    return Statement(
        region=village[:5],
        source="carik",
        valid_from=date.fromisoformat(family["berlaku_sejak"]),
        revision=_microseconds(datetime.fromisoformat(family["diubah_pada"])),
        mapping_version=1,
        operation=operation,
        village=village if told else None,
        size=sum(one["kehadiran"] == "ADA" for one in members) if told and members is not None else None,
        expenditure=spent["makanan"] + spent["bukan_makanan"] if told and spent else None,
        modelled=bool(told and spent and spent["dasar"] == "MODEL"),
    )


def _microseconds(at: datetime) -> int:
    return (at - _EPOCH) // timedelta(microseconds=1)


def desa_statements(notices: Iterable[dict[str, Any]]) -> Said:
    """Return what Sumedang's notices say, in whatever order they come, by family card."""
    operations = {
        "keluarga.diubah": Operation.UPSERT,
        "keluarga.berakhir": Operation.END,
        "keluarga.dibatalkan": Operation.RETRACT,
    }
    said: Said = {}
    for notice in notices:
        told, operation = notice["data"], operations[notice["jenis"]]
        upsert = operation is Operation.UPSERT
        spent = told["pengeluaran"] if upsert else None
        one = Statement(
            region="32.11",
            source="desa",
            valid_from=date.fromisoformat(told["berlaku_sejak"]),
            revision=told["urut"],
            mapping_version=1,
            operation=operation,
            village=told["kode_desa"] if upsert else None,
            size=told["jumlah_anggota"] if upsert else None,
            expenditure=spent["jumlah"] if spent else None,
            modelled=bool(spent and spent["dasar"] == "MODEL"),
        )
        said.setdefault(told["no_kk"], []).append(one)
    return said


@dataclass(slots=True)
class TableReader:
    """
    Reads Smart Kampung's changes of rows in the order of the log, each with the row's image, and says what follows.

    Each change is told by the row as it was before (None: inserted) and as it is after (None: deleted).
    """

    said: Said = field(default_factory=dict)
    _changes: int = 0

    def changed(self, before: dict[str, Any] | None, after: dict[str, Any] | None) -> None:
        """Take in one change of `keluarga`; another card is an end and a beginning."""
        self._changes += 1
        if before is not None and (after is None or after["no_kk"] != before["no_kk"]):
            self._say(before, Operation.END)
        if after is not None:
            self._say(after, Operation.RETRACT if after["dibatalkan"] else Operation.UPSERT)

    def _say(self, row: dict[str, Any], operation: Operation) -> None:
        told = operation is Operation.UPSERT
        spent = row["pengeluaran"] if told else None
        one = Statement(
            region="35.10",
            source="smartkampung",
            valid_from=row["berlaku_sejak"],
            revision=self._changes,
            mapping_version=1,
            operation=operation,
            village=row["kode_desa"] if told else None,
            size=row["jumlah_jiwa"] if told else None,
            expenditure=spent,
            modelled=spent is not None and row["dasar_pengeluaran"] == "MODEL",
        )
        self.said.setdefault(row["no_kk"], []).append(one)


@dataclass(slots=True)
class FileReader:
    """
    Reads Jembrana's files one by one, in any order, and says what follows from those read so far.

    With `also_later` a household that another village shows for a later period is not ended; both readings of the rule must do.
    """

    also_later: bool = False
    said: Said = field(default_factory=dict)
    _files: dict[str, dict[date, tuple[int, dict[str, Statement]]]] = field(default_factory=dict)
    _shown: dict[str, dict[date, dict[str, Statement]]] = field(default_factory=dict)
    _newest: dict[tuple[str, date], int] = field(default_factory=dict)
    _ended: dict[str, dict[date, int]] = field(default_factory=dict)

    def read(self, path: Path) -> None:
        """Take in one file; an older export than the one known of its village and period says nothing."""
        village, period, made = _named(path.name)
        held = self._files.setdefault(village, {})
        before_this = held.get(period, (0, {}))
        if before_this[0] > made:
            return
        rows = {row["P301"]: _of_row(village, period, made, row) for row in rows_of(path)}
        held[period] = (made, rows)
        for card in before_this[1].keys() - rows.keys():
            del self._shown[card][period][village]
        for card, one in rows.items():
            self._shown.setdefault(card, {}).setdefault(period, {})[village] = one
            self._say(card, period, one)
        periods = sorted(held)
        place = periods.index(period)
        for earlier, later in zip(periods[max(0, place - 1) : place + 1], periods[max(1, place) : place + 2], strict=False):
            self._compare(village, earlier, later)
        for card in before_this[1].keys() - rows.keys():
            self._missing(card, village, period)

    def _compare(self, village: str, earlier: date, later: date) -> None:
        held = self._files[village]
        for card in held[earlier][1].keys() - held[later][1].keys():
            self._missing(card, village, later)

    def _missing(self, card: str, village: str, period: date) -> None:
        """Say that a household has ended in a period, unless another village shows it; what it would hide is said again."""
        shown = self._shown[card]
        if not shown.get(period) and not (self.also_later and any(at > period and set(by) - {village} for at, by in shown.items())):
            self._say(card, period, Statement("51.01", "sddd", period, self._files[village][period][0], 1, Operation.END))
            self._ended.setdefault(card, {})[period] = self._newest[card, period]
        for at, by in shown.items():
            if at >= period:
                for one in by.values():
                    self._say(card, at, one)

    def _say(self, card: str, period: date, one: Statement) -> None:
        """Say something of a household's period, under a revision greater than that of all it replaces and of all that would hide it."""
        hiding = [revision for at, revision in self._ended.get(card, {}).items() if at <= period]
        revision = max([one.revision, self._newest.get((card, period), -1) + 1, *(hidden + 1 for hidden in hiding)])
        self._newest[card, period] = revision
        self.said.setdefault(card, []).append(replace(one, revision=revision))


def rows_of(path: Path) -> list[dict[str, str]]:
    """Return a file's rows by their columns, whatever its form: the lines behind the one with the columns, but for sums and blanks."""
    lines: list[list[str]] = []
    if path.suffix == ".xlsx":
        for sheet in CalamineWorkbook.from_path(path).sheet_names:
            cells = CalamineWorkbook.from_path(path).get_sheet_by_name(sheet).to_python()
            lines += [[str(int(cell)) if isinstance(cell, float) else str(cell) for cell in line] for line in cells]
        places = [place for place, line in enumerate(lines) if line[1:2] == ["P302"]]
        lines = [["P301", *lines[places[0]][1:]], *lines[places[0] + 1 :]]
    else:
        content = path.read_bytes()
        local = b";" in content
        lines = list(csv.reader(content.decode("windows-1252" if local else "utf-8").splitlines(), delimiter=";" if local else ","))
        while lines[0][0] != "P301":
            lines.pop(0)
    rows = [dict(zip(lines[0], line, strict=True)) for line in lines[1:] if any(line) and line[0] != "JUMLAH"]
    return [{**row, "P350": row["P350"].removesuffix(",00").replace(".", "")} for row in rows]


def _named(name: str) -> tuple[str, date, int]:
    """Return the village, the period's first day and the export time in microseconds that a file's name tells."""
    _, village, period, made = name.rpartition("Z.")[0].split("_")
    at = datetime.strptime(made, "%Y%m%dT%H%M%S%f").replace(tzinfo=UTC)
    return village, date(int(period[:4]), int(period[4:]), 1), _microseconds(at)


def _of_row(village: str, period: date, made: int, row: dict[str, str]) -> Statement:
    asked = row["P350"] != ""
    return Statement(
        region="51.01",
        source="sddd",
        valid_from=period,
        revision=made,
        mapping_version=1,
        operation=Operation.UPSERT,
        village=village,
        size=int(row["P303"]),
        expenditure=int(row["P350"]) if asked else None,
        modelled=asked and row["P351"] == "2",
    )


def reference_of(villages: Iterable[str]) -> Reference:
    """Return a reference with the regions above some villages and the demo's sources, without any line."""
    codes = sorted({".".join(village.split(".")[:depth]) for village in villages for depth in range(1, 5)})
    levels = ("province", "regency", "district", "village")
    regions = {"ID": Region(1, "ID", "Indonesia", "nation", None, None)}
    for number, code in enumerate(codes, 2):
        depth = code.count(".")
        regions[code] = Region(number, code, code, levels[depth], code.rpartition(".")[0] or "ID", "urban" if depth == 3 else None)
    regencies = [code for code in codes if code.count(".") == 1]
    sources = {"51.01": "sddd", "32.11": "desa", "35.10": "smartkampung"}
    registrations = tuple(Registration(n, code, sources.get(code, "carik"), 1) for n, code in enumerate(regencies, 1))
    return Reference(1, 0, regions, registrations, ())


def rows_by_law(said: Said, reference: Reference) -> Iterator[TruthRow]:
    """Yield, in the form of the truth, how each household stands at the end of each month by the law."""
    for card, told in said.items():
        statements = kept(told)
        months = sorted({month_of(one.valid_from) for one in statements})
        ends = [(month, view(statements, last_day(month), reference)) for month in months]
        steps = [step for place, step in enumerate(ends) if place == 0 or step[1] != ends[place - 1][1]]
        for (month, seen), following in zip(steps, [*steps[1:], None], strict=True):
            if seen is not None:
                basis = None if seen.expenditure is None else "MODELLED" if seen.modelled else "OBSERVED"
                until = f"{first_day(following[0]):%Y-%m}" if following else None
                yield TruthRow(card, f"{first_day(month):%Y-%m}", until, seen.village, seen.size, seen.expenditure, basis)
