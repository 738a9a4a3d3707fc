"""
The adapter: one region file, one process; read -> map -> pseudonym -> check -> spool -> publish.

Why: it is the one place on this side that decides what an error means: put aside, wait, or end.
Must not: know a region, a kind of source beyond its name, or the broker's client.
"""

import hashlib
import logging
import sqlite3
import threading
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from producers.backoff import Backoff
from producers.checkpoint import StateFile, exclusive, status
from producers.declaration import PUSHING_KINDS, Declaration
from producers.drift_log import DriftKept
from producers.faults import AdapterRuns, ResendStopped, SourcePushes
from producers.keys import begun, must_have_begun
from producers.ledger import Ledger
from producers.mapping import Mapper
from producers.mapping_version import must_be_raised
from producers.process import seldom_collecting, stopping_by
from producers.publisher import Publisher
from producers.quarantine import forget_files
from producers.reader import Reader, remember
from producers.region_change import Reminder, is_read_by, notice, settle
from producers.region_file import read_region_file
from producers.sealed import make_tables as make_sealed
from producers.sealed import seal_anew
from producers.sealing import Seal
from producers.settings import AdapterSettings
from producers.sources import Batch, HearsDelivery, LoadsBeside, Receiving, Source
from producers.sources.opening import open_source
from producers.sources.showings import forget_refusals, start_over
from producers.sources.snapshot import NAME_FAULTS
from producers.sources.webhook.memory import forget_deliveries
from schemas.codec import schema_text
from schemas.registry import Registry, RegistryAway
from schemas.topics import household_topic

__all__ = ["resend", "run"]

_log = logging.getLogger(__name__)
_EVENT = "HouseholdChanged"
_STOP_S = 3.0
"""What a stop waits for a question that the source has not answered yet."""
_ALL_SINCE = datetime(1971, 1, 1, tzinfo=UTC)
"""What is sent again since a moment before this is all that there is."""
_DELIVERIES_S = 1.0
"""What a stop waits for deliveries; then the spool keeps the rest, and they are sent again."""


def _now() -> datetime:
    return datetime.now(UTC)  # noqa: TID251 - the adapter's shell; no figure depends on it


def run(region_file: Path, settings: AdapterSettings, stop: threading.Event | None = None) -> int:
    """
    Run one region's adapter until SIGTERM, SIGINT or `stop`, and return the exit code.

    Where the keys lie in files that can be mended, wrong ones are waited for. Raises a `Fatal`: `RegionFileWrong`, `MappingChanged`,
    `KeyChanged`, `AdapterRuns`, `StateFileForeign`, `SchemaRefused`.
    """
    declared = _paced(read_region_file(region_file, settings.environ), settings.poll_interval_s)
    path = settings.state_file(declared.source_id)
    with stopping_by(stop) as stopping, exclusive(path), seldom_collecting(), StateFile(path, declared.source_id) as state:
        must_be_raised(state, declared, region_file)
        _notice(state, declared, region_file)
        pseudonyms = begun(state, settings.pseudonyms, settings.keys_again, start_over, stopping)
        if pseudonyms is None:
            return 0
        forget_refusals(state.connection)
        with state.transaction():
            forget_files(state, NAME_FAULTS)
        make_sealed(state.connection)
        seal_anew(state, pseudonyms.seal)
        mapper = Mapper(declared, pseudonyms, settings.is_area)
        source = open_source(declared, mapper, state, settings.environ, _now)
        _Adapter(declared, settings, state, DriftKept(mapper, state), stopping, seal=pseudonyms.seal).work(source, source.read)
    return 0


def resend(region_file: Path, settings: AdapterSettings, since: datetime, stop: threading.Event | None = None) -> int:
    """
    Read again what the source told from a time on and send it through the mapping as it is now; return the number of events delivered.

    The mapping version must have been raised, so that the mended statements win. The adapter may run meanwhile: this works on a
    file of its own beside the adapter's. Raises the errors of `run`, `KeyNotBegun`, `ResendStopped` where not all arrived, and
    `SourcePushes` for a source that cannot be asked.
    """
    declared = read_region_file(region_file, settings.environ)
    if declared.source.kind in PUSHING_KINDS:
        raise SourcePushes(source=declared.source_id, since=since.isoformat())
    path = settings.state_file(declared.source_id)
    again = path.with_suffix(".resend.sqlite")
    with stopping_by(stop) as stopping, exclusive(again), StateFile(path, declared.source_id) as running:
        must_be_raised(running, declared, region_file)
        must_have_begun(running, settings.pseudonyms)
        mended = _works_by(running, declared, region_file)
        make_sealed(running.connection)
        _remove(again)
        with StateFile(again, declared.source_id) as state:
            mapper = Mapper(declared, settings.pseudonyms)
            source = open_source(declared, mapper, running, settings.environ, _now)
            adapter = _Adapter(declared, settings, state, DriftKept(mapper, running), stopping, receipts=(path, "resend"))
            adapter.work(source, partial(_again, source, running, settings.pseudonyms.seal, since), once=True)
        told = status(again)
        _remove(again)
        if told is not None and told.caught_up and mended and since < _ALL_SINCE:
            with running.transaction() as connection:
                settle(connection)
    if told is None or not told.caught_up:
        sent, waiting = (told.delivered, told.spooled) if told else (0, 0)
        raise ResendStopped(source=declared.source_id, delivered=sent, spooled=waiting)
    return told.delivered


def _again(source: Source, running: StateFile, seal: Seal, since: datetime, position: str | None) -> Batch:
    """
    Return what a source told, such that keeping it also brings the adapter's own file up to date: who was said, who is in quarantine.

    The own file comes first. Should the resend end between the two, it is run again, and remembers the same once more.
    """
    batch = source.again(since, position)

    def keep(_: sqlite3.Connection) -> None:
        with running.transaction():
            remember(running, batch, _now(), seal)

    return replace(batch, keep=keep)


class _Adapter:
    """The two halves at work: reading in a thread, publishing in this one, the state file between them."""

    def __init__(
        self,
        declared: Declaration,
        settings: AdapterSettings,
        state: StateFile,
        drift: DriftKept,
        stop: threading.Event,
        receipts: tuple[Path, str] | None = None,
        seal: Seal | None = None,
    ) -> None:
        """Know what to do; `receipts` are the file in which deliveries are noted, and as whose: the state file's own unless said."""
        self._declared, self._settings, self._state, self._drift, self._stop = declared, settings, state, drift, stop
        self._receipts, self._writer = receipts or (state.path, "run")
        self._spooled = threading.Event()
        self._seal = seal
        self._error: BaseException | None = None

    def work(self, source: Source, read: Callable[[str | None], Batch], *, once: bool = False) -> None:
        """Work until stopped, or with `once` until all that the source has is delivered."""
        self._state.start()
        schema_ids = self._schema_ids()
        if schema_ids is None:
            return
        # Sending again goes by positions of its own, which tell nothing of what the adapter itself has delivered.
        delivered = source.delivered if isinstance(source, HearsDelivery) and not once else None
        reader = self._reader(source, read, schema_ids, delivered)
        thread = threading.Thread(target=self._guarded, args=(lambda: reader.run(self._stop, once=once),), name="reader", daemon=True)
        name = self._declared.source_id
        with StateFile(self._state.path, name) as own, StateFile(self._receipts, name) as noted:
            ledger = Ledger(own if noted.path == own.path else noted, self._writer)
            publisher = Publisher(self._settings.kafka, self._declared.regencies, own, self._spooled, ledger)
            thread.start()
            try:
                publisher.run(self._stop, lambda: once and not thread.is_alive())
            finally:
                self._stop.set()
                if isinstance(source, Receiving):
                    source.finish()  # or its reader would wait for what is pushed a little longer
                publisher.stop(_DELIVERIES_S)
        thread.join(_STOP_S)
        if not thread.is_alive():
            source.close()
        if self._error is not None:
            raise self._error

    def _guarded(self, work: Callable[[], None]) -> None:
        """Run a thread's work; an error that nobody foresaw ends the process, where a silent end would be a stall."""
        try:
            work()
        except BaseException as error:  # noqa: BLE001 - raised again in the main thread
            self._error = error
            self._stop.set()
        finally:
            self._spooled.set()  # whoever waits for more to send need not

    def _reader(
        self,
        source: Source,
        read: Callable[[str | None], Batch],
        schema_ids: dict[str, int],
        delivered: Callable[[str], None] | None,
    ) -> Reader:
        receiving = source if isinstance(source, Receiving) else None
        return Reader(
            read,
            self._state,
            schema_ids,
            _now,
            self._spooled,
            spool_bytes=self._settings.spool_bytes,
            poll_s=self._declared.source.poll_s,
            drift=self._drift,
            receiving=receiving,
            delivered=delivered,
            loads=source if isinstance(source, LoadsBeside) else None,
            remind=Reminder(self._state.connection),
            seal=self._seal,
        )

    def _schema_ids(self) -> dict[str, int] | None:
        """Return the schema's id of every regency's topic: the registry's, else those kept; None when stopped while waiting for one."""
        backoff = Backoff()
        fingerprint = hashlib.sha256(schema_text(_EVENT).encode()).hexdigest()
        while not self._stop.is_set():
            try:
                with closing(Registry(self._settings.registry)) as registry:  # anew: credentials may have changed
                    ids = {region: registry.register(household_topic(region), _EVENT) for region in self._declared.regencies}
            except RegistryAway as away:
                kept = {region: self._state.schema_id(household_topic(region), fingerprint) for region in self._declared.regencies}
                known = {region: schema_id for region, schema_id in kept.items() if schema_id is not None}
                if len(known) == len(kept):
                    return known
                self._state.reading("waiting for registry", str(away))
                _log.warning("waiting for registry", extra={"action": "reading_state", "state": "waiting for registry", "why": str(away)})
                self._stop.wait(backoff.pause_s())
            else:
                for region, schema_id in ids.items():
                    self._state.keep_schema_id(household_topic(region), fingerprint, schema_id)
                return ids
        return None


def _paced(declared: Declaration, poll_s: float | None) -> Declaration:
    """Return a declaration whose source is asked as often as a setting says, where there is one."""
    if poll_s is None or declared.source.kind in PUSHING_KINDS:
        return declared
    return declared.model_copy(update={"source": declared.source.model_copy(update={"poll_s": poll_s})})


def _notice(state: StateFile, declared: Declaration, region_file: Path) -> None:
    with state.transaction() as connection:
        notice(connection, declared, region_file.name, _now(), forget_deliveries)


def _works_by(running: StateFile, declared: Declaration, region_file: Path) -> bool:
    """Return whether the adapter works by this region file, or will when it is started; what it reads meanwhile counts."""
    try:
        with exclusive(running.path):
            _notice(running, declared, region_file)
    except AdapterRuns:
        if not is_read_by(running.connection, declared):
            why = "the adapter that runs still works by the old region file: start it again, then send again once more"
            _log.warning("%s", why, extra={"action": "region_file_changed"})
            return False
    return True


def _remove(file: Path) -> None:
    for part in file.parent.glob(f"{file.name}*"):
        part.unlink()
