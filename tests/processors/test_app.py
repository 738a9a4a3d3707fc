"""The watch over a worker: how it leaves."""

import asyncio
import contextlib
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


def test_a_worker_that_is_told_to_stop_while_it_leaves_does_not_begin_anew() -> None:
    """A signal that comes just then is not lost: a program made anew would know nothing of it."""
    done: list[str] = []

    async def play() -> None:
        async def stop() -> None:
            done.append("stopped")
            await asyncio.get_running_loop().create_future()  # the process ends here

        async def leave() -> None:
            watch._stopping = asyncio.get_running_loop().create_task(stop())
            await asyncio.sleep(0)

        batcher = SimpleNamespace(stop=lambda: done.append("no further batch"))
        watch: Any = SimpleNamespace(_batcher=batcher, _leave_group=leave, _stopping=None, _start_over=lambda: done.append("anew"))
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(app._Watch._begin_anew(watch), 0.2)

    asyncio.run(play())

    assert done == ["no further batch", "stopped"]
