"""Columns admit exactly what the definition admits, record by record, whatever else is in the batch."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from hashlib import sha256
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from processors.admission import Record, admit, cause_of, field_of, link_of
from processors.columns.reading import BlockFrom, Dead, Readers, Reading, read
from processors.columns.statements import pack
from processors.law import Link, Statement
from processors.reference import Limits, Reference
from schemas.codec import NotTheContract, decode
from schemas.errors import Rejected, Retriable
from schemas.events import Programme, to_record
from tests.integration.events import household_key
from tests.processors.columns.faulty import FAULTS, MAKERS, NIK, REGENCIES, SCHEMAS, Schemas, a_good, sent, written
from tests.processors.record_batches import ARRIVED_MS, Sent, block_of
from tests.worlds import REFERENCE

LIMITS = Limits()
READERS = Readers(SCHEMAS)


def by_the_definition(one: Sent, regency: str, offset: int, limits: Limits = LIMITS) -> tuple[bytes, Statement, Link | None] | Dead:
    """Return what fastavro and `admit` make of one record."""
    arrived = datetime.fromtimestamp(ARRIVED_MS / 1000, UTC)
    unforeseen = ""
    try:
        fields = decode("HouseholdChanged", one.value or b"", one.headers, SCHEMAS)
        said = admit(Record(fields, one.key, regency, arrived), REFERENCE, limits)
        pack([said], REFERENCE)
    except Rejected as error:
        refused = error
    except Exception as error:  # noqa: BLE001 - whatever it is: it is the record's fault, and it ends nothing
        unforeseen = type(error).__name__
        refused = NotTheContract(why=f"{unforeseen} while judging it")
    else:
        return fields["household"], said, link_of(Record(fields, one.key, regency, arrived))
    digest = sha256(one.value or b"").digest()
    return Dead(f"t {regency}", 0, offset, arrived, cause_of(refused), field_of(refused), str(refused), digest, unforeseen)


def all_by_the_definition(batches: Sequence[tuple[str, Sequence[Sent]]]) -> tuple[list[tuple[bytes, Statement, Link | None]], list[Dead]]:
    """Return the statements and the rejected records of a batch of blocks, each block from offset 100 on."""
    judged = [by_the_definition(one, regency, 100 + number) for regency, records in batches for number, one in enumerate(records)]
    return [one for one in judged if not isinstance(one, Dead)], [one for one in judged if isinstance(one, Dead)]


def by_columns(batches: Sequence[tuple[str, Sequence[Sent]]], limits: Limits = LIMITS) -> Reading:
    """Return what the worker reads in the same blocks."""
    blocks = [BlockFrom(block_of(records, 100), f"t {regency}", 0, regency) for regency, records in batches]
    return read(blocks, REFERENCE, limits, READERS)


def assert_same(batches: Sequence[tuple[str, Sequence[Sent]]]) -> None:
    """Hold the worker's reading against the definition."""
    said, dead = all_by_the_definition(batches)
    reading = by_columns(batches)

    assert dead == reading.dead
    assert pack((statement for _, statement, _ in said), REFERENCE).tobytes() == reading.statements.tobytes()
    assert b"".join(household for household, _, _ in said) == reading.household.astype(">u8").tobytes()
    links = [link.previous + link.household + link.key_version.to_bytes(4, "big") for _, _, link in said if link]
    assert sorted(links) == sorted(one.tobytes() for one in reading.links.packed())


@given(
    st.lists(
        st.tuples(st.sampled_from(REGENCIES), st.lists(st.sampled_from(sorted(MAKERS)), min_size=1, max_size=8)), min_size=1, max_size=3
    ),
    st.data(),
)
@settings(max_examples=300, deadline=None)
def test_columns_admit_what_the_definition_admits(batches: list[tuple[str, list[str]]], data: st.DataObject) -> None:
    """The same statements in the same order, the same causes at the same coordinates; no fault harms a neighbour."""
    assert_same([(regency, [MAKERS[name](regency, data) for name in names]) for regency, names in batches])


@pytest.mark.parametrize("name", sorted(FAULTS))
@given(data=st.data())
@settings(max_examples=25, deadline=None)
def test_each_fault_between_good_neighbours(name: str, data: st.DataObject) -> None:
    """Every fault alone between two good records is judged as by the definition, and the neighbours are admitted."""
    good = sent(a_good("91.01"))
    batch = [("91.01", [good, FAULTS[name]("91.01", data), good])]

    assert_same(batch)
    reading = by_columns(batch)
    assert len(reading.statements) >= 2
    assert len(reading.statements) + len(reading.dead) == 3


@pytest.mark.parametrize(
    ("name", "cause", "field"),
    [
        ("another key", "key_is_not_the_household", "household"),
        ("no value", "not_the_contract", ""),
        ("unknown source", "source_not_registered", "source"),
        ("another regency", "region_is_not_the_topics", "region"),
        ("village of another regency", "village_outside_regency", "residence.village"),
        ("unknown village", "village_unknown", "residence.village"),
        ("size 0", "size_beyond_reason", "composition.size"),
        ("size 101", "size_beyond_reason", "composition.size"),
        ("expenditure -1", "expenditure_beyond_reason", "welfare.expenditure"),
        ("date after tomorrow", "date_beyond_arrival", "valid_from"),
        ("date before 1900", "date_before_registers", "valid_from"),
        ("unknown schema", "unknown_schema", ""),
        ("itself as previous household", "previous_is_the_household", "previous_household"),
        ("an empty previous household", "previous_is_empty", "previous_household"),
        ("a previous household and no key version", "key_version_out_of_range", "key_version"),
    ],
)
def test_causes_are_told(name: str, cause: str, field: str) -> None:
    """Cause and field of a fault are those that the issue's table names."""
    (dead,) = by_columns([("91.01", [FAULTS[name]("91.01", None)])]).dead  # type: ignore[arg-type]  # nothing is drawn here

    assert (cause, field, 100) == (dead.cause, dead.field, dead.offset)


@given(st.integers(0, 40), st.integers(0, 40))
@settings(max_examples=60, deadline=None)
def test_sixteen_digits_are_found_at_every_alignment(before: int, after: int) -> None:
    """A national identifier is found wherever it begins in the bytes; fifteen digits are none."""
    for digits, rejected in ((NIK, 1), (NIK[:15], 0), (NIK[:8] + "-" + NIK[8:], 0)):
        text = "x" * before + digits + "y" * after
        reading = by_columns([("91.01", [sent(a_good("91.01", programmes=(Programme(text, None, None),)))] * 2)])

        assert [2 * rejected, 2 - 2 * rejected] == [len(reading.dead), len(reading.statements)]
        assert not rejected or {("national_identifier_in_text", "programmes[].programme")} == {
            (one.cause, one.field) for one in reading.dead
        }
        assert not any(NIK in one.message for one in reading.dead)


@given(st.lists(st.integers(0, 2), min_size=4, max_size=4))
@settings(max_examples=30, deadline=None)
def test_what_a_record_says_does_not_depend_on_its_batch(cuts: list[int]) -> None:
    """Records read together, alone, or in other company are judged alike: a replay cuts batches elsewhere."""
    records = [FAULTS[name]("91.01", None) for name in ("text that is none", "unknown village", "a header", "text beyond ascii")]  # type: ignore[arg-type]
    together = by_columns([("91.01", records)])
    alone = [by_columns([("91.01", [one])]) for one in records]
    neighbour = sent(a_good("91.01", programmes=(Programme("1" * 15, None, None),)))
    mixed = by_columns([("91.01", [one for record, cut in zip(records, cuts, strict=True) for one in [neighbour] * cut + [record]])])

    assert [one.message for one in together.dead] == [one.message for reading in alone for one in reading.dead]
    assert [one.message for one in together.dead] == [one.message for one in mixed.dead]


@pytest.mark.parametrize(("name", "error"), [("a date that is a number", "TypeError"), ("a revision that is a time", "TypeError")])
@given(data=st.data())
@settings(max_examples=10, deadline=None)
def test_fields_that_mean_something_else_are_no_poison(name: str, error: str, data: st.DataObject) -> None:
    """A foreign writer's logical types are not ours: its records are rejected, usual and unusual ones alike, and end nothing."""
    (dead,) = by_columns([("91.01", [FAULTS[name]("91.01", data)])]).dead

    assert (dead.cause, dead.unforeseen) == ("not_the_contract", error)
    assert f"({error} while judging it)" in dead.message


class Away(Retriable):
    """away"""


def test_a_registry_that_is_away_rejects_nothing() -> None:
    """While a schema cannot be asked for, the whole batch waits: nothing is rejected for it."""

    class NoRegistry(Schemas):
        def by_id(self, schema_id: int) -> dict[str, Any]:
            raise Away(schema=schema_id)

    with pytest.raises(Away):
        read([BlockFrom(block_of([sent(a_good("91.01"))]), "t", 0, "91.01")], REFERENCE, LIMITS, Readers(NoRegistry()))


def test_the_day_of_arrival_is_the_easternmost_one() -> None:
    """A date may lie one day after the day of arrival in UTC+9, which begins at 15:00 UTC of the day before."""
    noon = datetime(2024, 1, 1, 12, tzinfo=UTC)
    for arrived, latest in ((noon, date(2024, 1, 2)), (noon + timedelta(hours=3), date(2024, 1, 3))):
        for day, admitted in ((latest, 1), (latest + timedelta(days=1), 0)):
            block = block_of([sent(a_good("91.01", valid_from=day))], arrived_ms=int(arrived.timestamp() * 1000))
            reading = read([BlockFrom(block, "t", 0, "91.01")], REFERENCE, LIMITS, READERS)
            assert admitted == len(reading.statements)


def test_limits_are_settings() -> None:
    """What is beyond reason is told by the limits, in columns as in the definition."""
    large, late = a_good("91.01", size=10_000), a_good("91.01", valid_from=date(2024, 1, 11))
    assert len(by_columns([("91.01", [sent(large), sent(late)])]).statements) == 0
    assert len(by_columns([("91.01", [sent(large), sent(late)])], Limits(10_000, 10)).statements) == 2


def test_revisions_of_more_than_64_bits_are_no_poison() -> None:
    """A number that no integer of ours holds is rejected or wrapped as fastavro says, and ends no process."""
    record = written(to_record(a_good("91.01", revision=2**63 - 1)))
    longest = b"\xfe" + b"\xff" * 8 + b"\x01"
    assert record.count(longest) == 1
    for instead in (b"\xff" * 9 + b"\x7f", b"\xff" * 12 + b"\x01", b"\xff" * 30):
        assert_same([("91.01", [Sent(household_key(0), record.replace(longest, instead)), sent(a_good("91.01"))])])


def test_an_empty_reference_rejects_everything_and_ends_nothing() -> None:
    """Before any region is loaded every record is rejected with its cause."""
    nothing = Reference(1, 0, {}, (), ())
    reading = read([BlockFrom(block_of([sent(a_good("91.01"))]), "t", 0, "91.01")], nothing, LIMITS, READERS)

    assert [one.cause for one in reading.dead] == ["source_not_registered"]
    assert np.array_equal(reading.household, np.empty((0, 2), np.uint64))
