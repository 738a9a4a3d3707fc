"""The closed set of conversions, each with what it reads and what it refuses."""

import re
from datetime import UTC, date, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from producers.conversions import code, converter, whole


@pytest.mark.parametrize(
    ("conversion", "written", "value", "wanted"),
    [
        ("text", None, "x", "x"),
        ("whole", None, 7, 7),
        ("whole", None, "-7", -7),
        ("whole", None, "007", 7),
        ("tenths", None, "74.5", 745),
        ("tenths", None, 74.5, 745),
        ("tenths", None, "74.50", 745),
        ("tenths", None, 9, 90),
        ("thousandths", None, "9.4", 9_400),
        ("thousandths", None, 0.1, 100),
        ("thousandths", None, "-0.25", -250),
        ("flag", None, True, True),
        ("flag", None, "0", False),
        ("date", None, "2024-02-29", date(2024, 2, 29)),
        ("date", "%d/%m/%Y", "29/02/2024", date(2024, 2, 29)),
        ("month", None, "2024-03", date(2024, 3, 1)),
        ("month", None, "202403", date(2024, 3, 1)),
        ("month", None, 202403, date(2024, 3, 1)),
        ("month", "%m/%Y", "03/2024", date(2024, 3, 1)),
        ("year", None, "1990-05-06", 1990),
        ("month_of_year", None, "1990-05-06", 5),
        ("moment", None, "2024-03-05T08:00:00.000001Z", datetime(2024, 3, 5, 8, 0, 0, 1, UTC)),
        ("moment", "%Y%m%dT%H%M%S%z", "20240305T150000+0700", datetime(2024, 3, 5, 8, tzinfo=UTC)),
        ("microseconds", None, "1970-01-02T00:00:00.000003+00:00", 86_400_000_003),
        ("microseconds", None, "1970-01-01T07:00:00+07:00", 0),
    ],
)
def test_what_is_read(conversion: Any, written: str | None, value: object, wanted: object) -> None:
    """Each conversion gives what its name says."""
    assert converter(conversion, "text", written)(value) == wanted


@pytest.mark.parametrize(
    ("conversion", "value", "cause"),
    [
        ("text", 7, "is no text"),
        ("text", "\ud83d", "is no text in UTF-8"),
        ("whole", "7.0", "is no whole number"),
        ("whole", 7.0, "is no whole number"),
        ("whole", True, "is no whole number"),
        ("whole", "\u0661", "is no whole number"),
        ("whole", "+7", "is no whole number"),
        ("whole", "", "is no whole number"),
        ("tenths", "74.55", "has more than 1 digits behind the point"),
        ("tenths", "74,5", "is no decimal number"),
        ("tenths", True, "is no decimal number"),
        ("thousandths", 1e-05, "is no decimal number"),
        ("thousandths", float("inf"), "is no decimal number"),
        ("thousandths", "1e3", "is no decimal number"),
        ("thousandths", "\u0661.0", "is no decimal number"),
        ("thousandths", None, "is no decimal number"),
        ("flag", "yes", "is neither true nor false"),
        ("date", "2024-02-30", "is no date: it does not fit ISO 8601, such as 2024-03-01"),
        ("date", 20240101, "is no date: it does not fit ISO 8601, such as 2024-03-01"),
        ("date", "1899-12-31", "lies before 1900"),
        ("month", "2024-13", "is no month: it does not fit 2024-03 or 202403"),
        ("month", "2024-3", "is no month: it does not fit 2024-03 or 202403"),
        ("moment", "2024-03-05T08:00:00", "is a moment without a time zone"),
        ("moment", "soon", "is no moment: it does not fit ISO 8601, such as 2024-03-05T08:00:00+07:00"),
        ("microseconds", None, "is no moment: it does not fit ISO 8601, such as 2024-03-05T08:00:00+07:00"),
    ],
)
def test_what_is_refused(conversion: Any, value: object, cause: str) -> None:
    """What is not exactly as declared is refused with a cause that does not hold the value."""
    with pytest.raises(ValueError, match=f"^{re.escape(cause)}$"):
        converter(conversion, "text", None)(value)


@pytest.mark.parametrize(("conversion", "what"), [("date", "date"), ("month", "date"), ("year", "date"), ("moment", "moment")])
def test_the_declared_form_is_named(conversion: Any, what: str) -> None:
    """What does not fit a declared form is told with that form, and without the value."""
    with pytest.raises(ValueError, match=rf"^is no {what}: it does not fit %d-%m-%Y$"):
        converter(conversion, "text", "%d-%m-%Y")("1990-05-17")


@given(st.datetimes(min_value=datetime(1900, 1, 1), max_value=datetime(2200, 1, 1), timezones=st.just(UTC)))  # noqa: DTZ001 - hypothesis wants them so
def test_microseconds_lose_nothing(at: datetime) -> None:
    """A change time to the microsecond is a revision that gives the time back."""
    since = converter("microseconds", "whole", None)(at.isoformat())

    assert datetime.fromtimestamp(since // 1_000_000, UTC).replace(microsecond=since % 1_000_000) == at


@given(st.integers())
def test_whole_numbers_are_exact(number: int) -> None:
    """A whole number is itself, as a number and as a text."""
    assert whole(number) == whole(str(number)) == number


def test_codes_are_texts() -> None:
    """A code is looked up by what JSON would write."""
    assert [code(one) for one in (True, 3, "3", None)] == ["true", "3", "3", "None"]
