"""
Days, months and moments of the simulated calendar: dates, months as whole numbers, microseconds since 1970.

Why: the simulated systems keep their own reckoning, so that a mistake in the platform's cannot hide in both.
Must not: read a clock.
"""

from datetime import UTC, date, datetime, timedelta

__all__ = ["cursor_moment", "day_of", "first_day", "last_day", "microseconds", "moment", "moment_text", "month_of", "month_text"]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def month_of(day: date) -> int:
    """
    Return the number of a day's month, counted from the year 0.

    >>> month_of(date(2024, 3, 31)) - month_of(date(2023, 12, 1))
    3
    """
    return day.year * 12 + day.month - 1


def month_text(month: int) -> str:
    """
    Return a month as `YYYY-MM`.

    >>> month_text(month_of(date(2024, 3, 31)))
    '2024-03'
    """
    return f"{month // 12:04d}-{month % 12 + 1:02d}"


def first_day(month: int) -> date:
    """Return the first day of a month."""
    return date(month // 12, month % 12 + 1, 1)


def last_day(month: int) -> date:
    """
    Return the last day of a month.

    >>> last_day(month_of(date(2024, 2, 1)))
    datetime.date(2024, 2, 29)
    """
    return first_day(month + 1) - timedelta(days=1)


def microseconds(day: date) -> int:
    """Return the moment at which a day begins (UTC), in microseconds since 1970."""
    return (day.toordinal() - _EPOCH.toordinal()) * 86_400_000_000


def moment(at: int) -> datetime:
    """Return a moment given in microseconds since 1970 as a UTC datetime."""
    return _EPOCH + timedelta(microseconds=at)


def day_of(at: int) -> date:
    """Return the day (UTC) of a moment given in microseconds since 1970."""
    return moment(at).date()


def moment_text(at: int) -> str:
    """
    Return a moment in ISO 8601 with microseconds and `Z`.

    >>> moment_text(microseconds(date(2024, 3, 1)) + 5)
    '2024-03-01T00:00:00.000005Z'
    """
    return f"{moment(at):%Y-%m-%dT%H:%M:%S.%f}Z"


def cursor_moment(text: str) -> int:
    """
    Return the moment of a cursor, in microseconds since 1970; raises `ValueError` where it is none or names no time zone.

    >>> cursor_moment("2024-03-01T00:00:00.000005Z") == microseconds(date(2024, 3, 1)) + 5
    True
    """
    at = datetime.fromisoformat(text)
    if at.tzinfo is None:
        raise ValueError("a cursor names its time zone")
    return (at - _EPOCH) // timedelta(microseconds=1)
