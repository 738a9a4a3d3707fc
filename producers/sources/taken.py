"""
A snapshot taken in: the households of its rows with their events, and which of its rows were put aside.

Why: a row that cannot be read shows its household all the same, as long as its family card can.
Must not: know what was read before, or decide what follows (presence.py does).

A village's snapshot lies in memory while it is judged. A larger file is taken in some rows at a time, between which others may be read,
and lies on the disk, in the order of households.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from itertools import islice
from pathlib import Path

from producers.declaration import FilesSource
from producers.encoding import encode
from producers.faults import FileUnreadable, RecordUnreadable
from producers.mapping import Mapper
from producers.pseudonym import LOST
from producers.quarantine import PutAside
from producers.records import Node, follower
from producers.sources.gathered import Gathered, Sorted
from producers.sources.snapshot import WORKBOOK, Named, rows
from schemas.events import HouseholdChanged

__all__ = ["Large", "Snapshot", "Taken", "is_large", "large_of", "taken_of", "under"]

_TOO_MANY_ROUND = 20
"""Family cards that all end in 0: by chance once in 10^20 villages, after a spreadsheet's number, which keeps 15 of 16 digits, always."""
_LARGE, _LARGE_WORKBOOK = 1 << 20, 1 << 18
"""Bytes of text, and of a workbook, that some ten thousand households have: the largest villages."""
_TOGETHER = 5_000
"""Rows that are taken in at once."""
_MOST_TOLD = 8 << 20
"""Bytes of a large file's rows that are kept for repair: beyond, their entries in quarantine say that they are not."""
_TWICE = RecordUnreadable(field="household", cause="stands twice in one snapshot; the first counts", value="hidden")


@dataclass(slots=True, kw_only=True)
class Snapshot:
    """What is known of a snapshot, whatever its size."""

    told: Named
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


@dataclass(slots=True, kw_only=True)
class Taken(Snapshot):
    """A snapshot as read: its households with their events (None where the mapping cannot read the row), and what was put aside."""

    events: dict[bytes, HouseholdChanged | None] = field(default_factory=dict)
    aside: list[PutAside] = field(default_factory=list)

    def shown(self) -> Iterator[tuple[bytes, bool]]:
        """Give the households in order, each with whether it can be said."""
        events = self.events
        return ((household, events[household] is not None) for household in sorted(events))

    def add(self, row: Node, mapper: Mapper, _: int) -> RecordUnreadable | None:
        """Add a row's household, and return what is wrong with it, if anything."""
        try:
            names = mapper.names(row)
        except RecordUnreadable as fault:
            self.anyone += 1
            return fault
        household, _previous = names
        if household in self.events:
            return _TWICE
        try:
            self.events[household] = event = mapper.event(row, names)
        except RecordUnreadable as fault:
            self.events[household] = None
            return fault
        _must_live_here(event, self.told)
        return None

    def put(self, aside: PutAside) -> None:
        """Put a row aside."""
        self.aside.append(aside)


@dataclass(slots=True, kw_only=True)
class Large(Snapshot):
    """The same of a file of any size, on the disk: its events encoded, under its time of export as revision."""

    mapper: Mapper
    events: Sorted
    aside: Gathered
    """Rows of the fields of `PutAside`, but for the record itself: nothing that names people lies on the disk unsealed."""
    told_rows: dict[bytes, bytes] = field(default_factory=dict, repr=False)
    """The first rows put aside as the file tells them, by their marks."""
    told_bytes: int = 0
    looked: bool = False

    def shown(self) -> Iterator[tuple[bytes, bool]]:
        """Give the households in order, each with whether it can be said."""
        return ((household, bool(value)) for household, _, value in self.values())

    def values(self) -> Iterator[tuple[bytes, str, bytes]]:
        """Give the households in order, each with its event's regency and its event; an empty one where the mapping cannot read the row."""
        before, looked = b"", self.looked
        for household, number, region, value in self.events:
            if household != before:
                before = household
                yield household, region, value
            elif not looked:
                # The row is not at hand any more; its place tells it from others as well.
                mark = self.mapper.mark(Node({"file": self.told.name, "row": number}))
                self.put(PutAside.record(mark, self.told.name, _TWICE))
        self.looked = True

    def add(self, row: Node, mapper: Mapper, number: int) -> RecordUnreadable | None:
        """Add a row's household, and return what is wrong with it, if anything; who stands twice is found out later."""
        try:
            names = mapper.names(row)
        except RecordUnreadable as fault:
            self.anyone += 1
            return fault
        try:
            event = mapper.event(row, names)
        except RecordUnreadable as fault:
            self.events.add((names[0], number, "", b""), 100)
            return fault
        _must_live_here(event, self.told)
        value = encode(under(event, self.told.exported), 0)
        self.events.add((names[0], number, event.region, value), 200 + len(value))
        return None

    def put(self, aside: PutAside) -> None:
        """Put a row aside."""
        self.aside.add((aside.mark, aside.place, aside.field, aside.cause, aside.value))
        if aside.told is not None and self.told_bytes + len(aside.told) <= _MOST_TOLD:
            self.told_rows[aside.mark] = aside.told
            self.told_bytes += len(aside.told)

    def put_aside(self) -> Iterator[PutAside]:
        """Give the rows put aside."""
        for mark, place, of, cause, value in self.aside:
            yield PutAside(mark, place, of, cause, value, self.told_rows.get(mark))


def under(event: HouseholdChanged, revision: int) -> HouseholdChanged:
    """Return an event under a revision."""
    return event if event.revision == revision else replace(event, revision=revision)


def is_large(path: Path, size: int) -> bool:
    """Return whether a file of so many bytes may be too large to lie in memory."""
    return size > (_LARGE_WORKBOOK if path.suffix.lower() == WORKBOOK else _LARGE)


def taken_of(folder: Path, told: Named, declared: FilesSource, mapper: Mapper) -> Taken:
    """Return a file's households; raises `FileUnreadable` where it cannot count as a whole."""
    layout, found = _opened(folder, told, declared, mapper)
    taken = Taken(told=told, others=layout)
    for _ in _taking(taken, found, mapper):
        pass
    return taken


def large_of(folder: Path, told: Named, declared: FilesSource, mapper: Mapper, scratch: Path | None) -> tuple[Large, Iterator[int]]:
    """
    Return a large file's households, which are there when the iterator beside them has come to its end: it gives rows read so far.

    The iterator raises `FileUnreadable` where the file cannot count as a whole, and `DiskRefuses` where there is no place beside it.
    """
    layout, found = _opened(folder, told, declared, mapper)
    taken = Large(told=told, others=layout, mapper=mapper, events=Sorted(scratch), aside=Gathered(scratch))
    return taken, _taking(taken, found, mapper)


def _opened(folder: Path, told: Named, declared: FilesSource, mapper: Mapper) -> tuple[int, Iterator[Node]]:
    if told.village[:5] not in mapper.declared.regencies:
        raise FileUnreadable(file=told.name, cause="is of a village in no regency of the region file")
    layout, found = rows(folder / told.name, told, declared)
    return layout.others, found


def _taking(taken: Taken | Large, found: Iterator[Node], mapper: Mapper) -> Iterator[int]:
    """Add rows to a snapshot, some at a time, and give how many were read so far."""
    read, round_cards, name = 0, 0, taken.told.name
    card_of = follower(mapper.declared.mapping.household.path or "")
    add = taken.add
    while some := list(islice(found, _TOGETHER)):
        for read, row in enumerate(some, read + 1):  # noqa: B020 - it goes on from where it stands
            card = card_of(row)
            round_cards += isinstance(card, str) and card.endswith("0")
            if fault := add(row, mapper, read):
                kept = None if fault is _TWICE else mapper.told(row)  # no mapping could mend it
                taken.put(PutAside.record(mapper.mark(row), name, fault, kept))
        yield read
    if not read:
        raise FileUnreadable(file=name, cause="holds no household")
    if read == round_cards >= _TOO_MANY_ROUND:
        raise FileUnreadable(file=name, cause=f"has only family cards that end in 0, each {LOST}")


def _must_live_here(event: HouseholdChanged, told: Named) -> None:
    """
    Refuse the file of a household that lives elsewhere than the name says.

    Who is shown counts for the village of the name: rows that a village did not send would hide that their households have ended.
    """
    if event.residence is not None and event.residence.village != told.village:
        raise FileUnreadable(file=told.name, cause="shows households of another village than its name says")
