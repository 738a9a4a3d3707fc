"""The watch over a worker: how it leaves."""

import asyncio
import logging
from types import SimpleNamespace
from typing import Any

import pytest

from processors import app, transport


def test_a_group_that_cannot_be_left_is_told(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    """The process ends all the same, but why its partitions stay behind for a session's time is in the log."""

    async def fail(_: object) -> None:
        raise ConnectionResetError

    monkeypatch.setattr(transport, "leave_group", fail)
    watch: Any = SimpleNamespace(_app=SimpleNamespace(consumer=None))
    with caplog.at_level(logging.WARNING):
        asyncio.run(app._Watch._leave_group(watch))

    assert caplog.messages == ["the group was not left: ConnectionResetError"]
