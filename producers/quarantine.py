"""
The quarantine: records and files that cannot become events, with field, cause and masked value.

Why: what cannot be read is never dropped silently and never stops the next record; a person mends the source or the mapping.
Must not: hold a record's content but sealed (producers/sealed.py): it may name people.
"""

import dataclasses
import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from producers.checkpoint import WITHHELD, StateFile
from producers.faults import FileUnreadable, RecordUnreadable
from producers.sealed import keep_sealed
from producers.sealing import Seal

__all__ = ["PutAside", "causes", "forget_files", "put_aside", "quarantined", "take_back", "take_back_records"]

_MOST = 100_000
"""Entries kept; a source that went wrong as a whole must not fill the disk. The oldest give way."""


@dataclass(frozen=True, slots=True)
class PutAside:
    """What was put aside: the mark it is known by, where it lay (file, or change feed), and what is wrong."""

    mark: bytes
    place: str
    field: str
    cause: str
    value: str
    told: bytes | None = dataclasses.field(default=None, repr=False, compare=False)
    """The record as its source told it, to be sealed; None where it is not kept."""

    @classmethod
    def record(cls, mark: bytes, place: str, fault: RecordUnreadable, told: bytes | None = None) -> "PutAside":
        """Return a record put aside for a fault."""
        return cls(mark, place, str(fault.facts["field"]), str(fault.facts["cause"]), str(fault.facts["value"]), told)

    @classmethod
    def file(cls, fault: FileUnreadable) -> "PutAside":
        """Return a whole file put aside for a fault."""
        name = str(fault.facts["file"])
        return cls(name.encode(), name, "", str(fault.facts["cause"]), "")

    @classmethod
    def withheld(cls, name: str, ends: int, rows: int) -> "PutAside":
        """Return what a snapshot that is taken in leaves open: households that it does not show, and rows that may be theirs."""
        why = f"{rows} rows of this snapshot cannot be read and may be theirs" if rows else "its rows can be read now, drop it again"
        return cls(f"{WITHHELD} {name}".encode(), name, WITHHELD, f"is withheld from {ends} households: {why}", str(ends))

    @classmethod
    def header(cls, name: str, others: int) -> "PutAside":
        """Return what is told of a file that was taken in although its header has columns that are not declared: once, of the newest."""
        return cls(
            f"header {others}".encode(), name, "header", f"has {others} columns that are not declared: they are dropped", str(others)
        )


def put_aside(state: StateFile, items: Iterable[PutAside], now: datetime, seal: Seal | None = None) -> None:
    """
    Add to the quarantine; belongs into the transaction that moves the read position. What was put aside before is only renewed.

    With a seal the records are kept, sealed, for whoever repairs them; their tables must be there (`producers.sealed.make_tables`).
    """
    items = list(items)
    rows = [(item.mark, now.isoformat(), item.place, item.field, item.cause, item.value) for item in items]
    if not rows:
        return
    if seal is not None:
        keep_sealed(state.connection, ((item.mark, item.place, item.told) for item in items), seal)
    state.connection.executemany(
        "insert or replace into quarantine (mark, put_at, place, field, cause, value) values (?, ?, ?, ?, ?, ?)", rows
    )
    over = state.connection.execute("select count(*) from quarantine").fetchone()[0] - _MOST
    if over > 0:
        state.connection.execute("delete from quarantine where rowid in (select rowid from quarantine order by rowid limit ?)", (over,))
    state.connection.execute("update adapter set quarantined = ?", (_MOST + min(over, 0),))


def take_back(state: StateFile, place: str) -> None:
    """Forget what was put aside of a place (a file), because it is being read again; belongs into the same transaction."""
    if state.connection.execute("delete from quarantine where place = ?", (place,)).rowcount:
        _count(state)


def forget_files(state: StateFile, causes: Iterable[str]) -> None:
    """
    Forget whole files that were put aside for any of these causes, because every file is judged anew; belongs into a transaction.

    What is wrong with a file's name lies under what stands for it, which nobody finds again once the region file reads such names.
    """
    if state.connection.executemany("delete from quarantine where field = '' and cause = ?", [(cause,) for cause in causes]).rowcount > 0:
        _count(state)


def take_back_records(state: StateFile, marks: Iterable[bytes], before: datetime | None = None) -> None:
    """
    Forget records put aside, because the source said them anew in a way that can be read; belongs into the same transaction.

    With `before` only those that were put aside earlier than that.
    """
    upto = before.isoformat() if before is not None else "~"  # greater than every time
    if state.connection.executemany("delete from quarantine where mark = ? and put_at < ?", [(mark, upto) for mark in marks]).rowcount > 0:
        _count(state)


def quarantined(state_file: Path) -> Sequence[PutAside]:
    """Return what is in quarantine, the newest last, of an adapter that runs or does not."""
    connection = sqlite3.connect(f"file:{state_file}?mode=ro", uri=True)
    try:
        rows = connection.execute("select mark, place, field, cause, value from quarantine order by rowid").fetchall()
    finally:
        connection.close()
    return [PutAside(*row) for row in rows]


def causes(state_file: Path, most: int) -> Sequence[tuple[str, str, int]]:
    """Return field, cause and count of what is in quarantine, the most frequent first, at most so many; an adapter may run or not."""
    connection = sqlite3.connect(f"file:{state_file}?mode=ro", uri=True)
    statement = "select field, cause, count(*) from quarantine group by field, cause order by count(*) desc, field, cause limit ?"
    try:
        return connection.execute(statement, (most,)).fetchall()
    finally:
        connection.close()


def _count(state: StateFile) -> None:
    state.connection.execute("update adapter set quarantined = (select count(*) from quarantine)")
