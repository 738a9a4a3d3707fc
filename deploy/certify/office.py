"""
The office in a certification: it reads the topics whole, and knows of a household what the law says.

Why: the law decides what an adapter's events amount to; here it is the plain form of it, and nothing else of the office.
Must not: keep anything between two looks, but what lay in the topics, which never changes.
"""

import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import date
from typing import Any

from confluent_kafka import Consumer, KafkaError, KafkaException, TopicPartition

from deploy.certify.told import Fact
from deploy.embedded import Addresses
from processors.law import Statement, kept, view
from processors.reference import Reference, Region, Registration
from producers.rereading import watermarks
from schemas.codec import decode
from schemas.events import Operation
from schemas.registry import Registry
from schemas.topics import household_topic

__all__ = ["Record", "records", "statement_of", "statements", "views"]

_ANSWER_S = 10.0
_KNOWN_S = 60.0
_PAUSE_S = 0.1
_NOT_KNOWN = (KafkaError.UNKNOWN_TOPIC_OR_PART, KafkaError._UNKNOWN_TOPIC, KafkaError._UNKNOWN_PARTITION)  # noqa: SLF001 - their names
_AT_ONCE = 5_000
_FETCH_MS = 20
"""All that is asked for is there: a broker that waits for more, as brokers do, only waits."""


@dataclass(frozen=True, slots=True)
class Record:
    """One record of a topic, and what it says."""

    topic: str
    offset: int
    key: bytes
    value: bytes
    event: Mapping[str, Any]
    has_headers: bool


def records(where: Addresses, regencies: Collection[str], known: Sequence[Record] = ()) -> list[Record]:
    """Return everything in the regencies' topics, each topic in its order; what is known of them already is not read again."""
    following = dict.fromkeys((household_topic(regency) for regency in sorted(regencies)), 0)
    following |= {one.topic: one.offset + 1 for one in known}
    places = [TopicPartition(topic, 0, offset) for topic, offset in following.items()]
    wanted = _until_known(where, places) - len(known)
    consumer = _consumer(where)
    try:
        consumer.assign(places)
        with closing(Registry(where.registry)) as registry:
            found: list[Record] = []
            while len(found) < wanted:
                found += _taken(consumer, wanted - len(found), registry)
    finally:
        consumer.close()
    return sorted([*known, *found], key=lambda one: (one.topic, one.offset))


def _consumer(where: Addresses) -> Consumer:
    named = {"bootstrap.servers": where.kafka, "group.id": "certification", "enable.auto.commit": False}
    return Consumer({**named, "fetch.wait.max.ms": _FETCH_MS, "topic.metadata.refresh.fast.interval.ms": _FETCH_MS})


def _until_known(where: Addresses, places: Collection[TopicPartition]) -> int:
    """
    Return how many records partitions hold; they may be unknown to all of Kafka for a moment.

    So it is after they were made, or made again, or when the broker has been stopped; who has once heard that keeps to it, and begins anew.
    """
    until = time.monotonic() + _KNOWN_S
    while True:
        consumer = _consumer(where)
        try:
            return sum(watermarks(consumer, place)[1] for place in places)
        except KafkaException as error:
            if error.args[0].code() not in _NOT_KNOWN or time.monotonic() > until:
                raise
        finally:
            consumer.close()
        time.sleep(_PAUSE_S)


def _taken(consumer: Consumer, most: int, registry: Registry) -> Iterator[Record]:
    for message in consumer.consume(min(most, _AT_ONCE), timeout=_ANSWER_S):
        topic, key, value, offset = message.topic(), message.key(), message.value(), message.offset()
        assert isinstance(key, bytes)  # noqa: S101 - no adapter sends anything else
        assert isinstance(value, bytes)  # noqa: S101
        yield Record(topic or "", offset or 0, key, value, decode("HouseholdChanged", value, (), registry), bool(message.headers()))


def statements(said: Sequence[Record]) -> dict[bytes, list[Statement]]:
    """Return the statements that stand, by household; what is said in another regency's topic, or of its villages, the office refuses."""
    by_household: dict[bytes, list[Statement]] = {}
    for one in filter(_is_of_its_topic, said):
        by_household.setdefault(one.key, []).append(statement_of(one.event))
    return {household: kept(all_said) for household, all_said in by_household.items()}


def _is_of_its_topic(one: Record) -> bool:
    region, residence = one.event["region"], one.event["residence"]
    return one.topic == household_topic(region) and (residence is None or residence["village"].startswith(f"{region}."))


def statement_of(event: Mapping[str, Any]) -> Statement:
    """Return what an event states, as far as it is looked at here."""
    return Statement(
        region=event["region"],
        source=event["source"],
        valid_from=event["valid_from"],
        revision=event["revision"],
        mapping_version=event["mapping_version"],
        operation=Operation(event["operation"]),
        village=event["residence"] and event["residence"]["village"],
        size=event["composition"] and event["composition"]["size"],
        expenditure=event["welfare"] and event["welfare"]["expenditure"],
    )


def views(
    held: Mapping[bytes, Sequence[Statement]], days: Mapping[bytes, Collection[date]], villages: Collection[str], source: str
) -> dict[tuple[bytes, date], Fact]:
    """Return every household as the office sees it on each of its days on which it exists, by household and day."""
    reference = _reference(villages, source)
    found = {}
    for household, said in held.items():
        for day in days.get(household, ()):
            if seen := view(said, day, reference):
                found[household, day] = Fact(seen.village, seen.size or 0, seen.expenditure)
    return found


def _reference(villages: Collection[str], source: str) -> Reference:
    """Return reference data of these villages, each right below its regency, for which the source may speak."""
    regencies = sorted({village[:5] for village in villages})
    regions = {code: Region(number, code, code, "regency", None, None) for number, code in enumerate(regencies)}
    regions |= {code: Region(1000 + number, code, code, "village", code[:5], "rural") for number, code in enumerate(sorted(villages))}
    registered = tuple(Registration(number, regency, source, 1) for number, regency in enumerate(regencies))
    return Reference(version=1, first_month=0, regions=regions, registrations=registered, lines=())
