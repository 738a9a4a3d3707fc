"""
The first reading of the tables beside the log, and every later one: pages in turn with changes, at last those who are gone.

Why: a million families are read once, and no change may wait behind them for more than a moment.
Must not: end anybody of whom it is not sure; hold up changes for a judgement that a person must make.
"""

import sqlite3
import time
from dataclasses import replace

from producers.faults import SourceUnready
from producers.mapping import Mapper
from producers.sources import Backfill, Batch
from producers.sources.postgres.memory import Memory
from producers.sources.postgres.pages import Pages, households, renamed
from producers.sources.postgres.places import Position, Snapshot
from producers.sources.postgres.saying import Saying
from producers.sources.postgres.sweeping import Sweeping

__all__ = ["FirstReading", "backfill_of"]

_REFUSED_S = 600.0
"""How long to wait before everything is read again, where too many were missing."""


def backfill_of(position: str | None) -> Backfill | None:
    """
    Return how far a reading of the tables is at a position of the log's reader, None where none goes on.

    A row that moves behind where reading stands is read once more, so that some more may be read than there were.
    """
    snapshot = Position.of(position).snapshot if position else None
    return None if snapshot is None else Backfill(snapshot.rows, max(snapshot.rows, snapshot.total))


class FirstReading:
    """Gives the rows of a snapshot, batch by batch."""

    def __init__(self, pages: Pages, sweeping: Sweeping, saying: Saying, memory: Memory, mapper: Mapper) -> None:
        """Nothing is read, nothing waits."""
        self._pages, self._sweeping, self._saying, self._memory, self._mapper = pages, sweeping, saying, memory, mapper
        self._refused, self._refused_s = "", -_REFUSED_S
        self.may_load = True
        """Whether whoever keeps what is read takes rows now."""

    @property
    def may_go_on(self) -> bool:
        """Whether rows may be read now: few enough events wait for delivery, and nobody has just said that too many are missing."""
        return self.may_load and time.monotonic() >= self._refused_s + _REFUSED_S

    @property
    def refused(self) -> bool:
        """Whether those who are missing are too many to be ended."""
        return bool(self._refused)

    def progress(self, snapshot: Snapshot) -> str:
        """Return how far it is, for people."""
        return self._refused or f"first reading of the tables, {100 * snapshot.page // max(snapshot.pages, 1)} % done"

    def next(self, at: Position) -> Batch | None:
        """Return the next rows, or those who are gone since an earlier reading; None where these are too many: changes go on meanwhile."""
        snapshot = at.snapshot
        assert snapshot is not None  # noqa: S101 - asked before
        if snapshot.page >= snapshot.pages:
            if not self._refused:
                return self._gone(at)
            snapshot = self._pages.begin(snapshot.revision_place, snapshot.round + 1)
        self._refused = ""
        return self._rows(at, snapshot)

    def _gone(self, at: Position) -> Batch | None:
        try:
            return self._sweeping.next(at)
        except SourceUnready as refused:
            self._refused_s, self._refused = time.monotonic(), str(refused.facts["why"])
            return None

    def _rows(self, at: Position, snapshot: Snapshot) -> Batch:
        nodes, behind = self._pages.next(snapshot)
        events, aside = self._saying.events(nodes)
        seen, anyone = households(self._mapper, nodes) if behind.round > 1 else ([], 0)
        behind = replace(behind, anyone=behind.anyone + anyone)
        position = replace(at, snapshot=behind).text()
        newer = renamed(self._mapper, nodes)

        def keep(connection: sqlite3.Connection) -> None:
            Memory.keep_renamed(connection, newer)
            Memory.keep_events(connection, events, behind.round)
            Memory.keep_seen(connection, seen, behind.round)

        return Batch(
            events,
            position,
            caught_up=False,
            aside=aside,
            keep=keep,
            corrected=self._saying.corrected(events),
            note=self.progress(behind),
        )
