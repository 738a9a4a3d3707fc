"""
The files source from a folder to the spool: rows per second and memory, in a process of its own.

Why: a region without an interface sends everything every month; its adapter must keep up, and may not grow with what it reads.
Must not: need a service: what is measured ends in the spool.

`python -m tests.bench.files VILLAGES MONTHS ROWS` prints the same for one folder.
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

from producers.checkpoint import StateFile
from producers.publisher import Publisher
from producers.reader import Reader
from producers.sources.opening import open_source
from tests.memory import peak_mb
from tests.producers.samples import COLUMNS, mapper, sddd, snapshot_name

__all__ = ["files_measured"]

_FOLDERS = {"region": (50, 24, 500), "small": (50, 40, 20), "village": (1, 1, 75_000)}
"""Villages, months and rows of a file: two years of a small region, very many small files, and one greater than any village."""
_LEAVING = 100
"""One household of so many leaves a village each month, and another one comes."""


def files_measured(quick: bool) -> Mapping[str, float]:
    """Return the rows per second of two years of a region, the small files per second, and the greatest memory of the three folders."""
    share = 10 if quick else 1
    found = {}
    for name, (villages, months, rows) in _FOLDERS.items():
        sizes = (max(1, villages // share), months, rows if villages > 1 else rows // share)
        said = subprocess.run(  # noqa: S603 - this module
            [sys.executable, "-m", __name__, *map(str, sizes)], capture_output=True, text=True, check=True
        )
        found[name] = json.loads(said.stdout)
    return {
        "files_rows_per_s": found["region"]["rows_per_s"],
        "small_files_per_s": found["small"]["rows_per_s"] / _FOLDERS["small"][2],
        "files_rss_mb": max(one["rss_mb"] for one in found.values()),
    }


def _card(number: int) -> str:
    """Return an invented family card's number, another one for each number below eleven million."""
    return f"9901{number // 199_800 % 60 + 1:02}{number // 9_990 % 20 + 1:02}0120{number % 9_990 + 1:04}"


def _line(one: int, month: int) -> str:
    """Return an invented family's row."""
    spent = 500_000 + (one * 7919 + month) % 4_000_000
    codes = f"{one % 5 + 1},{one % 100 + 20},{one % 9 + 1},{one % 7 + 1},{one % 8 + 1},{one % 4 + 1},{one % 12},{one % 6 + 1}"
    return f"{_card(one)},,{one % 7 + 1},{one % 4 + 1},{spent},{one % 2 + 1},{codes}"


def _fill(folder: Path, villages: int, months: int, rows: int) -> int:
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
            name = snapshot_name(f"51.01.{village // 40 + 1:02}.{village % 40 + 2001}", year * 100 + month_of_year, exported)
            lines = [",".join(COLUMNS), *(_line(one, month) for one in members)]
            (folder / name).write_text("\n".join(lines) + "\n", encoding="utf-8")
            written += rows
    return written


def _measure(villages: int, months: int, rows: int) -> Mapping[str, float]:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "in"
        folder.mkdir()
        written = _fill(folder, villages, months, rows)
        declared = sddd(folder)
        with StateFile(Path(name) / "sddd.sqlite", "sddd") as state:
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


if __name__ == "__main__":
    print(json.dumps(_measure(*map(int, sys.argv[1:4]))))  # noqa: T201 - its answer
