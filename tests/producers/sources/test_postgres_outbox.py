"""An outbox whose rows are whole: whenever they are read, they say the same under the same revision, and each is said once."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from producers.encoding import encode
from producers.faults import SourceUnready
from producers.sources.postgres import following as following_module
from schemas.events import Operation
from tests.producers.kampung import Kampung
from tests.producers.samples import card
from tests.producers.sources.outbox import BY_OUTBOX, make_outbox
from tests.producers.sources.reading import Reading, declared, reading

MARCH, APRIL, MAY, JUNE = (date(2024, month, 1) for month in (3, 4, 5, 6))


@contextmanager
def opened(made: Kampung, folder: Path, at_once: int = 2_000, generation: int = 0) -> Iterator[Reading]:
    """Read with the adapter's file that lies in a folder, so many rows at a time."""
    folder.mkdir(exist_ok=True)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(following_module, "_AT_ONCE", at_once)
        told = BY_OUTBOX[1] + f"\ngeneration = {generation}"
        with reading(declared(made, folder, (BY_OUTBOX[0], told)), made, folder) as one:
            yield one


def bytes_of(reader: Reading) -> list[bytes]:
    """Return what was said, as it is sent."""
    return [encode(one, 0) for one in reader.events]


def lived(made: Kampung) -> None:
    """Let families come, change, end by mistake, come back, get another card and be corrected, their lists changing all the while."""
    for serial in range(1, 5):
        made.put(serial, serial, MARCH)
    made.put(1, 4, APRIL)
    made.put(1, 5, MARCH)
    made.put(1, 4, APRIL)
    made.end(2, MAY)
    made.put(2, 3, MARCH)
    made.put(2, 2, JUNE)
    made.end(3, MAY)
    made.put(3, 1, JUNE)
    made.owner.execute("update smart_kampung.keluarga set no_kk = %s, berlaku_sejak = %s where no_kk = %s", (card(14), MAY, card(4)))
    made.put(1, 6, JUNE, dibatalkan=True)


def test_a_change_is_told_with_its_lists_as_they_were(made: Kampung, tmp_path: Path) -> None:
    """Rows read long after say the members of their time, and of a ledger the newest month of each programme."""
    make_outbox(made)
    made.put(1, 2, MARCH)
    with made.owner.transaction():
        for month, amount in (("2024-01-01", 100), ("2024-03-01", 300), ("2024-02-01", 200)):
            made.owner.execute(
                "insert into smart_kampung.bantuan (no_kk, program, bulan, jumlah) values (%s, 'PKH', %s, %s)", (card(1), month, amount)
            )
        made.put(1, 3, APRIL)
    made.put(1, 1, MAY)
    with opened(made, tmp_path) as reader:
        reader.read_all()

    assert [len(one.members or ()) for one in reader.events] == [2, 3, 1]
    assert [[(aid.programme, aid.last_month, aid.amount) for aid in one.programmes or ()] for one in reader.events] == [
        [],
        [("PKH", MARCH, 300)],
        [("PKH", MARCH, 300)],
    ]
    assert {one.sex for event in reader.events for one in event.members or ()} == {2}
    assert {(one.birth_year, one.birth_month) for event in reader.events for one in event.members or ()} == {(1990, 5)}


def test_families_that_are_there_already_ends_and_new_cards(made: Kampung, tmp_path: Path) -> None:
    """Made when families are there, it tells them once; a deletion and another card end, on the days that the rows tell."""
    made.put(1, 2, MARCH)
    made.put(2, 3, MARCH)
    made.put(3, 1, MARCH)
    make_outbox(made)
    made.end(1, APRIL)
    made.owner.execute("update smart_kampung.keluarga set no_kk = %s, berlaku_sejak = %s where no_kk = %s", (card(12), MAY, card(2)))
    with opened(made, tmp_path) as reader:
        reader.read_all()

    assert reader.held == {3: 1, 12: 3}
    assert [one.valid_from for one in reader.events if one.operation is Operation.END] == [APRIL, MAY]


@pytest.mark.parametrize("at_once", [1, 2, 3, 5])
def test_a_lost_file_says_the_same_to_the_byte(made: Kampung, tmp_path: Path, at_once: int) -> None:
    """Read from zero, in whatever pieces, and after all lists have changed: the same statements in the same order, RETRACTs among them."""
    make_outbox(made)
    lived(made)
    with opened(made, tmp_path / "first") as first:
        first.read_all()
    made.owner.execute("delete from smart_kampung.anggota")
    with opened(made, tmp_path / "lost", at_once) as lost:
        lost.read_all()

    assert bytes_of(lost) == bytes_of(first)
    assert [one.valid_from for one in first.events if one.operation is Operation.RETRACT] == [MAY, JUNE]
    assert first.held == {1: 4, 2: 2, 3: 1, 14: 4}


@pytest.mark.parametrize("kept", range(9))
def test_each_row_is_said_once_however_often_it_ends(made: Kampung, tmp_path: Path, kept: int) -> None:
    """A process that ends at any batch, the last one read and not kept; a transaction that runs lets all be read again and again."""
    make_outbox(made)
    with made.another() as slow:
        slow.execute("select 1")
        lived(made)
        with opened(made, tmp_path, 3) as first:
            for _ in range(kept):
                first.read()
            first.read(keep=False)
        with opened(made, tmp_path, 2) as second:
            second.read_all()
            second.read_all()
            slow.commit()
            made.put(5, 2, MARCH)
            for _ in range(3):
                second.read_all()
    with opened(made, tmp_path / "whole") as whole:
        whole.read_all()

    assert Counter(bytes_of(first) + bytes_of(second)) == Counter(bytes_of(whole))
    assert set(Counter(bytes_of(whole)).values()) == {1}


def test_what_is_committed_late_is_said_beside_what_was(made: Kampung, tmp_path: Path) -> None:
    """Numbers taken early and committed late, over restarts: only they are said, and no more is known than what may be read again."""
    make_outbox(made, ("create constraint trigger", "create trigger"), ("  deferrable initially deferred for each row", "  for each row"))
    made.put(1, 2, MARCH, members=0)
    with made.another() as slow:
        slow.execute("update smart_kampung.keluarga set jumlah_jiwa = 7 where no_kk = %s", (card(1),))
        made.put(2, 3, MARCH, members=0)
        with opened(made, tmp_path) as first:
            for _ in range(3):
                first.read_all()
        slow.commit()
    with opened(made, tmp_path) as second:
        said = second.read_all()
        for _ in range(3):
            second.read_all()
        known = second.source._feed._connection.execute("select count(*) from outbox_said").fetchone()  # type: ignore[attr-defined]

    assert [one.composition and one.composition.size for one in first.events] == [2, 3]
    assert [one.composition and one.composition.size for one in said] == [7]
    assert second.events == said
    assert known == (0,)


def test_sending_again_says_all_of_it(made: Kampung, tmp_path: Path) -> None:
    """Whatever was said before is said again to the byte, and reading goes on where it stood."""
    make_outbox(made)
    lived(made)
    with opened(made, tmp_path, 4) as reader:
        reader.read_all()
        before, position, again = bytes_of(reader), reader.position, []
        at: str | None = None
        while True:
            batch = reader.source.again(datetime(1970, 1, 1, tzinfo=UTC), at)
            again += [encode(one, 0) for one in batch.events]
            at = batch.position
            if batch.caught_up:
                break
        assert reader.position == position
        assert reader.read_all() == []

    assert set(before) <= set(again)


def test_a_list_that_is_null_says_nothing_and_one_that_is_none_is_put_aside(made: Kampung, tmp_path: Path) -> None:
    """What is no list harms its own row alone, and nothing of its content is read."""
    make_outbox(made)
    made.owner.execute("alter table smart_kampung.keluarga disable trigger muara_tell")
    for serial, members in ((1, "null"), (2, '{"nama": "WARGA 000002"}'), (3, "[]")):
        made.put(serial, 2, MARCH)
        made.owner.execute(
            "insert into smart_kampung.muara_outbox select * from jsonb_populate_record(null::smart_kampung.muara_outbox,"
            " (select to_jsonb(k) from smart_kampung.keluarga k where no_kk = %s)"
            """ || jsonb_build_object('seq', %s::int, 'operasi', 'UPDATE', 'anggota', %s::jsonb))""",
            (card(serial), serial, members),
        )
    with opened(made, tmp_path) as reader:
        reader.read_all()
        reader.read_all()

    assert [(one.members, one.programmes) for one in reader.events] == [(None, None), ((), None)]
    assert [one.field for one in reader.aside] == ["members"]
    assert reader.held == {1: 2, 3: 2}


def test_an_outbox_without_its_lists_is_refused(made: Kampung, tmp_path: Path) -> None:
    """Its owner is told what is missing; with lists read from their tables a row could not be said twice alike."""
    make_outbox(made)
    made.owner.execute("alter table smart_kampung.muara_outbox drop column anggota, alter column bantuan type text using bantuan::text")
    with opened(made, tmp_path) as reader, pytest.raises(SourceUnready, match="add the jsonb columns anggota, bantuan"):
        reader.read()


def test_numbers_that_are_handed_out_ahead_are_refused(made: Kampung, tmp_path: Path) -> None:
    """Each session would have numbers of its own, and a later change of a family a smaller one."""
    make_outbox(made)
    made.owner.execute("alter sequence smart_kampung.muara_outbox_seq_seq cache 20")
    with opened(made, tmp_path) as reader, pytest.raises(SourceUnready, match="20 numbers at a time"):
        reader.read()


def test_a_database_that_was_restored_is_read_again_in_its_next_generation(made: Kampung, tmp_path: Path) -> None:
    """Numbers that have gone back are noticed; read from the beginning, what it says now wins over what was said before."""
    make_outbox(made)
    for size in (2, 3, 4):
        made.put(1, size, MARCH)
    with opened(made, tmp_path) as before:
        for _ in range(3):
            before.read_all()
    made.owner.execute("delete from smart_kampung.muara_outbox where seq > 1")
    made.owner.execute("alter sequence smart_kampung.muara_outbox_seq_seq restart with 2")
    with opened(made, tmp_path) as lost, pytest.raises(SourceUnready, match="ends at 1, and was read up to 3: raise generation"):
        lost.read()
    with opened(made, tmp_path, generation=1) as after:
        after.read_all()
        made.put(1, 5, MARCH)
        for _ in range(3):
            after.read_all()
        assert [one.composition and one.composition.size for one in after.events] == [2, 5]
        after.events = before.events + after.events

        assert after.held == {1: 5}


def test_rows_may_be_removed_once_they_were_read(made: Kampung, tmp_path: Path) -> None:
    """All of them, or the older ones; what comes later is said."""
    make_outbox(made)
    made.put(1, 2, MARCH)
    for all_of_them in (True, False):
        with opened(made, tmp_path) as reader:
            for _ in range(3):
                reader.read_all()
        made.owner.execute(
            "delete from smart_kampung.muara_outbox where %s or seq < (select max(seq) from smart_kampung.muara_outbox)", (all_of_them,)
        )
        with opened(made, tmp_path) as again:
            assert again.read_all() == []
            made.put(1, 3, APRIL)
            assert [one.valid_from for one in again.read_all()] == [APRIL]
