"""
A system that pushes signed JSON, as a region file of the kind `webhook` declares it: it goes on until what it pushes is taken.

Why: see stand_ins/__init__.py.
Must not: take anything for told before it was answered with success.
"""

import hashlib
import hmac
import http.client
import json
import secrets
import threading
import time
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any, Self

from deploy.certify.oddities import Odd, written
from deploy.certify.stand_ins import Lie, StandIn
from deploy.certify.told import Told
from deploy.certify.writing import Layers, Writer, put
from deploy.embedded.ports import free_port
from producers.declaration import Declaration, WebhookSource
from schemas.errors import Fatal

__all__ = ["PusherStandIn"]

_AT_ONCE = 100
"""Changes in one batch, where the protocol has batches."""
_RETRY_S = 0.05
_ANSWER_S = 15.0


@dataclass(frozen=True, slots=True)
class _Delivery:
    """One notification: its number, which stays when it is sent again, and its body."""

    number: str
    body: bytes


class TlsNotPlayed(Fatal):
    """a certification pushes without TLS, whose certificate is the region's own: certify a copy of the file without `tls`"""


class PusherStandIn(StandIn):
    """Everything that was told, pushed in its order by one thread."""

    is_asked = False

    def __init__(self, declared: Declaration) -> None:
        """Choose a port for the adapter, and have told nothing yet; raises `TlsNotPlayed`."""
        assert isinstance(declared.source, WebhookSource)  # noqa: S101 - opened by kind
        if declared.source.tls is not None:
            raise TlsNotPlayed
        self.source = declared.source
        super().__init__(declared, Writer(declared, depth=2 if self.source.records else 1))
        self._secret, self._port = secrets.token_hex(16), free_port()
        self._told: list[_Delivery] = []
        self._waiting: list[_Delivery] = []
        self._changed = threading.Condition()
        self._ended = False

    @classmethod
    def lies_of(cls, declared: Declaration) -> Sequence[Lie]:  # noqa: ARG003 - all who push can lie so
        """Return what anybody can push."""
        return (Lie.FORGED, Lie.STALE, Lie.TRUNCATED, Lie.OTHER_SECRET)

    @classmethod
    def opened(cls, declared: Declaration, folder: Path, server: str) -> Self:  # noqa: ARG003 - others need the rest
        """Return one."""
        return cls(declared)

    @property
    def placeholders(self) -> Mapping[str, str]:
        """Where the adapter listens, and the secret that signs."""
        return {"listen": f"127.0.0.1:{self._port}", self.source.secret_env[0]: self._secret}

    @property
    def secrets(self) -> Sequence[str]:
        """What signs or lets in."""
        return (self._secret,)

    @contextmanager
    def running(self) -> Iterator[None]:
        """Push until the end of the block."""
        thread = threading.Thread(target=self._push, name="pusher", daemon=True)
        thread.start()
        try:
            yield
        finally:
            with self._changed:
                self._ended = True
                self._changed.notify()
            thread.join()

    @property
    def all_taken(self) -> bool:
        """Whether everything that was told was answered with success."""
        with self._changed:
            return not self._waiting

    def _tell(self, changes: Sequence[Told], *, disorder: bool) -> None:
        records = [self.writer.record(told)[0] for told in (reversed(changes) if disorder else changes)]
        size = _AT_ONCE if self.source.records else 1
        for begin in range(0, len(records), size):
            self._add(self._notified(records[begin : begin + size]))

    def repeat(self) -> None:
        """Push the newest notification twice more: under its own number, as a retry, and under a new one."""
        newest = self._told[-1]
        self._wait_for([newest, _Delivery(str(uuid.uuid4()), newest.body)])

    def tell_everything_again(self) -> None:
        """Push all that was ever told, under new numbers; this is how a region mends an adapter that has lost its disk."""
        self._wait_for([_Delivery(str(uuid.uuid4()), one.body) for one in self._told])

    def tell_odd(self, told: Told, odd: Odd) -> None:
        """Push an odd notification."""
        self._add(self._notified([written(self.writer, told, odd)[0]]))

    def tell_garbage(self) -> None:
        """Push a batch with a text where a notification belongs, or a text instead of one."""
        self._add(self._notified(["bukan data"]))

    @contextmanager
    def away(self) -> Iterator[None]:
        """A system that pushes is never asked, so nobody notices."""
        yield

    @contextmanager
    def lying(self, lie: Lie) -> Iterator[None]:
        """Push once what must not be taken (another's signature, from long ago, cut off), which is not told again; or sign all wrongly."""
        right = self._secret
        if lie is Lie.OTHER_SECRET:
            self._secret = secrets.token_hex(16)
        else:
            self._push_once(lie)
        try:
            yield
        finally:
            self._secret = right

    def _push_once(self, lie: Lie) -> None:
        body = self._told[-1].body
        forged = _Delivery(str(uuid.uuid4()), body[: len(body) // 2] if lie is Lie.TRUNCATED else body)
        age_s = 2 * self.source.window_s if lie is Lie.STALE else 0
        secret = secrets.token_hex(16) if lie is Lie.FORGED else self._secret
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=_ANSWER_S)
        self._sent(connection, forged, secret, age_s)
        connection.close()

    def refuses_by_clock(self, wrong_by: timedelta) -> bool:
        """Return whether such a clock puts everything outside the window."""
        return abs(wrong_by.total_seconds()) > self.source.window_s

    # ---- pushing ---------------------------------------------------------------------------------------------------------

    def _notified(self, records: Sequence[Any]) -> Any:  # noqa: ANN401 - JSON
        """Return the body that carries records: a batch where there are several and the protocol has batches."""
        if self.source.records is None or (len(records) == 1 and isinstance(records[0], dict)):
            return records[0]
        body: Layers = [{}]
        put(body, self.source.records.removesuffix("[]"), list(records))
        return body[0]

    def _add(self, body: Any) -> None:  # noqa: ANN401 - JSON
        delivery = _Delivery(str(uuid.uuid4()), json.dumps(body).encode())
        self._told.append(delivery)
        self._wait_for([delivery])

    def _wait_for(self, deliveries: Sequence[_Delivery]) -> None:
        with self._changed:
            self._waiting += deliveries
            self._changed.notify()

    def _push(self) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=_ANSWER_S)
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._waiting or self._ended)
                if self._ended:
                    connection.close()
                    return
                delivery = self._waiting[0]
            code = self._sent(connection, delivery, self._secret)
            if 200 <= code < 300:
                with self._changed:
                    self._waiting.pop(0)
            else:
                time.sleep(_RETRY_S)

    def _sent(self, connection: http.client.HTTPConnection, delivery: _Delivery, secret: str, age_s: int = 0) -> int:
        """Return the code that a notification was answered with, 0 where nobody answered."""
        at = str(int(time.time()) - age_s)
        signature = hmac.new(secret.encode(), at.encode() + b"." + delivery.body, hashlib.sha256).hexdigest()
        names = self.source.headers
        told = {names.signature: f"sha256={signature}", names.timestamp: at, names.delivery: delivery.number}
        try:
            connection.request("POST", self.source.path, delivery.body, {"Content-Type": "application/json", **told})
            answer = connection.getresponse()
            answer.read()
        except (OSError, http.client.HTTPException):
            connection.close()
            return 0
        return answer.status
