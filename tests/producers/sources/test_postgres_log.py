"""A real database read by its log: snapshot and changes joined, and nothing lost or set back whatever happens between them."""

import threading
from datetime import date
from itertools import count
from pathlib import Path

import pytest

from producers.faults import SourceAway
from producers.sources.postgres import log as log_module
from producers.sources.postgres import pages as pages_module
from schemas.events import HouseholdChanged, Operation
from tests.producers.kampung import Kampung
from tests.producers.samples import card
from tests.producers.sources.reading import Reading, declared, reading

MARCH, APRIL, MAY = date(2024, 3, 1), date(2024, 4, 1), date(2024, 5, 1)


def test_each_state_of_a_family_is_said(made: Kampung, reader: Reading) -> None:
    """States that follow each other before anybody reads are all said, with their own dates; the lists are those of the reading."""
    reader.read_all()
    made.put(1, 2, MARCH)
    made.put(1, 3, date(2023, 1, 1))
    made.put(1, 4, APRIL)
    said = reader.read_all()

    assert [(one.valid_from, one.composition and one.composition.size) for one in said] == [(MARCH, 2), (date(2023, 1, 1), 3), (APRIL, 4)]
    assert [one.revision for one in said] == sorted({one.revision for one in said})
    assert {len(one.members or ()) for one in said} == {4}


def test_states_within_one_transaction_are_said_in_order(made: Kampung, reader: Reading) -> None:
    """The last of one transaction's states for a date wins, and what is rolled back is never said."""
    reader.read_all()
    with made.owner.transaction():
        made.put(1, 2, MARCH)
        made.put(1, 5, MARCH)
    with made.another() as given_up:
        given_up.execute("update smart_kampung.keluarga set jumlah_jiwa = 9")
        given_up.rollback()
    reader.read_all()

    assert reader.held == {1: 5}


def test_a_deletion_and_a_new_card_end_households(made: Kampung, reader: Reading) -> None:
    """A deleted row ends on the day in it, a changed key ends the old household and begins the new one."""
    made.put(1, 2, MARCH)
    made.put(2, 3, MARCH)
    reader.read_all()
    made.end(1, APRIL)
    made.owner.execute("update smart_kampung.keluarga set no_kk = %s, berlaku_sejak = %s where no_kk = %s", (card(12), APRIL, card(2)))
    said = reader.read_all()

    ends = [(one.valid_from, one.residence) for one in said if one.operation is Operation.END]
    assert ends == [(APRIL, None), (APRIL, None)]
    assert reader.held == {12: 3}


def test_a_statement_taken_back_is_retracted(made: Kampung, reader: Reading) -> None:
    """A row that is marked as wrong retracts its date, in the log and in a snapshot alike."""
    made.put(1, 2, MARCH, dibatalkan=True)
    made.put(2, 2, MARCH)
    reader.read_all()
    made.put(2, 2, MARCH, dibatalkan=True)
    reader.read_all()

    assert [one.operation for one in reader.events] == [Operation.RETRACT, Operation.UPSERT, Operation.RETRACT]
    assert reader.held == {}


def test_a_members_change_says_the_household_again(made: Kampung, reader: Reading) -> None:
    """Members and aid alone are said with the present row; of a ledger the newest month of each programme."""
    made.put(1, 2, MARCH)
    reader.read_all()
    made.add_member(1, 3)
    for month, amount in (("2024-01-01", 100), ("2024-03-01", 300), ("2024-02-01", 200)):
        made.owner.execute(
            "insert into smart_kampung.bantuan (no_kk, program, bulan, jumlah) values (%s, 'PKH', %s, %s)", (card(1), month, amount)
        )
    said = reader.read_all()

    assert len(said[-1].members or ()) == 3
    assert [(one.programme, one.last_month, one.amount) for one in said[-1].programmes or ()] == [("PKH", MARCH, 300)]
    made.owner.execute("delete from smart_kampung.anggota where no_kk = %s", (card(1),))
    assert [one.members for one in reader.read_all()] == [()]


def test_a_row_read_for_a_member_never_beats_a_later_one(made: Kampung, reader: Reading) -> None:
    """
    A change of the row began earlier and is committed later than the member's change on whose account the row is read.

    With the place of the change as revision the row that was read, the older one, would win for ever.
    """
    made.put(1, 2, MARCH)
    reader.read_all()
    with made.another() as slow:
        slow.execute("update smart_kampung.keluarga set jumlah_jiwa = 7 where no_kk = %s", (card(1),))
        made.add_member(1, 3)
        said = reader.read_all()
        assert [one.composition and one.composition.size for one in said] == [2]
        slow.commit()
    reader.read_all()

    assert reader.held == {1: 7}


def test_what_is_committed_but_not_seen_yet_is_waited_for(made: Kampung, reader: Reading, monkeypatch: pytest.MonkeyPatch) -> None:
    """The log may tell a commit before anybody can see it: rows and lists are read only once all of the batch can be seen."""
    reader.read_all()
    made.put(1, 2, MARCH)
    looks = iter([False, False, True])
    monkeypatch.setattr("producers.sources.postgres.tables.Seen.sees", lambda *_: next(looks))
    said = reader.read_all()
    assert [len(one.members or ()) for one in said] == [2]

    made.put(1, 3, MARCH)
    monkeypatch.setattr("producers.sources.postgres.tables.Seen.sees", lambda *_: False)
    monkeypatch.setattr(log_module, "_LOOK_S", 0.05)
    with pytest.raises(SourceAway, match="standby"):
        reader.read()


def test_writers_during_the_snapshot_lose_nothing(made: Kampung, reader: Reading, monkeypatch: pytest.MonkeyPatch) -> None:
    """While the tables are read page by page, families are changed, deleted and added: in the end all is as it is there."""
    monkeypatch.setattr(pages_module, "PAGES", 1)
    living = dict.fromkeys(range(1, 151), 2)
    with made.owner.transaction():
        for serial in living:
            made.put(serial, 2, MARCH, members=0, alamat="JALAN CONTOH " * 40)
    stop, failed = threading.Event(), threading.Event()

    def write() -> None:
        try:
            for turn in count():
                if stop.is_set():
                    return
                serial = turn * 37 % 150 + 1
                if turn % 5 == 4 and serial in living:
                    made.end(serial, APRIL)
                    del living[serial]
                else:
                    living[serial] = 3 + turn % 9
                    made.put(serial, living[serial], MAY, members=0, alamat="JALAN CONTOH " * 40)
        except BaseException:
            failed.set()
            raise

    writer = threading.Thread(target=write)
    writer.start()
    for _ in range(60):
        batch = reader.read()
        reader.read(keep=False)  # and killed, now and then, before it is kept
    stop.set()
    writer.join()
    reader.read_all()

    assert not failed.is_set()
    assert batch.position != reader.position
    assert len(living) > 50
    assert reader.held == living


def test_a_snapshot_is_taken_up_where_it_was_left(made: Kampung, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another process goes on at the next page; what changed meanwhile wins over what the pages show under the first place."""
    monkeypatch.setattr(pages_module, "PAGES", 1)
    with made.owner.transaction():
        for serial in range(1, 101):
            made.put(serial, 2, MARCH, members=0, alamat="JALAN CONTOH " * 40)
    told = declared(made, tmp_path)
    with reading(told, made, tmp_path) as first:
        while len(first.events) < 30:
            first.read()
    made.put(1, 3, MARCH)
    made.put(100, 4, MARCH)
    with reading(told, made, tmp_path) as second:
        second.read_all()
        made.put(2, 9, MARCH)  # right behind the last page
        second.read_all()
        again = len([one for one in second.events if one.composition and one.composition.size == 2])
        second.events = first.events + second.events

    assert again < 100
    assert second.held == {**dict.fromkeys(range(1, 101), 2), 1: 3, 2: 9, 100: 4}


def test_a_table_written_anew_is_read_from_its_beginning(made: Kampung, reader: Reading, monkeypatch: pytest.MonkeyPatch) -> None:
    """After VACUUM FULL in the middle of the snapshot rows lie on other pages, though nobody changed them."""
    monkeypatch.setattr(pages_module, "PAGES", 1)
    with made.owner.transaction():
        for serial in range(1, 101):
            made.put(serial, 2, MARCH, members=0, alamat="JALAN CONTOH " * 40)
    made.owner.execute("delete from smart_kampung.keluarga where no_kk <= %s", (card(30),))
    while len(reader.events) < 30:
        reader.read()
    made.owner.execute("vacuum full smart_kampung.keluarga")
    reader.read_all()

    assert reader.held == dict.fromkeys(range(31, 101), 2)


def test_a_huge_transaction_is_taken_in_pieces(made: Kampung, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A transaction of a whole village makes many batches, each kept on its own, with the same revisions wherever it is taken up."""
    monkeypatch.setattr(log_module, "_BATCH", 50)
    told = declared(made, tmp_path)
    with reading(told, made, tmp_path) as first:
        first.read_all()
        with made.owner.transaction():
            for serial in range(1, 151):
                made.put(serial, 1, MARCH, members=0)
            made.owner.execute("update smart_kampung.keluarga set jumlah_jiwa = 2")
        begun = len(first.events)
        while len(first.events) < begun + 170:
            assert len(first.read().events) <= 50
        assert first.position is not None
        assert "done" in first.position
        first.deliver()  # of a transaction that is not through nothing is let go
    with reading(told, made, tmp_path) as second:
        rest = second.read_all()
        second.events = first.events + rest
        lost = set()
        second.position = first.batches[begun // 50 - 1].position if begun else first.batches[0].position
        lost = {(one.household, one.revision) for one in second.read_all()}

    assert len(rest) < 300
    assert second.held == dict.fromkeys(range(1, 151), 2)
    assert lost <= {(one.household, one.revision) for one in first.events + second.events}


def test_a_batch_that_was_not_kept_is_read_again(made: Kampung, reader: Reading) -> None:
    """Where the disk refuses, the same changes come again, with the same revisions."""
    reader.read_all()
    made.put(1, 2, MARCH)
    lost = reader.read(keep=False)
    found = reader.read_all()

    assert list(lost.events) == found
    assert len(found) == 1


def test_an_unchanged_large_value_is_not_lost(made: Kampung, reader: Reading) -> None:
    """A value that lies outside its row and was not touched is taken from the old row."""
    made.owner.execute("alter table smart_kampung.keluarga alter column kode_desa set storage external")
    reader.read_all()
    long = made.village
    made.put(1, 2, MARCH)
    made.owner.execute("update smart_kampung.keluarga set kode_desa = repeat('9', 9000) where no_kk = %s", (card(1),))
    made.owner.execute("update smart_kampung.keluarga set jumlah_jiwa = 3 where no_kk = %s", (card(1),))
    reader.read_all()
    assert {one.cause for one in reader.aside} == {"is no village's code such as 31.74.01.1001"}

    made.put(1, 4, MARCH, kode_desa=long)
    reader.read_all()
    assert reader.held == {1: 4}


def test_a_new_column_and_a_dropped_one_stop_nothing_that_is_not_theirs(made: Kampung, reader: Reading) -> None:
    """DDL in the midst: what no mapping reads may come and go."""
    made.put(1, 2, MARCH)
    reader.read_all()
    made.owner.execute("alter table smart_kampung.keluarga add column baru text default 'x', drop column nama_kepala")
    made.owner.execute("update smart_kampung.keluarga set jumlah_jiwa = 5")
    reader.read_all()

    assert reader.held == {1: 5}


def test_sending_again_wins_over_what_was_said_and_not_over_what_follows(made: Kampung, reader: Reading) -> None:
    """Rows sent through a mended mapping carry a revision above all that was kept, and below every later change."""
    made.put(1, 2, MARCH)
    reader.read_all()
    made.put(1, 3, MARCH)
    reader.read_all()
    made.put(1, 4, MARCH)  # committed, not read yet
    position: str | None = None
    again: list[HouseholdChanged] = []
    while True:
        batch = reader.source.again(date(2024, 1, 1), position)  # type: ignore[arg-type]  # it goes by rows, not by time
        again += batch.events
        position = batch.position
        if batch.caught_up:
            break
    before = max(one.revision for one in reader.events)
    later = reader.read_all()

    assert [one.composition and one.composition.size for one in again] == [4]
    assert before < again[0].revision < later[0].revision


def test_a_row_that_is_put_back_was_never_gone(made: Kampung, reader: Reading) -> None:
    """A family that was deleted by mistake and put back as it was lives on, in one reading or in two; one that returns later does, too."""
    reader.read_all()
    for serial in (1, 2, 3, 4):
        made.put(serial, 2, MARCH)
    reader.read_all()
    for serial in (1, 2, 3):
        made.end(serial, MAY)
    made.put(1, 2, MARCH)
    reader.read_all()
    assert reader.held == {1: 2, 4: 2}
    made.put(2, 3, APRIL)
    made.put(3, 4, date(2024, 6, 1))
    reader.read_all()

    assert reader.held == {1: 2, 2: 3, 3: 4, 4: 2}
