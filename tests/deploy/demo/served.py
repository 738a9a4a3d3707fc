"""
The simulated systems really served on a free loopback port, for tests that speak their protocols.

Why: pages, tokens and bad days are facts of HTTP; only a real server and a real client show them.
Must not: reach beyond this machine.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from aiohttp import ClientSession, web

__all__ = ["TOKEN_FORM", "bearer", "read_all", "served"]

TOKEN_FORM = {"grant_type": "client_credentials", "client_id": "muara-demo", "client_secret": "invented-for-the-demo"}


@asynccontextmanager
async def served(app: web.Application) -> AsyncIterator[ClientSession]:
    """Serve an application, and give a client that knows its address."""
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        async with ClientSession(f"http://127.0.0.1:{runner.addresses[0][1]}") as client:
            yield client
    finally:
        await runner.cleanup()


async def bearer(client: ClientSession) -> dict[str, str]:
    """Return the header with a new token."""
    async with client.post("/oauth/token", data=TOKEN_FORM) as answer:
        assert answer.status == 200
        return {"Authorization": f"Bearer {(await answer.json())['access_token']}"}


async def read_all(client: ClientSession, size: int) -> tuple[list[dict[str, Any]], list[int]]:
    """Return all buildings, as a patient reader gets them, and the status of every answer."""
    header, buildings, statuses = await bearer(client), [], []
    query = {"batas": str(size)}
    more = True
    while more:
        async with client.get("/api/v1/perubahan", params=query, headers=header) as answer:
            statuses.append(answer.status)
            if answer.status == 401:
                header = await bearer(client)
            elif answer.status == 200:
                told = await answer.json()
                buildings += told["data"]
                more = told["masih_ada"]
                query["sejak"] = max(told["berikutnya"], query.get("sejak", ""))
            else:
                assert answer.status in {429, 503}
                assert int(answer.headers["Retry-After"]) >= 1
    return buildings, statuses
