"""The slot: what it keeps until it is delivered, and what people are told when it, or what it stands for, is not as it was."""

from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from producers.faults import SourceUnready
from producers.sources.postgres import first_reading as first_reading_module
from schemas.events import Operation
from tests.producers.kampung import Kampung
from tests.producers.samples import card
from tests.producers.sources.reading import Reading, declared, reading

MARCH, APRIL, MAY = date(2024, 3, 1), date(2024, 4, 1), date(2024, 5, 1)


def confirmed(made: Kampung) -> str:
    """Return where the slot stands."""
    row = made.owner.execute("select confirmed_flush_lsn from pg_replication_slots where slot_name = %s", (made.slot,)).fetchone()
    assert row is not None
    return str(row[0])


def test_the_slot_moves_only_when_told(made: Kampung, reader: Reading, tmp_path: Path) -> None:
    """What was read and kept is still in the slot; a reader whose file is lost before delivery loses nothing."""
    reader.read_all()
    before = confirmed(made)
    made.put(1, 2, MARCH)
    made.end(1, APRIL)
    made.put(2, 3, MARCH)
    reader.read_all()
    assert confirmed(made) == before

    (tmp_path / "other").mkdir()
    with reading(declared(made, tmp_path), made, tmp_path / "other") as lost:
        lost.read_all()
        assert [one.operation for one in lost.events].count(Operation.END) == 1
        assert lost.held == {2: 3}
        lost.deliver()
    assert confirmed(made) != before


def test_an_idle_slot_moves_on_over_what_others_write(made: Kampung, reader: Reading) -> None:
    """Log that holds nothing of ours is let go as well, and never a commit that lies behind it."""
    made.put(1, 2, MARCH)
    reader.read_all()
    reader.deliver()
    places = {confirmed(made)}
    made.owner.execute("create table smart_kampung.lain (x int)")
    for turn in range(20):
        made.owner.execute("insert into smart_kampung.lain select generate_series(1, 1000)")
        if turn % 5 == 0:
            made.put(1, 2 + turn, MARCH)
        reader.read()
        reader.read()
        reader.deliver()
        places.add(confirmed(made))
    reader.read_all()

    assert len(places) > 10
    assert reader.held == {1: 17}


def test_truncate_ends_nothing_and_waits_for_a_person(made: Kampung, reader: Reading, tmp_path: Path) -> None:
    """What was changed before is said; then reading stops with the place in its words, and goes on once that is accepted."""
    made.put(1, 2, MARCH)
    reader.read_all()
    made.put(2, 3, MARCH)
    made.owner.execute("truncate smart_kampung.keluarga, smart_kampung.anggota")
    made.put(3, 4, MARCH)
    reader.read()
    for _ in range(2):
        with pytest.raises(SourceUnready, match="emptied by TRUNCATE") as told:
            reader.read()
    assert reader.held == {1: 2, 2: 3}

    accepted = str(told.value).split("accept_truncate = ")[1].split(" in the region")[0]
    with reading(declared(made, tmp_path, ("[source]", f"[source]\naccept_truncate = {accepted}")), made, tmp_path) as after:
        after.read_all()
        after.events = reader.events + after.events
    assert after.held == {1: 2, 2: 3, 3: 4}


def test_a_lost_slot_is_told_and_everything_is_read_again_where_declared(made: Kampung, reader: Reading, tmp_path: Path) -> None:
    """Changes behind a slot that is gone cannot be had: a person decides, or the region file; then who is missing has ended."""
    for serial in range(1, 11):
        made.put(serial, 2, MARCH)
    reader.read_all()
    made.owner.execute("select pg_drop_replication_slot(%s)", (made.slot,))
    made.end(1, APRIL)
    made.put(2, 5, APRIL)
    with reading(declared(made, tmp_path), made, tmp_path) as stopped, pytest.raises(SourceUnready, match="is gone"):
        stopped.read()

    with reading(declared(made, tmp_path, ("[source]", '[source]\nlost_slot = "snapshot"')), made, tmp_path) as after:
        after.read_all()
        ends = [one for one in after.events if one.operation is Operation.END]
        after.events = reader.events + after.events
    assert [one.valid_from for one in ends] == [date(2024, 6, 2)]  # today in Jakarta
    assert after.held == {**dict.fromkeys(range(3, 11), 2), 2: 5}


def test_too_many_who_are_gone_are_not_ended(made: Kampung, reader: Reading, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An empty table after a lost slot looks like a fault, and ends nobody."""
    for serial in range(1, 11):
        made.put(serial, 2, MARCH)
    reader.read_all()
    made.owner.execute("select pg_drop_replication_slot(%s)", (made.slot,))
    made.owner.execute("delete from smart_kampung.keluarga where no_kk > %s", (card(5),))
    with reading(declared(made, tmp_path, ("[source]", '[source]\nlost_slot = "snapshot"')), made, tmp_path) as after:
        for _ in range(10):
            after.read()
        assert "5 of 10 households are not there any more" in after.batches[-1].note
        assert after.batches[-1].warning
        made.put(1, 3, APRIL)  # changes go on
        for serial in range(6, 11):
            made.put(serial, 2, MARCH)
        after.read()
        after.read()
        monkeypatch.setattr(first_reading_module, "_REFUSED_S", 0.0)
        after.read_all()
        assert [one for one in after.events if one.operation is Operation.END] == []
        after.events = reader.events + after.events
        assert after.held == {**dict.fromkeys(range(2, 11), 2), 1: 3}


def test_another_cluster_needs_another_generation(made: Kampung, reader: Reading, tmp_path: Path) -> None:
    """A restored database begins its log anew: without a raised generation its changes would be ignored for ever, so it is refused."""
    made.put(1, 2, MARCH)
    reader.read_all()
    with reading(declared(made, tmp_path), made, tmp_path) as moved:
        moved._state.connection.execute("update database_server set identity = 'another 0'")
        with pytest.raises(SourceUnready, match="generation = 1"):
            moved.read()
    made.put(1, 3, MARCH)
    with reading(declared(made, tmp_path, ("[source]", "[source]\ngeneration = 1")), made, tmp_path) as after:
        said = after.read_all()
        after.events = [replace(one, revision=one.revision + (1 << 59)) for one in reader.events] + after.events

    assert [one.revision >> 60 for one in said] == [1] * len(said)
    assert after.held == {1: 3}


def test_the_slots_growth_is_told_and_warned_of(made: Kampung, tmp_path: Path) -> None:
    """How much log the slot holds back stands in the state; beyond the declared size it is a warning."""
    with reading(declared(made, tmp_path, ("[source]", "[source]\nslot_warning_mb = 1")), made, tmp_path) as reader:
        reader.read_all()
        assert f"slot {made.slot} holds up to " in reader.batches[-1].note
        assert not reader.batches[-1].warning
        made.owner.execute("create table smart_kampung.lain as select repeat('x', 500) from generate_series(1, 6000)")
    with reading(declared(made, tmp_path, ("[source]", "[source]\nslot_warning_mb = 1")), made, tmp_path) as reader:
        reader.read_all()
        assert reader.batches[-1].warning


def test_a_deleted_member_of_nobody_is_told(made: Kampung, reader: Reading) -> None:
    """Where the members' identity is their own number, a deletion does not tell whose member it was: people are told what mends it."""
    made.owner.execute("alter table smart_kampung.anggota replica identity default")
    made.put(1, 2, MARCH)
    reader.read_all()
    made.owner.execute("delete from smart_kampung.anggota")
    reader.read_all()

    assert "alter table smart_kampung.anggota replica identity full" in reader.batches[-1].note
    assert reader.batches[-1].warning
