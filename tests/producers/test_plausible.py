"""National identifiers against their records: what contradicts is counted, of one record in some, and nothing of a number is kept."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from producers.checkpoint import StateFile
from producers.declaration import DriftModes
from producers.mapping import Mapper
from producers.plausible import BIRTH, CARD_AREA, CARDS, PERSON_AREA, PERSONS, SEX, Plausible
from producers.plausible_log import Identifiers, identifiers
from producers.pseudonym import Pseudonyms
from producers.shape import LEARNT, SOME
from tests.producers.samples import KEY, card, carik, family, member, nik
from tests.producers.test_drift import lying
from tests.producers.test_drift_log import reader

CARIKS = carik()
WOMAN, MAN = nik(1), "9901010505900002"
"""Born on 5 May 1990, both."""


def is_area(digits: str) -> bool:
    """Know one invented district."""
    return digits == "990101"


def counted(record: dict[str, Any], knows: Callable[[str], bool] | None = is_area) -> dict[str, int]:
    """Return what one record of Carik's brings, without what is nothing."""
    subject = Plausible(CARIKS, knows)
    subject.look(lying(record))
    found = dict(subject.taken())
    assert not subject.taken()
    return found


@pytest.mark.parametrize(
    ("number", "sex", "born", "counts"),
    [
        (WOMAN, "P", "1990-05-05", {PERSONS: 1}),
        (MAN, "L", "1990-05-05", {PERSONS: 1}),
        (WOMAN, None, None, {PERSONS: 1}),
        (WOMAN, "L", "1990-05-05", {PERSONS: 1, SEX: 1}),
        (MAN, "P", "1990-05-05", {PERSONS: 1, SEX: 1}),
        (WOMAN, "X", "5 Mei", {PERSONS: 1}),
        (WOMAN, "P", "1991-05-05", {PERSONS: 1, BIRTH: 1}),
        (WOMAN, "P", "1990-06-05", {PERSONS: 1, BIRTH: 1}),
        (WOMAN, "P", "1991-06-05", {PERSONS: 1, BIRTH: 1}),
        # The event has no day, and of a year the number tells two digits: a child of 2001 and a grandmother of 1901 are alike to it.
        (WOMAN, "P", "1990-05-06", {PERSONS: 1}),
        ("9901010505010002", "L", "2001-05-05", {PERSONS: 1}),
        ("9901010505010002", "L", "1901-05-05", {PERSONS: 1}),
        ("9902010505900002", "P", "1991-05-05", {PERSONS: 1, PERSON_AREA: 1, SEX: 1, BIRTH: 1}),
        # Placeholders and what is no number say nothing of anybody; the mapping deals with them.
        ("9902010505909999", "P", "1991-05-05", {}),
        ("9902013205900002", "P", "1991-05-05", {}),
        ("", "P", "1991-05-05", {}),
        (None, "P", "1991-05-05", {}),
        (9902010505900002, "P", "1991-05-05", {}),
    ],
)
def test_each_contradiction_of_a_person_is_counted(number: Any, sex: str | None, born: str | None, counts: dict[str, int]) -> None:
    """Area, sex, and year or month of birth, each once; what the record does not say, or not readably, contradicts nothing."""
    one = member(1, nik=number, jenis_kelamin=sex, tanggal_lahir=born)

    assert counted(family(1, anggota=[one])) == {CARDS: 1, **counts}
    assert counted(family(1, anggota=[one, one])) == {CARDS: 1, **{what: 2 * count for what, count in counts.items()}}


def test_a_card_has_an_area_and_no_holder() -> None:
    """Of a card only the area is looked at; without the areas of today none is judged; what is no list holds nobody."""
    assert counted(family(1, no_kk="9902010101200001", anggota=[])) == {CARDS: 1, CARD_AREA: 1}
    assert counted(family(1, no_kk="9902010101200001", anggota=[member(1)]), None) == {CARDS: 1, PERSONS: 1}
    for odd in ("9902010101209999", "99", None, 7):
        assert counted(family(1, no_kk=odd, anggota="three")) == {}
    assert counted(family(1, anggota=[7, None, "x", {}])) == {CARDS: 1}


@pytest.mark.parametrize("new_field", ["evolve", "quarantine"])
def test_some_records_are_looked_at_and_none_is_put_aside(new_field: str) -> None:
    """The first records and one in some from there, be every one looked at for new fields; events are the same whatever numbers say."""
    declared = CARIKS.model_copy(update={"drift": DriftModes.model_validate({"new_field": new_field})})
    subject = Mapper(declared, Pseudonyms(KEY, 1), is_area)
    odd = family(1, anggota=[member(1, jenis_kelamin="L"), member(2, tanggal_lahir="1980-05-05"), member(3, nik="9902014505900003")])
    counts, events = [], []
    for records in (LEARNT, SOME, SOME, 10 * SOME):
        events += [subject.event(lying(odd)) for _ in range(records)]
        counts.append(subject.plausible.taken()[CARDS])
    started = Mapper(declared, Pseudonyms(KEY, 1), is_area)
    started.shape.resume(*subject.shape.learnt)
    started.event(lying(odd))

    assert events.count(events[0]) == len(events)
    assert counts == [LEARNT, 1, 1, 10]
    assert dict(started.plausible.taken()) == {CARDS: 1, PERSONS: 3, PERSON_AREA: 1, SEX: 1, BIRTH: 1}


@pytest.fixture
def state(tmp_path: Path) -> Iterator[StateFile]:
    """An adapter's file."""
    with StateFile(tmp_path / "s.sqlite", "carik") as made:
        yield made


def test_counts_are_kept_with_their_batch_and_hold_no_number(state: StateFile, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was counted of a batch that was not kept is forgotten, what was kept adds up over restarts, and the file has numbers only."""
    assert identifiers(state.path) is None
    odd = family(1, anggota=[member(1, jenis_kelamin="L"), member(2)])
    unkept, _ = reader(state, Mapper(carik(), Pseudonyms(KEY, 1), is_area), [odd])
    with monkeypatch.context() as patched:
        patched.setattr(state, "move", _broken)
        with pytest.raises(RuntimeError):
            unkept.step()
    assert identifiers(state.path) is None
    for page, knows in enumerate((is_area, lambda _: False)):
        started, _ = reader(state, Mapper(carik(), Pseudonyms(KEY, 1), knows), *[[odd]] * (page + 1))
        started.step()

    assert identifiers(state.path) == Identifiers(2, 4, 1, 2, 2, 0)
    told = "\n".join(state.connection.iterdump())
    assert nik(1) not in told
    assert card(1) not in told


def _broken(*_: object, **__: object) -> None:
    raise RuntimeError
