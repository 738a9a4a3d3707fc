"""
How long a file that is complete in the folder takes until all of its records are in Kafka, by the real command.

Why: a change is worth what it is worth when it counts.
Must not: count the poll's pause, or the office's part.
"""

import os
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

from deploy.embedded import Addresses
from deploy.supervisor import muara
from deploy.topics import make_topics
from producers.checkpoint import status
from tests.bench.files import families_row
from tests.bench.stage import end, until
from tests.producers.samples import COLUMNS, ENVIRON, KEY, SDDD, snapshot_name

__all__ = ["files_delay"]

_DROPPED, _ROWS = 100, 500
"""Files of a village that are dropped one by one, and their rows."""
_POLL_S = 0.05


def files_delay(where: Addresses, folder: Path) -> Mapping[str, float]:
    """Return in which time, of a hundred files that are dropped one by one, the slowest but one has all of its records in Kafka."""
    make_topics(where.kafka, where.registry, ["51.01"])
    with _running(where, folder) as (inbox, state):
        took = []
        for number in range(_DROPPED):
            year, month = 2015 + number // 12, number % 12 + 1
            name = snapshot_name("51.01.01.2001", year * 100 + month, datetime(year, month, 1, tzinfo=UTC) + timedelta(days=35))
            (inbox / f"{name}.part").write_text("\n".join([",".join(COLUMNS), *(families_row(one, number) for one in range(_ROWS))]) + "\n")
            (inbox / f"{name}.part").rename(inbox / name)
            began, wanted = time.monotonic(), (number + 1) * _ROWS
            until(lambda: (found := status(state)) is not None and found.delivered >= wanted, 60, "it is delivered")  # noqa: B023 - at once
            took.append(time.monotonic() - began)
    return {"files_change_to_kafka_p99_s": max(0.0, sorted(took)[_DROPPED * 99 // 100 - 1] - _POLL_S)}


@contextmanager
def _running(where: Addresses, folder: Path) -> Iterator[tuple[Path, Path]]:
    """Run the adapter of Jembrana's region file, which looks often; give its folder and its file."""
    inbox = folder / "inbox"
    inbox.mkdir(parents=True, exist_ok=True)
    file = folder / SDDD.name
    text = SDDD.read_text(encoding="utf-8").replace('kind = "files"', f'kind = "files"\npoll_s = {_POLL_S}', 1)
    file.write_text(text, encoding="utf-8")
    environ = {
        **{name: value for name, value in os.environ.items() if not name.startswith("MUARA_")},
        **ENVIRON,
        "MUARA_SDDD_FOLDER": str(inbox),
        "MUARA_PSEUDONYM_KEY": KEY.hex(),
        "MUARA_KAFKA": where.kafka,
        "MUARA_REGISTRY": where.registry,
        "MUARA_DIRECTORY": str(folder),
    }
    state = folder / "adapters" / "sddd.sqlite"
    with (folder / "adapter.log").open("wb") as log:
        process = subprocess.Popen(muara("adapter", "run", str(file)), env=environ, stdout=log, stderr=log)  # noqa: S603 - our own command
        try:
            until(lambda: (found := status(state)) is not None and found.reading == "caught up", 60, "the adapter waits for files")
            yield inbox, state
        finally:
            end([process])
