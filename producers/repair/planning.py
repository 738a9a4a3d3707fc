"""
Planning: what a sealed record becomes by a mended mapping, without anything being written.

Why: a person sees of each record what it would be, or what is still wrong, before anything is sent.
Must not: write, or let a value out unmasked but in the event, which holds pseudonyms.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from producers.checkpoint import StateFile
from producers.declaration import Declaration, WebhookSource
from producers.drift_log import DriftKept
from producers.encoding import GREATEST_BYTES, encode
from producers.faults import RecordUnreadable, SealForeign, SealOfAnotherKey, SourceFrozen, masked
from producers.mapping import Mapper
from producers.pseudonym import Pseudonyms
from producers.records import Node, Unreachable, nodes_behind
from producers.repair.entries import Entry, in_order
from producers.repair.repair_file import Mending
from producers.sealed import opened
from producers.sources.repaired import Repaired, Said, repaired_of
from producers.sources.webhook.notifications import notifications
from producers.sources.webhook.refusals import RequestRefused
from producers.told import record_of
from schemas.events import HouseholdChanged

__all__ = ["NOT_KEPT", "Left", "Plan", "Planned", "Planner", "Ready", "said_of"]

NOT_KEPT = (
    "its record is not kept: it is a file, stands twice, was too large or put aside before records were kept, or gave way to newer ones"
)


@dataclass(frozen=True, slots=True)
class Ready:
    """A record that can be said: its number among the sealed ones, what the mapping makes of it, and what is said of that."""

    sealed: int
    mapped: Sequence[HouseholdChanged]
    events: Sequence[HouseholdChanged]


@dataclass(frozen=True, slots=True)
class Left:
    """Why a record stays where it is, in words."""

    why: str


Plan = Ready | Left


@dataclass(frozen=True, slots=True)
class Planned:
    """An entry that is meant, and what becomes of it."""

    entry: Entry
    plan: Plan


class Planner:
    """One repair's file over one adapter's quarantine."""

    def __init__(self, mending: Mending, pseudonyms: Pseudonyms, state: StateFile) -> None:
        """Compile the mended mapping; a mode that a person accepted for the source holds here, too."""
        self._mending, self._connection, self._seal = mending, state.connection, pseudonyms.seal
        self._mapper = Mapper(mending.declared, pseudonyms)
        DriftKept(self._mapper, state)
        self.memory: Repaired = repaired_of(mending.declared, state.connection)

    def plans(self) -> Iterator[tuple[int, list[Planned]]]:
        """Give the entries that are meant with their plans, the oldest first, some at a time, with how many were looked at."""
        for chunk in in_order(self._connection):
            meant = [one for one in chunk if self._mending.match.means(one)]
            yield len(chunk), self._planned(meant)

    def _planned(self, some: Sequence[Entry]) -> list[Planned]:
        first = [Planned(one, self._mapped(one)) for one in some]
        ready = [(one.entry.place, one.plan.mapped) for one in first if isinstance(one.plan, Ready)]
        said = iter(said_of(self.memory, ready))
        return [Planned(one.entry, _with(one.plan, next(said))) if isinstance(one.plan, Ready) else one for one in first]

    def _mapped(self, one: Entry) -> Plan:
        """Return what one record becomes by the mapping alone."""
        try:
            found = opened(self._connection, one.mark, one.place, self._seal) if one.kept else None
        except (SealOfAnotherKey, SealForeign) as error:
            return Left(str(error))
        if found is None:  # maybe only since it was looked at: corrected, or it gave way
            return Left(NOT_KEPT)
        sealed, content = found
        try:
            events = self._events(content, one.place)
        except (RecordUnreadable, SourceFrozen, RequestRefused) as fault:
            return Left(f"still cannot be mapped: {_told(fault)}")
        except (ArithmeticError, LookupError, TypeError, ValueError, RecursionError, AttributeError) as error:
            # Whatever one odd record makes the mapping stumble over, the others are repaired.
            return Left(f"still cannot be mapped: {type(error).__name__}")
        return Ready(sealed, events, events)

    def _events(self, content: bytes, place: str) -> list[HouseholdChanged]:
        """Return the events in what was sealed; raises what the mapping does."""
        events = [self._mapper.event(record) for record in _records(self._mending.declared, content, place)]
        if not events:
            raise RecordUnreadable(field="records", cause="lead to none in it", value="nothing")
        if any(len(encode(event, 0)) > GREATEST_BYTES for event in events):
            raise RecordUnreadable(field="event", cause="is too large for a record of Kafka", value="hidden")
        return events


def said_of(memory: Repaired, ready: Sequence[tuple[str, Sequence[HouseholdChanged]]]) -> list[Said]:
    """Return what is said of records, each given by its place and the events that the mapping makes of it; all of a record, or nothing."""
    by_place: dict[str, list[HouseholdChanged]] = {}
    for place, events in ready:
        by_place.setdefault(place, []).extend(events)
    said = {place: iter(memory.said(place, events)) for place, events in by_place.items()}
    found: list[Said] = []
    for place, events in ready:
        parts = [next(said[place]) for _ in events]
        whys = [part for part in parts if isinstance(part, str)]
        found.append(whys[0] if whys else [event for part in parts if not isinstance(part, str) for event in part])
    return found


def _with(plan: Ready, said: Said) -> Plan:
    return Left(said) if isinstance(said, str) else Ready(plan.sealed, plan.mapped, said)


def _told(fault: RecordUnreadable | SourceFrozen | RequestRefused) -> str:
    if isinstance(fault, RequestRefused):
        return fault.refusal.words
    if isinstance(fault, SourceFrozen):
        return f"{fault.facts['field']}: {str(fault.facts['drift']).replace('_', ' ')}, and the file says freeze"
    return f"{fault.facts['field']} {fault.facts['cause']} (value {fault.facts['value']})"


def _records(declared: Declaration, content: bytes, place: str) -> list[Node]:
    """Return the records in what was sealed, by the path of records as the mended file has it; raises `RecordUnreadable`."""
    record, part = record_of(content)
    path: str | None = getattr(declared.source, "records", None)
    snapshot = getattr(declared.source, "snapshot", None)
    if snapshot is not None and place == snapshot.path:
        path = snapshot.records or path
    faults: list[Unreachable] = []
    found = [record]
    if isinstance(declared.source, WebhookSource) and record.parent is None:
        found, faults = notifications(record.value, path)
    elif part and path is not None:
        found, faults = nodes_behind(record, path)
    if faults:
        value = masked(type(faults[0].part.value).__name__)
        raise RecordUnreadable(field=faults[0].field, cause=faults[0].cause, value=value)
    return found
