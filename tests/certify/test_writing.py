"""The mapping backwards: what is written for any region file is read by its mapping as what was to be said."""

from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from deploy.certify.checks import PERSONAL
from deploy.certify.told import Fact, Says, Told, card, name, nik, street
from deploy.certify.writing import CannotBeSaid, Layers, Oddity, Writer
from producers.declaration import Declaration
from producers.faults import RecordUnreadable
from producers.records import Node
from schemas.events import Composition, Operation, Residence, Welfare, WelfareBasis
from tests.producers.samples import carik, mapper, sddd

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


@pytest.mark.parametrize("oddity", [one for one in Oddity if one is not Oddity.NEW_FIELD])
@pytest.mark.parametrize("declared", [carik(), sddd()])
def test_an_odd_record_cannot_be_read(declared: Declaration, oddity: Oddity) -> None:
    """Whatever is odd in it, the mapping says which field; a new field alone disturbs nobody."""
    write = Writer(declared, CARIK_DEPTH, as_text=declared.source.kind == "files")
    village = declared.regencies[0] + ".01.1001"
    change = Told(7, date(2024, 3, 1), 12, MOMENT, Says.IS, Fact(village, 4, 3_000_000))
    file = {"village": village, "period": "2024-03", "exported": MOMENT.isoformat()}

    def layers(of: Layers) -> Node:
        return node([of[0], {**of[1], **file}, *of[2:]])

    assert mapper(declared).event(layers(write.odd(change, Oddity.NEW_FIELD))).composition == Composition(4)
    if oddity is Oddity.NAMED_PROGRAMME and declared.mapping.programmes is None:
        with pytest.raises(CannotBeSaid, match="it reads no programme"):
            write.odd(change, oddity)
        return
    with pytest.raises(RecordUnreadable):
        mapper(declared).event(layers(write.odd(change, oddity)))


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
