"""
The demo as a play in phases: load, stream, drain, verify, sections, compare, receipts; ends exact or says what is not.

Why: one command shows the whole platform on one machine and proves its figures against the simulated systems' own truth.
Must not: count anything as exact that was not compared.
"""

import json
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from typing import Any

import psycopg

from deploy.demo.chaos import Chaos
from deploy.demo.compare import Comparison, compare
from deploy.demo.lines import months, product_lines
from deploy.demo.proofs import Proved, proved
from deploy.demo.said import SaidRow
from deploy.demo.sections import Names, Sections, compare_sections
from deploy.demo.stage import REGION_FILES, Stage
from deploy.demo.statements import held_of, topics_read
from deploy.demo.truth import TruthRow, figures
from processors.broker import Broker
from processors.store.offsets import stands
from processors.store.overview import Overview, overview
from processors.store.verify import Verification, verify
from producers.checkpoint import AdapterStatus, status
from schemas.errors import Fatal
from schemas.topics import household_topic

__all__ = ["Flow", "Outcome", "Say", "Seen", "as_json", "begin", "look", "rehearse"]

Say = Callable[[str, float, str], None]
"""Told of progress: phase, share done (0 to 1), words."""
_LOOK_S = 0.25
_DRAIN_S = 600.0
_STILL_S = 120.0
_STEP = 500


class Stuck(Fatal):
    """nothing moved for {wait_s} s in phase {phase} ({words}); the logs are in {logs}"""


@dataclass(frozen=True, slots=True)
class Flow:
    """One regency's changes at one moment: records merged since ever, and records that wait for a worker."""

    merged: int
    behind: int


@dataclass(frozen=True, slots=True)
class Seen:
    """The platform at one moment: adapters by source, the database's overview, each regency's changes."""

    adapters: dict[str, AdapterStatus | None]
    database: Overview
    regencies: dict[str, Flow]
    halted: int

    @property
    def merged(self) -> int:
        """Records merged since ever."""
        return sum(one.merged for one in self.regencies.values())

    @property
    def behind(self) -> int:
        """Records that wait for a worker."""
        return sum(one.behind for one in self.regencies.values())

    def drained(self, since: datetime) -> bool:
        """Return whether everything that the sources could tell before `since` has become a published figure."""
        asked = all(
            one is not None and one.caught_up and one.asked_at is not None and one.asked_at > since for one in self.adapters.values()
        )
        return asked and not self.behind and not self.database.batches_to_fold and not self.database.figures_to_send


@dataclass(slots=True)
class Outcome:
    """How it ended."""

    verification: Verification
    comparison: Comparison
    sections: Sections
    receipts: list[Proved]
    merged: int
    rejected: int
    quarantined: int
    kills: dict[str, int]
    """Processes killed, by kind: workers, publishers, adapters."""
    seconds: dict[str, float] = field(default_factory=dict)

    @property
    def exact(self) -> bool:
        """
        Whether every figure is equal to its recomputation and to the sources' own truth, and nothing was rejected on the way.

        And every statement that stands is in all its sections what its system said, and every adapter's receipt is proved: all that it
        sent is there, and merged.
        """
        figures = self.verification.exact and not self.verification.dirty and not self.comparison.differences
        return figures and not self.sections.differences and not self.rejected and not any(one.why_not for one in self.receipts)

    def as_dict(self) -> dict[str, Any]:
        """Return it by name, for JSON."""
        return {
            "exact": self.exact,
            "households": self.verification.households,
            "statements": self.verification.statements,
            "cells_verified": self.verification.cells,
            "verify_differences": self.verification.total,
            "numbers_compared_with_truth": self.comparison.numbers,
            "truth_differences": len(self.comparison.differences),
            "statements_compared": self.sections.statements,
            "section_numbers_compared": self.sections.total,
            "section_numbers": self.sections.numbers,
            "section_differences": len(self.sections.differences),
            "receipts_proved": sum(not one.why_not for one in self.receipts),
            "receipts": {one.source: asdict(one) for one in self.receipts},
            "merged": self.merged,
            "rejected": self.rejected,
            "quarantined": self.quarantined,
            "kills": sum(self.kills.values()),
            "killed": self.kills,
            **{f"{phase}_s": round(passed, 2) for phase, passed in self.seconds.items()},
        }


def look(stage: Stage, connection: psycopg.Connection[Any], broker: Broker) -> Seen:
    """Return how everything stands now."""
    read = {(one.topic, one.partition): one for one in stands(connection)}
    topics = {regency: (household_topic(regency), 0) for regency in stage.regencies}
    ends = broker.ends(topics.values())
    merged = {regency: read[at].next_offset if at in read else 0 for regency, at in topics.items()}
    return Seen(
        adapters={name: status(stage.state_file(name)) for name in REGION_FILES},
        database=overview(connection),
        regencies={regency: Flow(merged[regency], max(0, ends[at] - merged[regency])) for regency, at in topics.items() if at in ends},
        halted=sum(one.halted is not None for one in read.values()),
    )


def rehearse(stage: Stage, changes: int, chaos: bool, say: Say) -> Outcome:
    """Play everything once on a stage whose services run, and return how it ended."""
    seconds: dict[str, float] = {}
    broker = Broker(stage.addresses.kafka)
    angry = Chaos(stage.kept_running, stage.play.seed)
    with psycopg.connect(stage.addresses.database, autocommit=True) as connection:
        with angry if chaos else nullcontext():
            with _Timed(seconds, "load"):
                begin(stage, connection, broker, say)
            with _Timed(seconds, "stream"):
                _stream(stage, changes, say)
            with _Timed(seconds, "drain"):
                stage.systems.ask("POST", "flush")
                seen = _drain(stage, connection, broker, "drain", say)
        with ThreadPoolExecutor(2) as beside:  # while the database recomputes, this process would only wait
            said = beside.submit(_said, stage)
            held = beside.submit(lambda: held_of(topics_read(stage.addresses, stage.regencies)))
            with _Timed(seconds, "verify"):
                say("verify", 0.0, "every figure recomputed from the statements")
                verification = verify(connection)
            with _Timed(seconds, "sections"):
                say("sections", 0.0, "every statement that stands against what its system said")
                sections = compare_sections(held.result(), said.result(), Names(stage.pseudonym_key))
        with _Timed(seconds, "compare"):
            say("compare", 0.0, "every figure against the sources' own truth")
            comparison = compare(connection, _truth(stage))
        with _Timed(seconds, "receipts"):
            files = {name: stage.state_file(name) for name in REGION_FILES}
            receipts = proved(stage.addresses, files, lambda source: say("receipts", 0.0, f"what {source} sent, record by record"))
        quarantined = sum(one.quarantined for one in seen.adapters.values() if one)
        killed = dict(angry.kills)
        return Outcome(verification, comparison, sections, receipts, seen.merged, seen.database.rejected, quarantined, killed, seconds)


def begin(stage: Stage, connection: psycopg.Connection[Any], broker: Broker, say: Say) -> None:
    """Load the reference data, start every process, and wait until the first load is in the figures."""
    say("load", 0.0, "reference data")
    stage.load_reference()
    say("load", 0.1, "simulated regional systems")
    stage.open_world()
    stage.start_processors()
    stage.start_adapters()
    _drain(stage, connection, broker, "load", say)


def _stream(stage: Stage, changes: int, say: Say) -> None:
    done = 0
    while done < changes:
        step = min(_STEP, changes - done)
        stage.systems.ask("POST", "advance", changes=step)
        done += step
        say("stream", done / changes, f"{done:,} of {changes:,} changes have happened")


def _drain(stage: Stage, connection: psycopg.Connection[Any], broker: Broker, phase: str, say: Say) -> Seen:
    """Wait until everything that was told until now is written or taken where the systems tell by themselves, and is in the figures."""
    _await(stage, connection, broker, phase, say, lambda _: not stage.systems.waiting())
    since = datetime.now(UTC)  # noqa: TID251 - the demo's shell
    return _await(stage, connection, broker, phase, say, lambda seen: seen.drained(since))


def _await(stage: Stage, connection: psycopg.Connection[Any], broker: Broker, phase: str, say: Say, done: Callable[[Seen], bool]) -> Seen:
    moved_at, last, deadline = time.monotonic(), (-1, -1), time.monotonic() + _DRAIN_S
    while True:
        seen = look(stage, connection, broker)
        if done(seen):
            say(phase, 1.0, _words(seen))
            return seen
        progress = (seen.merged, sum(one.delivered for one in seen.adapters.values() if one))
        if progress != last:
            moved_at, last = time.monotonic(), progress
        if time.monotonic() - moved_at > _STILL_S or time.monotonic() > deadline:
            raise Stuck(wait_s=int(_STILL_S), phase=phase, words=_words(seen), logs=stage.logs)
        say(phase, 0.5, _words(seen))
        time.sleep(_LOOK_S)


def _words(seen: Seen) -> str:
    adapters = ", ".join(f"{name} {_standing(one)}" for name, one in seen.adapters.items())
    waiting = seen.database
    figures_wait = f"{waiting.batches_to_fold} batches to fold, {waiting.figures_to_send} figures to send"
    return f"{seen.merged:,} merged, {seen.behind:,} behind, {figures_wait}; {adapters}"


def _standing(adapter: AdapterStatus | None) -> str:
    """Return how an adapter stands, and while its first load runs how far that is."""
    if adapter is None:
        return "starts"
    load = adapter.backfill
    return (
        adapter.state if load is None or load.ended is not None else f"{adapter.state} (first load: {load.read:,} of {load.total or '?'})"
    )


def _truth(stage: Stage) -> dict[tuple[str, str, str], dict[str, int]]:
    """Return the sources' own figures of every month, by their own code and from nothing that the platform holds."""
    rows: list[TruthRow] = []
    stage.systems.truth_rows(lambda record: rows.append(TruthRow.from_record(record)))
    lines = product_lines()
    return {key: asdict(sums) for key, sums in figures(rows, lines, months(rows, lines)).items()}


def _said(stage: Stage) -> list[SaidRow]:
    """Return what the systems have said and stand by, by their own code."""
    rows: list[SaidRow] = []
    stage.systems.said_rows(lambda record: rows.append(SaidRow.from_record(record)))
    return rows


class _Timed:
    """Notes how long a phase took."""

    def __init__(self, seconds: dict[str, float], phase: str) -> None:
        self._seconds, self._phase = seconds, phase

    def __enter__(self) -> None:
        self._began = time.monotonic()

    def __exit__(self, *_: object) -> None:
        self._seconds[self._phase] = time.monotonic() - self._began


def as_json(outcome: Outcome) -> str:
    """Return an outcome as one JSON object."""
    return json.dumps(outcome.as_dict(), indent=1)
