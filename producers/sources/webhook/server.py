"""
The HTTP server that takes what is pushed, in a thread of its own.

Why: it holds each request until the reader has kept it, and tells the sender only then.
Must not: log a header, a body or an address; decide what is let in (gate.py does) or what a body means.
"""

import asyncio
import logging
import os
import socket
import ssl
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

from aiohttp import web
from aiohttp.web_protocol import RequestHandler

from producers.declaration import WebhookSource
from producers.faults import CannotListen
from producers.sources.webhook.gate import Gate
from producers.sources.webhook.memory import Tally
from producers.sources.webhook.refusals import Refusal, RequestRefused
from producers.sources.webhook.signature import Secrets
from producers.sources.webhook.waiting import Answer, Request, Waiting

__all__ = ["Server"]

_MOST_WAIT, _MOST_WAIT_BYTES = 2_000, 12 << 20
"""Requests, and bytes of bodies, that may wait to be kept."""
_MOST_READ_BYTES = 12 << 20
"""Bytes of bodies that are being read, of all connections."""
_READ_SIZE = 1 << 14
_LINGER_S = 0.5
"""How long what a refused sender still sends is thrown away, so that it sees the answer."""
_CLOSE_S = 1.0
_BACKLOG = 512
_SILENT = logging.getLogger(f"{__name__}.silent")
"""aiohttp logs what it cannot read, which may be anything."""
_SILENT.disabled = True


class Server:
    """One source's server; its methods may be called from any thread."""

    def __init__(self, declared: WebhookSource, secrets: Secrets, tally: Tally) -> None:
        """Open nothing yet."""
        self._declared, self._tally = declared, tally
        self._gate = Gate(declared, secrets)
        self.waiting = Waiting(_MOST_WAIT, _MOST_WAIT_BYTES, self._answer)
        self.failed: BaseException | None = None
        """What nobody foresaw in the server's thread."""
        self._reading = 0
        self._loop: asyncio.AbstractEventLoop | None = None
        self._closing: asyncio.Event | None = None
        self._listener: asyncio.Server | None = None
        self._ready = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> str:
        """Listen; return the address. Raises `CannotListen`."""
        try:
            opened = _socket_of(self._declared.listen)
        except (OSError, OverflowError) as error:
            number = getattr(error, "errno", None) or 0  # below zero where a name is not found
            why = os.strerror(number) if number > 0 else type(error).__name__
            raise CannotListen(address=self._declared.listen, why=why) from error
        try:
            context = self._tls()
        except (OSError, ValueError) as error:  # of ssl's own errors all are OSErrors
            opened.close()
            raise CannotListen(address=self._declared.listen, why=f"its certificate or key: {type(error).__name__}") from error
        host, port = opened.getsockname()[:2]
        self._thread = threading.Thread(target=self._run, args=(opened, context), name="receiver", daemon=True)
        self._thread.start()
        self._ready.wait()
        return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"

    def stop_accepting(self) -> None:
        """Accept no connection and let in no request any more; those let in are still answered."""
        self.waiting.stop()
        if self._loop is not None and self._listener is not None:
            with suppress(RuntimeError):  # its loop may be closed in this moment
                self._loop.call_soon_threadsafe(self._listener.close)

    def close(self) -> None:
        """Refuse what is not kept, let the answers out, and end."""
        self.waiting.refuse(Refusal.STOPPING)
        if self._loop is not None and self._closing is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._closing.set)
        if self._thread is not None:
            self._thread.join(2 * _CLOSE_S)

    def _tls(self) -> ssl.SSLContext | None:
        if self._declared.tls is None:
            return None
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(self._declared.tls.certificate, self._declared.tls.key)
        return context

    # ---- in the server's thread -----------------------------------------------------------------------------------------------

    def _run(self, opened: socket.socket, context: ssl.SSLContext | None) -> None:
        try:
            asyncio.run(self._serve(opened, context))
        except BaseException as error:  # noqa: BLE001 - the reader's thread raises it
            self.failed = error
        finally:
            self._ready.set()
            opened.close()

    async def _serve(self, opened: socket.socket, context: ssl.SSLContext | None) -> None:
        self._loop, self._closing = asyncio.get_running_loop(), asyncio.Event()
        front = _Front(self._handle, self._tally, self._declared)
        handshake_s = self._declared.timeout_s if context else None
        self._listener = await self._loop.create_server(
            front, sock=opened, ssl=context, backlog=_BACKLOG, ssl_handshake_timeout=handshake_s
        )
        self._ready.set()
        await self._closing.wait()
        self._listener.close()
        front.pre_shutdown()
        await front.shutdown(_CLOSE_S)

    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        """Answer a request: 200 once it is kept, else why not."""
        try:
            await self._kept(request)
        except RequestRefused as refused:
            return self._refused(refused.refusal)
        except Exception as error:
            self.failed = error
            raise
        return web.Response(headers={"Server": "muara"})

    async def _kept(self, request: web.BaseRequest) -> None:
        """Return when a request is kept; raises `RequestRefused`."""
        self._gate.head(request.method, request.path, request.headers, time.time())
        if self.waiting.refusal is not None:
            raise RequestRefused(self.waiting.refusal)
        body = await self._body(request)
        delivery = self._gate.whole(request.headers, body, time.monotonic())
        ticket = asyncio.get_running_loop().create_future()
        self.waiting.offer(Request(delivery, body, ticket))
        try:
            async with asyncio.timeout(self._declared.timeout_s):
                refusal = await ticket
        except TimeoutError:
            refusal = Refusal.LATE
        if refusal is not None:
            raise RequestRefused(refusal)

    async def _body(self, request: web.BaseRequest) -> bytes:
        """Return a request's body, of which no more is read than may be."""
        parts: list[bytes] = []
        read = 0
        if request.headers.get("Expect", "").lower() == "100-continue" and request.transport is not None:
            request.transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        try:
            async with asyncio.timeout(self._declared.timeout_s):
                while part := await request.content.readany():
                    read += len(part)
                    self._reading += len(part)
                    if read > self._gate.greatest_bytes:
                        raise RequestRefused(Refusal.TOO_LARGE)
                    if self._reading > _MOST_READ_BYTES:
                        raise RequestRefused(Refusal.TOO_MUCH_WAITS)
                    parts.append(part)
        except TimeoutError:
            raise RequestRefused(Refusal.TOO_SLOW) from None
        except (web.RequestPayloadError, OSError):  # it is no HTTP, or the sender has gone
            raise RequestRefused(Refusal.NO_HTTP) from None
        finally:
            self._reading -= read
        return b"".join(parts)

    def _refused(self, refusal: Refusal) -> web.Response:
        self._tally.add(refusal)
        return _response_of(refusal)

    def _answer(self, answers: Sequence[Answer]) -> None:
        """Bring answers from another thread to those who wait."""
        if answers and self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(_settle, answers)


class _Front(web.Server):
    """Makes a connection's handler for each connection, up to the declared number."""

    def __init__(self, handle: Any, tally: Tally, declared: WebhookSource) -> None:  # noqa: ANN401 - aiohttp's own type of handler
        # A connection that has not brought a whole head in this time, or nothing more after an answer, is closed.
        super().__init__(
            handle,
            access_log=None,
            logger=_SILENT,
            keepalive_timeout=declared.timeout_s,
            lingering_time=_LINGER_S,
            read_bufsize=_READ_SIZE,
            auto_decompress=False,
        )
        self.tally, self._most = tally, declared.connections

    def __call__(self) -> RequestHandler:
        """Return a handler for a new connection."""
        return _Connection(self, loop=self._loop, **self._kwargs)

    @property
    def full(self) -> bool:
        """Whether there are as many connections as may be."""
        return len(self._connections) >= self._most


class _Connection(RequestHandler):
    """One connection; what is no HTTP is counted and answered without a word of it, and one too many is sent away."""

    __slots__ = ("_front",)

    def __init__(self, front: _Front, **told: Any) -> None:  # noqa: ANN401 - aiohttp's own
        super().__init__(front, **told)
        self._front = front

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take a connection, or send it away."""
        if not self._front.full:
            super().connection_made(transport)
            return
        self._front.tally.add(Refusal.TOO_MANY_CONNECTIONS)
        if isinstance(transport, asyncio.WriteTransport):
            transport.write(b"HTTP/1.1 503 Service Unavailable\r\nRetry-After: 1\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        transport.close()

    def handle_error(
        self,
        request: web.BaseRequest,  # noqa: ARG002
        status: int = 500,
        exc: BaseException | None = None,  # noqa: ARG002 - it may hold what was sent
        message: str | None = None,  # noqa: ARG002
    ) -> web.StreamResponse:
        """Answer what cannot be read as HTTP, or a fault of ours, and close the connection."""
        if status == Refusal.NO_HTTP.status:
            self._front.tally.add(Refusal.NO_HTTP)
            answer = _response_of(Refusal.NO_HTTP)
        else:
            answer = web.Response(status=status, headers={"Server": "muara"})
        answer.force_close()
        return answer


_CLOSING = (Refusal.TOO_LARGE, Refusal.TOO_SLOW, Refusal.NO_HTTP, Refusal.STOPPING)
"""Refusals after which the connection is closed: more of the body may come, or nothing more is taken."""


def _response_of(refusal: Refusal) -> web.Response:
    headers = {"Server": "muara"}
    if refusal.retry_after_s:
        headers["Retry-After"] = str(refusal.retry_after_s)
    if refusal is Refusal.NOT_POST:
        headers["Allow"] = "POST"
    answer = web.json_response({"error": refusal.words}, status=refusal.status, headers=headers)
    if refusal in _CLOSING:
        answer.force_close()
    return answer


def _settle(answers: Sequence[Answer]) -> None:
    """Wake those who wait; one who waited too long has gone."""
    for request, refusal in answers:
        ticket = request.ticket
        if isinstance(ticket, asyncio.Future) and not ticket.done():
            ticket.set_result(refusal)


def _socket_of(address: str) -> socket.socket:
    """Return a socket that listens at host:port; raises OSError."""
    host, _, port = address.rpartition(":")
    family = socket.AF_INET6 if host.startswith("[") else socket.AF_INET
    return socket.create_server((host.strip("[]"), int(port)), family=family, backlog=_BACKLOG)
