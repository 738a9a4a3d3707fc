"""
Somebody who is told by webhook, for tests: takes what is signed rightly, and has bad days on purpose.

Why: a pusher is judged by what arrives while its listener is busy, away, killed or answers without being heard.
Must not: share code with the product's receiver.
"""

import hashlib
import hmac
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

__all__ = ["Receiver"]


@dataclass(slots=True)
class Receiver:
    """What was taken: records in the order in which they came, the ids of deliveries, and the status of every answer."""

    secret: bytes
    busy_every: int = 0
    """Every so many requests are answered 429 or 503 in turn."""
    dropped_every: int = 0
    """Every so many requests are taken, and the connection is cut before an answer."""
    largest: int = 10_000_000
    records: list[dict[str, Any]] = field(default_factory=list)
    deliveries: list[str] = field(default_factory=list)
    statuses: list[int] = field(default_factory=list)
    _asked: int = 0

    @asynccontextmanager
    async def listening(self, port: int = 0) -> AsyncIterator[int]:
        """Listen on a loopback port until the end of the block; give the port."""
        app = web.Application(client_max_size=2**26)
        app.router.add_post("/{source}", self.taken)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await runner.setup()
        try:
            await web.TCPSite(runner, "127.0.0.1", port, reuse_address=True).start()
            yield runner.addresses[0][1]
        finally:
            await runner.cleanup()

    async def taken(self, request: web.Request) -> web.Response:
        """Take one delivery."""
        body = await request.read()
        status = self._status(request, body)
        self.statuses.append(status)
        if status != 202:
            return web.Response(status=status, headers={"Retry-After": "0"})
        told = json.loads(body)
        self.records += told.get("notifikasi", [told])
        self.deliveries.append(request.headers["X-Delivery"])
        if self.dropped_every and self._asked % self.dropped_every == 0 and request.transport is not None:
            request.transport.close()
        return web.Response(status=202)

    def _status(self, request: web.Request, body: bytes) -> int:
        self._asked += 1
        at = request.headers["X-Timestamp"]
        wanted = hmac.new(self.secret, f"{at}.".encode() + body, hashlib.sha256).hexdigest()
        if request.headers["X-Signature"] != f"sha256={wanted}":
            return 401
        if self.busy_every and self._asked % self.busy_every == 0:
            return 429 if self._asked // self.busy_every % 2 else 503
        return 413 if len(body) > self.largest else 202
