"""
The pusher of a system that tells by itself: signed notices over HTTP, sent again until they are taken.

Why: whoever is told by webhook must bear notices that come twice, together, in disorder and long after, and may be away for a while:
the system keeps what was not taken.
Must not: forget a notice before a 2xx answer, or trust that nothing arrived because no answer did.

Signature: `X-Signature: sha256=` and the hex HMAC-SHA-256 of timestamp, `.` and body; `X-Timestamp` in seconds; `X-Delivery` stays the
same when a delivery is sent again.
"""

import asyncio
import hmac
import json
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from typing import Any, Protocol
from uuid import UUID

from aiohttp import ClientError, ClientSession, ClientTimeout

from deploy.demo.people import People

__all__ = ["Pusher", "Told", "signature"]

_SENDERS = 6
_REST_S = 0.02
_FIRST_WAIT_S, _GREATEST_WAIT_S = 0.1, 2.0
_TIMEOUT_S = 20.0
_MANY, _MOST = 100, 500
"""With so many waiting they are sent together, at most so many in one delivery."""
_OUT_OF_TURN, _REACH = 0.2, 50
_SENT_TWICE, _TOLD_TWICE = 0.04, 0.02
_TOO_LARGE = 413


class Told(Protocol):
    """Something to tell."""

    def as_record(self, people: People) -> dict[str, Any]:
        """Return it as the system's JSON says it."""


@dataclass(slots=True)
class _Delivery:
    """Notices that are sent together, under one id, until they are taken."""

    id: str
    told: list[Told]


class Pusher:
    """Takes notices out of `out` and sends them to one address."""

    def __init__(self, out: "deque[Any]", people: People, url: str, secret: bytes, chance: Random, now_s: Callable[[], float]) -> None:
        """Know where to send; `now_s` tells the time for signatures, in seconds since 1970."""
        self._out, self._people, self._url, self._secret = out, people, url, secret
        self._chance, self._now_s = chance, now_s
        self._in_hand = 0
        self.sent = 0
        """Deliveries that were taken, repetitions included."""

    @property
    def waiting(self) -> int:
        """How many notices were not taken yet."""
        return len(self._out) + self._in_hand

    async def run(self) -> None:
        """Send what there is, for ever."""
        async with ClientSession(timeout=ClientTimeout(_TIMEOUT_S)) as client, asyncio.TaskGroup() as senders:
            for _ in range(_SENDERS):
                senders.create_task(self._send_all(client))

    async def _send_all(self, client: ClientSession) -> None:
        while True:
            if not self._out:
                await asyncio.sleep(_REST_S)
                continue
            delivery = _Delivery(str(UUID(int=self._chance.getrandbits(128), version=4)), self._take())
            self._in_hand += len(delivery.told)
            await self._deliver(client, delivery)
            if self._chance.random() < _SENT_TWICE:
                await self._deliver(client, delivery)
            if self._chance.random() < _TOLD_TWICE:
                self._out.append(self._chance.choice(delivery.told))
            self._in_hand -= len(delivery.told)

    def _take(self) -> list[Told]:
        """Take one notice, at times out of turn, or many where many wait."""
        out = self._out
        if len(out) >= _MANY:
            return [out.popleft() for _ in range(min(_MOST, len(out)))]
        if self._chance.random() < _OUT_OF_TURN:
            place = self._chance.randrange(min(_REACH, len(out)))
            out.rotate(-place)
            told = out.popleft()
            out.rotate(place)
            return [told]
        return [out.popleft()]

    async def _deliver(self, client: ClientSession, delivery: _Delivery) -> None:
        """Send until it is taken; where it is too large, in two halves."""
        wait_s = _FIRST_WAIT_S
        while True:
            status, asked_s = await self._sent(client, delivery)
            if 200 <= status < 300:
                self.sent += 1
                return
            if status == _TOO_LARGE and (half := len(delivery.told) // 2):
                for part in (delivery.told[:half], delivery.told[half:]):
                    await self._deliver(client, _Delivery(str(UUID(int=self._chance.getrandbits(128), version=4)), part))
                return
            await asyncio.sleep(max(min(asked_s, _GREATEST_WAIT_S), wait_s * self._chance.uniform(0.5, 1.5)))
            wait_s = min(2 * wait_s, _GREATEST_WAIT_S)

    async def _sent(self, client: ClientSession, delivery: _Delivery) -> tuple[int, float]:
        """Return the answer's status, 0 where none came, and how long it asks to wait, in seconds."""
        records = [one.as_record(self._people) for one in delivery.told]
        body = json.dumps(records[0] if len(records) == 1 else {"notifikasi": records}).encode()
        at = str(int(self._now_s()))
        headers = {
            "Content-Type": "application/json",
            "X-Timestamp": at,
            "X-Signature": signature(self._secret, at, body),
            "X-Delivery": delivery.id,
        }
        try:
            async with client.post(self._url, data=body, headers=headers) as answer:
                await answer.read()
                asked = answer.headers.get("Retry-After", "")
                return answer.status, float(asked) if asked.isdigit() else 0.0
        except (ClientError, TimeoutError):
            return 0, 0.0


def signature(secret: bytes, at: str, body: bytes) -> str:
    """
    Return the value of `X-Signature` for a body sent at a time (seconds since 1970, as text).

    >>> signature(b"invented", "1709251200", b"{}")[:15]
    'sha256=bc69ada4'
    """
    return f"sha256={hmac.digest(secret, at.encode() + b'.' + body, 'sha256').hex()}"
