"""
A change feed over HTTP, as a region file of the kind `rest` declares it: token, pages, cursor by change time.

Why: see stand_ins/__init__.py.
Must not: be reachable from anywhere but this machine.
"""

import json
import threading
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Self
from urllib.parse import parse_qs, urlsplit

from deploy.certify.oddities import Odd, written
from deploy.certify.stand_ins import Lie, StandIn
from deploy.certify.told import Told
from deploy.certify.writing import Layers, Writer, put
from producers.declaration import Declaration, RestSource
from producers.declaration.rest import Token

__all__ = ["FeedStandIn"]

_ID, _SECRET = "certification", "invented-for-certification"
_TOKEN_LIFE_S = 30


class FeedStandIn(StandIn):
    """The changes of all families, in the order of their time of change."""

    tells_around = True

    def __init__(self, declared: Declaration) -> None:
        """Have told nothing yet."""
        assert isinstance(declared.source, RestSource)  # noqa: S101 - opened by kind
        self.source = declared.source
        super().__init__(declared, Writer(declared, depth=len(self.source.records.split(".")) + 1))
        self.at_once = self.source.page.size
        self.changes: list[tuple[datetime, Any]] = []
        """Time of change, and the part of an answer that tells it (an item of the outermost list)."""
        self.newest: dict[int, tuple[datetime, Any]] = {}
        """The newest change of each family, by its serial: the snapshot, where there is one."""
        self.lie: Lie | None = None
        self.is_away = False
        self.first_page: bytes | None = None
        self.tokens: set[str] = set()
        self._lock = threading.Lock()
        self._url = ""

    @classmethod
    def lies_of(cls, declared: Declaration) -> Sequence[Lie]:
        """Return what a feed can be made to answer: without a login it knows nobody whom it could refuse."""
        assert isinstance(declared.source, RestSource)  # noqa: S101 - opened by kind
        always = (Lie.ERROR_PAGE, Lie.TRUNCATED, Lie.OLD_PAGE, Lie.STANDS_STILL)
        token = declared.source.token
        return always if token is None else (*always, Lie.TOKEN_GONE, Lie.REFUSED) if token.client else (*always, Lie.REFUSED)

    @classmethod
    def opened(cls, declared: Declaration, folder: Path, server: str) -> Self:  # noqa: ARG003 - others need the rest
        """Return one."""
        return cls(declared)

    @property
    def placeholders(self) -> Mapping[str, str]:
        """The address, and what makes a token."""
        token = self.source.token
        secrets = {token.client.id_env: _ID, token.client.secret_env: _SECRET} if token and token.client else {}
        secrets |= {token.fixed.env: _SECRET} if token and token.fixed else {}
        return {"url": self._url, **secrets}

    @property
    def secrets(self) -> Sequence[str]:
        """What signs or lets in."""
        return (_SECRET,)

    @contextmanager
    def running(self) -> Iterator[None]:
        """Serve on a loopback port."""
        server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"feed": self}))
        thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        self._url = f"http://127.0.0.1:{server.server_port}"
        try:
            yield
        finally:
            server.shutdown()
            server.server_close()
            thread.join()

    def _tell(self, changes: Sequence[Told], *, disorder: bool) -> None:
        # A feed is read by time of change; disorder is that of one page: what was recorded first may stand last in it.
        with self._lock:
            for told in self._dated(reversed(changes) if disorder else changes):
                part = self._nested(self.writer.record(told))
                self._add(told.moment, part)
                known = self.newest.get(told.serial)
                if known is None or told.moment >= known[0]:
                    self.newest[told.serial] = (told.moment, part)

    def _dated(self, changes: Iterable[Told]) -> list[Told]:
        """
        Return changes as they are dated when they appear, by a clock that may be wrong: the newest that is not dated beyond it is of now.

        Else what was to be told, and took a while to write, would appear behind what an adapter has read meanwhile.
        """
        now = datetime.now(UTC) + self.skew  # noqa: TID251 - the stand-in's clock
        changes = list(changes)
        late = now - max((one.moment for one in changes if one.moment <= now), default=now)
        return [replace(one, moment=one.moment + late) if one.moment <= now else one for one in changes]

    def repeat(self) -> None:
        """Tell the newest change once more, at the same moment."""
        with self._lock:
            self._add(*self.changes[-1])

    def tell_odd(self, told: Told, odd: Odd) -> None:
        """Tell a change in an odd way."""
        with self._lock:
            for one in self._dated([told]):
                self._add(one.moment, self._nested(written(self.writer, one, odd)))

    def tell_garbage(self) -> None:
        """Put a text where a record belongs, at the moment of the newest change."""
        with self._lock:
            self._add(self.changes[-1][0], "bukan data")

    @contextmanager
    def away(self) -> Iterator[None]:
        """Answer 503 to everything."""
        self.is_away = True
        try:
            yield
        finally:
            self.is_away = False

    @contextmanager
    def lying(self, lie: Lie) -> Iterator[None]:
        """Answer what is not so, or not at all to us: a token that it gave is one that it does not know any more."""
        self.lie = lie
        if lie in (Lie.TOKEN_GONE, Lie.REFUSED):
            self.tokens.clear()
        try:
            yield
        finally:
            self.lie = None

    def _add(self, moment: datetime, part: Any) -> None:  # noqa: ANN401 - JSON
        """Put a change where its time is; belongs under the lock."""
        place = len(self.changes)
        while place and self.changes[place - 1][0] > moment:
            place -= 1
        self.changes.insert(place, (moment, part))

    # ---- answers -------------------------------------------------------------------------------------------------------

    def page(self, since: str | None, limit: int) -> bytes:
        """Return the answer with changes from a moment on, inclusive, never a part of one moment."""
        after = datetime.fromisoformat(since) if since else datetime.min.replace(tzinfo=UTC)
        with self._lock:
            found = [one for one in self.changes if one[0] >= after]
        end = min(limit, len(found))
        while 0 < end < len(found) and found[end][0] in (found[end - 1][0], after):
            end += 1
        cursor = found[end - 1][0] if end else after
        body = self._answer([part for _, part in found[:end]], _moment(cursor), more=end < len(found))
        if self.first_page is None and end:
            self.first_page = body
        return self._lied(body, since)

    def snapshot(self, after: str | None, limit: int) -> bytes:
        """Return the answer with the newest change of the families behind one, in the order of their serials."""
        declared = self.source.snapshot
        assert declared is not None  # noqa: S101 - asked for where it is declared
        with self._lock:
            following = sorted(serial for serial in self.newest if serial > int(after or -1))
            parts = [self.newest[serial][1] for serial in following[:limit]]
            since = self.changes[-1][0] if self.changes else datetime.min.replace(tzinfo=UTC)
        answer: Layers = [{}]
        put(answer, _list_path(declared.records or self.source.records), parts)
        put(answer, declared.key.path, following[:limit][-1] if following else 0)
        put(answer, declared.since, _moment(since))
        put(answer, declared.more or self.source.more, len(following) > limit)
        return self._lied(json.dumps(answer[0]).encode(), None)

    def _lied(self, body: bytes, since: str | None) -> bytes:
        if self.lie is Lie.ERROR_PAGE:
            return b"<!doctype html><title>Galat</title><p>Layanan sedang dipelihara"
        if self.lie is Lie.TRUNCATED:
            return body[: len(body) // 2]
        if self.lie is Lie.OLD_PAGE:
            return self.first_page or body
        if self.lie is Lie.STANDS_STILL:
            return self._answer([], since or "", more=True)
        return body

    def _answer(self, parts: list[Any], cursor: str, *, more: bool) -> bytes:
        answer: Layers = [{}]
        put(answer, _list_path(self.source.records), parts)
        put(answer, self.source.cursor.path, cursor)
        put(answer, self.source.more, more)
        return json.dumps(answer[0]).encode()

    def _nested(self, layers: Layers) -> Any:  # noqa: ANN401 - JSON
        """Return a record in what it lies in, up to the item of the outermost list."""
        steps = self.source.records.split(".")
        outermost = next(place for place, step in enumerate(steps) if step.endswith("[]"))
        inner = layers[0]
        for depth, step in enumerate(reversed(steps[outermost + 1 :]), 1):
            layers[depth][step.removesuffix("[]")] = [inner] if step.endswith("[]") else inner
            inner = layers[depth]
        return inner


class _Handler(BaseHTTPRequestHandler):
    feed: FeedStandIn
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        """Give a token for the right credentials."""
        form = parse_qs(self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode())
        token = self.feed.source.token
        right = (form.get("grant_type"), form.get("client_id"), form.get("client_secret")) == (["client_credentials"], [_ID], [_SECRET])
        if token is None or token.client is None or self.path != token.client.path or not right or self.feed.lie is Lie.REFUSED:
            self._send(401, b"{}")
            return
        made = f"token-{time.monotonic_ns()}"
        self.feed.tokens.add(made)
        self._send(200, json.dumps({"access_token": made, "token_type": "Bearer", "expires_in": _TOKEN_LIFE_S}).encode())

    def do_GET(self) -> None:
        """Give a page."""
        source, asked = self.feed.source, urlsplit(self.path)
        if self.feed.is_away:
            self._send(503, b"{}")
        elif source.token is not None and not self._is_let_in(source.token):
            self._send(401, b"{}")
        elif source.snapshot is not None and asked.path == source.snapshot.path:
            query = parse_qs(asked.query)
            self._send(200, self.feed.snapshot(query.get(source.snapshot.key.parameter, [None])[0], int(query[source.page.parameter][0])))
        elif asked.path != source.changes:
            self._send(404, b"{}")
        else:
            query = parse_qs(asked.query)
            self._send(200, self.feed.page(query.get(source.cursor.parameter, [None])[0], int(query[source.page.parameter][0])))

    def _is_let_in(self, token: Token) -> bool:
        if (key := token.fixed) is not None:
            return self.feed.lie is not Lie.REFUSED and self.headers.get(key.header, "") == f"{key.before}{_SECRET}"
        return self.headers.get("Authorization", "").removeprefix("Bearer ") in self.feed.tokens

    def _send(self, code: int, body: bytes) -> None:
        self.send_response(code)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        if code == 503:
            self.send_header("Retry-After", "0")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - http.server's name
        """Say nothing."""


def _list_path(records: str) -> str:
    """Return the path of the outermost list."""
    head, _, _ = records.partition("[]")
    return head


def _moment(moment: datetime) -> str:
    return moment.isoformat(timespec="microseconds").replace("+00:00", "Z")
