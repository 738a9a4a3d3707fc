"""
A small real server that speaks Carik's protocol over a list of changes that the test makes, with the troubles that it asks for.

Why: the conformance suite needs a source that does on cue what a simulated city does by chance.
Must not: import the product.
"""

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

__all__ = ["CarikServer"]


class CarikServer:
    """The changes of a city, in order of their time; each is a building with one family."""

    def __init__(self) -> None:
        """Know of no change and no trouble."""
        self.changes: list[tuple[str, dict[str, Any]]] = []
        self.troubles: list[int] = []
        """HTTP codes that the next questions get instead of an answer."""
        self.repeat_next = 0
        """How many of the next pages are the page before once more."""
        self.tokens: set[str] = set()
        self.asked: list[str | None] = []
        self.families_asked: list[str | None] = []
        """The keys behind which families were asked for."""
        self.forgotten_before = ""
        """The feed does not reach back beyond this time; the snapshot knows all."""
        self.shown_until = "~"
        """The snapshot shows nothing told later than this: one made beforehand, which the feed has overtaken."""
        self.total: object = None
        """What the snapshot says of how many records it has."""
        self.page_comes = threading.Event()
        """Cleared, all pages of the snapshot but the first wait: a slow server."""
        self.page_comes.set()
        self.page_troubles: list[int] = []
        """HTTP codes that the next questions for families get."""
        self._numbers: dict[str, str] = {}
        self._before: dict[str, Any] | None = None

    @contextmanager
    def running(self) -> Iterator[str]:
        """Serve on a loopback port until the end of the block; give the address."""
        server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"city": self}))
        thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            server.server_close()
            thread.join()

    def tell(self, building: dict[str, Any]) -> None:
        """Add a change; its time is that of its family."""
        family = building["rumah_tangga"][0]["keluarga"][0]
        at = family["diubah_pada"]
        self._numbers.setdefault(family["no_kk"], f"F{len(self._numbers) + 1:06}")
        self.changes.append((at, building))
        self.changes.sort(key=lambda one: one[0])

    def page(self, since: str | None, limit: int) -> dict[str, Any]:
        """Return an answer: changes from a time on, inclusive."""
        self.asked.append(since)
        if self.repeat_next and self._before is not None:
            self.repeat_next -= 1
            return self._before
        found = [one for one in self.changes if one[0] >= max(since or "", self.forgotten_before)]
        shown = found[:limit]
        while len(shown) < len(found) and (found[len(shown)][0] == shown[-1][0] or shown[-1][0] == since):
            shown = found[: len(shown) + 1]
        cursor = shown[-1][0] if shown else since
        self._before = {"data": [building for _, building in shown], "berikutnya": cursor, "masih_ada": len(shown) < len(found)}
        return self._before

    def families(self, after: str | None, limit: int) -> dict[str, Any]:
        """Return an answer: families behind a number, with all that was told of them, and where the feed stands."""
        self.families_asked.append(after)
        behind = [number for number in sorted(self._numbers.values()) if number > (after or "")]
        shown = behind[:limit]
        data = [
            one
            for at, one in self.changes
            if at <= self.shown_until and self._numbers[one["rumah_tangga"][0]["keluarga"][0]["no_kk"]] in shown
        ]
        told = {"berikutnya": shown[-1] if shown else after, "masih_ada": len(shown) < len(behind), "jumlah": self.total}
        stood = max((at for at, _ in self.changes if at <= self.shown_until), default="1970-01-01T00:00:00.000000Z")
        return {"data": data, **told, "perubahan_sejak": stood}


class _Handler(BaseHTTPRequestHandler):
    city: CarikServer
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        """Give a token for the right credentials."""
        form = parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
        told = (self.path, form.get("grant_type"), form.get("client_id"), form.get("client_secret"))
        if told != ("/oauth/token", ["client_credentials"], ["invented"], ["invented-secret"]):
            self._answer(401, {"error": "invalid_client"})
            return
        token = f"token-{time.monotonic_ns()}"
        self.city.tokens.add(token)
        self._answer(200, {"access_token": token, "token_type": "Bearer", "expires_in": 300})

    def do_GET(self) -> None:
        """Give a page, or the trouble that is next."""
        if self.city.troubles:
            self._answer(self.city.troubles.pop(0), {"error": "trouble"})
        elif self.headers.get("Authorization", "").removeprefix("Bearer ") not in self.city.tokens:
            self._answer(401, {"error": "invalid_token"})
        else:
            query = parse_qs(urlsplit(self.path).query)
            limit = int(query["batas"][0])
            if urlsplit(self.path).path == "/api/v1/keluarga":
                if "setelah" in query:
                    self.city.page_comes.wait(30)
                if self.city.page_troubles:
                    self._answer(self.city.page_troubles.pop(0), {"error": "trouble"})
                    return
                self._answer(200, self.city.families(query.get("setelah", [None])[0], limit))
            else:
                self._answer(200, self.city.page(query.get("sejak", [None])[0], limit))

    def _answer(self, code: int, content: Any) -> None:
        body = json.dumps(content).encode()
        self.send_response(code)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        if code in (429, 503):
            self.send_header("Retry-After", "0")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - http.server's name
        """Say nothing."""
