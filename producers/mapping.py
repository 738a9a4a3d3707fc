"""
The mapping: from one record of a source to one event, as a region file declares it.

Why: everything that differs between regions is in the declaration; this is the one way from it to the contract.
Must not: know a clock, IO or a driver; evaluate text as code; let a value into an error unmasked.
"""

import json
import re
from collections.abc import Callable
from dataclasses import fields
from datetime import date, datetime
from typing import Any

from producers.at_once import ODD, at_once
from producers.compiling import NULLABLE, WHOLE, compiled, list_of, section_of
from producers.declaration import Declaration, Kind, Value
from producers.drift import Drift
from producers.encoding import item_writers, or_null
from producers.faults import RecordUnreadable, masked
from producers.plausible import Plausible
from producers.pseudonym import Pseudonyms, identifier_fault, is_person
from producers.readings import way_to_records
from producers.records import Node
from producers.shape import Shape
from producers.thawed import maker
from producers.told import told
from schemas.events import (
    ChildMeasured,
    Composition,
    Dwelling,
    HouseholdChanged,
    Member,
    Operation,
    Programme,
    Residence,
    Welfare,
    WelfareBasis,
)

__all__ = ["VILLAGE", "Mapper"]

_GREATEST_EXPENDITURE = 10**12
"""Rupiah per household and month: ten thousand times what the richest spend; the office refuses more. No aid is greater."""
_LONGEST_PROGRAMME = 100
"""Letters of a programme's name or code; with the limit of items it keeps every event below half of what Kafka takes."""
VILLAGE = re.compile(r"[0-9]{2}\.[0-9]{2}\.[0-9]{2}\.[0-9]{4}")
_NATIONAL_IDENTIFIER = re.compile(r"[0-9]{16}")
_event, _dwelling, _welfare = maker(HouseholdChanged), maker(Dwelling), maker(Welfare)
_UPSERT, _END, _RETRACT = Operation.UPSERT, Operation.END, Operation.RETRACT
_WELFARE = ("expenditure", "basis")
_Head = tuple[str, Operation, tuple[bytes, bytes | None], date, int, datetime]
_write_programme = item_writers(Programme)["programme"]
_BASES = {basis.value: basis for basis in WelfareBasis}
_REMEMBERED = 4096
"""Villages and sizes whose part of an event is made once and shared: a snapshot of many thousand rows lies in memory as a whole."""
_MOST_REGENCIES = 8
"""How many of a region file's regencies are told where a village lies in none of them."""


class Mapper:
    """One region file's mapping, compiled; `event` is a function of a record alone, and of what a person accepted of the source's drift."""

    def __init__(self, declared: Declaration, pseudonyms: Pseudonyms, is_area: Callable[[str], bool] | None = None) -> None:
        """Compile the mapping; `is_area` tells whether six digits are those of a district, for `plausible`."""
        self.declared, self._pseudonyms = declared, pseudonyms
        self.key_version, self.rotates = pseudonyms.version, pseudonyms.previous is not None
        self._regencies, self._way = frozenset(declared.regencies), way_to_records(declared)
        listed = ", ".join(declared.regencies[:_MOST_REGENCIES]) + (", ..." if len(declared.regencies) > _MOST_REGENCIES else "")
        self._elsewhere = f"is not in regencies [{listed}]"
        self.drift = drift = Drift(declared.drift)
        self.shape = Shape(declared, drift, NULLABLE)
        self.plausible = Plausible(declared, is_area)
        self._residences: dict[str, Residence] = {}
        self._compositions: dict[int, Composition] = {}
        mapping = declared.mapping
        told: list[tuple[str, Value | None, Kind]] = [
            ("residence.village", mapping.village, "text"),
            ("retracted", mapping.retracted, "flag"),
            ("ended", mapping.ended, "flag"),
            ("household", mapping.household, "text"),
            ("valid_from", mapping.valid_from, "date"),
            ("revision", mapping.revision, "whole"),
            ("recorded_at", mapping.recorded_at, "moment"),
        ]
        heads = [compiled(name, value, kind, drift) if value else None for name, value, kind in told]
        self._heads = at_once(heads)
        gets: list[Callable[[Node], Any]] = [one.get if one else _no for one in heads]
        self._village, self._retracted, self._ended, self._household, self._valid_from, self._revision, self._recorded_at = gets
        self._composition = section_of("composition", mapping.composition, ("size",), WHOLE, drift)
        self._welfare = section_of("welfare", mapping.welfare, _WELFARE, {"expenditure": "whole", "basis": "basis"}, drift)
        self._dwelling = section_of("dwelling", mapping.dwelling, _names(Dwelling), WHOLE, drift)
        person = {"person": self._written_person}
        self._members = list_of("members", mapping.members, Member, {"person": "text"}, drift, person)
        is_free = mapping.programmes is not None and mapping.programmes.free_text
        kinds: dict[str, Kind] = {"programme": "text" if is_free else "short_name", "last_month": "date"}
        self._programmes = list_of("programmes", mapping.programmes, Programme, kinds, drift, {"programme": _written_programme})
        kinds = {"person": "text", "measured_on": "date"}
        self._nutrition = list_of("nutrition", mapping.nutrition, ChildMeasured, kinds, drift, person)

    def event(self, record: Node, names: tuple[bytes, bytes | None] | None = None) -> HouseholdChanged:
        """
        Return the event that a record stands for; raises `RecordUnreadable` with field, cause and masked value, or `SourceFrozen`.

        `names` is what the method of this name has returned of the record, where that was asked already.
        """
        try:
            if self.shape.look(record):
                self.plausible.look(record)
            return self._event(record, names)
        except RecordUnreadable as fault:
            self.drift.fault(fault)
            raise

    def _event(self, record: Node, names: tuple[bytes, bytes | None] | None) -> HouseholdChanged:
        village, operation, (household, previous_household), valid_from, revision, recorded_at = self._head(record, names)
        said = operation is _UPSERT
        return _event(
            household,
            self.key_version,
            village[:5],
            self.declared.source_id,
            valid_from,
            revision,
            self.declared.mapping_version,
            operation,
            recorded_at,
            previous_household,
            residence=self._residences[village] if said and self.declared.mapping.residence else None,
            composition=self._composition_of(record) if said else None,
            welfare=self._welfare_of(record) if said else None,
            dwelling=self._dwelling_of(record) if said else None,
            members=self._members(record) if said else None,
            programmes=self._programmes(record) if said else None,
            nutrition=self._nutrition(record) if said else None,
        )

    def _head(self, record: Node, names: tuple[bytes, bytes | None] | None) -> _Head:
        """Return what every event has: village, operation, names, and the three by which statements are told apart."""
        try:
            village, retracted, ended, number, valid_from, revision, recorded_at = self._heads(record)
        except ODD:
            village, operation = self._checked_village(self._village(record)), self._operation(record)
            return (
                village,
                operation,
                names or self.names(record),
                self._valid_from(record),
                self._revision(record),
                self._recorded_at(record),
            )
        operation = _RETRACT if retracted else _END if ended else _UPSERT
        return self._checked_village(village), operation, names or self._named(number), valid_from, revision, recorded_at

    def names(self, record: Node) -> tuple[bytes, bytes | None]:
        """
        Return the pseudonym of a record's family card, and the one by the older key while keys are rotated.

        Raises `RecordUnreadable` where there is no card.
        """
        return self._named(self._household(record))

    def _named(self, number: str) -> tuple[bytes, bytes | None]:
        if fault := identifier_fault(number, person=False):
            raise RecordUnreadable(field="household", cause=fault, value=masked(number))
        return self._pseudonyms.family_card(number), self._pseudonyms.previous_family_card(number)

    def household(self, record: Node) -> bytes:
        """Return the pseudonym of a record's family card; raises `RecordUnreadable` where there is none."""
        return self.names(record)[0]

    def mark_of_name(self, name: bytes) -> bytes:
        """Return the mark by which the name of something is known, where it may be somebody's."""
        return self._pseudonyms.mark(name)

    def mark(self, record: Node) -> bytes:
        """Return the mark by which a record's content is known again, however often it is read."""
        return self._pseudonyms.mark(json.dumps(record.value, sort_keys=True, default=str).encode())

    def told(self, record: Node, *, part: bool = False) -> bytes | None:
        """Return a record, or a part in which the way to records ended, as it may be sealed and mapped again; None for too large a one."""
        return told(record, self._way, part=part)

    def statement_mark(self, record: Node) -> bytes:
        """
        Return the mark of the statement that a record was to make, however wrong the rest of it is: that of its household and date.

        Where card or date cannot be read it is the content's mark: nothing then tells which later record is its correction.
        """
        try:
            return _statement_mark(self._pseudonyms, self.household(record), self._valid_from(record))
        except RecordUnreadable:
            return self.mark(record)

    def mark_of(self, event: HouseholdChanged) -> bytes:
        """Return the mark of the statement that an event makes."""
        return _statement_mark(self._pseudonyms, event.household, event.valid_from)

    def marks_of(self, event: HouseholdChanged) -> list[bytes]:
        """Return the marks by which a record of that statement may be in quarantine, while keys are rotated also by the older key."""
        marks, older = [self.mark_of(event)], self._pseudonyms.previous
        if older is not None and event.previous_household is not None:
            marks.append(_statement_mark(older, event.previous_household, event.valid_from))
        return marks

    def _checked_village(self, village: str) -> str:
        if village in self._residences:
            return village
        if not VILLAGE.fullmatch(village):
            raise RecordUnreadable(field="residence.village", cause="is no village's code such as 31.74.01.1001", value=masked(village))
        if village[:5] not in self._regencies:
            raise RecordUnreadable(field="residence.village", cause=f"lies in {village[:5]}, which {self._elsewhere}", value=village)
        if len(self._residences) >= _REMEMBERED:
            self._residences.clear()
        self._residences[village] = Residence(village)
        return village

    def _operation(self, record: Node) -> Operation:
        if self._retracted(record):
            return _RETRACT
        return _END if self._ended(record) else _UPSERT

    def _composition_of(self, record: Node) -> Composition | None:
        said = self._composition(record)
        if said is None:
            return None
        (size,) = said
        if (known := self._compositions.get(size)) is not None:
            return known
        if size < 1:
            raise RecordUnreadable(field="composition.size", cause="is less than one person", value=masked(size) if size else "0")
        if len(self._compositions) >= _REMEMBERED:
            self._compositions.clear()
        return self._compositions.setdefault(size, Composition(size))

    def _welfare_of(self, record: Node) -> Welfare | None:
        said = self._welfare(record)
        if said is None:
            return None
        expenditure, basis = said
        if not 0 <= expenditure <= _GREATEST_EXPENDITURE:
            cause = "is negative" if expenditure < 0 else "is beyond reason"
            raise RecordUnreadable(field="welfare.expenditure", cause=cause, value=masked(expenditure))
        return _welfare(expenditure, _BASES[basis])

    def _dwelling_of(self, record: Node) -> Dwelling | None:
        said = self._dwelling(record)
        return None if said is None else _dwelling(*said)

    def _written_person(self, number: str | None) -> bytes:
        """Return a person's pseudonym, written; numbers that are missing, pending or no national identifier say nothing."""
        return or_null(self._pseudonyms.person(number) if number and is_person(number) else None)


def _names(kind: type) -> tuple[str, ...]:
    return tuple(field.name for field in fields(kind))


def _no(_: Node) -> bool:
    """Read a flag that is not declared."""
    return False


def _statement_mark(pseudonyms: Pseudonyms, household: bytes, valid_from: date) -> bytes:
    return pseudonyms.mark(household + valid_from.isoformat().encode())


def _written_programme(programme: str) -> bytes:
    """Return a programme's name or code, written; raises `RecordUnreadable` where it may be more than that."""
    if cause := _programme_fault(programme):
        raise RecordUnreadable(field="programmes.programme", cause=cause, value=masked(programme))
    return _write_programme(programme)


def _programme_fault(programme: str) -> str | None:
    if len(programme) > _LONGEST_PROGRAMME:
        return f"has more than {_LONGEST_PROGRAMME} letters"
    return "holds 16 digits in a row, the shape of a national identifier" if _NATIONAL_IDENTIFIER.search(programme) else None
