"""The adapter as a whole against the real Kafka and registry, in this process: what it waits for, and what ends it."""

import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from itertools import count
from pathlib import Path

import pytest

from deploy.embedded import EmbeddedServices
from deploy.topics import make_topics
from producers import publisher, runner
from producers.checkpoint import AdapterStatus, status
from producers.faults import AdapterRuns, MappingChanged, RegionFileWrong, ResendStopped
from producers.pseudonym import Pseudonyms
from producers.runner import resend, run
from producers.settings import AdapterSettings
from producers.sources.files import FilesReader
from producers.sources.webhook import reader as webhook
from tests.contract.harness import office, until
from tests.contract.kinds import PushingKind, SnapshotKind
from tests.producers.samples import KEY

_regencies = (f"97.{number:02}" for number in count(1))


@pytest.fixture
def kind(tmp_path: Path) -> SnapshotKind:
    """A folder of snapshots of an invented regency."""
    return SnapshotKind(tmp_path, next(_regencies))


@pytest.fixture
def told(kind: SnapshotKind, services: EmbeddedServices, tmp_path: Path) -> AdapterSettings:
    """The settings of an adapter over it, with its topics made."""
    where = services.addresses
    make_topics(where.kafka, where.registry, [kind.regency])
    with kind.running() as environ:
        return AdapterSettings(where.kafka, where.registry, tmp_path / "state", Pseudonyms(KEY, 1), environ, poll_interval_s=0.05)


@contextmanager
def running(kind: SnapshotKind, told: AdapterSettings) -> Iterator[Callable[[], AdapterStatus | None]]:
    """Run the adapter in a thread until the end of the block, where it must end with exit code 0; give how it stands."""
    stop, codes = threading.Event(), list[int]()
    thread = threading.Thread(target=lambda: codes.append(run(kind.region_file, told, stop)))
    thread.start()
    try:
        yield lambda: status(told.state_file("sddd"))
    finally:
        stop.set()
        thread.join(15)
    assert codes == [0]


def test_it_starts_again_without_the_registry(kind: SnapshotKind, told: AdapterSettings, services: EmbeddedServices) -> None:
    """Once the schema's id is known, an adapter starts and sends without the registry."""
    kind.put(_1=2)
    with running(kind, told) as now:
        until(lambda: (found := now()) is not None and found.delivered == 1, "the first household")
    kind.put(_2=3)
    with running(kind, replace(told, registry="http://127.0.0.1:1")) as now:
        until(lambda: (found := now()) is not None and found.delivered == 3, "the second snapshot")

    assert office(services.addresses, kind) == kind.living


def test_a_stop_is_heeded_by_whoever_waits_for_more_to_send(
    kind: SnapshotKind, told: AdapterSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However long the publisher would wait for more, an adapter that is stopped ends."""
    monkeypatch.setattr(publisher, "_IDLE_S", 60.0)
    kind.put(_1=2)
    with running(kind, told) as now:
        until(lambda: (found := now()) is not None and found.delivered == 1 and found.caught_up, "the first household")
        stopped = time.monotonic()

    assert time.monotonic() - stopped < 15


def test_a_stop_is_heeded_by_a_receiver_that_waits(services: EmbeddedServices, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """However long a receiver would wait for what is pushed, and the adapter for it, an adapter that is stopped ends."""
    monkeypatch.setattr(webhook, "_WAIT_S", 60.0)
    monkeypatch.setattr(runner, "_STOP_S", 60.0)
    kind = PushingKind(tmp_path, next(_regencies))
    where, stop, codes = services.addresses, threading.Event(), list[int]()
    make_topics(where.kafka, where.registry, [kind.regency])
    with kind.running() as environ:
        told = AdapterSettings(where.kafka, where.registry, tmp_path / "state", Pseudonyms(KEY, 1), environ)
        thread = threading.Thread(target=lambda: codes.append(run(kind.region_file, told, stop)))
        thread.start()
        until(lambda: any(tmp_path.glob("state/*.sqlite")), "its file")
        until(lambda: "receiver" in {one.name for one in threading.enumerate()}, "the receiver")
        stop.set()
        thread.join(15)

    assert codes == [0]


def test_a_file_named_for_a_family_is_named_nowhere(kind: SnapshotKind, told: AdapterSettings, caplog: pytest.LogCaptureFixture) -> None:
    """Neither log nor any file of the adapter's has its name; when it is taken away, the next start forgets what was put aside."""
    number, name = "9901010101200001", "WARGA 000001"
    odd = kind.inbox / f"kk_{number}_{name}.csv"
    odd.write_text("x\n")
    caplog.set_level(logging.INFO, "producers")
    with running(kind, told) as now:
        until(lambda: (found := now()) is not None and found.quarantined == 1, "the file put aside")
        until(lambda: "put aside" in caplog.messages, "the line that tells of it")
        held = b"".join(one.read_bytes() for one in told.state_directory.iterdir())
    odd.unlink()
    with running(kind, told) as now:
        until(lambda: (found := now()) is not None and found.quarantined == 0, "the file forgotten")

    logged = repr([vars(one) for one in caplog.records])
    assert "#" in logged
    for secret in (number, name):
        assert secret.encode() not in held
        assert secret not in logged


def test_it_waits_for_the_registry_where_no_id_is_known(kind: SnapshotKind, told: AdapterSettings) -> None:
    """Before the first id is known nothing is read, the state says why, and a stop is heeded at once."""
    kind.put(_1=2)
    begun = time.monotonic()
    with running(kind, replace(told, registry="http://127.0.0.1:1")) as now:
        until(lambda: (found := now()) is not None and found.reading.startswith("waiting for registry"), "the state")
        found = now()
        begun = time.monotonic()

    assert time.monotonic() - begun < 15
    assert found is not None
    assert (found.position, found.spooled) == (None, 0)


def test_a_changed_mapping_needs_a_new_version(kind: SnapshotKind, told: AdapterSettings) -> None:
    """A mapping changed under its old version is refused before anything is read, since mended statements would not win."""
    kind.put(_1=2)
    with running(kind, told) as now:
        until(lambda: (found := now()) is not None and found.delivered == 1, "the first household")
    text = kind.region_file.read_text(encoding="utf-8")
    kind.region_file.write_text(text.replace('size = "P303"', 'size = "P304"'), encoding="utf-8")

    with pytest.raises(MappingChanged, match=r"mapping_version still is 1: raise it in jembrana-sddd\.toml"):
        run(kind.region_file, told, threading.Event())


def test_a_second_adapter_is_refused(kind: SnapshotKind, told: AdapterSettings) -> None:
    """Two adapters on one file would send everything twice; the second is told so."""
    with running(kind, told) as now:
        until(lambda: now() is not None, "the first one runs")
        with pytest.raises(AdapterRuns):
            run(kind.region_file, told, threading.Event())


def test_a_wrong_region_file_starts_nothing(kind: SnapshotKind, told: AdapterSettings) -> None:
    """A mistake in the region file is told before a file is made."""
    kind.region_file.write_text("name = 1", encoding="utf-8")

    with pytest.raises(RegionFileWrong):
        run(kind.region_file, told, threading.Event())
    assert not told.state_directory.exists()


def test_what_nobody_foresaw_ends_the_process(kind: SnapshotKind, told: AdapterSettings, monkeypatch: pytest.MonkeyPatch) -> None:
    """A fault of ours in the reading thread ends the adapter with that fault, instead of leaving it running and silent."""

    def fails(*_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(FilesReader, "read", fails)
    with pytest.raises(ZeroDivisionError):
        run(kind.region_file, told, threading.Event())


def test_a_resend_that_is_stopped_says_that_it_is_not_done(kind: SnapshotKind, told: AdapterSettings) -> None:
    """While the broker is away a resend waits; stopped then, it is no success, and it says how much was sent."""
    kind.put(_1=2, _2=3)
    with running(kind, told) as now:
        until(lambda: (found := now()) is not None and found.delivered == 2, "the households")
    stop, caught = threading.Event(), list[ResendStopped]()

    def again() -> None:
        try:
            resend(kind.region_file, replace(told, kafka="127.0.0.1:1"), datetime(2024, 1, 1, tzinfo=UTC), stop)
        except ResendStopped as error:
            caught.append(error)

    thread = threading.Thread(target=again)
    thread.start()
    until(lambda: (found := status(told.state_file("sddd.resend"))) is not None and found.spooled == 2, "both wait")
    thread.join(1)
    assert thread.is_alive()
    stop.set()
    thread.join(15)

    assert [str(error) for error in caught] == [
        "sending sddd again was stopped before its end, 0 events sent and 2 read but not sent: run it again, nothing counts twice"
    ]
    assert not list(told.state_directory.glob("*.resend.sqlite*"))
