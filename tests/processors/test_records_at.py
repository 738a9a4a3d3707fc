"""Records read at single offsets from a real broker: exactly those, in order, however far apart they lie."""

from collections.abc import Iterator, Sequence
from contextlib import closing
from uuid import uuid4

import pytest
from confluent_kafka import Producer

from deploy.embedded import EmbeddedServices
from processors.records_at import NEAR, Found, RecordsAt, RecordsUnreadable
from tests.processors.test_replay import topic

RECORDS = 5_000


@pytest.fixture
def records(services: EmbeddedServices) -> Iterator[RecordsAt]:
    """A reader of the session's broker."""
    with closing(RecordsAt(services.addresses.kafka)) as reader:
        yield reader


@pytest.fixture(scope="module")
def filled(services: EmbeddedServices) -> str:
    """A topic whose records hold their offsets."""
    name = f"records_at.filled.{uuid4().hex}"  # the module may be begun again: its tests are shared among processes
    producer, _ = topic(services, name)
    for number in range(RECORDS):
        producer.produce(name, b"%d" % number, b"k%d" % number)
    assert producer.flush(20) == 0
    return name


def offsets(found: Sequence[Found]) -> list[int]:
    """Return the offsets of records that hold their offset, checked."""
    assert all((one.key, one.value) == (b"k%d" % one.offset, b"%d" % one.offset) for one in found)
    return [one.offset for one in found]


@pytest.mark.parametrize(
    "wanted",
    [
        [],
        [0],
        [RECORDS - 1],
        [0, RECORDS - 1],
        list(range(RECORDS)),
        list(range(7, RECORDS, NEAR - 1)),
        list(range(3, RECORDS, NEAR + 2)),
        [*range(10), *range(NEAR + 9, NEAR + 14), 3_000, 3_001, 3_001 + NEAR, 3_002 + 2 * NEAR, RECORDS - 1],
    ],
)
def test_exactly_the_wanted_records_come_in_order(records: RecordsAt, filled: str, wanted: list[int]) -> None:
    """Whether near or far, first or last, each record that is wanted comes once, and no other."""
    assert offsets(list(records.read((filled, 0), wanted))) == wanted


def test_one_reader_reads_one_topic_after_another(services: EmbeddedServices, records: RecordsAt, filled: str) -> None:
    """What was fetched ahead of one topic, or of an earlier reading, is not taken for another's."""
    producer, _ = topic(services, "records_at.other", partitions=2)
    for number in range(3):
        producer.produce("records_at.other", b"%d" % number, b"k%d" % number, partition=1)
    assert producer.flush(20) == 0

    for _ in range(3):
        assert offsets(list(records.read((filled, 0), [4, 4_000]))) == [4, 4_000]
        assert offsets(list(records.read(("records_at.other", 1), [0, 2]))) == [0, 2]


def test_a_record_keeps_key_value_and_headers(services: EmbeddedServices, records: RecordsAt) -> None:
    """Whatever of a record is missing or empty comes back as it was sent."""
    producer, _ = topic(services, "records_at.forms")
    pairs: list[tuple[str, str | bytes | None]] = [("a", b"1"), ("a", b"")]
    for key, value, headers in ((None, b"v", None), (b"k", None, pairs), (b"", b"", None)):
        producer.produce("records_at.forms", value, key, headers=headers)
    assert producer.flush(20) == 0

    assert list(records.read(("records_at.forms", 0), [0, 1, 2])) == [
        Found(0, None, b"v", []),
        Found(1, b"k", None, [("a", b"1"), ("a", b"")]),
        Found(2, b"", b"", []),
    ]


def test_offsets_without_a_record_are_left_out(services: EmbeddedServices, records: RecordsAt) -> None:
    """The mark of a transaction has an offset and no record; the records around it come."""
    name = "records_at.marks"
    _, _ = topic(services, name)
    producer = Producer({"bootstrap.servers": services.addresses.kafka, "transactional.id": name, "log_level": 0})
    producer.init_transactions(20)
    for number in (0, 2):
        producer.begin_transaction()
        producer.produce(name, b"%d" % number, b"k%d" % number)
        producer.commit_transaction(20)

    assert offsets(list(records.read((name, 0), [0, 1, 2]))) == [0, 2]
    assert offsets(list(records.read((name, 0), [1, 3]))) == []


def test_an_offset_outside_the_log_is_told(records: RecordsAt, filled: str) -> None:
    """Asking for what the log never had, or has no more, ends with the topic's name, and does not wait for ever."""
    with pytest.raises(RecordsUnreadable, match=r"records_at\.filled"):
        list(records.read((filled, 0), [RECORDS + 100]))
    assert offsets(list(records.read((filled, 0), [RECORDS]))) == []
