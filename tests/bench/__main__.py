"""
`python -m tests.bench` (make bench): measures the product on fresh embedded services, prints a table, writes `.muara/bench.json`.

Why: a promise of speed is worth what a newcomer can measure again with one command.
Must not: go easy (real processes, all sections of the event, everything verified at the end), or keep silent about a shortfall.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from deploy.commands.context import console_for
from deploy.embedded import Addresses, EmbeddedServices, progress_for
from tests.bench.certify import certify_figures
from tests.bench.database import database_backfilled, database_measured
from tests.bench.figures import Board
from tests.bench.files import files_measured
from tests.bench.files_delay import files_delay
from tests.bench.rest import backfill_figures, rest_figures
from tests.bench.stage import country, jakarta
from tests.bench.webhook import webhook_figures
from tests.bench.workers import Sizes, nationwide, regional

_DIRECTORY = Path(".muara/bench")
_LOGS = _DIRECTORY / "bench-logs"
_RESULT, _SMALL_RESULT = Path(".muara/bench.json"), Path(".muara/bench-small.json")
_SIZES = {
    "households": (1_000_000, 50_000, "of a first load that workers take"),
    "updates": (800_000, 60_000, "of households"),
    "duplicates": (800_000, 50_000, "of the first load"),
    "families": (1_000_000, 50_000, "of a region's first load beside live changes"),
    "records": (200_000, 30_000, "of a change feed"),
    "table": (100_000, 50_000, "families of a database whose changes are read"),
    "requests": (30_000, 5_000, "pushed to a receiver"),
}
_SECONDS, _QUICK_SECONDS = 20.0, 5.0
_ADAPTERS = ("files", "rest", "backfill", "postgres", "webhook")
_PARTS = ("workers", *_ADAPTERS, "514", "certify")
_SLOW = ("514", "certify")
"""Parts that --quick leaves out, unless they are asked for."""


class _Bench:
    """One run: the sizes, and the board."""

    def __init__(self, told: argparse.Namespace, board: Board) -> None:
        self._told, self._board = told, board
        self._sizes = Sizes(told.households, told.updates, told.duplicates, told.seconds)

    def run(self) -> None:
        """Measure everything that was asked for; what fails is told, and the rest goes on."""
        parts, board = self._told.parts, self._board
        if set(parts) - {"certify"}:
            with EmbeddedServices.start(_DIRECTORY, fresh=True, progress=progress_for(sys.stderr)) as services:
                self._on(services.addresses)
        if "certify" in parts:  # with services of its own, so those of the others have ended
            board.attempt("certify_s", lambda: certify_figures(_LOGS / "certify", board.tell, board.accuse))

    def _on(self, where: Addresses) -> None:
        """Measure on running services, part by part."""
        parts, board = self._told.parts, self._board
        if "workers" in parts:
            board.attempt("workers", lambda: regional(jakarta(where, _LOGS / "jakarta"), self._sizes, board))
        self._adapters(where)
        if "514" in parts:
            board.attempt("514", lambda: nationwide(country(where, _LOGS / "country"), self._sizes, board))

    def _adapters(self, where: Addresses) -> None:
        """Measure what runs at a region's edge, kind by kind."""
        told, board, parts, database = self._told, self._board, self._told.parts, _DIRECTORY / "database"
        if "files" in parts:
            board.attempt("files_rows_per_s", lambda: files_measured(where, _LOGS / "files", told.quick, board.tell))
            board.attempt("files_change_to_kafka_p99_s", lambda: files_delay(where, _LOGS / "files-delay", board.tell))
        if "rest" in parts:
            board.attempt("rest_records_per_s", lambda: rest_figures(where, _LOGS / "rest", told.records, told.seconds, board.tell))
        if "backfill" in parts:
            board.attempt("backfill_live_p99_s", lambda: backfill_figures(where, _LOGS / "backfill", told.families, board.tell))
            board.attempt("postgres_backfill_live_p99_s", lambda: database_backfilled(database, where, told.families, board.tell))
        if "postgres" in parts:
            board.attempt("postgres_changes_per_s", lambda: database_measured(database, where, told.table, board.tell))
        if "webhook" in parts:
            board.attempt(
                "webhook_requests_per_s", lambda: webhook_figures(where, _LOGS / "webhook", told.requests, told.seconds, board.tell)
            )


def options(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """Return what is to be measured and where it is written, from these arguments or the command line's."""
    parser = argparse.ArgumentParser(prog="make bench", description="Measure Muara on this machine; nothing may run beside it.")
    for name, (size, _, what) in _SIZES.items():
        parser.add_argument(f"--{name}", type=int, help=f"{what} ({size:,})")
    parser.add_argument("--seconds", type=float, help=f"how long a latency is measured ({_SECONDS:.0f})")
    parser.add_argument(
        "--only",
        choices=(*_PARTS, "adapters"),
        action="append",
        help="one part; may be repeated; others keep their figures",
    )
    parser.add_argument("--quick", action="store_true", help="small sizes, without 514 and certify: to see it work, not to compare")
    told = parser.parse_args(arguments)
    small = told.quick
    for name, (size, quick, _) in _SIZES.items():
        if getattr(told, name) is None:
            setattr(told, name, quick if told.quick else size)
        small |= getattr(told, name) < size
    if told.seconds is None:
        told.seconds = _QUICK_SECONDS if told.quick else _SECONDS
    small |= told.seconds < _SECONDS
    told.duplicates = min(told.duplicates, told.households)
    asked = {part for one in told.only or () for part in (_ADAPTERS if one == "adapters" else (one,))}
    told.parts = asked or {part for part in _PARTS if not (told.quick and part in _SLOW)}
    told.file = _SMALL_RESULT if small else _RESULT
    return told


def main() -> int:
    """Measure, print, write; return 0 only if all could be measured, and everything was exact and certified."""
    told = options()
    board = Board(told.file, console_for(sys.stdout), whole=not told.only)
    try:
        _Bench(told, board).run()
    finally:
        board.show()
        board.write()
    return 0 if board.good else 1


if __name__ == "__main__":
    sys.exit(main())
