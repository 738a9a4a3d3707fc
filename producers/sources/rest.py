"""
A change feed over HTTP, maybe with a snapshot beside it: JSON, pages by a cursor that is a change time, OAuth2 client credentials.

Why: many regional systems can say "what changed since", and no more.
Must not: trust an answer: pages repeat and overlap, cursors stand still, and 200 may carry an error page.

A first load reads both in turn: the feed whenever it has more or its pause is over, a page of the snapshot otherwise. Which of the two
tells of a family first does not count: the office keeps of each statement the greatest revision, and an END or a retraction that the
feed told holds against whatever the snapshot shows of before.
"""

import hashlib
import sqlite3
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from producers.conversions import is_utf8
from producers.declaration import RestSource
from producers.declaration.rest import Snapshot
from producers.encoding import encode
from producers.faults import RecordUnreadable, SourceAway, masked
from producers.mapping import Mapper
from producers.quarantine import PutAside
from producers.records import Node, Unreachable, dead_end, follower, nodes_of
from producers.sources import Batch, mapped
from producers.sources.known import HALF, Known
from producers.sources.rest_asking import Asking
from producers.sources.rest_load import Load
from producers.sources.rest_snapshot import Place, place_of
from producers.sources.second_look import SecondLook, earlier, not_beyond
from schemas.events import HouseholdChanged

__all__ = ["RestReader"]

_REMEMBERED = 100_000
"""What of the feed's last pages is known, so that repetitions are: a minute's changes at 1,500 a second, some 20 MB."""
_REMEMBERED_LOAD = 20_000
"""The same of the snapshot: what changed shortly before its page was asked for comes by the feed a moment later."""
_STANDS = 10
"""Pages that bring nothing new and do not move on, after which the source is left alone for a while."""
_STANDS_WAIT_S = 5.0
_PATIENCE_S = 0.25
"""How long one reading waits for a page of the snapshot: whoever stops the adapter waits for it."""
_HELD_S = 0.05
"""How long to wait where nothing of the snapshot may be read now, and the feed is not due."""

_ODD = 3
"""Parts of one answer that may all be without their list of records and be put aside; where there are more, the path leads nowhere."""

_ALIKE = (
    "{} sayings bear the change time of another one of their household: which of them counts the source does not tell; has it finer times?"
)

Key = bytes
"""What an event is known by, or the mark of a record that was put aside; 16 bytes."""


@dataclass(frozen=True, slots=True)
class _Brought:
    """What an answer brings: how many records, and of them what is not known yet, events and records that cannot be read."""

    records: int
    events: Mapping[Key, tuple[HouseholdChanged, bytes]]
    """Each with its bytes under the schema id 0."""
    aside: Mapping[bytes, PutAside]


class RestReader:
    """Reads one change feed, and its snapshot."""

    def __init__(
        self,
        declared: RestSource,
        mapper: Mapper,
        environ: Mapping[str, str],
        clock: Callable[[], datetime],
        clock_s: Callable[[], float] = time.monotonic,
        connection: sqlite3.Connection | None = None,
    ) -> None:
        """Know where the feed is; nothing is asked yet. `connection` is the adapter's own file: without it a restart knows nothing."""
        self._declared, self._mapper, self._clock, self._clock_s = declared, mapper, clock, clock_s
        self._asking = Asking(declared, environ, clock, clock_s)
        self._load = Load(declared.snapshot, declared.more, self._asking, clock_s) if declared.snapshot is not None else None
        self._cursor = follower(declared.cursor.path)
        self._known, self._known_load = Known(_REMEMBERED, "known"), Known(_REMEMBERED_LOAD, "known_load")
        self._connection, self._recalls = connection, connection is not None
        """Whether what the file tells of the last pages is still to be recalled."""
        self._led = False
        """Whether the path to the records led somewhere already."""
        self._stood = 0
        self._alike = 0
        """Sayings of a statement under the revision of another saying of it."""
        self._due_s = clock_s()
        """When the feed is asked beside a snapshot: at once while it has more."""
        self._second_look = SecondLook(declared.cursor.overlap_s, clock_s)

    def read(self, position: str | None) -> Batch:
        """Return one page: of the feed, or of the snapshot where that is to be read first; see `producers.sources.Source`."""
        if self._recalls:
            self._recall(position)
        place, load = place_of(position), self._load
        if load is None or (position is not None and place is None):
            return self._changes(place.since if place is not None else position)
        if place is not None and self._clock_s() >= self._due_s:
            return self._changes_beside(load, place)
        return self._page(load, place)

    def may_load(self, *, may: bool) -> None:
        """Hear whether more of the snapshot may be read now; see `producers.sources.LoadsBeside`."""
        if self._load is not None:
            self._load.may = may

    def again(self, since: datetime, position: str | None) -> Batch:
        """Return one page from a time on: the cursor is a change time."""
        begin = position or since.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
        brought, following, more = self._feed_page(begin)
        return self._batch(brought, following, self._known, caught_up=not more)

    def close(self) -> None:
        """Close the connections."""
        self._asking.close()

    # ---- the feed ------------------------------------------------------------------------------------------------------------

    def _recall(self, position: str | None) -> None:
        """Know what the last process kept; what appeared behind the cursor since then is looked for at once."""
        assert self._connection is not None  # noqa: S101 - asked for where there is one
        self._known.recall(self._connection)
        self._known_load.recall(self._connection)
        self._recalls = False
        if position is not None:
            self._second_look.look_at_once()

    def _changes(self, position: str | None) -> Batch:
        brought, following, more = self._feed_page(self._second_look.since(position))
        kept, caught_up = self._second_look.after(position, following, more=more)
        return self._written(brought, self._known, self._batch(brought, kept, self._known, caught_up=caught_up))

    def _changes_beside(self, load: Load, place: Place) -> Batch:
        asked_s = self._clock_s()
        batch = self._changes(place.since)
        self._due_s = asked_s + (self._declared.poll_s if batch.caught_up else 0.0)
        return self._beside(load, replace(place, since=batch.position or place.since), batch)

    def _feed_page(self, position: str | None) -> tuple[_Brought, str | None, bool]:
        """Return what the feed tells from a place on, where it goes on, and whether more is there."""
        answer = self._asking.asked(self._declared.changes, {} if position is None else {self._declared.cursor.parameter: position})
        brought = self._mapped(answer, self._declared.records, self._declared.changes)
        more, following = self._told(answer, position)
        self._must_move_on(moved=following != position or bool(brought.events or brought.aside), more=more)
        return brought, following, more

    # ---- the snapshot --------------------------------------------------------------------------------------------------------

    def _page(self, load: Load, place: Place | None) -> Batch:
        """Return a page of the snapshot, or nothing where none is to be had; one that cannot be had holds up the first page only."""
        declared, patience_s = (
            load.declared,
            min(_PATIENCE_S, max(0.0, self._due_s - self._clock_s()) if place is not None else _PATIENCE_S),
        )
        try:
            page = load.page(place, patience_s)
            if page is None:
                return self._nothing(load, place)
            brought = self._mapped(page.answer, declared.records or self._declared.records, declared.path)
            since, begun = (
                (place.since, place.begun) if place is not None else (self._since(page.since, declared), self._clock().isoformat())
            )
        except SourceAway as away:
            if place is None:
                raise
            load.wait(away)
            return self._nothing(load, place)
        load.goes_on()
        total = page.total if page.total is not None else place.total if place is not None else None
        read = brought.records + (place.read if place is not None else 0)
        goes_on = Place(since, page.after if page.after is not None else "", begun, read, total)
        batch = self._written(brought, self._known_load, self._batch(brought, since, self._known_load, caught_up=False))
        beside = self._beside(load, goes_on, replace(batch, corrects_before=datetime.fromisoformat(begun)))
        return beside if page.after is not None else replace(beside, position=since)

    def _nothing(self, load: Load, place: Place | None) -> Batch:
        empty = Batch([], None, caught_up=False, wait_s=0.0 if load.may and not load.note else _HELD_S)
        return empty if place is None else self._beside(load, place, empty)

    def _beside(self, load: Load, place: Place, batch: Batch) -> Batch:
        """Return a batch as a part of a first load."""
        note = "; ".join(filter(None, (load.note, batch.note)))
        return replace(batch, position=place.position(), caught_up=False, backfill=place.backfill, note=note, warning=bool(note))

    def _since(self, since: Any, declared: Snapshot) -> str:  # noqa: ANN401 - JSON
        """Return where the feed is to be read from beside a snapshot that begins now: as far back as a change may appear late."""
        if not isinstance(since, str) or not is_utf8(since):
            raise self._asking.away(f"{declared.since} in its answer is no text in UTF-8")
        since = not_beyond(since, self._asking.now())
        return earlier(since, self._declared.cursor.overlap_s) or since

    # ---- what an answer brings -----------------------------------------------------------------------------------------------

    def _mapped(self, answer: Any, path: str, place: str) -> _Brought:  # noqa: ANN401 - JSON
        """Return what an answer brings that is not known from the last pages."""
        records, faults = nodes_of(answer, path)
        if not records:
            self._must_lead(answer, path)
        self._led |= bool(records)
        events, aside = mapped(self._mapper, records, place)
        aside |= {self._mapper.mark(fault.part): self._unreachable(fault, place) for fault in faults}
        written = [encode(event, 0) for event in events]
        fresh = {key: said for said in zip(events, written, strict=True) if not self._knows(key := _key(*said))}
        self._alike += sum(1 for key in fresh if self._known.knows_another(key) or self._known_load.knows_another(key))
        return _Brought(len(records) + len(faults), fresh, {mark: one for mark, one in aside.items() if not self._knows(mark)})

    def _must_lead(self, answer: Any, path: str) -> None:  # noqa: ANN401 - JSON
        """
        Raise `SourceAway` where the path to the records leads nowhere in an answer: it is mistyped, or this is no page of the source's.

        Where it led somewhere before, a few parts without their list are odd parts, and put aside. More are asked for again, and lost to
        nobody: put aside by the thousand they would be, once the file is mended, behind the position.
        """
        end = dead_end(answer, path)
        if end is None:
            return
        if end.parts == 0 or end.parts > _ODD or not self._led:
            raise self._asking.away(f"no {end.path} in its answer" if end.missing else f"{end.path} in its answer is no list")

    def _knows(self, mark: bytes) -> bool:
        return mark in self._known or mark in self._known_load

    def _batch(self, brought: _Brought, position: str | None, known: Known, *, caught_up: bool) -> Batch:
        return Batch(
            [event for event, _ in brought.events.values()],
            position,
            caught_up=caught_up,
            aside=list(brought.aside.values()),
            corrected=[mark for event, _ in brought.events.values() for mark in self._mapper.marks_of(event)],
            written=[value for _, value in brought.events.values()],
            note=_ALIKE.format(self._alike) if self._alike else "",
            warning=bool(self._alike),
            kept=lambda: known.keep([*brought.events, *brought.aside]),
        )

    def _written(self, brought: _Brought, known: Known, batch: Batch) -> Batch:
        """Return a batch that writes down what it brings, so that the next process knows it."""
        if self._connection is None:
            return batch
        return replace(batch, keep=lambda connection: known.note(connection, [*brought.events, *brought.aside]))

    # ---- judging the feed's answer -------------------------------------------------------------------------------------------

    def _told(self, answer: Any, position: str | None) -> tuple[bool, str | None]:  # noqa: ANN401 - JSON
        """
        Return whether more is there and where reading goes on; without a cursor it goes on where it was.

        Only what lies beyond our own time, or the source's, at the end of all is asked for again: else, of two clocks that differ, a feed
        of more changes than one page shows in the time between them would never be read to its end.
        """
        more, told = self._asking.flag(answer, self._declared.more), self._cursor(Node(answer))
        if told is None and more:
            raise self._asking.away(f"more is there, but the answer has no {self._declared.cursor.path}")
        if told is not None and not is_utf8(str(told)):
            raise self._asking.away(f"{self._declared.cursor.path} in its answer is no text in UTF-8")
        goes_back = told is None or (position is not None and _goes_back(position, str(told)))
        following = position if goes_back else str(told)
        return more, following if more or following is None else not_beyond(following, self._asking.now())

    def _must_move_on(self, *, moved: bool, more: bool) -> None:
        self._stood = 0 if moved or not more else self._stood + 1
        if self._stood >= _STANDS:
            self._stood = 0
            raise self._asking.away("its cursor stands still though it says that more is there", _STANDS_WAIT_S)

    def _unreachable(self, fault: Unreachable, place: str) -> PutAside:
        told = RecordUnreadable(field=fault.field, cause=fault.cause, value=masked(type(fault.part.value).__name__))
        return PutAside.record(self._mapper.mark(fault.part), place, told, self._mapper.told(fault.part, part=True))


def _key(event: HouseholdChanged, value: bytes) -> Key:
    """Return what an event is known by: what it says, which is its bytes, and before that which statement it is a saying of."""
    said = f"{event.valid_from.toordinal()} {event.revision} {event.operation}".encode()
    return _digest(event.household + said) + _digest(value)


def _digest(content: bytes) -> bytes:
    return hashlib.blake2b(content, digest_size=HALF).digest()


def _goes_back(position: str, following: str) -> bool:
    """Return whether a cursor that is a change time lies before the one we have: an old page came again."""
    try:
        return datetime.fromisoformat(following) < datetime.fromisoformat(position)
    except (ValueError, TypeError):
        return False
