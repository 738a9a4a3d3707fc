"""
Events to Avro, straight from their dataclasses: writers made once from the contract's schema.

Why: it is most of what an adapter does per event; through dicts and fastavro, which tries every union, it takes five times as long.
Must not: differ from `schemas.codec.encode` by a byte (a test holds them equal), nor write what the schema does not say.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime
from functools import cache, partial
from operator import attrgetter, call
from typing import Any

from fastavro.schema import expand_schema, parse_schema

from producers.conversions import microseconds
from producers.written import Written
from schemas.codec import parsed, read_body
from schemas.events import HouseholdChanged

__all__ = ["GREATEST_BYTES", "Write", "encode", "item_reader", "item_writers", "or_null", "under"]

Write = Callable[[Any], bytes]
GREATEST_BYTES = 900_000
"""Of one event; brokers and librdkafka take records of some 1,000,000. The mapping's limits keep events far below that."""
_FRAME, _HOUSEHOLD = 5, 16
"""Bytes of the framing, and of the event's first field."""
_EPOCH_DAY = date(1970, 1, 1).toordinal()
_REMEMBERED = 4096


def encode(event: HouseholdChanged, schema_id: int) -> bytes:
    """Return an event in framing V0: a zero byte, the schema's id, the Avro body."""
    return _frame(schema_id) + _body()(event)


@cache
def _frame(schema_id: int) -> bytes:
    return b"\0" + schema_id.to_bytes(4, "big")


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


def item_writers(kind: type) -> Mapping[str, Write]:
    """Return the writers of the fields of a list's items, such as `Member`, in the order in which an item is written."""
    return {field["name"]: _writer(field["type"], {}) for field in _schema_of(kind)["fields"]}


def or_null(found: bytes | None) -> bytes:
    """Return a field of bytes of a fixed length that may be null, written."""
    return b"\0" if found is None else b"\2" + found


def item_reader(kind: type) -> Callable[[bytes], Any]:
    """Return the function that makes an object of an item's bytes."""
    return partial(_read, kind, _schema_of(kind))


def _read(kind: type, schema: dict[str, Any], item: bytes) -> Any:  # noqa: ANN401 - of the kind
    return kind(**read_body(item, schema, schema))


@cache
def _schema_of(kind: type) -> dict[str, Any]:
    """Return the schema of the items of the list that holds them, with what it names written out."""
    whole = expand_schema(parsed("HouseholdChanged"))
    assert isinstance(whole, dict)  # noqa: S101 - an event is a record
    lists = [part for field in whole["fields"] if isinstance(field["type"], list) for part in field["type"]]
    items = [one["items"] for one in lists if isinstance(one, dict) and one["type"] == "array"]
    (found,) = (one for one in items if one["name"].rpartition(".")[2] == kind.__name__)
    item: dict[str, Any] = parse_schema(found)  # type: ignore[assignment]  # a record's, as its name is looked up above
    return item


@cache
def _body() -> Write:
    return _writer(parsed("HouseholdChanged"), {})


_SEVEN, _FOURTEEN = (1 << 7) - 1, (1 << 14) - 1
_LAST = [bytes((number,)) if number <= _SEVEN else bytes((number & _SEVEN | 0x80, number >> 7)) for number in range(1 << 14)]
"""The end of a number as Avro writes it: seven bits a byte, the lowest first, all but the last with the highest bit set."""
_MORE = [bytes((number & _SEVEN | 0x80, number >> 7 | 0x80)) for number in range(1 << 14)]
"""Fourteen bits of it behind which more follow."""


def _varint(number: int) -> bytes:
    """Return a number as Avro writes int and long: zigzag, then its bits."""
    left = number << 1 if number >= 0 else ~(number << 1)
    found = b""
    while left > _FOURTEEN:
        found += _MORE[left & _FOURTEEN]
        left >>= 14
    return found + _LAST[left]


class _Written(dict[Any, bytes]):
    """What values become: looked up where it is known, else written, and remembered for the first ones that come."""

    __slots__ = ("_most", "_write")

    def __init__(self, write: Write, known: Mapping[Any, bytes], most: int = 0) -> None:
        """Begin with what is known, and remember until there are `most`."""
        super().__init__(known)
        self._write, self._most = write, most

    def __missing__(self, value: Any) -> bytes:  # noqa: ANN401 - of the schema's type
        """Write a value."""
        found = self._write(value)
        if len(self) < self._most:
            self[value] = found
        return found


_SHORT = {number: _varint(number) for number in range(-64, 8192)}
"""Most numbers of an event are codes, lengths, years or counts."""
_whole = _Written(_varint, _SHORT).__getitem__
_whole_or_null = _Written(
    lambda number: b"\2" + _varint(number), {None: b"\0"} | {number: b"\2" + written for number, written in _SHORT.items()}
).__getitem__
"""Writes a union of null and int, the commonest of the contract's types."""


def _text(text: str) -> bytes:
    content = text.encode()
    return _whole(len(content)) + content


def _day(day: date) -> bytes:
    return _whole(day.toordinal() - _EPOCH_DAY)


def _moment(moment: datetime) -> bytes:
    return _varint(microseconds(moment))


def _remembering(write: Write) -> Write:
    """Return a writer that knows its results for the first values that it saw: names, codes and days come over and over."""
    return _Written(write, {}, _REMEMBERED).__getitem__


_PLAIN: Mapping[tuple[str, str | None], Write] = {
    ("int", None): _whole,
    ("long", None): _varint,
    ("string", None): _remembering(_text),
    ("int", "date"): _remembering(_day),
    ("long", "timestamp-micros"): _moment,
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
        made = _enum(schema["symbols"])
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
    def written(items: Any) -> bytes:  # noqa: ANN401 - a list, or what was written already
        if not items:
            return b"\0"
        return _whole(len(items)) + b"".join(items.items if type(items) is Written else map(write, items)) + b"\0"

    return written


def _enum(symbols: Sequence[str]) -> Write:
    """Return the writer of a symbol by its place; found by comparing, since an enum of Python has a slow hash."""
    place, written = tuple(symbols).index, [_varint(number) for number in range(len(symbols))]
    return lambda value: written[place(value)]


def _record(fields: list[tuple[str, Write]]) -> Write:
    writes = [write for _, write in fields]
    if len(fields) == 1:
        of, (only,) = attrgetter(fields[0][0]), writes
        return lambda value: only(of(value))
    values = attrgetter(*(name for name, _ in fields))
    return lambda value: b"".join(map(call, writes, values(value)))
