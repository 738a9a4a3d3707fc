"""
The event as an author of a region file names its fields: which there are, and how one that came out compares with one expected.

Why: an example holds only what its author wants to hold, and pseudonyms are by a key that no author has.
Must not: run a mapping.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields, is_dataclass
from datetime import date, datetime
from typing import Any, get_args, get_type_hints

from schemas.events import HouseholdChanged, to_record

__all__ = ["EVENT_FIELDS", "PSEUDONYMS", "differences", "plain", "unknown_fields"]

PSEUDONYMS = frozenset({"household", "previous_household", "person"})
_NOT_THE_RECORDS = PSEUDONYMS | {"key_version"}


def _sections() -> dict[str, Sequence[str]]:
    found: dict[str, Sequence[str]] = {}
    for name, annotation in get_type_hints(HouseholdChanged).items():
        inner = [one for one in _within(annotation) if is_dataclass(one)]
        found[name] = [field.name for field in fields(inner[0])] if inner else []
    return found


def _within(annotation: Any) -> Iterator[type]:  # noqa: ANN401 - a type
    if isinstance(annotation, type):
        yield annotation
    for one in get_args(annotation):
        yield from _within(one)


EVENT_FIELDS = _sections()
"""The fields of the event, each with the fields of its section, if it is one."""


def unknown_fields(event: Mapping[str, Any]) -> Iterator[tuple[tuple[str, ...], str, Sequence[str]]]:
    """Give what an expected event names and no event can be compared by: its key, why, and what there is instead."""
    known = [name for name in EVENT_FIELDS if name not in _NOT_THE_RECORDS]
    for name, one in event.items():
        if name not in known:
            yield (name,), _why(name), known
            continue
        inner = [field for field in EVENT_FIELDS[name] if field not in PSEUDONYMS]
        parts = one if isinstance(one, list | tuple) else [one]
        for part in parts:
            if inner and not isinstance(part, Mapping):
                yield (name,), "is a section: give a table with its fields", inner
            for field in part if inner and isinstance(part, Mapping) else ():
                if field not in inner:
                    yield (name, field), _why(field), inner


def _why(name: str) -> str:
    return "is made with the region's key, which no example has: leave it out" if name in _NOT_THE_RECORDS else "is no field of the event"


def differences(expected: Mapping[str, Any], event: HouseholdChanged) -> Iterator[tuple[str, str, str]]:
    """Give each field in which an event is not as expected: its name, what was expected, and what came out."""
    yield from _different("", expected, to_record(event))


def _different(at: str, expected: Any, got: Any) -> Iterator[tuple[str, str, str]]:  # noqa: ANN401 - any part of an event
    if isinstance(expected, Mapping) and isinstance(got, Mapping):
        for name, one in expected.items():
            yield from _different(f"{at}.{name}" if at else name, one, got.get(name))
    elif isinstance(expected, list | tuple) and isinstance(got, list):
        if len(expected) != len(got):
            yield at, f"{len(expected)} items", f"{len(got)} items"
        for number, (one, other) in enumerate(zip(expected, got, strict=False), 1):
            yield from _different(f"{at}[{number}]", one, other)
    elif not _same(expected, got):
        yield at, plain(expected), plain(got)


def _same(expected: Any, got: Any) -> bool:  # noqa: ANN401
    if isinstance(got, datetime):
        try:
            moment = expected if isinstance(expected, datetime) else datetime.fromisoformat(expected)
        except (TypeError, ValueError):
            return False
        return moment == got if moment.tzinfo else False
    if isinstance(got, bool) or isinstance(expected, bool):
        return got is expected
    if isinstance(got, date):
        return plain(expected) == got.isoformat()
    return bool(expected == got)


def plain(value: Any) -> str:  # noqa: ANN401 - any part of an event
    """Return a part of an event for a person."""
    if value is None:
        return "nothing"
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Mapping):
        return ", ".join(f"{name} {plain(one)}" for name, one in value.items() if one is not None)
    if isinstance(value, list | tuple):
        return f"{len(value)}: " + "; ".join(plain(one) for one in value[:2]) + ("; ..." if len(value) > 2 else "")
    return str(value)
