"""Drift of a source: each kind does what the region file says, for a field, a section or the region, and what is noticed holds no value."""

import re
import time
from collections.abc import Callable
from datetime import date
from typing import Any

import pytest

from producers.declaration import Declaration, DriftModes
from producers.faults import RecordUnreadable, SourceFrozen
from producers.mapping import Mapper
from producers.records import Node
from producers.shape import LEARNT
from tests.producers.samples import building, carik, family, mapper, member

Record = dict[str, Any]


def with_modes(**told: Any) -> Declaration:
    """Return Carik's declaration with modes for drift."""
    return carik().model_copy(update={"drift": DriftModes.model_validate(told)})


def lying(one: Record, **said: Any) -> Node:
    """Return a family in its building."""
    house = building(one, **said)
    return Node(one, Node(house["rumah_tangga"][0], Node(house, Node({}))))


def without(one: Record, name: str) -> Record:
    """Return a record without a name."""
    return {key: value for key, value in one.items() if key != name}


UNKNOWN_SEX = family(1, anggota=[member(1, jenis_kelamin="X")])
NO_SEX = family(1, anggota=[without(member(1), "jenis_kelamin")])
ODD_MONTH = family(1, bantuan=[{"program": "PKH", "bulan_terakhir": "Mei", "jumlah": 1}])


@pytest.mark.parametrize(
    ("record", "kind", "field"),
    [
        (UNKNOWN_SEX, "new_code", "members.sex"),
        (ODD_MONTH, "changed_type", "programmes.last_month"),
        (NO_SEX, "missing_field", "members.sex"),
    ],
)
def test_each_mode_of_a_field_that_may_be_null(record: Record, kind: str, field: str) -> None:
    """Evolve and discard say nothing of the field, quarantine puts the record aside, freeze stops; wherever it is declared."""
    section, name = field.split(".")
    for place in (None, section, field):
        for mode in ("evolve", "discard", "quarantine", "freeze"):
            told = {"only": {place: {kind: mode}}} if place else {kind: mode}
            subject = mapper(with_modes(**told))
            if mode == "quarantine":
                with pytest.raises(RecordUnreadable) as caught:
                    subject.event(lying(record))
                assert (caught.value.facts["field"], caught.value.drift) == (field, kind)
            elif mode == "freeze":
                with pytest.raises(SourceFrozen, match=f"{field}: {kind}"):
                    subject.event(lying(record))
                continue
            else:
                (one,) = getattr(subject.event(lying(record)), section)
                assert getattr(one, name) is None
                assert (one.relation if section == "members" else one.amount) == 1
            # That a field is gone which may be null is noticed by the shape of the records, not here.
            assert set(subject.drift.taken()) == ({(field, kind, mode)} if kind != "missing_field" or mode == "quarantine" else set())


def test_the_nearest_mode_holds() -> None:
    """A field's own mode comes before its section's, and that before the region's."""
    modes = DriftModes.model_validate(
        {"new_code": "freeze", "only": {"members": {"new_code": "evolve"}, "members.sex": {"new_code": "discard"}}}
    )

    assert [modes.mode(name, "new_code") for name in ("members.sex", "members.work", "dwelling.wall", "members")] == [
        "discard",
        "evolve",
        "freeze",
        "evolve",
    ]
    assert modes.mode("members.sex", "missing_field") is None


def test_a_field_that_the_contract_wants_takes_its_section_along() -> None:
    """Where expenditure or a programme's name cannot be said, the whole section says nothing; the others are as they were."""
    odd: Record = {
        "pengeluaran": {"makanan": "n/a", "bukan_makanan": 1, "dasar": "SURVEI"},
        "bantuan": [{"program": 7}, {"program": "PKH"}],
    }
    subject = mapper(with_modes(only={"welfare": {"changed_type": "evolve"}, "programmes": {"changed_type": "discard"}}))
    event = subject.event(lying(family(1, **odd)))

    assert (event.welfare, event.programmes) == (None, None)
    assert event.members is not None
    assert event.dwelling is not None
    assert set(subject.drift.taken()) == {
        ("welfare.expenditure", "changed_type", "evolve"),
        ("programmes.programme", "changed_type", "discard"),
    }


def test_a_section_whose_list_is_none() -> None:
    """A list that is no list any more, or that is no longer there, is decided for the section as a whole; null says nothing as ever."""
    subject = mapper(with_modes(only={"members": {"changed_type": "evolve", "missing_field": "freeze"}}))
    one = family(1, anggota="3")
    declared = with_modes(only={"members": {"changed_type": "evolve", "missing_field": "freeze"}})
    mapping = declared.mapping.model_copy(update={"composition": None})
    subject = mapper(declared.model_copy(update={"mapping": mapping}))

    assert subject.event(lying(one)).members is None
    assert subject.event(lying(family(1, anggota=None))).members is None
    with pytest.raises(SourceFrozen, match="members: missing_field"):
        subject.event(lying(without(family(1), "anggota")))


def test_a_null_is_no_missing_field() -> None:
    """A field that is null says nothing, whatever is declared for one that is gone; one that is wanted is put aside."""
    subject = mapper(with_modes(missing_field="freeze"))

    event = subject.event(lying(family(1, anggota=[member(1, jenis_kelamin=None)])))
    assert event.members is not None
    assert event.members[0].sex is None
    with pytest.raises(RecordUnreadable, match="revision is missing"):
        subject.event(lying(family(1, diubah_pada=None)))
    with pytest.raises(SourceFrozen, match="revision: missing_field"):
        subject.event(lying(without(family(1), "diubah_pada")))


def test_what_a_person_accepted_takes_the_place_of_freeze() -> None:
    """The accepted mode holds for its field and kind alone."""
    subject = mapper(with_modes(new_code="freeze"))
    subject.drift.accepted = {("members.sex", "new_code"): "evolve"}

    event = subject.event(lying(UNKNOWN_SEX))
    assert event.members is not None
    assert event.members[0].sex is None
    with pytest.raises(SourceFrozen, match=r"members\.relation"):
        subject.event(lying(family(1, anggota=[member(1, jenis_kelamin="X", hubungan="X")])))


def learnt(subject: Mapper, record: Callable[[], Node] = lambda: lying(family(1))) -> Mapper:
    """Show a mapper as many records as it learns from."""
    for _ in range(LEARNT):
        subject.event(record())
    assert not subject.drift.taken()
    return subject


def seen_of(subject: Mapper, record: Node, times: int = 640) -> dict[tuple[str, str, str], int]:
    """Return what is noticed of a record shown so often."""
    for _ in range(times):
        subject.event(record)
    return {(field, kind, mode): count for (field, kind, mode), count in subject.drift.taken().items()}


def test_new_fields_are_noticed_after_the_first_records() -> None:
    """What the first records have is known; what comes later is told by its path, wherever it lies, and one record in 64 is looked at."""
    subject = learnt(mapper(carik()))
    odd = family(
        1, agama="X", anggota=[member(1, gol_darah="O")], pengeluaran={"makanan": 1, "bukan_makanan": 2, "dasar": "MODEL", "lain": 3}
    )

    assert seen_of(subject, lying(odd, foto="x")) == {
        ("agama", "new_field", "evolve"): 10,
        ("anggota.gol_darah", "new_field", "evolve"): 10,
        ("pengeluaran.lain", "new_field", "evolve"): 10,
        ("^.^.foto", "new_field", "evolve"): 10,
    }
    assert seen_of(subject, lying(family(1))) == {}


def test_fields_that_went_missing_are_noticed() -> None:
    """A field that was always there and that the mapping reads is told when it is gone; one that came and went is not."""
    subject = learnt(mapper(carik()))
    gone = family(1, anggota=[without(member(1), "pendidikan")])
    assert seen_of(subject, lying(without(gone, "bantuan"))) == {
        ("members.schooling", "missing_field", "evolve"): 10,
        ("programmes", "missing_field", "evolve"): 10,
    }

    coming = iter(range(LEARNT))
    subject = learnt(mapper(carik()), lambda: lying(gone if next(coming) % 2 else family(1)))
    assert seen_of(subject, lying(gone)) == {}


def test_known_fields_make_any_other_new_from_the_first_record() -> None:
    """With a list of what is left unread on purpose nothing is learnt about new fields."""
    known = ["anggota.nama", "^.no_urut", "^.^.kode_bangunan", "^.^.dasawisma", "^.^.alamat"]
    assert seen_of(mapper(with_modes(known=known)), lying(family(1)), 1) == {}

    assert seen_of(mapper(with_modes(known=known[1:])), lying(family(1)), 1) == {("anggota.nama", "new_field", "evolve"): 3}


@pytest.mark.parametrize("place", [{}, {"members": {}}])
def test_new_fields_may_freeze_or_be_put_aside(place: dict[str, Any]) -> None:
    """With these modes every record is looked at; a section's mode holds for what lies in its part of the record."""
    odd = lying(family(1, anggota=[member(1, gol_darah="O")]))
    for mode, error in {"freeze": SourceFrozen, "quarantine": RecordUnreadable}.items():
        told = {"only": {name: {"new_field": mode} for name in place}} if place else {"new_field": mode}
        subject = learnt(mapper(with_modes(**told)))
        for _ in range(3):
            with pytest.raises(error, match=r"anggota\.gol_darah"):
                subject.event(odd)
        if place:
            assert subject.event(lying(family(1, agama="X"))).valid_from == date(2024, 3, 1)


def test_a_source_that_uses_numbers_as_names_is_not_repeated() -> None:
    """Names may be anything: of one that could be a person's number only the shape is told, and there is an end to them."""
    subject = learnt(mapper(carik()))
    for serial in range(5000):
        subject.event(lying({**family(1), f"990101450590{serial:04}": 1}))

    assert set(subject.drift.taken()) == {("9" * 16, "new_field", "evolve")}
    looks, paths = subject.shape.learnt
    assert looks == LEARNT
    assert len(paths) < 100


def test_of_numbers_as_names_only_the_shape_is_learnt() -> None:
    """What is learnt is kept on the disk: of names that may be persons' numbers their shape, whether they hold a value or a table."""
    subject = mapper(carik())
    for serial in range(50):
        odd = {f"990101450590{serial:04}": {"nama": "x", f"99.01.01-450590.{serial:04}": 1}}
        subject.event(lying({**family(1), "keluarga": odd, **odd}))
    _, paths = subject.shape.learnt
    again = mapper(carik())
    again.shape.resume(LEARNT, {**paths, "kk.9901014505900001": True})

    for found in (paths, again.shape.learnt[1]):
        assert not [path for path in found if re.search(r"9901|99\.01", path)]
        assert {"9" * 16, "aaaaaaaa." + "9" * 16} <= {*found}
    assert seen_of(again, lying({**family(1), "9901014505900077": 1})) == {}


def test_what_was_learnt_is_taken_over() -> None:
    """After a restart nothing is learnt anew: what is new by then is told."""
    looks, paths = learnt(mapper(carik())).shape.learnt
    subject = mapper(carik())
    subject.shape.resume(looks, paths)

    assert seen_of(subject, lying(without(family(1, agama="X"), "bantuan"))) == {
        ("agama", "new_field", "evolve"): 10,
        ("programmes", "missing_field", "evolve"): 10,
    }


def test_looking_costs_next_to_nothing() -> None:
    """Of a record's mapping, looking at its shape is a small part."""
    subject, record = learnt(mapper(carik())), lying(family(1))

    def spent(work: Callable[[Node], Any]) -> float:
        begun = time.perf_counter()
        for _ in range(2000):
            work(record)
        return time.perf_counter() - begun

    assert min(spent(subject.shape.look) for _ in range(5)) < 0.1 * min(spent(subject.event) for _ in range(5))


def test_records_put_aside_count_as_drift_by_kind() -> None:
    """Under the default a new code is put aside, and counted; a fault that is the record's own is not."""
    subject = mapper(carik())
    for record in (UNKNOWN_SEX, family(2, anggota=[]), family(3, pengeluaran={"makanan": -9, "bukan_makanan": 0, "dasar": "MODEL"})):
        with pytest.raises(RecordUnreadable):
            subject.event(lying(record))

    assert dict(subject.drift.taken()) == {("members.sex", "new_code", "quarantine"): 1}
