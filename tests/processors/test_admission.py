"""Admission, one event at a time: the order of the checks, their limits, and messages that never tell a value."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from processors.admission import EARLIEST, GREATEST_EXPENDITURE, Record, admit, arrival_day, cause_of, field_of, link_of
from processors.law import Link, Statement
from processors.reference import Limits
from schemas.errors import Rejected
from schemas.events import Operation, Programme, WelfareBasis, to_record
from tests.integration.events import changed, household_key, said_by
from tests.worlds import REFERENCE

KEY, ARRIVED = household_key("one"), datetime(2024, 1, 1, tzinfo=UTC)
LIMITS = Limits()
NIK = "9901014101900001"
NAME, NAME_LIKE_A_CODE, YEAR = "WARGA 000123", "warga_contoh", "1958"
"""Invented; the second is a name as a source or an adapter with a fault may write it: a word in lower case."""


def judged(limits: Limits = LIMITS, key: bytes | None = KEY, **more: Any) -> Statement:
    """Judge an event of 91.01's alpha, in order but for what is named."""
    said = {"village": "91.01.01.1001", "size": 4, "expenditure": 5, "valid_from": date(2024, 1, 1), **more}
    event = changed(KEY, said.pop("region", "91.01"), said.pop("source", "alpha"), **said)
    return admit(Record(to_record(event), key, "91.01", ARRIVED), REFERENCE, limits)


@pytest.mark.parametrize(
    "more",
    [
        {},
        {"size": 1},
        {"size": 100},
        {"size": None, "expenditure": None, "village": None},
        {"expenditure": 0},
        {"expenditure": GREATEST_EXPENDITURE, "basis": WelfareBasis.MODELLED},
        {"valid_from": EARLIEST},
        {"valid_from": date(2024, 1, 2)},
        {"operation": Operation.END},
        {"operation": Operation.RETRACT},
        {"mapping_version": 2**31 - 1},
        {"mapping_version": -(2**31)},
        {"revision": 2**63 - 1},
        {"key_version": 0},
        {"key_version": 1, "previous_household": household_key("older")},
        {"key_version": 2**31 - 1, "previous_household": household_key("older")},
    ],
)
def test_what_is_in_order_is_admitted_as_it_was_said(more: dict[str, Any]) -> None:
    """On every limit the event makes the statement that it says."""
    said = {"village": "91.01.01.1001", "size": 4, "expenditure": 5, "valid_from": date(2024, 1, 1), **more}

    assert said_by(changed(KEY, "91.01", "alpha", **said)) == judged(**more)


def test_a_previous_household_makes_a_link_whatever_the_operation() -> None:
    """The link is said beside the statement; without a previous household there is none."""
    older = household_key("older")
    for operation in Operation:
        event = changed(KEY, "91.01", "alpha", operation=operation, key_version=3, previous_household=older)
        assert link_of(Record(to_record(event), KEY, "91.01", ARRIVED)) == Link(older, KEY, 3)
    assert link_of(Record(to_record(changed(KEY, "91.01", "alpha")), KEY, "91.01", ARRIVED)) is None


@pytest.mark.parametrize(
    ("more", "cause", "field", "told"),
    [
        (
            {"key_version": 2, "previous_household": KEY},
            "previous_is_the_household",
            "previous_household",
            "previous_household is the household itself",
        ),
        (
            {"key_version": 2, "previous_household": bytes(16)},
            "previous_is_empty",
            "previous_household",
            "previous_household is 16 zero bytes",
        ),
        *(
            (
                {"key_version": version, "previous_household": bytes(15) + b"1"},
                "key_version_out_of_range",
                "key_version",
                "key_version is not",
            )
            for version in (0, -1, 2**31)
        ),
        ({"key": None}, "key_is_not_the_household", "household", "the record's key is not its household"),
        ({"region": "91.02"}, "region_is_not_the_topics", "region", "its region is not 91.01, whose topic this is"),
        *(({"region": one}, "region_is_not_the_topics", "region", "its region is not 91.01") for one in (NAME, NAME_LIKE_A_CODE, YEAR)),
        ({"source": "gamma"}, "source_not_registered", "source", "its source may not speak for regency 91.01"),
        *(({"source": one}, "source_not_registered", "source", "its source may not") for one in (NAME, NAME_LIKE_A_CODE, YEAR)),
        ({"valid_from": date(2024, 1, 3)}, "date_beyond_arrival", "valid_from", "lies later than 2024-01-02"),
        ({"valid_from": date(2045, 8, 17)}, "date_beyond_arrival", "valid_from", "when the record arrived, on 2024-01-01"),
        ({"valid_from": date(1899, 12, 31)}, "date_before_registers", "valid_from", "lies before 1900-01-01"),
        ({"mapping_version": 2**31}, "number_out_of_range", "mapping_version", "mapping_version does not fit"),
        ({"village": "91.01.01.9999"}, "village_unknown", "residence.village", "its village is not in the region reference"),
        ({"village": "91.01.01"}, "village_unknown", "residence.village", "add the village with muara regions load"),
        *(({"village": one}, "village_unknown", "residence.village", "its village is not in") for one in (NAME, NAME_LIKE_A_CODE, YEAR)),
        ({"village": "92.01.01.1001"}, "village_outside_regency", "residence.village", "does not lie in regency 91.01"),
        ({"size": 0}, "size_beyond_reason", "composition.size", "less than 1 or more than 100 people"),
        ({"size": 101}, "size_beyond_reason", "composition.size", "correct the size"),
        ({"expenditure": -1}, "expenditure_beyond_reason", "welfare.expenditure", "below 0 or above 1000000000000 rupiah"),
        ({"expenditure": 9_901_014_101_900_001}, "expenditure_beyond_reason", "welfare.expenditure", "correct the amount"),
        ({"source": f"x{NIK}"}, "national_identifier_in_text", "source", "source holds 16 digits in a row"),
        (
            {"programmes": (Programme("PKH", None, None), Programme(f"{NIK}9", None, None))},
            "national_identifier_in_text",
            "programmes[].programme",
            "programmes[].programme holds 16 digits in a row",
        ),
    ],
)
def test_what_is_not_in_order_is_rejected_with_a_cause(more: dict[str, Any], cause: str, field: str, told: str) -> None:
    """Cause, field and message of each fault; nothing in message or facts of what the event says."""
    with pytest.raises(Rejected) as raised:
        judged(**more)

    assert (cause, field) == (cause_of(raised.value), field_of(raised.value))
    assert told in str(raised.value)
    told_of_it = f"{raised.value} {raised.value.facts}"
    said = [str(one) for name, one in more.items() if name in ("region", "source", "village", "valid_from", "size", "expenditure") if one]
    for secret in (NIK, NAME, KEY.hex(), *said):
        assert secret not in told_of_it


def test_a_regency_may_speak_of_a_village_that_it_had() -> None:
    """What a village was before it moved only its former regency can say, and what was accepted once must be accepted again."""
    moved = replace(REFERENCE, formerly={"92.01.01.1001": frozenset({"91.01", "91.02"})})
    event = changed(KEY, "91.01", "alpha", village="92.01.01.1001")

    assert admit(Record(to_record(event), KEY, "91.01", ARRIVED), moved, LIMITS) == said_by(event)


@pytest.mark.parametrize(
    ("faults", "cause"),
    [
        ({"key": None, "source": NIK}, "national_identifier_in_text"),
        ({"key": None, "region": "91.02"}, "key_is_not_the_household"),
        ({"region": "91.02", "source": "nobody"}, "region_is_not_the_topics"),
        ({"source": "nobody", "valid_from": date(2030, 1, 1)}, "source_not_registered"),
        ({"valid_from": date(2030, 1, 1), "village": "0"}, "date_beyond_arrival"),
        ({"village": "0", "size": 0}, "village_unknown"),
        ({"size": 0, "expenditure": -1}, "size_beyond_reason"),
    ],
)
def test_the_first_fault_names_the_cause(faults: dict[str, Any], cause: str) -> None:
    """The order of the checks is part of the answer."""
    with pytest.raises(Rejected) as raised:
        judged(**faults)

    assert cause == cause_of(raised.value)


@given(st.datetimes(datetime(2000, 1, 1), datetime(2100, 1, 1)), st.integers(1, 30), st.integers(-3, 3))  # noqa: DTZ001
def test_dates_are_judged_by_the_day_of_arrival_in_the_east(at: datetime, days_ahead: int, beyond: int) -> None:
    """A date may lie `days_ahead` days after the day that it is in UTC+9 when the record arrives, and not one more."""
    arrived = at.replace(tzinfo=UTC)
    day = (arrived + timedelta(hours=9)).date()
    event = changed(KEY, "91.01", "alpha", valid_from=day + timedelta(days=days_ahead + beyond))
    record, limits = Record(to_record(event), KEY, "91.01", arrived), Limits(days_ahead=days_ahead)

    assert day == arrival_day(arrived)
    if beyond > 0:
        with pytest.raises(Rejected):
            admit(record, REFERENCE, limits)
    else:
        assert admit(record, REFERENCE, limits) == said_by(event)
