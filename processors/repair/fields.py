"""
The fields that a repair may set, with the operations that fit each, and how a value of each is shown to a person.

Why: only what admission judges may be set, and what may identify somebody, or tell how they live, is never printed or kept.
Must not: let a repair touch whose claim it is in time: the revision stays, so that a repaired event wins and loses as the event would.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from processors.admission import Record
from schemas.events import Operation, WelfareBasis

__all__ = ["CODE_FIELDS", "FIELDS", "SECTIONS", "FieldKind", "described", "shown", "value_at"]

SECTIONS = ("residence", "composition", "welfare", "dwelling", "members", "programmes", "nutrition")
_BITS_32 = 1 << 31
_MOST_DIGITS = 3
"""Of a number that is shown: no identifier is as short."""
_SOURCE = r"[a-z][a-z0-9_-]{0,15}"
_VILLAGE = r"[0-9]{2}\.[0-9]{2,4}\.[0-9]{2}\.[0-9]{4}"
_REGENCY = r"[0-9]{2}\.[0-9]{2,4}"


@dataclass(frozen=True, slots=True)
class FieldKind:
    """
    What one field takes: the type of its values, the operations of a `[[set]]`, and what a value must look like.

    `copies` names the field that it may be copied from; `pattern` and `choices` bind constants and what tables give.
    """

    of: type
    operations: frozenset[str]
    copies: str | None = None
    pattern: str | None = None
    choices: tuple[str, ...] | None = None
    example: str = ""

    def mistake(self, value: object) -> str | None:
        """Return in words what is wrong with a value for this field, None where nothing is."""
        if type(value) is not self.of:
            return f"must be {_A[self.of]}" + (f", such as {self.example}" if self.example else "")
        if self.choices is not None and value not in self.choices:
            return f"must be one of {', '.join(self.choices)}"
        if self.pattern is not None and not re.fullmatch(self.pattern, str(value)):
            return f"must be a code, such as {self.example}"
        return None


_A: Mapping[type, str] = {str: "text", int: "a whole number", date: "a date without quotes", bytes: "a pseudonym"}
_NUMBER = frozenset({"constant", "multiply", "divide", "range"})
_CODES = frozenset({"constant", "table"})

FIELDS: Mapping[str, FieldKind] = {
    "key": FieldKind(bytes, frozenset({"copy"}), copies="household"),
    "household": FieldKind(bytes, frozenset({"copy"}), copies="key"),
    "previous_household": FieldKind(bytes, frozenset({"drop"})),
    "key_version": FieldKind(int, frozenset({"constant"}), example="2"),
    "topic": FieldKind(str, frozenset({"constant", "copy"}), copies="region", pattern=_REGENCY, example="31.74"),
    "region": FieldKind(str, _CODES | {"copy"}, copies="topic", pattern=_REGENCY, example="31.74"),
    "source": FieldKind(str, _CODES, pattern=_SOURCE, example="carik"),
    "valid_from": FieldKind(date, frozenset({"constant", "at_most", "at_least"}), example="2024-01-31"),
    "mapping_version": FieldKind(int, frozenset({"constant"}), example="3"),
    "operation": FieldKind(str, _CODES, choices=tuple(Operation)),
    "residence.village": FieldKind(str, _CODES, pattern=_VILLAGE, example="31.74.01.1001"),
    "composition.size": FieldKind(int, _NUMBER, example="4"),
    "welfare.expenditure": FieldKind(int, _NUMBER, example="2500000"),
    "welfare.basis": FieldKind(str, _CODES, choices=tuple(WelfareBasis)),
    **{section: FieldKind(object, frozenset({"drop"})) for section in SECTIONS},
}
"""
By name: fields of the event, its sections, and two that are none: `key` is the record's key in Kafka, `topic` the regency whose topic
it goes to. Not here: revision and recorded_at, which say when the claim was made, and what no rule of admission judges.
"""
CODE_FIELDS = ("region", "source", "operation", "residence.village", "welfare.basis")
"""Fields whose values are codes, by which events may be chosen."""


def value_at(fields: Mapping[str, Any], name: str) -> Any:  # noqa: ANN401 - a value of Avro's
    """Return the value of a field, such as `residence.village`; None where it, or its section, is null."""
    section, _, inner = name.partition(".")
    value = fields.get(section)
    return value[inner] if inner and value is not None else value


def described(record: Record) -> dict[str, str]:
    """Return what an event holds, by field, as it may be printed; of a section that is not judged only whether it is said."""
    told = {"key": shown("key", record.key)}
    for name, value in record.fields.items():
        if name in ("residence", "composition", "welfare") and value is not None:
            told |= {f"{name}.{inner}": shown(f"{name}.{inner}", one) for inner, one in value.items()}
        else:
            told[name] = shown(name, value)
    return told


def shown(name: str, value: object) -> str:
    """
    Return a value as it may be printed and kept: pseudonyms, codes, dates and small numbers; of anything else only its shape.

    >>> shown("residence.village", "31.74.01.1001"), shown("residence.village", "WARGA 000001")
    ('31.74.01.1001', '(not a code)')
    >>> shown("welfare.expenditure", 250_000_000), shown("composition.size", 4)
    ('(a number of 9 digits)', '4')
    """
    if isinstance(value, bytes):
        return value.hex() if len(value) == 16 else f"({len(value)} bytes)"
    if isinstance(value, date):
        return (value.date() if isinstance(value, datetime) else value).isoformat()
    if isinstance(value, int):
        return _number(name, value)
    if isinstance(value, str):
        return _code(name, value)
    if isinstance(value, list):
        return f"({len(value)} entries)"
    return "(nothing)" if value is None else "(said)"


def _number(name: str, value: int) -> str:
    digits = len(str(abs(value)))
    small = digits <= _MOST_DIGITS and name != "welfare.expenditure"
    if small or (name in ("mapping_version", "key_version") and abs(value) < _BITS_32):
        return str(value)
    return f"({'a negative' if value < 0 else 'a'} number of {digits} digit{'s' if digits > 1 else ''})"


def _code(name: str, text: str) -> str:
    """Return a text that is of its own field's form, a village's as a village's; a form that fits another field shows nothing here."""
    kind = FIELDS.get(name)
    known = kind is not None and bool((kind.choices and text in kind.choices) or (kind.pattern and re.fullmatch(kind.pattern, text)))
    return text if known else "(not a code)"
