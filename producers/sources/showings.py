"""
What the files source remembers, in the adapter's file: which snapshots were read, who was shown where, who was said to be gone.

Why: a household that is missing tells something only beside the snapshots before; pseudonyms and numbers suffice for that.
Must not: hold a row's content or an identifier; decide what follows (presence.py does).
"""

import sqlite3
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from producers.sources.presence import Gone, Past, Saying, Shown
from producers.sources.snapshot import Named
from schemas.events import Operation

__all__ = [
    "ASIDE",
    "LOSS",
    "OLDER",
    "READ",
    "FileKnown",
    "Showings",
    "Snapshots",
    "forget_refusals",
    "keep_read",
    "keep_refused",
    "keep_sayings",
    "keep_shown",
    "make_tables",
]

_TABLES = """
create table if not exists file (
  name text primary key, size integer not null, changed integer not null, state text not null, judged integer not null,
  village text, period integer, exported integer, complete integer) strict, without rowid;
create table if not exists refused (
  name text primary key, size integer not null, changed integer not null, state text not null,
  judged integer not null) strict, without rowid;
create table if not exists shown (
  household blob, village text, period integer, exported integer not null, revision integer not null,
  primary key (household, village, period)) strict, without rowid;
create index if not exists shown_village on shown (village, period);
create table if not exists gone (
  household blob, region text, period integer, operation text not null, revision integer not null,
  primary key (household, region, period)) strict, without rowid;
"""
READ, ASIDE, LOSS, OLDER = "read", "aside", "loss", "older"
"""
States of a file: it counts; it cannot be read; it would end too many; another of its village and period was exported later.

The second and third are refusals. They stand in a table of their own: a file that counts may change and be refused as it is now, and
what it said before goes on counting, while the refusal can be judged again, and forgotten, like any other.
"""


@dataclass(frozen=True, slots=True)
class FileKnown:
    """A file as it was when it was judged, and how many snapshots counted then."""

    size: int
    changed: int
    state: str
    judged: int


@dataclass(frozen=True, slots=True)
class Snapshots:
    """The snapshots that count: when each was exported, by village and period, and the periods of those that tell who is missing."""

    exported: Mapping[tuple[str, int], int]
    complete: Mapping[str, Sequence[int]]

    def with_one(self, told: Named, *, complete: bool) -> "Snapshots":
        """Return them with one more, or with one replaced."""
        periods = {*self.complete.get(told.village, ())} - {told.period} | ({told.period} if complete else set())
        return Snapshots(
            {**self.exported, (told.village, told.period): told.exported}, {**self.complete, told.village: tuple(sorted(periods))}
        )


def make_tables(connection: sqlite3.Connection) -> None:
    """Make the tables where there are none."""
    connection.executescript(_TABLES)


def forget_refusals(connection: sqlite3.Connection) -> None:
    """Forget which files were put aside, so that they are judged anew: a mended region file may read them."""
    make_tables(connection)
    connection.execute("delete from refused")


class Showings:
    """The files source's memory, seen through one connection."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        """Use a connection to the adapter's file."""
        self._connection = connection

    def files(self) -> dict[str, FileKnown]:
        """Return all files that were judged, by name, each as it was judged last."""
        rows = self._connection.execute(
            "select name, size, changed, state, judged from refused union all"
            " select name, size, changed, state, judged from file where name not in (select name from refused)"
        )
        return {name: FileKnown(*rest) for name, *rest in rows}

    def count(self) -> int:
        """Return how many snapshots were ever taken in; a file put aside is judged again when it grows."""
        return int(self._connection.execute("select count(*) from file where state in (?, ?)", (READ, OLDER)).fetchone()[0])

    def snapshots(self) -> Snapshots:
        """Return the snapshots that count."""
        exported: dict[tuple[str, int], int] = {}
        complete: dict[str, list[int]] = defaultdict(list)
        rows = self._connection.execute(
            "select village, period, exported, complete from file where state = ? order by village, period", (READ,)
        )
        for village, period, at, is_complete in rows:
            exported[village, period] = at
            if is_complete:
                complete[village].append(period)
        return Snapshots(exported, complete)

    def file_of(self, village: str, period: int) -> str | None:
        """Return the name of the snapshot that counts of a village and period."""
        found = self._connection.execute(
            "select name from file where state = ? and village = ? and period = ?", (READ, village, period)
        ).fetchone()
        return None if found is None else str(found[0])

    def counted(self, name: str) -> tuple[int, int] | None:
        """Return size and time of change of a file as it was when it was taken in."""
        found: tuple[int, int] | None = self._connection.execute("select size, changed from file where name = ?", (name,)).fetchone()
        return found

    def following(self, exported: int, name: str | None) -> str | None:
        """Return the name of the next snapshot that counts and is not refused as it is now, of those exported at a time or later."""
        found = self._connection.execute(
            "select name from file where state = ? and exported >= ? and name not in (select name from refused)"
            " and (? is null or (exported, name) > (select exported, name from file where name = ?)) order by exported, name limit 1",
            (READ, exported, name, name),
        ).fetchone()
        return None if found is None else str(found[0])

    def held(self, village: str, after: int, upto: int) -> set[bytes]:
        """Return the households that a village showed in any of a range of periods, both ends included."""
        rows = self._connection.execute("select household from shown where village = ? and period between ? and ?", (village, after, upto))
        return {household for (household,) in rows}

    def past(self, household: bytes, region: str) -> Past:
        """Return all that is known of a household within one regency."""
        shown = self._connection.execute(
            "select period, village, exported, revision from shown where household = ? and substr(village, 1, 5) = ?", (household, region)
        )
        gone = self._connection.execute(
            "select period, operation, revision from gone where household = ? and region = ?", (household, region)
        )
        return Past([Shown(*row) for row in shown], {period: Gone(Operation(word), revision) for period, word, revision in gone}, {})


def keep_read(connection: sqlite3.Connection, name: str, known: FileKnown, told: Named, *, complete: bool = False) -> None:
    """Remember a snapshot; one that counts takes the place of the one of its village and period before."""
    connection.execute("delete from refused where name = ?", (name,))
    if known.state == READ:
        connection.execute(
            "update file set state = ? where state = ? and village = ? and period = ?", (OLDER, READ, told.village, told.period)
        )
    connection.execute(
        "insert or replace into file (name, size, changed, state, judged, village, period, exported, complete)"
        " values (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (name, known.size, known.changed, known.state, known.judged, told.village, told.period, told.exported, int(complete)),
    )


def keep_refused(connection: sqlite3.Connection, name: str, known: FileKnown) -> None:
    """Remember that a file was put aside as it is now; if it counted as it was before, that goes on counting."""
    connection.execute(
        "insert or replace into refused (name, size, changed, state, judged) values (?, ?, ?, ?, ?)",
        (name, known.size, known.changed, known.state, known.judged),
    )


def keep_shown(connection: sqlite3.Connection, told: Named, shown: Iterable[tuple[bytes, int]], withdrawn: Iterable[bytes]) -> None:
    """Remember whom a snapshot shows, each with the revision said, and whom it no longer shows."""
    connection.executemany(
        "delete from shown where household = ? and village = ? and period = ?",
        [(household, told.village, told.period) for household in withdrawn],
    )
    connection.executemany(
        "insert or replace into shown (household, village, period, exported, revision) values (?, ?, ?, ?, ?)",
        [(household, told.village, told.period, told.exported, revision) for household, revision in shown],
    )


def keep_sayings(connection: sqlite3.Connection, region: str, sayings: Iterable[tuple[bytes, Saying]]) -> None:
    """Remember under which revision each was said."""
    for household, said in sayings:
        if said.operation is Operation.UPSERT:
            connection.execute(
                "update shown set revision = max(revision, ?) where household = ? and village = ? and period = ?",
                (said.revision, household, said.village, said.period),
            )
        else:
            connection.execute(
                "insert or replace into gone (household, region, period, operation, revision) values (?, ?, ?, ?, ?)",
                (household, region, said.period, said.operation.value, said.revision),
            )
