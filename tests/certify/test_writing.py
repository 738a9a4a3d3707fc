"""The mapping backwards: what is written for any region file is read by its mapping as what was to be said."""

from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest

from deploy.certify.checks import PERSONAL
from deploy.certify.oddities import Oddity, odd_of, written
from deploy.certify.told import Fact, Says, Told, card, name, nik, street
from deploy.certify.writing import CannotBeSaid, Layers, Writer
from producers.declaration import Declaration, DriftModes, Modes
from producers.faults import RecordUnreadable
from producers.records import Node
from schemas.events import Composition, Operation, Residence, Welfare, WelfareBasis
from tests.producers.samples import COLUMNS, carik, mapper, sddd

MOMENT = datetime(2024, 3, 5, 8, 0, 0, 7, tzinfo=UTC)
CARIK_DEPTH = 4


def told(says: Says = Says.IS, expenditure: int | None = 3_000_000) -> Told:
    """Return a change of family 7."""
    return Told(7, date(2024, 3, 1), 12, MOMENT, says, Fact("31.74.01.1001", 4, expenditure))


def node(layers: Layers) -> Node:
    """Return a record as a source's reader hands it over."""
    at: Node | None = None
    for layer in reversed(layers):
        at = Node(layer, at)
    assert at is not None
    return at


def test_a_record_says_what_was_to_be_said() -> None:
    """Every section that a mapping reads comes out as it was wanted, those that nobody asked for with any value that is fit."""
    event = mapper(carik()).event(node(Writer(carik(), CARIK_DEPTH).record(told())))

    assert (event.region, event.valid_from, event.recorded_at, event.operation) == ("31.74", date(2024, 3, 1), MOMENT, Operation.UPSERT)
    assert event.residence == Residence("31.74.01.1001")
    assert event.composition == Composition(4)
    assert event.welfare == Welfare(3_000_000, WelfareBasis.OBSERVED)
    assert event.household == mapper(carik())._pseudonyms.family_card(card(7))
    assert event.members is not None
    assert len(event.members) == 4
    assert event.dwelling is not None
    assert event.programmes is not None


def test_an_end_a_retraction_and_silence_are_said() -> None:
    """Where the mapping has a word for them."""
    write, read = Writer(carik(), CARIK_DEPTH), mapper(carik())

    assert read.event(node(write.record(told(Says.ENDS)))).operation is Operation.END
    assert read.event(node(write.record(told(Says.NEVER_WAS)))).operation is Operation.RETRACT
    assert read.event(node(write.record(told(expenditure=None)))).welfare is None


def test_texts_are_written_where_there_are_only_texts(tmp_path: Path) -> None:
    """A row of a file holds nothing else."""
    write = Writer(sddd(tmp_path), 2, as_text=True)

    record = write.record(told())[0]

    assert {type(value) for value in record.values()} == {str}
    assert record["P301"] == card(7)
    assert not write.can_end
    with pytest.raises(CannotBeSaid, match="neither ended nor retracted"):
        write.record(told(Says.ENDS))


@pytest.mark.parametrize("oddity", Oddity)
@pytest.mark.parametrize("declared", [carik(), sddd()])
def test_an_odd_record_is_told_as_it_was_foreseen(declared: Declaration, oddity: Oddity) -> None:
    """Whatever is odd in it, the mapping says which field, and what kind of drift it is; a new field and one left out disturb nobody."""
    is_file = declared.source.kind == "files"
    write, read = Writer(declared, CARIK_DEPTH, as_text=is_file), mapper(declared)
    village = declared.regencies[0] + ".01.1001"
    change = Told(7, date(2024, 3, 1), 12, MOMENT, Says.IS, Fact(village, 4, 3_000_000))
    file = {"village": village, "period": "2024-03", "exported": MOMENT.isoformat()}

    def layers(of: Layers) -> Node:
        return node([{name: of[0].get(name) for name in COLUMNS}, file] if is_file else of)

    if is_file and oddity in NOT_OF_FILES:
        with pytest.raises(CannotBeSaid):
            odd_of(declared, oddity, change, lacks=False, around=False)
        return
    odd = odd_of(declared, oddity, change, lacks=not is_file, around=not is_file)
    if odd.mode == "evolve":
        assert read.event(layers(written(write, change, odd))).composition == Composition(4)
        return
    with pytest.raises(RecordUnreadable) as caught:
        read.event(layers(written(write, change, odd)))
    assert caught.value.facts["field"] in odd.fields
    assert (caught.value.drift or None) == odd.kind


NOT_OF_FILES = {
    Oddity.MISSING_DATE: "it stands in the name",
    Oddity.MISSING_VILLAGE: "it stands in the name",
    Oddity.OTHER_DATE: "it stands in the name",
    Oddity.TEXT_FOR_LIST: "there are none",
    Oddity.NAMED_PROGRAMME: "there is none",
    Oddity.LEFT_OUT: "a cell may be empty, not missing",
}


@pytest.mark.parametrize(
    ("modes", "mode"),
    [({}, "quarantine"), ({"new_code": "discard"}, "discard"), ({"only": {"welfare": Modes(new_code="evolve")}}, "evolve")],
)
def test_what_a_region_declares_for_a_drift_is_what_is_wanted(modes: dict[str, Any], mode: str) -> None:
    """Its modes are part of what is certified."""
    declared = carik().model_copy(update={"drift": DriftModes(**modes)})

    assert odd_of(declared, Oddity.NEW_CODE, told(), lacks=True, around=True).mode == mode


def test_what_stops_an_adapter_is_not_tried() -> None:
    """A frozen adapter waits for a person, and here is none; without what is essential nothing goes on, whatever is declared."""
    frozen = carik().model_copy(update={"drift": DriftModes(new_code="freeze", missing_field="evolve")})

    with pytest.raises(CannotBeSaid, match="it declares `freeze` for it"):
        odd_of(frozen, Oddity.NEW_CODE, told(), lacks=True, around=True)
    assert odd_of(frozen, Oddity.MISSING_FIELD, told(), lacks=True, around=True).mode == "quarantine"


def test_whatever_is_personal_has_a_shape_that_is_searched_for() -> None:
    """Wherever it stands, in the middle of other digits too; else a leak would be found nowhere."""
    for one in (name(12), street(12), card(12), nik(12, 3), card(29_999)):
        assert one.encode() in {found[1] for found in PERSONAL.finditer(b"\x009" + one.encode() + b"9")}


def test_identifiers_are_invented_and_each_its_own() -> None:
    """Cards of different families differ, and every number lies in area 99."""
    cards = {card(serial) for serial in range(30_000)}

    assert len(cards) == 30_000
    assert all(one.startswith("99") and len(one) == 16 for one in cards)
    assert nik(3, 0) != nik(3, 1)
