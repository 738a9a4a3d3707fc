"""
The source `webhook` as the adapter sees it: what was let in becomes batches, and each batch's commit lets the answers out.

Why: one transaction for many requests makes a promise per request affordable.
Must not: answer 2xx before the commit; log or keep a body, a header or a delivery's number.
"""

import hashlib
import logging
import os
import sqlite3
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from producers.checkpoint import StateFile, disk_faults
from producers.declaration import WebhookSource
from producers.faults import RecordUnreadable, SourcePushes, masked
from producers.mapping import Mapper
from producers.quarantine import PutAside
from producers.records import Node, Unreachable
from producers.sources import Batch, mapped
from producers.sources.webhook.memory import Deliveries, Tally, make_tables, note
from producers.sources.webhook.notifications import notifications, parsed
from producers.sources.webhook.refusals import Refusal, RequestRefused
from producers.sources.webhook.signature import Secrets
from producers.sources.webhook.standing import Standing
from producers.sources.webhook.waiting import Answer, Request

if TYPE_CHECKING:
    from producers.sources.webhook.server import Server

__all__ = ["WebhookReader"]

_log = logging.getLogger(__name__)
_MOST_REQUESTS, _MOST_BYTES = 500, 1 << 20
"""Of one batch, which the last body may exceed: a transaction of some 100 ms, whose JSON takes some ten times its bytes."""
_WAIT_S = 0.5
"""What a reading waits for a request; then it tells that nothing came, which is written down as every reading is."""
_TOLD_EVERY = timedelta(minutes=1)


@dataclass(slots=True)
class _Taken:
    """What a batch is made of."""

    answers: list[Answer] = field(default_factory=list)
    """Of requests that are kept with the batch."""
    marks: dict[bytes, None] = field(default_factory=dict)
    """Of deliveries that are new, in their order."""
    records: list[Node] = field(default_factory=list)
    faults: list[Unreachable] = field(default_factory=list)


class WebhookReader:
    """Receives what one system pushes."""

    def __init__(
        self, declared: WebhookSource, mapper: Mapper, state: StateFile, environ: Mapping[str, str], clock: Callable[[], datetime]
    ) -> None:
        """Make ready; `listen` opens the port. Raises `SecretMissing`."""
        self._declared, self._mapper, self._clock, self._environ = declared, mapper, clock, environ
        self._secrets = Secrets.from_environ(declared.secret_env, environ)
        with disk_faults(state.path):
            # Nobody can be asked again for what was answered with 2xx: here every commit waits for the disk.
            state.connection.execute("pragma synchronous = full")
            make_tables(state.connection)
        _keep_names(state.path)
        self._deliveries = Deliveries(state.connection, mapper.declared.mapping_version, declared.remember_s)
        self._tally = Tally(state.connection)
        self._server: Server | None = None
        self._address = ""
        self._noted: dict[str, int] = {}
        self._told_at: datetime | None = None
        self._told: dict[str, int] = self._tally.counts()
        self._standing = Standing(self._told)

    # ---- what the adapter's reader says to a source that receives -------------------------------------------------------------------

    def listen(self) -> None:
        """Open the port; raises `CannotListen`."""
        from producers.sources.webhook.server import Server  # noqa: PLC0415 - other sources need no HTTP server

        self._server = Server(self._declared, self._secrets, self._tally)
        self._address = self._server.start()
        _log.info("listening at %s", self._address, extra={"action": "listening", "address": self._address})

    def refuse(self) -> None:
        """Refuse what is not kept and all that comes, until something could be kept again."""
        if self._server is not None:
            self._server.waiting.refuse(Refusal.NOT_KEPT)

    def finish(self) -> None:
        """Let nothing in any more; what waits is for the last readings."""
        if self._server is not None:
            self._server.stop_accepting()

    # ---- the source ------------------------------------------------------------------------------------------------------------

    def read(self, position: str | None) -> Batch:
        """Return what was let in since, waiting a little where nothing was; the position says nothing: nobody can be asked again."""
        if self._server is None:
            self.listen()
        assert self._server is not None  # noqa: S101 - just opened
        self._secrets.renew(self._declared.secret_env, self._environ)
        if self._server.failed is not None:
            raise self._server.failed
        taken = self._taken_of(self._server.waiting.take(_MOST_REQUESTS, _MOST_BYTES, _WAIT_S))
        events, aside = mapped(self._mapper, taken.records, self._declared.path)
        aside |= {self._mapper.mark(fault.part): self._unreachable(fault) for fault in taken.faults}
        now, counts = self._clock(), self._tally.counts()
        self._tell(counts, now)
        note = self._standing.note(counts, taken=bool(taken.answers), now_s=time.monotonic())
        return Batch(
            events,
            position,
            caught_up=self._server.waiting.empty(),
            aside=list(aside.values()),
            corrected=[mark for event in events for mark in self._mapper.marks_of(event)],
            keep=lambda connection: self._keep(connection, taken, counts, now),
            kept=lambda: self._kept(taken, counts),
            note=note,
            warning=bool(note),
        )

    def again(self, since: datetime, position: str | None) -> Batch:  # noqa: ARG002
        """Raise `SourcePushes`: what was pushed is not kept, and nobody can be asked."""
        raise SourcePushes(source=self._mapper.declared.source_id, since=since.isoformat())

    def close(self) -> None:
        """Close the port."""
        if self._server is not None:
            self._server.close()

    # ---- from requests to a batch ----------------------------------------------------------------------------------------------------

    def _taken_of(self, requests: list[Request]) -> _Taken:
        """Return what requests bring; those that are no JSON are answered at once."""
        taken = _Taken()
        marks = [self._mark(request) for request in requests]
        known = self._deliveries.known(marks)
        for request, mark in zip(requests, marks, strict=True):
            if mark not in known and mark not in taken.marks:
                try:
                    records, faults = notifications(parsed(request.body), self._declared.records)
                except RequestRefused as refused:
                    self._settle([(request, refused.refusal)])
                    continue
                taken.records += records
                taken.faults += faults
                taken.marks[mark] = None
            taken.answers.append((request, None))
        return taken

    def _mark(self, request: Request) -> bytes:
        """
        Return what a delivery is known by: its number with its body, by the adapter's key.

        With the body, since the number is not signed: another body under a known number is something else, and is taken.
        """
        return self._mapper.mark(Node([request.delivery, hashlib.sha256(request.body).hexdigest()]))

    def _keep(self, connection: sqlite3.Connection, taken: _Taken, counts: Mapping[str, int], now: datetime) -> None:
        """Remember deliveries and how the receiver stands, in the transaction that keeps what they brought."""
        if taken.marks:
            self._deliveries.remember(list(taken.marks), now)
        changed = {cause: count for cause, count in counts.items() if self._noted.get(cause) != count}
        note(connection, self._address, len(taken.answers), len(taken.answers) - len(taken.marks), now, changed)

    def _kept(self, taken: _Taken, counts: dict[str, int]) -> None:
        """Answer all whose requests are on the disk now."""
        self._noted = counts
        if self._server is not None:
            self._server.waiting.open()
        self._settle(taken.answers)

    def _settle(self, answers: list[Answer]) -> None:
        if self._server is not None and answers:
            self._server.waiting.settle(answers)

    def _unreachable(self, fault: Unreachable) -> PutAside:
        told = RecordUnreadable(field=fault.field, cause=fault.cause, value=masked(type(fault.part.value).__name__))
        return PutAside.record(self._mapper.mark(fault.part), self._declared.path, told, self._mapper.told(fault.part, part=True))

    def _tell(self, counts: dict[str, int], now: datetime) -> None:
        """Log what was refused, when something was and not more often than once a minute."""
        if counts != self._told and (self._told_at is None or now - self._told_at >= _TOLD_EVERY):
            since = {cause: count - self._told.get(cause, 0) for cause, count in counts.items() if count != self._told.get(cause)}
            _log.warning("requests refused: %s", since, extra={"action": "requests_refused", "refused": since})
            self._told, self._told_at = counts, now


def _keep_names(state_file: Path) -> None:
    """Bring the names of the adapter's file and of its folder to the disk: a file that a power cut unnames is lost as a whole."""
    for folder in (state_file.parent, state_file.parent.parent):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
