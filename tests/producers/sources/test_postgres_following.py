"""A database that is followed by change times and tombstones, or by an outbox: what is committed late is not missed, nor set back."""

from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest

from producers.faults import SourceUnready
from producers.sources.postgres import following as following_module
from schemas.events import Operation
from tests.producers.kampung import Kampung
from tests.producers.samples import card
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
_OUTBOX = """
drop publication muara;
create table smart_kampung.muara_outbox (like smart_kampung.keluarga, seq bigserial primary key, operasi text);
create function smart_kampung.changed() returns trigger language plpgsql as $$ begin
  if tg_op = 'DELETE' then
    insert into smart_kampung.muara_outbox select (old).*, nextval('smart_kampung.muara_outbox_seq_seq'), 'HAPUS';
  else
    insert into smart_kampung.muara_outbox select (new).*, nextval('smart_kampung.muara_outbox_seq_seq'), 'UBAH';
  end if;
  return null;
end $$;
create trigger changed after insert or update or delete on smart_kampung.keluarga for each row execute function smart_kampung.changed();
"""
_BY_TIME = (
    'capture = "log"',
    """capture = "changed_at"
changed_at = "diubah_pada"
overlap_s = 0.0
tombstones = { table = "smart_kampung.keluarga_terhapus", changed_at = "diubah_pada" }""",
)
_BY_OUTBOX = ('capture = "log"', 'capture = "outbox"\noutbox = { table = "smart_kampung.muara_outbox" }')


@pytest.fixture(params=["changed_at", "outbox"])
def reader(request: pytest.FixtureRequest, made: Kampung, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Reading]:
    """A reader of a role that may only read, a few rows at a time."""
    monkeypatch.setattr(following_module, "_AT_ONCE", 3)
    by_time = request.param == "changed_at"
    made.owner.execute(_TRIGGERS if by_time else _OUTBOX)
    made.grant()
    with reading(declared(made, tmp_path, _BY_TIME if by_time else _BY_OUTBOX), made, tmp_path) as one:
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
