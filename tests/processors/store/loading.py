"""
A process that loads a poverty line and stays in the middle of the recomputation, for a test that kills it there.

Why: only a process of its own can be killed.
Must not: ever commit.
"""

import sys
import time
from datetime import date

from processors.store import recompute
from processors.store.reference_load import load_lines
from processors.store.reference_sheets import LineRow
from tests.processors.store.office import connect, lines


def main(database: str) -> None:
    """Load, and stay after a few chunks, with cells written."""
    recompute.CHUNK, recompute.KEPT = 4, 1
    with connect(database) as conn:
        load_lines(conn, lines(LineRow("national", "91", "urban", date(2020, 2, 1), 900_000, "invented")), _stay)


def _stay(done: int, of: int) -> None:
    if done >= of // 2:
        sys.stdout.write("in the middle\n")
        sys.stdout.flush()
        time.sleep(600)


if __name__ == "__main__":
    main(sys.argv[1])
