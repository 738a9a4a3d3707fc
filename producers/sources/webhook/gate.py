"""
Which requests are let in: by their head, then by signature and time, then by how many come.

Why: what can be refused before a body is read costs nothing, and only what is signed may use up the rate.
Must not: know a clock, IO or a driver: the time is given.
"""

from collections.abc import Mapping

from producers.declaration import WebhookSource
from producers.sources.webhook.refusals import Refusal, RequestRefused
from producers.sources.webhook.signature import Secrets, seconds_of

__all__ = ["Bucket", "Gate"]

_LONGEST_DELIVERY = 200
_LONGEST_LENGTH = 12
"""Digits of a Content-Length."""


class Bucket:
    """A rate with a burst: as many as `burst` at once, then as many as `rate` a second."""

    def __init__(self, rate: float, burst: int) -> None:
        """Begin full."""
        self._rate, self._burst = rate, float(burst)
        self._left, self._at_s = float(burst), 0.0

    def take(self, now_s: float) -> bool:
        """Return whether one more may come at a time, in seconds of a clock that never goes back."""
        self._left = min(self._burst, self._left + max(now_s - self._at_s, 0.0) * self._rate)
        self._at_s = now_s
        if self._left < 1:
            return False
        self._left -= 1
        return True


class Gate:
    """The gate of one source; every method raises `RequestRefused` for what is not let in."""

    def __init__(self, declared: WebhookSource, secrets: Secrets) -> None:
        """Know what is declared."""
        self._declared, self._secrets = declared, secrets
        self._names = declared.headers
        self._bucket = Bucket(declared.rate, declared.burst)
        self.greatest_bytes = declared.greatest_kb << 10

    def head(self, method: str, path: str, headers: Mapping[str, str], now_s: float) -> None:
        """Judge a request's head, before anything of its body is read; `now_s` is the time since 1970."""
        if path != self._declared.path:
            raise RequestRefused(Refusal.ANOTHER_PATH)
        if method != "POST":
            raise RequestRefused(Refusal.NOT_POST)
        self._time(headers, now_s)
        if headers.get("Content-Type", "").partition(";")[0].strip().lower() != "application/json":
            raise RequestRefused(Refusal.NOT_JSON)
        if headers.get("Content-Encoding", "identity").strip().lower() != "identity":
            raise RequestRefused(Refusal.ENCODED)
        self._length(headers)

    def _time(self, headers: Mapping[str, str], now_s: float) -> None:
        told = seconds_of(headers.get(self._names.timestamp, ""))
        if told is None or self._names.signature not in headers:
            raise RequestRefused(Refusal.UNSIGNED)
        if abs(now_s - told) > self._declared.window_s:
            raise RequestRefused(Refusal.OUTSIDE_WINDOW)

    def _length(self, headers: Mapping[str, str]) -> None:
        if "Transfer-Encoding" in headers:
            return  # it is counted while it is read
        length = headers.get("Content-Length", "")
        if not (length.isascii() and length.isdigit()):
            raise RequestRefused(Refusal.NO_LENGTH)
        if len(length) > _LONGEST_LENGTH or int(length) > self.greatest_bytes:
            raise RequestRefused(Refusal.TOO_LARGE)

    def whole(self, headers: Mapping[str, str], body: bytes, now_s: float) -> str:
        """Judge a request of which all is there; return its delivery number. `now_s` is of a clock that never goes back."""
        if not self._secrets.signed(headers[self._names.timestamp], body, headers[self._names.signature]):
            raise RequestRefused(Refusal.WRONG_SIGNATURE)
        delivery = headers.get(self._names.delivery, "")
        if not 0 < len(delivery) <= _LONGEST_DELIVERY:
            raise RequestRefused(Refusal.NO_DELIVERY)
        if not self._bucket.take(now_s):
            raise RequestRefused(Refusal.TOO_FAST)
        return delivery
