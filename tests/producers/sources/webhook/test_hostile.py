"""What a network may do to a receiver: too much, too slow, encoded, chunked, no HTTP at all; and what keeps it from starting."""

import gzip
import socket
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack
from functools import partial
from pathlib import Path

import pytest

from producers.faults import CannotListen, SecretMissing
from tests.certificates import certify
from tests.contract.harness import until
from tests.producers.sources.webhook.receiver import Receiver, receiving
from tests.producers.sumedang import body_of, family, headers

BOMB = gzip.compress(b"[" + b"0," * 20_000_000 + b"0]")


def head_of(body: bytes, length: int | None = None, **said: str) -> bytes:
    """Return the head of a signed request, as bytes."""
    told = {"Host": "x", **headers(body, int(time.time()), said=said)}
    if "Transfer_Encoding" not in said:
        told["Content-Length"] = str(len(body) if length is None else length)
    return b"POST /desa HTTP/1.1\r\n" + "".join(f"{name}: {value}\r\n" for name, value in told.items()).encode() + b"\r\n"


def chunked(body: bytes, size: int = 1000) -> bytes:
    """Return a body in chunks."""
    parts = [body[begin : begin + size] for begin in range(0, len(body), size)]
    return b"".join(f"{len(part):x}\r\n".encode() + part + b"\r\n" for part in parts) + b"0\r\n\r\n"


def status_of(answer: bytes) -> bytes:
    """Return the status of a raw answer."""
    return answer[9:12]


@pytest.fixture
def one(tmp_path: Path) -> Iterator[Receiver]:
    """A receiver with small bounds: 4 kB, 1 s, eight connections."""
    with receiving(tmp_path, greatest_kb=4, timeout_s=1, connections=8) as found:
        yield found
        assert found.push(body_of(family(77)), "last") == 200, "it still takes what is right"


def test_a_body_that_is_too_large_is_not_read(one: Receiver) -> None:
    """By its length it is refused before any of it came."""
    assert status_of(one.spoken(head_of(b"x", 4097))) == b"413"
    assert status_of(one.spoken(head_of(b"x", 10**11))) == b"413"


def test_a_chunked_body_is_read_to_the_limit_and_no_further(one: Receiver) -> None:
    """One within it is taken; one beyond is refused while it is still being sent."""
    body = body_of(family(1))
    assert status_of(one.spoken(head_of(body, Transfer_Encoding="chunked", Connection="close") + chunked(body))) == b"200"
    large = b"x" * 5000
    assert status_of(one.spoken(head_of(large, Transfer_Encoding="chunked") + chunked(large)[:-5])) == b"413"
    assert one.received.taken == 1


def test_a_gzip_bomb_is_not_opened(one: Receiver) -> None:
    """An encoded body is refused by its head, signed or not."""
    assert len(BOMB) < 64 << 10
    assert one.push(BOMB[:4000], Content_Encoding="gzip") == 415
    assert status_of(one.spoken(head_of(b"x", Transfer_Encoding="gzip, chunked") + chunked(BOMB[:4000]))) in (b"400", b"401", b"413")
    assert one.received.taken == 0


def test_a_request_without_a_length_is_refused(one: Receiver) -> None:
    """It must say how long it is, or come in chunks."""
    bare = head_of(b"").replace(b"Content-Length: 0\r\n", b"")
    assert status_of(one.spoken(bare.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"))) == b"411"


@pytest.mark.parametrize(
    "sent",
    [
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",  # TLS where none is spoken
        b"GET\r\n\r\n",
        b"POST /desa HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
        b"POST /desa HTTP/1.1\r\nHost: x\r\nContent-Length: -5\r\n\r\n",
        b"POST /desa HTTP/1.1\r\nHost: x\r\nX-A: " + b"x" * 20_000 + b"\r\n\r\n",
        b"POST /desa HTTP/1.1\r\nHost: x\r\n" + b"".join(b"X-%d: 1\r\n" % one for one in range(500)) + b"\r\n",
        b"POST /" + b"x" * 20_000 + b" HTTP/1.1\r\n\r\n",
    ],
)
def test_what_is_no_http_is_answered_and_counted(one: Receiver, sent: bytes) -> None:
    """It is told nothing of what it sent, and the connection is closed."""
    answer = one.spoken(sent)

    assert status_of(answer) == b"400"
    assert b"xxxx" not in answer
    until(lambda: one.received.refused == {"no HTTP that can be read": 1}, "counted")


def test_a_broken_chunk_is_refused(one: Receiver) -> None:
    """At once, or when the time of a body is over; nothing of it is taken."""
    assert status_of(one.spoken(head_of(b"x", Transfer_Encoding="chunked"), b"zz\r\nxx\r\n", pause_s=0.2)) in (b"400", b"408")
    assert one.received.taken == 0


def test_a_head_that_trickles_is_cut_off(one: Receiver) -> None:
    """Byte by byte it does not come beyond the time that a head may take."""
    begun = time.monotonic()
    one.spoken(*(bytes([byte]) for byte in head_of(b"x")), pause_s=0.05)

    assert time.monotonic() - begun < 4


def test_a_body_that_trickles_is_cut_off(one: Receiver) -> None:
    """It is told so when its time is over."""
    answer = one.spoken(head_of(b"x" * 1000), *[b"x"] * 30, pause_s=0.05)

    assert status_of(answer) == b"408"


def test_a_sender_that_goes_away_leaves_nothing(one: Receiver) -> None:
    """In the middle of a body, or before its answer."""
    for end in (-1, None):
        with socket.create_connection(("127.0.0.1", one.port)) as line:
            body = body_of(family(1))
            line.sendall(head_of(body) + body[:end])
    until(lambda: one.received.taken == 1, "the whole one is taken")

    assert one.push(body_of(family(2)), "after") == 200
    assert one.received.taken == 2


def test_one_connection_too_many_is_sent_away(one: Receiver) -> None:
    """It is told to come again; when another ends there is room."""
    with ExitStack() as lines:
        for _ in range(8):
            line = lines.enter_context(socket.create_connection(("127.0.0.1", one.port)))
            line.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
            assert line.recv(100).startswith(b"HTTP/1.1 404")
        told = one.spoken()
        assert status_of(told) == b"503"
        assert b"Retry-After: 1" in told
    until(lambda: one.push() == 200, "room again")


def taken(one: Receiver, serial: int) -> bool:
    """Return whether a family is taken this time."""
    return one.push(body_of(family(serial)), f"d-{serial}") == 200


def test_a_flood_is_slowed_down(tmp_path: Path) -> None:
    """Beyond the burst each is told to come again; all are taken in the end."""
    with receiving(tmp_path, rate=20, burst=5) as one:
        answers = [one.asked(body_of(family(serial)), f"d-{serial}") for serial in range(1, 11)]
        slow = [told for status, told in answers if status == 429]
        assert [status for status, _ in answers][:5] == [200] * 5
        assert slow
        assert all(told["Retry-After"] == "1" for told in slow)
        for serial in range(1, 11):
            until(partial(taken, one, serial), f"family {serial} in the end")
        assert one.status.spooled == 10


def test_a_large_body_may_ask_first(one: Receiver) -> None:
    """Who expects 100 is told to go on, and is refused instead where it will not be taken."""
    body = body_of(family(1))
    answer = one.spoken(head_of(body, Expect="100-continue", Connection="close"), body, pause_s=0.2)
    assert answer.startswith(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200")
    assert one.spoken(head_of(body, 10**6, Expect="100-continue")).startswith(b"HTTP/1.1 413")


def test_requests_in_one_packet_are_answered_in_order(one: Receiver) -> None:
    """A sender need not wait for an answer before it sends the next."""
    bodies = [body_of(family(serial)) for serial in range(1, 6)]
    packet = b"".join(head_of(body, X_Delivery=f"d-{number}") + body for number, body in enumerate(bodies))
    answer = one.spoken(packet + head_of(b"", Connection="close"))

    assert answer.count(b"HTTP/1.1 200") == 5
    assert answer.count(b"HTTP/1.1 400") == 1
    assert one.received.taken == 5


def test_over_tls(tmp_path: Path) -> None:
    """With certificate and key it speaks TLS and nothing else."""
    paths = {"certificate": str(tmp_path / "cert.pem"), "key": str(tmp_path / "key.pem")}
    certify(tmp_path / "cert.pem", tmp_path / "key.pem")
    with receiving(tmp_path, tls=paths, timeout_s=2) as one:
        connection = one.connection(ssl.create_default_context(cafile=paths["certificate"]))
        body = body_of(family(1))
        connection.request("POST", "/desa", body, headers(body, int(time.time())))
        assert connection.getresponse().status == 200
        connection.close()
        assert one.spoken(b"GET / HTTP/1.1\r\n\r\n")[:4] != b"HTTP"


def test_a_port_in_use_ends_it_in_one_line(tmp_path: Path) -> None:
    """The line names the address and the cause."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        with receiving(tmp_path, work=False, listen=address) as one, pytest.raises(CannotListen) as caught:
            one.reader.run(threading.Event())
    assert str(caught.value).startswith(f"cannot listen at {address} (Address already in use)")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("listen", ["192.0.2.1:0", "no-such-host.invalid:1"])
def test_an_address_that_is_not_ours_ends_it(tmp_path: Path, listen: str) -> None:
    """Whatever it is, it is one clear line."""
    with receiving(tmp_path, work=False, listen=listen) as one, pytest.raises(CannotListen):
        one.source.listen()


def test_a_certificate_that_cannot_be_read_ends_it(tmp_path: Path) -> None:
    """Before the port is open to anybody."""
    nowhere = {"certificate": str(tmp_path / "none"), "key": str(tmp_path / "none")}
    with (
        receiving(tmp_path, work=False, tls=nowhere) as one,
        pytest.raises(CannotListen, match="its certificate or key: FileNotFoundError"),
    ):
        one.source.listen()


def test_without_its_secret_it_does_not_start(tmp_path: Path) -> None:
    """It would have to take everything, or nothing."""
    with pytest.raises(SecretMissing), receiving(tmp_path, environ={"MUARA_SUMEDANG_DESA_SECRET": ""}):
        pass


def test_other_sources_do_not_pay_for_the_server() -> None:
    """An adapter that asks does not import an HTTP server."""
    program = "import sys, producers.runner; sys.exit('aiohttp' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0  # noqa: S603 - our own Python
