"""
Whether the region file is still the one by which all that was read was read, in the adapter's own file, until all is read again.

Why: what a mistaken region file left out does not come back by correcting it: reading goes on behind it, and nobody would hear of it.
Must not: read anything again by itself: how much that is, and when, is a person's decision.
"""

import hashlib
import json
import logging
import sqlite3
from collections.abc import Callable, Collection
from datetime import datetime, timedelta

from producers.declaration import PUSHING_KINDS, Declaration, FilesSource, RestSource

__all__ = ["HOW", "WHAT", "Reminder", "change_told", "is_read_by", "notice", "settle"]

WHAT = frozenset(
    {"kind", "changes", "records", "cursor", "more", "snapshot"}
    | {"file_name", "columns", "labels", "header_rows", "header_within", "sheet", "skip_rows_where", "footer"}
    | {"numbers", "dates", "encoding", "delimiter"}
    | {"capture", "table", "key", "lists", "time_zone", "outbox", "changed_at", "tombstones"}
)
"""What a source's declaration says of what is read there; with the regencies and the mapping, all that decides what becomes of it."""
HOW = frozenset(
    {"url", "page", "poll_s", "timeout_s", "token"}
    | {"folder", "quiet_s", "greatest_loss", "greatest_mb", "greatest_rows"}
    | {"dsn_env", "slot", "publication", "slot_warning_mb", "lost_slot", "accept_truncate", "generation", "overlap_s", "compare_s"}
    | {"listen", "path", "secret_env", "headers", "window_s", "remember_s", "greatest_kb", "rate", "burst", "connections", "tls"}
)
"""What it says of where, how often and how carefully: it may change at any time."""
_TABLES = (
    "create table if not exists read_by (part text primary key, fingerprint text not null) strict",
    "create table if not exists region_change (part text primary key, since text not null, remedy text not null) strict",
)
_AGAIN = timedelta(hours=1)
_log = logging.getLogger(__name__)


def notice(
    connection: sqlite3.Connection, declared: Declaration, file: str, now: datetime, forget: Callable[[sqlite3.Connection], None]
) -> None:
    """
    Compare a region file with the one that was worked by so far, and note what has changed; belongs into a transaction.

    Where it has, `forget` makes a source that pushes take anew what it sends again. Where nothing was read yet, nothing has changed.
    """
    for statement in _TABLES:
        connection.execute(statement)
    now_by = _fingerprints(declared)
    if not _has_read(connection, declared):
        connection.execute("delete from region_change")
    elif (before := _read_by(connection)) and before != now_by:
        changed = sorted(part for part in before.keys() | now_by.keys() if before.get(part) != now_by.get(part))
        remedy = _remedy(declared, file)
        connection.executemany(
            "insert into region_change values (?, ?, ?) on conflict (part) do update set since = excluded.since",
            [(part, now.isoformat(), remedy) for part in changed],
        )
        connection.execute("update region_change set remedy = ?", (remedy,))
        forget(connection)
    connection.execute("delete from read_by")
    connection.executemany("insert into read_by values (?, ?)", list(now_by.items()))


def is_read_by(connection: sqlite3.Connection, declared: Declaration) -> bool:
    """Return whether the adapter's file was worked by a region file such as this last."""
    return _is_there(connection) and _read_by(connection) == _fingerprints(declared)


def settle(connection: sqlite3.Connection) -> bool:
    """Know that all was read again, or a person's word that it need not be; belongs into a transaction. Return whether that was open."""
    return _is_there(connection) and connection.execute("delete from region_change").rowcount > 0


def change_told(connection: sqlite3.Connection) -> str:
    """Return what has changed in the region file since what was read was read, and what to do; empty where nothing has."""
    rows = connection.execute("select part, since, remedy from region_change order by part").fetchall() if _is_there(connection) else []
    if not rows:
        return ""
    aside = connection.execute("select count(*) from quarantine").fetchone()[0]
    parts, since = ", ".join(part for part, _, _ in rows), min(since for _, since, _ in rows)
    return (
        f"the region file has changed ({parts}; {since[:16].replace('T', ' ')} UTC): what was read before was read by the old one,"
        f" and {aside:,} records and files lie aside: {rows[0][2]}"
    )


class Reminder:
    """Tells of a changed region file in the log, at once and every hour; used by the thread that reads."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        """Look into an adapter's file."""
        self._connection = connection
        self._told_at: datetime | None = None

    def __call__(self, now: datetime) -> None:
        """Tell, where it is time and something has changed."""
        if self._told_at is not None and timedelta(0) <= now - self._told_at < _AGAIN:
            return
        self._told_at = now
        if words := change_told(self._connection):
            _log.warning("%s", words, extra={"action": "region_file_changed"})


def _fingerprints(declared: Declaration) -> dict[str, str]:
    """Return a digest of each part that decides what is read, or made of it; without defaults, so what the language learns changes none."""
    source = declared.source.model_dump(mode="json", exclude_defaults=True, include=set(WHAT))
    source.get("cursor", {}).pop("overlap_s", None)  # how late a change may appear, not which
    mapping = declared.mapping.model_dump(mode="json", exclude_defaults=True)
    parts = {**source, "regencies": sorted(declared.regencies), "mapping": mapping}
    return {part: hashlib.sha256(json.dumps(told).encode()).hexdigest() for part, told in parts.items()}


def _read_by(connection: sqlite3.Connection) -> dict[str, str]:
    return dict(connection.execute("select part, fingerprint from read_by").fetchall())


def _is_there(connection: sqlite3.Connection) -> bool:
    return connection.execute("select 1 from sqlite_schema where name = 'region_change'").fetchone() is not None


def _has_read(connection: sqlite3.Connection, declared: Declaration) -> bool:
    """Return whether something was read that is not read again by itself: files that were put aside as a whole are."""
    position, sent, aside, rows_aside = connection.execute(
        "select position, delivered + spooled, quarantined, exists (select 1 from quarantine where field <> '') from adapter"
    ).fetchone()
    if isinstance(declared.source, FilesSource):
        return bool(sent or rows_aside)
    return bool(sent or aside or position is not None)


def _remedy(declared: Declaration, file: str) -> str:
    """Return what brings back what the old region file left out."""
    pushing: Collection[str] = PUSHING_KINDS
    if declared.source.kind in pushing:
        return f"have the source send everything again, it is taken anew; then muara adapter status {file} --settled"
    all_again = f"muara adapter resend {file} --since 1970-01-01 reads all again"
    if isinstance(declared.source, RestSource) and declared.source.snapshot is not None:
        return f"{all_again}, as far back as its change feed reaches; where that is not to the beginning, remove the adapter's file"
    return all_again
