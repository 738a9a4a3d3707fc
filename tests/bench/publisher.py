"""
A publisher that notes how far each fold reached and when it was committed: `python -m tests.bench.publisher FILE`.

Why: the latency that counts ends with the commit of the fold, and only the process that folds sees it.
Must not: do anything else than `muara publish` does, but for one small query in each fold's transaction.
"""

import json
import os
import signal
import sys
import time
from pathlib import Path
from threading import Event
from typing import Any, TextIO

from psycopg import Connection

from processors.publish.runner import PublishSettings, run
from processors.store.fold import Folder, FoldResult


class NotingFolder(Folder):
    """A folder that writes a line for each fold that took all there was: seconds since the epoch at its commit, next offset by topic."""

    def __init__(self, database: str, out: TextIO) -> None:
        """Know the database and where to write."""
        super().__init__(database)
        self._out = out
        self._next_offsets: dict[str, int] = {}

    def fold(self) -> FoldResult | None:
        """Fold, and note it."""
        result = super().fold()
        if result and not result.more:
            self._out.write(json.dumps([time.time(), self._next_offsets]) + "\n")
        return result

    def _fold(self, conn: Connection[Any]) -> FoldResult:
        with conn.transaction():  # one snapshot for both: what is committed by these offsets is what was folded
            result = super()._fold(conn)
            self._next_offsets = dict(conn.execute("select topic, next_offset from ingest_offset", prepare=True).fetchall())
        return result


def main(file: Path) -> int:
    """Fold and send until a signal, noting each fold."""
    stop = Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    settings = PublishSettings(*(os.environ[f"MUARA_{name}"] for name in ("KAFKA", "REGISTRY", "DATABASE")))
    with file.open("w", encoding="ascii", buffering=1) as out:
        return run(settings, stop, NotingFolder(settings.database, out))


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
