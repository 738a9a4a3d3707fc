"""
The figures of a benchmark: what is to be reached, what was measured, as a table and as `.muara/bench.json`.

Why: names and targets stand in one place, so that two runs can be compared and a shortfall is seen.
Must not: hide a figure that falls short, or one whose measuring failed.
"""

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table

__all__ = ["TARGETS", "Board", "Target"]


@dataclass(frozen=True, slots=True)
class Target:
    """What a figure must reach: at least `goal` where it is a rate, else at most."""

    name: str
    goal: float
    what: str

    @property
    def at_least(self) -> bool:
        """Whether more is better."""
        return self.name.endswith("_per_s")

    def reached(self, measured: float) -> bool:
        """Tell whether the figure is as good as it must be."""
        return measured >= self.goal if self.at_least else measured <= self.goal

    @property
    def told(self) -> str:
        """The target as a person reads it."""
        return f"{'>=' if self.at_least else '<='} {self.goal:,.10g}"


TARGETS = (
    Target("first_load_per_s", 120_000, "new households, two workers, first commit to last"),
    Target("first_load_fold_s", 10, "publisher's start, which follows the last batch, until all is folded"),
    Target("bytes_per_household", 1_000, "growth of the whole database, one statement each; without its reference data"),
    Target("table_bytes_per_household", 1_000, "of these, the households' table and its indexes"),
    Target("updates_per_s", 80_000, "over all households, two workers"),
    Target("duplicates_per_s", 150_000, "the first load again, two workers"),
    Target("one_worker_updates_per_s", 48_000, "over all households, one worker: 0.6 of the 80,000 that two must reach"),
    Target("worker_rss_mb", 300, "greatest peak of any worker, keys' rotation aside"),
    Target("restart_to_commit_s", 5, "start of the process to its first commit"),
    Target("takeover_s", 8, "kill -9 of one of two until all partitions moved"),
    Target("sigterm_takeover_s", 3, "the same with SIGTERM"),
    Target("sigterm_gone_s", 2, "SIGTERM until the process is gone"),
    Target("latency_p50_ms", 100, "each change, from its arrival at the broker to its committed fold"),
    Target("latency_p99_ms", 300, "the same"),
    Target("renamed_per_s", 15_000, "all households under a new key, two workers"),
    Target("renamed_worker_rss_mb", 300, "greatest peak of any worker meanwhile"),
    Target("webhook_requests_per_s", 2_000, "each answered when it is on the disk, 100 connections, broker behind it"),
    Target("webhook_answer_p99_ms", 2_000, "the same"),
    Target("webhook_change_to_kafka_p99_s", 2, "each of 1,000 requests/s: from its sending to the broker's time of its record"),
    Target("webhook_rss_mb", 150, "the adapter's greatest peak meanwhile"),
    Target("rest_records_per_s", 8_000, "200,000 changes of families of four: from a feed over HTTP to the topics"),
    Target("rest_change_to_kafka_p99_s", 2, "each of 200 changes/s: from its time at the source to the broker's, beyond the poll interval"),
    Target("rest_adapter_rss_mb", 150, "the adapter meanwhile"),
    Target("backfill_records_per_s", 8_000, "a first load of all families (1,000,000) over HTTP, 200 changes/s beside it"),
    Target("backfill_live_p99_s", 2, "these changes, as above"),
    Target("backfill_rss_mb", 150, "the adapter meanwhile"),
    Target("files_rows_per_s", 30_000, "50 villages, 24 months, 500 rows each: from the files' appearance to Kafka"),
    Target("files_large_rows_per_s", 30_000, "the same of one file of 1,000,000 families"),
    Target("files_xlsx_rows_per_s", 15_000, "the same of 10 workbooks of 5,000 families"),
    Target(
        "files_change_to_kafka_p99_s", 2, "a file of 500 rows, complete in the folder, until its records are in Kafka; poll interval aside"
    ),
    Target("small_files_per_s", 500, "the same of 2,000 files of 20 rows, in files: each is a transaction of its own"),
    Target("postgres_changes_per_s", 15_000, "one transaction that changes every family: from the database's log to Kafka"),
    Target("postgres_small_changes_per_s", 15_000, "the same, each in a transaction of its own"),
    Target("postgres_rows_per_s", 15_000, "first reading of 100,000 families with four members each, to Kafka"),
    Target("postgres_change_to_kafka_p99_s", 2, "200 changes/s, each from its commit to the broker's time of its record"),
    Target("postgres_backfill_rows_per_s", 15_000, "a first reading of all families (1,000,000), 50 changes/s beside it"),
    Target("postgres_backfill_live_p99_s", 2, "these changes, as above"),
    Target("postgres_adapter_rss_mb", 150, "the adapter meanwhile"),
    Target("postgres_backfill_rss_mb", 150, "the adapter beside that first reading"),
    Target("files_adapter_rss_mb", 150, "greatest peak of the adapter in any of these"),
    Target("first_load_514_topics_per_s", 100_000, "514 regencies, a topic each"),
    Target("restart_514_topics_to_commit_s", 5, "start of the process to its first commit"),
    Target("takeover_514_topics_s", 8, "kill -9 of one of two until all partitions moved"),
    Target("sigterm_takeover_514_topics_s", 3, "the same with SIGTERM"),
    Target("latency_514_topics_p99_ms", 300, "2,000 changes/s over all of them"),
    Target("worker_514_topics_rss_mb", 300, "greatest peak of any of their workers"),
    Target("certify_s", 300, "muara adapter certify: the slowest whole course of the product's region files; all must pass"),
)


class Board:
    """What has been measured so far, what could not be, and what came out wrong."""

    def __init__(self, file: Path, console: Console, *, whole: bool) -> None:
        """Know the file that holds the figures; those of earlier runs stay in it unless the `whole` of the bench is run."""
        self._file, self._console = file, console
        self.measured: dict[str, float] = {}
        self.failed: dict[str, str] = {}
        self.wrong: list[str] = []
        self._earlier = {} if whole else _earlier(file)

    @property
    def good(self) -> bool:
        """Whether everything could be measured and nothing came out wrong; a shortfall is no fault of the bench."""
        return not (self.failed or self.wrong)

    def tell(self, said: str) -> None:
        """Print a line."""
        self._console.print(said, highlight=False)

    def add(self, figures: Mapping[str, float]) -> None:
        """Take figures in; an earlier one of the same name gives way."""
        self.measured.update(figures)

    def accuse(self, said: str) -> None:
        """Note that something came out wrong, whatever its figure is."""
        self.wrong.append(said)
        self.tell(said)

    def attempt(self, name: str, measure: Callable[[], Mapping[str, float]]) -> None:
        """Measure and take the figures in, or note that it failed; what comes after goes on."""
        began = time.monotonic()
        try:
            figures = measure()
        except Exception as error:  # noqa: BLE001 - whatever it is, the other measures go on
            self.failed[name] = f"{type(error).__name__}: {error}".splitlines()[0]
            self.tell(f"{name}: {self.failed[name]}")
            return
        self.add(figures)
        said = ", ".join(f"{one} {number:,.1f}" for one, number in figures.items())
        self.tell(f"{said or name}  ({time.monotonic() - began:.0f} s)")

    def show(self) -> None:
        """Print all figures beside their targets, and what failed or was wrong once more."""
        table = Table(title="make bench")
        for name in ("figure", "measured", "target", ""):
            table.add_column(name, no_wrap=True, justify="right" if name == "measured" else "left")
        table.add_column("what")
        for target in TARGETS:
            table.add_row(target.name, *self._row(target))
        self._console.print(table)
        for name, why in self.failed.items():
            self.tell(f"NOT MEASURED: {name}: {why}")
        for said in self.wrong:
            self.tell(said)

    def _row(self, target: Target) -> tuple[str, str, str, str]:
        measured, earlier = self.measured.get(target.name), self._earlier.get(target.name)
        if measured is not None:
            return _told(measured), target.told, "reached" if target.reached(measured) else "SHORT", target.what
        if target.name not in self.failed and earlier is not None:
            return f"({_told(earlier)})", target.told, "", "of an earlier run"
        return "-", target.told, "", self.failed.get(target.name, "not measured in this run")

    def write(self) -> None:
        """Write one flat object of names and numbers: no figure whose measuring failed, and none that is no target any more."""
        self._file.parent.mkdir(parents=True, exist_ok=True)
        known = {target.name for target in TARGETS} - self.failed.keys()
        numbers = {name: value for name, value in self._earlier.items() if name in known}
        numbers |= {name: round(value, 3 if value < 1_000 else 0) for name, value in self.measured.items()}
        self._file.write_text(json.dumps(numbers, indent=2) + "\n", encoding="utf-8")
        self.tell(f"written to {self._file}")


def _earlier(file: Path) -> dict[str, float]:
    return json.loads(file.read_text(encoding="utf-8")) if file.exists() else {}


def _told(number: float) -> str:
    return f"{number:,.0f}" if number >= 100 else f"{number:.2f}"
