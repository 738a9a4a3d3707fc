"""
The report of a check, for a person: what leaves beside what does not, what silence means, and one line at the end.

Why: an author decides by reading this whether the right things leave the region.
Must not: judge (check.py does), or print an identifier, a name or a value that was dropped.
"""

import textwrap
from collections.abc import Iterator, Sequence
from itertools import zip_longest
from typing import TYPE_CHECKING

from producers.authoring.expected import plain
from producers.declaration import RegionMapping
from schemas.events import to_record
from schemas.topics import household_topic

if TYPE_CHECKING:
    from producers.check import Checked, SampleRecord

__all__ = ["report", "summary"]

_WIDE = 74
_GOES_ON = "what was said before goes on"


def report(checked: "Checked") -> Iterator[str]:
    """Give the report's lines; the last is the summary."""
    declared = checked.declared
    kind, version = declared.source.kind, declared.mapping_version
    yield f"{declared.name}: source {declared.source_id}, kind {kind}, mapping version {version}; no mistakes"
    yield f"sends to {', '.join(household_topic(region) for region in declared.regencies)}"
    if checked.unset:
        yield f"not set yet: {', '.join(checked.unset)}"
    yield "what a record does not say:"
    yield from (f"  {line}" for line in _silences(declared.mapping))
    for number, record in enumerate(checked.records, 1):
        yield from _record(number, record)
    for fault, count in sorted(checked.faults.items(), key=lambda one: -one[1]):
        yield f"{count} of {checked.read} records go into quarantine: {fault}"
    yield from (f"does not fit the sample: {one}" for one in checked.nowhere)
    yield from (f"fails: {one}" for one in checked.failed)
    yield from (f"warning: {one}" for one in checked.warnings)
    yield summary(checked)


def summary(checked: "Checked") -> str:
    """Return how it stands in one line."""
    parts = [f"{checked.examples - checked.examples_failed} of {checked.examples} examples hold"]
    if checked.read:
        parts.append(f"{checked.read - sum(checked.faults.values())} of {checked.read} records can be mapped")
    if checked.nowhere:
        parts.append(f"{_counted(len(checked.nowhere), 'path')} {'lead' if len(checked.nowhere) > 1 else 'leads'} nowhere")
    parts.append(_counted(len(checked.warnings), "warning"))
    return f"{'in order' if checked.in_order else 'not in order'}: {', '.join(parts)}"


def _counted(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number or 'no'} {what}s"


def _silences(mapping: RegionMapping) -> Iterator[str]:
    """Give for each section what it means where a record does not have it."""
    for name in type(mapping).model_fields:
        field = type(mapping).model_fields[name]
        section = getattr(mapping, name)
        if section is None and field.default is None and name not in ("ended", "retracted"):
            yield f"{name}: is not declared: this source never says anything of it"
        elif (each := getattr(section, "each", None)) is not None:
            yield f"{name}: where {each} is missing or null, nothing is said, {_GOES_ON}; an empty list says that there are none"
        elif (when := getattr(section, "when", None)) is not None:
            yield f"{name}: where {when} is missing or null, nothing is said, {_GOES_ON}"
        elif hasattr(section, "when"):
            yield f"{name}: is said by every record; a field of it that is missing or null is not known"


def _record(number: int, record: "SampleRecord") -> Iterator[str]:
    """Give one record's lines: what it becomes on the left, what is dropped on the right."""
    left = _becomes(record)
    right = list(record.dropped) or ["nothing"]
    yield f"{f'record {number}:':{_WIDE}} dropped:"
    for one, other in zip_longest(left, right, fillvalue=""):
        yield f"{one:{_WIDE}} {f'  {other}' if other else ''}".rstrip()


def _becomes(record: "SampleRecord") -> Sequence[str]:
    if record.event is None:
        told = [f"goes into quarantine: {record.fault}"]
    else:
        said = to_record(record.event)
        told = [f"{name}: {plain(value)}" for name, value in said.items() if value is not None]
    return [line for one in told for line in textwrap.wrap(one, _WIDE - 2, initial_indent="  ", subsequent_indent="    ")]
