"""
A snapshot taken in: the households of its rows with their events, and which of its rows were put aside.

Why: a row that cannot be read shows its household all the same, as long as its family card can.
Must not: know what was read before, or decide what follows (presence.py does).
"""

from dataclasses import dataclass, field
from pathlib import Path

from producers.declaration import FilesSource
from producers.faults import FileUnreadable, RecordUnreadable
from producers.mapping import Mapper
from producers.pseudonym import LOST
from producers.quarantine import PutAside
from producers.records import Node, follower
from producers.sources.snapshot import Named, rows
from schemas.events import HouseholdChanged

__all__ = ["Taken", "taken_of"]

_TWICE = "stands twice in one snapshot; the first counts"
_TOO_MANY_ROUND = 20
"""Family cards that all end in 0: by chance once in 10^20 villages, after a spreadsheet's number, which keeps 15 of 16 digits, always."""


@dataclass(slots=True)
class Taken:
    """A snapshot as read: its households with their events (None where the mapping cannot read the row), and what was put aside."""

    told: Named
    events: dict[bytes, HouseholdChanged | None] = field(default_factory=dict)
    aside: list[PutAside] = field(default_factory=list)
    anyone: int = 0
    """Rows without a readable family card: each may be anyone."""
    others: int = 0
    """Columns that are not declared."""

    @property
    def complete(self) -> bool:
        """Whether it can tell who is missing."""
        return not self.anyone

    @property
    def region(self) -> str:
        """The regency of its village."""
        return self.told.village[:5]


def taken_of(folder: Path, told: Named, declared: FilesSource, mapper: Mapper) -> Taken:
    """Return a file's households; raises `FileUnreadable` where it cannot count as a whole."""
    if told.village[:5] not in mapper.declared.regencies:
        raise FileUnreadable(file=told.name, cause="is of a village in no regency of the region file")
    layout, found = rows(folder / told.name, told, declared)
    taken, read, round_cards = Taken(told, others=layout.others), 0, 0
    card_of = follower(mapper.declared.mapping.household.path or "")
    for row in found:
        read += 1
        card = card_of(row)
        round_cards += isinstance(card, str) and card.endswith("0")
        if fault := _row_fault(taken, row, mapper):
            kept = None if fault.facts["cause"] == _TWICE else mapper.told(row)  # no mapping could mend it
            taken.aside.append(PutAside.record(mapper.mark(row), told.name, fault, kept))
    if not read:
        raise FileUnreadable(file=told.name, cause="holds no household")
    if read == round_cards >= _TOO_MANY_ROUND:
        raise FileUnreadable(file=told.name, cause=f"has only family cards that end in 0, each {LOST}")
    # Who is shown counts for the village of the name: rows that a village did not send would hide that their households have ended.
    if any(event.residence.village != told.village for event in taken.events.values() if event and event.residence):
        raise FileUnreadable(file=told.name, cause="shows households of another village than its name says")
    return taken


def _row_fault(taken: Taken, row: Node, mapper: Mapper) -> RecordUnreadable | None:
    """Add a row's household to its snapshot, and return what is wrong with it, if anything."""
    try:
        names = mapper.names(row)
    except RecordUnreadable as fault:
        taken.anyone += 1
        return fault
    household, _ = names
    if household in taken.events:
        return RecordUnreadable(field="household", cause=_TWICE, value="hidden")
    try:
        taken.events[household] = mapper.event(row, names)
    except RecordUnreadable as fault:
        taken.events[household] = None
        return fault
    return None
