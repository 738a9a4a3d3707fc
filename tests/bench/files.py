"""
The files source from a folder to Kafka, by the real command: rows per second, memory.

Why: a region without an interface sends everything every month; its adapter must keep up, and may not grow with what it reads.
Must not: count the folder's filling or the command's start: the clock begins when the files appear, and ends when all is in the topic.

`python -m tests.bench.files fill FOLDER VILLAGES MONTHS ROWS [xlsx]` only fills a folder, and prints its rows and ENDs.
"""

import json
import random
import shutil
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from deploy.certify.stand_ins.workbooks import Sheet, write_workbook
from deploy.embedded import Addresses
from tests.bench.adapter import Adapter, Tell, emptied
from tests.bench.cards import card_of
from tests.bench.stage import until
from tests.producers.samples import COLUMNS, SDDD, snapshot_name
from tests.producers.sources.register import HEADER, MERGED, REGION, TITLES, name_of

__all__ = ["POLL_S", "adapter_over", "families_row", "files_measured"]

POLL_S = 0.05
"""How often the folder is looked at: small, since the wait for it is no part of any figure."""
_SELDOM_S = 0.25
"""The same where many files wait: each look goes over all of them, and a region's own adapter looks once a second then."""
_FOLDERS = {"region": (50, 24, 500), "small": (50, 40, 20), "large": (1, 1, 1_000_000)}
"""Villages, months and rows of a file: two years of a small region, very many small files, and one of a million families."""
_WORKBOOKS = (10, 1, 5_000)
_LEAVING = 100
"""One household of so many leaves a village each month, and another one comes."""
_REGENCY = "51.01"


@dataclass(frozen=True, slots=True)
class _Read:
    """What one folder came to."""

    rows_per_s: float
    rss_mb: float


def files_measured(where: Addresses, folder: Path, quick: bool, tell: Tell) -> Mapping[str, float]:
    """Return rows per second of two years of a region, of one large file and of workbooks, small files per second, and the peak."""
    share = 10 if quick else 1
    found = {}
    for name, (villages, months, rows) in _FOLDERS.items():
        size = (max(1, villages // share), months, rows if villages > 1 else rows // share)
        found[name] = _read(where, folder / name, size, tell)
    found["workbooks"] = _read(where, folder / "workbooks", _WORKBOOKS, tell, workbooks=True)
    return {
        "files_rows_per_s": found["region"].rows_per_s,
        "files_large_rows_per_s": found["large"].rows_per_s,
        "small_files_per_s": found["small"].rows_per_s / _FOLDERS["small"][2],
        "files_xlsx_rows_per_s": found["workbooks"].rows_per_s,
        "files_adapter_rss_mb": max(one.rss_mb for one in found.values()),
    }


def adapter_over(where: Addresses, folder: Path, tell: Tell, *, workbooks: bool = False, poll_s: float = POLL_S) -> Adapter:
    """Return the adapter of a copy of a region file that looks often, over the folder `inbox` beside it; both are made anew."""
    (emptied(folder) / "inbox").mkdir()
    region = REGION if workbooks else SDDD
    file = folder / region.name
    text = region.read_text(encoding="utf-8").replace('kind = "files"', f'kind = "files"\npoll_s = {poll_s}', 1)
    file.write_text(text, encoding="utf-8")
    variable = "MUARA_DESA_FOLDER" if workbooks else "MUARA_SDDD_FOLDER"
    return Adapter(where, file, [_REGENCY], {variable: str(folder / "inbox")}, tell, f"files {folder.name}")


def _read(where: Addresses, folder: Path, size: tuple[int, int, int], tell: Tell, *, workbooks: bool = False) -> _Read:
    """Let an adapter that waits find a folder's files all at once; every row and END must come, nothing may be put aside."""
    adapter, source = adapter_over(where, folder, tell, workbooks=workbooks, poll_s=_SELDOM_S), "desa" if workbooks else "sddd"
    waiting = folder / "waiting"
    rows, ends = _filled(waiting, *map(str, size), *(["xlsx"] if workbooks else []))
    with adapter.running():
        until(lambda: (found := adapter.status(source)) is not None and found.reading == "caught up", 60, "the adapter waits for files")
        before = adapter.sent()
        began = time.perf_counter()
        for file in sorted(waiting.iterdir()):
            file.rename(folder / "inbox" / file.name)
        adapter.arrived(before, rows + ends)
        took = time.perf_counter() - began
        until(lambda: (found := adapter.status(source)) is not None and found.caught_up, 60, "nothing waits")
        found, sent = adapter.status(source), adapter.sent() - before
    if found is None or found.quarantined or sent != rows + ends:
        raise AssertionError(f"{sent} of {rows} rows and {ends} ENDs came, {found and found.quarantined} were put aside")
    shutil.rmtree(folder / "inbox")
    return _Read(rows / took, adapter.peak_mb)


def families_row(one: int, month: int) -> str:
    """Return an invented family's row."""
    spent = 500_000 + (one * 7919 + month) % 4_000_000
    codes = f"{one % 5 + 1},{one % 100 + 20},{one % 9 + 1},{one % 7 + 1},{one % 8 + 1},{one % 4 + 1},{one % 12},{one % 6 + 1}"
    return f"{card_of(one)},,{one % 7 + 1},{one % 4 + 1},{spent},{one % 2 + 1},{codes}"


def _fill(folder: Path, villages: int, months: int, rows: int, *, workbooks: bool) -> tuple[int, int]:
    """Fill a folder; return how many rows it has, and how many households its villages no longer show."""
    chosen, new, written, ended = random.Random(1), 0, 0, 0  # noqa: S311 - the same folder each time
    for village in range(villages):
        members = list(range(new, new + rows))
        new += rows
        for month in range(months):
            for one in chosen.sample(range(rows), rows // _LEAVING if month else 0):
                members[one] = new
                new, ended = new + 1, ended + 1
            year, month_of_year = 2023 + month // 12, month % 12 + 1
            exported = datetime(year, month_of_year, 1, tzinfo=UTC) + timedelta(days=35, seconds=village)
            code, period = f"51.01.{village // 40 + 1:02}.{village % 40 + 2001}", year * 100 + month_of_year
            if workbooks:
                lines = [
                    [card_of(one), one % 7 + 1, 500_000 + one % 4_000_000, "SURVEI", one % 9 + 1, one % 100 + 20, "05-03-2024"]
                    for one in members
                ]
                sheet = Sheet("Data KK", [*TITLES, *HEADER, *lines, ["JUMLAH", rows]], MERGED)
                write_workbook(folder / name_of(code, period, exported, "xlsx"), sheet)
            else:
                with (folder / snapshot_name(code, period, exported)).open("w", encoding="utf-8") as file:
                    file.write(",".join(COLUMNS) + "\n")
                    file.writelines(families_row(one, month) + "\n" for one in members)
            written += rows
    return written, ended


def _filled(folder: Path, *told: str) -> tuple[int, int]:
    """Fill a folder by another process, whose memory is not this one's; return its rows and ENDs."""
    command = [sys.executable, "-m", "tests.bench.files", "fill", str(folder), *told]
    said = subprocess.run(command, capture_output=True, text=True, check=True)  # noqa: S603 - this module
    rows, ends = json.loads(said.stdout)
    return rows, ends


def _main(told: list[str]) -> None:
    folder = Path(told[1])
    folder.mkdir(parents=True)
    print(json.dumps(_fill(folder, *map(int, told[2:5]), workbooks="xlsx" in told)))  # noqa: T201 - its answer


if __name__ == "__main__":
    _main(sys.argv[1:])
