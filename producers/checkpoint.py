"""
The adapter's one file (SQLite): what was read so far, and what is waiting, quarantined or delivered; and its status, for anyone to read.

Why: events and the new read position are committed together, so `kill -9` at any moment loses nothing and skips nothing.
Must not: be the only holder of anything: a lost file means starting over from the source, and nothing changes downstream.
"""

import contextlib
import fcntl
import os
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from itertools import chain
from pathlib import Path
from typing import Self

from producers.backfill import FirstLoad
from producers.backfill_log import first_load
from producers.faults import AdapterRuns, DiskRefuses, StateFileForeign
from producers.region_change import change_told

__all__ = ["WITHHELD", "AdapterStatus", "StateFile", "disk_faults", "exclusive", "insert", "status", "transaction"]

_VERSION = 1
_TABLES = """
create table if not exists adapter (
  one integer primary key check (one = 1), source text not null, position text, asked_at text, nothing_more integer not null default 0,
  reading text not null default 'starting', reading_why text not null default '',
  sending text not null default 'starting', sending_why text not null default '',
  spooled integer not null default 0, spooled_bytes integer not null default 0, delivered integer not null default 0,
  quarantined integer not null default 0, pid integer not null default 0) strict;
create table if not exists spool (
  seq integer primary key autoincrement, region text not null, household blob not null, value blob not null) strict;
create index if not exists spool_region on spool (region, seq);
create table if not exists quarantine (
  mark blob primary key, put_at text not null, place text not null, field text not null, cause text not null, value text not null) strict;
create table if not exists schema_id (topic text, fingerprint text, id integer not null, primary key (topic, fingerprint)) strict;
create table if not exists mapping (version integer primary key, fingerprint text not null) strict;
"""
WITHHELD = "END"
"""What stands as field in quarantine where a snapshot withholds ENDs; the value is their number."""
_BUSY_S = 30.0
"""How long a write waits for another connection's: a transaction here takes milliseconds, a slow disk some seconds."""
_DAMAGED = (sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CORRUPT)
_ROWS_AT_ONCE = 100
_FULL = (sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY)


@dataclass(frozen=True, slots=True)
class AdapterStatus:
    """An adapter as it stands; times in UTC."""

    source: str
    position: str | None
    """Where reading goes on; everything before it is spooled or delivered."""
    asked_at: datetime | None
    """When the last reading that was answered began: what the source could tell before then was asked for."""
    reading: str
    sending: str
    spooled: int
    """Events that wait for delivery."""
    spooled_bytes: int
    delivered: int
    """Events delivered since the file was made, repetitions included."""
    quarantined: int
    """Records and files in quarantine."""
    withheld: int
    """ENDs that snapshots do not say, because rows of them that cannot be read may be the households that are missing."""
    caught_up: bool
    """The source said that nothing more is there, and everything read is delivered."""
    pid: int
    backfill: FirstLoad | None
    """The first load that runs beside the changes, or the last one that did; None where there never was one."""
    region_change: str
    """What has changed in the region file since what was read was read, and what to do; empty where nothing has."""

    @property
    def state(self) -> str:
        """Return the state in one phrase: what sending waits for comes first, since reading waits for it in the end."""
        told = self.sending if self.sending.startswith("waiting") else self.reading
        if self.withheld:
            told = f"{told}; {self.withheld} ENDs withheld: correct the rows in quarantine"
        return f"{told}; {self.region_change}" if self.region_change else told


class StateFile:
    """One connection to an adapter's file; each thread has its own."""

    def __init__(self, path: Path, source: str) -> None:
        """Open the file, making it where there is none; raises `StateFileForeign`, or `DiskRefuses`."""
        self.path, self.source = path, source
        with disk_faults(path):
            self.connection = _opened(path)
            try:
                self._set_up(source)
            except BaseException:
                self.connection.close()
                raise

    def _set_up(self, source: str) -> None:
        found = self.connection.execute("pragma user_version").fetchone()[0]
        if found not in (0, _VERSION):
            raise StateFileForeign(file=self.path, why=f"version {found}")
        if found == 0:
            self.connection.executescript(_TABLES)
            self.connection.execute(f"pragma user_version = {_VERSION}")
        self.connection.execute("insert or ignore into adapter (one, source) values (1, ?)", (source,))
        owner = self.connection.execute("select source from adapter").fetchone()[0]
        if owner != source:
            raise StateFileForeign(file=self.path, why=f"it belongs to source {owner}")

    def __enter__(self) -> Self:
        """Give the file; it is closed at the end."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close the connection."""
        self.connection.close()

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """Give the connection within one transaction; what is written is there as a whole or not at all. Raises `DiskRefuses`."""
        with disk_faults(self.path), transaction(self.connection):
            yield self.connection

    def position(self) -> str | None:
        """Return where reading goes on, or None at the beginning."""
        found = self.connection.execute("select position from adapter").fetchone()[0]
        return None if found is None else str(found)

    def move(self, position: str | None, asked_at: datetime, *, nothing_more: bool) -> None:
        """Set the read position; belongs into the transaction that spools what was read up to it."""
        self.connection.execute(
            "update adapter set position = ?, asked_at = ?, nothing_more = ?", (position, asked_at.isoformat(), int(nothing_more))
        )

    def reading(self, state: str, why: str = "") -> None:
        """Set what reading does, for the status."""
        self._tell("update adapter set reading = ?, reading_why = ?", state, why)

    def sending(self, state: str, why: str = "") -> None:
        """Set what sending does, for the status."""
        self._tell("update adapter set sending = ?, sending_why = ?", state, why)

    def start(self) -> None:
        """Note that this process now works on the file, and that nothing is known of the source yet."""
        with self.transaction() as connection:
            connection.execute("update adapter set pid = ?, nothing_more = 0", (os.getpid(),))

    def schema_id(self, topic: str, fingerprint: str) -> int | None:
        """Return the id that the registry gave to a schema for a topic, if it ever did."""
        found = self.connection.execute("select id from schema_id where topic = ? and fingerprint = ?", (topic, fingerprint)).fetchone()
        return found[0] if found else None

    def keep_schema_id(self, topic: str, fingerprint: str, schema_id: int) -> None:
        """Keep the id of a schema, so that a restart needs no registry."""
        with self.transaction() as connection:
            connection.execute("insert or replace into schema_id values (?, ?, ?)", (topic, fingerprint, schema_id))

    def mapping_unchanged(self, version: int, fingerprint: str) -> bool:
        """Return whether the mapping is the one that was used under this version before; an unused version is kept from now on."""
        with self.transaction() as connection:
            connection.execute("insert or ignore into mapping values (?, ?)", (version, fingerprint))
        found = self.connection.execute("select fingerprint from mapping where version = ?", (version,)).fetchone()[0]
        return bool(found == fingerprint)

    def _tell(self, statement: str, state: str, why: str) -> None:
        with self.transaction() as connection:
            connection.execute(statement, (state, why))


@contextmanager
def exclusive(path: Path) -> Iterator[None]:
    """Hold an adapter's file for this process until the end of the block, however it ends; raises `AdapterRuns`."""
    _keep_private(path.with_suffix(".lock"))
    with path.with_suffix(".lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise AdapterRuns(file=path) from error
        yield


@contextmanager
def disk_faults(path: Path) -> Iterator[None]:
    """
    Turn a disk that is full or cannot be written into `DiskRefuses`, a file that is none of SQLite's or damaged into `StateFileForeign`.

    Every other fault is ours.
    """
    try:
        yield
    except sqlite3.DatabaseError as error:
        code = getattr(error, "sqlite_errorcode", 0) & 0xFF
        if code in _FULL:
            raise DiskRefuses(file=path, why=error.sqlite_errorname) from error
        if code in _DAMAGED:
            raise StateFileForeign(file=path, why=str(error)) from error
        raise


@contextmanager
def transaction(connection: sqlite3.Connection) -> Iterator[None]:
    """Run a block as one transaction."""
    connection.execute("begin immediate")
    try:
        yield
    except BaseException:
        if connection.in_transaction:
            connection.execute("rollback")
        raise
    connection.execute("commit")


def insert(connection: sqlite3.Connection, into: str, rows: Sequence[tuple[object, ...]], otherwise: str = "") -> None:
    """
    Insert rows `into` a table with its columns in brackets, many by one statement; `otherwise` is what to do in a conflict.

    SQLite lets other threads of Python go first at each step of a statement, and a statement for each row is a step for each row.
    """
    for begin in range(0, len(rows), _ROWS_AT_ONCE):
        some = rows[begin : begin + _ROWS_AT_ONCE]
        places = ", ".join([f"({', '.join('?' * len(some[0]))})"] * len(some))
        connection.execute(f"insert into {into} values {places} {otherwise}", list(chain.from_iterable(some)))  # noqa: S608 - no value in it


def status(state_file: Path) -> AdapterStatus | None:
    """Return how an adapter stands, running or not; None where its file is not there yet. Raises `StateFileForeign`, `DiskRefuses`."""
    if not state_file.exists():
        return None
    with disk_faults(state_file):
        return _status(state_file)


def _status(state_file: Path) -> AdapterStatus | None:
    connection = sqlite3.connect(f"file:{state_file}?mode=ro", uri=True, isolation_level=None, timeout=_BUSY_S)
    try:
        if connection.execute("pragma user_version").fetchone()[0] != _VERSION:
            return None
        row = connection.execute(
            "select source, position, asked_at, reading, reading_why, sending, sending_why,"
            " spooled, spooled_bytes, delivered, quarantined, nothing_more, pid,"
            " (select coalesce(sum(cast(value as integer)), 0) from quarantine where field = ?) from adapter",
            (WITHHELD,),
        ).fetchone()
        return _as_status(row, first_load(connection), change_told(connection)) if row else None
    finally:
        connection.close()


def _as_status(
    row: tuple[str, str | None, str | None, str, str, str, str, int, int, int, int, int, int, int], load: FirstLoad | None, change: str
) -> AdapterStatus:
    source, position, asked_at, reading, reading_why, sending, sending_why = row[:7]
    spooled, held, delivered, quarantined, nothing_more, pid, withheld = row[7:]
    return AdapterStatus(
        source=source,
        position=position,
        asked_at=datetime.fromisoformat(asked_at) if asked_at else None,
        reading=f"{reading}: {reading_why}" if reading_why else reading,
        sending=f"{sending}: {sending_why}" if sending_why else sending,
        spooled=spooled,
        spooled_bytes=held,
        delivered=delivered,
        quarantined=quarantined,
        withheld=withheld,
        caught_up=bool(nothing_more) and spooled == 0,
        pid=pid,
        backfill=load,
        region_change=change,
    )


def _keep_private(path: Path) -> None:
    """
    Make a file where there is none, for its owner alone, and its folder too; SQLite's files beside it take after it.

    A folder that is there stays as it is: it may be a project's, or a home, in which others have their business.
    """
    if not path.parent.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        with contextlib.suppress(PermissionError):
            path.parent.chmod(0o700)
    # Only where there is none (EXCL): to close a file would let go of all locks that this process has on it by other connections, and two
    # that write at once leave a malformed one. A disk that refuses is told by whoever opens the file.
    with contextlib.suppress(OSError):
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    for part in (path, *(path.with_name(f"{path.name}{end}") for end in ("-wal", "-shm"))):
        with contextlib.suppress(PermissionError, FileNotFoundError):
            part.chmod(0o600)


def _opened(path: Path) -> sqlite3.Connection:
    _keep_private(path)
    connection = sqlite3.connect(path, isolation_level=None, timeout=_BUSY_S, check_same_thread=False)
    connection.execute("pragma journal_mode = wal")
    # NORMAL survives every crash of ours; after a power cut the newest transactions may be missing as a whole, and then
    # what they held is read, or sent, again. FULL would wait for the disk at every page and gain nothing.
    connection.execute("pragma synchronous = normal")
    connection.execute("pragma cache_size = -8000")
    return connection
