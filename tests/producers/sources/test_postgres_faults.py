"""A database that is away, refuses us, or is not prepared: told with its remedy, and read on by itself once it is mended."""

import shutil
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from datetime import date
from itertools import count
from pathlib import Path
from threading import Event

import pytest
from psycopg.sql import SQL, Identifier

from deploy.embedded.account import unprivileged
from deploy.embedded.ports import ports_for
from deploy.embedded.postgres import Postgres
from deploy.embedded.server import Server
from producers.checkpoint import StateFile, status
from producers.faults import SourceAway, SourceRefuses, SourceUnready
from producers.mapping import Mapper
from producers.pseudonym import Pseudonyms
from producers.reader import Reader
from producers.sources.opening import open_source
from producers.spool import Spool
from tests.contract.harness import until
from tests.producers.kampung import DSN, Kampung, kampung
from tests.producers.samples import KEY, REGIONS, card
from tests.producers.sources.reading import NOW, Reading, declared, reading

ROOT = Path(__file__).parents[3]
MARCH = date(2024, 3, 1)
_regencies = (f"95.{number:02}" for number in count(1))


class OwnServer:
    """A PostgreSQL of the tests' own, which they may stop: other tests hold connections to the session's."""

    def __init__(self, folder: Path, wal_level: str) -> None:
        """Know where it lies."""
        port = ports_for(("postgres",), folder / "ports.json")["postgres"]
        self.program = Postgres(folder / "postgres", port, unprivileged(), "16MB", wal_level)
        self.server = Server(self.program, folder / "postgres.log", Event())

    @property
    def address(self) -> str:
        """Its owner's DSN."""
        return self.program.address()


@pytest.fixture(scope="module", params=["logical"])
def own(request: pytest.FixtureRequest) -> Iterator[OwnServer]:
    """A server whose log is logical."""
    folder = Path(tempfile.mkdtemp(prefix="muara-database-"))
    folder.chmod(0o755)  # it runs as another user, where we are root
    server = OwnServer(folder, request.param)
    server.server.start()
    yield server
    server.server.stop()
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def made(own: OwnServer) -> Iterator[Kampung]:
    """An invented database on it."""
    with kampung(own.address, f"{next(_regencies)}.01.2001") as one:
        yield one


def test_all_that_is_missing_is_told_at_once(made: Kampung, reader: Reading) -> None:
    """Before anything is read or made: publication, identity, right to slots, right to read, each with what the owner must do."""
    made.owner.execute("drop publication muara")
    made.owner.execute("alter table smart_kampung.keluarga replica identity default")
    made.owner.execute("alter table smart_kampung.bantuan drop column jumlah")
    made.owner.execute(f"alter role {made.role} noreplication")
    made.owner.execute(SQL("revoke select on smart_kampung.anggota from {}").format(Identifier(made.role)))
    with pytest.raises(SourceUnready) as told:
        reader.read()

    text = str(told.value)
    for remedy in (
        "alter role ... replication",
        "create publication muara for table smart_kampung.keluarga, smart_kampung.anggota, smart_kampung.bantuan",
        "alter table smart_kampung.keluarga replica identity full",
        "grant select on smart_kampung.anggota",
        "smart_kampung.bantuan has no column jumlah",
    ):
        assert remedy in text
    assert "invented-secret" not in text
    assert made.owner.execute("select count(*) from pg_replication_slots").fetchone() == (0,)


def test_a_publication_without_a_table_or_a_kind_of_change_is_told(made: Kampung, reader: Reading) -> None:
    """A publication that leaves deletions out would lose them in silence."""
    made.owner.execute("alter publication muara drop table smart_kampung.bantuan")
    made.owner.execute("alter publication muara set (publish = 'insert, update')")
    with pytest.raises(SourceUnready, match=r"leaves out changes.*alter publication muara add table smart_kampung\.bantuan"):
        reader.read()


def test_a_server_without_a_logical_log_is_told(tmp_path: Path) -> None:
    """On a server as it comes, the setting to change is named."""
    folder = Path(tempfile.mkdtemp(prefix="muara-database-"))
    folder.chmod(0o755)  # it runs as another user, where we are root
    server = OwnServer(folder, "replica")
    server.server.start()
    try:
        with (
            kampung(server.address, f"{next(_regencies)}.01.2001") as one,
            reading(declared(one, tmp_path), one, tmp_path) as told,
            pytest.raises(SourceUnready, match="wal_level is replica: set it to logical"),
        ):
            told.read()
    finally:
        server.server.stop()
        shutil.rmtree(folder, ignore_errors=True)


def test_it_goes_on_once_it_is_mended(made: Kampung, reader: Reading) -> None:
    """A grant that is taken away is waited for, and what happened meanwhile is said when it is back."""
    made.put(1, 2, MARCH)
    reader.read_all()
    made.owner.execute(SQL("revoke select on smart_kampung.anggota from {}").format(Identifier(made.role)))
    made.put(1, 3, MARCH)
    for _ in range(2):
        with pytest.raises(SourceUnready, match="grant"):
            reader.read()
    made.owner.execute(SQL("grant select on smart_kampung.anggota to {}").format(Identifier(made.role)))
    reader.read_all()

    assert reader.held == {1: 3}


def test_a_wrong_password_names_the_variable(made: Kampung, tmp_path: Path) -> None:
    """A server that answers and does not let us in refuses us; the variable is named, its content is not."""
    told = declared(made, tmp_path)
    made.owner.execute(f"alter role {made.role} password 'another-secret'")
    with reading(told, made, tmp_path) as reader, pytest.raises(SourceRefuses) as refused:
        reader.read()

    assert DSN in str(refused.value)
    assert "secret" not in str(refused.value)
    made.owner.execute(f"alter role {made.role} password 'invented-secret'")
    with reading(told, made, tmp_path) as reader:
        reader.read_all()


@pytest.mark.parametrize("dsn", ["", "no dsn at all", "postgresql://nobody:invented-secret@127.0.0.1:1/none"])
def test_a_server_that_is_not_there_is_waited_for(made: Kampung, tmp_path: Path, dsn: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody at the address, or no address: told, without the password."""
    told = declared(made, tmp_path)
    monkeypatch.setattr(Kampung, "environ", lambda _: {DSN: dsn or "host=127.0.0.1 port=1"})
    with reading(told, made, tmp_path) as reader, pytest.raises(SourceAway) as away:
        reader.read()

    assert "secret" not in str(away.value)


def test_a_connection_that_is_ended_costs_nothing(made: Kampung, reader: Reading, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ended between two questions or while the log is handed out: told once, then read again from what is kept."""
    monkeypatch.setattr("producers.sources.postgres.log._BATCH", 5)
    monkeypatch.setattr("producers.sources.postgres.slot._FETCHED", 5)
    reader.read_all()
    for turn in range(4):
        for serial in range(1, 21):
            made.put(serial, turn + 2, MARCH, members=0)
        reader.read()
        made.owner.execute("select pg_terminate_backend(pid) from pg_stat_activity where usename = %s", (made.role,))
        with pytest.raises(SourceAway):
            reader.read_all()
    reader.read_all()

    assert reader.held == dict.fromkeys(range(1, 21), 5)


def test_a_question_that_takes_too_long_is_given_up(made: Kampung, tmp_path: Path) -> None:
    """The slot cannot be made while a transaction runs: after the declared time it is told, and made later."""
    made.put(1, 2, MARCH)
    told = declared(made, tmp_path, ("[source]", "[source]\ntimeout_s = 1"))
    with (
        reading(told, made, tmp_path) as reader,
        made.another() as slow,
    ):
        slow.execute("update smart_kampung.keluarga set jumlah_jiwa = 5")
        with pytest.raises(SourceAway, match="timeout_s"):
            reader.read()
        slow.commit()
        reader.read_all()
        assert reader.held == {1: 5}


def test_a_slot_in_use_is_told(made: Kampung, reader: Reading) -> None:
    """While another process reads the slot, that is what people are told."""
    reader.read_all()
    made.put(1, 2, MARCH)
    with made.another() as other:
        other.execute("create table smart_kampung.banyak as select repeat('x', 100) from generate_series(1, 300000)")
        other.commit()
        made.owner.execute("alter publication muara add table smart_kampung.banyak")
        other.execute("insert into smart_kampung.banyak select * from smart_kampung.banyak")
        other.commit()
        question = (
            "select count(*) from pg_logical_slot_peek_binary_changes(%s, null, null, 'proto_version', '1', 'publication_names', 'muara')"
        )
        holding = threading.Thread(target=lambda: other.execute(question, (made.slot,)))
        holding.start()
        until(lambda: made.owner.execute("select active from pg_replication_slots").fetchone() == (True,), "the slot is held")
        with pytest.raises(SourceAway, match="in use by another process"):
            reader.read_all()
        holding.join()


def test_a_server_that_restarts_is_waited_for(own: OwnServer, made: Kampung, tmp_path: Path) -> None:
    """The adapter's reading half sees it go and come back, tells both, and misses nothing; the slot outlives a crash."""
    told = declared(made, tmp_path)
    made.put(1, 2, MARCH)
    stop = Event()
    with StateFile(tmp_path / "s.sqlite", told.source_id) as state:
        source = open_source(told, Mapper(told, Pseudonyms(KEY, 1)), state, made.environ(), lambda: NOW)
        reader = Reader(source.read, state, {told.regencies[0]: 5}, lambda: NOW, Event(), spool_bytes=1 << 30, poll_s=0.05)
        thread = threading.Thread(target=reader.run, args=(stop,))
        thread.start()
        try:
            until(lambda: _reading(state).startswith("caught up"), "the first reading")
            own.server.kill()
            until(lambda: _reading(state).startswith("waiting for source"), "its absence is told")
            own.server.start()
            made.reconnect()
            made.owner.execute("update smart_kampung.keluarga set jumlah_jiwa = 6 where no_kk = %s", (card(1),))
            until(lambda: _reading(state).startswith("caught up") and _spooled(state) == 2, "the change that was made meanwhile")
            assert made.owner.execute("select count(*) from pg_replication_slots where slot_name = %s", (made.slot,)).fetchone() == (1,)
        finally:
            stop.set()
            thread.join(10)
            source.close()


def _reading(state: StateFile) -> str:
    found = status(state.path)
    assert found is not None
    return found.reading


def _spooled(state: StateFile) -> int:
    with StateFile(state.path, "smartkampung") as own:
        return Spool(own).size()[0]


def test_an_adapter_of_another_kind_needs_no_driver() -> None:
    """Reading a folder or an API imports no database driver: at that region's edge none need be installed."""
    program = (
        "import sys, pathlib; from producers import region_file, runner; from producers.sources import opening;"
        f" region_file.read_region_file(pathlib.Path({str(REGIONS / 'banyuwangi-smart-kampung.toml')!r}), None);"
        " print('psycopg' in sys.modules)"
    )
    shown = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)  # noqa: S603 - our own line

    assert shown.stdout == "False\n"
