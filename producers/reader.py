"""
The reading half of an adapter: source -> events -> spool, batch by batch, each with its new read position in one transaction.

Why: whatever is killed, either a batch is in the spool and the position behind it, or neither, and it is read again.
Must not: publish; or read on while the spool is full.

A first load is read beside the changes, and the spool is one queue: a change waits for all that was spooled before it. So of a source that
can (`LoadsBeside`) the load is read only while no more waits than is delivered in half a second (`LoadAhead`): its pace is then the
broker's, and no change has more than that and one page in front of it.
"""

import hashlib
import logging
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import datetime
from itertools import chain, islice

from producers.aside_log import AsideTold
from producers.backfill_log import BackfillKept
from producers.backoff import Backoff
from producers.checkpoint import StateFile
from producers.delivery import Delivery
from producers.drift import Notice
from producers.drift_log import DriftKept
from producers.encoding import GREATEST_BYTES, encode, under
from producers.faults import DiskRefuses, RecordUnreadable, SourceAway, SourceFrozen
from producers.load_ahead import LoadAhead
from producers.quarantine import PutAside, put_aside, take_back, take_back_records
from producers.sealed import is_full
from producers.sealing import Seal
from producers.sources import Batch, LoadsBeside, Receiving
from producers.spool import Spool

__all__ = ["Reader", "remember"]

_log = logging.getLogger(__name__)
_LOOK_AGAIN_S = 0.2
_FROZEN_S = 1.0
"""How often a frozen adapter looks whether a person has accepted what froze it; the source is left alone meanwhile."""
_TOGETHER = 5_000
"""Events that are encoded at once: a batch may be a village of many thousand families, which need not lie in memory twice."""


def remember(state: StateFile, batch: Batch, at: datetime, seal: Seal | None = None) -> None:
    """
    Bring the quarantine and the source's own memory up to date with a batch; belongs into one transaction.

    With a seal what is put aside is kept for repair.
    """
    if batch.mended is not None:
        take_back(state, batch.mended)
    take_back_records(state, batch.corrected, batch.corrects_before)
    put_aside(state, batch.aside, at, seal)
    if batch.keep is not None:
        batch.keep(state.connection)


class Reader:
    """Reads one source into the spool; used by one thread."""

    def __init__(
        self,
        read: Callable[[str | None], Batch],
        state: StateFile,
        schema_ids: Mapping[str, int],
        clock: Callable[[], datetime],
        spooled: threading.Event,
        *,
        spool_bytes: int,
        poll_s: float,
        drift: DriftKept | None = None,
        receiving: Receiving | None = None,
        delivered: Callable[[str], None] | None = None,
        loads: LoadsBeside | None = None,
        seal: Seal | None = None,
        remind: Callable[[datetime], None] | None = None,
    ) -> None:
        """
        Know how to read and where to keep; `schema_ids` are those of each regency's topic, `spooled` is set when something was added.

        `drift` keeps what the mapper notices of it; without it nothing of drift is kept, and nothing may freeze. `receiving` is a source
        that is told. `delivered` is told, between two readings, up to which position everything is delivered. `loads` is a source whose
        first load runs beside its changes. `remind` is called before each reading, and tells what a person is to do when it is time.

        With a `seal` records that are put aside are kept for repair.
        """
        self._seal, self._remind = seal, remind
        self._read, self._state, self._spool = read, state, Spool(state)
        self._schema_ids, self._clock, self._spooled = schema_ids, clock, spooled
        self._spool_bytes, self._poll_s = spool_bytes, poll_s
        self._drift = drift
        self._backoff, self._receiving = Backoff(), receiving
        self._delivered, self._delivery = delivered, Delivery(self._spool, state.position())
        self._loads, self._ahead, self._backfill = loads, LoadAhead(), BackfillKept(state.connection)
        self._told: tuple[str, str] | None = None
        self._tell_aside = AsideTold()
        self.caught_up = threading.Event()
        """Set when the source said that nothing more is there."""

    def run(self, stop: threading.Event, *, once: bool = False) -> None:
        """Read until `stop` is set, or with `once` until the source has nothing more; what a source let in before the stop is kept."""
        if self._receiving is not None:
            self._receiving.listen()
        while not stop.is_set():
            pause_s = self.step()
            if once and self.caught_up.is_set():
                break
            stop.wait(pause_s)
        if self._receiving is not None:
            self._receiving.finish()
            self.caught_up.clear()
            while not self.caught_up.is_set() and self.step() == 0:
                pass
        self._say("stopped")

    def step(self) -> float:
        """Read and keep one batch; return how long to wait before the next, in seconds."""
        try:
            if self._remind is not None:
                self._remind(self._clock())
            if self._delivered is not None and (upto := self._delivery.upto()) is not None:
                self._delivered(upto)
            if (full := self._full()) is not None:
                self._refuse()
                self._say(*full)
                return _LOOK_AGAIN_S
            if self._drift is not None:
                if self._drift.frozen():
                    self._refuse()
                    return _FROZEN_S
                self._drift.begin()
            asked_at = self._clock()
            if self._loads is not None:
                self._loads.may_load(may=self._ahead.may(*self._spool.counts(), asked_at))
            batch = self._read(self._state.position())
            self._keep(batch, asked_at)
        except SourceFrozen as frozen:
            return self._freeze(frozen)
        except SourceAway as away:
            self._say("waiting for source", away.told)
            return self._backoff.pause_s(away.wait_s)
        except DiskRefuses as refused:
            self._refuse()
            self._say("waiting for disk", str(refused.facts["why"]))
            return self._backoff.pause_s()
        self._backoff.over()
        # What receives is caught up and not, many times a second; its state is one.
        told = "receiving" if self._receiving is not None else "caught up" if batch.caught_up else "reading"
        self._say(told, batch.note, warning=batch.warning)
        return batch.wait_s if batch.wait_s is not None else self._poll_s if batch.caught_up else 0.0

    def _full(self) -> tuple[str, str] | None:
        """Return the state in which nothing may be read, since there is no room for it, and what is full; None where there is room."""
        if self._spool.size()[1] >= self._spool_bytes:
            return "spool full", f"{self._spool_bytes >> 20} MB wait for the broker; reading waits"
        if self._receiving is not None and self._seal is not None and is_full(self._state.connection):
            return "quarantine full", "what was pushed and could not be read has no room any more: see muara rejected group --region"
        return None

    def _refuse(self) -> None:
        """Let a source that is told know that nothing can be kept now."""
        if self._receiving is not None:
            self._receiving.refuse()

    def _keep(self, batch: Batch, asked_at: datetime) -> None:
        """Commit a batch with its position, or nothing of it."""
        with self._state.transaction():
            aside = [*batch.aside, *self._append(batch)]
            remember(self._state, replace(batch, aside=aside), asked_at, self._seal)
            new = self._drift.keep(self._state.connection, asked_at) if self._drift is not None else ()
            self._backfill.keep(batch.backfill, asked_at)
            self._state.move(batch.position, asked_at, nothing_more=batch.caught_up)
        if batch.kept is not None:
            batch.kept()
        if self._drift is not None:
            self._drift.kept()
        if self._delivered is not None:
            self._delivery.kept(batch.position)
        if batch.events or batch.encoded:
            self._spooled.set()
        _tell(new)
        if (progress := self._backfill.words(batch.backfill, asked_at)) is not None:
            _log.info("first load: %s", progress, extra={"action": "first_load", "progress": progress})
        self._tell_aside(aside, self._clock())
        if batch.caught_up:
            self.caught_up.set()
        else:
            self.caught_up.clear()

    def _freeze(self, frozen: SourceFrozen) -> float:
        """Keep nothing but why reading stops; return how long to wait before looking whether it was accepted."""
        if self._drift is None:
            raise frozen
        self._refuse()
        try:
            self._drift.freeze(frozen, self._clock())
        except DiskRefuses as refused:
            self._say("waiting for disk", str(refused.facts["why"]))
            return self._backoff.pause_s()
        self._say("frozen", str(frozen))
        return _FROZEN_S

    def _append(self, batch: Batch) -> list[PutAside]:
        """Spool a batch's events, some at a time, and return those that are put aside because no record of Kafka could hold them."""
        large: list[PutAside] = []
        encoded = _encoded(batch, self._schema_ids)
        ready = ((one.region, one.household, under(one.value, self._schema_ids[one.region])) for one in batch.encoded)
        left = chain(encoded, ready)
        while some := list(islice(left, _TOGETHER)):
            for _, _, value in some:
                if len(value) > GREATEST_BYTES:
                    fault = RecordUnreadable(field="event", cause=f"is too large for a record of Kafka: {len(value)} bytes", value="hidden")
                    mark = hashlib.sha256(value).digest()[:16]  # of what may leave the region: it needs no key
                    large.append(PutAside.record(mark, batch.mended or self._state.source, fault))
            self._spool.append(one for one in some if len(one[2]) <= GREATEST_BYTES)
        return large

    def _say(self, state: str, why: str = "", *, warning: bool = True) -> None:
        if self._told == (state, why):
            return
        log = _log.warning if why and warning else _log.info
        log("reading: %s", state, extra={"action": "reading_state", "state": state, "why": why})
        self._told = (state, why)
        try:
            self._state.reading(state, why)
        except DiskRefuses:
            self._told = None  # told again as soon as the disk takes it


def _encoded(batch: Batch, schema_ids: Mapping[str, int]) -> Iterator[tuple[str, bytes, bytes]]:
    """Give a batch's events as they are spooled: regency, household, bytes."""
    if batch.written is None:
        return ((event.region, event.household, encode(event, schema_ids[event.region])) for event in batch.events)
    told = zip(batch.events, batch.written, strict=True)
    return ((event.region, event.household, under(value, schema_ids[event.region])) for event, value in told)


def _tell(new: Iterable[Notice]) -> None:
    """Tell once what was not noticed before; what is discarded was to go untold."""
    for field, kind, mode in new:
        if mode != "discard":
            what = {"action": "drift", "field": field, "kind": kind, "mode": mode}
            _log.warning("the source has changed: %s, %s", field, kind.replace("_", " "), extra=what)
