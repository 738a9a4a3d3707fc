"""
A database whose changes are found by a column that grows: a sequence in an outbox, or the time of each row's last change.

Why: where the log may not be read, this is the next best: no state of an outbox is missed, and of a row no last state.
Must not: believe that what is committed later has the greater number: a transaction takes number or time, and is committed later.

The horizon: numbers and times up to `high`, as they stood at some moment, are through once every transaction that ran at that moment has
ended and everything behind `low` was read once more. Until then all behind `low` is read again each time, and what was said is known.

The first load, where each row is the present state of a household: changes are followed from the moment at which it began, and all up to
there is read in between, once every transaction that ran then has ended. Whatever changes meanwhile has a later time, and comes by that.
An outbox is a queue: each of its rows counts, so that it is read in its order alone; see outbox.py.
"""

import json
import sqlite3
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import Any

from producers.declaration import PostgresSource
from producers.mapping import Mapper
from producers.sources import Backfill, Batch
from producers.sources.postgres.digests import digest_of
from producers.sources.postgres.feeds import Feed
from producers.sources.postgres.memory import Memory, Shown
from producers.sources.postgres.pages import renamed
from producers.sources.postgres.preparation import must_be_ready
from producers.sources.postgres.saying import Saying
from producers.sources.postgres.session import Session
from producers.sources.postgres.tables import Tables
from producers.sources.postgres.wanted import Wanted, wanted_of
from schemas.events import HouseholdChanged, Operation

__all__ = ["FollowReader", "Following"]

_AT_ONCE = 2_000
_WAIT_S = 0.2
_PAUSE_S = 0.02
"""How long rows of a first load are held up at a time: what waits is sent within some hundredths of a second."""


@dataclass(frozen=True, slots=True)
class Load:
    """The first load: all up to the time at which it began, table by table."""

    upto: str
    ran: tuple[str, ...] = ()
    """Transactions that may still write what lies up to there."""
    table: int = 0
    after: tuple[str, str] | None = None
    rows: int = 0
    """Rows read so far."""
    total: int = 0
    """How many rows the main table had when it began."""

    @classmethod
    def of(cls, told: Mapping[str, Any]) -> "Load":
        """Return what a position holds of it."""
        lists = {name: tuple(told[name]) for name in ("ran", "after") if told[name] is not None}
        return cls(**{**told, **lists})


@dataclass(frozen=True, slots=True)
class _Look:
    """What one look at a table showed."""

    rows: int
    last: tuple[str, str] | None
    """The place of the last row, where more may lie behind it."""
    number: int
    batch: Batch


@dataclass(frozen=True, slots=True)
class Following:
    """Where reading stands: one pass goes over all behind `low`, table by table."""

    low: str = ""
    """Everything up to here is through; empty at the beginning."""
    high: str = ""
    """The candidate: it takes the place of `low` once those who ran when it was taken have ended."""
    ran: tuple[str, ...] = ()
    """They, by the numbers of their virtual transactions."""
    table: int = 0
    after: tuple[str, str] | None = None
    """The last row read of the table: its number or time, and its place."""
    closes: bool = False
    """Whether they had ended when this pass began."""
    begun: str = ""
    running: tuple[str, ...] = ()
    """Number or time, and who ran, when this pass began: the next candidate."""
    revision: int = 0
    load: Load | None = None
    generation: int = 0
    """That of the source when reading began: a database that was restored since is read from the beginning."""

    def text(self) -> str:
        """Return it as the adapter's file keeps it."""
        return json.dumps({name: value for name, value in asdict(self).items() if value}, separators=(",", ":"))

    @classmethod
    def of(cls, text: str | None) -> "Following":
        """Return what `text` wrote, or the beginning."""
        told = json.loads(text) if text else {}
        lists = {name: tuple(told[name]) for name in ("ran", "running", "after") if name in told}
        return cls(**{**told, **lists, "load": Load.of(told["load"]) if "load" in told else None})


class FollowReader:
    """Reads one database by its feed; the connection is that of the adapter's own file."""

    def __init__(
        self,
        source: PostgresSource,
        mapper: Mapper,
        connection: sqlite3.Connection,
        environ: Mapping[str, str],
        feed_of: Callable[[Session, PostgresSource, Wanted, sqlite3.Connection], Feed],
    ) -> None:
        """Know where the database is; nothing is opened yet."""
        self._source, self._mapper = source, mapper
        self._wanted = wanted = wanted_of(mapper.declared, source)
        self._session = Session(source.dsn_env, environ, source.timeout_s)
        self._tables = Tables(self._session, source, wanted)
        self._feed = feed_of(self._session, source, wanted, connection)
        self._memory = Memory(connection)
        self._saying = Saying(source, mapper, connection)
        self._loads_turn, self._may_load, self._round = False, True, 0

    def read(self, position: str | None) -> Batch:
        """Return the next rows; see `producers.sources.Source`."""
        at = Following.of(position)
        if position is None or at.generation != self._source.generation:
            position, at = None, Following(generation=self._source.generation)
        with self._session.faults():
            self._ready(at.low)
            if position is None and not self._feed.each_counts:
                at = self._loading()
                batch = Batch([], at.text(), caught_up=False)
            else:
                batch = self._next(at)
        load = Following.of(batch.position).load
        return batch if load is None else replace(batch, caught_up=False, backfill=Backfill(load.rows, max(load.rows, load.total)))

    def may_load(self, *, may: bool) -> None:
        """Hear whether more of the first load may be read; see `producers.sources.LoadsBeside`."""
        self._may_load = may

    def again(self, since: datetime, position: str | None) -> Batch:
        """Return what the feed tells from a time on, whatever was said before."""
        if position is None:
            position = Following(low=self._feed.since(since)).text()
        with self._session.faults():
            self._ready("")
            batch = self._changes(Following.of(position), again=True)
        return replace(batch, corrected=[mark for one in batch.events for mark in self._mapper.marks_of(one)])

    def close(self) -> None:
        """Close the connections."""
        self._session.drop()

    def _ready(self, low: str) -> None:
        if not self._session.is_open:
            must_be_ready(self._session, self._source, self._wanted)
            self._feed.must_be_whole(low)

    def _loading(self) -> Following:
        """Return where a first load begins, and where its changes are followed from."""
        low = self._feed.lower(self._feed.newest(), "")
        return Following(low=low, generation=self._source.generation, load=Load(low, tuple(self._running()), total=self._tables.count()))

    def _next(self, at: Following) -> Batch:
        """Return changes, or rows of the first load, which have their turn whenever all changes were read."""
        if at.load is None or not self._loads_turn:
            batch = self._changes(at, again=False)
            self._loads_turn = batch.caught_up
            return replace(batch, wait_s=0.0) if at.load and batch.caught_up else batch
        self._loads_turn = False
        if not self._may_load:
            return Batch([], at.text(), caught_up=False, wait_s=_PAUSE_S)
        if set(at.load.ran) & set(self._running()):
            return Batch([], at.text(), caught_up=False, wait_s=_WAIT_S)
        return self._loaded(at, at.load)

    def _loaded(self, at: Following, load: Load) -> Batch:
        """Return the next rows of the first load."""
        look = self._look(load.table, "", load.after, load.upto, at.revision, again=False)
        load = replace(load, ran=(), after=look.last, rows=load.rows + (look.rows if load.table == 0 else 0))
        if look.last is None:
            load = replace(load, table=load.table + 1)
        following = replace(at, revision=look.number, load=load if load.table < self._feed.tables else None)
        return replace(look.batch, position=following.text())

    def _changes(self, at: Following, *, again: bool) -> Batch:
        """Return the next rows behind `low`."""
        if not at.begun:
            at = self._begun(at)
        look = self._look(at.table, at.low, at.after, "", at.revision, again=again)
        following = replace(at, revision=look.number, after=look.last, table=at.table + (look.last is None))
        through = following.table >= self._feed.tables
        if through:
            following = self._through(following)
        return replace(look.batch, position=following.text(), caught_up=through)

    def _look(self, table: int, low: str, after: tuple[str, str] | None, upto: str, before: int, *, again: bool) -> _Look:
        """Look at a table's next rows, and say what they show; the batch has no position yet."""
        with self._tables.look() as seen:
            number = self._feed.revision(seen.place, before)
            rows = self._feed.rows(table, low, after, _AT_ONCE, upto)
            unsaid = rows if again else self._feed.unsaid(rows)
            said = [self._feed.said(table, row, number) for row in unsaid]
            lists = None if self._feed.each_counts else self._tables.lists(list({one.key for one in said if not one.deleted}))
        last = self._feed.place_of(rows[-1]) if len(rows) >= _AT_ONCE else None
        nodes = self._saying.nodes(said, lists)
        events, aside = self._saying.events(nodes)
        newer = renamed(self._mapper, nodes)
        fresh = events if again else self._fresh(events)
        fresh = self._memory.with_voided(fresh)

        def keep(connection: sqlite3.Connection) -> None:
            current = self._round = self._round or self._memory.newest_round() or 1  # finding it goes over all that is known
            Memory.keep_renamed(connection, newer)
            Memory.keep_events(connection, events, current)
            shown = [Shown(one.household, one.region, current, digest_of(one)) for one in events if one.operation is not Operation.END]
            Memory.keep_shown(connection, shown)
            Memory.keep_ends(connection, fresh)
            if not again:
                self._feed.note(connection, unsaid, low)

        batch = Batch(
            fresh,
            None,
            caught_up=False,
            aside=aside,
            keep=keep,
            corrected=self._saying.corrected(fresh),
        )
        return _Look(len(rows), last, number, batch)

    def _begun(self, at: Following) -> Following:
        """Note what the next candidate will be, and whether the last one's transactions have all ended, before anything is read."""
        # Who runs is asked last: whoever takes a number up to the newest, and is not through, runs then, too.
        newest = self._feed.newest()
        running = tuple(self._running())
        return replace(at, begun=newest, running=running, closes=bool(at.high) and not set(at.ran) & set(running))

    def _through(self, at: Following) -> Following:
        """Return where the next pass begins."""
        low = self._feed.lower(at.high, at.low) if at.closes else at.low
        took_place = at.closes or not at.high
        high, ran = (at.begun, at.running) if took_place else (at.high, at.ran)
        return Following(low=low, high=high, ran=ran, revision=at.revision, load=at.load, generation=at.generation)

    def _running(self) -> list[str]:
        """Return every transaction that runs on the server now, but for our own question's."""
        rows = self._session.tables().execute(
            "select virtualxid from pg_locks where locktype = 'virtualxid' and pid <> pg_backend_pid() order by 1"
        )
        return [one for (one,) in rows]

    def _fresh(self, events: list[HouseholdChanged]) -> list[HouseholdChanged]:
        """Return the events that say something else than what was said last of their households, or all where each counts."""
        if self._feed.each_counts:
            return events
        known = self._memory.digests({one.household for one in events})
        fresh = []
        for one in events:
            if one.operation is Operation.END:
                if self._memory.ended((one.household, one.region)) != one.valid_from:
                    fresh.append(one)
            elif known.get((one.household, one.region)) != digest_of(one):
                fresh.append(one)
        return fresh
