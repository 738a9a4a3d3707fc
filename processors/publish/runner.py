"""
The process `muara publish`: folds what batches left, and sends what changed; one is active, others stand by.

Why: figures are current within milliseconds of a batch, and leave the house about once a second, whatever happens to the broker.
Must not: go on after anything unexpected: the process ends, and its supervisor starts it again.
"""

import logging
import sys
import time
from dataclasses import dataclass, field
from threading import Event, Thread

from processors.publish.topic import Fenced, Outlet
from processors.store.dispatch import Dispatch
from processors.store.fold import Folder, FoldResult, SessionLost
from schemas.errors import Retriable
from schemas.registry import Registry

__all__ = ["PublishSettings", "run"]

_LOG = logging.getLogger(__name__)
STANDBY_S = 0.5
POLL_S = 0.025
"""How often is looked when nothing waits: half of what a change may wait at most, and 40 cheap questions a second."""
MANY_CELLS = 5_000
REST = 3.0
LONGEST_REST_S = 1.5
"""
After a fold of many cells a rest of so many times its length, but no longer: in a first load many batches become one fold, and
workers get the processor. A smaller fold takes 5-20 ms and rests for one poll, since its rest is what the age of figures is made of.
"""
SEND_S = 1.0
"""A region is sent about once a second, or as often as a round over all that changed allows."""
SEND_REST = 4.0
LONGEST_SEND_REST_S = 0.2
"""
After each shipment so many times its length is rested, but no longer: a round over the country lasts a dozen seconds instead of
three, in which the fold would be late.
"""
RETRY_S = 1.0
REGIONS_AT_ONCE = 10
"""Regions in one transaction of Kafka: some two thousand records. More, and reading them keeps the folding thread from the interpreter."""
SWITCH_S = 0.001
"""How long the sending thread may keep the folding one waiting for the interpreter."""
_REPORT_S = 10.0


@dataclass(frozen=True, slots=True)
class PublishSettings:
    """Addresses of the services."""

    kafka: str
    registry: str
    database: str = field(repr=False)


def run(settings: PublishSettings, stop: Event, folder: Folder | None = None) -> int:
    """
    Fold and send until `stop` is set, and return 0; stand by while another process does.

    Another `folder` than the plain one is for who wants to watch it. Raises a `Fatal` where the database cannot be worked with at all.
    """
    sys.setswitchinterval(SWITCH_S)
    folder = folder or Folder(settings.database)
    waits = _Waits()
    try:
        while not stop.is_set():
            try:
                if folder.activate():
                    waits.over()
                    _LOG.info("folding and sending", extra={"action": "publisher_active"})
                    _be_active(settings, folder, stop)
                else:
                    waits.on("another process folds and sends, standing by", "publisher_standby")
            except SessionLost as error:
                waits.on(str(error), "publisher_waits")
            stop.wait(STANDBY_S)
    finally:
        folder.close()
    return 0


def _be_active(settings: PublishSettings, folder: Folder, stop: Event) -> None:
    """Fold in this thread and send in another, until `stop` is set or the session is lost."""
    sender = _Sender(settings)
    sender.start()
    report = _Report()
    try:
        while not stop.is_set():
            sender.check(folder)
            began = time.perf_counter()
            result = folder.fold()
            if result is None:
                stop.wait(POLL_S)
                continue
            report.add(result)
            stop.wait(_rest(result, time.perf_counter() - began))
    finally:
        sender.stop()


def _rest(result: FoldResult, spent_s: float) -> float:
    """Return how long the folding thread rests after a fold."""
    if result.more:
        return 0.0
    if result.cells < MANY_CELLS:
        return POLL_S
    return min(max(POLL_S, REST * spent_s), LONGEST_REST_S)


class _Waits:
    """Says once why the process waits, and not twice a second."""

    def __init__(self) -> None:
        self._said = ""

    def on(self, why: str, action: str) -> None:
        if why != self._said:
            _LOG.warning(why, extra={"action": action})
        self._said = why

    def over(self) -> None:
        self._said = ""


class _Report:
    """A line of log every ten seconds in which something was folded."""

    def __init__(self) -> None:
        self._since = time.monotonic()
        self._rows = self._cells = 0

    def add(self, result: FoldResult) -> None:
        self._rows += result.rows
        self._cells += result.cells
        if time.monotonic() - self._since < _REPORT_S:
            return
        oldest = min(result.arrived, default=None)
        _LOG.info(
            "folded",
            extra={
                "action": "folded",
                "batches": self._rows,
                "cells": self._cells,
                "latency_ms": round((time.time() - oldest.timestamp()) * 1000) if oldest else None,
            },
        )
        self._since, self._rows, self._cells = time.monotonic(), 0, 0


class _Sender:
    """The thread that sends; it ends when it is fenced or fails, and the thread that folds finds out."""

    def __init__(self, settings: PublishSettings) -> None:
        self._settings = settings
        self._stop = Event()
        self._failure: BaseException | None = None
        self._waits = _Waits()
        self._thread = Thread(target=self._run, name="sender", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Let the thread end; what it is sending is sent or not, and its marks stay where not."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join(2)

    def check(self, folder: Folder) -> None:
        """
        Raise what the thread failed with; start it again after it was fenced, if this process still is the one that folds.

        Whoever fenced it has taken over, or believed so wrongly: the session of the fold alone knows, and raises `SessionLost`.
        """
        failure = self._failure
        if failure is None:
            return
        if not isinstance(failure, Fenced):
            raise failure
        _LOG.warning(str(failure), extra={"action": "sender_fenced"})
        folder.assert_active()
        self._failure = None
        self._thread = Thread(target=self._run, args=(RETRY_S,), name="sender", daemon=True)
        self._thread.start()

    def _run(self, after_s: float = 0.0) -> None:
        self._stop.wait(after_s)
        schemas = Registry(self._settings.registry)
        outlet = Outlet(self._settings.kafka, schemas)
        dispatch = Dispatch(self._settings.database)
        try:
            while not self._stop.is_set():
                began = time.monotonic()
                try:
                    self._round(outlet, dispatch)
                    self._waits.over()
                except Fenced:
                    raise
                except Retriable as error:
                    self._waits.on(f"waiting: {error}", "sending_waits")
                    self._stop.wait(RETRY_S)
                spent = time.monotonic() - began
                self._stop.wait(max(SEND_S - spent, 0))
        except BaseException as error:  # noqa: BLE001 - whatever it is, the thread that folds must know
            self._failure = error
        finally:
            outlet.close()
            dispatch.close()
            schemas.close()

    def _round(self, outlet: Outlet, dispatch: Dispatch) -> None:
        """Send every region that was marked when the round began, and the rejected records of that moment."""
        outlet.open()
        codes = dispatch.regions()
        for begin in range(0, len(codes), REGIONS_AT_ONCE):
            if self._stop.is_set():
                return
            began = time.monotonic()
            shipment = dispatch.take(codes[begin : begin + REGIONS_AT_ONCE])
            sent = outlet.send_figures(shipment.figures, shipment.reference_version)
            settled = dispatch.settle(shipment)
            _LOG.debug("figures sent", extra={"action": "figures_sent", "figures": sent, "marks": len(shipment.marks), "settled": settled})
            self._stop.wait(min(SEND_REST * (time.monotonic() - began), LONGEST_SEND_REST_S))
        while (letters := dispatch.dead_letters()) and not self._stop.is_set():
            outlet.send_dead_letters(letters)
            dispatch.dead_letters_sent(letters)
            _LOG.info("rejected records sent", extra={"action": "rejected_sent", "records": len(letters)})
