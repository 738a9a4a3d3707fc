"""
The publisher: from the spool to Kafka, each regency's events in order; what was delivered leaves the spool and is noted in the ledger.

Why: it is the only importer of a producer on this side, so delivery has one meaning: the broker's report, idempotent, acks=all.
Must not: make topics (muara sources load does), change an event, or give an event up.
"""

import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from operator import attrgetter

from confluent_kafka import KafkaError, KafkaException, Message, Producer

from producers.checkpoint import StateFile
from producers.faults import DiskRefuses
from producers.ledger import Ledger
from producers.spool import Spool, Spooled
from schemas.addresses import settings_of
from schemas.receipts import Placed
from schemas.topics import household_topic

__all__ = ["Publisher"]

_log = logging.getLogger(__name__)
_CHUNK = 2_000
_MOST_IN_FLIGHT = 20_000
"""
Events handed over and not reported yet: enough to fill batches, some 20 MB; more would only fill memory while a broker is away.

Every lane has an equal share: events never time out, so those of one topic that does not answer would take all there is.
"""
_ASK_TOPICS_S = 2.0
_ANSWER_S = 3.0
_IDLE_S = 0.2
_AWAY = (KafkaError._ALL_BROKERS_DOWN, KafkaError._TRANSPORT, KafkaError._RESOLVE, KafkaError._TIMED_OUT)  # noqa: SLF001 - their names
_NOT_LET_IN = (KafkaError._AUTHENTICATION, KafkaError._SSL)  # noqa: SLF001
_CREDENTIALS = "check the credentials and certificates in the file of MUARA_KAFKA_SETTINGS, it is read again; changes wait in the spool"
_NO_TOPIC = (KafkaError.UNKNOWN_TOPIC_OR_PART, KafkaError._UNKNOWN_TOPIC, KafkaError._UNKNOWN_PARTITION)  # noqa: SLF001


@dataclass(slots=True)
class _InFlight:
    """One event handed to the producer."""

    lane: "_Lane"
    event: Spooled
    done: bool = False
    partition: int = 0
    offset: int = -1
    """Where the broker put it; below 0 where it did not say."""

    def report(self, error: KafkaError | None, message: Message) -> None:
        """Take the broker's report."""
        self.done = True
        if error is not None:
            self.lane.failed = error
            return
        offset = message.offset()
        if offset is not None:
            self.partition, self.offset = message.partition() or 0, offset


@dataclass(slots=True)
class _Lane:
    """One regency's events: those behind `handed` are still to be handed over, those in flight wait for their report, in order."""

    region: str
    topic: str
    handed: int = 0
    in_flight: deque[_InFlight] = field(default_factory=deque)
    failed: KafkaError | None = None
    there: bool = False
    """Whether the topic is known to exist."""
    refusal: str = ""
    """Name of the error for which its first event was refused, until one is delivered; a topic that is not there refuses nothing."""


def _placed(delivered: Sequence[_InFlight]) -> dict[int, list[Placed]]:
    """Return what was delivered where, by partition; nearly always there is one."""
    placed: dict[int, list[Placed]] = {}
    for partition, sent in groupby(delivered, attrgetter("partition")):
        placed.setdefault(partition, []).extend([(one.offset, one.event.household, one.event.value) for one in sent])
    return placed


class Publisher:
    """Sends one adapter's spool; used by one thread."""

    def __init__(
        self,
        kafka: str,
        regencies: Iterable[str],
        state: StateFile,
        spooled: threading.Event,
        ledger: Ledger | None = None,
    ) -> None:
        """
        Know the brokers and the spool; `spooled` is set by whoever adds to it.

        What is delivered is noted in the ledger, without one in the state file's own.
        """
        self._kafka, self._state, self._spool, self._spooled = kafka, state, Spool(state), spooled
        self._ledger = ledger or Ledger(state)
        self._lanes = [_Lane(region, household_topic(region)) for region in regencies]
        self._share = max(_MOST_IN_FLIGHT // max(len(self._lanes), 1), 1)
        self._away = False
        self._refused = ""
        """Name of the error for which the brokers do not let us in; empty where they do."""
        self._security: dict[str, str] = {}
        self._asked_topics_s = -_ASK_TOPICS_S
        self._told: tuple[str, str] | None = None
        self._producer = self._made()

    def run(self, stop: threading.Event, finished: Callable[[], bool] = lambda: False) -> None:
        """Send until `stop` is set, or `finished` says that nothing more will be added and nothing waits any more."""
        while not stop.is_set():
            nothing_more = finished()  # asked first, so that what was added last is still seen by this step
            try:
                busy = self.step()
            except DiskRefuses as error:
                _log.warning("disk refuses what was delivered", extra={"action": "disk_refuses", "why": str(error)})
                stop.wait(1.0)
                continue
            if not busy:
                if nothing_more and not self._spool.size()[0]:
                    return
                self._spooled.wait(_IDLE_S)
                self._spooled.clear()

    def step(self) -> bool:
        """Hand over what can be handed over, take reports, forget what was delivered; return whether anything is under way."""
        self._know_topics()
        handed = sum(self._hand_over(lane) for lane in self._lanes if lane.there and lane.failed is None)
        flying = any(lane.in_flight for lane in self._lanes)
        self._producer.poll(0.05 if flying and not handed else 0.0)
        for lane in self._lanes:
            self._settle(lane)
        self._tell()
        return flying

    def stop(self, wait_s: float) -> None:
        """Wait a little for what is in flight; what is not reported by then stays in the spool and is sent again."""
        self._producer.flush(wait_s)
        for lane in self._lanes:
            self._settle(lane)
        self._producer.purge()
        self._producer.flush(0.1)
        self._say("stopped")

    # ---- topics --------------------------------------------------------------------------------------------------------------

    def _know_topics(self) -> None:
        """Ask the broker which topics exist, where one is not known to, and whether it is back, where it was away; the others go on."""
        known_all = all(lane.there for lane in self._lanes) and not self._away
        if known_all or time.monotonic() < self._asked_topics_s + _ASK_TOPICS_S:
            return
        try:
            known = self._producer.list_topics(timeout=_ANSWER_S).topics
        except KafkaException:
            self._away = True
            self._try_new_credentials()
        else:
            self._away, self._refused = False, ""
            for lane in self._lanes:
                lane.there = lane.topic in known
        self._asked_topics_s = time.monotonic()

    def _try_new_credentials(self) -> None:
        """Where we are not let in and the settings have changed meanwhile, begin anew with those."""
        if self._refused and settings_of(self._kafka) != self._security:
            self._begin_anew(self._refused)
            self._refused = ""

    # ---- handing over ----------------------------------------------------------------------------------------------------------

    def _hand_over(self, lane: _Lane) -> int:
        room = min(_CHUNK, self._share - len(lane.in_flight))
        if room <= 0:
            return 0
        handed = 0
        for event in self._spool.after(lane.region, lane.handed, room):
            flying = _InFlight(lane, event)
            try:
                self._producer.produce(lane.topic, event.value, event.household, on_delivery=flying.report)
            except BufferError:
                break
            except KafkaException as error:
                lane.failed = error.args[0]
                break
            lane.in_flight.append(flying)
            lane.handed = event.seq
            handed += 1
        return handed

    # ---- reports ---------------------------------------------------------------------------------------------------------------

    def _settle(self, lane: _Lane) -> None:
        """Forget what was delivered, from the first on; after a failure wait for all reports, then begin again at the first."""
        if lane.failed is not None:
            self._begin_again(lane, lane.failed)
            return
        flying = lane.in_flight
        delivered: list[_InFlight] = []
        while flying and flying[0].done:
            delivered.append(flying.popleft())
        if delivered:
            self._away, lane.refusal = False, ""
            held = sum([one.event.held for one in delivered])
            try:
                self._spool.delivered(
                    lane.region, delivered[-1].event.seq, len(delivered), held, lambda: self._ledger.note(lane.topic, _placed(delivered))
                )
            except DiskRefuses:
                lane.handed = 0  # sent again once the disk can be written; the office keeps one of each
                for one in flying:
                    one.lane = _Lane(lane.region, lane.topic)
                flying.clear()
                raise

    def _begin_again(self, lane: _Lane, error: KafkaError) -> None:
        if error.fatal():
            self._begin_anew(error.name())
            return
        if not all(flying.done for flying in lane.in_flight):
            return
        _log.warning(
            "delivery failed, sending again from the first event on",
            extra={"action": "delivery_failed", "topic": lane.topic, "error": error.name()},
        )
        lane.in_flight.clear()
        lane.handed, lane.failed = 0, None
        lane.there = False  # asked for anew: a topic that went away is the usual cause
        lane.refusal = "" if error.code() in _NO_TOPIC else error.name()
        self._asked_topics_s = time.monotonic()

    def _begin_anew(self, why: str) -> None:
        """Replace a producer that can no longer keep its promise (a topic made anew, a broker that lost its memory of us)."""
        _log.warning("producer replaced", extra={"action": "producer_replaced", "error": why})
        self._producer.purge()
        self._producer.flush(0.1)
        self._producer = self._made()
        for lane in self._lanes:
            lane.in_flight.clear()
            lane.handed, lane.failed, lane.there = 0, None, False

    def _made(self) -> Producer:
        self._security = settings_of(self._kafka)
        return Producer(
            {
                "bootstrap.servers": str(self._kafka),
                "client.id": "muara-adapter",
                "acks": "all",
                "enable.idempotence": True,
                "message.timeout.ms": 0,  # an event never times out: it waits, and so do those behind it
                "linger.ms": 5,
                "compression.type": "lz4",
                "partitioner": "murmur2_random",  # where Java's producers would put the same key
                "queue.buffering.max.messages": 4 * _MOST_IN_FLIGHT,
                "reconnect.backoff.max.ms": 2_000,
                "topic.metadata.refresh.interval.ms": 30_000,
                "allow.auto.create.topics": False,
                **self._security,
                "error_cb": self._on_error,
            },
            logger=_log,
        )

    def _on_error(self, error: KafkaError) -> None:
        if error.code() in _NOT_LET_IN:
            self._away, self._refused = True, error.name()
        elif error.code() in _AWAY:
            self._away = True

    # ---- status ----------------------------------------------------------------------------------------------------------------

    def _tell(self) -> None:
        missing = [lane.topic for lane in self._lanes if not lane.there and not lane.refusal]
        waiting = [f"{', '.join(missing)} not there, or not for us to see: run muara sources load"] if missing else []
        waiting += [f"{lane.topic} refuses ({lane.refusal})" for lane in self._lanes if lane.refusal]
        if self._away and self._refused:
            self._say("waiting for broker", f"{self._kafka} does not let us in ({self._refused}): {_CREDENTIALS}")
        elif self._away:
            self._say("waiting for broker", f"{self._kafka} does not answer; changes wait in the spool")
        elif waiting:
            self._say("waiting for topic", "; ".join([*waiting, "the others go on"]))
        else:
            self._say("ready")

    def _say(self, state: str, why: str = "") -> None:
        if self._told == (state, why):
            return
        log = _log.warning if state.startswith("waiting") else _log.info
        log("sending: %s", state, extra={"action": "sending_state", "state": state, "why": why})
        self._state.sending(state, why)
        self._told = (state, why)
