"""Reference data in a worker of several lanes: read once, whoever asks first, and read again once when it has moved."""

import asyncio
from dataclasses import replace
from typing import Any
from unittest.mock import MagicMock

from processors.batcher import Batcher
from processors.reference import Reference
from processors.settings import WorkerSettings
from tests.worlds import REFERENCE


class Store:
    """A store that takes a moment for its reference data, each time of a new version."""

    def __init__(self) -> None:
        """Have been asked for nothing."""
        self.readings = 0

    async def reference(self) -> Reference:
        """Read it."""
        self.readings += 1
        await asyncio.sleep(0.01)
        return replace(REFERENCE, version=self.readings)


def batcher(store: Store) -> Batcher:
    """Return a batcher over that store alone."""
    given: Any = store
    return Batcher(WorkerSettings("a:1", "http://b", "postgresql://c"), given, MagicMock())


def test_lanes_that_begin_at_once_read_it_once() -> None:
    """Each has the same; a copy for each would be held by the process for ever."""
    store = Store()
    one = batcher(store)

    async def both() -> list[Reference]:
        return list(await asyncio.gather(one._known_reference(), one._known_reference()))

    first, second = asyncio.run(both())

    assert first is second
    assert store.readings == 1


def test_lanes_that_find_it_moved_read_it_again_once() -> None:
    """The lane that finds it later forgets nothing: what it had is not what is known by now."""
    store = Store()
    one = batcher(store)

    async def play() -> tuple[Reference, Reference]:
        old = await one._known_reference()
        one._forget_reference(old)
        new = await one._known_reference()
        one._forget_reference(old)
        return new, await one._known_reference()

    new, still = asyncio.run(play())

    assert new is still
    assert (new.version, store.readings) == (2, 2)
