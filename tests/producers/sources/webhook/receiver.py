"""A receiver at work over a file of its own, in this process, and what a test needs to push to it and to look at it."""

import http.client
import select
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from producers.checkpoint import AdapterStatus, StateFile, status
from producers.declaration import Declaration
from producers.pseudonym import Pseudonyms
from producers.reader import Reader
from producers.sealed import make_tables
from producers.sources.opening import open_source
from producers.sources.webhook.memory import Received, received
from producers.sources.webhook.reader import WebhookReader
from tests.producers import sumedang
from tests.producers.samples import ENVIRON, KEY, mapper

__all__ = ["Receiver", "receiving"]


def _now() -> datetime:
    return datetime.now(UTC)  # noqa: TID251 - a test's shell


class Receiver:
    """The village services' receiver."""

    def __init__(self, declared: Declaration, file: Path, environ: dict[str, str], spool_bytes: int) -> None:
        """Open the file; nothing is received yet."""
        self.file = file
        self.state = StateFile(file, declared.source_id)
        make_tables(self.state.connection)
        source = open_source(declared, mapper(declared), self.state, environ, _now)
        assert isinstance(source, WebhookReader)
        self.source = source
        self.stop = threading.Event()
        self.reader = Reader(
            source.read,
            self.state,
            {"32.11": 1},
            _now,
            threading.Event(),
            spool_bytes=spool_bytes,
            poll_s=0.0,
            receiving=source,
            seal=Pseudonyms(KEY, 1).seal,
        )

    @property
    def port(self) -> int:
        """Where it listens."""
        return int(self.source._address.rpartition(":")[2])

    @property
    def status(self) -> AdapterStatus:
        """How the adapter stands."""
        found = status(self.file)
        assert found is not None
        return found

    @property
    def received(self) -> Received:
        """How the receiver stands, by its file."""
        found = received(self.file)
        assert found is not None
        return found

    def connection(self, context: ssl.SSLContext | None = None) -> http.client.HTTPConnection:
        """Return a connection to it."""
        if context is not None:
            return http.client.HTTPSConnection("127.0.0.1", self.port, timeout=10, context=context)
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)

    def push(self, body: bytes | None = None, delivery: str = "d-1", method: str = "POST", path: str = "/desa", **said: str) -> int:
        """Push a body, signed now; return the status of the answer. `said` overrides headers."""
        return self.asked(body, delivery, method, path, **said)[0]

    def asked(
        self, body: bytes | None = None, delivery: str = "d-1", method: str = "POST", path: str = "/desa", **said: str
    ) -> tuple[int, dict[str, str]]:
        """Push a body, signed now; return status and headers of the answer."""
        content = sumedang.body_of(sumedang.family(1)) if body is None else body
        connection = self.connection()
        try:
            connection.request(method, path, content, sumedang.headers(content, int(time.time()), delivery, said=said))
            answer = connection.getresponse()
            answer.read()
            return answer.status, dict(answer.headers)
        finally:
            connection.close()

    def spoken(self, *parts: bytes, pause_s: float = 0.0) -> bytes:
        """Send raw bytes, part by part; return all that comes back until the connection is closed, or three seconds are over."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=3) as line:
            got = b""
            try:
                for part in parts:
                    line.sendall(part)
                    if pause_s and select.select([line], [], [], pause_s)[0]:
                        got += line.recv(4096)
                        if not got.startswith(b"HTTP/1.1 100"):
                            break  # it has answered; who sends on after the line is closed loses the answer
                while part := line.recv(4096):
                    got += part
            except (TimeoutError, ConnectionError):
                pass
            return got


@contextmanager
def receiving(
    folder: Path, spool_bytes: int = 1 << 30, environ: dict[str, str] | None = None, *, work: bool = True, **said: Any
) -> Iterator[Receiver]:
    """Run a receiver until the end of the block; `said` overrides what its region file declares of the source."""
    declared = sumedang.declared()
    declared = declared.model_copy(update={"source": sumedang.source(**said)})
    one = Receiver(declared, folder / "desa.sqlite", {**ENVIRON, **(environ or {})}, spool_bytes)
    errors: list[BaseException] = []

    def run() -> None:
        try:
            one.reader.run(one.stop)
        except BaseException as error:  # noqa: BLE001 - the test sees it
            errors.append(error)

    thread = threading.Thread(target=run)
    try:
        if work:
            thread.start()
            until_listening = time.monotonic() + 10
            while not one.source._address and not errors:
                assert time.monotonic() < until_listening
                time.sleep(0.01)
        yield one
    finally:
        one.stop.set()
        if work:
            thread.join(10)
        one.source.close()
        one.state.connection.close()
    assert errors == []
