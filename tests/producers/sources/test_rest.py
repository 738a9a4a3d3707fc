"""A change feed that misbehaves in every way that we know: nothing is lost, repeated pages are not, and the cause is told."""

import json
import sqlite3
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest

from producers.checkpoint import StateFile, status
from producers.environment import Environment
from producers.faults import SourceAway, SourceRefuses
from producers.quarantine import quarantined
from producers.reader import Reader
from producers.sources import Batch
from producers.sources.rest import RestReader
from tests.contract.carik_server import CarikServer
from tests.producers.samples import ENVIRON, building, carik, family, mapper

NOW = datetime(2024, 4, 1, tzinfo=UTC)
Answer = tuple[int, dict[str, str], bytes]


def reader(
    address: str,
    page_size: int = 3,
    clock_s: Callable[[], float] = lambda: 0.0,
    changed: Mapping[str, Any] = MappingProxyType({}),
    clock: Callable[[], datetime] = lambda: NOW,
    connection: sqlite3.Connection | None = None,
    **environ: str,
) -> RestReader:
    """Return a reader of the feed at an address, which has no snapshot; in its declaration something may be changed."""
    declared = carik(MUARA_CARIK_URL=address)
    page = declared.source.page.model_copy(update={"size": page_size})  # type: ignore[union-attr]  # of kind rest
    source = declared.source.model_copy(update={"page": page, "snapshot": None, **changed})
    return RestReader(source, mapper(declared), {**ENVIRON, **environ}, clock, clock_s, connection)  # type: ignore[arg-type]  # of kind rest


def read_all(feed: RestReader, position: str | None = None, connection: sqlite3.Connection | None = None) -> tuple[list[int], str | None]:
    """Read until caught up, every batch kept; return the revisions in order, and the position."""
    revisions: list[int] = []
    while True:
        batch = feed.read(position)
        revisions += [event.revision for event in batch.events]
        if batch.keep is not None and connection is not None:
            batch.keep(connection)
        position = kept(batch)
        if batch.caught_up:
            return revisions, position


def kept(batch: Batch) -> str | None:
    """Keep a batch as the runner does; return its position."""
    if batch.kept is not None:
        batch.kept()
    return batch.position


@contextmanager
def serving(*answers: Answer, token: bytes = b'{"access_token": "t", "expires_in": 300}') -> Iterator[tuple[str, list[str]]]:
    """Serve answers one after the other, the last one for ever, and a token; give the address, and the paths asked for."""
    left, asked = list(answers), []

    class Handler(BaseHTTPRequestHandler):
        """Gives the next answer."""

        def do_GET(self) -> None:
            """Give it."""
            asked.append(self.path)
            code, headers, body = left.pop(0) if len(left) > 1 else left[0]
            self.send_response_only(code)
            for name, value in {"Date": self.date_time_string(), "Content-Length": str(len(body)), **headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def do_POST(self) -> None:
            """Give a token."""
            body = token
            self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - http.server's name
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", asked
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def page(*families: dict[str, Any], cursor: str | None = None, more: bool = False, **said: Any) -> Answer:
    """Return an answer with families."""
    return (
        200,
        {},
        json.dumps({"data": [building(*families)] if families else [], "berikutnya": cursor, "masih_ada": more, **said}).encode(),
    )


def at(second: int) -> str:
    """Return a change time."""
    return f"2024-03-05T08:00:{second:02}.000000Z"


@pytest.fixture
def city() -> CarikServer:
    """A city with ten changes, some at one moment."""
    made = CarikServer()
    for serial in range(1, 11):
        made.tell(building(family(serial, at(serial // 2 * 2))))
    return made


def test_all_changes_are_read_once(city: CarikServer) -> None:
    """Over pages that overlap by their inclusive cursor, every change comes once and in order."""
    with city.running() as address:
        feed = reader(address)
        revisions, position = read_all(feed)
        again, _ = read_all(feed, position)
        feed.close()

    assert len(revisions) == 10
    assert revisions == sorted(revisions)
    assert again == []
    assert position == at(10)


def test_repeated_pages_are_not_repeated(city: CarikServer) -> None:
    """A page that comes again, and again, gives nothing new and is no reason to stop."""
    with city.running() as address:
        feed = reader(address)
        first = feed.read(None)
        city.repeat_next = 3
        rest, _ = read_all(feed, kept(first))
        feed.close()

    assert len(first.events) + len(rest) == 10


def test_what_was_not_kept_is_read_again(city: CarikServer) -> None:
    """A batch that could not be kept is not taken as known: the next reading gives it again."""
    with city.running() as address:
        feed = reader(address)
        lost, found = feed.read(None), feed.read(None)
        feed.close()

    assert [event.revision for event in lost.events] == [event.revision for event in found.events] != []


def test_a_token_that_is_refused_is_replaced(city: CarikServer) -> None:
    """A token that the source forgets is asked for anew, without a fault."""
    with city.running() as address:
        feed = reader(address)
        first = feed.read(None)
        city.tokens.clear()
        second = feed.read(kept(first))
        feed.close()

    assert len(second.events) > 0


def test_wrong_credentials_are_told_without_them(city: CarikServer) -> None:
    """A refusal names the variables to check, never their content."""
    with city.running() as address:
        feed = reader(address, MUARA_CARIK_CLIENT_SECRET="wrong-secret")
        with pytest.raises(SourceRefuses) as caught:
            feed.read(None)
        feed.close()

    assert "check the credentials in MUARA_CARIK_CLIENT_ID and MUARA_CARIK_CLIENT_SECRET" in str(caught.value)
    assert "wrong-secret" not in str(caught.value)


def test_credentials_mended_in_their_file_count_without_a_restart(city: CarikServer, tmp_path: Path) -> None:
    """Whoever is refused is told by which names; when the file with the secret is mended, the very next question is answered."""
    secret = tmp_path / "secret"
    secret.write_text("wrong-secret\n", encoding="utf-8")
    with city.running() as address:
        declared = carik(MUARA_CARIK_URL=address)
        given = {name: value for name, value in ENVIRON.items() if name != "MUARA_CARIK_CLIENT_SECRET"}
        environ = Environment({**given, "MUARA_CARIK_CLIENT_SECRET_FILE": str(secret)})
        feed = RestReader(declared.source, mapper(declared), environ, lambda: NOW)  # type: ignore[arg-type]  # of kind rest
        with pytest.raises(SourceRefuses):
            feed.read(None)
        secret.write_text(ENVIRON["MUARA_CARIK_CLIENT_SECRET"], encoding="utf-8")
        feed.read(None)
        feed.close()


def test_credentials_that_are_not_set_are_told() -> None:
    """A secret that the environment lacks is named before anything is sent."""
    feed = reader("http://127.0.0.1:1", MUARA_CARIK_CLIENT_SECRET="")
    with pytest.raises(SourceRefuses, match="MUARA_CARIK_CLIENT_SECRET is not set"):
        feed.read(None)
    feed.close()


@pytest.mark.parametrize(
    ("answer", "why", "wait_s"),
    [
        ((429, {"Retry-After": "7"}, b""), "HTTP 429", 7.0),
        ((503, {"Retry-After": format_datetime(NOW.replace(minute=2), usegmt=True)}, b""), "HTTP 503", 120.0),
        ((503, {"Retry-After": "86400"}, b""), "HTTP 503", 300.0),
        ((503, {"Retry-After": "soon"}, b""), "HTTP 503", 0.0),
        ((429, {}, b""), "HTTP 429", 0.0),
        ((500, {}, b"<html>"), "HTTP 500", 0.0),
        ((404, {}, b""), "HTTP 404", 0.0),
        ((200, {}, b"<html>Selamat datang</html>"), "the answer is no JSON", 0.0),
        ((200, {}, b'{"data": [{"kode'), "the answer is no JSON", 0.0),
        ((200, {}, b"[]"), "no data in its answer", 0.0),
        ((200, {}, b'{"data": {}, "masih_ada": false}'), "data in its answer is no list", 0.0),
        (page(more=True, cursor=None), "more is there, but the answer has no berikutnya", 0.0),
        (page(masih_ada="yes"), "masih_ada in its answer is neither true nor false", 0.0),
        (page(cursor="\ud83d"), "berikutnya in its answer is no text in UTF-8", 0.0),
        (page(masih_ada=None), "masih_ada in its answer is neither true nor false", 0.0),
    ],
)
def test_answers_that_are_none(answer: Answer, why: str, wait_s: float) -> None:
    """An answer that is no page is waited out, as long as the source asks for within reason; nothing is taken from it."""
    with serving(answer) as (address, _):
        feed = reader(address)
        with pytest.raises(SourceAway) as caught:
            feed.read(at(1))
        feed.close()

    assert (caught.value.facts["why"], caught.value.wait_s) == (why, wait_s)


def test_a_source_that_is_not_there_is_waited_for() -> None:
    """A connection that is refused is told by its kind."""
    feed = reader("http://127.0.0.1:1")
    with pytest.raises(SourceAway, match="ConnectError"):
        feed.read(None)
    feed.close()


def test_a_cursor_that_goes_back_is_not_followed() -> None:
    """An old page that comes again does not take the position back."""
    with serving(page(family(1, at(1)), cursor=at(1), more=True)) as (address, _):
        feed = reader(address)
        batch = feed.read(at(5))
        feed.close()

    assert batch.position == at(5)


def test_a_cursor_that_stands_still_is_left_alone_for_a_while() -> None:
    """A source that says that more is there and never gives it is not asked in a circle."""
    with serving(page(family(1, at(1)), cursor=at(1), more=True)) as (address, asked):
        feed = reader(address)
        position = kept(feed.read(None))
        for _ in range(9):
            position = kept(feed.read(position))
        with pytest.raises(SourceAway, match="its cursor stands still") as caught:
            feed.read(position)
        feed.close()

    assert len(asked) == 11
    assert caught.value.wait_s == 5.0


def test_poison_is_put_aside_and_the_rest_goes_on() -> None:
    """Of a page with a broken family and a broken building the others are read, and the broken parts are known by their causes."""
    body = {
        "data": [building(family(1), family(2, no_kk="x")), {"kode_kelurahan": "x"}, building(family(3))],
        "berikutnya": at(9),
        "masih_ada": False,
    }
    with serving((200, {}, json.dumps(body).encode())) as (address, _):
        feed = reader(address)
        batch = feed.read(None)
        feed.close()

    assert len(batch.events) == 2
    assert sorted((one.field, one.cause, one.value) for one in batch.aside) == [
        ("household", "is not 16 digits", "a"),
        ("rumah_tangga[]", "is missing", "aaaa"),
    ]
    assert batch.position == at(9)


def test_what_was_put_aside_is_told_once() -> None:
    """The newest record comes with every question, since a cursor is inclusive; put aside it is once, and again only if it was not kept."""
    broken = {"kode_kelurahan": "x"}
    body = {"data": [building(family(1, no_kk="x")), broken], "berikutnya": at(9), "masih_ada": False}
    with serving((200, {}, json.dumps(body).encode())) as (address, _):
        feed = reader(address)
        lost, first = feed.read(at(9)), feed.read(at(9))
        kept(first)
        again = feed.read(at(9))
        feed.close()

    assert len(lost.aside) == len(first.aside) == 2
    assert again.aside == []


def test_only_unreadable_records_that_are_new_move_a_feed_on() -> None:
    """A page at a cursor that stands still is progress as long as it brings something new, be it readable or not."""
    pages = [page(family(1, at(1), no_kk=str(number)), cursor=at(1), more=True) for number in range(20)]
    with serving(*pages) as (address, _):
        feed = reader(address)
        read = [kept(feed.read(at(1))) for _ in range(20)]
        feed.close()

    assert read == [at(1)] * 20


def spoilt(serial: int, at: str, since: str = "2024-03-01") -> dict[str, Any]:
    """Return a change of a family that cannot be mapped."""
    return family(serial, at, berlaku_sejak=since, bantuan=[{"jumlah": 1}])


@pytest.mark.parametrize(
    ("pages", "left"),
    [
        ([[spoilt(1, at(1))], [family(1, at(2))]], 0),
        ([[spoilt(1, at(1)), family(1, at(2))]], 0),
        ([[spoilt(1, at(1))], [family(1, at(2), dibatalkan=True)]], 0),
        ([[spoilt(1, at(1))], [family(1, at(2), berlaku_sejak="2024-04-01")]], 1),
        ([[spoilt(1, at(1))], [family(2, at(2))]], 1),
        ([[spoilt(1, at(1))], [spoilt(1, at(2))]], 1),
        ([[spoilt(1, at(1)), spoilt(1, at(2), "2024-04-01")]], 2),
        ([[family(1, at(1)), spoilt(1, at(2))]], 1),
        ([[spoilt(1, at(1))], [family(1, at(2))], [spoilt(1, at(3))]], 1),
        ([[family(1, no_kk="x")], [family(1, at(2))]], 1),
    ],
    ids=[
        "corrected",
        "corrected in one page",
        "retracted",
        "another date",
        "another household",
        "wrong twice",
        "two dates",
        "spoilt later",
        "spoilt again",
        "unknown card",
    ],
)
def test_a_record_that_is_corrected_leaves_the_quarantine(tmp_path: Path, pages: list[list[dict[str, Any]]], left: int) -> None:
    """What was put aside stays there until the source says something of the same household and date that can be read."""
    answers = [page(*families, cursor=at(9)) for families in pages]
    with serving(*answers) as (address, _), StateFile(tmp_path / "s.sqlite", "carik") as state:
        feed = reader(address)
        keeping = Reader(feed.read, state, {"31.74": 1}, lambda: NOW, threading.Event(), spool_bytes=1 << 20, poll_s=0.0)
        for _ in [*pages, "the last page once more"]:
            keeping.step()
        feed.close()
        found = status(state.path)

    assert found is not None
    assert found.quarantined == len(quarantined(tmp_path / "s.sqlite")) == left


def test_reading_again_begins_at_a_time(city: CarikServer) -> None:
    """What was told from a time on is read again from there, inclusive, and goes on by its own position."""
    with city.running() as address:
        feed = reader(address)
        since = datetime(2024, 3, 5, 8, 0, 8, tzinfo=UTC)
        position, found = None, 0
        while True:
            batch = feed.again(since, position)
            found, position = found + len(batch.events), kept(batch)
            if batch.caught_up:
                break
        feed.close()

    assert city.asked[0] == at(8)
    assert found == 3


@pytest.mark.parametrize("token", [b"[" * 200_000, b'{"access_token": "t", "expires_in": %s}' % (b"9" * 400), b"<html>"])
def test_a_token_that_is_none_is_waited_for(token: bytes) -> None:
    """Whatever stands in the place of a token is told as such, and asked for again later."""
    with serving(page(), token=token) as (address, _), pytest.raises(SourceAway, match="no token"):
        reader(address).read(None)


def test_a_page_nested_without_end_is_no_page() -> None:
    """JSON deeper than anything we read is told as none."""
    with serving((200, {}, b"[" * 200_000)) as (address, _), pytest.raises(SourceAway, match="no JSON"):
        reader(address).read(None)
