"""
The form in which a date or time is written: what is wrong with one that a region file declares.

Why: a form without a % in it is taken for a text that every date is to be equal to, and no record ever fits.
Must not: read a date.
"""

import re

__all__ = ["form_fault"]

_MEANT = (
    (re.compile("yyyy", re.IGNORECASE), "%Y"),
    (re.compile("dd", re.IGNORECASE), "%d"),
    (re.compile("hh", re.IGNORECASE), "%H"),
    (re.compile("mi"), "%M"),
    (re.compile("ss", re.IGNORECASE), "%S"),
    (re.compile("yy", re.IGNORECASE), "%y"),
)
_MONTH_OR_MINUTE = re.compile("mm", re.IGNORECASE)
_DIRECTIVE = re.compile("%(.?)")
_KNOWN = frozenset("aAbBcdfGHIjmMpSuUVwWxXyYzZ%")


def form_fault(form: str) -> str | None:
    """
    Return what is wrong with a form in C's letters, and what may be meant; None where nothing is.

    >>> form_fault("DD-MM-YYYY"), form_fault("%d-%m-%Y")
    ('DD-MM-YYYY has no % in it: is %d-%m-%Y meant?', None)
    >>> form_fault("%d-%m-%J")
    '%J stands for nothing: %d is the day, %m the month, %Y the year, %H the hour, %M the minute, %S the second, %z the zone'
    """
    if odd := next((one for one in _DIRECTIVE.findall(form) if one not in _KNOWN or not one), None) if "%" in form else None:
        return f"%{odd} stands for nothing: {_WORDS}"
    if "%" in form:
        return "ends with a single %" if _DIRECTIVE.findall(form)[-1] == "" else None
    meant = _meant(form)
    return f"{form} has no % in it: " + (f"is {meant} meant?" if "%" in meant else _WORDS)


_WORDS = "%d is the day, %m the month, %Y the year, %H the hour, %M the minute, %S the second, %z the zone"


def _meant(form: str) -> str:
    """Return a form in which DD, MM and YYYY stand as C writes it; of two MM the second is the minute."""
    for pattern, letter in _MEANT:
        form = pattern.sub(letter, form, 1)
    return _MONTH_OR_MINUTE.sub("%M", _MONTH_OR_MINUTE.sub("%m", form, 1), 1)
