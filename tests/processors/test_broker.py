"""The broker tells of each partition what it can: one that nobody leads hides no other."""

from collections.abc import Mapping
from concurrent.futures import Future
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest
from confluent_kafka import KafkaError, KafkaException, TopicCollection, TopicPartition

from processors.broker import Broker, BrokerAway, Log

NAMES = ("muara.99.01.household.v1", "muara.99.02.household.v1", "muara.99.03.household.v1")
LED, LEADERLESS, FAILING = ((name, 0) for name in NAMES)


class Admin:
    """A cluster of three topics: one is led, one has no leader, and one has lost it just now."""

    def __init__(self, failing: set[str], arrived_ms: int) -> None:
        """Refuse offsets of some topics; tell one time of arrival for the others' records, -1 for none."""
        self.failing, self.arrived_ms = failing, arrived_ms

    def poll(self, _: float) -> int:
        """Have nothing to tell besides."""
        return 0

    def describe_topics(self, topics: TopicCollection, **_: Any) -> Mapping[str, Future[Any]]:
        """Describe those that exist."""
        return {name: _described(name) for name in topics.topic_names}

    def list_offsets(self, asked: Mapping[TopicPartition, Any], **_: Any) -> Mapping[TopicPartition, Future[Any]]:
        """Tell the offset 7; asking for a partition without a leader is refused for all of them, after a long time."""
        assert (LEADERLESS[0], 0) not in {(one.topic, one.partition) for one in asked}
        return {
            one: _answer(_refusal() if one.topic in self.failing else SimpleNamespace(offset=7, timestamp=self.arrived_ms)) for one in asked
        }


def _refusal() -> KafkaException:
    return KafkaException(KafkaError(KafkaError.NOT_LEADER_FOR_PARTITION))


def _answer(what: Any) -> Future[Any]:
    answer: Future[Any] = Future()
    if isinstance(what, Exception):
        answer.set_exception(what)
    else:
        answer.set_result(what)
    return answer


def _described(name: str) -> Future[Any]:
    if name not in NAMES:
        return _answer(KafkaException(KafkaError(KafkaError.UNKNOWN_TOPIC_OR_PART)))
    leader = None if name == LEADERLESS[0] else SimpleNamespace(id=1)
    return _answer(SimpleNamespace(topic_id=f"id of {name}", partitions=[SimpleNamespace(id=0, leader=leader)]))


def broker(failing: set[str], arrived_ms: int = 0) -> Broker:
    """Return a way to that cluster."""
    made: Any = Broker("127.0.0.1:9")
    made._admin = Admin(failing, arrived_ms)
    return made  # type: ignore[no-any-return]


def test_a_partition_without_a_leader_hides_no_other() -> None:
    """It is left out, as is one whose leader refuses, or whose topic is gone; the others are told whole."""
    asked = [LED, LEADERLESS, FAILING, ("gone", 0)]

    assert broker({FAILING[0]}).logs(asked) == {LED: Log(f"id of {LED[0]}", 7, 7)}
    assert broker({FAILING[0]}).ends(asked) == {LED: 7}
    assert broker(set()).topic_ids([LEADERLESS[0], "gone"]) == {LEADERLESS[0]: f"id of {LEADERLESS[0]}"}


def test_a_broker_of_which_nothing_is_heard_is_away() -> None:
    """Where every partition is refused there is nothing to go on with."""
    with pytest.raises(BrokerAway, match="NOT_LEADER_FOR_PARTITION"):
        broker({LED[0], FAILING[0]}).ends([LED, FAILING])


def test_the_newest_record_has_its_time_of_arrival() -> None:
    """A partition that holds none has none, which is not 1970."""
    assert broker(set(), 1_700_000_000_250).newest([LED, LEADERLESS]) == {LED: datetime(2023, 11, 14, 22, 13, 20, 250_000, tzinfo=UTC)}
    assert broker(set(), -1).newest([LED]) == {}
