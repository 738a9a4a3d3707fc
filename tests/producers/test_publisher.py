"""The publisher against librdkafka's own mock of a cluster: order, keys, topics that are missing, and what is forgotten when."""

import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka import Consumer, Producer, TopicPartition

from producers.checkpoint import StateFile, status
from producers.faults import DiskRefuses
from producers.ledger import receipt_of
from producers.publisher import Publisher, _InFlight
from producers.rereading import Rereader, prove, watermarks
from producers.spool import Spool
from schemas.addresses import Address
from schemas.topics import household_topic
from tests.schemas.test_proofs import value

REGIONS = ("31.71", "31.74")


@pytest.fixture(scope="module")
def brokers() -> Iterator[str]:
    """The address of a mock cluster; it lives as long as its producer."""
    owner = Producer({"bootstrap.servers": "none", "test.mock.num.brokers": 1})
    yield ",".join(f"{broker.host}:{broker.port}" for broker in owner.list_topics(timeout=10).brokers.values())
    del owner


@pytest.fixture
def state(tmp_path: Path) -> Iterator[StateFile]:
    """An adapter's file."""
    with StateFile(tmp_path / "s.sqlite", "carik") as made:
        yield made


def make(brokers: str, *regions: str) -> None:
    """Make regencies' topics: the mock makes what is produced to."""
    producer = Producer({"bootstrap.servers": brokers})
    for region in regions:
        producer.produce(household_topic(region), b"first")
    assert producer.flush(10) == 0


def sent(brokers: str, region: str) -> list[tuple[bytes | None, bytes | None]]:
    """Return key and value of what lies in a regency's topic, by partition and in order, without the one that made it."""
    consumer = Consumer({"bootstrap.servers": brokers, "group.id": "test"})
    found = []
    topic = household_topic(region)
    for partition in consumer.list_topics(topic, timeout=10).topics[topic].partitions:
        _, end = watermarks(consumer, TopicPartition(topic, partition))
        consumer.assign([TopicPartition(topic, partition, 0)])
        for _ in range(end):
            message = consumer.poll(10)
            assert message is not None
            if message.value() != b"first":
                found.append((message.key(), message.value()))
    consumer.close()
    return found


def spool(state: StateFile, *events: tuple[str, bytes, bytes]) -> None:
    """Put events into the spool."""
    with state.transaction():
        Spool(state).append(events)


def step_until(publisher: Publisher, done: Callable[[], bool]) -> None:
    """Let a publisher work until something is so."""
    deadline = time.monotonic() + 20
    while not done():
        assert time.monotonic() < deadline
        publisher.step()
        time.sleep(0.01)


def test_events_are_delivered_in_order_and_forgotten(brokers: str, state: StateFile) -> None:
    """Every event arrives under its household's key, one household's in order, and leaves the spool."""
    regions = ("11.01", "11.02")
    make(brokers, *regions)
    events = [(regions[number % 2], bytes([number % 3]) * 16, b"%d" % number) for number in range(3000)]
    spool(state, *events)
    publisher = Publisher(brokers, regions, state, threading.Event())
    step_until(publisher, lambda: Spool(state).size() == (0, 0))
    publisher.stop(1)

    for region in regions:
        there = sent(brokers, region)
        for household in {event[1] for event in events}:
            assert [value for key, value in there if key == household] == [
                value for one, key, value in events if (one, key) == (region, household)
            ]
    found = status(state.path)
    assert found is not None
    assert (found.delivered, found.sending) == (3000, "stopped")


def test_what_is_delivered_is_noted_where_it_lies(brokers: str, state: StateFile) -> None:
    """The ledger's chains, one of each partition, are proved by the topic; what was delivered to it by others is not in them."""
    make(brokers, "19.01")
    events = [("19.01", b"%016d" % number, value("carik", number)) for number in range(300)]
    spool(state, *events)
    publisher = Publisher(brokers, ["19.01"], state, threading.Event())
    publisher.run(threading.Event(), lambda: True)
    publisher.stop(1)
    receipt = receipt_of(state.path)
    assert receipt is not None
    with Rereader(brokers) as reader:
        found = prove(reader, receipt)

    assert sum(one.events for one in receipt.chains) == sum(one.events for one in found.values()) == 300
    assert len(receipt.chains) == len(found) > 1
    assert all(one.holds and not one.again and not one.unknown for one in found.values())
    assert sum(one.others.total() for one in found.values()) <= 1


def test_what_was_sent_again_is_known(brokers: str, state: StateFile, monkeypatch: pytest.MonkeyPatch) -> None:
    """Events whose delivery could not be written down, because the disk was full, are sent again, and the receipt tells them."""
    make(brokers, "20.01")
    spool(state, *[("20.01", b"%016d" % number, value("carik", number)) for number in range(40)])
    delivered, fails = Spool.delivered, [True] * 3

    def refusing(self: Spool, *told: Any) -> None:
        if fails:
            fails.pop()
            raise DiskRefuses(file="s.sqlite", why="SQLITE_FULL")
        delivered(self, *told)

    monkeypatch.setattr(Spool, "delivered", refusing)
    publisher = Publisher(brokers, ["20.01"], state, threading.Event())
    monkeypatch.setattr(threading.Event, "wait", lambda *_: False)
    publisher.run(threading.Event(), lambda: True)
    publisher.stop(1)
    receipt = receipt_of(state.path)
    assert receipt is not None
    with Rereader(brokers) as reader:
        found = prove(reader, receipt)

    assert sum(one.events for one in found.values()) == 40
    assert sum(one.again for one in found.values()) >= 40
    assert all(one.holds and not one.unknown for one in found.values())


def test_a_missing_topic_holds_up_only_its_own_regency(brokers: str, state: StateFile) -> None:
    """Events of a regency without a topic wait and the state says what to do; the others go on; once it is made they follow."""
    regions = ("12.01", "12.02")
    make(brokers, regions[1])
    spool(state, (regions[0], b"a", b"1"), (regions[1], b"b", b"2"))
    publisher = Publisher(brokers, regions, state, threading.Event())
    step_until(publisher, lambda: Spool(state).size()[0] == 1)
    found = status(state.path)
    assert found is not None
    why = "muara.12.01.household.v1 not there, or not for us to see: run muara sources load"
    assert found.sending == f"waiting for topic: {why}; the others go on"

    make(brokers, regions[0])
    step_until(publisher, lambda: Spool(state).size()[0] == 0)
    publisher.stop(1)
    assert sent(brokers, regions[0]) == [(b"a", b"1")]


def test_a_topic_that_does_not_answer_holds_up_only_its_own_regency(
    brokers: str, state: StateFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However many events of one regency wait for their report (its partition has no leader), the others go on."""
    regions = ("18.01", "18.02")
    make(brokers, *regions)
    report = _InFlight.report
    monkeypatch.setattr(_InFlight, "report", lambda self, *told: report(self, *told) if self.lane.region == regions[1] else None)
    spool(state, *[(regions[0], b"a", b"%d" % number) for number in range(25_000)])
    publisher = Publisher(brokers, regions, state, threading.Event())
    silent = publisher._lanes[0]
    step_until(publisher, lambda: silent.there and not publisher._hand_over(silent))
    spool(state, (regions[1], b"b", b"2"))
    step_until(publisher, lambda: not Spool(state).after(regions[1], 0, 1))

    publisher.stop(0)
    assert sent(brokers, regions[1]) == [(b"b", b"2")]


def test_a_broker_that_is_not_there_is_told(state: StateFile) -> None:
    """Without a broker everything waits, visibly, and stopping does not take long."""
    spool(state, ("31.74", b"a", b"1"))
    publisher = Publisher("127.0.0.1:1", REGIONS, state, threading.Event())
    publisher.step()
    begun = time.monotonic()
    publisher.stop(1)
    found = status(state.path)

    assert time.monotonic() - begun < 3
    assert found is not None
    assert (found.spooled, found.sending) == (1, "stopped")


def test_waiting_for_a_broker_is_a_state(state: StateFile) -> None:
    """While no broker answers, the status says so and which one."""
    publisher = Publisher("127.0.0.1:1", REGIONS, state, threading.Event())
    publisher.step()
    found = status(state.path)
    publisher.stop(0.1)

    assert found is not None
    assert found.state == "waiting for broker: 127.0.0.1:1 does not answer; changes wait in the spool"


def test_what_was_not_reported_is_sent_again(brokers: str, state: StateFile) -> None:
    """A publisher that ends before the report leaves the event in the spool, and the next one sends it."""
    make(brokers, "13.01")
    spool(state, ("13.01", b"a", b"1"))
    killed = Publisher(brokers, ["13.01"], state, threading.Event())
    killed._know_topics()
    assert killed._hand_over(killed._lanes[0]) == 1
    assert Spool(state).size()[0] == 1

    second = Publisher(brokers, ["13.01"], state, threading.Event())
    step_until(second, lambda: Spool(state).size()[0] == 0)
    second.stop(1)
    assert set(sent(brokers, "13.01")) == {(b"a", b"1")}


def test_an_event_that_is_refused_is_kept_and_tried_again(brokers: str, state: StateFile) -> None:
    """What the client refuses (here: too large for its setting) stays in the spool, first in order, whatever follows."""
    make(brokers, "14.01")
    spool(state, ("14.01", b"a", b"1" * 3000), ("14.01", b"a", b"2"))
    publisher = Publisher(Address(brokers, {"message.max.bytes": "1000"}), ["14.01"], state, threading.Event())
    for _ in range(20):
        publisher.step()
    found = status(state.path)
    publisher.stop(1)
    assert Spool(state).size()[0] == 2
    assert found is not None
    assert found.state == "waiting for topic: muara.14.01.household.v1 refuses (MSG_SIZE_TOO_LARGE); the others go on"

    wider = Publisher(brokers, ["14.01"], state, threading.Event())
    step_until(wider, lambda: Spool(state).size()[0] == 0)
    wider.stop(1)
    assert sent(brokers, "14.01") == [(b"a", b"1" * 3000), (b"a", b"2")]


def test_it_ends_when_told_or_finished(brokers: str, state: StateFile) -> None:
    """Sending once ends by itself when nothing waits and the reader is done."""
    make(brokers, "15.01")
    spool(state, ("15.01", b"a", b"1"))
    publisher = Publisher(brokers, ["15.01"], state, threading.Event())
    publisher.run(threading.Event(), finished=lambda: Spool(state).size()[0] == 0)
    publisher.stop(1)

    assert sent(brokers, "15.01") == [(b"a", b"1")]


def test_it_is_not_finished_while_events_wait_for_their_topic(brokers: str, state: StateFile) -> None:
    """Sending once waits for a topic that is not there yet, though nothing is under way and the reader is done."""
    spool(state, ("16.01", b"a", b"1"))
    publisher = Publisher(brokers, ["16.01"], state, threading.Event())
    thread = threading.Thread(target=publisher.run, args=(threading.Event(), lambda: True))
    thread.start()
    thread.join(1)
    assert thread.is_alive()

    make(brokers, "16.01")
    thread.join(10)
    publisher.stop(1)
    assert sent(brokers, "16.01") == [(b"a", b"1")]


def test_what_is_spooled_while_it_asks_whether_all_is_done_is_sent(brokers: str, state: StateFile) -> None:
    """The reader's last events, spooled just before it ends, are sent as well."""
    make(brokers, "17.01")
    publisher = Publisher(brokers, ["17.01"], state, threading.Event())
    step_until(publisher, lambda: publisher._lanes[0].there)
    last = [("17.01", b"a", b"1")]

    def finished() -> bool:
        if last:
            spool(state, last.pop())
        return True

    publisher.run(threading.Event(), finished)
    publisher.stop(1)
    assert sent(brokers, "17.01") == [(b"a", b"1")]
