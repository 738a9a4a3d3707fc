"""What a repair file makes of an event: each operation, what is left as it is, and what a person may see of it."""

from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from processors.admission import Record
from processors.law import kept
from processors.repair.fields import described, shown
from processors.repair.language import RepairFile
from processors.repair.mending import Left, Mended, matches, mended
from processors.repair.planning import Outcome, Ready, Refused, outcomes, plan
from schemas.codec import encode_record
from schemas.events import Dwelling, Operation, Programme, to_record
from tests.integration.events import changed, household_key, said_by
from tests.processors.repair.files import AS_IT_IS, VILLAGES, repair_file, sets
from tests.worlds import REFERENCE, statements

KEY, ARRIVED, NOW = household_key("one"), datetime(2024, 3, 31, 16, tzinfo=UTC), datetime(2024, 6, 1, tzinfo=UTC)
NIK, NAME = "9901014101900001", "WARGA 000123"


def record(key: bytes | None = KEY, **more: Any) -> Record:
    """Return an event of 91.01's alpha as it lay in Kafka, in order but for what is named."""
    said = {"village": "91.01.01.1001", "size": 4, "expenditure": 500_000_000, "valid_from": date(2024, 1, 1), **more}
    event = changed(KEY, said.pop("region", "91.01"), said.pop("source", "alpha"), **said)
    return Record(to_record(event), key, "91.01", ARRIVED)


def after(file: RepairFile, before: Record) -> Record:
    """Return what a file makes of an event that it repairs."""
    found = mended(file, before)
    assert isinstance(found, Mended)
    return found.record


@pytest.mark.parametrize(
    ("table", "more", "field", "value"),
    [
        ('field = "source"\nconstant = "beta"', {}, "source", "beta"),
        ('field = "source"\ntable = {"alpha" = "beta"}', {}, "source", "beta"),
        ('field = "region"\ncopy = "topic"', {"region": "92.01"}, "region", "91.01"),
        ('field = "valid_from"\nat_most = "arrival"', {"valid_from": date(9999, 1, 1)}, "valid_from", date(2024, 4, 1)),
        ('field = "valid_from"\nat_most = 2024-01-31', {"valid_from": date(2024, 2, 1)}, "valid_from", date(2024, 1, 31)),
        ('field = "valid_from"\nat_least = 1950-01-01', {"valid_from": date(1, 1, 1)}, "valid_from", date(1950, 1, 1)),
        ('field = "valid_from"\nconstant = 2023-12-01', {}, "valid_from", date(2023, 12, 1)),
        ('field = "mapping_version"\nconstant = 7', {"mapping_version": 1 << 40}, "mapping_version", 7),
        ('field = "previous_household"\ndrop = true', {"previous_household": KEY}, "previous_household", None),
        ('field = "key_version"\nconstant = 2', {"key_version": -1, "previous_household": bytes(16)}, "key_version", 2),
        ('field = "operation"\ntable = {UPSERT = "END"}', {}, "operation", "END"),
        ('field = "residence.village"\ntable = {"x" = "91.01.01.1001"}', {"village": "x"}, "residence", {"village": "91.01.01.1001"}),
        ('field = "composition.size"\nrange = [1, 20]\noutside = "nearest"', {"size": 44}, "composition", {"size": 20}),
        ('field = "composition.size"\nrange = [1, 20]\noutside = "nearest"', {"size": 0}, "composition", {"size": 1}),
        ('field = "composition.size"\nrange = [1, 20]\noutside = "drop"', {"size": 44}, "composition", None),
        ('field = "composition.size"\ndivide = 10\nrange = [1, 20]', {"size": 40}, "composition", {"size": 4}),
        ('field = "welfare.expenditure"\ndivide = 100', {}, "welfare", {"expenditure": 5_000_000, "basis": "OBSERVED"}),
        ('field = "welfare.expenditure"\nmultiply = 1000', {"expenditure": -5}, "welfare", {"expenditure": -5000, "basis": "OBSERVED"}),
        ('field = "welfare.basis"\nconstant = "MODELLED"', {}, "welfare", {"expenditure": 500_000_000, "basis": "MODELLED"}),
        ('field = "welfare"\ndrop = true', {}, "welfare", None),
        ('field = "programmes"\ndrop = true', {"programmes": (Programme("PKH"),)}, "programmes", None),
    ],
)
def test_one_field_is_set_and_nothing_else(table: str, more: dict[str, Any], field: str, value: object) -> None:
    """Each operation does what it says to its field; key, topic, revision and all other fields stay as they were said."""
    before = record(**more)

    made = after(sets(table), before)

    assert made == replace(before, fields={**before.fields, field: value})
    assert made.fields is not before.fields


def test_key_and_topic_are_set_beside_the_event() -> None:
    """A record with a wrong key takes its household's, one in a wrong topic goes to the one of its region."""
    for key in (None, b"", household_key("another")):
        assert after(sets('field = "key"\ncopy = "household"'), record(key)).key == KEY
    moved = after(sets('field = "topic"\ncopy = "region"'), record(region="91.02"))

    assert (moved.regency, moved.fields["region"]) == ("91.02", "91.02")
    assert after(sets('field = "household"\ncopy = "key"'), record(household_key("b"))).fields["household"] == household_key("b")


def test_every_set_acts_on_the_event_as_it_was_said() -> None:
    """What one set makes is not what another one reads, whatever their order."""
    tables = ('field = "region"\ncopy = "topic"', 'field = "topic"\ncopy = "region"')
    before = record(region="91.02")

    for file in (sets(*tables), sets(*reversed(tables))):
        made = after(file, before)
        assert (made.regency, made.fields["region"]) == ("91.02", "91.01")


@pytest.mark.parametrize(
    ("table", "more", "left"),
    [
        ('field = "source"\ntable = {"gamma" = "beta"}', {}, Left("source", "its value is not in the table")),
        ('field = "composition.size"\nrange = [1, 3]', {}, Left("composition.size", "lies outside the range")),
        ('field = "welfare.expenditure"\ndivide = 3', {}, Left("welfare.expenditure", "is not a multiple of 3")),
        ('field = "household"\ncopy = "key"', {"key": b"short"}, Left("household", "the record's key is not a pseudonym")),
        ('field = "household"\ncopy = "key"', {"key": None}, Left("household", "the record's key is not a pseudonym")),
        ('field = "welfare.expenditure"\ndivide = 3', {"expenditure": None}, Left("", "nothing of it would change")),
        ('field = "source"\nconstant = "alpha"', {}, Left("", "nothing of it would change")),
    ],
)
def test_what_a_file_does_not_provide_for_is_left(table: str, more: dict[str, Any], left: Left) -> None:
    """An event that a table, a range or a division does not fit, or that would stay as it is, is not repaired, and why is told."""
    key = more.pop("key", KEY)

    assert mended(sets(table), record(key, **more)) == left


def test_a_dropped_section_takes_what_was_to_be_set_in_it() -> None:
    """A number that falls outside its range drops the section, whatever else was to be set there, in any order."""
    tables = ('field = "welfare.expenditure"\nrange = [0, 9]\noutside = "drop"', 'field = "welfare.basis"\nconstant = "MODELLED"')
    for order in (tables, tables[::-1]):
        assert after(sets(*order), record()).fields["welfare"] is None


def test_a_match_looks_into_the_event() -> None:
    """Source and value of the field at fault are those of the event."""
    match = repair_file(VILLAGES).match

    assert matches(match, "residence.village", record(village="91.01.01.1009"))
    assert not matches(match, "residence.village", record(village="91.01.01.1008"))
    assert not matches(match, "residence.village", record(village="91.01.01.1009", source="gamma"))
    assert not matches(match, "residence.village", record(village=None))


def test_unchanged_sends_the_same_again() -> None:
    """With `unchanged` the event stays as it was, and admission has the word."""
    before = record()

    found = mended(repair_file(AS_IT_IS), before)

    assert found == Mended(before, ())


# ---- what would become of it ----------------------------------------------------------------------------------------------


def test_admission_judges_the_repaired_event_by_its_own_arrival() -> None:
    """What is in order now would be sent; what is not would be rejected again, with the cause of the repaired event."""
    far = record(valid_from=date(2024, 5, 30))
    assert isinstance(plan(repair_file(AS_IT_IS), far, NOW, REFERENCE), Ready)
    refused = plan(sets('field = "residence.village"\nconstant = "91.01.01.1009"'), record(village="x"), NOW, REFERENCE)

    assert isinstance(refused, Refused)
    assert (refused.cause, refused.field) == ("village_unknown", "residence.village")
    assert isinstance(plan(sets('field = "source"\ntable = {"x" = "beta"}'), record(), NOW, REFERENCE), Left)


@given(st.lists(statements(), max_size=6), st.lists(statements(), max_size=6))
def test_outcomes_say_what_the_law_keeps(said: list[Any], held: list[Any]) -> None:
    """Exactly the statements that are kept, and were not, change something; said again none does."""
    before = kept(held)
    found = outcomes(said, before)
    after_all = kept([*before, *said])
    for one, outcome in zip(said, found, strict=True):
        assert (outcome is not Outcome.OLDER) == (one in after_all)
        assert (outcome is Outcome.HELD) == (one in before and one in after_all)
    assert Outcome.CHANGES not in outcomes(said, after_all)


# ---- what may be seen -----------------------------------------------------------------------------------------------------


def test_the_same_repair_gives_the_same_bytes() -> None:
    """Done twice, a repair makes one statement: the values are equal byte for byte."""
    file = sets('field = "welfare.expenditure"\ndivide = 100')
    values = {encode_record("HouseholdChanged", after(file, record()).fields, 7) for _ in range(3)}

    assert len(values) == 1


def test_nothing_personal_is_shown() -> None:
    """Text that is no code, amounts and long numbers are told by their shape; pseudonyms, codes and dates as they are."""
    event = record(
        village=f"DESA {NIK}",
        source=NAME,
        mapping_version=int(NIK),
        revision=int(NIK),
        size=1_234_567,
        expenditure=-87_654_321,
        programmes=(Programme(NAME),),
        dwelling=Dwelling(1, 99),
    )

    told = described(event)

    everything = repr(told)
    for secret in (NIK, NAME, "DESA", "WARGA", "1234567", "87654321", "99"):
        assert secret not in everything
    assert told["household"] == KEY.hex()
    assert told["valid_from"] == "2024-01-01"
    assert told["residence.village"] == "(not a code)"
    assert told["welfare.expenditure"] == "(a negative number of 8 digits)"
    assert told["programmes"] == "(1 entries)"
    assert told["dwelling"] == "(said)"
    assert told["members"] == "(nothing)"


@pytest.mark.parametrize("text", [NIK, NAME, "siti", "3174", "", "91.01.01.10011", "91.01.01.1001 ", "0" * 16, "91.01.01.1001\n"])
def test_only_a_village_s_code_is_shown_as_a_village(text: str) -> None:
    """Whatever else stands in a village's place is not shown."""
    assert shown("residence.village", text) == "(not a code)"


def test_the_changes_tell_no_amount() -> None:
    """Of an expenditure a change tells how it came about and how many digits it had, never the amount."""
    found = mended(sets('field = "welfare.expenditure"\ndivide = 100'), record())
    assert isinstance(found, Mended)
    (one,) = found.changes

    assert (one.field, one.how, one.before, one.after) == (
        "welfare.expenditure",
        "divide",
        "(a number of 9 digits)",
        "(a number of 7 digits)",
    )


def test_an_end_is_an_end() -> None:
    """An operation set by table makes the statement of that operation, with the same claim, date and revision."""
    before = record(revision=12)
    made = plan(sets('field = "operation"\ntable = {UPSERT = "END"}'), before, NOW, REFERENCE)
    assert isinstance(made, Ready)

    said = said_by(changed(KEY, "91.01", "alpha", valid_from=date(2024, 1, 1), revision=12, operation=Operation.END))
    assert (made.statement.claim, made.statement.valid_from, made.statement.revision) == (said.claim, said.valid_from, said.revision)
    assert made.statement.operation is Operation.END
