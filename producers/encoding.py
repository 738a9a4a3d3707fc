"""
Events to Avro, straight from their dataclasses: writers made once from the contract's schema.

Why: it is most of what an adapter does per event; through dicts and fastavro, which tries every union, it takes five times as long.
Must not: differ from `schemas.codec.encode` by a byte (a test holds them equal), nor write what the schema does not say.
"""

from collections.abc import Callable, Mapping
from datetime import date, datetime
from functools import cache
from operator import attrgetter
from typing import Any

from producers.conversions import microseconds
from schemas.codec import parsed
from schemas.events import HouseholdChanged

__all__ = ["encode", "under"]

Write = Callable[[Any], bytes]
_FRAME, _HOUSEHOLD = 5, 16
"""Bytes of the framing, and of the event's first field."""
_EPOCH_DAY = date(1970, 1, 1).toordinal()


def encode(event: HouseholdChanged, schema_id: int) -> bytes:
    """Return an event in framing V0: a zero byte, the schema's id, the Avro body."""
    return b"\0" + schema_id.to_bytes(4, "big") + _body()(event)


def under(value: bytes, schema_id: int, revision: int | None = None) -> bytes:
    """Return an event that is encoded already under another id of its schema, and under another revision if that is said."""
    if revision is None:
        return b"\0" + schema_id.to_bytes(4, "big") + value[_FRAME:]
    at = _FRAME + _HOUSEHOLD
    at = _behind(value, at)  # key_version
    for _ in ("region", "source"):
        length = _behind(value, at)
        at = length + (_number(value[at:length]) >> 1)
    begin = _behind(value, at)  # valid_from
    return b"\0" + schema_id.to_bytes(4, "big") + value[_FRAME:begin] + _varint(revision) + value[_behind(value, begin) :]


def _behind(value: bytes, at: int) -> int:
    """Return the place behind a number as Avro writes it."""
    while value[at] > 0x7F:
        at += 1
    return at + 1


def _number(written: bytes) -> int:
    """Return a number as Avro writes it, before its zigzag is undone."""
    return sum((byte & 0x7F) << 7 * place for place, byte in enumerate(written))


@cache
def _body() -> Write:
    return _writer(parsed("HouseholdChanged"), {})


def _varint(number: int) -> bytes:
    """Return a number as Avro writes int and long: zigzag, seven bits a byte, the lowest first."""
    left = number << 1 if number >= 0 else ~(number << 1)
    if left < 1 << 28 and left >= 1 << 21:  # rupiah of a month
        return bytes((left & 0x7F | 0x80, left >> 7 & 0x7F | 0x80, left >> 14 & 0x7F | 0x80, left >> 21))
    found = bytearray()
    while left > 0x7F:
        found.append(left & 0x7F | 0x80)
        left >>= 7
    found.append(left)
    return bytes(found)


_SHORT = {number: _varint(number) for number in range(-64, 8192)}
"""Most numbers of an event are codes, lengths, years or counts."""


_REMEMBERED = 4096


def _whole(number: int) -> bytes:
    return _SHORT.get(number) or _varint(number)


_SHORT_OR_NULL: Mapping[int | None, bytes] = {None: b"\0"} | {number: b"\2" + written for number, written in _SHORT.items()}


def _whole_or_null(number: int | None) -> bytes:
    """Write a union of null and int, the commonest of the contract's types."""
    return _SHORT_OR_NULL.get(number) or b"\2" + _varint(number or 0)


def _text(text: str) -> bytes:
    content = text.encode()
    return _whole(len(content)) + content


def _day(day: date) -> bytes:
    return _whole(day.toordinal() - _EPOCH_DAY)


def _moment(moment: datetime) -> bytes:
    return _varint(microseconds(moment))


def _remembering(write: Write) -> Write:
    """Return a writer that knows its results for the first values that it saw: names, days and times of a file come over and over."""
    known: dict[Any, bytes] = {}

    def remembered(value: Any) -> bytes:  # noqa: ANN401 - of the schema's type
        found = known.get(value)
        if found is None:
            found = write(value)
            if len(known) < _REMEMBERED:
                known[value] = found
        return found

    return remembered


_PLAIN: Mapping[tuple[str, str | None], Write] = {
    ("int", None): _whole,
    ("long", None): _remembering(_whole),
    ("string", None): _remembering(_text),
    ("int", "date"): _remembering(_day),
    ("long", "timestamp-micros"): _remembering(_moment),
}


def _writer(schema: Any, named: dict[str, Write]) -> Write:  # noqa: ANN401 - a parsed schema
    """Return the function that writes values of a schema; types with a name are remembered under it."""
    if isinstance(schema, str):
        return named[schema] if schema in named else _PLAIN[schema, None]
    if isinstance(schema, list):
        return _whole_or_null if schema[1] == "int" else _nullable(_writer(schema[1], named))
    kind = schema["type"]
    if kind == "array":
        return _array(_writer(schema["items"], named))
    if kind == "enum":
        made: Write = {symbol: _varint(place) for place, symbol in enumerate(schema["symbols"])}.__getitem__
    elif kind == "fixed":
        made = bytes
    elif kind == "record":
        made = _record([(field["name"], _writer(field["type"], named)) for field in schema["fields"]])
    else:
        return _PLAIN[kind, schema.get("logicalType")]
    named[schema["name"]] = made
    return made


def _nullable(write: Write) -> Write:
    """Return the writer of a union of null and one other type, which are the only unions of the contract."""
    return lambda value: b"\0" if value is None else b"\2" + write(value)


def _array(write: Write) -> Write:
    return lambda items: _whole(len(items)) + b"".join(map(write, items)) + b"\0" if items else b"\0"


def _record(fields: list[tuple[str, Write]]) -> Write:
    writes = [write for _, write in fields]
    if len(fields) == 1:
        of, (only,) = attrgetter(fields[0][0]), writes
        return lambda value: only(of(value))
    values = attrgetter(*(name for name, _ in fields))
    if all(write is _whole_or_null for write in writes):
        known = _SHORT_OR_NULL.get
        return lambda value: b"".join([known(one) or _whole_or_null(one) for one in values(value)])
    return lambda value: b"".join([write(one) for write, one in zip(writes, values(value), strict=True)])
