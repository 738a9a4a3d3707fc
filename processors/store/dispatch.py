"""
What is to leave the house now: marked figures and rejected records, read in one snapshot, and taken off the list once they are sent.

Why: whoever sends knows Kafka and not PostgreSQL; a crash between the two only sends again the same figures, or newer ones.
Must not: hold a transaction open while something is sent.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, LiteralString

import psycopg
from psycopg import Connection, IsolationLevel

from processors.store.figures import Figure, figures_since
from processors.store.fold import lost
from processors.store.outbox import DeadLetter, Mark, dead_letters_sent, settle, unsent_dead_letters, waiting
from processors.store.reference import read
from processors.store.staleness import Staleness

__all__ = ["DEAD_LETTERS", "Dispatch", "Marked", "Shipment"]

DEAD_LETTERS = 1_000
"""Rejected records read at once."""
# Each question is for a few regions by key. Before PostgreSQL has looked at a table that grew, it would read all of it for each, or
# start helpers for it; and it looks once a minute.
_SESSION: LiteralString = """
set application_name = 'muara publish, sender';
set idle_in_transaction_session_timeout = '5s';
set tcp_user_timeout = '5s';
set jit = off;
set enable_seqscan = off;
set max_parallel_workers_per_gather = 0;
"""


@dataclass(frozen=True, slots=True)
class Marked:
    """One figure to send, with its revision."""

    figure: Figure
    revision: int


@dataclass(frozen=True, slots=True)
class Shipment:
    """Figures of one snapshot, the reference version that they rest on, and the marks that they settle."""

    reference_version: int
    figures: Sequence[Marked]
    marks: Sequence[Mark]


class Dispatch:
    """A session with PostgreSQL that reads what is to be sent; it is opened when needed, and again when it broke."""

    def __init__(self, database: str) -> None:
        """Know the database; nothing is connected yet."""
        self._database = database
        self._conn: Connection[Any] | None = None
        self._staleness: Staleness | None = None

    def regions(self) -> list[str]:
        """Return the codes of regions with marks, the longest waiting first; raises `SessionLost`."""
        with self._session() as conn:
            return list(dict.fromkeys(mark.code for mark in waiting(conn)))

    def take(self, codes: Sequence[str]) -> Shipment:
        """Return the figures that are marked in some regions, all from one snapshot; raises `SessionLost`."""
        with self._session() as conn:
            marks = waiting(conn, codes)
            staleness = self._staleness_now(conn)
            return Shipment(staleness.reference.version, list(_marked(conn, marks, staleness)), marks)

    def settle(self, shipment: Shipment) -> int:
        """Take back the marks of a shipment that was sent, except those that moved meanwhile; raises `SessionLost`."""
        with self._session(IsolationLevel.READ_COMMITTED) as conn:
            return settle(conn, shipment.marks)

    def dead_letters(self) -> list[DeadLetter]:
        """Return rejected records that were not sent yet; raises `SessionLost`."""
        with self._session() as conn:
            return unsent_dead_letters(conn, DEAD_LETTERS)

    def dead_letters_sent(self, sent: Sequence[DeadLetter]) -> None:
        """Note that they were sent; raises `SessionLost`."""
        with self._session(IsolationLevel.READ_COMMITTED) as conn:
            dead_letters_sent(conn, sent)

    def close(self) -> None:
        """End the session."""
        if self._conn is not None:
            self._conn.close()
        self._conn = None

    @contextmanager
    def _session(self, isolation: IsolationLevel = IsolationLevel.REPEATABLE_READ) -> Iterator[Connection[Any]]:
        """Give a transaction; raises `SessionLost` where the session is gone, and is connected anew the next time."""
        try:
            conn = self._connected()
            conn.isolation_level = isolation
            with conn.transaction():
                yield conn
        except psycopg.Error as error:
            if self._conn is None or self._conn.closed or isinstance(error, psycopg.OperationalError):
                self.close()
                raise lost(error) from error
            raise

    def _connected(self) -> Connection[Any]:
        if self._conn is None or self._conn.closed:
            self._conn = psycopg.connect(self._database, autocommit=True, connect_timeout=5, tcp_user_timeout=5000)
            self._conn.execute(_SESSION)
        return self._conn

    def _staleness_now(self, conn: Connection[Any]) -> Staleness:
        row = conn.execute("select version from reference_version").fetchone()
        if self._staleness is None or row is None or self._staleness.reference.version != row[0]:
            self._staleness = Staleness(read(conn))
        return self._staleness


def _marked(conn: Connection[Any], marks: Sequence[Mark], staleness: Staleness) -> Iterator[Marked]:
    """Yield what the marks stand for: the figures of their urbanisation, and of urban and rural together, from their month on."""
    of: defaultdict[str, list[Mark]] = defaultdict(list)
    for mark in marks:
        of[mark.code].append(mark)
    since = {code: min(mark.from_month for mark in its) for code, its in of.items()}
    for figure in figures_since(conn, since, staleness):
        revisions = [
            mark.revision
            for mark in of[figure.region]
            if mark.from_month <= figure.month and figure.urbanisation in (mark.urbanisation, "all")
        ]
        if revisions:
            yield Marked(figure, max(revisions))
