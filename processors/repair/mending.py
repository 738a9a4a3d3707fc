"""
Mending: what a repair file makes of one rejected event, and which of its fields become another.

Why: it is a pure function of the event and the file, so the same repair done twice sends the same bytes, which are the same statement.
Must not: judge the outcome (processors/admission.py does, as it does every event), or change revision and time of record.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from processors.admission import Record, arrival_day
from processors.repair.fields import shown, value_at
from processors.repair.language import ARRIVAL, Match, RepairFile, Set

__all__ = ["Change", "Left", "Mended", "matches", "mended"]

_KEY_BYTES = 16


@dataclass(frozen=True, slots=True)
class Change:
    """What became of one field, as it may be shown and kept: see `fields.shown`."""

    field: str
    how: str
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class Mended:
    """A repaired event: as it will be sent (its regency is that of the topic it goes to), and what changed."""

    record: Record
    changes: tuple[Change, ...]


@dataclass(frozen=True, slots=True)
class Left:
    """Why the file does not repair an event: the field, and words."""

    field: str
    why: str


class _Leaves(Exception):  # noqa: N818 - it ends the mending of one event
    """The file does not provide for this event."""

    def __init__(self, field: str, why: str) -> None:
        self.left = Left(field, why)


def matches(match: Match, field: str, record: Record) -> bool:
    """Return whether an event is meant, as far as only the event tells; `field` is the dead letter's, which names it as `match` does."""
    if match.source is not None and record.fields["source"] not in match.source:
        return False
    return match.value is None or str(value_at(record.fields, field)) in match.value


def mended(file: RepairFile, record: Record) -> Mended | Left:
    """Return what a file makes of a rejected event, or why it leaves it as it is."""
    try:
        values = {one.field: _value(one, record) for one in file.set if _is_said(one, record)}
    except _Leaves as leaves:
        return leaves.left
    operations = {one.field: " and ".join(one.operations) for one in file.set}
    fields = dict(record.fields)
    for name, value in values.items():
        _put(fields, name, value)
    key, regency = values.get("key", record.key), values.get("topic", record.regency)
    after = Record(fields, key, regency, record.arrived)
    changes = tuple(_changes(record, after, operations))
    if not changes and not file.unchanged:
        return Left("", "nothing of it would change")
    return Mended(after, changes)


def _is_said(one: Set, record: Record) -> bool:
    """Return whether there is something to set: nothing is put into a section that the event does not speak of."""
    return one.field in ("key", "topic") or value_at(record.fields, one.field) is not None


def _value(one: Set, record: Record) -> Any:  # noqa: ANN401 - a value of Avro's
    """Return what a field becomes."""
    now = _now(one.field, record)
    if one.drop:
        return None
    if one.constant is not None:
        return one.constant
    if one.copy_of is not None:
        return _copied(one, record)
    if one.table is not None:
        if now not in one.table:
            raise _Leaves(one.field, "its value is not in the table")
        return one.table[now]
    if one.at_most is not None or one.at_least is not None:
        return _bounded(one, now, arrival_day(record.arrived))
    return _number(one, now)


def _now(name: str, record: Record) -> Any:  # noqa: ANN401 - a value of Avro's
    if name in ("key", "topic"):
        return record.key if name == "key" else record.regency
    return value_at(record.fields, name)


def _copied(one: Set, record: Record) -> Any:  # noqa: ANN401 - a value of Avro's
    found = _now(one.copy_of or "", record)
    if one.field == "household" and (found is None or len(found) != _KEY_BYTES):
        raise _Leaves(one.field, "the record's key is not a pseudonym")
    return found


def _bounded(one: Set, day: date, arrived: date) -> date:
    if one.at_least is not None:
        day = max(day, one.at_least)
    if one.at_most is not None:
        day = min(day, arrived if one.at_most == ARRIVAL else one.at_most)
    return day


def _number(one: Set, now: int) -> int | None:
    if one.divide is not None and now % one.divide:
        raise _Leaves(one.field, f"is not a multiple of {one.divide}")
    value = now * (one.multiply or 1) // (one.divide or 1)
    if one.range is None or one.range[0] <= value <= one.range[1]:
        return value
    if one.outside == "leave":
        raise _Leaves(one.field, "lies outside the range")
    return None if one.outside == "drop" else max(one.range[0], min(value, one.range[1]))


def _put(fields: dict[str, Any], name: str, value: object) -> None:
    """Set a field of the event; a number that fell outside its range takes its section with it."""
    section, _, inner = name.partition(".")
    if name in ("key", "topic"):
        return
    if not inner or value is None:
        fields[section] = value
    elif fields[section] is not None:
        fields[section] = {**fields[section], inner: value}


def _changes(before: Record, after: Record, operations: Mapping[str, str]) -> Iterator[Change]:
    """Give what is otherwise now; a section dropped for a number in it is told as the number."""
    for name, how in operations.items():
        was, became = _now(name, before), _now(name, after)
        if was != became:
            yield Change(name, how, shown(name, was), "(dropped)" if became is None else shown(name, became))
