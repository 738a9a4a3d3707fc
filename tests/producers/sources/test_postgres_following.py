"""A database that is followed by change times and tombstones, or by an outbox: what is committed late is not missed, nor set back."""

from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from psycopg.pq import TransactionStatus

from producers.declaration import Declaration
from producers.faults import SourceUnready
from producers.sources import LoadsBeside
from producers.sources.postgres import following as following_module
from producers.sources.postgres.feeds import ChangedAt
from producers.sources.postgres.outbox import OutboxFeed
from schemas.events import Operation
from tests.producers.kampung import Kampung
from tests.producers.samples import card
from tests.producers.sources.outbox import BY_OUTBOX, make_outbox
from tests.producers.sources.reading import Reading, declared, reading

MARCH, APRIL, MAY = date(2024, 3, 1), date(2024, 4, 1), date(2024, 5, 1)
_TRIGGERS = """
drop publication muara;
create table smart_kampung.keluarga_terhapus (no_kk char(16), kode_desa text, berlaku_sejak date, diubah_pada timestamptz);
create function smart_kampung.changed() returns trigger language plpgsql as $$ begin
  if tg_op = 'DELETE' then
    insert into smart_kampung.keluarga_terhapus values (old.no_kk, old.kode_desa, old.berlaku_sejak, now());
    return old;
  end if;
  new.diubah_pada := now();
  return new;
end $$;
create trigger changed before insert or update or delete on smart_kampung.keluarga for each row execute function smart_kampung.changed();
"""
_NUMBERED_AT_ONCE = ("create constraint trigger", "create trigger"), ("  deferrable initially deferred for each row", "  for each row")
"""An outbox whose numbers are taken long before they are committed: what an owner is told to make, but for the end of the transaction."""
_BY_TIME = (
    'capture = "log"',
    """capture = "changed_at"
changed_at = "diubah_pada"
overlap_s = 0.0
tombstones = { table = "smart_kampung.keluarga_terhapus", changed_at = "diubah_pada" }""",
)


@pytest.fixture(params=["changed_at", "outbox"])
def reader(request: pytest.FixtureRequest, made: Kampung, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Reading]:
    """A reader of a role that may only read, a few rows at a time."""
    monkeypatch.setattr(following_module, "_AT_ONCE", 3)
    by_time = request.param == "changed_at"
    if by_time:
        made.owner.execute(_TRIGGERS)
    else:
        make_outbox(made, *_NUMBERED_AT_ONCE)
    made.grant()
    with reading(declared(made, tmp_path, _BY_TIME if by_time else BY_OUTBOX), made, tmp_path) as one:
        yield one


def test_changes_and_deletions_arrive_and_are_said_once(made: Kampung, reader: Reading) -> None:
    """Rows, equal times and numbers among them, are said in small batches, changes and ends once each, returns are no ends."""
    with made.owner.transaction():
        for serial in range(1, 11):
            made.put(serial, 2, MARCH)
    reader.read_all()
    assert reader.held == dict.fromkeys(range(1, 11), 2)
    assert max(len(one.events) for one in reader.batches) <= 3
    reader.read_all()
    assert reader.read_all() == []
    made.put(1, 3, APRIL)
    made.end(2, APRIL)
    made.end(3, MAY)
    made.put(3, 2, MARCH)
    reader.read_all()

    assert reader.held == {1: 3, 3: 2, **dict.fromkeys(range(4, 11), 2)}
    reader.read_all()
    assert reader.read_all() == []


def test_what_is_committed_late_is_not_missed(made: Kampung, reader: Reading) -> None:
    """A transaction that took its time, or its number, before others and is committed after them, many readings later."""
    made.put(1, 2, MARCH)
    reader.read_all()
    with made.another() as slow, made.another() as slower:
        slower.execute("select now()")  # its time is taken, though it has written nothing yet
        slow.execute("update smart_kampung.keluarga set jumlah_jiwa = 7 where no_kk = %s", (card(1),))
        made.put(2, 3, MARCH)
        for _ in range(4):
            reader.read_all()
        assert reader.held == {1: 2, 2: 3}
        slow.commit()
        for _ in range(4):
            reader.read_all()
        assert reader.held == {1: 7, 2: 3}
        slower.execute("update smart_kampung.keluarga set jumlah_jiwa = 8 where no_kk = %s", (card(1),))
        slower.commit()
    reader.read_all()

    assert reader.held == {1: 8, 2: 3}


def test_a_batch_that_was_not_kept_is_read_again(made: Kampung, reader: Reading) -> None:
    """What the disk refused comes again."""
    made.put(1, 2, MARCH)
    reader.read(keep=False)
    reader.read_all()

    assert reader.held == {1: 2}


def test_it_moves_on(made: Kampung, reader: Reading) -> None:
    """Where nobody runs any more, what was read is not read again for ever."""
    for serial in range(1, 7):
        made.put(serial, 2, MARCH)
    for _ in range(4):
        reader.read_all()
    before = len(reader.batches)
    reader.read_all()

    assert len(reader.batches) - before <= 2


def test_a_file_that_is_lost_loses_nothing(made: Kampung, reader: Reading, tmp_path: Path) -> None:
    """Read from the beginning, all is said again, ends included, and the office holds what it held."""
    made.put(1, 2, MARCH)
    made.put(2, 2, MARCH)
    reader.read_all()
    made.end(1, APRIL)
    (tmp_path / "other").mkdir()
    with reading(reader.source._mapper.declared, made, tmp_path / "other") as lost:  # type: ignore[attr-defined]
        lost.read_all()
        assert [one.operation for one in lost.events].count(Operation.END) == 1
        reader.events += lost.events

    assert reader.held == {2: 2}


def test_rows_without_a_time_are_refused(made: Kampung, tmp_path: Path) -> None:
    """A row that has no change time would never be found: its owner is told."""
    made.put(1, 2, MARCH, diubah_pada=None)
    made.owner.execute(_TRIGGERS)
    made.grant()
    with reading(declared(made, tmp_path, _BY_TIME), made, tmp_path) as one, pytest.raises(SourceUnready, match="without diubah_pada"):
        one.read()


def test_who_begins_while_the_newest_is_asked_for_is_waited_for(made: Kampung, reader: Reading, monkeypatch: pytest.MonkeyPatch) -> None:
    """A transaction writes just before the newest number or time is asked for, and another one after it is committed first."""
    made.put(1, 2, MARCH)
    reader.read_all()
    slow = made.another()

    def newest(asked: Callable[[Any], str]) -> Callable[[Any], str]:
        def ask(feed: Any) -> str:
            if slow.info.transaction_status == TransactionStatus.IDLE:
                slow.execute("update smart_kampung.keluarga set jumlah_jiwa = 7 where no_kk = %s", (card(1),))
                made.put(2, 3, MARCH)
            return asked(feed)

        return ask

    with monkeypatch.context() as patch:
        for feed in (ChangedAt, OutboxFeed):
            patch.setattr(feed, "newest", newest(feed.newest))
        for _ in range(4):
            reader.read_all()
    slow.commit()
    slow.close()
    for _ in range(4):
        reader.read_all()

    assert reader.held == {1: 7, 2: 3}


@pytest.fixture
def thirty(made: Kampung, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Declaration:
    """A region file over thirty families that are found by the times of their changes, three at a time."""
    monkeypatch.setattr(following_module, "_AT_ONCE", 3)
    made.owner.execute(_TRIGGERS)
    made.grant()
    for serial in range(1, 31):
        made.put(serial, 2, MARCH, members=0)
    return declared(made, tmp_path, _BY_TIME)


def test_a_change_does_not_wait_for_the_first_load(made: Kampung, tmp_path: Path, thirty: Declaration) -> None:
    """Changes and deletions, of families read already or not yet, come after three rows at most; progress is told meanwhile."""
    with reading(thirty, made, tmp_path) as reader:
        while len(reader.events) < 9:
            reader.read()
        made.put(30, 5, MAY, members=0)
        made.put(1, 6, MAY, members=0)
        made.end(29, APRIL)
        said = [one for _ in range(6) for one in reader.read().events]
        sizes = [one.composition.size if one.composition else 0 for one in said]
        assert {0, 5, 6} <= set(sizes)
        assert sizes.count(2) < 12
        loading = [one.backfill for one in reader.batches]
        assert all(one is not None and one.total == 30 for one in loading)
        assert [one.read for one in loading if one] == sorted(one.read for one in loading if one)
        reader.read_all()

        assert reader.held == {1: 6, 30: 5, **dict.fromkeys(range(2, 29), 2)}
        assert reader.batches[-1].backfill is None
        assert reader.read_all() == []


def test_the_first_load_waits_for_who_ran_when_it_began(made: Kampung, tmp_path: Path, thirty: Declaration) -> None:
    """A transaction that wrote an earlier time is committed in the end; a change that came later is said meanwhile."""
    with made.another() as slow, reading(thirty, made, tmp_path) as reader:
        slow.execute("update smart_kampung.keluarga set jumlah_jiwa = 7 where no_kk = %s", (card(1),))
        for _ in range(6):
            assert [reader.read().events for _ in range(2)] == [[], []]
        made.put(2, 3, MAY, members=0)
        said = [one.composition and one.composition.size for _ in range(4) for one in reader.read().events]
        assert said == [3]
        slow.commit()
        reader.read_all()

        assert reader.held == {1: 7, 2: 3, **dict.fromkeys(range(3, 31), 2)}


@pytest.mark.parametrize("at", [1, 2, 5, 9, 14])
def test_a_first_load_goes_on_in_another_process(made: Kampung, tmp_path: Path, thirty: Declaration, at: int) -> None:
    """A process that ends after any batch, with another one read and not kept, loses neither rows nor changes."""
    with reading(thirty, made, tmp_path) as first:
        for turn in range(at):
            first.read()
            made.put(1 + turn * 7 % 30, 3, MAY, members=0)
        first.read(keep=False)
    with reading(thirty, made, tmp_path) as second:
        second.read_all()
        second.events = first.events + second.events
        changed = {1 + turn * 7 % 30: 3 for turn in range(at)}
        assert second.held == {**dict.fromkeys(range(1, 31), 2), **changed}


def test_no_rows_of_a_first_load_while_too_many_wait(made: Kampung, tmp_path: Path, thirty: Declaration) -> None:
    """Whoever sends what is read may have no more rows for a while: changes alone are read."""
    with reading(thirty, made, tmp_path) as reader:
        reader.read()
        assert isinstance(reader.source, LoadsBeside)
        reader.source.may_load(may=False)
        made.put(30, 5, MAY, members=0)
        said = [one.composition and one.composition.size for _ in range(8) for one in reader.read().events]
        assert said == [5]
        reader.source.may_load(may=True)
        reader.read_all()
        assert reader.held == {30: 5, **dict.fromkeys(range(1, 30), 2)}
