"""
The workers' part of the benchmark: what two and one of them take, what a publisher folds, and how soon they move again.

Why: the figures follow from each other (what was loaded first is updated, repeated, renamed), so they are measured in one course.
Must not: end before everything is recomputed and compared, with what is held and with what was sent.
"""

import signal
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice

from deploy.supervisor import muara
from processors.store.verify import verify
from tests.bench import measures
from tests.bench.figures import Board
from tests.bench.latency import latency
from tests.bench.sample import Sample
from tests.bench.sending import send
from tests.bench.stage import Stage, count, until
from tests.bench.workload import Change, Workload

__all__ = ["Sizes", "nationwide", "regional"]

_PER_S = 2_000


@dataclass(frozen=True, slots=True)
class Sizes:
    """How much is measured: households, changes, and the seconds of a latency."""

    households: int
    updates: int
    duplicates: int
    seconds: float


def regional(stage: Stage, sizes: Sizes, board: Board) -> Mapping[str, float]:
    """Measure six regencies, and verify; return the workers' greatest memory from a rotation of keys on; the stage is closed in the end."""
    with _closing(stage):
        stage.sample = Sample(sizes.households)
        made = (stage.villages, sizes.households, stage.schema_id)
        workload = Workload(*made)
        board.attempt("first_load_per_s", lambda: {"first_load_per_s": _first(stage, workload, board)})
        board.attempt("first_load_fold_s", lambda: {"first_load_fold_s": _fold(stage)})
        board.attempt("bytes_per_household", lambda: measures.bytes_per_household(stage))
        board.attempt("updates_per_s", lambda: {"updates_per_s": _taken(stage, workload.updates(sizes.updates), 2)})
        again = islice(Workload(*made).first(), sizes.duplicates)
        board.attempt("duplicates_per_s", lambda: {"duplicates_per_s": _taken(stage, again, 2)})
        one = max(1, sizes.updates // 2)
        board.attempt("one_worker_updates_per_s", lambda: {"one_worker_updates_per_s": _taken(stage, workload.updates(one), 1)})
        board.attempt("restart_to_commit_s", lambda: {"restart_to_commit_s": _restart(stage, workload)})
        board.attempt("takeover_s", lambda: {"takeover_s": measures.takeover(stage, workload, signal.SIGKILL)[0]})
        board.attempt("sigterm_takeover_s", lambda: _polite(stage, workload))
        board.attempt("latency_p99_ms", lambda: _latency(stage, workload, sizes.seconds))
        board.add({"worker_rss_mb": stage.greatest_rss_mb})
        stage.greatest_rss_mb = 0.0
        board.attempt("renamed_per_s", lambda: {"renamed_per_s": _taken(stage, workload.renamed(), 2)})
        board.attempt("verified", lambda: _verify(stage, board))
        return {"renamed_worker_rss_mb": stage.greatest_rss_mb}


def nationwide(stage: Stage, sizes: Sizes, board: Board) -> Mapping[str, float]:
    """Measure regencies with a topic each, and verify; return the workers' greatest memory; the stage is closed in the end."""
    with _closing(stage):
        stage.sample = Sample(sizes.households)
        workload = Workload(stage.villages, sizes.households, stage.schema_id)
        board.attempt("first_load_514_topics_per_s", lambda: {"first_load_514_topics_per_s": _first(stage, workload, board)})
        board.attempt("restart_514_topics_to_commit_s", lambda: {"restart_514_topics_to_commit_s": _restart(stage, workload)})
        for name, number in (("takeover_514_topics_s", signal.SIGKILL), ("sigterm_takeover_514_topics_s", signal.SIGTERM)):
            board.attempt(name, lambda: {name: measures.takeover(stage, workload, number)[0]})  # noqa: B023 - called at once
        board.attempt("latency_514_topics_p99_ms", lambda: _latency_514(stage, workload, sizes.seconds))
        board.attempt("verified_514_topics", lambda: _verify(stage, board))
        return {"worker_514_topics_rss_mb": stage.greatest_rss_mb}


def _first(stage: Stage, workload: Workload, board: Board) -> float:
    events, size = send(stage, workload.first())
    board.tell(f"{events:,} households, {size / events:.0f} bytes per event")
    return measures.rate(stage, 2)


def _taken(stage: Stage, changes: Iterable[Change], workers: int) -> float:
    send(stage, changes)
    return measures.rate(stage, workers)


def _fold(stage: Stage) -> float:
    """Return the seconds in which a publisher that starts now has folded all that waits."""
    began = time.monotonic()
    with stage.running(*muara("publish")):
        stage.drained()
        return time.monotonic() - began


def _restart(stage: Stage, workload: Workload) -> float:
    send(stage, workload.updates(20_000))
    return measures.restart(stage)


def _polite(stage: Stage, workload: Workload) -> Mapping[str, float]:
    took, gone = measures.takeover(stage, workload, signal.SIGTERM)
    return {"sigterm_takeover_s": took, "sigterm_gone_s": gone}


def _latency(stage: Stage, workload: Workload, seconds: float) -> Mapping[str, float]:
    p50, p99 = latency(stage, workload, _PER_S, seconds)
    return {"latency_p50_ms": p50, "latency_p99_ms": p99}


def _latency_514(stage: Stage, workload: Workload, seconds: float) -> Mapping[str, float]:
    return {"latency_514_topics_p99_ms": latency(stage, workload, _PER_S, seconds)[1]}


def _verify(stage: Stage, board: Board) -> Mapping[str, float]:
    """Take what is left, fold it, and compare everything with its recomputation, and some households with what was sent of them."""
    with stage.running(), stage.running(*muara("publish")), stage.connect() as connection:
        goal = sum(stage.ends().values())
        until(lambda: count(connection, "select sum(next_offset) from ingest_offset") >= goal, 300, "all is committed")
        stage.drained()
    with stage.connect() as connection:
        found, rejected = verify(connection), count(connection, "select count(*) from rejected")
        sampled, differ = stage.sample.compared(connection)
    said = (
        f"{found.households:,} of {stage.sample.households:,} households, {found.statements:,} statements, {found.cells:,} cells and"
        f" {found.indicators:,} indicators compared, {found.total:,} differ; {rejected:,} events rejected;"
        f" of {sampled:,} statements as they were sent {differ:,} differ"
    )
    whole = sampled and not differ and found.households == stage.sample.households
    if found.exact and whole and not found.dirty and not rejected:
        board.tell(f"exact: {said}")
    else:
        board.accuse(f"NOT EXACT: {said}")
    return {}


@contextmanager
def _closing(stage: Stage) -> Iterator[None]:
    try:
        yield
    finally:
        stage.close()
