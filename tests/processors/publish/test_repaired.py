"""Repaired events sent to a real broker: where each arrived is told, and what did not arrive is told, too."""

from collections.abc import Iterator
from contextlib import closing

import pytest
from confluent_kafka import Consumer, TopicPartition

from deploy.embedded import EmbeddedServices
from processors.broker import BrokerAway
from processors.publish import repaired
from processors.publish.repaired import Event, NoTopic, RepairedSender
from processors.publish.topics import make_missing
from schemas.topics import household_topic

KEYS = [bytes([number]) * 16 for number in range(5)]


@pytest.fixture
def sender(services: EmbeddedServices) -> Iterator[RepairedSender]:
    """A sender to the session's broker, and the topic of 88.01."""
    make_missing(services.addresses.kafka, [household_topic("88.01")])
    with closing(RepairedSender(services.addresses.kafka)) as made:
        yield made


def test_each_event_is_told_where_it_lies(services: EmbeddedServices, sender: RepairedSender) -> None:
    """Partition and offset are those at which the broker has just that key and value, and the order is kept."""
    events = [Event("88.01", key, b"value of %d" % key[0]) for key in KEYS]

    told = sender.send(events)

    assert told.failed is None
    assert sorted(told.at) == list(range(len(events)))
    offsets = [told.at[place][1] for place in range(len(events))]
    assert offsets == list(range(offsets[0], offsets[0] + len(events)))
    with closing(Consumer({"bootstrap.servers": services.addresses.kafka, "group.id": "nobody", "log_level": 0})) as reader:
        reader.assign([TopicPartition(household_topic("88.01"), 0, offsets[0])])
        found = reader.consume(len(events), 20)
    assert [(one.key(), one.value(), one.offset()) for one in found] == [
        (event.key, event.value, offset) for event, offset in zip(events, offsets, strict=True)
    ]


def test_a_topic_that_is_not_there_stops_with_its_name(sender: RepairedSender) -> None:
    """What goes to other topics arrives and is told; the failure is told beside it."""
    told = sender.send([Event("88.01", KEYS[0], b"one"), Event("88.99", KEYS[1], b"two"), Event("88.01", KEYS[2], b"three")])

    assert isinstance(told.failed, NoTopic)
    assert household_topic("88.99") in str(told.failed)
    assert sorted(told.at) == [0, 2]


def test_a_broker_that_is_away_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where nobody listens nothing arrives, and that is told within the time."""
    monkeypatch.setattr(repaired, "WAIT_S", 1.0)
    with closing(RepairedSender("127.0.0.1:1")) as sender:
        told = sender.send([Event("88.01", KEYS[0], b"one")])

    assert isinstance(told.failed, BrokerAway)
    assert told.at == {}
