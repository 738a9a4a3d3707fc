"""
A stage: a database, regencies with their topics, and a group of its own in the session's services; and what must come out.

Why: every test sees only what it said itself, and compares all of it with the law applied from nothing.
Must not: take anything that a worker computed as right.
"""

import itertools
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import numpy as np
import psycopg
from confluent_kafka import Consumer, KafkaException, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic  # type: ignore[attr-defined]  # exported, but not by name
from psycopg.conninfo import make_conninfo

from deploy.embedded import EmbeddedServices
from processors.indicators.catalogue import MEASURES
from processors.law import Cells, Link, Statement, by_household, cell_changes, kept
from processors.reference import Reference
from processors.store.migrate import migrate
from processors.store.reference import initialise, read
from processors.store.reference_load import load_lines, load_regions, load_sources
from processors.store.reference_sheets import LineRow, RegionRow, Sheet, SourceRow
from producers.rereading import watermarks
from schemas.codec import encode
from schemas.events import HouseholdChanged
from schemas.registry import Registry
from schemas.topics import household_topic
from tests.integration.events import link_by, said_by

__all__ = ["TOPIC", "Stage", "until"]

TOPIC = {"message.timestamp.type": "LogAppendTime", "retention.ms": "-1"}
_NUMBERS = itertools.count(101)
_NATION = RegionRow("ID", None, "NATION", "nation", None, None)
_PROVINCE = RegionRow("99", None, "PROVINCE 99", "province", "ID", None)
_LINES = (
    LineRow("national", "99", "urban", date(2020, 1, 1), 500_000, "invented"),
    LineRow("national", "99", "rural", date(2020, 1, 1), 400_000, "invented"),
    LineRow("national", "99", "urban", date(2021, 3, 1), 550_000, "invented"),
    LineRow("extreme", "ID", "all", date(2020, 5, 1), 300_000, "invented"),
)
_SOURCES = ("carik", "desa")
_FOLDED = f"select region, urbanisation, month, {', '.join(one.name for one in MEASURES)} from cell where level = 'village'"  # noqa: S608
_TRANSACTIONS = (
    "select client_port, state, wait_event_type from pg_stat_activity"
    " where datname = current_database() and application_name = 'muara worker' and state <> 'idle'"
)


def until(reached: Callable[[], object], limit_s: float, what: Callable[[], object] = lambda: "") -> float:
    """Wait until something is so and return the seconds; fail with what is told instead of it."""
    began = time.monotonic()
    while not reached():
        assert time.monotonic() - began < limit_s, f"not within {limit_s} s: {what()}"
        time.sleep(0.05)
    return time.monotonic() - began


@dataclass
class Stage:
    """Regencies "99.NNN" with two villages and the sources carik (rank 1) and desa (rank 2) each, and everything said of them."""

    kafka: str
    registry: str
    database: str
    group: str
    regencies: list[str] = field(default_factory=list)
    said: dict[bytes, list[Statement]] = field(default_factory=dict)
    links: set[Link] = field(default_factory=set)
    _schema_id: int = 0
    _sender: Producer | None = None
    """Kept from one `send` to the next: a new one takes half a second to get its number from the broker."""

    @classmethod
    def set(cls, services: EmbeddedServices, regencies: int, lines: Sequence[LineRow] = _LINES) -> "Stage":
        """Make database, regions, sources, lines and topics."""
        number = next(_NUMBERS)
        name = f"stage_{number}"
        where = services.addresses
        with psycopg.connect(where.database, autocommit=True) as server:
            server.execute(f"create database {name}")
        stage = cls(where.kafka, where.registry, make_conninfo(where.database, dbname=name), name)
        with stage.connect() as connection:
            migrate(connection)
            initialise(connection)
        for _ in range(regencies):
            stage.add_regency()
        with stage.connect() as connection:
            load_lines(connection, Sheet("lines.csv", tuple(lines)))
        return stage

    # ---- the world ----------------------------------------------------------------------------------------------------

    def connect(self) -> psycopg.Connection[Any]:
        """Return a connection in autocommit mode."""
        return psycopg.connect(self.database, autocommit=True)

    def add_regency(self, code: str = "") -> str:
        """Add a regency with its villages, sources and topic, and return its code, a new one unless one is given."""
        code = code or f"99.{next(_NUMBERS)}"
        self.make_topic(code)
        regions = (
            _NATION,
            _PROVINCE,
            RegionRow(code, None, f"REGENCY {code}", "regency", "99", None),
            RegionRow(f"{code}.01", None, f"DISTRICT {code}.01", "district", code, None),
            RegionRow(f"{code}.01.1001", None, "VILLAGE ONE", "village", f"{code}.01", "urban"),
            RegionRow(f"{code}.01.2001", None, "VILLAGE TWO", "village", f"{code}.01", "rural"),
        )
        with self.connect() as connection:
            load_regions(connection, Sheet("regions.csv", regions))
            load_sources(connection, Sheet("sources.csv", tuple(SourceRow(code, one, rank) for rank, one in enumerate(_SOURCES, 1))))
        self.regencies.append(code)
        return code

    def make_topic(self, regency: str) -> None:
        """Make a regency's topic, and wait until it is there."""
        self._sender = None  # what it numbered in a former topic of that name, the new one would refuse
        admin = AdminClient({"bootstrap.servers": self.kafka})
        for answer in admin.create_topics([NewTopic(household_topic(regency), 1, 1, config=TOPIC)]).values():
            answer.result(20)

    @property
    def claims(self) -> list[tuple[str, str]]:
        """Who may speak: every regency with every source."""
        return [(regency, source) for regency in self.regencies for source in _SOURCES]

    def reference(self) -> Reference:
        """Return the reference data as it is now."""
        with self.connect() as connection:
            return read(connection)

    # ---- what is said -------------------------------------------------------------------------------------------------

    def producer(self, **settings: Any) -> Producer:
        """Return a producer that loses nothing and keeps order."""
        return Producer({"bootstrap.servers": self.kafka, "enable.idempotence": True, "linger.ms": 5, "log_level": 0, **settings})

    def schema_id(self) -> int:
        """Return the id of the contract's schema."""
        if not self._schema_id:
            with closing(Registry(self.registry)) as registry:
                self._schema_id = registry.register(household_topic(self.regencies[0]), "HouseholdChanged")
        return self._schema_id

    def remember(self, event: HouseholdChanged) -> None:
        """Note a statement that must stand in the end, and the link beside it."""
        self.said.setdefault(event.household, []).append(said_by(event))
        self.links |= {link for link in [link_by(event)] if link}

    def send(self, events: Iterable[HouseholdChanged], producer: Producer | None = None, *, noted: bool = True) -> None:
        """Send events to their regencies' topics and return when the broker has them all; with `noted` they must stand in the end."""
        self._sender = self._sender or self.producer()
        to, schema_id = producer or self._sender, self.schema_id()
        for event in events:
            if noted:
                self.remember(event)
            to.produce(household_topic(event.region), encode(event, schema_id), event.household)
            to.poll(0)
        assert to.flush(60) == 0

    def transactions(self, state: str) -> list[int]:
        """
        Return the ports of the workers' connections whose transactions are in a state.

        `waiting` for a lock, `idle` in mid-transaction (its worker does not go on), or `any`.
        """
        with self.connect() as connection:
            rows = connection.execute(_TRANSACTIONS).fetchall()
        found = {"waiting": {"Lock"}, "idle": {"idle in transaction"}}.get(state, set())
        return [port for port, *facts in rows if state == "any" or found & set(facts)]

    # ---- what comes out -----------------------------------------------------------------------------------------------

    def shared_by(self, workers: int, limit_s: float = 30) -> None:
        """Wait until the group is stable with so many workers, each with partitions, and all of these are taken over."""
        admin = AdminClient({"bootstrap.servers": self.kafka, "log_level": 0})

        def shared() -> bool:
            try:
                group = admin.describe_consumer_groups([self.group])[self.group].result(20)
            except KafkaException:  # nobody has joined yet, or its coordinator is still loading
                return False
            parts = [len(one.assignment.topic_partitions) for one in group.members]
            return group.state.name == "STABLE" and len(parts) == workers and all(parts) and sum(parts) == len(self.regencies)

        until(shared, limit_s, lambda: f"{self.group} is not shared by {workers}")
        until(lambda: len(self.offsets()) >= len(self.regencies), limit_s, self.offsets)

    def offsets(self) -> dict[str, tuple[int, str | None]]:
        """Return next offset and cause of halt of each regency's partition that a worker has taken."""
        with self.connect() as connection:
            rows = connection.execute("select topic, next_offset, halted from ingest_offset").fetchall()
        return {topic: (next_offset, halted) for topic, next_offset, halted in rows}

    def ends(self) -> dict[str, int]:
        """Return the end of each regency's topic at the broker; waits while it is away."""
        reader = Consumer({"bootstrap.servers": self.kafka, "group.id": "nobody", "log_level": 0})
        ends = {}
        try:
            for topic in map(household_topic, self.regencies):
                ends[topic] = watermarks(reader, TopicPartition(topic, 0))[1]
        finally:
            reader.close()
        return ends

    def drained(self, limit_s: float = 40, halted: Iterable[str] = ()) -> float:
        """Wait until everything sent is committed, except in the regencies given, and return the seconds."""
        left_out = set(map(household_topic, halted))
        wanted = {topic: end for topic, end in self.ends().items() if topic not in left_out}

        def all_read() -> bool:
            try:
                stand = self.offsets()
            except psycopg.OperationalError:
                return False
            return all(stand.get(topic, (0, None))[0] >= end for topic, end in wanted.items())

        return until(all_read, limit_s, lambda: (self.offsets(), wanted))

    def held(self) -> dict[bytes, list[tuple[Any, ...]]]:
        """Return what the database holds of each household, as SQL unpacks it."""
        with self.connect() as connection:
            rows = connection.execute(
                "select household, claim_region.code, source, valid_from, revision, mapping_version, operation, village.code,"
                " size, expenditure, basis from statement join region as claim_region on claim_region.id = statement.claim_region"
                " left join region as village on village.id = statement.village"
            ).fetchall()
        found: dict[bytes, list[tuple[Any, ...]]] = {}
        for household, *rest in rows:
            found.setdefault(household.bytes, []).append(tuple(rest))
        return {household: sorted(one, key=repr) for household, one in found.items()}

    def expected_held(self) -> dict[bytes, list[tuple[Any, ...]]]:
        """Return what the law keeps of everything said, in the form of `held`."""
        return {household: sorted((_row(one) for one in kept(said)), key=repr) for household, said in self.households().items()}

    def households(self) -> dict[bytes, list[Statement]]:
        """Return all that was said of each household, under whatever of its names."""
        return by_household(((name, one) for name, said in self.said.items() for one in said), self.links)

    def cells(self) -> Cells:
        """Return the village cells: those folded, and the changes that wait for the fold."""
        total: dict[tuple[str, str, int], np.ndarray[Any, np.dtype[np.int64]]] = {}
        with self.connect() as connection:
            codes = dict(connection.execute("select id, code from region").fetchall())
            for keys, amounts in connection.execute("select keys, amounts from cell_change").fetchall():
                rows = np.frombuffer(amounts, ">i8").reshape(-1, len(MEASURES)).astype(np.int64)
                for key, row in zip(np.frombuffer(keys, ">i8").tolist(), rows, strict=True):
                    cell = (codes[key >> 13], "urban" if key >> 12 & 1 else "rural", key & 4095)
                    total[cell] = total.get(cell, 0) + row
            for region, urbanisation, month, *sums in connection.execute(_FOLDED).fetchall():
                cell = (codes[region], urbanisation, (month.year - 1970) * 12 + month.month - 1)
                total[cell] = total.get(cell, 0) + np.array(sums, np.int64)
        return {cell: tuple(row.tolist()) for cell, row in total.items() if row.any()}

    def expected_cells(self) -> Cells:
        """Return the cells that everything said amounts to, by the law."""
        reference = self.reference()
        total: Cells = {}
        for said in self.households().values():
            for cell, amounts in cell_changes(kept(said), reference).items():
                total[cell] = tuple(map(sum, zip(total.get(cell, (0,) * len(MEASURES)), amounts, strict=True)))
        return {cell: amounts for cell, amounts in total.items() if any(amounts)}

    def assert_exact(self) -> None:
        """Hold households and cells against the law."""
        assert self.expected_held() == self.held()
        assert self.expected_cells() == self.cells()
        assert self.said


def _row(one: Statement) -> tuple[Any, ...]:
    basis = None if one.expenditure is None else "MODELLED" if one.modelled else "OBSERVED"
    return (
        one.region,
        one.source,
        one.valid_from,
        one.revision,
        one.mapping_version,
        one.operation.value,
        one.village,
        one.size,
        one.expenditure,
        basis,
    )
