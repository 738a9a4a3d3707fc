"""Records put aside in the log: each cause is told, and a whole city put aside fills no disk."""

import logging
from datetime import UTC, datetime, timedelta

import pytest

from producers.aside_log import AsideTold
from producers.quarantine import PutAside

NOW = datetime(2024, 4, 1, tzinfo=UTC)


def _aside(cause: str) -> PutAside:
    return PutAside(b"m", "feed", "members.sex", cause, "9")


def _told(records: list[logging.LogRecord]) -> list[tuple[str, int | None]]:
    return [(getattr(one, "cause"), getattr(one, "records", None)) for one in records]  # noqa: B009 - facts of a log line


def test_causes_are_told_and_then_counted(caplog: pytest.LogCaptureFixture) -> None:
    """Ten lines of a cause, then one line every half minute with how many more; another cause is told at once."""
    tell = AsideTold()
    tell([_aside("a")] * 10, NOW)
    assert _told(caplog.records) == [("a", None)] * 10
    caplog.clear()
    for second in range(65):
        tell([_aside("a")] * 1000 + [_aside("b")] * (second == 40), NOW + timedelta(seconds=second))
    tell([], NOW + timedelta(seconds=95))

    assert _told(caplog.records) == [("a", 1000), ("a", 30_000), ("b", None), ("a", 30_000), ("a", 4_000)]


def test_causes_without_end_are_bounded(caplog: pytest.LogCaptureFixture) -> None:
    """Causes that each tell another number count as one beyond some."""
    tell = AsideTold()
    tell([_aside(str(number)) for number in range(5_000)], NOW)

    assert len(caplog.records) == 1_011
    assert _told(caplog.records)[-1] == ("other causes", 3_990)
