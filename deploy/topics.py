"""
The topics of regencies, made as they must be.

Why: one partition (measured to be enough), kept for ever, stamped by the broker: a replay must judge a date as the first reading did.
Must not: change a topic that exists.
"""

from collections.abc import Collection
from contextlib import closing

from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient, NewTopic  # type: ignore[attr-defined]  # exported, but not by name

from schemas.errors import Fatal
from schemas.registry import Registry
from schemas.topics import INDICATOR_TOPIC, household_topic, rejected_topic

__all__ = ["make_topics"]

_HOUSEHOLD = {"cleanup.policy": "delete", "retention.ms": "-1", "retention.bytes": "-1", "message.timestamp.type": "LogAppendTime"}
_COMPACTED = {"cleanup.policy": "compact"}


class TopicsNotMade(Fatal):
    """Kafka at {address} does not make topic {topic} ({why}): check the address and the right to create topics"""


def make_topics(kafka: str, registry: str, regencies: Collection[str], replicas: int = 1) -> list[str]:
    """Make what is missing of the regencies' topics and the indicator topic, register their schemas, and return the topics made."""
    wanted = {INDICATOR_TOPIC: _COMPACTED}
    for regency in regencies:
        wanted[household_topic(regency)] = _HOUSEHOLD
        wanted[rejected_topic(regency)] = _HOUSEHOLD
    admin = AdminClient({"bootstrap.servers": kafka})
    try:
        missing = sorted(set(wanted) - set(admin.list_topics(timeout=10).topics))
    except KafkaException as error:
        raise TopicsNotMade(address=kafka, topic=INDICATOR_TOPIC, why=error.args[0].name()) from error
    if missing:
        asked = admin.create_topics([NewTopic(name, 1, replicas, config=dict(wanted[name])) for name in missing], operation_timeout=30)
        for name, answer in asked.items():
            _settled(kafka, name, answer)
    with closing(Registry(registry)) as schemas:
        schemas.register(INDICATOR_TOPIC, "IndicatorPublished")
        for regency in regencies:
            schemas.register(household_topic(regency), "HouseholdChanged")
            schemas.register(rejected_topic(regency), "EventRejected")
    return missing


def _settled(kafka: str, name: str, answer: object) -> None:
    try:
        answer.result()  # type: ignore[attr-defined]  # a future of the untyped client
    except KafkaException as error:
        if error.args[0].name() != "TOPIC_ALREADY_EXISTS":
            raise TopicsNotMade(address=kafka, topic=name, why=error.args[0].name()) from error
