"""
Where the benchmark plays: a database with regions and registered sources, its topics, and real processes of `muara`.

Why: what is measured is what an operator runs, command by command.
Must not: end a process that it did not start, or leave one running.
"""

import os
import subprocess
import time
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import psycopg
from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient, NewTopic  # type: ignore[attr-defined]  # exported, but not by name
from psycopg.conninfo import make_conninfo

from deploy.commands.context import connected
from deploy.commands.reference import load_product_lines, load_product_regions
from deploy.embedded import Addresses
from deploy.supervisor import muara
from deploy.topics import make_topics
from processors.broker import Broker
from processors.store.reference_load import load_lines, load_regions, load_sources
from processors.store.reference_sheets import Sheet, SourceRow
from schemas.registry import Registry
from schemas.topics import household_topic
from tests.bench.sample import Sample
from tests.memory import peak_mb

__all__ = ["SOURCE", "NotWithin", "Stage", "count", "country", "jakarta", "until"]

SOURCE = "carik"
GROUP = "muara-worker"
POLL_S = 0.01
_TOPIC = {"retention.ms": "-1", "message.timestamp.type": "LogAppendTime"}
Process = subprocess.Popen[bytes]


class NotWithin(Exception):  # noqa: N818 - as the product names its errors
    """Something did not happen in time."""


def until(reached: Callable[[], object], limit_s: float, what: str) -> float:
    """Wait until something is so and return the seconds; raises `NotWithin`."""
    began = time.monotonic()
    while not reached():
        if time.monotonic() - began > limit_s:
            raise NotWithin(f"{what}: not within {limit_s:.0f} s")
        time.sleep(POLL_S)
    return time.monotonic() - began


@dataclass
class Stage:
    """One database with its regions, topics, and the processes that were started upon it."""

    where: Addresses
    folder: Path
    """Where logs of the processes go."""
    villages: tuple[str, ...]
    schema_id: int = 0
    empty_bytes: int = 0
    """Of the database with its reference data alone."""
    sample: Sample = field(default_factory=lambda: Sample(0))
    """Some households, and all that was sent of them."""
    greatest_rss_mb: float = 0.0
    """Of all workers that ended in order so far."""
    _started: list[Process] = field(default_factory=list)

    @property
    def regencies(self) -> list[str]:
        """Codes of the regencies of the villages."""
        return sorted({".".join(code.split(".")[:2]) for code in self.villages})

    @property
    def topics(self) -> list[str]:
        """Topics of household changes."""
        return [household_topic(regency) for regency in self.regencies]

    # ---- what the database and the broker say ---------------------------------------------------------------------------

    def connect(self) -> psycopg.Connection[Any]:
        """Return a connection in autocommit mode."""
        return psycopg.connect(self.where.database, autocommit=True)

    def database_bytes(self) -> int:
        """Return the size of the whole database: all tables, indexes and catalogues."""
        with self.connect() as connection:
            return count(connection, "select pg_database_size(current_database())")

    def next_offsets(self, connection: psycopg.Connection[Any]) -> dict[str, int]:
        """Return of each topic how far it is committed."""
        said = dict(connection.execute("select topic, next_offset from ingest_offset").fetchall())
        return {topic: said.get(topic, 0) for topic in self.topics}

    def ends(self) -> dict[str, int]:
        """Return the end of each topic at the broker."""
        found = Broker(self.where.kafka).ends([(topic, 0) for topic in self.topics])
        return {topic: end for (topic, _), end in found.items()}

    def members(self) -> list[int]:
        """Return how many partitions each member of the workers' group has; nothing while it is being shared out."""
        admin = AdminClient({"bootstrap.servers": self.where.kafka, "log_level": 0})
        try:
            group = admin.describe_consumer_groups([GROUP])[GROUP].result(10)
        except KafkaException:  # nobody has joined yet
            return []
        return [len(one.assignment.topic_partitions) for one in group.members] if group.state.name == "STABLE" else []

    def shared_by(self, workers: int, limit_s: float = 60) -> None:
        """Wait until so many workers share all partitions."""

        def shared() -> bool:
            parts = self.members()
            return len(parts) == workers and all(parts) and sum(parts) == len(self.topics)

        until(shared, limit_s, f"{workers} workers share the partitions")

    def drained(self, limit_s: float = 180) -> float:
        """Wait until no cell change waits for the fold, and return the seconds."""
        with self.connect() as connection:
            return until(lambda: not count(connection, "select count(*) from cell_change"), limit_s, "all is folded")

    # ---- processes ----------------------------------------------------------------------------------------------------

    def start(self, *command: str) -> Process:
        """Start a process upon this stage."""
        environ = {name: value for name, value in os.environ.items() if not name.startswith("MUARA_")}
        environ |= {"MUARA_KAFKA": self.where.kafka, "MUARA_REGISTRY": self.where.registry, "MUARA_DATABASE": self.where.database}
        environ["MUARA_DIRECTORY"] = str(self.folder.parent)
        self.folder.mkdir(parents=True, exist_ok=True)
        with (self.folder / f"{len(self._started)}.log").open("wb") as log:
            process = subprocess.Popen(command, env=environ, stdin=subprocess.DEVNULL, stdout=log, stderr=log)  # noqa: S603
        self._started.append(process)
        return process

    @contextmanager
    def running(self, *command: str, times: int = 1) -> Iterator[list[Process]]:
        """Run processes until the end of the block; their greatest resident memory is noted where they are workers."""
        processes = [self.start(*(command or muara("worker"))) for _ in range(times)]
        try:
            yield processes
        finally:
            if not command:
                self.greatest_rss_mb = max(self.greatest_rss_mb, *(peak_mb(one.pid) for one in processes))
            end(processes)

    def close(self) -> None:
        """End whatever was left running."""
        end(self._started)


def count(connection: psycopg.Connection[Any], query: str) -> int:
    """Return the one number of a query."""
    row = connection.execute(query.encode()).fetchone()
    return int(row[0] or 0) if row else 0


def end(processes: Collection[Process]) -> None:
    """End processes in order, or after five seconds at once."""
    for one in processes:
        with suppress(ProcessLookupError):
            one.terminate()
    for one in processes:
        try:
            one.wait(5)
        except subprocess.TimeoutExpired:
            one.kill()
            one.wait()


# ---- the two worlds -----------------------------------------------------------------------------------------------------------


def jakarta(where: Addresses, folder: Path) -> Stage:
    """Return a stage of the six regencies and 267 villages of DKI Jakarta."""
    return _set(where, folder, ["31"])


def country(where: Addresses, folder: Path) -> Stage:
    """Return a stage of all 514 regencies and 83,762 villages, in a database of its own."""
    with psycopg.connect(where.database, autocommit=True) as server:
        server.execute("create database bench_country")
    return _set(replace(where, database=make_conninfo(where.database, dbname="bench_country")), folder, None)


def _set(where: Addresses, folder: Path, provinces: list[str] | None) -> Stage:
    """Load the product's own regions and lines, and a source of each regency; make the topics."""
    regions = load_product_regions(provinces)
    stage = Stage(where, folder, tuple(row.code for row in regions.rows if row.level == "village"))
    with connected(where) as connection:
        load_regions(connection, regions)
        load_lines(connection, load_product_lines(connection)[0])
        load_sources(connection, Sheet("bench sources", tuple(SourceRow(code, SOURCE, 1) for code in stage.regencies)))
    few = stage.regencies[:6]
    make_topics(where.kafka, where.registry, few)
    # Many more would take minutes, nearly all of them for registering one schema under a thousand subjects: workers ask by its id.
    asked = [NewTopic(topic, 1, 1, config=_TOPIC) for topic in stage.topics if topic not in {household_topic(code) for code in few}]
    admin = AdminClient({"bootstrap.servers": where.kafka})
    for answer in admin.create_topics(asked, operation_timeout=60).values() if asked else ():
        answer.result(120)
    stage.empty_bytes = stage.database_bytes()
    stage.schema_id = Registry(where.registry).register(stage.topics[0], "HouseholdChanged")
    return stage
