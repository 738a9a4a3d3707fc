"""
What a receiver remembers on disk: the deliveries it has taken, and how it stands, for anyone to read.

Why: a notification that is sent again, as all such systems do, is answered and does nothing more.
Must not: keep a delivery's number or body: marks by the adapter's key stand for them.
"""

import sqlite3
import threading
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from producers.sources.webhook.refusals import Refusal

__all__ = ["Deliveries", "Received", "Refused", "Tally", "forget_deliveries", "make_tables", "note", "received", "refusals", "refusals_of"]

_TABLES = """
create table if not exists webhook_delivery (
  seq integer primary key, mark blob not null unique, at integer not null, mapping_version integer not null) strict;
create table if not exists webhook (
  one integer primary key check (one = 1), listening text not null default '', taken integer not null default 0,
  repeated integer not null default 0, last_taken_at text) strict;
insert or ignore into webhook (one) values (1);
create table if not exists webhook_refused (cause text primary key, requests integer not null) strict;
"""
_MOST = 1_000_000
"""Deliveries known, some 50 MB; the oldest give way, which lets them be taken twice, which changes nothing."""
_AT_LEAST_PRUNED = 64


@dataclass(frozen=True, slots=True)
class Received:
    """How a receiver stands; counts are since the adapter's file was made."""

    listening: str
    """The address, the last one where it does not run."""
    taken: int
    """Requests kept."""
    repeated: int
    """Of them, those that were known already."""
    last_taken_at: datetime | None
    refused: Mapping[str, int]
    """Requests refused, by their cause."""


@dataclass(frozen=True, slots=True)
class Refused:
    """How many requests were refused for one cause, and what their senders were answered."""

    cause: str
    status: int
    """The HTTP status; 0 for a cause of an earlier version."""
    requests: int
    sent_again: bool
    """Whether the sender was told after how many seconds to send again: nothing is lost. Of any other cause it must be told by people."""


def make_tables(connection: sqlite3.Connection) -> None:
    """Make the tables where they are not there yet."""
    connection.executescript(_TABLES)


class Deliveries:
    """The deliveries known, through the connection of the adapter's file."""

    def __init__(self, connection: sqlite3.Connection, mapping_version: int, remember_s: int, most: int = _MOST) -> None:
        """Know deliveries taken through this mapping version or a later one: a mended mapping takes what is sent once more."""
        self._connection, self._version, self._remember_s, self._most = connection, mapping_version, remember_s, most

    def known(self, marks: Iterable[bytes]) -> set[bytes]:
        """Return those that were taken already."""
        statement = "select 1 from webhook_delivery where mark = ? and mapping_version >= ?"
        return {mark for mark in marks if self._connection.execute(statement, (mark, self._version)).fetchone()}

    def remember(self, marks: Sequence[bytes], now: datetime) -> None:
        """Know deliveries from now on, and forget the oldest; belongs into the transaction that keeps what they brought."""
        at = int(now.timestamp())
        self._connection.executemany(
            "insert into webhook_delivery (mark, at, mapping_version) values (?, ?, ?)"
            " on conflict (mark) do update set at = excluded.at, mapping_version = excluded.mapping_version",
            [(mark, at, self._version) for mark in marks],
        )
        self._forget(at - self._remember_s, _AT_LEAST_PRUNED + 2 * len(marks))

    def _forget(self, before: int, limit: int) -> None:
        """Forget at most `limit` of those taken before a time, and those beyond the greatest number."""
        last = self._connection.execute("select max(seq) from webhook_delivery").fetchone()[0]
        if last is None:
            return
        self._connection.execute("delete from webhook_delivery where seq <= ?", (last - self._most,))
        self._connection.execute(
            "delete from webhook_delivery where seq in"
            " (select seq from (select seq, at from webhook_delivery order by seq limit ?) where at < ?)",
            (limit, before),
        )


def forget_deliveries(connection: sqlite3.Connection) -> None:
    """Forget which deliveries were taken, so that what is sent once more is taken anew: another region file may make something of it."""
    if connection.execute("select 1 from sqlite_schema where name = 'webhook_delivery'").fetchone():
        connection.execute("delete from webhook_delivery")


class Tally:
    """Requests refused, by cause; counted by the server's thread and the reader's."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        """Go on from what the file tells."""
        told = dict(connection.execute("select cause, requests from webhook_refused").fetchall())
        self._counts = {refusal: int(told.get(refusal.words, 0)) for refusal in Refusal}
        self._lock = threading.Lock()

    def add(self, refusal: Refusal) -> None:
        """Count one."""
        with self._lock:
            self._counts[refusal] += 1

    def counts(self) -> dict[str, int]:
        """Return the counts that are not zero, by cause."""
        with self._lock:
            return {refusal.words: count for refusal, count in self._counts.items() if count}


def note(connection: sqlite3.Connection, address: str, taken: int, repeated: int, now: datetime, refused: Mapping[str, int]) -> None:
    """Note where we listen, and what was taken and refused; belongs into the transaction that keeps what was taken."""
    connection.execute("update webhook set listening = ? where listening <> ?", (address, address))
    if taken:
        connection.execute(
            "update webhook set taken = taken + ?, repeated = repeated + ?, last_taken_at = ?", (taken, repeated, now.isoformat())
        )
    connection.executemany("insert or replace into webhook_refused values (?, ?)", list(refused.items()))


def received(state_file: Path) -> Received | None:
    """Return how a receiver stands, running or not; None where the adapter's file has none."""
    if not state_file.exists():
        return None
    connection = sqlite3.connect(f"file:{state_file}?mode=ro", uri=True)
    try:
        if not connection.execute("select 1 from sqlite_schema where name = 'webhook_refused'").fetchone():
            return None
        row = connection.execute("select listening, taken, repeated, last_taken_at from webhook").fetchone()
        refused = dict(connection.execute("select cause, requests from webhook_refused order by cause").fetchall())
    finally:
        connection.close()
    listening, taken, repeated, last = row
    return Received(listening, taken, repeated, datetime.fromisoformat(last) if last else None, refused)


def refusals(state_file: Path) -> list[Refused]:
    """Return what was refused since an adapter's file was made, the most first; nothing where it does not receive."""
    found = received(state_file)
    return refusals_of(found) if found else []


def refusals_of(found: Received) -> list[Refused]:
    """Return what a receiver refused, the most first, with what the senders were answered."""
    known = {refusal.words: refusal for refusal in Refusal}
    told = [
        Refused(cause, meant.status if (meant := known.get(cause)) else 0, requests, bool(meant and meant.retry_after_s))
        for cause, requests in found.refused.items()
    ]
    return sorted(told, key=lambda one: (-one.requests, one.cause))
