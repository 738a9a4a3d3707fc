"""
The demo's hand on the simulated world: let life go on, have everything told, ask how it stands and what is true.

Why: the demo decides when changes happen, and compares figures with the truth in the end; an adapter never comes here.
Must not: be reachable from anywhere but this machine, or let two hands move the world at once.
"""

import asyncio
import contextlib
import json
from collections.abc import Iterable, Mapping
from itertools import islice
from typing import Any, Protocol

from aiohttp import web

from deploy.demo.simulation import World

__all__ = ["Control", "Teller"]

_AT_ONCE = 250
"""Changes between two looks at other requests: some 20 ms, so that Carik goes on answering."""
_LINES = 2_000
_LIVE_TICK_S = 0.1
_GREATEST_RATE = 20_000.0


class Teller(Protocol):
    """Something beside the world that tells by itself what a system says: into a database, or to a listener."""

    @property
    def waiting(self) -> int:
        """How much the system has said that is not written or taken yet."""

    async def run(self) -> None:
        """Tell, for ever."""


class Row(Protocol):
    """Something that is told line by line."""

    def as_record(self) -> dict[str, Any]:
        """Return it as JSON says it."""


class Control:
    """The routes under `/control`, over one world."""

    def __init__(self, world: World, tellers: Mapping[str, Teller]) -> None:
        """Drive a world, and know who tells of it by itself; nothing moves yet."""
        self._world, self._tellers = world, tellers
        self._moving = asyncio.Lock()
        self._rate = 0.0
        self._live: asyncio.Task[None] | None = None

    def add_to(self, app: web.Application) -> None:
        """Add the routes to an application, and end live mode with it."""
        app.router.add_get("/control/state", self.state)
        app.router.add_get("/control/truth", self.truth)
        app.router.add_get("/control/said", self.said)
        app.router.add_post("/control/advance", self.advance)
        app.router.add_post("/control/flush", self.flush)
        app.router.add_post("/control/live", self.live)
        app.on_cleanup.append(self._end)

    async def state(self, _: web.Request) -> web.Response:
        """Answer counts, the simulated day, the newest cursor, what waits by teller, and the rate of live mode in changes per second."""
        return self._standing()

    async def advance(self, request: web.Request) -> web.Response:
        """Let `changes` more changes happen, report them, and answer the state; 400 where that is no whole number."""
        try:
            left = int(request.query.get("changes", ""))
        except ValueError:
            left = -1
        if left < 0:
            return web.json_response({"error": "changes is a whole number from 0 on"}, status=400)
        async with self._moving:
            await self._advance(left)
        return self._standing()

    async def flush(self, _: web.Request) -> web.Response:
        """Report everything that is held back, and answer the state."""
        async with self._moving:
            self._world.flush()
        return self._standing()

    async def live(self, request: web.Request) -> web.Response:
        """Go on by itself at `rate` changes per second, 0 to stop; answer the state, or 400 for a rate that cannot be."""
        try:
            rate = float(request.query.get("rate", ""))
        except ValueError:
            rate = -1.0
        if not 0 <= rate <= _GREATEST_RATE:
            return web.json_response({"error": f"rate is changes per second, from 0 to {_GREATEST_RATE:.0f}"}, status=400)
        self._rate = rate
        if self._live is None or self._live.done():
            self._live = asyncio.create_task(self._go_on())
        return self._standing()

    async def truth(self, request: web.Request) -> web.StreamResponse:
        """Stream what is true as one JSON object a line (truth.py: TruthRow): the state of one moment, even in live mode."""
        return await self._told(request, self._world.truth())

    async def said(self, request: web.Request) -> web.StreamResponse:
        """Stream what the systems have said and stand by as one JSON object a line (said.py: SaidRow), likewise."""
        return await self._told(request, self._world.said())

    async def _told(self, request: web.Request, rows: Iterable[Row]) -> web.StreamResponse:
        """Stream rows; the world stands still meanwhile."""
        answer = web.StreamResponse(headers={"Content-Type": "application/x-ndjson"})
        await answer.prepare(request)
        async with self._moving:
            told = iter(rows)
            while some := list(islice(told, _LINES)):
                await answer.write("".join(f"{json.dumps(row.as_record())}\n" for row in some).encode())
        await answer.write_eof()
        return answer

    async def _advance(self, left: int) -> None:
        while left > 0:
            self._world.advance(min(left, _AT_ONCE))
            left -= _AT_ONCE
            await asyncio.sleep(0)

    async def _go_on(self) -> None:
        """Let changes happen at the rate asked for, until it is 0."""
        loop = asyncio.get_running_loop()
        owed, before = 0.0, loop.time()
        while self._rate > 0:
            await asyncio.sleep(_LIVE_TICK_S)
            now = loop.time()
            owed += (now - before) * self._rate
            before = now
            async with self._moving:
                await self._advance(int(owed))
            owed -= int(owed)

    async def _end(self, _: web.Application) -> None:
        if self._live is not None:
            self._live.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._live

    def _standing(self) -> web.Response:
        waiting = {name: teller.waiting for name, teller in self._tellers.items()}
        record: dict[str, Any] = {**self._world.standing().as_record(), "waiting": waiting, "live_rate_per_s": self._rate}
        return web.json_response(record)
