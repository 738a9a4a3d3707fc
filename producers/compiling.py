"""
Compiling a mapping: from what a region file declares for a field or a section to the function that reads it in a record.

Why: paths, tables and conversions are looked at once per region file, not once per record.
Must not: know a clock, IO or a driver; evaluate text as code; let a value into an error unmasked.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields
from operator import call
from typing import Any

from producers.at_once import ODD, Field, Known, Texts, at_once, each_at_once
from producers.conversions import UnknownCode, code, converter, short_name, whole
from producers.declaration import Kind, MembersSection, NutritionSection, ProgrammesSection, Value
from producers.drift import Drift, SectionSilent, paths_held
from producers.encoding import Write, item_reader, item_writers
from producers.faults import RecordUnreadable, masked
from producers.records import Node, Spoilt, follower
from producers.written import Written
from schemas.codes import CODES
from schemas.events import ChildMeasured, Dwelling, Member, Programme

__all__ = ["NULLABLE", "WHOLE", "compiled", "list_of", "section_of"]

Get = Callable[[Node], Any]
_INT, _LONG = 1 << 31, 1 << 63
_GREATEST_ITEMS = 1000
"""Members, programmes or measured children of one household; more is a fault of the source, and would not fit a record of Kafka."""
_REMEMBERED = 4096
"""Texts of a field that are remembered with what they become..."""
_OF_DAYS, _DAYS_REMEMBERED = ("year", "month_of_year"), 40_000
"""...and days of birth: a century has no more."""
NULLABLE = frozenset(
    f"{section}.{field.name}"
    for section, kind in {"dwelling": Dwelling, "members": Member, "programmes": Programme, "nutrition": ChildMeasured}.items()
    for field in fields(kind)
    if field.default is None
)
"""Fields that the contract lets be null."""
_LONGS = ("revision", "welfare.expenditure")
_GREATEST_AMOUNT = 10**12
"""Rupiah of aid: no programme pays more. A national identifier read as a number is a thousand times as great, and would leave as one."""


class _EveryFieldWhole(dict[str, Kind]):
    def __missing__(self, field: str) -> Kind:
        return "whole"


WHOLE = _EveryFieldWhole()


def compiled(name: str, value: Value, kind: Kind, drift: Drift) -> Field:
    """Return a declared value, compiled; its reading gives None where a value that may be null is missing."""
    raw, read, there = _raw(value), _reader(name, value, kind), paths_held(value)
    plain = kind == "text" and value.table is None
    known = Texts(read) if plain else Known(read, _DAYS_REMEMBERED if value.conversion in _OF_DAYS else _REMEMBERED)
    if kind != "text" and value.constant is None:
        read = known.of
    may_be_null = name in NULLABLE and not value.required

    def get(node: Node) -> Any:  # noqa: ANN401 - of the field's kind
        found: Any = None
        try:
            found = raw(node)
            if found is not None:
                return read(found)
        except ValueError as error:
            cause = found.cause if isinstance(found, Spoilt) else str(error)
            told = "new_code" if isinstance(error, UnknownCode) and not isinstance(found, Spoilt) else "changed_type"
            raise RecordUnreadable(field=name, cause=cause, value=masked(found), drift=told) from None
        if may_be_null:
            return None
        raise RecordUnreadable(field=name, cause="is missing", value="nothing", drift="" if there(node) else "missing_field")

    if may_be_null:
        known[None] = None
    return Field(drift.guarded(name, value, get, may_be_null=may_be_null), value.path, known)


def _reader(name: str, value: Value, kind: Kind) -> Callable[[Any], Any]:
    """Return the function from what was found to what the field holds; it raises `ValueError` with a cause."""
    if value.table is not None:
        return _through(value.table)
    if value.constant is not None:
        return lambda found: found
    if kind == "short_name":
        return short_name
    convert = converter(value.conversion, kind, value.format)
    if kind != "whole":
        return convert
    (least, greatest), told, odd = _bounds(name, value)
    converted_as_is = value.conversion in (None, "whole")

    def bounded(found: Any) -> int:  # noqa: ANN401 - what a source writes
        number: int = found if type(found) is int and converted_as_is else convert(found)
        if not least <= number <= greatest:
            raise odd(told)
        return number

    return bounded


def _bounds(name: str, value: Value) -> tuple[tuple[int, int], str, type[ValueError]]:
    """Return the least and the greatest number of a field, and what one beyond them is: a new code where the field has codes or a range."""
    if value.range:
        return value.range, f"is not from {value.range[0]} to {value.range[1]}", UnknownCode
    if (codes := CODES.get(name)) is not None:
        return codes, f"is no code of it: there are {codes}", UnknownCode
    if name == "programmes.amount":
        return (-_GREATEST_AMOUNT, _GREATEST_AMOUNT), "is beyond reason", ValueError
    bound = _LONG if name in _LONGS else _INT
    return (-bound, bound - 1), f"does not fit {bound.bit_length()} bits", ValueError


def _through(table: Mapping[str, str | int | bool]) -> Callable[[Any], Any]:
    def read(found: Any) -> Any:  # noqa: ANN401
        try:
            return table[found if isinstance(found, str) else code(found)]
        except KeyError:
            raise UnknownCode("is a code that the table does not have") from None

    return read


def _raw(value: Value) -> Get:
    if value.constant is not None:
        constant = value.constant
        return lambda _: constant
    if value.sum is not None:
        return _sum([follower(path) for path in value.sum])
    if value.count is not None:
        items, where = follower(value.count), value.where
        return lambda node: None if (found := items(node)) is None else sum(1 for one in _listed(found) if _fits(one, where))
    return follower(value.path or "")


def _sum(terms: Sequence[Get]) -> Get:
    """Return the function that adds up; where a term is missing there is no sum."""

    def add(node: Node) -> int | None:
        found = [term(node) for term in terms]
        return None if None in found else sum(map(whole, found))

    return add


def _listed(value: Any) -> Sequence[Any]:  # noqa: ANN401
    if not isinstance(value, list):
        raise ValueError("is no list")  # noqa: TRY004 - one kind of error for what a source writes
    return value


def _fits(one: Any, where: Mapping[str, str]) -> bool:  # noqa: ANN401
    return isinstance(one, dict) and all(code(one.get(name)) == wanted for name, wanted in where.items())


def _fields(name: str, section: Any, names: Sequence[str], kinds: Mapping[str, Kind], drift: Drift) -> list[Field | None]:  # noqa: ANN401 - any section's model
    """Return a section's fields in an order of names, None for those that are not declared."""
    told = [(field, getattr(section, field, None)) for field in names]
    return [compiled(f"{name}.{field}", one, kinds[field], drift) if isinstance(one, Value) else None for field, one in told]


def _nothing(_: Node) -> None:
    """Read a field that is not declared."""


def _silent_where_told(read: Callable[[Node], Any]) -> Callable[[Node], Any]:
    """Return a section's reading that says nothing where one of its fields decides so."""

    def silent(record: Node) -> Any:  # noqa: ANN401 - what a section is read as
        try:
            return read(record)
        except SectionSilent:
            return None

    return silent


def section_of(
    name: str,
    section: Any,  # noqa: ANN401 - any section's model
    names: Sequence[str],
    kinds: Mapping[str, Kind],
    drift: Drift,
) -> Callable[[Node], Sequence[Any] | None]:
    """Return the function that reads a section's fields in an order of names, or gives None where the record says nothing of it."""
    if section is None:
        return lambda _: None
    found = _fields(name, section, names, kinds, drift)
    quick, gets = at_once(found), [one.get if one else _nothing for one in found]
    when = follower(section.when) if section.when else None

    def read(record: Node) -> Sequence[Any] | None:
        if when is not None and when(record) is None:
            drift.section(name, section.when, None, record)
            return None
        try:
            return quick(record)
        except ODD:
            return [get(record) for get in gets]

    return _silent_where_told(read)


def list_of(
    name: str,
    section: MembersSection | ProgrammesSection | NutritionSection | None,
    kind: type,
    kinds: Mapping[str, Kind],
    drift: Drift,
    otherwise: Mapping[str, Write],
) -> Callable[[Node], Written[Any] | None]:
    """
    Return the function that reads a section that is a list of a kind, such as `Member`, or gives None where there is no list.

    Items are written as they are read, each field by the contract's writer, or `otherwise`.
    """
    if section is None:
        return lambda _: None
    writers, read_item = item_writers(kind), item_reader(kind)
    found = _fields(name, section, list(writers), _EveryFieldWhole(kinds), drift)
    writes = [otherwise.get(field, write) for field, write in writers.items()]
    quick, gets = each_at_once(found, writes), [one.get if one else _nothing for one in found]
    items, where, each = follower(section.each), section.where, section.each

    def read(record: Node) -> Written[Any] | None:
        if (told := items(record)) is None:
            drift.section(name, each, None, record)
            return None
        if not isinstance(told, list):
            fault = RecordUnreadable(field=name, cause="is no list", value=masked(type(told).__name__), drift="changed_type")
            drift.section(name, each, fault, record)
            return None
        if len(told) > _GREATEST_ITEMS:
            raise RecordUnreadable(field=name, cause=f"has more than {_GREATEST_ITEMS} items", value=str(len(told)))
        rows: list[bytes] = []
        for one in told:
            if where and not _fits(one, where):
                continue
            try:
                rows.append(quick(one, record))
            except ODD:
                node = Node(one, record)
                values = [get(node) for get in gets]
                rows.append(b"".join(map(call, writes, values)))
        return Written(rows, read_item)

    return _silent_where_told(read)
