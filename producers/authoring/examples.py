"""
Running the tests inside a region file: each record through the mapping, and what came out beside what was expected.

Why: an example says in data what a mapping is meant to do, and fails on the day on which it no longer does.
Must not: ask a source; or need the region's key.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from producers.authoring.expected import differences, plain
from producers.declaration import Declaration, Example, FilesSource
from producers.faults import RecordUnreadable, SourceFrozen
from producers.mapping import Mapper
from producers.records import Node
from producers.sources.table import as_read
from schemas.events import to_record

__all__ = ["Failed", "failures", "node_of"]


@dataclass(frozen=True, slots=True)
class Failed:
    """One field in which an example is not as expected; `example` counts from 0."""

    example: int
    name: str
    field: str
    expected: str
    got: str

    def __str__(self) -> str:
        """Return it for a person."""
        told = f" ({self.name})" if self.name else ""
        return f"example {self.example + 1}{told}: {self.field}: expected {self.expected}, got {self.got}"


def failures(mapper: Mapper, declared: Declaration) -> Iterator[Failed]:
    """Give every field of every example that is not as expected."""
    for number, example in enumerate(declared.example):
        for field, expected, got in _differences(mapper, example, node_of(example, declared)):
            yield Failed(number, example.name, field, expected, got)


def node_of(example: Example, declared: Declaration) -> Node:
    """Return an example's record in what it lies in; the row of a file is written as in the file, and here as it is read."""
    chain = Node({})  # stands for the answer or the file as a whole
    for one in reversed(example.within):
        chain = Node(_as_sources_write(one), chain)
    record = _as_sources_write(example.record)
    return Node(as_read(record, declared.source) if isinstance(declared.source, FilesSource) else record, chain)


def _differences(mapper: Mapper, example: Example, record: Node) -> Iterator[tuple[str, str, str]]:
    try:
        event = mapper.event(record)
    except RecordUnreadable as fault:
        field, cause = str(fault.facts["field"]), str(fault.facts["cause"])
        if example.fault is None:
            yield field, "an event", f"a fault: {cause}"
        elif field != example.fault:
            yield example.fault, "a fault", f"a fault of {field}: {cause}"
        return
    except SourceFrozen as frozen:
        yield str(frozen.facts["field"]), example.fault or "an event", f"freeze: {frozen.facts['drift']}"
        return
    if example.fault is not None:
        yield example.fault, "a fault", "an event"
        return
    yield from differences(example.event or {}, event)
    for name in example.silent:
        if (said := getattr(event, name)) is not None:
            yield name, "nothing", plain(to_record(said))


def _as_sources_write(value: Any) -> Any:  # noqa: ANN401 - TOML
    """Return a value as JSON, a row or a file has it: TOML's dates are texts there, and an empty cell is nothing."""
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, Mapping):
        return {name: _as_sources_write(one) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [_as_sources_write(one) for one in value]
    return value
