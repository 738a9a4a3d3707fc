"""The first reading of a database beside its changes: changes come first, progress is told, and neither is lost where both speak."""

from datetime import date
from pathlib import Path

import pytest

from producers.sources import Backfill, LoadsBeside
from producers.sources.postgres import log as log_module
from producers.sources.postgres import pages as pages_module
from tests.producers.kampung import Kampung
from tests.producers.samples import card
from tests.producers.sources.reading import Reading, declared, reading

MARCH, APRIL, MAY = date(2024, 3, 1), date(2024, 4, 1), date(2024, 5, 1)


@pytest.fixture
def hundred(made: Kampung, monkeypatch: pytest.MonkeyPatch) -> Kampung:
    """A hundred families of two on many pages, which are read one by one."""
    monkeypatch.setattr(pages_module, "PAGES", 1)
    with made.owner.transaction():
        for serial in range(1, 101):
            made.put(serial, 2, MARCH, members=0, alamat="JALAN CONTOH " * 40)
    return made


def _until(reader: Reading, events: int) -> None:
    while len(reader.events) < events:
        reader.read()


def test_a_change_does_not_wait_for_the_table(hundred: Kampung, reader: Reading) -> None:
    """Whenever a change is committed during the first reading, at most one range of rows comes before it."""
    _until(reader, 20)
    for size in range(3, 8):
        hundred.put(1, size, MAY, members=0)
        said = [*reader.read().events, *reader.read().events]
        assert size in {one.composition.size for one in said if one.composition}
    assert reader.batches[-1].backfill is not None
    reader.read_all()

    assert reader.held == {**dict.fromkeys(range(2, 101), 2), 1: 7}


def test_a_great_transaction_goes_before_the_table(hundred: Kampung, reader: Reading, monkeypatch: pytest.MonkeyPatch) -> None:
    """Once the log has begun to give changes, no rows come between them."""
    monkeypatch.setattr(log_module, "_BATCH", 10)
    _until(reader, 20)
    hundred.owner.execute("update smart_kampung.keluarga set jumlah_jiwa = 5")
    before = len(reader.events)
    sizes: list[int] = []
    while sizes.count(5) < 100:
        sizes += [one.composition.size for one in reader.read().events if one.composition]
    first = sizes.index(5)

    assert sizes[first:] == [5] * 100
    assert len(reader.events) - before < 130
    reader.read_all()
    assert reader.held == dict.fromkeys(range(1, 101), 5)


def test_rows_after_and_before_what_the_log_says_of_them(hundred: Kampung, reader: Reading) -> None:
    """
    A family is deleted before its page is read, one after; one is changed before, one after; one moves to a page behind, one to one that
    was read: in the end each is as the table has it.
    """
    _until(reader, 20)
    hundred.end(1, APRIL)
    hundred.end(100, APRIL)
    hundred.put(2, 3, MAY, members=0, alamat="JALAN CONTOH " * 80)
    hundred.put(99, 4, MAY, members=0, alamat="JALAN CONTOH " * 80)
    reader.read()  # the changes, or one range of rows
    hundred.owner.execute("delete from smart_kampung.keluarga where no_kk between %s and %s", (card(3), card(30)))
    hundred.owner.execute("vacuum smart_kampung.keluarga")
    for serial in range(90, 99):  # into pages that are free now, and were read
        hundred.put(serial, 6, MAY, members=0, alamat="JALAN CONTOH " * 50)
    reader.read_all()

    there = {2: 3, 99: 4, **dict.fromkeys(range(31, 90), 2), **dict.fromkeys(range(90, 99), 6)}
    assert reader.held == there


@pytest.mark.parametrize("at", range(0, 16, 3))
def test_killed_anywhere_both_go_on(hundred: Kampung, tmp_path: Path, at: int) -> None:
    """A process that ends after any batch, with another one read and not kept, loses neither rows nor changes."""
    told = declared(hundred, tmp_path)
    with reading(told, hundred, tmp_path) as first:
        for turn in range(at):
            first.read()
            hundred.put(1 + turn * 7 % 100, 3, MAY, members=0)
        first.read(keep=False)
    hundred.put(100, 9, MAY, members=0)
    with reading(told, hundred, tmp_path) as second:
        second.read_all()
        second.events = first.events + second.events
        changed = {1 + turn * 7 % 100: 3 for turn in range(at)}
        assert second.held == {**dict.fromkeys(range(1, 101), 2), **changed, 100: 9}
        assert second.batches[-1].backfill is None


def test_progress_is_told_with_every_batch_and_goes_on(hundred: Kampung, tmp_path: Path) -> None:
    """What was read grows up to all that there is, in this process and the next, with changes between; afterwards none runs."""
    told = declared(hundred, tmp_path)
    with reading(told, hundred, tmp_path) as first:
        _until(first, 30)
        hundred.put(1, 3, MAY, members=0)
        first.read()
        first.read()
        batches = first.batches
    with reading(told, hundred, tmp_path) as second:
        second.read_all()
        batches = batches + second.batches
    progress = [one.backfill for one in batches]
    loading = [one for one in progress if one is not None]

    assert loading == progress[: len(loading)]
    assert [one.read for one in loading] == sorted(one.read for one in loading)
    assert (loading[0], progress[-1]) == (Backfill(0, 100), None)
    assert loading[-1] in (Backfill(100, 100), Backfill(101, 101))  # the family that was changed may have moved behind


def test_no_rows_while_too_many_wait(hundred: Kampung, reader: Reading) -> None:
    """Whoever sends what is read may have no more rows for a while: then changes alone are read, and without any it is waited."""
    _until(reader, 20)
    assert isinstance(reader.source, LoadsBeside)
    reader.source.may_load(may=False)
    before = reader.batches[-1].backfill
    hundred.put(1, 3, MAY, members=0)
    said = [*reader.read().events, *reader.read().events, *reader.read().events]
    last = reader.batches[-1]

    assert [one.composition.size for one in said if one.composition] == [3]
    assert (last.backfill, last.caught_up, last.wait_s) == (before, False, log_module._PAUSE_S)
    reader.source.may_load(may=True)
    reader.read_all()
    assert reader.held == {**dict.fromkeys(range(2, 101), 2), 1: 3}
