"""
Checking a region file for a person: every mistake with its line, what the environment still lacks, and what a sample becomes.

Why: whoever writes a region file sees what leaves the region, and what does not, before anything does.
Must not: start anything, ask a source, or print an identifier, a name or a value that was dropped.
"""

import csv
import json
import secrets
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from producers.declaration import Declaration, FilesSource, PostgresSource, WebhookSource
from producers.faults import FileUnreadable, RecordUnreadable, SampleUnreadable
from producers.mapping import Mapper
from producers.pseudonym import Pseudonyms
from producers.records import Node, nodes_of
from producers.region_file import read_region_file, unset_variables
from producers.sources.snapshot import Named, named, pattern_of, rows_of
from producers.sources.webhook.notifications import notifications
from schemas.events import HouseholdChanged, to_record
from schemas.topics import household_topic

__all__ = ["Checked", "SampleRecord", "check"]


@dataclass(frozen=True, slots=True)
class SampleRecord:
    """What one record of a sample becomes: an event, or the reason why there is none; and its fields that no event carries."""

    event: HouseholdChanged | None
    fault: str
    dropped: Sequence[str]


@dataclass(frozen=True, slots=True)
class Checked:
    """A region file without mistakes, and what a sample shows."""

    declared: Declaration
    unset: Sequence[str]
    """Environment variables that it names and that are not set."""
    records: Sequence[SampleRecord]
    """Of the sample's first records, as many as are shown."""
    read: int
    """Records in the sample."""
    faults: Mapping[str, int]
    """How many records of the sample cannot be mapped, by field and cause."""

    def __str__(self) -> str:
        """Return the report for a person."""
        return "\n".join(_report(self))


def check(region_file: Path, environ: Mapping[str, str], sample: Path | None = None, shown: int = 3) -> Checked:
    """
    Return what a region file declares, and what the records of a sample (an answer in JSON, or a snapshot's CSV) become.

    The pseudonyms shown are by a key thrown away. Raises `RegionFileWrong` with every mistake at once, or `SampleUnreadable`.
    """
    declared = read_region_file(region_file, None)
    mapper = Mapper(declared, Pseudonyms(secrets.token_bytes(32), 1))
    records: list[SampleRecord] = []
    faults: dict[str, int] = {}
    nodes = _sampled(declared, sample) if sample else []
    for node in nodes:
        one = _mapped(mapper, declared, node)
        if one.fault:
            faults[one.fault] = faults.get(one.fault, 0) + 1
        if len(records) < shown:
            records.append(one)
    return Checked(declared, unset_variables(region_file, environ), records, len(nodes), faults)


def _mapped(mapper: Mapper, declared: Declaration, node: Node) -> SampleRecord:
    dropped = sorted({*_leaves(node.value), *_around(node, declared)} - _used(declared))
    try:
        return SampleRecord(mapper.event(node), "", dropped)
    except RecordUnreadable as fault:
        return SampleRecord(None, f"{fault.facts['field']} {fault.facts['cause']}", dropped)


def _leaves(value: Any, at: str = "") -> Iterator[str]:  # noqa: ANN401 - JSON
    """Give the path of every value in a record."""
    if isinstance(value, Mapping):
        for name, one in value.items():
            yield from _leaves(one, f"{at}.{name}" if at else str(name))
    elif isinstance(value, list):
        for one in value:
            yield from _leaves(one, at)
    else:
        yield at


def _around(node: Node, declared: Declaration) -> Iterator[str]:
    """Give the path of every value in what a record lies in, the records themselves and the answer as a whole apart."""
    gone_through = {step.removesuffix("[]") for step in (getattr(declared.source, "records", None) or "").split(".")}
    up, around = "^", node.parent
    while around is not None and around.parent is not None:
        if isinstance(around.value, Mapping):
            yield from _leaves({name: value for name, value in around.value.items() if name not in gone_through}, up)
        up, around = f"{up}.^", around.parent


def _used(declared: Declaration) -> set[str]:
    """Return the paths within a record that the mapping reads."""
    used: set[str] = set()

    def gather(told: Any, within: str) -> None:  # noqa: ANN401 - a model, dumped
        if isinstance(told, Mapping):
            inner = f"{told['each']}." if isinstance(told.get("each"), str) else within
            for name, one in told.items():
                if name in ("path", "when", "each") and isinstance(one, str):
                    used.add(one if name == "each" else inner + one)
                elif name == "sum" and one:
                    used.update(inner + path for path in one)
                elif name == "count" and one:
                    used.update(f"{one}.{field}" for field in told.get("where") or ())
                elif name == "where" and "each" in told:
                    used.update(inner + field for field in one)
                else:
                    gather(one, inner)

    gather(declared.mapping.model_dump(), "")
    return used


def _sampled(declared: Declaration, sample: Path) -> list[Node]:
    """Return the records of a sample."""
    try:
        if isinstance(declared.source, FilesSource):
            return rows_of(sample, _named(declared, declared.source, sample), declared.source)
        answer = json.loads(sample.read_text(encoding="utf-8"))
    except (OSError, ValueError, csv.Error, FileUnreadable) as error:
        why = str(error.facts["cause"]) if isinstance(error, FileUnreadable) else type(error).__name__
        raise SampleUnreadable(file=sample.name, why=why) from error
    if isinstance(declared.source, PostgresSource):
        return _table_rows(answer, sample)
    if isinstance(declared.source, WebhookSource):
        nodes, unreachable = notifications(answer, declared.source.records)
    else:
        nodes, unreachable = nodes_of(answer, declared.source.records)
    if not nodes and unreachable:
        raise SampleUnreadable(file=sample.name, why=f"{unreachable[0].field} {unreachable[0].cause}")
    return nodes


def _table_rows(answer: Any, sample: Path) -> list[Node]:  # noqa: ANN401 - JSON
    """Return the records of a sample of a database: a list of rows with their lists; `^` in a row is what the log tells of it."""
    if not isinstance(answer, list) or not all(isinstance(row, dict) for row in answer):
        raise SampleUnreadable(file=sample.name, why="it is no list of rows")
    told = {"revision": 1, "committed_at": "2024-01-01T00:00:00+00:00", "committed_on": "2024-01-01", "deleted": False}
    return [Node({name: row[name] for name in row if name != "^"}, Node({**told, **row.get("^", {})})) for row in answer]


def _named(declared: Declaration, source: FilesSource, sample: Path) -> Named:
    """Return what the sample's name tells; a sample of another name stands for an invented village and month."""
    try:
        return named(pattern_of(source.file_name), sample.name)
    except FileUnreadable:
        day = datetime(2024, 1, 1, tzinfo=UTC)
        return Named(sample.name, f"{declared.regencies[0]}.01.2001", day.year * 100 + day.month, int(day.timestamp()) * 1_000_000)


def _report(checked: Checked) -> Iterator[str]:
    declared = checked.declared
    kind, version = declared.source.kind, declared.mapping_version
    yield f"{declared.name}: source {declared.source_id}, kind {kind}, mapping version {version}; no mistakes"
    yield f"sends to {', '.join(household_topic(region) for region in declared.regencies)}"
    if checked.unset:
        yield f"not set yet: {', '.join(checked.unset)}"
    for number, record in enumerate(checked.records, 1):
        yield f"record {number}:"
        if record.event is not None:
            yield from (f"  {name}: {_plain(value)}" for name, value in to_record(record.event).items() if value is not None)
        else:
            yield f"  goes into quarantine: {record.fault}"
        yield f"  dropped: {', '.join(record.dropped) or 'nothing'}"
    if checked.read:
        yield f"{checked.read - sum(checked.faults.values())} of {checked.read} records can be mapped"
    for fault, count in sorted(checked.faults.items(), key=lambda one: -one[1]):
        yield f"  {count}: {fault}"


def _plain(value: Any) -> str:  # noqa: ANN401 - any part of an event
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, Mapping):
        return ", ".join(f"{name} {_plain(one)}" for name, one in value.items() if one is not None)
    if isinstance(value, list):
        return f"{len(value)}: " + "; ".join(_plain(one) for one in value[:2]) + ("; ..." if len(value) > 2 else "")
    return str(value)
