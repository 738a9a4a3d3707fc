"""
After everything was read again: who was there before and is not any more has ended.

Why: where changes were lost, deletions were lost with them.
Must not: end anybody while a row that cannot be read may be theirs, or so many at once that it looks like a fault.
"""

import sqlite3
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime
from zoneinfo import ZoneInfo

from producers.declaration import PostgresSource
from producers.mapping import Mapper
from producers.sources import Batch
from producers.sources.postgres.memory import Gone, Memory
from producers.sources.postgres.places import Position, place_of, revision
from producers.sources.postgres.session import Session
from schemas.events import HouseholdChanged, Operation

__all__ = ["Sweeping", "ended", "judge"]

_AT_ONCE = 2_000


def ended(gone: Sequence[Gone], mapper: Mapper, number: int, now: datetime, zone: ZoneInfo) -> list[HouseholdChanged]:
    """Return the ENDs of households that are gone, dated today in a time zone: when they went, nobody has told."""
    return [
        HouseholdChanged(
            household=one.household,
            key_version=mapper.key_version,
            region=one.region,
            source=mapper.declared.source_id,
            valid_from=now.astimezone(zone).date(),
            revision=number,
            mapping_version=mapper.declared.mapping_version,
            operation=Operation.END,
            recorded_at=now,
        )
        for one in gone
    ]


def judge(session: Session, memory: Memory, source: PostgresSource, current: int, anyone: int, *, judged: bool) -> None:
    """
    Raise `SourceUnready` where too many are missing from a reading of everything, or rows that nobody can read may be theirs.

    Whoever reads then reads everything again after a while: what was missing may be back.

    `current` is its number, `anyone` how many rows it had without a readable card; what is `judged` is being told already.
    """
    known, missing = memory.missing(current)
    if judged or not missing:
        return
    if anyone:
        raise session.unready(
            f"{missing} households are not there any more, but {anyone} rows have no readable key and may be theirs: correct them there"
        )
    if missing > source.greatest_loss * known:
        raise session.unready(
            f"{missing} of {known} households are not there any more: ask whether that is so, and raise greatest_loss if it is"
        )


class Sweeping:
    """Ends those whom a later snapshot no longer shows."""

    def __init__(
        self,
        session: Session,
        memory: Memory,
        mapper: Mapper,
        source: PostgresSource,
        clock: Callable[[], datetime],
        zone: ZoneInfo,
    ) -> None:
        """Know the memory."""
        self._session, self._memory, self._mapper, self._source = session, memory, mapper, source
        self._clock, self._zone = clock, zone

    def next(self, at: Position) -> Batch:
        """Return the next ENDs, and after the last the position without a snapshot. Raises `SourceUnready` where there are too many."""
        snapshot = at.snapshot
        assert snapshot is not None  # noqa: S101 - called at its end
        done = Batch([], replace(at, snapshot=None).text(), caught_up=False)
        if snapshot.round == 1:
            return done
        judge(self._session, self._memory, self._source, snapshot.round, snapshot.anyone, judged=snapshot.judged)
        gone = self._memory.gone(snapshot.round, _AT_ONCE)
        if not gone:
            return done
        number = revision(place_of(snapshot.revision_place), 0, self._source.generation)
        events = ended(gone, self._mapper, number, self._clock(), self._zone)
        following = replace(at, snapshot=replace(snapshot, judged=True))

        def keep(connection: sqlite3.Connection) -> None:
            Memory.keep_events(connection, events, snapshot.round)
            Memory.keep_ends(connection, events)

        return Batch(events, following.text(), caught_up=False, keep=keep)
