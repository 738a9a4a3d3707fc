"""
Watching what reading rests on: that the server is the one that was read, that the slot is there, and how much log it holds back.

Why: a slot that nobody advances fills somebody else's disk, and one that was dropped has lost changes; both must be seen, not found.
Must not: read a change; make a new snapshot on its own where the region file does not say so.
"""

import time
from hashlib import sha256

from producers.declaration import PostgresSource
from producers.sources.postgres.memory import Memory
from producers.sources.postgres.places import Position, written
from producers.sources.postgres.preparation import identities_lacking, must_be_ready
from producers.sources.postgres.session import Session
from producers.sources.postgres.slot import Ends, Slot, SlotState
from producers.sources.postgres.wanted import Wanted

__all__ = ["Watch"]

_LOOK_S = 5.0
_LOST = "lost"
_ENDANGERED = "unreserved"
"""The server may remove log that the slot needs at its next checkpoint."""


class Watch:
    """What is known of server and slot."""

    def __init__(self, session: Session, slot: Slot, source: PostgresSource, memory: Memory) -> None:
        """Know nothing yet."""
        self._session, self._slot, self._source, self._memory = session, slot, source, memory
        self._looked_s = -_LOOK_S
        self._state: SlotState | None = None
        self._lacking: list[str] = []
        self.identity = ""
        """Which server this is, and which generation of revisions counts."""
        self.unkeyed = 0
        """Child rows that were deleted without the log telling whose they were."""

    def ready(self, wanted: Wanted) -> None:
        """Raise `SourceUnready` where something is missing; asked once per connection."""
        if self._session.is_open:
            return
        must_be_ready(self._session, self._source, wanted)
        self._lacking = identities_lacking(self._session, self._source)
        row = self._session.tables().execute("select system_identifier from pg_control_system()").fetchone()
        # A digest, since nineteen digits in our file would look like what must never be there.
        self.identity = f"{sha256(str(row[0] if row else '').encode()).hexdigest()[:12]} {self._source.generation}"
        before = (self._memory.server() or self.identity).split(" ")
        if before[0] != self.identity.split(" ", maxsplit=1)[0] and int(before[1]) >= self._source.generation:
            raise self._session.unready(
                "this is another cluster than the one read before, its log begins anew, and later changes would not win:"
                f" set generation = {int(before[1]) + 1} in the region file"
            )
        self._looked_s = -_LOOK_S

    @property
    def another_generation(self) -> bool:
        """Whether everything is to be read anew, because revisions have been given a new generation."""
        return (self._memory.server() or self.identity) != self.identity

    def made(self) -> SlotState:
        """Return the slot's state, made where there is none; one that lost its log is made anew."""
        state = self._slot.state()
        if state is not None and state.wal_status == _LOST:
            self._slot.remove()
            state = None
        if state is None:
            self._slot.make()
            state = self._slot.state()
        if state is None or state.plugin != "pgoutput":
            raise self._session.unready(f"slot {self._slot.name} is not one of pgoutput: name another slot in the region file")
        self._state = state
        return state

    def holds(self, at: Position) -> bool:
        """
        Return whether the slot still holds all that comes behind a position; looked at now and then.

        Where it does not, changes are lost: returns False where the region file lets everything be read anew, else raises
        `SourceUnready`.
        """
        if time.monotonic() < self._looked_s + _LOOK_S:
            return True
        state = self._state = self._slot.state()
        if state is not None and state.wal_status != _LOST and state.confirmed <= at.place:
            self._looked_s = time.monotonic()
            return True
        if self._source.lost_slot == "snapshot":
            return False
        what = "is gone" if state is None else "has lost its log" if state.wal_status == _LOST else "was moved on by somebody else"
        raise self._session.unready(
            f"slot {self._slot.name} {what}: changes behind {at.upto} are not to be had;"
            ' with lost_slot = "snapshot" in the region file all tables are read again'
            + ("" if state is None or state.wal_status == _LOST else "; a slot has one region file alone: give each its own `slot`")
        )

    def within(self, at: Position, ends: Ends) -> None:
        """Raise `SourceUnready` where a position lies behind the log's end: the server was set back."""
        if at.place > max(ends.flushed, ends.boundary):
            raise self._session.unready(
                f"its log ends before {at.upto}, up to which it was read: it was set back, and later changes would not win:"
                f" set generation = {self._source.generation + 1} in the region file"
            )

    @property
    def warning(self) -> bool:
        """Whether a person should look."""
        state = self._state
        held = state is not None and (state.held > self._source.slot_warning_mb << 20 or state.wal_status == _ENDANGERED)
        return held or bool(self.unkeyed)

    def note(self, doing: str) -> str:
        """Return what people should know: what reading does, how much log the slot holds, what cannot be seen."""
        told = [doing] if doing else []
        if self._state is not None:
            held = max(1, self._state.held >> 20)
            rounded = 1 << (held - 1).bit_length()  # in steps, so that a log line is written now and then only
            told.append(f"slot {self._slot.name} holds up to {rounded} MB of the server's log ({self._state.wal_status})")
            if self._state.wal_status == _ENDANGERED:
                told.append("the server may remove it soon: raise max_slot_wal_keep_size")
        if self.unkeyed:
            tables = " and ".join(self._lacking)
            told.append(f"rows were deleted of which the log does not tell whose they were: alter table {tables} replica identity full")
        return "; ".join(told)

    def place(self) -> str:
        """Return where the slot stands, for people."""
        return "" if self._state is None else written(self._state.confirmed)
