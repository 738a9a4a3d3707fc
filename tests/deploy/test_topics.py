"""The topics of regencies on a real broker and registry: made once, as they must be, and what is otherwise is told."""

from contextlib import closing

import pytest
from confluent_kafka.admin import (  # type: ignore[attr-defined]  # exported, but not by name
    AdminClient,
    AlterConfigOpType,
    ConfigEntry,
    ConfigResource,
    ResourceType,
)

from deploy.embedded import EmbeddedServices
from deploy.topics import TopicsNotMade, TopicsUnfit, make_topics
from schemas.registry import Registry
from schemas.topics import INDICATOR_TOPIC, household_topic, rejected_topic, subject_of


def alter(kafka: str, topic: str, **values: str) -> None:
    """Change the configuration of a topic; underscores stand for dots."""
    entries = [ConfigEntry(name.replace("_", "."), value, incremental_operation=AlterConfigOpType.SET) for name, value in values.items()]
    admin = AdminClient({"bootstrap.servers": kafka})
    for answer in admin.incremental_alter_configs([ConfigResource(ResourceType.TOPIC, topic, incremental_configs=entries)]).values():
        answer.result(20)


def test_topics_are_made_once_with_their_schemas(services: EmbeddedServices) -> None:
    """The second time nothing is made; progress ends at all schemas, of events and of figures."""
    where, told = services.addresses, list[tuple[int, int]]()
    codes = ["87.01", "87.02"]

    made = make_topics(where.kafka, where.registry, codes, progress=lambda done, of: told.append((done, of)))

    wanted = {INDICATOR_TOPIC, *map(household_topic, codes), *map(rejected_topic, codes)}
    assert wanted - {INDICATOR_TOPIC} <= set(made) <= wanted
    assert told == [(1, 3), (2, 3), (3, 3)]
    with closing(Registry(where.registry)) as registry:
        assert {subject_of(topic) for topic in (INDICATOR_TOPIC, *map(household_topic, codes))} <= set(registry.subjects())
    assert make_topics(where.kafka, where.registry, codes) == []


def test_a_topic_that_loses_records_or_keeps_the_senders_clock_is_told(services: EmbeddedServices) -> None:
    """What another hand made is not changed; one line says what is wrong, when all else is done."""
    where, codes = services.addresses, ["87.11", "87.12", "87.13"]
    make_topics(where.kafka, where.registry, codes[:2])
    alter(where.kafka, household_topic(codes[0]), retention_ms="604800000", message_timestamp_type="CreateTime")

    with pytest.raises(TopicsUnfit) as one:
        make_topics(where.kafka, where.registry, codes)
    alter(where.kafka, rejected_topic(codes[1]), cleanup_policy="compact")
    with pytest.raises(TopicsUnfit, match=r"\(and 1 more topics likewise\)"):
        make_topics(where.kafka, where.registry, codes)

    assert str(one.value).startswith(
        f"{household_topic(codes[0])} has retention.ms=604800000 instead of -1, message.timestamp.type=CreateTime instead of LogAppendTime:"
    )
    assert make_topics(where.kafka, where.registry, codes[2:]) == []


def test_a_broker_that_does_not_answer_is_told(services: EmbeddedServices, monkeypatch: pytest.MonkeyPatch) -> None:
    """One line names the address and what to check."""
    monkeypatch.setattr("processors.publish.topics._ANSWER_S", 1.0)
    with pytest.raises(TopicsNotMade, match=r"Kafka at 127\.0\.0\.1:9 does not make topics"):
        make_topics("127.0.0.1:9", services.addresses.registry, ["87.21"])
