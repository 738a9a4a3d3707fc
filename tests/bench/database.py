"""
The database adapter from a PostgreSQL to Kafka: rows and changes per second, its memory, and how old a change is when it arrives.

Why: a regency's first load is its whole table, and a programme's month changes a great part of it in one transaction.
Must not: go easy: the real command in a process of its own, the real server and broker beside it, families that differ.

`python -m tests.bench.database --rows N --families N` prints the same on fresh services, and the processor time that an event takes.
"""

import argparse
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

from rich.console import Console

from deploy.commands.context import console_for
from deploy.embedded import Addresses, EmbeddedServices, progress_for
from tests.bench.database_adapter import Adapter
from tests.bench.database_latency import beside_first_reading, change_to_kafka
from tests.bench.families import MONTH, families, one_by_one
from tests.producers.kampung import kampung

__all__ = ["database_measured"]

_VILLAGE, _ANOTHER = "67.01.01.2001", "68.01.01.2001"
_SMALL = 5
"""One change in so many is made in a transaction of its own."""


def database_measured(directory: Path, platform: Addresses, rows: int) -> Mapping[str, float]:
    """
    Return rows and changes per second, the age of changes, and the greatest memory, of a database on a server of its own.

    The age is also that of changes which are made while twice as many families are read for the first time.
    """
    with _server(directory, platform) as server:
        where = server.addresses
        return {**_measured(where, directory, rows, Console(quiet=True)), **_beside(where, directory, 2 * rows)}


def _server(directory: Path, platform: Addresses) -> EmbeddedServices:
    """Start a server that keeps its log; the platform's does not, as the other figures were measured with it."""
    return EmbeddedServices.start(directory, fresh=True, kafka=platform.kafka, registry=platform.registry, wal_level="logical")


def _measured(where: Addresses, folder: Path, rows: int, console: Console) -> Mapping[str, float]:
    with kampung(where.database, _VILLAGE) as made:
        families(made, rows)
        adapter = Adapter(where, folder / "changes", made)
        with adapter.running():
            before = adapter.worked_s()
            found = {"postgres_rows_per_s": adapter.rate(0, rows)}
            before = _tell(console, "rows", adapter, before, rows)
            sent = adapter.sent()
            made.owner.execute(MONTH)
            found["postgres_changes_per_s"] = adapter.rate(sent, rows, starts=False)
            _tell(console, "changes", adapter, before, rows)
            found["postgres_change_to_kafka_p99_s"] = change_to_kafka(adapter)
        sent, small = adapter.sent(), one_by_one(made, _SMALL)
        with adapter.running():
            before = adapter.worked_s()
            found["postgres_small_changes_per_s"] = adapter.rate(sent, small)
            _tell(console, "small changes, with the start", adapter, before, small)
        return {**found, "postgres_adapter_rss_mb": adapter.peak_mb}


def _beside(where: Addresses, folder: Path, rows: int) -> Mapping[str, float]:
    with kampung(where.database, _ANOTHER) as made:
        families(made, rows)
        adapter = Adapter(where, folder / "backfill", made)
        with adapter.running():
            p99_s = beside_first_reading(adapter, rows)
        return {"postgres_backfill_live_p99_s": p99_s, "postgres_backfill_rss_mb": adapter.peak_mb}


def _tell(console: Console, what: str, adapter: Adapter, before: Mapping[str, float], events: int) -> Mapping[str, float]:
    """Tell the processor time that each event took, by who worked; return how much it is now."""
    now = adapter.worked_s()
    told = ", ".join(f"{who} {1e6 * (now[who] - before[who]) / events:.1f} us" for who in now)
    console.print(f"{what}: {told} of processor per event", highlight=False)
    return now


def main() -> int:
    """Measure on fresh embedded services and print."""
    parser = argparse.ArgumentParser(description="Measure the adapter of a database on this machine.")
    parser.add_argument("--rows", type=int, default=100_000, help="families whose changes are measured; 0 for none")
    parser.add_argument("--families", type=int, default=200_000, help="families that are read beside changes; 0 for none")
    told, console = parser.parse_args(), console_for(sys.stdout)
    with (
        tempfile.TemporaryDirectory() as folder,
        EmbeddedServices.start(Path(folder), fresh=True, progress=progress_for(sys.stderr), wal_level="logical") as services,
    ):
        where = services.addresses
        found = dict(_measured(where, Path(folder) / "local", told.rows, console)) if told.rows else {}
        found |= _beside(where, Path(folder) / "local", told.families) if told.families else {}
    for name, figure in found.items():
        console.print(f"{name} {figure:,.2f}", highlight=False)
    return 0


if __name__ == "__main__":
    sys.exit(main())
