"""
Carik's HTTP interface, really served: tokens by client credentials, changes or all families page by page, and its bad days.

Why: an adapter that is to bear a busy server, an expired token and pages that come twice must meet them, on purpose and repeatably.
Must not: listen anywhere but on loopback (world.py binds it), or lose a change between two pages.

Bad days come by counting requests, not by chance: 429 and 503 with `Retry-After`, a page whose cursor leads back to its own beginning,
a token withdrawn before its time.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from aiohttp import web

from deploy.demo.carik_records import building_tree
from deploy.demo.carik_register import CarikRegister
from deploy.demo.days import cursor_moment, moment_text
from deploy.demo.people import People

__all__ = ["CLIENT_ID", "CLIENT_SECRET", "CarikServer", "Troubles"]

CLIENT_ID, CLIENT_SECRET = "muara-demo", "invented-for-the-demo"
_TOKEN_S = 300
_GREATEST_PAGE, _USUAL_PAGE = 1_000, 100
_KEPT_TOKENS = 64


@dataclass(frozen=True, slots=True)
class Troubles:
    """Every how many requests for changes something goes wrong (0: never), and how long a busy server asks to wait, in seconds."""

    busy_every: int = 31
    away_every: int = 53
    back_every: int = 17
    uses_of_token: int = 150
    retry_after_s: int = 1


class CarikServer:
    """The routes of the interface, over one register."""

    def __init__(self, register: CarikRegister, people: People, troubles: Troubles, clock_s: Callable[[], float]) -> None:
        """Serve a register; `clock_s` counts seconds and only tells when tokens expire."""
        self._register, self._people, self._troubles, self._clock_s = register, people, troubles, clock_s
        self._asked = 0
        self._issued = 0
        self._tokens: dict[str, tuple[float, int]] = {}

    def add_to(self, app: web.Application) -> None:
        """Add the three routes to an application."""
        app.router.add_post("/oauth/token", self.token)
        app.router.add_get("/api/v1/perubahan", self.changes)
        app.router.add_get("/api/v1/keluarga", self.families)

    async def token(self, request: web.Request) -> web.Response:
        """Answer client credentials with a token that expires; 400 for another grant, 401 for wrong credentials."""
        form = await request.post()
        if form.get("grant_type") != "client_credentials":
            return _refused(400, "unsupported_grant_type")
        if (form.get("client_id"), form.get("client_secret")) != (CLIENT_ID, CLIENT_SECRET):
            return _refused(401, "invalid_client")
        self._issued += 1
        token = f"invented-token-{self._issued:06d}"
        self._tokens[token] = (self._clock_s() + _TOKEN_S, self._troubles.uses_of_token)
        while len(self._tokens) > _KEPT_TOKENS:
            del self._tokens[next(iter(self._tokens))]
        return web.json_response({"access_token": token, "token_type": "Bearer", "expires_in": _TOKEN_S})

    async def changes(self, request: web.Request) -> web.Response:
        """Answer the changes from a cursor on (inclusive), as buildings; 400 for a wrong query, 401 without a valid token, 429, 503."""
        if (refused := self._refused(request)) is not None:
            return refused
        try:
            limit = _limit(request)
            since = cursor_moment(request.query["sejak"]) if "sejak" in request.query else None
        except ValueError:
            return _refused(400, "invalid_query")
        return web.json_response(self._answer(since, limit))

    async def families(self, request: web.Request) -> web.Response:
        """
        Answer families behind a number, as buildings, with how many records there are in all, and where the changes stand now.

        Whoever reads the changes on from there misses nothing.

        400 for a wrong query, 401 without a valid token, 429, 503.
        """
        if (refused := self._refused(request)) is not None:
            return refused
        try:
            limit = _limit(request)
            after = int(request.query["setelah"]) if "setelah" in request.query else None
        except ValueError:
            return _refused(400, "invalid_query")
        found = self._register.families(after, limit)
        told: dict[str, Any] = {"berikutnya": found.last, "masih_ada": found.more, "perubahan_sejak": moment_text(self._register.stand)}
        told["jumlah"] = self._register.records
        return web.json_response({"data": building_tree(found.changes, self._people), **told})

    def _refused(self, request: web.Request) -> web.Response | None:
        """Return the answer to a request that is not served now; count it otherwise."""
        if not self._may_ask(request.headers.get("Authorization", "")):
            return _refused(401, "invalid_token")
        self._asked += 1
        if self._every(self._troubles.busy_every):
            return self._later(429)
        if self._every(self._troubles.away_every):
            return self._later(503)
        return None

    def _answer(self, since: int | None, limit: int) -> dict[str, Any]:
        page = self._register.page(since, limit)
        cursor, more = page.cursor, page.more
        if page.changes and self._every(self._troubles.back_every):
            cursor, more = page.changes[0][0], True
        following = None if cursor is None else moment_text(cursor)
        return {"data": building_tree(page.changes, self._people), "berikutnya": following, "masih_ada": more}

    def _may_ask(self, authorization: str) -> bool:
        """Tell whether a token is valid, and count its use."""
        token = authorization.removeprefix("Bearer ")
        until, uses = self._tokens.get(token, (0.0, 0))
        if uses < 1 or self._clock_s() >= until:
            return False
        self._tokens[token] = (until, uses - 1)
        return True

    def _every(self, count: int) -> bool:
        return count > 0 and self._asked % count == 0

    def _later(self, status: int) -> web.Response:
        return web.json_response({"error": "later"}, status=status, headers={"Retry-After": str(self._troubles.retry_after_s)})


def _limit(request: web.Request) -> int:
    """Return how many are asked for; raises `ValueError`."""
    limit = int(request.query.get("batas", _USUAL_PAGE))
    if not 1 <= limit <= _GREATEST_PAGE:
        raise ValueError
    return limit


def _refused(status: int, error: str) -> web.Response:
    return web.json_response({"error": error}, status=status)
