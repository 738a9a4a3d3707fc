"""The reading half: batches are kept whole with their position, and every fault of source, disk or spool is waited out visibly."""

import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from producers.checkpoint import AdapterStatus, StateFile, status
from producers.faults import SourceAway
from producers.quarantine import quarantined
from producers.reader import Reader
from producers.records import Node
from producers.sources import Backfill, Batch, LoadsBeside, mapped
from producers.spool import Spool
from schemas.codec import encode
from schemas.events import Programme
from tests.producers.events import NOW, batch, event
from tests.producers.samples import carik, family, mapper

Read = Callable[[str | None], Batch]


@pytest.fixture
def state(tmp_path: Path) -> Iterator[StateFile]:
    """An adapter's file."""
    with StateFile(tmp_path / "s.sqlite", "carik") as made:
        yield made


def reader(
    state: StateFile, *batches: Batch | Exception, spool_bytes: int = 1 << 20, loads: LoadsBeside | None = None
) -> tuple[Reader, list[str | None]]:
    """Return a reader over batches (and faults) in turn, and the positions that it asks from."""
    left, asked = list(batches), []

    def read(position: str | None) -> Batch:
        asked.append(position)
        one = left.pop(0)
        if isinstance(one, Exception):
            raise one
        return one

    return Reader(read, state, {"31.74": 5}, lambda: NOW, threading.Event(), spool_bytes=spool_bytes, poll_s=9.0, loads=loads), asked


def _status(state: StateFile) -> AdapterStatus:
    found = status(state.path)
    assert found is not None
    return found


def test_batches_are_kept_with_their_position(state: StateFile) -> None:
    """Each batch is spooled as the contract writes it, and the next question is asked from its position."""
    subject, asked = reader(state, batch(1, 2, position="a"), batch(3, position="b", caught_up=True), batch(position="b", caught_up=True))
    waits = [subject.step() for _ in range(3)]

    assert asked == [None, "a", "b"]
    assert [one.value for one in Spool(state).after("31.74", 0, 9)] == [encode(event(serial), 5) for serial in (1, 2, 3)]
    assert waits == [0.0, 9.0, 9.0]
    assert (_status(state).position, _status(state).reading, _status(state).asked_at) == ("b", "caught up", NOW)


def test_the_source_hears_when_a_batch_is_kept(state: StateFile) -> None:
    """What a source remembers on disk is part of the transaction, and it is told only after the commit."""
    heard: list[tuple[str, bool]] = []
    one = Batch(
        [event(1)],
        "a",
        caught_up=False,
        keep=lambda connection: heard.append(("keep", connection.in_transaction)),
        kept=lambda: heard.append(("kept", state.connection.in_transaction)),
    )
    subject, _ = reader(state, one)
    subject.step()

    assert heard == [("keep", True), ("kept", False)]


def test_a_fault_while_keeping_keeps_nothing(state: StateFile) -> None:
    """A source whose memory fails leaves neither events nor position, is not told, and the fault is not hidden."""
    told: list[int] = []

    def fails(_: object) -> None:
        raise RuntimeError

    subject, _ = reader(state, Batch([event(1)], "a", caught_up=False, keep=fails, kept=lambda: told.append(1)))
    with pytest.raises(RuntimeError):
        subject.step()

    assert (state.position(), Spool(state).size(), told) == (None, (0, 0), [])


def test_a_text_that_is_none_stops_nothing(state: StateFile) -> None:
    """A record with half a letter in a text or in its card's number is put aside, and the next is spooled."""
    declared = carik()
    records = [family(1, bantuan=[{"program": "\ud83d"}]), family(2, no_kk="9901\ud83d"), family(3)]
    events, aside = mapped(mapper(declared), [Node(one, Node({}, Node({"kode_kelurahan": "31.74.01.1001"}))) for one in records], "feed")
    subject, _ = reader(state, Batch(events, "a", caught_up=True, aside=list(aside.values())))
    subject.step()

    assert _status(state).spooled == 1
    assert [(one.field, one.value) for one in quarantined(state.path)] == [("programmes.programme", "?"), ("household", "9999?")]


def test_an_event_that_kafka_would_refuse_is_put_aside(state: StateFile, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is too large for a record would hold up all that follows: it is put aside, once however often it is read, the rest goes on."""
    monkeypatch.setattr("producers.reader.GREATEST_BYTES", 100)
    large = replace(event(2), programmes=(Programme("x" * 100),))
    one = Batch([event(1), large, event(3)], "a", caught_up=False)
    subject, _ = reader(state, one, one)
    subject.step()
    subject.step()

    assert _status(state).spooled == 4
    size = len(encode(large, 5))
    assert [(one.place, one.cause) for one in quarantined(state.path)] == [("carik", f"is too large for a record of Kafka: {size} bytes")]


def test_a_source_that_is_away_is_waited_for(state: StateFile) -> None:
    """The pause grows, is never shorter than what the source asks for, and starts small again when it answers."""
    away = SourceAway(address="x", why="HTTP 503", wait_s=0.0)
    subject, asked = reader(state, away, away, away, SourceAway(address="x", why="HTTP 429", wait_s=60.0), batch(1), away)
    waits = [subject.step() for _ in range(4)]
    told = _status(state).reading
    subject.step()
    after = subject.step()

    assert 0 < waits[0] < waits[1] < waits[2] < waits[3] == 60.0
    assert told == "waiting for source: HTTP 429 at x"
    assert after < 0.3
    assert asked == [None] * 5 + ["p"]


def test_a_full_spool_stops_reading(state: StateFile) -> None:
    """While more waits than may, the source is not asked; once there is room it is."""
    subject, asked = reader(state, batch(1, 2, 3), batch(4), spool_bytes=100)
    subject.step()
    pause = subject.step()
    told = _status(state).reading
    waiting = Spool(state).after("31.74", 0, 9)
    Spool(state).delivered("31.74", waiting[-1].seq, 3, sum(one.held for one in waiting))
    subject.step()

    assert len(asked) == 2
    assert told.startswith("spool full: ")
    assert 0 < pause < 1
    assert _status(state).spooled == 1


def test_a_full_disk_is_waited_for_and_nothing_is_lost(state: StateFile) -> None:
    """A batch that the disk refuses is asked for again, from the same position."""
    many = batch(*range(2000), position="a")
    subject, asked = reader(state, many, many)
    state.connection.execute(f"pragma max_page_count = {state.connection.execute('pragma page_count').fetchone()[0] + 2}")
    pause = subject.step()
    assert (state.position(), Spool(state).size()) == (None, (0, 0))
    state.connection.execute("pragma max_page_count = 1000000")
    subject.step()

    assert asked == [None, None]
    assert pause > 0
    assert Spool(state).size()[0] == 2000


def test_reading_once_ends_when_nothing_more_is_there(state: StateFile) -> None:
    """For sending again the reader ends by itself, and says so."""
    subject, asked = reader(state, batch(1), batch(2, caught_up=True))
    subject.run(threading.Event(), once=True)

    assert len(asked) == 2
    assert _status(state).reading == "stopped"


def test_a_stop_ends_a_pause(state: StateFile) -> None:
    """A reader that waits for a source ends at once when told to."""
    stop = threading.Event()
    subject, _ = reader(state, SourceAway(address="x", why="HTTP 503", wait_s=timedelta(days=1).total_seconds()))
    thread = threading.Thread(target=subject.run, args=(stop,))
    thread.start()
    while not _status(state).reading.startswith("waiting for source"):
        pass
    stop.set()
    thread.join(5)

    assert not thread.is_alive()


def test_the_source_hears_what_is_delivered(state: StateFile) -> None:
    """Between two readings it is told up to which position everything has left the spool; where it cannot take it, it is told again."""
    heard: list[str] = []
    left = [batch(1, position="a"), batch(2, position="b"), batch(position="c", caught_up=True), batch(position="c", caught_up=True)]

    def delivered(position: str) -> None:
        heard.append(position)
        if len(heard) == 1:
            raise SourceAway(address="x", why="busy", wait_s=0.0)

    subject = Reader(
        lambda _: left.pop(0), state, {"31.74": 5}, lambda: NOW, threading.Event(), spool_bytes=1 << 20, poll_s=9.0, delivered=delivered
    )
    subject.step()
    subject.step()
    assert heard == []
    Spool(state).delivered("31.74", 1, 1, 0)
    subject.step()
    assert (heard, len(left)) == (["a"], 2)
    subject.step()
    Spool(state).delivered("31.74", 2, 1, 0)
    subject.step()

    assert heard == ["a", "a", "c"]


class _Loading:
    """A source whose first load runs beside its changes: it hears whether it may go on."""

    def __init__(self) -> None:
        """Have heard nothing."""
        self.heard: list[bool] = []

    def may_load(self, *, may: bool) -> None:
        """Hear it."""
        self.heard.append(may)


def test_a_first_load_waits_while_much_of_it_waits_for_delivery(state: StateFile) -> None:
    """Beyond two thousand events in the spool a source hears that it may not go on with its load; below it may again."""
    loads, rows = _Loading(), [batch(1, position="a")] * 4
    subject, _ = reader(state, *rows, loads=loads)
    spool = Spool(state)
    subject.step()
    with state.transaction():
        spool.append([("31.74", b"h", b"v")] * 1_998)
    subject.step()
    subject.step()
    spool.delivered("31.74", 2, 2, spool.size()[1] // 1_000)
    subject.step()

    assert loads.heard == [True, True, False, True]


def test_the_progress_of_a_first_load_is_kept_and_told(state: StateFile, caplog: pytest.LogCaptureFixture) -> None:
    """It stands in the adapter's file with the batch that told it, and in the log."""
    caplog.set_level("INFO")
    subject, _ = reader(
        state, replace(batch(1, position="a"), backfill=Backfill(500, 2_000)), batch(2, position="b"), batch(position="b", caught_up=True)
    )
    subject.step()
    begun = _status(state).backfill
    subject.step()
    ended = _status(state).backfill

    assert begun is not None
    assert ended is not None
    assert (begun.read, begun.total, begun.ended, ended.ended) == (500, 2_000, None, NOW)
    assert [one.message for one in caplog.records if one.message.startswith("first load")] == [
        "first load: 500 of 2,000 records (25 %)",
        "first load: 500 records, done in 0 s",
    ]
