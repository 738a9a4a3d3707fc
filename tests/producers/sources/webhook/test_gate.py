"""The gate: each head and each body that is refused, with its cause, and how many may come."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from producers.sources.webhook.gate import Bucket, Gate
from producers.sources.webhook.refusals import Refusal, RequestRefused
from producers.sources.webhook.signature import Secrets
from tests.producers.sumedang import SECRET, headers, source

NOW = 1_714_619_045
BODY = b'{"id": 1}'


def refusal_of(method: str = "POST", path: str = "/desa", at: int = NOW, body: bytes = BODY, **said: str | None) -> Refusal | None:
    """Return why a request is refused, None where it is let in; `said` overrides headers, None leaves one out."""
    gate = Gate(source(greatest_kb=1), Secrets([SECRET]))
    told: dict[str, Any] = {**headers(body, at), "Content-Length": str(len(body))}
    told |= {name.replace("_", "-"): value for name, value in said.items()}
    told = {name: value for name, value in told.items() if value is not None}
    try:
        gate.head(method, path, told, NOW)
        gate.whole(told, body, 1.0)
    except RequestRefused as refused:
        return refused.refusal
    return None


@pytest.mark.parametrize(
    ("said", "wanted"),
    [
        ({}, None),
        ({"Content_Type": "Application/JSON; charset=utf-8"}, None),
        ({"Content_Encoding": "identity"}, None),
        ({"Content_Length": None, "Transfer_Encoding": "chunked"}, None),
        ({"at": NOW - 300}, None),
        ({"at": NOW + 300}, None),
        ({"path": "/"}, Refusal.ANOTHER_PATH),
        ({"path": "/desa/"}, Refusal.ANOTHER_PATH),
        ({"method": "GET"}, Refusal.NOT_POST),
        ({"method": "PUT"}, Refusal.NOT_POST),
        ({"X_Signature": None}, Refusal.UNSIGNED),
        ({"X_Timestamp": None}, Refusal.UNSIGNED),
        ({"X_Timestamp": "soon"}, Refusal.UNSIGNED),
        ({"at": NOW - 301}, Refusal.OUTSIDE_WINDOW),
        ({"at": NOW + 301}, Refusal.OUTSIDE_WINDOW),
        ({"X_Timestamp": str(NOW + 1)}, Refusal.WRONG_SIGNATURE),
        ({"X_Signature": "sha256=" + "0" * 64}, Refusal.WRONG_SIGNATURE),
        ({"X_Signature": ""}, Refusal.WRONG_SIGNATURE),
        ({"Content_Type": None}, Refusal.NOT_JSON),
        ({"Content_Type": "text/plain"}, Refusal.NOT_JSON),
        ({"Content_Encoding": "gzip"}, Refusal.ENCODED),
        ({"Content_Encoding": "gzip, identity"}, Refusal.ENCODED),
        ({"Content_Length": None}, Refusal.NO_LENGTH),
        ({"Content_Length": "-1"}, Refusal.NO_LENGTH),
        ({"Content_Length": "1024"}, None),
        ({"Content_Length": "1025"}, Refusal.TOO_LARGE),
        ({"Content_Length": "9" * 5000}, Refusal.TOO_LARGE),
        ({"X_Delivery": None}, Refusal.NO_DELIVERY),
        ({"X_Delivery": "x" * 201}, Refusal.NO_DELIVERY),
    ],
)
def test_who_is_let_in(said: dict[str, Any], wanted: Refusal | None) -> None:
    """What is as the region file declares it is let in, and all else is refused for its own cause."""
    assert refusal_of(**said) == wanted


def test_every_refusal_tells_whether_to_try_again() -> None:
    """Those that pass by themselves say when, and no other."""
    for refusal in Refusal:
        assert (refusal.retry_after_s > 0) == (refusal.status in (429, 503)), refusal


def test_a_forged_request_uses_up_nothing() -> None:
    """Only what is signed counts against the rate, so nobody else can keep the source out."""
    gate = Gate(source(rate=1, burst=1), Secrets([SECRET]))
    for _ in range(5):
        with pytest.raises(RequestRefused, match="wrong signature"):
            gate.whole({**headers(BODY, NOW), "X-Signature": "sha256=" + "0" * 64}, BODY, 1.0)

    assert gate.whole(headers(BODY, NOW, "d-7"), BODY, 1.0) == "d-7"
    with pytest.raises(RequestRefused, match="too fast"):
        gate.whole(headers(BODY, NOW), BODY, 1.5)
    assert gate.whole(headers(BODY, NOW), BODY, 2.5)


@given(st.lists(st.floats(0, 3), max_size=60), st.integers(1, 5), st.floats(0.5, 5))
def test_a_bucket_gives_no_more_than_its_burst_and_rate(pauses: list[float], burst: int, rate: float) -> None:
    """In any stretch of time from the beginning no more than burst + rate x time, and after a long pause the burst again."""
    bucket, now, given_out = Bucket(rate, burst), 100.0, 0
    for pause in pauses:
        now += pause
        given_out += bucket.take(now)
        assert given_out <= burst + rate * (now - 100.0) + 1e-6
    assert [bucket.take(now + 100) for _ in range(burst + 1)] == [True] * burst + [False]
