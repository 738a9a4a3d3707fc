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
from functools import partial
from pathlib import Path

from deploy.commands.context import console_for
from deploy.embedded import Addresses, EmbeddedServices, progress_for
from tests.bench.adapter import Tell
from tests.bench.database_adapter import KampungAdapter
from tests.bench.database_latency import beside_first_reading, change_to_kafka
from tests.bench.families import MONTH, families, one_by_one
from tests.producers.kampung import kampung

__all__ = ["database_backfilled", "database_measured"]

_VILLAGE, _ANOTHER = "67.01.01.2001", "68.01.01.2001"
_SMALL = 5
"""One change in so many is made in a transaction of its own."""


def database_measured(directory: Path, platform: Addresses, rows: int, tell: Tell) -> Mapping[str, float]:
    """Return rows and changes per second, the age of changes, and the greatest memory, of a database on a server of its own."""
    with _server(directory, platform) as server:
        return _measured(server.addresses, directory, rows, tell)


def database_backfilled(directory: Path, platform: Addresses, families: int, tell: Tell) -> Mapping[str, float]:
    """Return the age of changes that are made while so many families are read for the first time, how fast, and the memory."""
    with _server(directory, platform) as server:
        return _beside(server.addresses, directory, families, tell)


def _server(directory: Path, platform: Addresses) -> EmbeddedServices:
    """Start a server that keeps its log; the platform's does not, as the other figures were measured with it."""
    return EmbeddedServices.start(directory, fresh=True, kafka=platform.kafka, registry=platform.registry, wal_level="logical")


def _measured(where: Addresses, folder: Path, rows: int, tell: Tell) -> Mapping[str, float]:
    with kampung(where.database, _VILLAGE) as made:
        families(made, rows)
        adapter = KampungAdapter(where, folder / "changes", made, tell)
        with adapter.running():
            before = adapter.worked_s()
            found = {"postgres_rows_per_s": adapter.rate(0, rows)}
            before = _tell(tell, "rows", adapter, before, rows)
            sent = adapter.sent()
            made.owner.execute(MONTH)
            found["postgres_changes_per_s"] = adapter.rate(sent, rows, starts=False)
            _tell(tell, "changes", adapter, before, rows)
            found["postgres_change_to_kafka_p99_s"] = change_to_kafka(adapter)
        sent, small = adapter.sent(), one_by_one(made, _SMALL)
        with adapter.running():
            before = adapter.worked_s()
            found["postgres_small_changes_per_s"] = adapter.rate(sent, small)
            _tell(tell, "small changes, with the start", adapter, before, small)
        return {**found, "postgres_adapter_rss_mb": adapter.peak_mb}


def _beside(where: Addresses, folder: Path, rows: int, tell: Tell) -> Mapping[str, float]:
    with kampung(where.database, _ANOTHER) as made:
        tell(f"postgres backfill: making {rows:,} families")
        families(made, rows)
        adapter = KampungAdapter(where, folder / "backfill", made, tell)
        with adapter.running():
            p99_s, per_s = beside_first_reading(adapter, rows)
        return {
            "postgres_backfill_rows_per_s": per_s,
            "postgres_backfill_live_p99_s": p99_s,
            "postgres_backfill_rss_mb": adapter.peak_mb,
        }


def _tell(tell: Tell, what: str, adapter: KampungAdapter, before: Mapping[str, float], events: int) -> Mapping[str, float]:
    """Tell the processor time that each event took, by who worked; return how much it is now."""
    now = adapter.worked_s()
    told = ", ".join(f"{who} {1e6 * (now[who] - before[who]) / events:.1f} us" for who in now)
    tell(f"{what}: {told} of processor per event")
    return now


def main() -> int:
    """Measure on fresh embedded services and print."""
    parser = argparse.ArgumentParser(description="Measure the adapter of a database on this machine.")
    parser.add_argument("--rows", type=int, default=100_000, help="families whose changes are measured; 0 for none")
    parser.add_argument("--families", type=int, default=200_000, help="families that are read beside changes; 0 for none")
    told, console = parser.parse_args(), console_for(sys.stdout)
    tell = partial(console.print, highlight=False)
    with (
        tempfile.TemporaryDirectory() as folder,
        EmbeddedServices.start(Path(folder), fresh=True, progress=progress_for(sys.stderr), wal_level="logical") as services,
    ):
        where = services.addresses
        found = dict(_measured(where, Path(folder) / "local", told.rows, tell)) if told.rows else {}
        found |= _beside(where, Path(folder) / "local", told.families, tell) if told.families else {}
    for name, figure in found.items():
        console.print(f"{name} {figure:,.2f}", highlight=False)
    return 0


if __name__ == "__main__":
    sys.exit(main())
