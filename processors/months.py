"""
Months as whole numbers: how many have begun since January 1970.

Why: the unit of time of every figure is the month, and whole numbers sort, subtract and travel as arrays.
Must not: read a clock.
"""

from datetime import date

import numpy as np
from numpy.typing import NDArray

__all__ = ["EPOCH", "day_number", "days_of_months", "first_day", "last_day", "month_of", "months_of_days"]

EPOCH = date(1970, 1, 1)


def month_of(day: date) -> int:
    """
    Return the month that a day lies in.

    >>> month_of(date(1971, 3, 31))
    14
    """
    return (day.year - 1970) * 12 + day.month - 1


def first_day(month: int) -> date:
    """
    Return the first day of a month.

    >>> first_day(14)
    datetime.date(1971, 3, 1)
    """
    return date(1970 + month // 12, month % 12 + 1, 1)


def last_day(month: int) -> date:
    """
    Return the last day of a month, on which households are counted.

    >>> last_day(13)
    datetime.date(1971, 2, 28)
    """
    return date.fromordinal(first_day(month + 1).toordinal() - 1)


def day_number(day: date) -> int:
    """Return days since 1970-01-01, Avro's `date`."""
    return day.toordinal() - EPOCH.toordinal()


def months_of_days(days: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the month of each day number, shape (n,)."""
    return days.astype("datetime64[D]").astype("datetime64[M]").astype(np.int64)


def days_of_months(months: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the day number of each month's first day, shape (n,)."""
    return months.astype("datetime64[M]").astype("datetime64[D]").astype(np.int64)
