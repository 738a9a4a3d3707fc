"""
The files source from a folder to the spool: rows per second, CPU per row and memory, each folder in a process of its own.

Why: a region without an interface sends everything every month; its adapter must keep up, and may not grow with what it reads.
Must not: need a service, or count the folder's filling: what is measured ends in the spool.

`python -m tests.bench.files VILLAGES MONTHS ROWS [xlsx]` prints the same for one folder.
"""

import json
import os
import random
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

from deploy.certify.stand_ins.workbooks import Sheet, write_workbook
from producers.checkpoint import StateFile
from producers.publisher import Publisher
from producers.reader import Reader
from producers.sources.opening import open_source
from tests.memory import peak_mb
from tests.producers.samples import COLUMNS, mapper, sddd, snapshot_name
from tests.producers.sources.register import HEADER, MERGED, TITLES, desa, name_of

__all__ = ["families_row", "files_measured"]

_FOLDERS = {"region": (50, 24, 500), "small": (50, 40, 20), "large": (1, 1, 1_000_000)}
"""Villages, months and rows of a file: two years of a small region, very many small files, and one of a million families."""
_WORKBOOKS = (10, 1, 5_000)
_LEAVING = 100
"""One household of so many leaves a village each month, and another one comes."""
_MODULE = "tests.bench.files"


def files_measured(quick: bool) -> Mapping[str, float]:
    """Return rows per second of two years of a region, of one large file and of workbooks, small files per second, and the peaks."""
    share = 10 if quick else 1
    found = {
        name: _in_a_process(max(1, villages // share), months, rows if villages > 1 else rows // share)
        for name, (villages, months, rows) in _FOLDERS.items()
    }
    workbooks = _in_a_process(*_WORKBOOKS, "xlsx")
    return {
        "files_rows_per_s": found["region"]["rows_per_s"],
        "files_large_rows_per_s": found["large"]["rows_per_s"],
        "small_files_per_s": found["small"]["rows_per_s"] / _FOLDERS["small"][2],
        "files_xlsx_rows_per_cpu_s": workbooks["rows_per_cpu_s"],
        "files_adapter_rss_mb": max(one["rss_mb"] for one in (*found.values(), workbooks)),
    }


def _in_a_process(*told: object) -> Mapping[str, float]:
    command = [sys.executable, "-m", _MODULE, *map(str, told)]
    said = subprocess.run(command, capture_output=True, text=True, check=True)  # noqa: S603 - this module
    found: Mapping[str, float] = json.loads(said.stdout)
    return found


def _card(number: int) -> str:
    """Return an invented family card's number, another one for each number below eleven million."""
    return f"9901{number // 199_800 % 60 + 1:02}{number // 9_990 % 20 + 1:02}0120{number % 9_990 + 1:04}"


def families_row(one: int, month: int) -> str:
    """Return an invented family's row."""
    spent = 500_000 + (one * 7919 + month) % 4_000_000
    codes = f"{one % 5 + 1},{one % 100 + 20},{one % 9 + 1},{one % 7 + 1},{one % 8 + 1},{one % 4 + 1},{one % 12},{one % 6 + 1}"
    return f"{_card(one)},,{one % 7 + 1},{one % 4 + 1},{spent},{one % 2 + 1},{codes}"


def _fill(folder: Path, villages: int, months: int, rows: int, *, workbooks: bool) -> int:
    chosen, new, written = random.Random(1), 0, 0  # noqa: S311 - the same folder each time
    for village in range(villages):
        members = list(range(new, new + rows))
        new += rows
        for month in range(months):
            for _ in range(rows // _LEAVING if month else 0):
                members[chosen.randrange(rows)] = new
                new += 1
            year, month_of_year = 2023 + month // 12, month % 12 + 1
            exported = datetime(year, month_of_year, 1, tzinfo=UTC) + timedelta(days=35, seconds=village)
            code, period = f"51.01.{village // 40 + 1:02}.{village % 40 + 2001}", year * 100 + month_of_year
            if workbooks:
                lines = [
                    [_card(one), one % 7 + 1, 500_000 + one % 4_000_000, "SURVEI", one % 9 + 1, one % 100 + 20, "05-03-2024"]
                    for one in members
                ]
                sheet = Sheet("Data KK", [*TITLES, *HEADER, *lines, ["JUMLAH", rows]], MERGED)
                write_workbook(folder / name_of(code, period, exported, "xlsx"), sheet)
            else:
                with (folder / snapshot_name(code, period, exported)).open("w", encoding="utf-8") as file:
                    file.write(",".join(COLUMNS) + "\n")
                    file.writelines(families_row(one, month) + "\n" for one in members)
            written += rows
    return written


def _filled(folder: str, *told: str) -> int:
    """Fill a folder by another process, whose memory is not this one's."""
    said = subprocess.run([sys.executable, "-m", _MODULE, "fill", folder, *told], capture_output=True, text=True, check=True)  # noqa: S603 - this module
    return int(said.stdout)


def _measure(*told: str) -> Mapping[str, float]:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "in"
        folder.mkdir()
        written = _filled(str(folder), *told)
        declared = desa(folder) if "xlsx" in told else sddd(folder)
        with StateFile(Path(name) / "state.sqlite", declared.source_id) as state:
            source = open_source(declared, mapper(declared), state, {}, _now)
            reader = Reader(source.read, state, {"51.01": 1}, _now, threading.Event(), spool_bytes=1 << 40, poll_s=1.0)
            began, worked = time.monotonic(), time.process_time()
            reader.run(threading.Event(), once=True)
            took, worked = time.monotonic() - began, time.process_time() - worked
            aside = state.connection.execute("select count(*) from quarantine").fetchone()[0]
    if aside:
        raise RuntimeError(f"{aside} rows or files were put aside")
    rss_mb = peak_mb()
    load = os.getloadavg()[0]
    return {"rows_per_s": written / took, "rows_per_cpu_s": written / worked, "rss_mb": rss_mb, "load": load, "client": bool(Publisher)}


def _now() -> datetime:
    return datetime.now(UTC)  # noqa: TID251 - a bench measures time


def _main(told: list[str]) -> None:
    if told[0] == "fill":
        print(_fill(Path(told[1]), *map(int, told[2:5]), workbooks="xlsx" in told))  # noqa: T201 - its answer
    else:
        print(json.dumps(_measure(*told)))  # noqa: T201 - its answer


if __name__ == "__main__":
    _main(sys.argv[1:])
