"""Reading a topic again: all of it up to an end, and clear words where that cannot be."""

from collections.abc import Iterator
from typing import Any
from unittest.mock import MagicMock

import pytest
from confluent_kafka import KafkaError, KafkaException, Producer, TopicPartition

from producers import rereading
from producers.rereading import BrokerSilent, Rereader, TopicForbidden, prove, watermarks, with_topic_ids
from schemas.receipts import Receipt
from tests.schemas.test_receipts import TOPIC, chain


@pytest.fixture(scope="module")
def brokers() -> Iterator[str]:
    """The address of a mock cluster; it lives as long as its producer."""
    owner = Producer({"bootstrap.servers": "none", "test.mock.num.brokers": 1})
    yield ",".join(f"{broker.host}:{broker.port}" for broker in owner.list_topics(timeout=10).brokers.values())
    del owner


def test_all_records_below_an_end_are_read(brokers: str) -> None:
    """They come in order, up to the end asked for or that of the log, and partition after partition by one reader."""
    producer = Producer({"bootstrap.servers": brokers})
    for number in range(50):
        producer.produce("reread", b"%d" % number, partition=number % 2)
    assert producer.flush(10) == 0

    with Rereader(brokers) as reader:
        read = [
            [one.value() for one in reader.records(("reread", partition), end)] for partition, end in ((0, 10), (1, 99), (0, 0), (1, 1))
        ]

    assert read == [[b"%d" % (2 * at) for at in range(10)], [b"%d" % (2 * at + 1) for at in range(25)], [], [b"1"]]


def test_a_topic_that_is_gone_proves_nothing(brokers: str) -> None:
    """Where there is no topic of that name nothing is read, and the receipt does not hold."""
    with Rereader(brokers) as reader:
        found = prove(reader, Receipt.of("carik", 0, [chain([(0, b"k", b"v")])]))

    assert [one.holds for one in found.values()] == [False]


def test_a_broker_that_is_away_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a broker nothing is proved, and the message says so."""
    monkeypatch.setattr(rereading, "_ANSWER_S", 0.5)
    with Rereader("127.0.0.1:1") as reader, pytest.raises(BrokerSilent, match=r"Kafka at 127\.0\.0\.1:1 does not answer"):
        list(reader.records((TOPIC, 0), 5))


def test_a_topic_that_may_not_be_read_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """A region without the right to read its own topic is told what it can do, and not that the broker is away."""

    def refuse(*_: object, **__: object) -> tuple[int, int]:
        raise KafkaException(KafkaError(KafkaError.TOPIC_AUTHORIZATION_FAILED))

    monkeypatch.setattr(rereading, "Consumer", lambda *_, **__: type("Refusing", (), {"get_watermark_offsets": refuse, "close": int})())
    with Rereader("127.0.0.1:1") as reader, pytest.raises(TopicForbidden, match=r"give the receipt \(--out\) to the office"):
        list(reader.records((TOPIC, 0), 5))


def test_a_partition_whose_leader_is_not_known_yet_is_asked_again() -> None:
    """A topic that was just made answers for a moment that its broker is not its leader; that is waited for, anything else is not."""
    moves = KafkaException(KafkaError(KafkaError.NOT_LEADER_FOR_PARTITION))
    answers: list[Any] = [moves, moves, (3, 9)]
    asked = MagicMock()
    asked.get_watermark_offsets.side_effect = answers

    assert watermarks(asked, TopicPartition(TOPIC, 0)) == (3, 9)
    asked.get_watermark_offsets.side_effect = KafkaException(KafkaError(KafkaError.BROKER_NOT_AVAILABLE))
    with pytest.raises(KafkaException):
        watermarks(asked, TopicPartition(TOPIC, 0))


def test_a_topic_that_is_there_is_not_taken_for_gone(brokers: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the library knows nothing of a topic that the broker has, it is asked again, and then nothing is said of what lies there."""
    producer = Producer({"bootstrap.servers": brokers})
    producer.produce("hidden", b"0", partition=0)
    assert producer.flush(10) == 0
    unknown = KafkaException(KafkaError(KafkaError._UNKNOWN_PARTITION))

    monkeypatch.setattr(rereading, "watermarks", MagicMock(side_effect=[unknown, unknown, (0, 1)]))
    with Rereader(brokers) as reader:
        assert [one.value() for one in reader.records(("hidden", 0), 5)] == [b"0"]

    monkeypatch.setattr(rereading, "_ANSWER_S", 0.5)
    monkeypatch.setattr(rereading, "watermarks", MagicMock(side_effect=unknown))
    with Rereader(brokers) as reader, pytest.raises(BrokerSilent, match="_UNKNOWN_PARTITION"):
        list(reader.records(("hidden", 0), 5))


def test_topics_are_named_by_their_ids() -> None:
    """A receipt tells which topic of its name it was proved with, and has another digest then."""
    bare = Receipt.of("carik", 0, [chain([(0, b"k", b"v")])])
    named = with_topic_ids(bare, {TOPIC: "abc"})

    assert [one.topic_id for one in named.chains] == ["abc"]
    assert named.digest != bare.digest
    assert not named.altered
