"""The receiver over real sockets: what it answers, when it answers, and what lies on the disk by then."""

import json
import sqlite3
import time
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO
from pathlib import Path

import fastavro
import pytest

from producers import sealed
from producers.faults import SourcePushes
from producers.pseudonym import Pseudonyms
from producers.quarantine import quarantined
from schemas.codec import parsed
from tests.contract.harness import until
from tests.producers.samples import KEY, card, nik
from tests.producers.sources.webhook.receiver import receiving
from tests.producers.sumedang import body_of, family, headers, person


def spooled(file: Path) -> list[tuple[bytes, int]]:
    """Return what waits for the broker, as another program sees it on the disk: households and their sizes' rows."""
    connection = sqlite3.connect(f"file:{file}?mode=ro", uri=True)
    try:
        return connection.execute("select household, seq from spool order by seq").fetchall()
    finally:
        connection.close()


def household(serial: int) -> bytes:
    """Return a family's pseudonym."""
    return Pseudonyms(KEY, 1).family_card(card(serial))


def test_what_is_answered_with_success_is_on_the_disk(tmp_path: Path) -> None:
    """When the answer is there, another program finds the event in the file."""
    with receiving(tmp_path) as one:
        for serial in (1, 2, 3):
            assert one.push(body_of(family(serial)), f"d-{serial}") == 200
            assert spooled(one.file)[-1] == (household(serial), serial)


def test_every_commit_waits_for_the_disk(tmp_path: Path) -> None:
    """After a power cut nothing that was answered may be missing: SQLite syncs each commit (FULL, 2)."""
    with receiving(tmp_path, work=False) as one:
        assert one.state.connection.execute("pragma synchronous").fetchone() == (2,)


def test_many_are_kept_by_one_transaction(tmp_path: Path) -> None:
    """What waits when reading begins is one batch, and all of it is answered by its commit."""
    with receiving(tmp_path, work=False) as one:
        one.source.listen()
        with ThreadPoolExecutor(20) as pool:
            pushed = [pool.submit(one.push, body_of(family(serial)), f"d-{serial}") for serial in range(1, 21)]
            assert one.source._server is not None
            until(lambda: len(one.source._server.waiting._requests) == 20, "all wait")  # type: ignore[union-attr]
            assert not any(future.done() for future in pushed)
            one.reader.step()
            assert {future.result(5) for future in pushed} == {200}
        assert (one.status.spooled, one.received.taken) == (20, 20)


def test_nothing_is_answered_before_the_commit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """While the transaction is under way the sender waits; where it fails it is told to come again, and nothing is there."""
    with receiving(tmp_path, work=False) as one, ThreadPoolExecutor(1) as pool:
        one.source.listen()
        pushed = pool.submit(one.push)
        assert one.source._server is not None
        until(lambda: not one.source._server.waiting.empty(), "it waits")  # type: ignore[union-attr]

        def full(*_: object, **__: object) -> None:
            assert not pushed.done()
            error = sqlite3.OperationalError("database or disk is full")
            error.sqlite_errorcode, error.sqlite_errorname = sqlite3.SQLITE_FULL, "SQLITE_FULL"
            raise error

        with monkeypatch.context() as patch:
            patch.setattr(one.state, "move", full)
            assert one.reader.step() > 0
        assert pushed.result(5) == 503
        assert spooled(one.file) == []
        assert one.push() == 503  # at once: nobody reads
        assert one.status.state == "waiting for disk: SQLITE_FULL"
        one.reader.step()
        assert one.received.refused == {"cannot be kept now": 2}
        pushed = pool.submit(one.push)
        until(lambda: not one.source._server.waiting.empty(), "it is let in again")  # type: ignore[union-attr]
        one.reader.step()
        assert pushed.result(5) == 200
        assert len(spooled(one.file)) == 1


def test_while_the_spool_is_full_it_answers_at_once(tmp_path: Path) -> None:
    """It is refused with when to come again, the state says so, and when there is room again it is taken."""
    with receiving(tmp_path, spool_bytes=1) as one:
        assert one.push() == 200
        until(lambda: one.status.state.startswith("spool full"), "the state")
        begun = time.monotonic()
        status, told = one.asked(body_of(family(2)), "d-2")
        assert (status, told["Retry-After"]) == (503, "5")
        assert time.monotonic() - begun < 2
        with sqlite3.connect(one.file) as broker:
            broker.execute("update adapter set spooled_bytes = 0, spooled = 0")
        broker.close()
        until(lambda: one.push(body_of(family(2)), "d-2") == 200, "room again")


def test_what_cannot_be_read_is_never_pushed_out_by_more_of_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody can be asked again for what was answered: where there is no room to keep it, the sender is told to come again."""
    monkeypatch.setattr(sealed, "_MOST_BYTES", 6_000)
    with receiving(tmp_path) as one:
        answers = [one.push(body_of(family(serial, anggota=[person(1, jenis_kelamin="X")])), f"d-{serial}") for serial in range(1, 60)]
        taken = answers.count(200)
        until(lambda: one.status.state.startswith("quarantine full"), "the state")
        with sqlite3.connect(one.file) as region:
            assert region.execute("select count(*) from sealed").fetchone() == (taken,)
            assert 0 < taken < len(answers)
            assert set(answers[taken:]) == {503}
            region.execute("delete from quarantine")
        region.close()
        until(lambda: one.push(body_of(family(70)), "d-70") == 200, "room again")


def test_a_delivery_that_comes_again_does_nothing(tmp_path: Path) -> None:
    """It is answered like the first time, over a restart too; another body under its number is something else."""
    body = body_of(family(1))
    with receiving(tmp_path) as one:
        assert [one.push(body), one.push(body), one.push(body, "d-2")] == [200, 200, 200]
        assert len(spooled(one.file)) == 2
    with receiving(tmp_path) as one:
        assert [one.push(body), one.push(body_of(family(2)))] == [200, 200]
        found = one.received
    assert len(spooled(tmp_path / "desa.sqlite")) == 3
    assert (found.taken, found.repeated) == (5, 2)


def test_one_that_comes_twice_at_once_is_taken_once(tmp_path: Path) -> None:
    """Both are answered when it is kept."""
    with receiving(tmp_path) as one:
        with ThreadPoolExecutor(8) as pool:
            assert {pool.submit(one.push).result() for _ in range(8)} == {200}
        assert len(spooled(one.file)) == 1


def test_a_batch_is_taken_as_a_whole_and_what_cannot_be_read_is_put_aside(tmp_path: Path) -> None:
    """One poison record does not stop the others, nor the answer: the sender cannot mend it by sending again."""
    batch = {"notifikasi": [family(1), family(2, no_kk="12"), family(3, anggota=[person(1, jenis_kelamin="X")]), "?", family(4)]}
    with receiving(tmp_path) as one:
        assert one.push(body_of(batch)) == 200
        assert [who for who, _ in spooled(one.file)] == [household(1), household(4)]
        aside = quarantined(one.file)
    assert [(item.field, item.value) for item in aside] == [("household", "99"), ("members.sex", "a"), ("residence.village", "nothing")]
    assert {item.place for item in aside} == {"/desa"}


def test_a_batch_that_is_no_list_is_put_aside(tmp_path: Path) -> None:
    """It is told with what it is."""
    with receiving(tmp_path) as one:
        assert one.push(body_of({"notifikasi": {"id": 1}})) == 200
        assert [(item.field, item.cause) for item in quarantined(one.file)] == [("notifikasi[]", "is no list")]


def test_a_record_that_comes_right_leaves_the_quarantine(tmp_path: Path) -> None:
    """The source corrects it, and it is no longer to be mended."""
    with receiving(tmp_path) as one:
        one.push(body_of(family(1, anggota=[person(1, jenis_kelamin="X")])))
        assert len(quarantined(one.file)) == 1
        one.push(body_of(family(1, 2)))
        assert quarantined(one.file) == []


@pytest.mark.parametrize("body", [b"", b'{"id": 1', b"<html>", b"[" * 50_000, b'{"a":' * 5000 + b"1" + b"}" * 5000])
def test_what_is_no_json_is_refused_and_counted(tmp_path: Path, body: bytes) -> None:
    """The sender is told, nothing is put aside, and what follows is taken."""
    with receiving(tmp_path) as one:
        assert one.push(body) == 400
        assert one.push() == 200
        assert sum(one.received.refused.values()) == 1
        assert one.status.quarantined == 0


def test_disorder_and_repetition_end_as_order_does(tmp_path: Path) -> None:
    """What is kept are statements with the source's own revisions, in whatever order they came."""
    with receiving(tmp_path) as one:
        for urut in (3, 1, 2, 1, 3):
            one.push(body_of(family(1, urut)), f"d-{urut}")
    connection = sqlite3.connect(tmp_path / "desa.sqlite")
    values = [row[0][5:] for row in connection.execute("select value from spool order by seq")]
    connection.close()
    read = [fastavro.schemaless_reader(BytesIO(value), parsed("HouseholdChanged")) for value in values]
    assert [one["revision"] for one in read] == [3, 1, 2]  # type: ignore[call-overload, index]


def test_no_identifier_lies_in_the_file_or_the_log(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Not even where the delivery's number, a path or a broken header holds one."""
    caplog.set_level(0)
    with receiving(tmp_path) as one:
        one.push(body_of(family(1)), delivery=card(1))
        one.push(
            body_of({"notifikasi": [family(1, no_kk=f"{card(1)}0"), family(2, anggota=[person(1, tanggal_lahir="WARGA")])]}),
            delivery=nik(1),
        )
        one.push(path=f"/{card(1)}")
        one.push(X_Signature=card(1))
        one.push(f'{{"no_kk": "{card(1)}"'.encode())
        one.spoken(f"POST /desa {card(1)} HTTP/9\r\n{nik(1)}\r\n\r\n".encode())
        one.spoken(f"POST /desa HTTP/1.1\r\nHost: x\r\nX-Signature: a\x00{nik(1)}\r\n\r\n".encode())
    content = b"".join(part.read_bytes() for part in tmp_path.iterdir())
    for hidden in (card(1), nik(1), "WARGA", "invented-secret"):
        assert hidden.encode() not in content
        assert hidden not in caplog.text
        assert not any(hidden in json.dumps(record.__dict__, default=str) for record in caplog.records)


def test_it_cannot_be_asked_again(tmp_path: Path) -> None:
    """The error says who must send."""
    with receiving(tmp_path, work=False) as one, pytest.raises(SourcePushes, match="desa pushes and cannot be asked again"):
        one.source.again(one.source._clock(), None)


def test_when_it_is_told_to_stop_what_was_let_in_is_kept(tmp_path: Path) -> None:
    """Requests that wait are answered with success; nothing more is let in; it takes less than two seconds."""
    with receiving(tmp_path, work=False) as one, ThreadPoolExecutor(10) as pool:
        one.source.listen()
        pushed = [pool.submit(one.push, body_of(family(serial)), f"d-{serial}") for serial in range(1, 11)]
        assert one.source._server is not None
        until(lambda: len(one.source._server.waiting._requests) == 10, "all wait")  # type: ignore[union-attr]
        kept_alive = one.connection()
        kept_alive.request("GET", "/")
        assert kept_alive.getresponse().read()
        begun = time.monotonic()
        one.stop.set()
        one.source.listen = lambda: None  # type: ignore[method-assign]  # it does already
        one.reader.run(one.stop)
        assert {future.result(5) for future in pushed} == {200}
        assert len(spooled(one.file)) == 10
        body = body_of(family(11))
        kept_alive.request("POST", "/desa", body, headers(body, int(time.time())))
        assert kept_alive.getresponse().status == 503
        kept_alive.close()
        with pytest.raises(ConnectionError):
            one.push()
        one.source.close()
        assert time.monotonic() - begun < 2
        assert one.status.reading == "stopped"


def test_an_unforeseen_fault_in_the_server_ends_the_adapter(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is raised by the next reading, instead of a server that stands there and takes nothing."""
    with receiving(tmp_path, work=False) as one:
        one.source.listen()
        assert one.source._server is not None
        monkeypatch.setattr(one.source._server._gate, "head", lambda *_: 1 // 0)
        assert one.push() == 500
        with pytest.raises(ZeroDivisionError):
            one.source.read(None)
