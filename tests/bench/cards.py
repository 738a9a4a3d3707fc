"""
Invented numbers of family cards and people, as many as a benchmark wants: area 990101 to 996020, which is nobody's.

Why: what is the same for all would be found in every cache, and measure nothing.
Must not: hold a number that could be somebody's.
"""

__all__ = ["birth_of", "card_of", "nik_of"]

_DAYS, _MONTHS, _YEARS = 28, 12, 60


def card_of(number: int) -> str:
    """Return an invented family card's number, another one for each number below eleven million."""
    return f"9901{number // 199_800 % 60 + 1:02}{number // 9_990 % 20 + 1:02}0120{number % 9_990 + 1:04}"


def birth_of(number: int) -> tuple[int, int, int]:
    """Return an invented person's day of birth: year, month, day."""
    return 1940 + number // (_DAYS * _MONTHS) % _YEARS, 1 + number // _DAYS % _MONTHS, 1 + number % _DAYS


def nik_of(number: int) -> str:
    """Return an invented woman's number, another one for each number below two hundred million."""
    year, month, day = birth_of(number)
    return f"990101{day + 40:02}{month:02}{year % 100:02}{number // (_DAYS * _MONTHS * _YEARS) % 9_990 + 1:04}"
