"""
A database read through its own log: the snapshot of its tables, joined to all that changes behind it.

Why: nothing that was committed is missed, no program there must be changed, and a deletion is a deletion.
Must not: let the slot move before what it gave is delivered; pass over a change; trust that a committed transaction is seen already.
"""

import contextlib
import sqlite3
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime
from zoneinfo import ZoneInfo

import psycopg

from producers.declaration import PostgresSource
from producers.mapping import Mapper
from producers.records import Node
from producers.sources import Batch
from producers.sources.postgres.first_reading import FirstReading, backfill_of
from producers.sources.postgres.gathering import Gathering, Plan, Said
from producers.sources.postgres.memory import Memory
from producers.sources.postgres.pages import Pages, renamed
from producers.sources.postgres.pgoutput import LogUnreadable
from producers.sources.postgres.places import GREATEST_ORDINAL, Position, place_of, written
from producers.sources.postgres.preparation import must_be_ready
from producers.sources.postgres.saying import Saying
from producers.sources.postgres.session import Session
from producers.sources.postgres.slot import Slot
from producers.sources.postgres.stream import Filled, Stream
from producers.sources.postgres.sweeping import Sweeping
from producers.sources.postgres.tables import Lists, Tables
from producers.sources.postgres.wanted import wanted_of
from producers.sources.postgres.watching import Watch

__all__ = ["LogReader"]

_BATCH = 2_000
"""Rows said at once: some ten megabytes as events."""
_ASKED = 20_000
"""Messages asked for at once, where transactions are small."""
_AHEAD = 200_000
"""Messages read beyond where the slot stands, after which delivery is waited for: each question decodes all of them again."""
_LOOK_S = 2.0
"""How long a committed transaction may stay unseen: it is for an instant, unless the server waits for a standby that is away."""
_AGE_S = 60.0
"""How long a reading of the log may stay open while nobody takes from it: it keeps a transaction open over there."""
_WAIT_S = 0.2
_PAUSE_S = 0.02
"""How long rows are held up at a time: what waits is sent within some hundredths of a second."""


class LogReader:
    """Reads one database; the connection is that of the adapter's own file."""

    def __init__(
        self,
        source: PostgresSource,
        mapper: Mapper,
        connection: sqlite3.Connection,
        environ: Mapping[str, str],
        clock: Callable[[], datetime],
    ) -> None:
        """Know where the database is; nothing is opened yet."""
        self._source, self._mapper, self._connection = source, mapper, connection
        self._wanted = wanted_of(mapper.declared, source)
        self._session = Session(source.dsn_env, environ, source.timeout_s)
        self._slot = Slot(self._session, source.slot, source.publication)
        self._tables = Tables(self._session, source, self._wanted)
        self._memory = Memory(connection)
        self._saying = Saying(source, mapper, connection)
        self._pages = Pages(self._session, self._tables, self._saying, source.key, source.generation)
        zone = ZoneInfo(source.time_zone)
        children = {one.table: one.key for one in source.lists}
        self._plan = Plan(source.table, source.key, children, self._wanted, zone, source.generation)
        self._watch = Watch(self._session, self._slot, source, self._memory)
        sweeping = Sweeping(self._session, self._memory, mapper, source, clock, zone)
        self._first = FirstReading(self._pages, sweeping, self._saying, self._memory, mapper)
        self._stream: Stream | None = None
        self._taken_s = 0.0
        self._at = ""
        """The position behind the last batch given: where another one is asked for, that batch was not kept."""
        self._flushed = self._boundary = self._idle = 0
        self._fresh = False
        """Whether the open stream was opened by the question at hand."""
        self._ask = _ASKED
        self._ahead = 0
        self._confirmed = ""
        self._rows_turn = False
        self._round: int | None = None
        """The newest reading of the tables, asked for once: finding it goes over all that is known."""

    # ---- the source's protocol -------------------------------------------------------------------------------------------------

    def read(self, position: str | None) -> Batch:
        """Return what comes next; see `producers.sources.Source`."""
        with self._session.faults():
            try:
                self._watch.ready(self._wanted)
                at = self._resumed(position)
                batch = self._begun() if at is None else self._next(at)
            except BaseException:
                self._close_stream()
                raise
        self._at = batch.position or ""
        note, warning = self._watch.note(batch.note), self._watch.warning or self._first.refused
        return replace(batch, note=note, warning=warning, backfill=backfill_of(batch.position))

    def may_load(self, *, may: bool) -> None:
        """Hear whether more of the tables may be read; see `producers.sources.LoadsBeside`."""
        self._first.may_load = may

    def delivered(self, position: str) -> None:
        """Let the slot move up to what is delivered; see `producers.sources.Source`."""
        if self._stream is not None and time.monotonic() > self._taken_s + _AGE_S:
            self._close_stream()
        at = Position.of(position)
        if at.done or at.upto == self._confirmed or not self._session.is_open:
            return
        with self._session.faults():
            state = self._slot.state()
            if state is not None and state.confirmed < at.place:
                self._slot.advance(at.place)
        self._confirmed, self._ahead = at.upto, 0

    def again(self, since: datetime, position: str | None) -> Batch:  # noqa: ARG002 - a row does not tell when it was written
        """Return the rows of all tables as they are now, under the newest revision that everything kept so far has."""
        with self._session.faults():
            must_be_ready(self._session, self._source.model_copy(update={"capture": "compare"}), self._wanted)
            if position is None:
                kept = self._connection.execute("select position from adapter").fetchone()[0]
                if kept is None:
                    return Batch([], None, caught_up=True)
                upto = Position.of(kept)
                begun = Position(upto.upto, upto.done, self._pages.begin(upto.upto, self._memory.newest_round()))
                return Batch([], begun.text(), caught_up=False)
            at = Position.of(position)
            assert at.snapshot is not None  # noqa: S101 - we made it
            if at.snapshot.page >= at.snapshot.pages:
                return Batch([], position, caught_up=True)
            # Of a transaction that is kept in part, the rows show the whole: they must beat all of it that was said.
            nodes, snapshot = self._pages.next(at.snapshot, GREATEST_ORDINAL if at.done else 0)
        events, aside = self._saying.events(nodes)
        corrected = [mark for one in events for mark in self._mapper.marks_of(one)]
        newer = renamed(self._mapper, nodes)

        def keep(connection: sqlite3.Connection) -> None:
            Memory.keep_renamed(connection, newer)

        return Batch(events, replace(at, snapshot=snapshot).text(), caught_up=False, aside=aside, keep=keep, corrected=corrected)

    def close(self) -> None:
        """Close the connections."""
        self._close_stream()
        self._session.drop()

    # ---- where to go on --------------------------------------------------------------------------------------------------------

    def _resumed(self, position: str | None) -> Position | None:
        """Return where to go on, or None where everything is to be read anew."""
        if position is None or self._watch.another_generation:
            return None
        if position != self._at:
            self._close_stream()
        at = Position.of(position)
        return at if self._watch.holds(at) else None

    def _begun(self) -> Batch:
        """Make the slot where there is none, and return where reading begins; nothing is read before that is kept."""
        self._close_stream()
        state = self._watch.made()
        self._tables.settle()
        place = written(state.confirmed)
        begun = Position(place, snapshot=self._pages.begin(place, self._memory.newest_round() + 1))
        identity = self._watch.identity
        return Batch([], begun.text(), caught_up=False, keep=lambda connection: Memory.keep_server(connection, identity))

    def _next(self, at: Position) -> Batch:
        if at.snapshot is None:
            return self._from_log(at) or Batch([], at.text(), caught_up=False, wait_s=_WAIT_S, note="waits for delivery")
        # Changes first: rows have their turn once the log gave all that it had, and it is asked again after each range of them.
        turn, may = self._stream is None and self._rows_turn, self._first.may_go_on
        self._rows_turn = not turn
        if turn and may and (batch := self._first.next(at)) is not None:
            return batch
        wait_s = 0.0 if may else _WAIT_S if self._first.refused else _PAUSE_S
        note = self._first.progress(at.snapshot)
        batch = self._from_log(at) or Batch([], at.text(), caught_up=False)
        return replace(batch, caught_up=False, note=note, wait_s=None if batch.events else wait_s)

    # ---- the log ---------------------------------------------------------------------------------------------------------------

    def _from_log(self, at: Position) -> Batch | None:
        """Return the next changes of the log; None where delivery must come first."""
        if self._stream is None and not self._opened(at):
            return None if self._ahead > _AHEAD else Batch([], at.text(), caught_up=True)
        stream = self._stream
        assert stream is not None  # noqa: S101 - opened above
        self._taken_s = time.monotonic()
        try:
            filled = stream.fill(_BATCH)
        except LogUnreadable as error:
            raise self._session.unready(f"its log cannot be read: {error}") from error
        return self._as_batch(at, stream, filled)

    def _opened(self, at: Position) -> bool:
        """Ask for what the log holds behind a position; return whether there is anything that was not asked for before."""
        before, ends = self._boundary, self._slot.ends()
        self._watch.within(at, ends)
        if self._ahead > _AHEAD or (ends.flushed == self._flushed and at.text() == self._at):
            return False
        # Of the two places that surely lie between records, the newer one that is on the disk: the peek will have read up to there.
        self._boundary = ends.boundary
        self._idle = ends.boundary if ends.flushed >= ends.boundary else before if ends.flushed >= before else 0
        self._flushed = ends.flushed
        messages = self._slot.messages(self._ask)
        self._stream = Stream(messages, self._plan, at.upto, at.done, frozenset(self._source.accept_truncate))
        self._fresh = True
        return True

    def _as_batch(self, at: Position, stream: Stream, filled: Filled) -> Batch:
        """Return what was filled as a batch."""
        gathering, cut = stream.gathering, stream.messages >= self._ask
        fresh, self._fresh = self._fresh, False
        if filled.exhausted:
            self._stream = None
            self._ahead = max(self._ahead, stream.messages)
            # Where all that it gave was kept before, ask for more next time: a question begins where the slot stands.
            self._ask = 2 * self._ask if cut and not gathering.size else _ASKED
            self._flushed = 0 if cut else self._flushed
        if filled.truncated is not None:
            self._close_stream()
            if not gathering.size:
                raise self._session.unready(self._truncated(filled))
        upto = filled.upto
        if filled.exhausted and not cut and place_of(upto) < self._idle:
            upto = written(self._idle)
        following = replace(at, upto=upto, done=filled.done if upto == filled.upto else 0)
        caught_up = filled.exhausted and not cut and fresh and filled.truncated is None
        nodes = self._spoken(gathering)
        events, aside = self._saying.events(nodes)
        newer = renamed(self._mapper, nodes)
        events = self._memory.with_voided(events)
        self._watch.unkeyed += gathering.unkeyed
        gathering.clear()
        current = self._round = at.snapshot.round if at.snapshot else self._memory.newest_round() if self._round is None else self._round

        def keep(connection: sqlite3.Connection) -> None:
            Memory.keep_renamed(connection, newer)
            Memory.keep_events(connection, events, current)
            Memory.keep_ends(connection, events)

        return Batch(
            events,
            following.text(),
            caught_up=caught_up,
            aside=aside,
            keep=keep,
            corrected=self._saying.corrected(events),
        )

    def _spoken(self, gathering: Gathering) -> list[Node]:
        """Return the records of what was gathered, with lists, and rows read again, as they are once all of it can be seen."""
        if not gathering.size:
            return []
        again = gathering.say_again()
        deadline = time.monotonic() + _LOOK_S
        while True:
            with self._tables.look() as seen:
                if seen.sees(gathering.transactions):
                    rows = self._tables.key_rows(list(again)) if again else []
                    keys = [(row[self._source.key] or "").rstrip() for row in rows]
                    said = gathering.said + [Said(key, row, again[key]) for key, row in zip(keys, rows, strict=True) if key in again]
                    lists: Lists = self._tables.lists(list({one.key for one in said if not one.deleted}))
                    return self._saying.nodes(said, lists)
            if time.monotonic() > deadline:
                raise self._session.away("what it has committed cannot be seen yet: does the server wait for a standby?")
            time.sleep(0.002)

    def _truncated(self, filled: Filled) -> str:
        assert filled.truncated is not None  # noqa: S101 - asked before
        names = ", ".join(filled.truncated.tables)
        return (
            f"{names} was emptied by TRUNCATE at {filled.upto}, by which nothing has ended yet: look at it, then go on with"
            f' accept_truncate = ["{filled.upto}"] in the region file'
        )

    def _close_stream(self) -> None:
        """Give up a reading of the log that was not taken to its end."""
        if self._stream is not None:
            with contextlib.suppress(psycopg.Error):  # the connection may be what has failed
                self._stream.close()
            self._stream = None
            self._flushed = 0
