"""
A small real sender that pushes notifications as Sumedang's village services do: signed, retried until they are taken, repeated, disordered.

Why: the conformance suite needs a source that does on cue what a simulated system does by chance.
Must not: import the product.
"""

import hashlib
import hmac
import http.client
import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

__all__ = ["SECRET", "SumedangSender"]

SECRET = "invented-secret"
_RETRY_S = 0.05


class SumedangSender:
    """The notifications of a regency: each is pushed until it is taken."""

    def __init__(self) -> None:
        """Know of nothing to tell."""
        self.told: list[tuple[str, bytes]] = []
        """All that was ever told: the delivery's number and the body."""
        self.refused: list[int] = []
        """HTTP codes that were no success."""
        self._waiting: list[tuple[str, bytes]] = []
        self._under_way = False
        self._changed = threading.Condition()
        self._ended = False

    @contextmanager
    def running(self, port: int) -> Iterator[None]:
        """Push to a loopback port until the end of the block."""
        thread = threading.Thread(target=self._run, args=(port,), daemon=True)
        thread.start()
        try:
            yield
        finally:
            with self._changed:
                self._ended = True
                self._changed.notify()
            thread.join(10)

    def tell(self, value: Any) -> None:
        """Push a notification or a batch of them."""
        delivery = ("00000000-0000-4000-8000-%012x" % (len(self.told) + 1), json.dumps(value).encode())
        self.told.append(delivery)
        self._add([delivery])

    def tell_again(self) -> None:
        """Push everything once more, the newest first, each under its old number."""
        self._add(self.told[::-1])

    def idle(self) -> bool:
        """Return whether all that was told is taken."""
        with self._changed:
            return not self._waiting and not self._under_way

    def _add(self, deliveries: list[tuple[str, bytes]]) -> None:
        with self._changed:
            self._waiting += deliveries
            self._changed.notify()

    def _run(self, port: int) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
        sent = 0
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._waiting or self._ended)
                if self._ended:
                    connection.close()
                    return
                # Every fourth time the newest goes first, and every fifth is sent twice.
                delivery = self._waiting.pop(-1 if sent % 4 == 3 else 0)
                self._under_way = True
            taken = self._pushed(connection, *delivery) and (sent % 5 != 4 or self._pushed(connection, *delivery))
            sent += 1
            with self._changed:
                self._under_way = False
                if not taken:
                    self._waiting.insert(0, delivery)
            if not taken:
                time.sleep(_RETRY_S)

    def _pushed(self, connection: http.client.HTTPConnection, delivery: str, body: bytes) -> bool:
        """Return whether a delivery is taken."""
        at = str(int(time.time()))
        signature = hmac.new(SECRET.encode(), at.encode() + b"." + body, hashlib.sha256).hexdigest()
        told = {"Content-Type": "application/json", "X-Signature": f"sha256={signature}", "X-Timestamp": at, "X-Delivery": delivery}
        try:
            connection.request("POST", "/desa", body, told)
            answer = connection.getresponse()
            answer.read()
        except (OSError, http.client.HTTPException):
            connection.close()
            return False
        if answer.status != http.HTTPStatus.OK:
            self.refused.append(answer.status)
            return False
        return True
