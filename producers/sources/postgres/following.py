"""
A database whose changes are found by a column that grows: a sequence in an outbox, or the time of each row's last change.

Why: where the log may not be read, this is the next best: no state of an outbox is missed, and of a row no last state.
Must not: believe that what is committed later has the greater number: a transaction takes number or time, and is committed later.

The horizon: numbers and times up to `high`, as they stood at some moment, are through once every transaction that ran at that moment has
ended and everything behind `low` was read once more. Until then all behind `low` is read again each time, and what was said is known.
"""

import json
import sqlite3
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from datetime import datetime

from producers.declaration import PostgresSource
from producers.mapping import Mapper
from producers.sources import Batch
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

    def text(self) -> str:
        """Return it as the adapter's file keeps it."""
        return json.dumps({name: value for name, value in asdict(self).items() if value}, separators=(",", ":"))

    @classmethod
    def of(cls, text: str | None) -> "Following":
        """Return what `text` wrote, or the beginning."""
        told = json.loads(text) if text else {}
        lists = {name: tuple(told[name]) for name in ("ran", "running", "after") if name in told}
        return cls(**{**told, **lists})


class FollowReader:
    """Reads one database by its feed; the connection is that of the adapter's own file."""

    def __init__(
        self,
        source: PostgresSource,
        mapper: Mapper,
        connection: sqlite3.Connection,
        environ: Mapping[str, str],
        feed_of: Callable[[Session, PostgresSource, Wanted], Feed],
    ) -> None:
        """Know where the database is; nothing is opened yet."""
        self._source, self._mapper = source, mapper
        self._wanted = wanted = wanted_of(mapper.declared, source)
        self._session = Session(source.dsn_env, environ, source.timeout_s)
        self._tables = Tables(self._session, source, wanted)
        self._feed = feed_of(self._session, source, wanted)
        self._memory = Memory(connection)
        self._saying = Saying(source, mapper, connection)

    def read(self, position: str | None) -> Batch:
        """Return the next rows; see `producers.sources.Source`."""
        return self._batch(Following.of(position), again=False)

    def again(self, since: datetime, position: str | None) -> Batch:
        """Return what the feed tells from a time on, whatever was said before."""
        if position is None:
            position = Following(low=self._feed.since(since)).text()
        batch = self._batch(Following.of(position), again=True)
        return replace(batch, corrected=[mark for one in batch.events for mark in self._mapper.marks_of(one)])

    def close(self) -> None:
        """Close the connections."""
        self._session.drop()

    def _batch(self, at: Following, *, again: bool) -> Batch:
        with self._session.faults():
            if not self._session.is_open:
                must_be_ready(self._session, self._source, self._wanted)
                self._feed.must_be_whole()
            if not at.begun:
                at = self._begun(at)
            with self._tables.look() as seen:
                number = self._feed.revision(seen.place, at.revision)
                rows = self._feed.rows(at.table, at.low, at.after, _AT_ONCE)
                said = [self._feed.said(at.table, row, number) for row in rows]
                lists = self._tables.lists(list({one.key for one in said if not one.deleted}))
        nodes = self._saying.nodes(said, lists)
        events, aside = self._saying.events(nodes)
        newer = renamed(self._mapper, nodes)
        fresh = events if again else self._fresh(events)
        fresh = [*fresh, *self._memory.voided(fresh)]
        following = replace(at, revision=number)
        if len(rows) < _AT_ONCE:
            following = replace(following, table=at.table + 1, after=None)
        else:
            following = replace(following, after=self._feed.place_of(rows[-1]))
        through = following.table >= self._feed.tables
        if through:
            following = self._through(following)

        def keep(connection: sqlite3.Connection) -> None:
            current = self._memory.newest_round() or 1
            Memory.keep_renamed(connection, newer)
            Memory.keep_events(connection, events, current)
            shown = [Shown(one.household, one.region, current, digest_of(one)) for one in events if one.operation is not Operation.END]
            Memory.keep_shown(connection, shown)
            Memory.keep_ends(connection, fresh)

        return Batch(
            fresh,
            following.text(),
            caught_up=through,
            aside=aside,
            keep=keep,
            kept=lambda: self._feed.heard(fresh),
            corrected=self._saying.corrected(fresh),
        )

    def _begun(self, at: Following) -> Following:
        """Note what the next candidate will be, and whether the last one's transactions have all ended, before anything is read."""
        running = tuple(self._running())
        return replace(at, begun=self._feed.newest(), running=running, closes=bool(at.high) and not set(at.ran) & set(running))

    def _through(self, at: Following) -> Following:
        """Return where the next pass begins."""
        if at.closes or not at.high:
            low = self._feed.lower(at.high, at.low) if at.closes else at.low
            return Following(low=low, high=at.begun, ran=at.running, revision=at.revision)
        return Following(low=at.low, high=at.high, ran=at.ran, revision=at.revision)

    def _running(self) -> list[str]:
        """Return every transaction that runs on the server now, but for our own question's."""
        rows = self._session.tables().execute(
            "select virtualxid from pg_locks where locktype = 'virtualxid' and pid <> pg_backend_pid() order by 1"
        )
        return [one for (one,) in rows]

    def _fresh(self, events: list[HouseholdChanged]) -> list[HouseholdChanged]:
        """Return the events that say something else than what was said last of their households."""
        if self._feed.each_counts:
            return self._feed.unsaid(events)
        known = self._memory.digests({one.household for one in events})
        fresh = []
        for one in events:
            if one.operation is Operation.END:
                if self._memory.ended((one.household, one.region)) != one.valid_from:
                    fresh.append(one)
            elif known.get((one.household, one.region)) != digest_of(one):
                fresh.append(one)
        return fresh
