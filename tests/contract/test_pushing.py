"""A source that pushes, against the real process, broker and registry: a 2xx is a promise that survives SIGKILL, and SIGTERM is heeded."""

import http.client
import signal
import socket
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from deploy.embedded import EmbeddedServices
from deploy.embedded.ports import free_port
from deploy.topics import make_topics
from producers.pseudonym import Pseudonyms
from tests.contract.harness import Adapter, records, until
from tests.contract.kinds import PushingKind
from tests.producers import sumedang
from tests.producers.samples import ENVIRON, KEY, card

_THREADS = 16


class Crowd:
    """Many senders at once, which never send anything twice; what was answered with success is remembered."""

    def __init__(self, port: int, village: str) -> None:
        """Send nothing yet."""
        self.port, self.village = port, village
        self.promised: set[int] = set()
        self._next = 0
        self._lock = threading.Lock()
        self._ended = threading.Event()

    @contextmanager
    def pushing(self) -> Iterator[None]:
        """Push new families until the end of the block."""
        self._ended.clear()
        threads = [threading.Thread(target=self._push) for _ in range(_THREADS)]
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            self._ended.set()
            for thread in threads:
                thread.join(20)

    def _push(self) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        while not self._ended.is_set():
            with self._lock:
                self._next += 1
                serial = self._next
            body = sumedang.body_of(sumedang.family(serial, kode_desa=self.village))
            try:
                connection.request("POST", "/desa", body, sumedang.headers(body, int(time.time()), f"d-{serial}"))
                answer = connection.getresponse()
                answer.read()
                if answer.status == http.HTTPStatus.OK:
                    self.promised.add(serial)
            except (OSError, http.client.HTTPException):
                connection.close()
                time.sleep(0.02)
        connection.close()


@pytest.fixture
def port() -> int:
    """A port that nobody else has, also while the adapter is down."""
    return free_port()


@pytest.fixture
def adapter(request: pytest.FixtureRequest, services: EmbeddedServices, tmp_path: Path, port: int) -> Adapter:
    """The adapter of an invented regency, with its topic."""
    kind = PushingKind(tmp_path, request.param)
    make_topics(services.addresses.kafka, services.addresses.registry, [kind.regency])
    environ = {**ENVIRON, "MUARA_SUMEDANG_DESA_LISTEN": f"127.0.0.1:{port}"}
    return Adapter(kind, environ, services.addresses, tmp_path)


def missing(adapter: Adapter, services: EmbeddedServices, promised: set[int]) -> set[int]:
    """Return the families that were promised and are neither in the topic nor in the spool."""
    found = {record.key for record in records(services.addresses, adapter.kind)}
    connection = sqlite3.connect(adapter.state_file)
    found |= {row[0] for row in connection.execute("select household from spool")}
    connection.close()
    pseudonyms = Pseudonyms(KEY, 1)
    return {serial for serial in promised if pseudonyms.family_card(card(serial)) not in found}


@pytest.mark.parametrize("adapter", ["96.01"], indirect=True)
def test_a_promise_survives_being_killed(adapter: Adapter, services: EmbeddedServices, port: int) -> None:
    """Killed by SIGKILL again and again under load, no family whose request was answered with success is missing."""
    crowd = Crowd(port, adapter.kind.village)
    with crowd.pushing():
        for _ in range(3):
            with adapter.running() as process:
                before = len(crowd.promised)
                until(lambda before=before: len(crowd.promised) > before + 100, "some are taken")  # type: ignore[misc]
                process.kill()
                process.wait()
    assert adapter.state_file.exists()
    assert missing(adapter, services, crowd.promised) == set()
    assert len(crowd.promised) > 300


@pytest.mark.parametrize("adapter", ["96.02"], indirect=True)
def test_it_ends_soon_when_it_is_told_to(adapter: Adapter, services: EmbeddedServices, port: int) -> None:
    """SIGTERM under load: it ends with exit code 0 within two seconds, and what it promised is there."""
    crowd = Crowd(port, adapter.kind.village)
    with adapter.running() as process, crowd.pushing():
        until(lambda: len(crowd.promised) > 100, "some are taken")
        begun = time.monotonic()
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 0
        took = time.monotonic() - begun
    assert took < 2
    assert missing(adapter, services, crowd.promised) == set()


@pytest.mark.parametrize("adapter", ["96.03"], indirect=True)
def test_a_port_in_use_is_told_in_one_line(adapter: Adapter, services: EmbeddedServices, port: int, tmp_path: Path) -> None:
    """The command ends with code 2 and the cause; nothing else is written."""
    environ = {
        **adapter._environ,
        "MUARA_KAFKA": services.addresses.kafka,
        "MUARA_REGISTRY": services.addresses.registry,
        "MUARA_DIRECTORY": str(tmp_path / "local"),
    }
    with socket.create_server(("127.0.0.1", port)):
        ended = subprocess.run(  # noqa: S603 - our own command
            [sys.executable, "-m", "deploy.cli", "adapter", "run", str(adapter.kind.region_file)],
            env=environ,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
    assert ended.returncode == 2, ended.stderr
    assert ended.stderr.splitlines()[-1].startswith(f"muara: cannot listen at 127.0.0.1:{port} (Address already in use)")
    assert "Traceback" not in ended.stderr


def _closed(port: int) -> bool:
    with socket.socket() as line:
        return line.connect_ex(("127.0.0.1", port)) != 0


@pytest.mark.parametrize("adapter", ["96.04"], indirect=True)
def test_it_ends_while_the_broker_is_away(adapter: Adapter, services: EmbeddedServices, port: int) -> None:
    """SIGTERM under load without a broker: nothing is taken any more, what was promised is in the spool, and it ends soon."""
    crowd = Crowd(port, adapter.kind.village)
    with adapter.running(), crowd.pushing():
        until(lambda: len(crowd.promised) > 10, "some are taken")  # and the schema's id is known
    with adapter.running(kafka="127.0.0.1:1") as process, crowd.pushing():
        before = len(crowd.promised)
        until(lambda: len(crowd.promised) > before + 100, "some are taken")
        begun = time.monotonic()
        process.send_signal(signal.SIGTERM)
        until(lambda: _closed(port), "the port is closed")
        assert time.monotonic() - begun < 2
        assert process.wait(10) == 0
        assert time.monotonic() - begun < 6  # a question to the broker may be under way for three seconds
    assert missing(adapter, services, crowd.promised) == set()
