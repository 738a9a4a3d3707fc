"""Tests of the pusher: whatever its listener goes through, all that was said arrives, at least once."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from pathlib import Path
from random import Random

import pytest

from deploy.demo.pusher import Pusher
from deploy.demo.simulation import World
from tests.deploy.demo.receiver import Receiver
from tests.deploy.demo.replay import desa_statements
from tests.deploy.demo.test_simulation import delivered, differences, said_by

SECRET = b"invented-secret"
PATIENCE_S = 40


def told(inbox: Path, receiver: Receiver, play: Callable[[World, Pusher, int], Awaitable[None]]) -> World:
    """Play with a small world whose notices are pushed to a port where the receiver listens when `play` lets it; return the world."""
    made = World(inbox, seed=9, households=60, elsewhere=150, pace=1_200)

    async def whole() -> None:
        async with receiver.listening() as port:
            pass
        chance = Random(1)  # noqa: S311 - repeatable
        pusher = Pusher(made.desa.out, made.people, f"http://127.0.0.1:{port}/desa", SECRET, chance, lambda: 1_709_251_200.5)
        running = asyncio.create_task(pusher.run())
        await play(made, pusher, port)
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)

    asyncio.run(whole())
    return made


async def quiet(pusher: Pusher) -> None:
    """Wait until everything was taken."""
    async with asyncio.timeout(PATIENCE_S):
        while pusher.waiting:  # noqa: ASYNC110 - it knows nobody who waits
            await asyncio.sleep(0.01)


def test_what_arrives_amounts_to_the_truth(tmp_path: Path) -> None:
    """The listener is busy, takes without being heard, and goes away twice; what it took is, by the law, what is true."""
    receiver = Receiver(SECRET, busy_every=5, dropped_every=23)

    async def play(made: World, pusher: Pusher, port: int) -> None:
        await asyncio.sleep(0.2)
        assert pusher.waiting >= 150
        for _ in range(2):
            async with receiver.listening(port):
                made.advance(700)
                await asyncio.sleep(0.3)
            made.advance(200)
            await asyncio.sleep(0.1)
        made.flush()
        async with receiver.listening(port):
            await quiet(pusher)

    made = told(tmp_path, receiver, play)
    said = said_by(made, delivered(tmp_path))
    for card, statements in desa_statements(receiver.records).items():
        said.setdefault(card, []).extend(statements)

    assert differences(said, made) == []
    numbers = [record["id"] for record in receiver.records]
    assert len(set(numbers)) == len(made.desa)
    assert set(receiver.statuses) == {202, 429, 503}


def test_notices_come_twice_and_out_of_order(tmp_path: Path) -> None:
    """Some deliveries are sent again under their id, some notices told again under another, and neighbours change places."""
    receiver = Receiver(SECRET)

    async def play(made: World, pusher: Pusher, port: int) -> None:
        async with receiver.listening(port):
            for _ in range(60):
                made.advance(30)
                await asyncio.sleep(0.02)
            made.flush()
            await quiet(pusher)

    told(tmp_path, receiver, play)
    notices, ids = Counter(record["id"] for record in receiver.records), Counter(receiver.deliveries)
    order = [record["waktu"] for record in receiver.records]

    assert max(ids.values()) > 1
    assert sum(notices.values()) - len(notices) > sum(ids.values()) - len(ids)
    assert order != sorted(order)
    assert len(ids) > 100


@pytest.mark.parametrize("largest", [3_000, 60_000])
def test_what_is_too_large_comes_in_parts(tmp_path: Path, largest: int) -> None:
    """A delivery that is refused for its size is cut in two until it is taken."""
    receiver = Receiver(SECRET, largest=largest)

    async def play(made: World, pusher: Pusher, port: int) -> None:
        async with receiver.listening(port):
            await quiet(pusher)
        assert len({record["id"] for record in receiver.records}) == len(made.desa) == 150

    told(tmp_path, receiver, play)

    assert 413 in receiver.statuses


def test_a_wrong_secret_is_never_taken_as_taken(tmp_path: Path) -> None:
    """Refused notices wait; once the secret is right again they arrive."""
    receiver = Receiver(b"another")

    async def play(made: World, pusher: Pusher, port: int) -> None:
        async with receiver.listening(port):
            await asyncio.sleep(0.5)
            assert pusher.waiting == len(made.desa)
            receiver.secret = SECRET
            await quiet(pusher)
        assert len({record["id"] for record in receiver.records}) == len(made.desa)

    told(tmp_path, receiver, play)

    assert {202, 401} <= set(receiver.statuses)
