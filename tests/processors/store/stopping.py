"""
A process that holds the lock of a load and reads households in bites, for a test that stops it in the middle of an answer.

Why: only a process of its own can be stopped.
Must not: ever commit.
"""

import sys

from processors.store import exclusive, recompute
from processors.store.reference_load import _locked
from tests.processors.store.office import connect


def main(database: str) -> None:
    """Take the lock and read, without an end."""
    exclusive.SILENT_S = 2
    with connect(database) as conn, _locked(conn), conn.cursor(name="households", binary=True) as rows:
        rows.execute("select statements from household cross join generate_series(1, 1000000)")
        sys.stdout.write("reading\n")
        sys.stdout.flush()
        while rows.fetchmany(recompute.CHUNK):
            pass


if __name__ == "__main__":
    main(sys.argv[1])
