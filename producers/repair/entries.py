"""
The quarantine as a person looks at it: entry by entry, or counted by what is wrong.

Why: whoever is on duty asks which faults there are, how many of each, and which of them can still be repaired.
Must not: open a sealed record (`opened` in producers/sealed.py does), or write anything.
"""

import sqlite3
from collections import Counter, deque
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from hashlib import blake2b
from pathlib import Path

from producers.repair.match import Match
from schemas.errors import Fatal

__all__ = ["Entry", "Group", "NoSuchEntry", "entries", "entry", "grouped", "id_of", "in_order", "listed"]

_CHUNK = 200
"""Entries held at once; a repair's transaction is as large, and an adapter that runs waits for it."""
_MOST_VALUES = 3
_COLUMNS = "quarantine.rowid, quarantine.mark, put_at, place, field, cause, value"


class NoSuchEntry(Fatal):
    """there is {found} {which} in quarantine: give its id as muara rejected list --region FILE shows it"""


@dataclass(frozen=True, slots=True)
class Entry:
    """One record, or file, put aside; `number` is its place in the order, which grows whenever it is put aside again."""

    number: int
    mark: bytes
    put_at: datetime
    place: str
    field: str
    cause: str
    value: str
    """The value at fault, masked."""
    kept: bool
    """Whether its record is kept, sealed."""

    @property
    def id(self) -> str:
        """What people call it: the same however often it is put aside."""
        return id_of(self.mark)


@dataclass(frozen=True, slots=True)
class Group:
    """Entries of one field and cause: how many, of how many the record is kept, commonest values (masked), times, the newest one's id."""

    count: int
    kept: int
    field: str
    cause: str
    values: Sequence[str]
    first_at: datetime
    last_at: datetime
    example: str


def id_of(mark: bytes) -> str:
    """Return what people call the entry of a mark, 12 letters; a mark may be the name of a file."""
    return blake2b(mark, digest_size=6).hexdigest()


def entries(state_file: Path, match: Match) -> Iterator[Entry]:
    """Give what is in quarantine and meant, the oldest first, of an adapter that runs or does not."""
    with closing(sqlite3.connect(f"file:{state_file}?mode=ro", uri=True)) as connection:
        for chunk in in_order(connection):
            yield from (one for one in chunk if match.means(one))


def in_order(connection: sqlite3.Connection) -> Iterator[list[Entry]]:
    """
    Give everything in quarantine as it is now, the oldest first, some at a time.

    What is put aside meanwhile, again or anew, is not seen; each time is a query of its own, so no writer waits.
    """
    newest = connection.execute("select max(rowid) from quarantine").fetchone()[0]
    any_kept = connection.execute("select 1 from sqlite_schema where name = 'sealed'").fetchone() is not None
    kept, joined = ("sealed.seq is not null", " left join sealed on sealed.mark = quarantine.mark") if any_kept else ("0", "")
    after = 0
    while newest is not None:
        rows = connection.execute(
            f"select {_COLUMNS}, {kept} from quarantine{joined} where quarantine.rowid > ? and quarantine.rowid <= ?"  # noqa: S608 - texts of ours
            " order by quarantine.rowid limit ?",
            (after, newest, _CHUNK),
        ).fetchall()
        if not rows:
            return
        after = rows[-1][0]
        yield [
            Entry(number, mark, datetime.fromisoformat(put_at), place, field, cause, value, bool(is_kept))
            for number, mark, put_at, place, field, cause, value, is_kept in rows
        ]


def listed(state_file: Path, match: Match, limit: int) -> list[Entry]:
    """Return what is meant, the newest first, at most `limit`."""
    return list(deque(entries(state_file, match), limit))[::-1]


def grouped(state_file: Path, match: Match) -> list[Group]:
    """Return what is meant, counted by field and cause, the most first."""
    found: dict[tuple[str, str], list[Entry]] = {}
    for one in entries(state_file, match):
        found.setdefault((one.field, one.cause), []).append(one)
    groups = [
        Group(
            len(some),
            sum(one.kept for one in some),
            field,
            cause,
            [value for value, _ in Counter(one.value for one in some).most_common(_MOST_VALUES)],
            some[0].put_at,
            some[-1].put_at,
            some[-1].id,
        )
        for (field, cause), some in found.items()
    ]
    return sorted(groups, key=lambda one: (-one.count, one.field, one.cause))


def entry(state_file: Path, which: str) -> Entry:
    """Return the entry of an id, or of its beginning; raises `NoSuchEntry`."""
    found = [one for one in entries(state_file, Match()) if one.id.startswith(which)] if which else []
    if len(found) != 1:
        raise NoSuchEntry(which=which or "without an id", found="no entry" if not found else f"more than one ({len(found)})")
    return found[0]
