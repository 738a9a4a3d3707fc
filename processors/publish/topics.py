"""
The topics that the product makes, as they must be, and what is wrong with those that are there.

Why: regencies' topics have one partition (measured to be enough), are kept for ever, and are stamped by the broker: a replay must find
every record and judge its date as the first reading did.
Must not: change a topic that exists.
"""

import time
from collections.abc import Collection, Mapping
from typing import Any

from confluent_kafka import KafkaError, KafkaException
from confluent_kafka.admin import (  # type: ignore[attr-defined]  # exported, but not by name
    AdminClient,
    ConfigResource,
    NewTopic,
    ResourceType,
)

from processors.broker import BrokerAway, Heard
from schemas.addresses import settings_of
from schemas.topics import INDICATOR_TOPIC

__all__ = ["make_missing", "unfit"]

_ANSWER_S = 30.0
_ASKED_S = 3.0
_COMPACTED = {"cleanup.policy": "compact"}
_KEPT = {"cleanup.policy": "delete", "retention.ms": "-1", "retention.bytes": "-1", "message.timestamp.type": "LogAppendTime"}


def _wanted(topic: str) -> Mapping[str, str]:
    return _COMPACTED if topic == INDICATOR_TOPIC else _KEPT


def make_missing(address: str, topics: Collection[str], replicas: int = -1) -> list[str]:
    """Make those of the topics that are missing and return their names; -1 replicas are as many as the broker says. Raises `BrokerAway`."""
    admin, heard = _admin(address)
    try:
        missing = sorted(set(topics) - _known(admin, heard))
        if missing:
            new = [NewTopic(name, 1, replicas, config=dict(_wanted(name))) for name in missing]
            for answer in admin.create_topics(new, operation_timeout=_ANSWER_S).values():
                _settled(answer)
    except KafkaException as error:
        raise BrokerAway(address=address, why=heard.why(error, admin)) from error
    return missing


def _known(admin: AdminClient, heard: Heard) -> set[str]:
    """Return the names of all topics; whoever is not let in hears so at once, and need not wait as for a broker that is away."""
    until = time.monotonic() + _ANSWER_S
    while True:
        try:
            return set(admin.list_topics(timeout=_ASKED_S).topics)
        except KafkaException:
            admin.poll(0)
            if heard.not_let_in or time.monotonic() > until:
                raise


def unfit(address: str, topics: Collection[str]) -> dict[str, str]:
    """Return what existing topics have otherwise than they must, in words, by topic; raises `BrokerAway`."""
    asked = [ConfigResource(ResourceType.TOPIC, topic) for topic in topics]
    if not asked:
        return {}
    wrong = {}
    admin, heard = _admin(address)  # held by name: its answers end with it
    try:
        for resource, answer in admin.describe_configs(asked, request_timeout=_ANSWER_S).items():
            held = {name: entry.value for name, entry in answer.result().items()}
            found = [
                f"{name}={held.get(name)} instead of {value}" for name, value in _wanted(resource.name).items() if held.get(name) != value
            ]
            if found:
                wrong[resource.name] = ", ".join(found)
    except KafkaException as error:
        raise BrokerAway(address=address, why=heard.why(error, admin)) from error
    return wrong


def _admin(address: str) -> tuple[AdminClient, Heard]:
    heard = Heard()
    quiet: dict[str, Any] = {"bootstrap.servers": str(address), **settings_of(address), "log_level": 0, "error_cb": heard}
    return AdminClient(quiet), heard


def _settled(answer: object) -> None:
    """Wait until a topic is made; another process may have made it first."""
    try:
        answer.result()  # type: ignore[attr-defined]  # a future of the untyped client
    except KafkaException as error:
        if error.args[0].code() != KafkaError.TOPIC_ALREADY_EXISTS:
            raise
