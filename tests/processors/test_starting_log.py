"""What the Kafka client says at a first start: a coordinator that loads is no error, one that never comes is."""

import logging

from aiokafka.consumer import group_coordinator

from processors.starting_log import CoordinatorLoads


def _line(text: str, second: float) -> logging.LogRecord:
    record = logging.LogRecord("aiokafka.consumer.group_coordinator", logging.ERROR, "x", 1, text, ("why",), None)
    record.created = 1_000.0 + second
    return record


def test_only_the_first_seconds_are_kept_back() -> None:
    """For a quarter of a minute nothing is shown, then every line is, then and later; other lines always are."""
    says = "Group Coordinator Request failed: %s"
    subject = CoordinatorLoads()

    assert [subject.filter(_line(says, second)) for second in (0, 0.1, 14.9, 15, 16, 500)] == [False] * 3 + [True] * 3
    assert CoordinatorLoads().filter(_line("Heartbeat failed: %s", 0))


def test_the_client_says_it_so() -> None:
    """The words and the logger are those of the client that we have."""
    with open(group_coordinator.__file__, encoding="utf-8") as source:  # noqa: PTH123
        assert 'log.error("Group Coordinator Request failed: %s"' in source.read()
    assert group_coordinator.log.name == "aiokafka.consumer.group_coordinator"
