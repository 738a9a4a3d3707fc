"""
`python -m tests.bench` (make bench): measures the product on fresh embedded services, prints a table, writes `.muara/bench.json`.

Why: a promise of speed is worth what a newcomer can measure again with one command.
Must not: go easy (real processes, all sections of the event, everything verified at the end), or keep silent about a shortfall.
"""

import argparse
import signal
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from itertools import islice
from pathlib import Path

from rich.console import Console

from deploy.commands.context import console_for
from deploy.embedded import EmbeddedServices, progress_for
from deploy.supervisor import muara
from processors.store.verify import verify
from tests.bench import measures, webhook
from tests.bench.database import database_measured
from tests.bench.figures import Board
from tests.bench.files import files_measured
from tests.bench.files_delay import files_delay
from tests.bench.latency import latency
from tests.bench.rest import backfill_figures, rest_figures
from tests.bench.sending import send
from tests.bench.stage import Stage, count, country, jakarta, until
from tests.bench.workload import Change, Workload

_DIRECTORY = Path(".muara/bench")
_RESULT = Path(".muara/bench.json")
_PER_S = 2_000
_TABLE = 100_000
"""Families of the database that an adapter reads."""
_SIZES = {
    "households": 1_000_000,
    "updates": 800_000,
    "duplicates": 800_000,
    "families": 1_000_000,
    "records": 200_000,
    "requests": 30_000,
    "seconds": 20.0,
}
_QUICK = {
    "households": 50_000,
    "updates": 60_000,
    "duplicates": 50_000,
    "families": 50_000,
    "records": 30_000,
    "requests": 5_000,
    "seconds": 5.0,
}


class _Bench:
    """One run: the services' stages, the sizes, and the board."""

    def __init__(self, told: argparse.Namespace, services: EmbeddedServices, console: Console) -> None:
        self.told, self.services, self.console, self.board = told, services, console, Board()
        self.logs = _DIRECTORY / "bench-logs"
        self.exact = True

    def run(self) -> None:
        """Measure everything; what fails is told, and the rest goes on."""
        if self.told.only in (None, "workers"):
            with self._closing(lambda: jakarta(self.services.addresses, self.logs / "jakarta")) as stage:
                self._regional(stage)
        if self.told.only in (None, "adapters"):
            self._adapters()
        if self.told.full or self.told.only == "514":
            self._attempt("first_load_514_topics_per_s", self._nationwide)

    def _adapters(self) -> None:
        """Measure what runs at a region's edge, kind by kind."""
        told, where, quick = self.told, self.services.addresses, self.told.households < _SIZES["households"]
        self._attempt("files_rows_per_s", lambda: files_measured(quick))
        self._attempt("files_change_to_kafka_p99_s", lambda: files_delay(where, self.logs / "files"))
        self._attempt("rest_records_per_s", lambda: rest_figures(where, self.logs / "rest", told.records, told.seconds))
        self._attempt("backfill_live_p99_s", lambda: backfill_figures(where, self.logs / "backfill", told.families))
        rows = min(told.households, _TABLE)
        self._attempt("postgres_changes_per_s", lambda: database_measured(_DIRECTORY / "database", where, rows))
        self._attempt("webhook_requests_per_s", lambda: webhook.figures(where, self.logs / "webhook", told.requests))

    def _regional(self, stage: Stage) -> None:
        told, seed = self.told, (stage.villages, self.told.households, stage.schema_id)
        workload = Workload(*seed)
        self._attempt("first_load_per_s", lambda: {"first_load_per_s": self._first(stage, workload)})
        self._attempt("first_load_fold_s", lambda: {"first_load_fold_s": _fold(stage)})
        self._attempt("bytes_per_household", lambda: {"bytes_per_household": measures.bytes_per_household(stage)})
        self._attempt("updates_per_s", lambda: {"updates_per_s": self._taken(stage, workload.updates(told.updates), 2)})
        again = islice(Workload(*seed).first(), told.duplicates)
        self._attempt("duplicates_per_s", lambda: {"duplicates_per_s": self._taken(stage, again, 2)})
        one = max(1, told.updates // 2)
        self._attempt("one_worker_updates_per_s", lambda: {"one_worker_updates_per_s": self._taken(stage, workload.updates(one), 1)})
        self.board.add({"worker_rss_mb": stage.greatest_rss_mb})
        self._attempt("restart_to_commit_s", lambda: {"restart_to_commit_s": self._restart(stage, workload)})
        self._attempt("takeover_s", lambda: {"takeover_s": measures.takeover(stage, workload, signal.SIGKILL)[0]})
        self._attempt("sigterm_takeover_s", lambda: self._polite(stage, workload))
        self._attempt("latency_p99_ms", lambda: self._latency(stage, workload))
        self._attempt("renamed_per_s", lambda: {"renamed_per_s": self._taken(stage, workload.renamed(), 2)})
        self._verify(stage)

    def _first(self, stage: Stage, workload: Workload) -> float:
        events, size = send(stage, workload.first())
        self.console.print(f"{events:,} households, {size / events:.0f} bytes per event")
        return measures.rate(stage, 2)

    def _taken(self, stage: Stage, changes: Iterable[Change], workers: int) -> float:
        send(stage, changes)
        return measures.rate(stage, workers)

    def _restart(self, stage: Stage, workload: Workload) -> float:
        send(stage, workload.updates(20_000))
        return measures.restart(stage)

    def _polite(self, stage: Stage, workload: Workload) -> Mapping[str, float]:
        took, gone = measures.takeover(stage, workload, signal.SIGTERM)
        return {"sigterm_takeover_s": took, "sigterm_gone_s": gone}

    def _latency(self, stage: Stage, workload: Workload) -> Mapping[str, float]:
        p50, p99 = latency(stage, workload, _PER_S, self.told.seconds)
        return {"latency_p50_ms": p50, "latency_p99_ms": p99}

    def _nationwide(self) -> Mapping[str, float]:
        """Measure 514 regencies, in a database of their own."""
        with self._closing(lambda: country(self.services.addresses, self.logs / "country")) as stage:
            workload = Workload(stage.villages, self.told.households, stage.schema_id)
            figures = {"first_load_514_topics_per_s": self._first(stage, workload)}
            self.board.add(figures)
            self._attempt("restart_514_topics_to_commit_s", lambda: {"restart_514_topics_to_commit_s": self._restart(stage, workload)})
            self._attempt("takeover_514_topics_s", lambda: {"takeover_514_topics_s": measures.takeover(stage, workload, signal.SIGKILL)[0]})
            self._attempt(
                "sigterm_takeover_514_topics_s",
                lambda: {"sigterm_takeover_514_topics_s": measures.takeover(stage, workload, signal.SIGTERM)[0]},
            )
            self._attempt(
                "latency_514_topics_p99_ms",
                lambda: {"latency_514_topics_p99_ms": latency(stage, workload, _PER_S, self.told.seconds)[1]},
            )
            self._verify(stage)
        return figures

    def _verify(self, stage: Stage) -> None:
        """Take what is left, fold it, and compare everything with its recomputation."""
        with stage.running(), stage.running(*muara("publish")), stage.connect() as connection:
            goal = sum(stage.ends().values())
            until(lambda: count(connection, "select sum(next_offset) from ingest_offset") >= goal, 300, "all is committed")
            stage.drained()
        with stage.connect() as connection:
            found = verify(connection)
            rejected = count(connection, "select count(*) from rejected")
        exact = found.exact and not found.dirty and not rejected
        self.exact &= exact
        self.console.print(
            f"{'exact' if exact else 'NOT EXACT'}: {found.households:,} households, {found.statements:,} statements,"
            f" {found.cells:,} cells and {found.indicators:,} indicators compared, {found.total:,} differ, {rejected:,} events rejected"
        )

    def _attempt(self, name: str, measure: Callable[[], Mapping[str, float]]) -> None:
        began = time.monotonic()
        try:
            figures = measure()
        except Exception as error:  # noqa: BLE001 - whatever it is, the other measures go on
            self.board.fail(name, error)
            self.console.print(f"{name}: {self.board.failed[name]}")
            return
        self.board.add(figures)
        said = ", ".join(f"{one} {number:,.1f}" for one, number in figures.items())
        self.console.print(f"{said}  ({time.monotonic() - began:.0f} s)", highlight=False)

    @contextmanager
    def _closing(self, make: Callable[[], Stage]) -> Iterator[Stage]:
        stage = make()
        try:
            yield stage
        finally:
            stage.close()


def _fold(stage: Stage) -> float:
    """Return the seconds in which a publisher that starts now has folded all that waits."""
    began = time.monotonic()
    with stage.running(*muara("publish")):
        stage.drained()
        return time.monotonic() - began


def _told() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make bench", description="Measure Muara on this machine; some minutes, nothing beside it.")
    parser.add_argument("--households", type=int)
    parser.add_argument("--updates", type=int)
    parser.add_argument("--duplicates", type=int)
    parser.add_argument("--families", type=int, help="of a region's first load")
    parser.add_argument("--records", type=int, help="of a change feed")
    parser.add_argument("--requests", type=int, help="pushed to a receiver")
    parser.add_argument("--seconds", type=float, help="how long the latency is measured")
    parser.add_argument("--full", action="store_true", help="514 regencies' topics too")
    parser.add_argument("--only", choices=("workers", "adapters", "514"), help="one part of it")
    parser.add_argument("--only-514", dest="only", action="store_const", const="514", help="the same as --only 514")
    parser.add_argument("--quick", action="store_true", help="small sizes: to see it work, not to compare")
    told = parser.parse_args()
    sizes = _QUICK if told.quick else _SIZES
    for name, size in sizes.items():
        if getattr(told, name) is None:
            setattr(told, name, size)
    told.duplicates = min(told.duplicates, told.households)
    return told


def main() -> int:
    """Measure, print, write; return 0 only if everything was exact."""
    told, console = _told(), console_for(sys.stdout)
    with EmbeddedServices.start(_DIRECTORY, fresh=True, progress=progress_for(sys.stderr)) as services:
        bench = _Bench(told, services, console)
        try:
            bench.run()
        finally:
            bench.board.show(console)
            bench.board.write(_RESULT)
    console.print(f"written to {_RESULT}")
    return 0 if bench.exact else 1


if __name__ == "__main__":
    sys.exit(main())
