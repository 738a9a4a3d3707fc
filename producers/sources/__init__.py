"""
Sources: one module per kind, all seen through one protocol.

Why: the runner knows batches and positions only, so a new kind of source is a module here and a line in `open_source`.
Must not: publish, or move the read position: a batch says where reading goes on once it is kept.
"""

import sqlite3
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple, Protocol, runtime_checkable

from producers.faults import RecordUnreadable
from producers.mapping import Mapper
from producers.quarantine import PutAside
from producers.records import Node
from schemas.events import HouseholdChanged

__all__ = ["Backfill", "Batch", "Encoded", "HearsDelivery", "LoadsBeside", "Receiving", "Source", "mapped"]


@dataclass(frozen=True, slots=True)
class Backfill:
    """How far a first load is: records read so far, and how many the source says there are."""

    read: int
    total: int | None
    unit: str = "records"
    """What is counted, where records cannot be."""


class Encoded(NamedTuple):
    """An event as it is spooled, but for the id of its schema, which is 0."""

    region: str
    household: bytes
    value: bytes


@dataclass(frozen=True, slots=True)
class Batch:
    """What one reading gave."""

    events: Sequence[HouseholdChanged]
    """In the order in which the source told them."""
    position: str | None
    """Where reading goes on when this batch is kept."""
    caught_up: bool
    """The source says that nothing more is there now."""
    aside: Sequence[PutAside] = ()
    """Records and files that cannot become events."""
    keep: Callable[[sqlite3.Connection], None] | None = field(default=None, repr=False)
    """What the source itself must remember on disk; run inside the transaction that spools the events."""
    kept: Callable[[], None] | None = field(default=None, repr=False)
    """Run once that transaction is committed: only then may the source take the batch as kept."""
    mended: str | None = None
    """The place (a file) whose earlier faults are forgotten, because it was read again."""
    note: str = ""
    """What the source wants people to know of its state, told beside what reading does."""
    warning: bool = False
    """Whether the note needs a person."""
    wait_s: float | None = None
    """How long to wait before the source is asked again, in seconds; None leaves it to whether it is caught up."""
    corrected: Sequence[bytes] = ()
    """The marks of records whose earlier faults are forgotten, because the source says the same statements in a way that can be read."""
    corrects_before: datetime | None = None
    """Only faults put aside before this are forgotten: a first load tells what was, and a fault noticed since may be of what is."""
    written: Sequence[bytes] | None = None
    """The events' bytes under the schema id 0, where the source had to know them; else they are yet to be written."""
    encoded: Sequence[Encoded] = ()
    """Events behind the others, of a source that had to lay them aside on the disk."""
    backfill: Backfill | None = None
    """How far the first load is, None where none runs."""


class Source(Protocol):
    """A system to read from; used by one thread."""

    def read(self, position: str | None) -> Batch:
        """
        Return what comes after a position, None being the beginning; repetitions are allowed, omissions are not.

        Raises `SourceAway` where the source does not answer as it should: nothing was read, and it is asked again.
        """

    def again(self, since: datetime, position: str | None) -> Batch:
        """
        Return what the source told from a time on, in batches as `read` does, for sending it through a mended mapping.

        What a batch keeps, mends and puts aside is for the adapter's own file, whose memory the source works with.
        """

    def close(self) -> None:
        """Let go of connections."""


@runtime_checkable
class Receiving(Protocol):
    """What a source that is told, instead of being asked, has besides; whoever tells it waits for an answer."""

    def listen(self) -> None:
        """Begin to receive, before the first reading; raises a `Fatal` where it cannot."""

    def refuse(self) -> None:
        """Refuse what is not kept, and all that comes, until a batch, be it an empty one, is kept again."""

    def finish(self) -> None:
        """Let nothing in any more; what was let in is for the last readings."""


@runtime_checkable
class HearsDelivery(Protocol):
    """A source that keeps its changes until they are taken, and may then forget them."""

    def delivered(self, position: str) -> None:
        """
        Hear that everything up to a position is delivered, so that the system itself may forget it.

        Called by the thread that reads, between two readings. Raises `SourceAway` where it cannot be done now; it is told again.
        """


@runtime_checkable
class LoadsBeside(Protocol):
    """
    A source whose first load runs beside its changes: changes come first, and pages of the load whenever there are none.

    The reader bounds what of the load waits for delivery (`producers.reader`), so that no change waits behind more than that.
    """

    def may_load(self, *, may: bool) -> None:
        """
        Hear, before each reading, whether more of the first load may be read; until the first time it may.

        While it may not, changes alone are read; where there are none, an empty batch that says how long to wait.
        """


def mapped(mapper: Mapper, records: Iterable[Node], place: str) -> tuple[list[HouseholdChanged], dict[bytes, PutAside]]:
    """
    Return the events of changes in their order, and the records that the mapping cannot read, by the marks of their contents.

    A record put aside is known in quarantine by its statement: one of its household and date that can be read takes its place.
    """
    events: list[HouseholdChanged] = []
    aside: dict[bytes, tuple[bytes, PutAside]] = {}
    for record in records:
        try:
            event = mapper.event(record)
        except RecordUnreadable as fault:
            said = mapper.statement_mark(record)
            aside[said] = mapper.mark(record), PutAside.record(said, place, fault, mapper.told(record))
        else:
            events.append(event)
            if aside:
                aside.pop(mapper.mark_of(event), None)
    return events, dict(aside.values())
