"""
The mapping: from one record of a source to one event, as a region file declares it.

Why: everything that differs between regions is in the declaration; this is the one way from it to the contract.
Must not: know a clock, IO or a driver; evaluate text as code; let a value into an error unmasked.
"""

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields
from typing import Any

from producers.conversions import code, converter, whole
from producers.declaration import Declaration, Kind, MembersSection, ProgrammesSection, Value
from producers.faults import RecordUnreadable, masked
from producers.pseudonym import Pseudonyms, identifier_fault
from producers.records import Node, follower
from schemas.events import Composition, Dwelling, HouseholdChanged, Member, Operation, Programme, Residence, Welfare, WelfareBasis

__all__ = ["VILLAGE", "Mapper"]

Get = Callable[[Node], Any]
_INT, _LONG = 1 << 31, 1 << 63
_GREATEST_EXPENDITURE = 10**12
"""Rupiah per household and month: ten thousand times what the richest spend; the office refuses more."""
_GREATEST_ITEMS = 1000
"""Members or programmes of one household; more is a fault of the source, and would not fit a record of Kafka."""
_LONGEST_PROGRAMME = 100
"""Letters of a programme's name or code; with `_GREATEST_ITEMS` it keeps every event below half of what Kafka takes."""
_NULLABLE = frozenset(
    f"{section}.{field.name}"
    for section, kind in {"dwelling": Dwelling, "members": Member, "programmes": Programme}.items()
    for field in fields(kind)
    if field.default is None
)
"""Fields that the contract lets be null."""
_LONGS = ("revision", "welfare.expenditure", "programmes.amount")
VILLAGE = re.compile(r"[0-9]{2}\.[0-9]{2}\.[0-9]{2}\.[0-9]{4}")
_NATIONAL_IDENTIFIER = re.compile(r"[0-9]{16}")
_PENDING = "9999"
"""The serial of a national identifier that has not been given yet."""


class Mapper:
    """One region file's mapping, compiled; `event` is a pure function of a record."""

    def __init__(self, declared: Declaration, pseudonyms: Pseudonyms) -> None:
        """Compile the mapping."""
        self.declared, self._pseudonyms = declared, pseudonyms
        self.key_version = pseudonyms.version
        self._regencies = frozenset(declared.regencies)
        mapping = declared.mapping
        self._household = _compiled("household", mapping.household, "text")
        self._village = _compiled("residence.village", mapping.village, "text")
        self._valid_from = _compiled("valid_from", mapping.valid_from, "date")
        self._revision = _compiled("revision", mapping.revision, "whole")
        self._recorded_at = _compiled("recorded_at", mapping.recorded_at, "moment")
        self._ended = _compiled("ended", mapping.ended, "flag") if mapping.ended else None
        self._retracted = _compiled("retracted", mapping.retracted, "flag") if mapping.retracted else None
        self._composition = _section("composition", mapping.composition, _WHOLE)
        self._welfare = _section("welfare", mapping.welfare, {"expenditure": "whole", "basis": "basis"})
        self._dwelling = _section("dwelling", mapping.dwelling, _WHOLE)
        self._members = _list("members", mapping.members, {"person": "text"})
        self._programmes = _list("programmes", mapping.programmes, {"programme": "text", "last_month": "date"})

    def event(self, record: Node) -> HouseholdChanged:
        """Return the event that a record stands for; raises `RecordUnreadable` with field, cause and masked value."""
        village = self._checked_village(record)
        operation = self._operation(record)
        said = operation is Operation.UPSERT
        return HouseholdChanged(
            household=self.household(record),
            key_version=self.key_version,
            region=village[:5],
            source=self.declared.source_id,
            valid_from=self._valid_from(record),
            revision=self._revision(record),
            mapping_version=self.declared.mapping_version,
            operation=operation,
            recorded_at=self._recorded_at(record),
            residence=Residence(village) if said else None,
            composition=self._composition_of(record) if said else None,
            welfare=self._welfare_of(record) if said else None,
            dwelling=self._dwelling_of(record) if said else None,
            members=self._members_of(record) if said else None,
            programmes=self._programmes_of(record) if said else None,
        )

    def household(self, record: Node) -> bytes:
        """Return the pseudonym of a record's family card; raises `RecordUnreadable` where there is none."""
        number = self._household(record)
        if fault := identifier_fault(number, person=False):
            raise RecordUnreadable(field="household", cause=fault, value=masked(number))
        return self._pseudonyms.family_card(number)

    def mark(self, record: Node) -> bytes:
        """Return the mark by which a record that was put aside is known again, however often it is read."""
        return self._pseudonyms.mark(json.dumps(record.value, sort_keys=True, default=str).encode())

    def _checked_village(self, record: Node) -> str:
        village: str = self._village(record)
        if not VILLAGE.fullmatch(village):
            raise RecordUnreadable(field="residence.village", cause="is no village's code such as 31.74.01.1001", value=masked(village))
        if village[:5] not in self._regencies:
            raise RecordUnreadable(field="residence.village", cause="lies in no regency of the region file", value=village)
        return village

    def _operation(self, record: Node) -> Operation:
        if self._retracted and self._retracted(record):
            return Operation.RETRACT
        return Operation.END if self._ended and self._ended(record) else Operation.UPSERT

    def _composition_of(self, record: Node) -> Composition | None:
        said = self._composition(record)
        if said is None:
            return None
        if said["size"] < 1:
            raise RecordUnreadable(field="composition.size", cause="is less than one person", value=str(said["size"]))
        return Composition(said["size"])

    def _welfare_of(self, record: Node) -> Welfare | None:
        said = self._welfare(record)
        if said is None:
            return None
        if not 0 <= said["expenditure"] <= _GREATEST_EXPENDITURE:
            cause = "is negative" if said["expenditure"] < 0 else "is beyond reason"
            raise RecordUnreadable(field="welfare.expenditure", cause=cause, value=masked(said["expenditure"]))
        return Welfare(said["expenditure"], WelfareBasis(said["basis"]))

    def _dwelling_of(self, record: Node) -> Dwelling | None:
        said = self._dwelling(record)
        return None if said is None else Dwelling(**said)

    def _members_of(self, record: Node) -> tuple[Member, ...] | None:
        rows = self._members(record)
        return None if rows is None else tuple(Member(**{**row, "person": self._person(row.get("person"))}) for row in rows)

    def _person(self, number: str | None) -> bytes | None:
        """Return a person's pseudonym; numbers that are missing, pending or no national identifier say nothing."""
        if not number or number.endswith(_PENDING) or identifier_fault(number, person=True):
            return None
        return self._pseudonyms.person(number)

    def _programmes_of(self, record: Node) -> tuple[Programme, ...] | None:
        rows = self._programmes(record)
        if rows is None:
            return None
        for row in rows:
            if cause := _programme_fault(row["programme"]):
                raise RecordUnreadable(field="programmes.programme", cause=cause, value=masked(row["programme"]))
        return tuple(Programme(**row) for row in rows)


def _programme_fault(programme: str) -> str | None:
    if len(programme) > _LONGEST_PROGRAMME:
        return f"has more than {_LONGEST_PROGRAMME} letters"
    return "holds 16 digits in a row, the shape of a national identifier" if _NATIONAL_IDENTIFIER.search(programme) else None


# ---- compiling -------------------------------------------------------------------------------------------------------------


class _EveryFieldWhole(dict[str, Kind]):
    def __missing__(self, field: str) -> Kind:
        return "whole"


_WHOLE = _EveryFieldWhole()


def _compiled(name: str, value: Value, kind: Kind) -> Get:
    """Return the function that a declared value stands for; it gives None where a value that may be null is missing."""
    raw, read = _raw(value), _reader(name, value, kind)
    may_be_null = name in _NULLABLE and not value.required

    def get(node: Node) -> Any:  # noqa: ANN401 - of the field's kind
        found: Any = None
        try:
            found = raw(node)
            if found is not None:
                return read(found)
        except ValueError as error:
            raise RecordUnreadable(field=name, cause=str(error), value=masked(found)) from None
        if may_be_null:
            return None
        raise RecordUnreadable(field=name, cause="is missing", value="nothing")

    return get


def _reader(name: str, value: Value, kind: Kind) -> Callable[[Any], Any]:
    """Return the function from what was found to what the field holds; it raises `ValueError` with a cause."""
    if value.table is not None:
        return _through(value.table)
    if value.constant is not None:
        return lambda found: found
    convert = converter(value.conversion, kind, value.format)
    if kind != "whole":
        return convert
    bound = _LONG if name in _LONGS else _INT
    least, greatest = value.range or (-bound, bound - 1)
    converted_as_is = value.conversion in (None, "whole")
    told = f"is not from {least} to {greatest}" if value.range else f"does not fit {bound.bit_length()} bits"

    def bounded(found: Any) -> int:  # noqa: ANN401 - what a source writes
        number: int = found if type(found) is int and converted_as_is else convert(found)
        if not least <= number <= greatest:
            raise ValueError(told)
        return number

    return bounded


def _through(table: Mapping[str, str | int | bool]) -> Callable[[Any], Any]:
    def read(found: Any) -> Any:  # noqa: ANN401
        try:
            return table[found if isinstance(found, str) else code(found)]
        except KeyError:
            raise ValueError("is a code that the table does not have") from None

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


def _fields(name: str, section: Any, kinds: Mapping[str, Kind]) -> list[tuple[str, Get]]:  # noqa: ANN401 - any section's model
    told = ((field, getattr(section, field)) for field in type(section).model_fields)
    return [(field, _compiled(f"{name}.{field}", value, kinds[field])) for field, value in told if isinstance(value, Value)]


def _section(name: str, section: Any, kinds: Mapping[str, Kind]) -> Callable[[Node], dict[str, Any] | None]:  # noqa: ANN401
    """Return the function that reads a section, or gives None where the record says nothing of it."""
    if section is None:
        return lambda _: None
    gets = _fields(name, section, kinds)
    when = follower(section.when) if section.when else None

    def read(record: Node) -> dict[str, Any] | None:
        if when is not None and when(record) is None:
            return None
        return {field: get(record) for field, get in gets}

    return read


def _list(
    name: str, section: MembersSection | ProgrammesSection | None, kinds: Mapping[str, Kind]
) -> Callable[[Node], list[dict[str, Any]] | None]:
    """Return the function that reads a section that is a list, or gives None where the record does not have it."""
    if section is None:
        return lambda _: None
    gets = _fields(name, section, _EveryFieldWhole(kinds))
    items, where = follower(section.each), section.where

    def read(record: Node) -> list[dict[str, Any]] | None:
        if (told := items(record)) is None:
            return None
        try:
            found = _listed(told)
        except ValueError as error:
            raise RecordUnreadable(field=name, cause=str(error), value=masked(type(told).__name__)) from None
        if len(found) > _GREATEST_ITEMS:
            raise RecordUnreadable(field=name, cause=f"has more than {_GREATEST_ITEMS} items", value=str(len(found)))
        return [{field: get(Node(one, record)) for field, get in gets} for one in found if not where or _fits(one, where)]

    return read
