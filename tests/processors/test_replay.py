"""Records replayed from a real broker: exactly those of a span, with everything that a worker sees of them."""

import time
from collections.abc import Iterator
from contextlib import closing

import numpy as np
import pytest
from confluent_kafka import Producer, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic  # type: ignore[attr-defined]  # exported, but not by name

from deploy.embedded import EmbeddedServices
from processors.blocks import Block, headers_at
from processors.replay import RECORDS, LogUnreadable, Partition, Replay

_TOPIC = {"message.timestamp.type": "LogAppendTime", "retention.ms": "-1"}
Headers = list[tuple[str, str | bytes | None]]


@pytest.fixture
def replay(services: EmbeddedServices) -> Iterator[Replay]:
    """A reader of the session's broker."""
    with closing(Replay(services.addresses.kafka)) as reader:
        yield reader


def topic(services: EmbeddedServices, name: str, partitions: int = 1) -> tuple[Producer, AdminClient]:
    """Make a topic, and return a producer for it and an admin client."""
    admin = AdminClient({"bootstrap.servers": services.addresses.kafka})
    for answer in admin.create_topics([NewTopic(name, partitions, 1, config=_TOPIC)]).values():
        answer.result(20)
    return Producer({"bootstrap.servers": services.addresses.kafka, "linger.ms": 5, "log_level": 0}), admin


def told(block: Block) -> list[tuple[bytes | None, bytes | None, list[tuple[str, bytes]]]]:
    """Return key, value and headers of each record of a block."""

    def piece(at: int, length: int) -> bytes | None:
        return None if length < 0 else block.raw[at : at + length]

    places = zip(block.key.tolist(), block.key_length.tolist(), block.value.tolist(), block.value_length.tolist(), strict=True)
    return [
        (piece(key, key_length), piece(value, value_length), headers_at(block.raw, value + max(value_length, 0)))
        for key, key_length, value, value_length in places
    ]


def test_a_record_keeps_key_value_and_headers(services: EmbeddedServices, replay: Replay) -> None:
    """Whatever of a record is missing, empty or long comes back as a worker would read it from Kafka's own batch."""
    producer, _ = topic(services, "replay.forms")
    long = bytes(range(256)) * 40
    many: Headers = [("__value_schema_id", b"\1" + bytes(16)), ("empty", b""), ("none", None), ("long", long)]
    for key, value, headers in ((b"k", b"v", None), (None, b"v", None), (b"k", None, many), (b"", b"", many[:1]), (long, long, None)):
        producer.produce("replay.forms", value, key, headers=headers)
    assert producer.flush(20) == 0

    blocks = [block for batch in replay.batches({("replay.forms", 0): (0, 5)}) for block in batch["replay.forms", 0]]

    read = [(name, content or b"") for name, content in many if not isinstance(content, str)]
    assert [record for block in blocks for record in told(block)] == [
        (b"k", b"v", []),
        (None, b"v", []),
        (b"k", None, read),
        (b"", b"", read[:1]),
        (long, long, []),
    ]


def test_spans_of_many_partitions_are_read_exactly(services: EmbeddedServices, replay: Replay) -> None:
    """Of each partition comes what lies in its span, in order, each once, in batches of a worker's size, and again as often as asked."""
    producer, _ = topic(services, "replay.spans", 3)
    for number in range(30_000):
        producer.produce("replay.spans", str(number).encode(), b"k", partition=number % 3)
        if number == 15_000:
            assert producer.flush(20) == 0
            time.sleep(0.01)  # so that not all arrive within one of the broker's milliseconds
    assert producer.flush(20) == 0
    spans: dict[Partition, tuple[int, int]] = {
        ("replay.spans", 0): (0, 10_000),
        ("replay.spans", 1): (4_321, 9_999),
        ("replay.spans", 2): (7, 7),
    }

    for _ in range(2):
        found: dict[Partition, list[Block]] = {}
        for batch in replay.batches(spans):
            assert sum(len(block.value) for blocks in batch.values() for block in blocks) <= RECORDS
            for partition, blocks in batch.items():
                found.setdefault(partition, []).extend(blocks)

        assert sorted(found) == [("replay.spans", 0), ("replay.spans", 1)]
        for place, blocks in found.items():
            begin, end = spans[place]
            assert [block.first for block in blocks] == np.cumsum([begin, *(len(block.value) for block in blocks[:-1])]).tolist()
            values = [int(value or b"") for block in blocks for _, value, _ in told(block)]
            assert values == list(range(3 * begin + place[1], 3 * end + place[1], 3))
            assert len({block.timestamp_ms for block in blocks}) > 1


def test_records_that_are_no_longer_there_are_an_error(services: EmbeddedServices, replay: Replay) -> None:
    """Where the broker has deleted the first records of a span the replay ends, and does not begin later instead."""
    producer, admin = topic(services, "replay.cut")
    for number in range(20):
        producer.produce("replay.cut", str(number).encode(), b"k")
    assert producer.flush(20) == 0
    for answer in admin.delete_records([TopicPartition("replay.cut", 0, 10)]).values():
        answer.result(20)

    with pytest.raises(LogUnreadable) as error:
        list(replay.batches({("replay.cut", 0): (5, 20)}))

    assert str(error.value).startswith("replay.cut[0] cannot be read (_AUTO_OFFSET_RESET)")
