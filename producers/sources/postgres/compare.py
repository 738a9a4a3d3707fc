"""
A database that allows nothing but reading: everything is read again and again, and compared with what was said before.

Why: it needs no slot, no column and no table of its own over there; what it cannot see is states that came and went between two readings.
Must not: say again what is as it was said; end anybody by an absence that looks like a fault.

The revision of a row is the place in the server's log at which it was looked at, which grows with every change over there.
"""

import json
import sqlite3
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from zoneinfo import ZoneInfo

from producers.declaration import PostgresSource
from producers.mapping import Mapper
from producers.sources import Backfill, Batch
from producers.sources.postgres.digests import digest_of
from producers.sources.postgres.gathering import Said, around
from producers.sources.postgres.memory import Memory, Shown
from producers.sources.postgres.pages import PAGES, households, renamed
from producers.sources.postgres.places import revision
from producers.sources.postgres.preparation import must_be_ready
from producers.sources.postgres.saying import Saying
from producers.sources.postgres.session import Session
from producers.sources.postgres.sweeping import ended, judge
from producers.sources.postgres.tables import Tables
from producers.sources.postgres.wanted import wanted_of

__all__ = ["CompareReader"]

_AT_ONCE = 2_000


@dataclass(frozen=True, slots=True)
class _Round:
    """One reading of everything."""

    round: int
    file: int = 0
    page: int = 0
    pages: int = -1
    """-1 where it has not begun."""
    revision: int = 0
    """The newest revision given so far."""
    anyone: int = 0
    judged: bool = False
    rows: int = 0
    """Rows read so far."""
    total: int = 0
    """How many rows there were when it began."""

    def text(self) -> str:
        return json.dumps(asdict(self), separators=(",", ":"))


class CompareReader:
    """Reads one database by comparison; the connection is that of the adapter's own file."""

    def __init__(
        self,
        source: PostgresSource,
        mapper: Mapper,
        connection: sqlite3.Connection,
        environ: Mapping[str, str],
        clock: Callable[[], datetime],
    ) -> None:
        """Know where the database is; nothing is opened yet."""
        self._source, self._mapper, self._clock = source, mapper, clock
        self._wanted = wanted_of(mapper.declared, source)
        self._session = Session(source.dsn_env, environ, source.timeout_s)
        self._tables = Tables(self._session, source, self._wanted)
        self._memory = Memory(connection)
        self._saying = Saying(source, mapper, connection)
        self._zone = ZoneInfo(source.time_zone)
        self._anew = ""
        """The position of a reading that was refused as a whole: asked for once more, everything is read again."""

    def read(self, position: str | None) -> Batch:
        """Return what has changed among the next rows; see `producers.sources.Source`."""
        at = _Round(**json.loads(position)) if position else _Round(self._memory.newest_round() + 1)
        if position and position == self._anew:
            at = _Round(at.round + 1, revision=at.revision)
        self._anew = ""
        with self._session.faults():
            if not self._session.is_open:
                must_be_ready(self._session, self._source, self._wanted)
            size = self._tables.size()
            if at.pages < 0 or at.file != size.file:
                at = replace(at, file=size.file, page=0, pages=size.pages, rows=0, total=self._tables.count())
            batch = self._rows(at) if at.page < at.pages else self._gone(at)
        return replace(batch, backfill=_backfill(batch.position))

    def again(self, since: datetime, position: str | None) -> Batch:  # noqa: ARG002 - a row does not tell when it was written
        """Return all rows as they are now, whatever was said before."""
        at = _Round(**json.loads(position)) if position else _Round(self._memory.newest_round())
        with self._session.faults():
            must_be_ready(self._session, self._source, self._wanted)
            size = self._tables.size()
            at = replace(at, file=size.file, pages=size.pages) if at.pages < 0 else at
            if at.page >= at.pages:
                return Batch([], position, caught_up=True)
            batch = self._rows(at, again=True)
        return replace(batch, corrected=[mark for one in batch.events for mark in self._mapper.marks_of(one)])

    def close(self) -> None:
        """Close the connections."""
        self._session.drop()

    def _rows(self, at: _Round, *, again: bool = False) -> Batch:
        upto = min(at.page + PAGES, at.pages)
        with self._tables.look() as seen:
            number = max(revision(seen.place, 0, self._source.generation), at.revision + 1)
            rows = self._tables.page_rows(at.page, upto)
            said = [Said((row[self._source.key] or "").rstrip(), row, around(number, None, None)) for row in rows]
            nodes = self._saying.nodes(said, self._tables.lists([one.key for one in said]))
        events, aside = self._saying.events(nodes)
        digests = {(one.household, one.region): digest_of(one) for one in events}
        known = self._memory.digests({household for household, _ in digests})
        fresh = [one for one in events if again or known.get((one.household, one.region)) != digests[one.household, one.region]]
        fresh = self._memory.with_voided(fresh)
        seen_households, anyone = households(self._mapper, nodes)
        following = replace(at, page=upto, revision=number, anyone=at.anyone + anyone, rows=at.rows + len(rows))
        newer = renamed(self._mapper, nodes)

        def keep(connection: sqlite3.Connection) -> None:
            Memory.keep_renamed(connection, newer)
            Memory.keep_shown(connection, [Shown(*who, at.round, digest) for who, digest in digests.items()])
            Memory.keep_seen(connection, seen_households, at.round)
            Memory.keep_ends(connection, fresh)

        return Batch(
            fresh,
            following.text(),
            caught_up=False,
            aside=aside,
            keep=keep,
            corrected=self._saying.corrected(fresh),
            note=f"comparing all rows, {100 * upto // max(at.pages, 1)} % done",
        )

    def _gone(self, at: _Round) -> Batch:
        """Return the ENDs of those whom this reading did not show, and after the last the beginning of the next reading."""
        self._anew = at.text()
        judge(self._session, self._memory, self._source, at.round, at.anyone, judged=at.judged)
        self._anew = ""
        gone = self._memory.gone(at.round, _AT_ONCE)
        if not gone:
            return Batch([], _Round(at.round + 1, revision=at.revision).text(), caught_up=True, wait_s=self._source.compare_s)
        number = at.revision + 1
        events = ended(gone, self._mapper, number, self._clock(), self._zone)

        def keep(connection: sqlite3.Connection) -> None:
            Memory.keep_events(connection, events, at.round)
            Memory.keep_ends(connection, events)

        return Batch(events, replace(at, revision=number, judged=True).text(), caught_up=False, keep=keep)


def _backfill(position: str | None) -> Backfill | None:
    """Return how far the first of all readings is at a position, None where it is a later one."""
    at = _Round(**json.loads(position)) if position else None
    return Backfill(at.rows, max(at.rows, at.total)) if at is not None and at.round == 1 else None
