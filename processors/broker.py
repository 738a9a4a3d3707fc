"""
What is asked of the broker besides records: which topics there are, their ids, and how far their logs reach.

Why: a topic deleted and made anew, or a log that lost its beginning, would otherwise be skipped as `already read`.
Must not: consume or produce; block the event loop (call it from a thread).
"""

import logging
import time
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any

from confluent_kafka import KafkaError, KafkaException, TopicCollection, TopicPartition
from confluent_kafka.admin import AdminClient, ListOffsetsResultInfo, OffsetSpec, TopicDescription  # type: ignore[attr-defined]  # exported, but not by name

from schemas.addresses import settings_of
from schemas.errors import Retriable

__all__ = ["READING_ALL", "Broker", "BrokerAway", "Heard", "Log"]

Partition = tuple[str, int]
READING_ALL: Mapping[str, Any] = MappingProxyType(
    {
        "enable.auto.commit": False,
        "enable.auto.offset.store": False,
        "auto.offset.reset": "error",
        "isolation.level": "read_uncommitted",  # everything is seen, as workers see it
        "enable.partition.eof": True,
        "check.crcs": True,
    }
)
"""Settings of whoever reads records again beside the workers: every record as it lies there, nothing passed over, no offset committed."""
_ANSWER_S = 10.0
_EARLIEST, _LATEST, _NEWEST = OffsetSpec.earliest(), OffsetSpec.latest(), OffsetSpec.max_timestamp()  # type: ignore[no-untyped-call]
_NOT_LET_IN = (KafkaError._AUTHENTICATION, KafkaError._SSL)  # noqa: SLF001 - their names
_COORDINATOR_COMES = (
    KafkaError.COORDINATOR_LOAD_IN_PROGRESS,
    KafkaError.COORDINATOR_NOT_AVAILABLE,
    KafkaError.NOT_COORDINATOR,
    KafkaError._TIMED_OUT,  # noqa: SLF001
)
"""What is answered of groups just after a broker's start; of a cluster's very first group for seconds."""
_PAUSE_S = 0.2
_LIBRARY_LOG = logging.getLogger("librdkafka")
_LIBRARY_LOG.setLevel(logging.CRITICAL)  # its reconnects are this module's `BrokerAway`


class BrokerAway(Retriable):
    """Kafka at {address} does not answer ({why})"""


@dataclass(frozen=True, slots=True)
class Log:
    """One partition as the broker holds it: the topic's id, the first offset held, and the one after the last."""

    topic_id: str
    begin: int
    end: int


class Heard:
    """What the library tells besides: why it cannot connect, while whoever asks it is only told that nobody answers."""

    def __init__(self) -> None:
        """Have heard nothing."""
        self._refused = ""

    def __call__(self, error: KafkaError) -> None:
        """Hear an error of the library."""
        if error.code() in _NOT_LET_IN:
            self._refused = error.name()

    @property
    def not_let_in(self) -> bool:
        """Whether that was heard since the last time; waiting longer would not help."""
        return bool(self._refused)

    def why(self, error: KafkaException, client: AdminClient) -> str:
        """Return why something was not done: that we are not let in, where that was heard since the last time, else what was answered."""
        client.poll(0)  # lets the library tell what it has to tell
        refused, self._refused = self._refused, ""
        return refused or str(error.args[0].name())


class Broker:
    """An admin client of one cluster."""

    def __init__(self, address: str) -> None:
        """Know the cluster's address; librdkafka connects by itself."""
        self.address = address
        self._heard = Heard()
        told: dict[str, Any] = {"bootstrap.servers": str(address), **settings_of(address), "socket.timeout.ms": int(_ANSWER_S * 1000)}
        self._admin = AdminClient(told | {"error_cb": self._heard}, logger=_LIBRARY_LOG)

    def topics(self) -> frozenset[str]:
        """Return the names of all topics; raises `BrokerAway`."""
        try:
            return frozenset(self._admin.list_topics(timeout=_ANSWER_S).topics)
        except KafkaException as error:
            raise self._away(error) from error

    def topic_ids(self, topics: Collection[str]) -> dict[str, str]:
        """Return the id of each topic that exists; raises `BrokerAway`."""
        return {name: str(found.topic_id) for name, found in self._described(topics).items()}

    def logs(self, partitions: Collection[Partition]) -> dict[Partition, Log]:
        """
        Return how far each partition's log reaches; those that nobody leads now, or whose topic does not exist, are left out.

        Raises `BrokerAway`.
        """
        topics = self._described({topic for topic, _ in partitions})
        led = _led(partitions, topics)
        begins, ends = self._asked(led, _EARLIEST), self._asked(led, _LATEST)
        return {
            one: Log(str(topics[one[0]].topic_id), begins[one].offset, ends[one].offset) for one in led if one in begins and one in ends
        }

    def ends(self, partitions: Collection[Partition]) -> dict[Partition, int]:
        """Return the offset after the last record of each partition, with the exceptions of `logs`; raises `BrokerAway`."""
        led = _led(partitions, self._described({topic for topic, _ in partitions}))
        return {one: found.offset for one, found in self._asked(led, _LATEST).items()}

    def partitions(self, topics: Collection[str]) -> frozenset[Partition]:
        """Return the partitions of the topics that exist; raises `BrokerAway`."""
        return frozenset((name, one.id) for name, topic in self._described(topics).items() for one in topic.partitions)

    def readers(self, group: str) -> frozenset[Partition]:
        """Return the partitions that members of a consumer group have now; of a group that is not there none. Raises `BrokerAway`."""
        until = time.monotonic() + _ANSWER_S
        found = None
        while found is None:
            try:
                found = self._admin.describe_consumer_groups([group], request_timeout=_ANSWER_S)[group].result()
            except KafkaException as error:
                code = error.args[0].code()
                if code == KafkaError.GROUP_ID_NOT_FOUND:
                    return frozenset()
                if code not in _COORDINATOR_COMES or time.monotonic() > until:
                    raise self._away(error) from error
                time.sleep(_PAUSE_S)
        assigned = (at for one in found.members if one.assignment for at in one.assignment.topic_partitions)
        return frozenset((at.topic, at.partition) for at in assigned)

    def newest(self, partitions: Collection[Partition]) -> dict[Partition, datetime]:
        """Return when the newest record of each partition that holds any arrived, with the exceptions of `logs`; raises `BrokerAway`."""
        led = _led(partitions, self._described({topic for topic, _ in partitions}))
        arrivals = {one: found.timestamp for one, found in self._asked(led, _NEWEST).items()}
        return {one: datetime.fromtimestamp(moment / 1000, UTC) for one, moment in arrivals.items() if moment >= 0}

    def _away(self, error: KafkaException) -> BrokerAway:
        return BrokerAway(address=self.address, why=self._heard.why(error, self._admin))

    def _described(self, topics: Collection[str]) -> dict[str, TopicDescription]:
        if not topics:
            return {}
        found = {}
        for name, answer in self._admin.describe_topics(TopicCollection(list(topics)), request_timeout=_ANSWER_S).items():
            try:
                found[name] = answer.result()
            except KafkaException as error:
                if error.args[0].name() not in ("UNKNOWN_TOPIC_OR_PART", "_UNKNOWN_TOPIC"):
                    raise self._away(error) from error
        return found

    def _asked(self, partitions: Collection[Partition], which: OffsetSpec) -> dict[Partition, ListOffsetsResultInfo]:
        """
        Return an offset of each partition, with its record's time where that was asked for.

        Those that have an error of their own are left out; all have one while the broker is away, and that is raised.
        """
        if not partitions:
            return {}
        asked = {TopicPartition(topic, partition): which for topic, partition in partitions}
        found, refused = {}, None
        for at, answer in self._admin.list_offsets(asked, request_timeout=_ANSWER_S).items():
            try:
                found[at.topic, at.partition] = answer.result()
            except KafkaException as error:
                refused = error
        if refused is not None and not found:
            raise self._away(refused) from refused
        return found


def _led(partitions: Collection[Partition], topics: Mapping[str, TopicDescription]) -> list[Partition]:
    """Return the partitions that have a leader; asking for others would keep the answer for all back until the time is over."""
    led = {(name, one.id) for name, topic in topics.items() for one in topic.partitions if one.leader is not None and one.leader.id >= 0}
    return [one for one in partitions if one in led]
