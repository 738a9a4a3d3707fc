"""
Repairing: dead letters read again from their topics, mended by a repair file, and shown or sent.

Why: this is where coordinates become events again; a chunk at a time, so that a million of them need no more memory than a thousand.
Must not: judge an event (processors/admission.py does), print, or send anything that was not noted in the audit before.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256
from typing import Any, Self

import numpy as np
from psycopg import Connection

from processors.admission import Record
from processors.broker import Broker, Log
from processors.columns.one_by_one import links_of
from processors.columns.reading import Reading
from processors.columns.statements import STATEMENT, pack
from processors.law import Link
from processors.publish.repaired import Event, RepairedSender
from processors.records_at import Found, RecordsAt
from processors.reference import Reference
from processors.repair.language import RepairFile
from processors.repair.mending import Left, matches
from processors.repair.planning import Outcome, Ready, Refused, plan
from processors.settings import WorkerSettings
from processors.store import repairs
from processors.store.effect import Effect, effect
from processors.store.letters import Filters, Letter, counted, in_order
from processors.store.reference import read
from schemas.codec import decode, encode_record
from schemas.errors import MuaraError, Rejected
from schemas.registry import Registry
from schemas.signed import Signed
from schemas.topics import household_topic, regency_of

__all__ = ["Counts", "Letters", "Planned", "Preview", "Progress", "Repairing", "Unread", "wanted"]

SHOWN = 10
"""Repaired events that a preview shows one by one."""
Progress = Callable[[int, int], None]
"""Told how many dead letters of how many were read."""


@dataclass(frozen=True, slots=True)
class Unread:
    """Why what a dead letter speaks of cannot be read now, in words."""

    why: str


@dataclass(frozen=True, slots=True)
class Planned:
    """A dead letter that is meant, the event that it speaks of, and what becomes of it."""

    letter: Letter
    plan: Ready | Refused | Left | Unread


@dataclass(slots=True)
class Counts:
    """Dead letters by what becomes of them."""

    read: int = 0
    not_meant: int = 0
    """Of another source or value than the file means."""
    ready: int = 0
    already_repaired: int = 0
    begun_before: int = 0
    """Of those that are ready: a repair was begun and broken off, so they were perhaps sent."""
    left: Counter[str] = field(default_factory=Counter)
    """By words: what the file does not provide for, what would be rejected again, what cannot be read."""

    def add(self, one: Planned) -> None:
        """Count one that is meant."""
        if isinstance(one.plan, Ready):
            self.ready += 1
        elif isinstance(one.plan, Refused):
            self.left[f"would be rejected again: {one.plan.cause}" + (f" ({one.plan.field})" if one.plan.field else "")] += 1
        elif isinstance(one.plan, Left):
            self.left[f"the file does not provide for it: {one.plan.field} {one.plan.why}".replace(":  ", ": ")] += 1
        else:
            self.left[f"cannot be read: {one.plan.why}"] += 1


@dataclass(frozen=True, slots=True)
class Preview:
    """What a repair would do if it were carried out now: counts, the first repaired events with what each would do, the figures."""

    counts: Counts
    first: Sequence[tuple[Planned, Outcome | None]]
    effect: Effect


class Letters:
    """Reads again what dead letters speak of."""

    def __init__(self, kafka: str, registry: Registry) -> None:
        """Know broker and registry."""
        self._records, self._broker, self._registry = RecordsAt(kafka), Broker(kafka), registry
        self._logs: dict[tuple[str, int], Log | None] = {}

    def close(self) -> None:
        """Leave the broker."""
        self._records.close()

    def read(self, letters: Sequence[Letter]) -> Iterator[tuple[Letter, Record | Unread]]:
        """
        Give dead letters of one partition of one topic, by growing offset, with the event of each, or why there is none.

        Raises `BrokerAway`, `RegistryAway`, `RecordsUnreadable`.
        """
        topic, partition = letters[0].topic, letters[0].partition
        log = self._log(topic, partition)
        whole = log is not None and log.topic_id == letters[0].topic_id
        there = [one.offset for one in letters if log is not None and whole and log.begin <= one.offset < log.end]
        found = self._records.read((topic, partition), there)
        last = next(found, None)
        for one in letters:
            if not whole:
                yield one, Unread("the topic is gone" if log is None else "the topic was deleted and made anew")
            elif last is None or last.offset != one.offset:
                yield one, Unread("the broker no longer holds the record")
            else:
                yield one, self._event(one, last)
                last = next(found, None)

    def _log(self, topic: str, partition: int) -> Log | None:
        if (topic, partition) not in self._logs:
            self._logs[topic, partition] = self._broker.logs([(topic, partition)]).get((topic, partition))
        return self._logs[topic, partition]

    def _event(self, letter: Letter, found: Found) -> Record | Unread:
        if sha256(found.value or b"").digest() != letter.digest:
            return Unread("another record lies at its coordinates")
        try:
            said = decode("HouseholdChanged", found.value or b"", found.headers, self._registry)
        except Rejected as error:
            return Unread(str(error))
        return Record(said, found.key, regency_of(letter.topic), letter.arrived_at)


def wanted(file: RepairFile, *, again: bool = False) -> Filters:
    """Return which dead letters a repair file means, as far as they tell it themselves; with `again` also those repaired already."""
    return Filters.of_regencies(
        file.match.regency,
        cause=file.match.cause,
        field=file.match.field,
        since=file.match.arrived_from,
        until=file.match.arrived_until,
        repaired=again,
    )


class Repairing:
    """One repair file over one office; a connection in autocommit mode to its database, used by one thread."""

    def __init__(self, conn: Connection[Any], told: WorkerSettings, registry: Registry, file: RepairFile, *, again: bool = False) -> None:
        """Know the services; nothing is read yet."""
        self._conn, self._kafka, self._database, self._registry, self._file = conn, told.kafka, told.database, registry, file
        self._filters, self._letters = wanted(file, again=again), Letters(told.kafka, registry)
        self.counts = Counts()

    def __enter__(self) -> Self:
        """Give itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Leave the broker."""
        self._letters.close()

    def preview(self, progress: Progress) -> Preview:
        """Return what would be done, and what it would change, without doing it; raises what reading does, and `ReferenceMovedOn`."""
        reference, now = read(self._conn), self._now()
        first: list[tuple[Planned, int | None]] = []
        households, statements, links = bytearray(), bytearray(), list[Link]()
        for chunk in self._planned(reference, now, progress):
            for one in chunk:
                ready = isinstance(one.plan, Ready)
                if len(first) < SHOWN:
                    first.append((one, len(statements) // STATEMENT.itemsize if ready else None))
                if isinstance(one.plan, Ready):
                    households += one.plan.mended.record.fields["household"]
                    statements += pack([one.plan.statement], reference).tobytes()
                    links += [one.plan.link] if one.plan.link else []
        halves = np.frombuffer(bytes(households), ">u8").astype(np.uint64).reshape(-1, 2)
        said = Reading(halves, np.frombuffer(bytes(statements), STATEMENT), [], links_of(links))
        found = effect(self._database, said, reference)
        shown = [(one, None if place is None else found.outcomes[place]) for one, place in first]
        return Preview(self.counts, shown, found)

    def send(self, signed: Signed, progress: Progress) -> Counts:
        """
        Send what is ready, each chunk noted in the audit before and after, and return the counts.

        A run that ends in the midst of it has sent, and noted, what its audit says; the same run done again goes on. Raises `RepairRuns`,
        what reading does, and `NoTopic` or `BrokerAway` where the broker does not take an event.
        """
        with repairs.alone(self._conn), closing(RepairedSender(self._kafka)) as sender:
            reference = read(self._conn)
            for chunk in self._planned(reference, self._now(), progress):
                ready = [(one.letter, one.plan) for one in chunk if isinstance(one.plan, Ready)]
                self._send(sender, signed, ready)
        return self.counts

    def _send(self, sender: RepairedSender, signed: Signed, ready: Sequence[tuple[Letter, Ready]]) -> None:
        events = [self._event(plan) for _, plan in ready]
        noted = repairs.begin(
            self._conn,
            signed,
            [
                repairs.ToSend(letter, plan.mended.changes, household_topic(event.regency), sha256(event.value).digest())
                for (letter, plan), event in zip(ready, events, strict=True)
            ],
        )
        delivered = sender.send(events)
        repairs.done(self._conn, {noted[place]: at for place, at in delivered.at.items()})
        if delivered.failed is not None:
            raise delivered.failed

    def _event(self, one: Ready) -> Event:
        record = one.mended.record
        schema = self._registry.register(household_topic(record.regency), "HouseholdChanged")
        # Admission let it through, so the key is the household's sixteen bytes.
        return Event(record.regency, record.fields["household"], encode_record("HouseholdChanged", record.fields, schema))

    def _planned(self, reference: Reference, now: datetime, progress: Progress) -> Iterator[list[Planned]]:
        """Give the dead letters that are meant, a chunk at a time, and count them all."""
        of = counted(self._conn, self._filters)
        if not self._filters.repaired:
            self.counts.already_repaired = counted(self._conn, wanted(self._file, again=True)) - of
        progress(0, of)
        for letters in in_order(self._conn, self._filters):
            meant = [one for letter, record in self._letters.read(letters) if (one := self._plan(letter, record, now, reference))]
            for one in meant:
                self.counts.add(one)
            self.counts.read += len(letters)
            self.counts.not_meant += len(letters) - len(meant)
            begun = repairs.broken_off(self._conn, [one.letter for one in meant if isinstance(one.plan, Ready)])
            self.counts.begun_before += len(begun)
            yield meant
            progress(self.counts.read, max(of, self.counts.read))

    def _plan(self, letter: Letter, record: Record | Unread, now: datetime, reference: Reference) -> Planned | None:
        if isinstance(record, Unread):
            return Planned(letter, record)
        try:
            if not matches(self._file.match, letter.field, record):
                return None
            return Planned(letter, plan(self._file, record, now, reference))
        except MuaraError:
            raise
        except Exception as error:  # noqa: BLE001
            # Why all of them: whatever one odd record makes us stumble over, the others are repaired, as workers go on, too.
            return Planned(letter, Unread(f"{type(error).__name__} while judging it"))

    def _now(self) -> datetime:
        """Return the database's time: one clock for all who repair."""
        row = self._conn.execute("select clock_timestamp()").fetchone()
        assert row is not None  # noqa: S101 - a select without from has one row
        return row[0]  # type: ignore[no-any-return]  # a row of the driver's
