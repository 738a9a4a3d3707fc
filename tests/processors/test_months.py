"""Months as whole numbers, one at a time and on arrays."""

from datetime import date, timedelta

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from processors.months import EPOCH, day_number, days_of_months, first_day, last_day, month_of, months_of_days

_DAYS = st.dates(date(1900, 1, 1), date(2300, 12, 31))


@given(_DAYS)
def test_a_day_lies_between_the_first_and_last_of_its_month(day: date) -> None:
    """The month of a day begins on a first and ends the day before the next one begins."""
    month = month_of(day)

    assert first_day(month) <= day <= last_day(month)
    assert last_day(month) + timedelta(days=1) == first_day(month + 1)
    assert (day.year, day.month, 1) == (first_day(month).year, first_day(month).month, first_day(month).day)


@given(st.lists(_DAYS))
def test_arrays_count_as_single_days(days: list[date]) -> None:
    """Months and first days of arrays are those of each day alone, before 1970 too."""
    numbers = np.array([(day - EPOCH).days for day in days], np.int64)
    months = np.array([month_of(day) for day in days], np.int64)

    assert [day_number(day) for day in days] == numbers.tolist()
    assert months.tolist() == months_of_days(numbers).tolist()
    assert [day_number(first_day(month)) for month in months.tolist()] == days_of_months(months).tolist()
