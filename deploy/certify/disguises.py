"""
Disguises: a national identifier that is in an event, but not as the text of its digits.

Why: a family card that leaves as a number, as what a programme paid, is no text that could be searched for.
Must not: know what a field is for.
"""

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any

__all__ = ["fields_with"]

_NO_DIGIT = re.compile(r"[^0-9]")


def fields_with(identifiers: Collection[str], events: Iterable[Mapping[str, Any]]) -> set[str]:
    """
    Return the fields of events that hold one of the identifiers, digits each, otherwise than as the text of its digits.

    >>> fields_with({"9901000101200001"}, [{"programmes": [{"amount": 9901000101200001}], "region": "99.01"}])
    {'programmes.amount'}
    """
    return {field for event in events for field, value in _scalars(event) if not _as_digits(value).isdisjoint(identifiers)}


def _scalars(value: Any, name: str = "") -> Iterator[tuple[str, Any]]:  # noqa: ANN401 - any part of an event
    """Give every value in an event with its field."""
    if isinstance(value, Mapping):
        for inner, one in value.items():
            yield from _scalars(one, f"{name}.{inner}" if name else inner)
    elif isinstance(value, list | tuple):
        for one in value:
            yield from _scalars(one, name)
    else:
        yield name, value


def _as_digits(value: Any) -> set[str]:  # noqa: ANN401 - any value of an event
    """Return the ways to read a value as digits: a text without what is between them, bytes as a number of either end, or two to a byte."""
    if isinstance(value, int):
        return {str(abs(value))}
    if isinstance(value, str):
        digits = _NO_DIGIT.sub("", value)
        return {digits} if digits != value else set()
    if isinstance(value, bytes):
        return {str(int.from_bytes(value, "big")), str(int.from_bytes(value, "little")), value.hex()[:16], value.hex()[-16:]}
    return set()
