"""
Checking a region file for a person: every mistake with its line, its examples, what the environment lacks, and what a sample becomes.

Why: whoever writes a region file sees what leaves the region, and what does not, before anything does.
Must not: start anything, ask a source, or print an identifier, a name or a value that was dropped.
"""

import secrets
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from producers.authoring.answer import astray
from producers.authoring.examples import Failed, failures
from producers.authoring.lines import Lines, lines_of, place
from producers.authoring.meaning import meaning_warnings, unknown_districts, unknown_regencies
from producers.authoring.report import report
from producers.authoring.sample import answer_of, dropped, nowhere, records_of, unmet, unplaced
from producers.declaration import Declaration, RestSource
from producers.faults import RecordUnreadable, SourceFrozen
from producers.mapping import Mapper
from producers.pseudonym import Pseudonyms
from producers.records import Node
from producers.region_file import read_region_file, unset_variables
from schemas.events import HouseholdChanged

__all__ = ["Checked", "SampleRecord", "check"]


@dataclass(frozen=True, slots=True)
class SampleRecord:
    """What one record of a sample becomes: an event, or the reason why there is none; and its fields that no event carries."""

    event: HouseholdChanged | None
    fault: str
    dropped: Sequence[str]


@dataclass(frozen=True, slots=True)
class Checked:
    """A region file without mistakes, whether its examples hold, and what a sample shows."""

    declared: Declaration
    unset: Sequence[str]
    """Environment variables that it names and that are not set."""
    examples: int
    examples_failed: int
    failed: Sequence[str]
    """Each field in which an example is not as expected, with its line."""
    records: Sequence[SampleRecord]
    """Of the sample's first records, as many as are shown."""
    read: int
    """Records in the sample."""
    faults: Mapping[str, int]
    """How many records of the sample cannot be mapped, by field and cause."""
    nowhere: Sequence[str]
    """Paths that no record of the sample has, or its answer has not, with their lines."""
    warnings: Sequence[str]
    """What may be right and should be looked at."""

    @property
    def in_order(self) -> bool:
        """Whether every example holds, and every record of the sample can be mapped by paths that lead somewhere."""
        return not (self.failed or self.faults or self.nowhere)

    def __str__(self) -> str:
        """Return the report for a person."""
        return "\n".join(report(self))


def check(
    region_file: Path, environ: Mapping[str, str], sample: Path | None = None, shown: int = 3, areas: Collection[str] | None = None
) -> Checked:
    """
    Return what a region file declares, whether its examples hold, and what the records of a sample (JSON, or a snapshot's file) become.

    The pseudonyms shown are by a key thrown away. With `areas`, the six-digit codes of districts, numbers and regencies
    of other areas are warned of.
    Raises `RegionFileWrong` with every mistake at once, or `SampleUnreadable`.
    """
    declared = read_region_file(region_file, None)
    lines = lines_of(region_file.read_text(encoding="utf-8"))
    pseudonyms = Pseudonyms(secrets.token_bytes(32), 1)
    failed = list(failures(Mapper(declared, pseudonyms), declared))
    nodes = records_of(declared, sample) if sample else []
    led_astray = list(astray(declared, answer_of(declared, sample))) if sample and isinstance(declared.source, RestSource) else []
    mapper = Mapper(declared, pseudonyms)
    records = [_mapped(mapper, declared, node) for node in nodes]
    warnings = [*meaning_warnings(declared), *unmet(declared, nodes)]
    if areas is not None:
        warnings += [*unknown_regencies(declared, areas), *unknown_districts(declared, areas), *unplaced(declared, nodes, areas)]
    return Checked(
        declared=declared,
        unset=unset_variables(region_file, environ),
        examples=len(declared.example),
        examples_failed=len({one.example for one in failed}),
        failed=[_failed(lines, one) for one in failed],
        records=records[:shown],
        read=len(nodes),
        faults=Counter(one.fault for one in records if one.fault),
        nowhere=_placed(lines, [*led_astray, *nowhere(declared, nodes)]),
        warnings=_placed(lines, warnings),
    )


def _mapped(mapper: Mapper, declared: Declaration, node: Node) -> SampleRecord:
    unread = dropped(declared, node)
    try:
        return SampleRecord(mapper.event(node), "", unread)
    except RecordUnreadable as fault:
        return SampleRecord(None, f"{fault.facts['field']} {fault.facts['cause']}", unread)
    except SourceFrozen as frozen:
        return SampleRecord(None, f"{frozen.facts['field']} freezes the adapter: {frozen.facts['drift']}", unread)


def _failed(lines: Lines, one: Failed) -> str:
    return f"line {lines[('example', str(one.example))]}, {one}"


def _placed(lines: Lines, found: Iterable[tuple[tuple[str, ...], str]]) -> list[str]:
    return [f"{place(lines, key)}: {words}" for key, words in found]
