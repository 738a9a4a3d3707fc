"""
The closed set of conversions: from what a source writes to what an event holds.

Why: a region file may name these and nothing else, so what it can do is known before it runs.
Must not: know a clock, IO or a driver; guess: what is not exactly as declared is an error, whose text says what is wrong without the value.
"""

import re
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from functools import partial
from typing import Any

from producers.declaration import Conversion, Kind

__all__ = ["UnknownCode", "code", "converter", "is_utf8", "microseconds", "parts", "short_name", "whole"]

_EPOCH, _MICROSECOND = datetime(1970, 1, 1, tzinfo=UTC), timedelta(microseconds=1)
_EARLIEST = date(1900, 1, 1)
_NO_MONTH = "is no month: it does not fit 2024-03 or 202403"
_SHORT_NAME = re.compile(r"[A-Z]{2,6}[0-9]{0,2}(-[A-Z][A-Za-z]{1,9}){0,2}")
"""Capitals, as abbreviations have them; behind a hyphen one more word, or two. No blanks: what has some may be a person's name."""
_DECIMAL = re.compile(r"-?[0-9]{1,15}(?:\.([0-9]{1,15}))?")
_PARTS = {"tenths": 1, "thousandths": 3}
"""Conversions that tell a decimal number in its parts, with the digits behind the point that they hold."""
_FLAGS = {"true": True, "false": False, "1": True, "0": False, "t": True, "f": False}
"""The last two are how PostgreSQL writes them."""


class UnknownCode(ValueError):  # noqa: N818 - it names what was found
    """A value that can be read, but that the code table or the range of a field does not have."""


def converter(conversion: Conversion | None, kind: Kind, written: str | None) -> Callable[[Any], Any]:
    """Return the function that reads a value for a field of a kind; it raises `ValueError` or `TypeError` for what it cannot read."""
    name = conversion or ("text" if kind == "basis" else kind)
    if name in ("date", "month", "year", "month_of_year"):
        day = _day_as(written)
        return {
            "date": day,
            "month": _month if written is None else lambda value: day(value).replace(day=1),
            "year": lambda value: day(value).year,
            "month_of_year": lambda value: day(value).month,
        }[name]
    if name in ("moment", "microseconds"):
        moment = _moment_as(written)
        return moment if name == "moment" else lambda value: microseconds(moment(value))
    if name in _PARTS:
        return partial(parts, digits=_PARTS[name])
    return {"text": _text, "whole": whole, "flag": _flag}[name]


def code(value: Any) -> str:  # noqa: ANN401 - what a source writes
    """Return a value as the key of a code table: JSON's true is `true`, 3 is `3`."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def short_name(value: Any) -> str:  # noqa: ANN401
    """
    Return a text that is a short name, and so no person's name, number or address; raises `UnknownCode` for another.

    >>> short_name("PKH"), short_name("BLT-Desa"), short_name("PBI-JKN")
    ('PKH', 'BLT-Desa', 'PBI-JKN')
    """
    text = _text(value)
    if not _SHORT_NAME.fullmatch(text):
        raise UnknownCode("is no short name such as PKH or BLT-Desa: it needs a table")
    return text


def is_utf8(text: str) -> bool:
    """Return whether a text can be written in UTF-8: JSON, and names of files, may hold a lone surrogate, which cannot."""
    if text.isascii():
        return True
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def whole(value: Any) -> int:  # noqa: ANN401
    """Return a whole number; digits in a text count, fractions and signs apart from a leading minus do not."""
    if type(value) is int:
        return value
    if isinstance(value, str) and value.isascii() and value.removeprefix("-").isdigit():
        return int(value)
    raise ValueError("is no whole number")


def parts(value: Any, digits: int) -> int:  # noqa: ANN401
    """
    Return a decimal number in parts of 10 to the power of -`digits`, exactly: kilograms as grams, centimetres as millimetres.

    >>> parts("9.4", 3), parts(74.5, 1), parts(12, 1)
    (9400, 745, 120)
    """
    # What JSON wrote as 74.5 is a float here, whose shortest form is what was written.
    text = value if isinstance(value, str) else repr(value) if type(value) in (int, float) else ""
    if (found := _DECIMAL.fullmatch(text)) is None:
        raise ValueError("is no decimal number")
    behind = (found[1] or "").rstrip("0")
    if len(behind) > digits:
        raise ValueError(f"has more than {digits} digits behind the point")
    return int(text.split(".")[0] + behind.ljust(digits, "0"))


def _text(value: Any) -> str:  # noqa: ANN401
    if not isinstance(value, str):
        raise ValueError("is no text")  # noqa: TRY004 - one kind of error for what a source writes
    if not is_utf8(value):
        raise ValueError("is no text in UTF-8")
    return value


def _flag(value: Any) -> bool:  # noqa: ANN401
    flag = _FLAGS.get(code(value))
    if flag is None:
        raise ValueError("is neither true nor false")
    return flag


def _unfit(what: str, written: str | None, such_as: str) -> str:
    """Return that a value is not in its form, which is told as it is declared: never the value."""
    return f"is no {what}: it does not fit {f'ISO 8601, such as {such_as}' if written is None else written}"


def _day_as(written: str | None) -> Callable[[Any], date]:
    unfit = _unfit("date", written, "2024-03-01")

    def day(value: Any) -> date:  # noqa: ANN401
        try:
            # The zone of a day is the region's own: nothing is converted.
            found = date.fromisoformat(value) if written is None else datetime.strptime(value, written).date()  # noqa: DTZ007
        except (ValueError, TypeError):
            raise ValueError(unfit) from None
        if found < _EARLIEST:
            raise ValueError("lies before 1900")
        return found

    return day


def _month(value: Any) -> date:  # noqa: ANN401
    text = code(value).replace("-", "")
    if not (text.isascii() and text.isdigit() and len(text) == len("YYYYMM")):
        raise ValueError(_NO_MONTH)
    try:
        return date(int(text[:4]), int(text[4:]), 1)
    except ValueError:
        raise ValueError(_NO_MONTH) from None


def _moment_as(written: str | None) -> Callable[[Any], datetime]:
    unfit = _unfit("moment", written, "2024-03-05T08:00:00+07:00")

    def moment(value: Any) -> datetime:  # noqa: ANN401
        try:
            found = datetime.fromisoformat(value) if written is None else datetime.strptime(value, written)  # noqa: DTZ007 - refused below
        except (ValueError, TypeError):
            raise ValueError(unfit) from None
        if found.tzinfo is None:
            raise ValueError("is a moment without a time zone")
        return found

    return moment


def microseconds(moment: datetime) -> int:
    """
    Return the microseconds since 1970 of a moment, to the last one.

    >>> microseconds(datetime(1970, 1, 2, microsecond=3, tzinfo=UTC))
    86400000003
    """
    return (moment - _EPOCH) // _MICROSECOND
