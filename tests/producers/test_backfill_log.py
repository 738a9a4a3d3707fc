"""The progress of a first load in the adapter's file: it outlives a process, and begins anew where the load does."""

import sqlite3
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from producers.backfill_log import BackfillKept, first_load
from producers.checkpoint import StateFile, status
from producers.sources import Backfill
from tests.producers.events import NOW


@pytest.fixture
def connection(tmp_path: Path) -> Iterator[sqlite3.Connection]:
    """The connection of an adapter's file."""
    with StateFile(tmp_path / "s.sqlite", "carik") as made:
        yield made.connection


def after(seconds: int) -> timedelta:
    """Return a time since the beginning."""
    return timedelta(seconds=seconds)


def test_progress_outlives_a_process(connection: sqlite3.Connection, tmp_path: Path) -> None:
    """A new process goes on with what was noted: the beginning stays, and anyone may read it."""
    assert first_load(connection) is None
    BackfillKept(connection).keep(Backfill(500, 2_000), NOW)
    BackfillKept(connection).keep(Backfill(700, 2_100), NOW + after(60))
    found = status(tmp_path / "s.sqlite")

    assert found is not None
    assert found.backfill is not None
    assert (found.backfill.begun, found.backfill.read, found.backfill.total, found.backfill.ended) == (NOW, 700, 2_100, None)
    assert [(one.at, one.read) for one in found.backfill.samples] == [(NOW, 500), (NOW + after(60), 700)]


def test_it_ends_once(connection: sqlite3.Connection) -> None:
    """The first batch without a load ends it; later ones change nothing."""
    kept = BackfillKept(connection)
    kept.keep(Backfill(500, None), NOW)
    kept.keep(None, NOW + after(9))
    kept.keep(None, NOW + after(99))
    found = first_load(connection)

    assert found is not None
    assert (found.read, found.ended) == (500, NOW + after(9))


@pytest.mark.parametrize("ended", [True, False])
def test_what_is_read_from_the_beginning_is_a_load_of_its_own(connection: sqlite3.Connection, ended: bool) -> None:
    """After an end, or with fewer records than before, it began anew: an older pace tells nothing of it."""
    kept = BackfillKept(connection)
    kept.keep(Backfill(500, 900), NOW)
    if ended:
        kept.keep(None, NOW + after(1))
    kept.keep(Backfill(600 if ended else 100, None), NOW + after(30))
    found = first_load(connection)

    assert found is not None
    assert (found.begun, found.total, found.ended, len(found.samples)) == (NOW + after(30), None, None, 1)


def test_the_pace_of_minutes_is_kept_and_no_more(connection: sqlite3.Connection) -> None:
    """One sample in ten seconds, of the last ten minutes, however many batches there are."""
    kept = BackfillKept(connection)
    for second in range(2_000):
        kept.keep(Backfill(second, None), NOW + after(second))
    found = first_load(connection)

    assert found is not None
    assert len(found.samples) == 61
    assert found.samples[-1].read == 1_990


def test_it_is_told_now_and_then(connection: sqlite3.Connection) -> None:
    """At its beginning, every half minute, and at its end."""
    kept = BackfillKept(connection)
    said = []
    for second in (*range(0, 70, 5), None, None):
        told, at = None if second is None else Backfill(second, None), NOW + after(80 if second is None else second)
        kept.keep(told, at)
        said.append(kept.words(told, at))

    assert [place for place, one in enumerate(said) if one] == [0, 6, 12, 14]
    assert said[14] == "65 records, done in 1 min 20 s"


def test_a_file_made_before_there_was_progress_has_none(tmp_path: Path) -> None:
    """It needs no migration: a reader adds what is missing."""
    with StateFile(tmp_path / "s.sqlite", "carik") as made:
        made.connection.execute("drop table if exists backfill")
        made.connection.execute("drop table if exists backfill_sample")
    found = status(tmp_path / "s.sqlite")

    assert found is not None
    assert found.backfill is None


def test_what_is_counted_is_told(connection: sqlite3.Connection) -> None:
    """A source that counts something else than records says so, and people read it."""
    kept = BackfillKept(connection)
    kept.keep(Backfill(500, 900, "bytes of files"), NOW)

    assert (kept.words(Backfill(500, 900, "bytes of files"), NOW) or "").startswith("500 of 900 bytes of files (55 %)")
