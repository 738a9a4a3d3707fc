"""
Where every registered regency's partitions stand: what the database has read of them, beside what Kafka holds and who reads it.

Why: a worker tells its log why it waits, and one that does not run tells nothing; an operator asks here.
Must not: call a partition moving that was not seen to move; need Kafka or the registry to tell what the database knows.
"""

import logging
from collections.abc import Collection, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field

from processors.broker import Broker, BrokerAway, Log
from processors.settings import GROUP
from processors.store.offsets import Stand
from schemas.registry import Registry, RegistryAway

__all__ = ["ANSWERS", "Heard", "Place", "hear", "places", "registry_says"]

_log = logging.getLogger(__name__)
Partition = tuple[str, int]
ANSWERS = "answers"
"""What is said of a service that does."""
_MOVING_S = 10.0
"""A partition with a backlog whose last batch was committed so long ago does not move: batches take tenths of a second."""


@dataclass(frozen=True, slots=True)
class Heard:
    """What Kafka told: partitions there are, how far their logs reach, which ones workers have now (None: unknown); or why nothing."""

    away: str = ""
    partitions: frozenset[Partition] = frozenset()
    logs: Mapping[Partition, Log] = field(default_factory=dict)
    readers: frozenset[Partition] | None = None


@dataclass(frozen=True, slots=True)
class Place:
    """One partition: its next offset (None before a worker ever took it), how many records wait (None: unknown), its state in words."""

    topic: str
    partition: int
    next_offset: int | None
    lag: int | None
    halted: str | None
    waits_for: str | None
    state: str


def hear(kafka: str, known: Collection[Partition], topics: Collection[str]) -> Heard:
    """Ask Kafka for partitions that are known and for all of some topics."""
    broker = Broker(kafka)
    try:
        broker.topics()  # without any topic of ours, too, it is to be known whether it answers
        there = broker.partitions({*topics, *(topic for topic, _ in known)})
        logs = broker.logs(there)
    except BrokerAway as error:
        return Heard(away=str(error))
    try:
        return Heard("", there, logs, broker.readers(GROUP))
    except BrokerAway as error:  # who shares the partitions out is not there yet, or does not tell us
        _log.warning("who reads which partition is not known: %s", error, extra={"action": "readers_unknown"})
        return Heard("", there, logs)


def registry_says(address: str) -> str:
    """Return whether the registry answers, or why not."""
    with closing(Registry(address)) as registry:
        try:
            registry.subjects()
        except RegistryAway as error:
            return str(error)
    return ANSWERS


def places(held: Sequence[Stand], topics: Collection[str], heard: Heard, *, locked: bool) -> list[Place]:
    """Return how every partition stands, those that no worker ever took included; `locked` while reference data is loaded."""
    stands = {(one.topic, one.partition): one for one in held}
    unseen = {(topic, 0) for topic in set(topics) - {topic for topic, _ in stands.keys() | heard.partitions}}
    found = []
    for at in sorted(stands.keys() | heard.partitions | unseen):
        stand, log = stands.get(at, Stand(*at, 0, 0, None)), heard.logs.get(at)
        taken = at in stands
        lag = None if log is None else max(0, log.end - (stand.next_offset if taken else log.begin))
        words = _stopped(stand, heard, lag) or _standing(stand, lag or 0, locked=locked)
        found.append(Place(*at, stand.next_offset if taken else None, lag, stand.halted, stand.waits_for, words))
    return found


def _stopped(stand: Stand, heard: Heard, lag: int | None) -> str:
    """Return why nothing of a partition is read, empty where a worker reads it, or may."""
    at = (stand.topic, stand.partition)
    if stand.halted:
        return stand.halted
    if heard.away:
        return "Kafka does not answer"
    if lag is None:
        return "the topic has no leader" if at in heard.partitions else "there is no such topic: muara sources load makes it"
    return "nobody reads it: muara worker does" if heard.readers is not None and at not in heard.readers else ""


def _standing(stand: Stand, lag: int, *, locked: bool) -> str:
    """Return how far a worker is with a partition."""
    if lag == 0:
        return "up to date"
    if stand.waits_for:
        return f"waits: {stand.waits_for}"
    if locked:
        return "waits: reference data is being loaded or rebuilt"
    if stand.moved_ago_s is None:
        return "behind, has not moved yet"
    return "moving" if stand.moved_ago_s < _MOVING_S else f"behind, moved last {stand.moved_ago_s:.0f} s ago"
