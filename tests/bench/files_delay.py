"""
How long a file that is complete in the folder takes until all of its records are in Kafka, by the real command.

Why: a change is worth what it is worth when it counts.
Must not: count the poll's pause, or the office's part.
"""

import time
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

from deploy.embedded import Addresses
from tests.bench.adapter import Tell
from tests.bench.files import POLL_S, adapter_over, families_row
from tests.bench.stage import until
from tests.producers.samples import COLUMNS, snapshot_name

__all__ = ["files_delay"]

_DROPPED, _ROWS = 100, 500
"""Files of a village that are dropped one by one, and their rows."""


def files_delay(where: Addresses, folder: Path, tell: Tell) -> Mapping[str, float]:
    """Return in which time, of a hundred files that are dropped one by one, the slowest but one has all of its records in Kafka."""
    adapter = adapter_over(where, folder, tell)
    inbox, took = folder / "inbox", []
    with adapter.running():
        until(lambda: (found := adapter.status("sddd")) is not None and found.reading == "caught up", 60, "the adapter waits for files")
        for number in range(_DROPPED):
            year, month = 2015 + number // 12, number % 12 + 1
            name = snapshot_name("51.01.01.2001", year * 100 + month, datetime(year, month, 1, tzinfo=UTC) + timedelta(days=35))
            (inbox / f"{name}.part").write_text("\n".join([",".join(COLUMNS), *(families_row(one, number) for one in range(_ROWS))]) + "\n")
            before = adapter.sent()
            began = time.monotonic()
            (inbox / f"{name}.part").rename(inbox / name)
            adapter.arrived(before, _ROWS, 60)
            took.append(time.monotonic() - began)
    return {"files_change_to_kafka_p99_s": max(0.0, sorted(took)[_DROPPED * 99 // 100 - 1] - POLL_S)}
