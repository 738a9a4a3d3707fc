"""Confluent's own serializers write what we read and read what we write, over the real Kafka and the real registry."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID

import pytest
from confluent_kafka import Consumer, Producer
from confluent_kafka.admin import AdminClient, NewTopic  # type: ignore[attr-defined]  # exported, but not by name
from confluent_kafka.schema_registry import SchemaRegistryClient, topic_subject_name_strategy
from confluent_kafka.schema_registry.avro import AvroDeserializer, AvroSerializer
from confluent_kafka.schema_registry.serde import SchemaId
from confluent_kafka.serialization import MessageField, SerializationContext
from hypothesis import HealthCheck, given, settings

from deploy.embedded import EmbeddedServices
from schemas.codec import FRAME, SCHEMA_ID_HEADER, decode, encode, schema_text, split_frame
from schemas.events import EventRejected, HouseholdChanged, IndicatorPublished, to_record
from schemas.registry import Registry
from schemas.topics import household_topic, rejected_topic
from tests.golden.cases import CASES
from tests.schemas.events import HOUSEHOLDS, INDICATORS, REJECTED

TOPICS = {
    "HouseholdChanged": household_topic("99.61"),
    "EventRejected": rejected_topic("99.61"),
    "IndicatorPublished": "muara.test.indicator",
}
WAIT_S = 30


@dataclass(frozen=True)
class BothWays:
    """Ours and Confluent's way to one registry."""

    ours: Registry
    client: SchemaRegistryClient

    def serializer(self, name: str) -> Callable[[dict[str, Any]], bytes]:
        """Return Confluent's serializer of a schema that is registered already."""
        made = AvroSerializer(
            self.client,
            schema_text(name),
            conf={"auto.register.schemas": False, "subject.name.strategy": topic_subject_name_strategy},
        )
        return lambda record: bytes(made(record, SerializationContext(TOPICS[name], MessageField.VALUE)) or b"")

    def deserializer(self, name: str) -> Callable[[bytes], Any]:
        """Return Confluent's deserializer; it reads with the schema of the registry."""
        made = AvroDeserializer(self.client, conf={"subject.name.strategy": topic_subject_name_strategy})
        return lambda value: made(value, SerializationContext(TOPICS[name], MessageField.VALUE))


@pytest.fixture(scope="module")
def ways(services: EmbeddedServices) -> Iterator[BothWays]:
    """Both ways, with the contract registered by ours."""
    ours = Registry(services.addresses.registry)
    for name, topic in TOPICS.items():
        ours.register(topic, name)
    with SchemaRegistryClient({"url": services.addresses.registry}) as client:
        yield BothWays(ours, client)
    ours.close()


def agree(ways: BothWays, event: HouseholdChanged | EventRejected | IndicatorPublished) -> None:
    """Fail unless both write the same bytes, and each reads what the other wrote."""
    name = type(event).__name__
    mine = encode(event, ways.ours.register(TOPICS[name], name))
    theirs = ways.serializer(name)(to_record(event))

    assert mine == theirs
    assert decode(name, theirs, (), ways.ours) == to_record(event)
    assert ways.deserializer(name)(mine) == to_record(event)


@given(event=HOUSEHOLDS)
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_households_are_written_and_read_alike(ways: BothWays, event: HouseholdChanged) -> None:
    """Byte for byte the same, whichever of the two writes, for any household."""
    agree(ways, event)


@given(event=INDICATORS)
@settings(max_examples=30, deadline=None)
def test_indicators_are_written_and_read_alike(ways: BothWays, event: IndicatorPublished) -> None:
    """Byte for byte the same, whichever of the two writes, for any figures."""
    agree(ways, event)


@given(event=REJECTED)
@settings(max_examples=30, deadline=None)
def test_dead_letters_are_written_and_read_alike(ways: BothWays, event: EventRejected) -> None:
    """Byte for byte the same, whichever of the two writes, for any dead letter."""
    agree(ways, event)


def test_framing_v1_is_confluents() -> None:
    """The header that Confluent's client makes of a GUID is the one that we read."""
    guid = UUID("00112233-4455-6677-8899-aabbccddeeff")
    header = SchemaId("AVRO", None, str(guid)).guid_to_bytes()

    assert split_frame(b"body", [(SCHEMA_ID_HEADER, header)]) == (guid, 0)
    assert SchemaId("AVRO", 7, None).id_to_bytes() == b"\0\0\0\0\7"
    assert split_frame(b"\0\0\0\0\7", []) == (7, FRAME)


@pytest.mark.parametrize("name", TOPICS)
def test_our_topics_are_read_and_written_by_confluents_serializers(services: EmbeddedServices, ways: BothWays, name: str) -> None:
    """Through a topic of the real Kafka: what a Confluent producer writes we read, what we write a Confluent consumer reads."""
    topic = TOPICS[name]
    events = [event for case, event in CASES.items() if case.startswith(f"{name}.")]
    number, serializer, deserializer = ways.ours.register(topic, name), ways.serializer(name), ways.deserializer(name)
    admin = AdminClient({"bootstrap.servers": services.addresses.kafka})
    admin.create_topics([NewTopic(topic, 1, 1)])[topic].result()
    producer = Producer({"bootstrap.servers": services.addresses.kafka})
    for event in events:
        producer.produce(topic, encode(event, number), b"ours")
        producer.produce(topic, serializer(to_record(event)), b"theirs")
    assert producer.flush(WAIT_S) == 0

    consumer = Consumer({"bootstrap.servers": services.addresses.kafka, "group.id": f"test-{name}", "auto.offset.reset": "earliest"})
    consumer.subscribe([topic])
    found = consumer.consume(2 * len(events), WAIT_S)
    consumer.close()

    assert [(one.error(), one.key(), one.headers()) for one in found] == [(None, b"ours", None), (None, b"theirs", None)] * len(events)
    values = [one.value() or b"" for one in found]
    assert [deserializer(one) for one in values[::2]] == [to_record(one) for one in events]
    assert [decode(name, one, (), ways.ours) for one in values[1::2]] == [to_record(one) for one in events]


def test_times_and_dates_are_read_with_their_zone(ways: BothWays) -> None:
    """Both read a time as UTC to the microsecond, and a date before 1970 as that date."""
    event = CASES["HouseholdChanged.full"]
    assert isinstance(event, HouseholdChanged)
    record = to_record(event) | {"recorded_at": datetime(2024, 3, 2, 4, 5, 6, 7, UTC), "valid_from": date(1945, 8, 17)}

    value = ways.serializer("HouseholdChanged")(record)

    assert decode("HouseholdChanged", value, (), ways.ours) == record == ways.deserializer("HouseholdChanged")(value)
