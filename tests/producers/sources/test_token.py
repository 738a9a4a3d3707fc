"""A token is asked for when it is needed, kept while it is good, and dropped when it is not, by several threads at once."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import httpx2
import pytest

from producers.declaration.rest import Token
from producers.faults import SourceRefuses
from producers.sources.rest_asking import Asking
from producers.sources.token import TokenCache
from tests.contract.carik_server import CarikServer
from tests.producers.samples import ENVIRON, carik
from tests.producers.sources.test_rest import reader


def test_a_token_is_kept_until_shortly_before_its_end() -> None:
    """One token serves many questions; nine tenths through its life it is replaced."""
    clock = [0.0]
    city = CarikServer()
    with city.running() as address:
        feed = reader(address, clock_s=lambda: clock[0])
        feed.read(None)
        clock[0] = 269.0
        feed.read(None)
        one = len(city.tokens)
        clock[0] = 271.0
        feed.read(None)
        feed.close()

    assert (one, len(city.tokens)) == (1, 2)


def test_only_the_token_that_was_refused_is_dropped() -> None:
    """Of two who asked by one token, the slower one does not take away what the other has made meanwhile."""
    declared = carik().source.token  # type: ignore[union-attr]  # of kind rest
    assert declared is not None
    assert declared.client is not None
    with CarikServer().running() as address, httpx2.Client(base_url=address) as client:
        tokens = TokenCache(declared.client, ENVIRON, client, lambda: 0.0)
        first = tokens.header()
        tokens.drop(first)
        second = tokens.header()
        tokens.drop(first)
        third = tokens.header()

    assert first != second
    assert second == third


@contextmanager
def keyed(header: str, wanted: str) -> Iterator[tuple[str, list[str]]]:
    """Serve an empty page to whoever has the key; give the address, and what was asked for, a login too."""
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        """Looks at one header."""

        def do_GET(self) -> None:
            """Give the page, or 401."""
            asked.append(self.path)
            self.send_response(200 if self.headers.get(header) == wanted else 401)
            self.end_headers()
            self.wfile.write(json.dumps({"data": []}).encode())

        def do_POST(self) -> None:
            """Remember that a token was asked for."""
            asked.append(f"POST {self.path}")
            self.send_error(404)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - http.server's name
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", asked
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def asking(address: str, token: dict[str, str], environ: dict[str, str]) -> Asking:
    """Return what asks Carik's server at an address, let in by something else."""
    changed: dict[str, Any] = {"url": address, "token": Token(**token)}
    return Asking(carik().source.model_copy(update=changed), environ, lambda: datetime(2024, 3, 5, tzinfo=UTC))  # type: ignore[arg-type]  # of kind rest


WAYS = [
    ({"bearer_env": "MUARA_KOTA_KEY"}, "Authorization", "Bearer invented-key"),
    ({"header": "X-Api-Key", "key_env": "MUARA_KOTA_KEY"}, "X-Api-Key", "invented-key"),
]


@pytest.mark.parametrize(("token", "header", "sent"), WAYS)
def test_a_key_that_stays_the_same(token: dict[str, str], header: str, sent: str) -> None:
    """It is sent with every question in its header, no token is asked for, and one that is changed where it lies counts at once."""
    environ = {"MUARA_KOTA_KEY": "older-key"}
    with keyed(header, sent) as (address, asked):
        source = asking(address, token, environ)
        with pytest.raises(SourceRefuses, match="check the credentials in MUARA_KOTA_KEY;") as caught:
            source.asked("/changes", {})
        environ["MUARA_KOTA_KEY"] = "invented-key"
        assert source.asked("/changes", {}) == {"data": []}
        source.close()

    assert len(asked) == 2
    assert all(one.startswith("/changes") for one in asked)
    assert "older-key" not in str(caught.value)


@pytest.mark.parametrize("token", [token for token, _, _ in WAYS])
@pytest.mark.parametrize(
    ("key", "why"), [("", "MUARA_KOTA_KEY is not set"), ("a\nX-Evil: 1", "MUARA_KOTA_KEY holds what cannot stand in a header")]
)
def test_a_key_that_cannot_be_sent_is_told_without_it(token: dict[str, str], key: str, why: str) -> None:
    """Where it is missing, or would end its header, nothing is asked, and only its variable is named."""
    with keyed("X-Api-Key", "x") as (address, asked):
        source = asking(address, token, {"MUARA_KOTA_KEY": key})
        with pytest.raises(SourceRefuses, match=why) as caught:
            source.asked("/changes", {})
        source.close()

    assert asked == []
    assert "X-Evil" not in str(caught.value)
