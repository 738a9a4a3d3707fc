"""
What the files source remembers, in the adapter's file: which snapshots were read, who was shown where, who was said to be gone.

Why: a household that is missing tells something only beside the snapshots before; pseudonyms and numbers suffice for that.
Must not: hold a row's content or an identifier; decide what follows (presence.py does).
"""

import re
import sqlite3
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from heapq import merge
from itertools import groupby, islice

from producers.sources.folder import OLDER, READ, FileKnown
from producers.sources.packed import TABLE, found_in, raise_revisions, showings_of, write_showings
from producers.sources.presence import NEVER, Gone, Past, Saying, Shown
from producers.sources.snapshot import Named
from schemas.events import Operation

__all__ = [
    "Showings",
    "forget_refusals",
    "keep_loaded",
    "keep_read",
    "keep_refused",
    "keep_sayings",
    "keep_shown",
    "make_tables",
    "start_over",
]

_TABLES = """
create table if not exists file (
  name text primary key, size integer not null, changed integer not null, state text not null, judged integer not null,
  village text, period integer, exported integer, complete integer) strict, without rowid;
create table if not exists refused (
  name text primary key, size integer not null, changed integer not null, state text not null,
  judged integer not null) strict, without rowid;
create table if not exists turn (one integer primary key check (one = 1), number integer not null) strict;
insert or ignore into turn values (1, 0);
create table if not exists first_load (one integer primary key check (one = 1), over integer not null) strict;
insert or ignore into first_load values (1, 0);
create table if not exists seen (household blob, village text, primary key (household, village)) strict, without rowid;
create table if not exists moved (village text, household blob, primary key (village, household)) strict, without rowid;
create table if not exists gone (
  household blob, region text, period integer, operation text not null, revision integer not null,
  primary key (household, region, period)) strict, without rowid;
create table if not exists unshown (
  household blob, village text, period integer, primary key (household, village, period)) strict, without rowid;
create table if not exists owed (
  village text, period integer, household blob, region text not null, operation text not null, revision integer not null,
  recorded integer not null, primary key (village, period, household)) strict, without rowid;
create table if not exists owed_file (
  name text primary key, size integer not null, changed integer not null, after blob not null) strict, without rowid;
"""
_ALL = f"{_TABLES}{TABLE}"
# seen: the villages that ever showed a household. moved: of those, the households with anything but showings of this one village.
# first_load: whether all that was there when the adapter was started first has been read once.
# unshown: whom a snapshot showed that a later one of its place is without. owed, owed_file: what is decided and not said yet (owing.py).
_OLDER = ("shown", "snapshot", "seen", "moved", "gone", "file", "refused")
"""Tables of older layouts, of which one is known by `shown`, one by a `snapshot` in one piece."""
_TOGETHER = 500
"""Households that are asked for at once; SQLite takes 32,766 parameters."""
_SAYINGS = 5_000
"""Sayings that are remembered at once."""


def make_tables(connection: sqlite3.Connection) -> None:
    """Make the tables where there are none; those of an older layout go, and the files are read once more."""
    tables = dict(connection.execute("select name, sql from sqlite_master where type = 'table'"))
    if "shown" in tables or " last " not in tables.get("snapshot", " last "):
        for table in _OLDER:
            connection.execute(f"drop table if exists {table}")
    connection.executescript(_ALL)


def start_over(connection: sqlite3.Connection) -> None:
    """
    Forget everything, so that every file is read as if for the first time: under another key households have other names.

    What is said of them then has the revisions that it had, which follow from the files alone (presence.py).
    """
    for table in re.findall(r"create table if not exists (\w+)", _ALL):
        connection.execute(f"drop table if exists {table}")


def forget_refusals(connection: sqlite3.Connection) -> None:
    """Forget which files were put aside, so that they are judged anew: a mended region file may read them."""
    make_tables(connection)
    connection.execute("delete from refused")
    _turn(connection)


class Showings:
    """The files source's memory of households, seen through one connection."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        """Use a connection to the adapter's file."""
        self._connection = connection

    def first_load(self) -> bool:
        """Return whether what was there when nothing was known yet is still being read."""
        return not self._connection.execute("select over from first_load").fetchone()[0]

    def newest(self, village: str) -> int:
        """Return the last period for which a village's snapshot was taken in."""
        found = self._connection.execute("select max(period) from snapshot where village = ?", (village,)).fetchone()[0]
        return NEVER if found is None else int(found)

    def held(self, village: str, after: int, upto: int) -> Iterator[bytes]:
        """Give the households that a village showed in any of a range of periods, both ends included, in order and each once."""
        asked = "select distinct period from snapshot where village = ? and period between ? and ?"
        periods = self._connection.execute(asked, (village, after, upto)).fetchall()
        several = [(household for household, _, _ in showings_of(self._connection, village, period)) for (period,) in periods]
        return (household for household, _ in groupby(merge(*several))) if len(several) > 1 else iter(several[0] if several else ())

    def moved(self, village: str, first: bytes, last: bytes) -> set[bytes]:
        """Return a village's households, of a range, of which anything else is known than that it showed them."""
        asked = "select household from moved where village = ? and household between ? and ?"
        return {household for (household,) in self._connection.execute(asked, (village, first, last))}

    def living_elsewhere(self, village: str, behind: bytes, upto: bytes) -> set[bytes]:
        """Return a village's households of a range, its end included, that another village has shown as well."""
        asked = (
            "select household from moved where village = ? and household > ? and household <= ?"
            " and exists (select 1 from seen where seen.household = moved.household and seen.village != moved.village)"
        )
        return {household for (household,) in self._connection.execute(asked, (village, behind, upto))}

    def seen(self, households: Sequence[bytes]) -> dict[bytes, list[str]]:
        """Return the villages that ever showed any of some households, by household."""
        found: dict[bytes, list[str]] = {}
        for some in _parts(households):
            asked = f"select household, village from seen where household in {_marks(some)}"  # noqa: S608 - question marks
            for household, village in self._connection.execute(asked, some):
                found.setdefault(household, []).append(village)
        return found

    def pasts(self, households: Sequence[bytes], region: str) -> dict[bytes, Past]:
        """Return all that is known of some households within one regency."""
        shown: dict[bytes, list[Shown]] = {household: [] for household in households}
        gone: dict[bytes, dict[int, Gone]] = {household: {} for household in households}
        unshown: dict[bytes, set[tuple[str, int]]] = {household: set() for household in households}
        by_village: dict[str, set[bytes]] = defaultdict(set)
        for household, villages in self.seen(households).items():
            for village in villages:
                if village[:5] == region:
                    by_village[village].add(household)
        for village, some in by_village.items():
            for period, (household, exported, revision) in found_in(self._connection, village, some):
                shown[household].append(Shown(period, village, exported, revision))
        for some_of in _parts(households):
            asked = f"select household, period, operation, revision from gone where household in {_marks(some_of)} and region = ?"  # noqa: S608
            for household, period, word, revision in self._connection.execute(asked, (*some_of, region)):
                gone[household][period] = Gone(Operation(word), revision)
            asked = f"select household, village, period from unshown where household in {_marks(some_of)} and village like ?"  # noqa: S608
            for household, village, period in self._connection.execute(asked, (*some_of, f"{region}%")):
                unshown[household].add((village, period))
        return {one: Past(shown[one], gone[one], {}, frozenset(unshown[one])) for one in households}


def _parts(households: Sequence[bytes]) -> Iterator[Sequence[bytes]]:
    return (households[begin : begin + _TOGETHER] for begin in range(0, len(households), _TOGETHER))


def _marks(values: Sequence[bytes]) -> str:
    """Return as many question marks as there are values."""
    return f"({', '.join('?' * len(values))})"


# ---- what is written, each within the transaction that spools the events ---------------------------------------------------------


def keep_loaded(connection: sqlite3.Connection) -> None:
    """Remember that the first load is over."""
    connection.execute("update first_load set over = 1")


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
    _turn(connection)


def keep_refused(connection: sqlite3.Connection, name: str, known: FileKnown) -> None:
    """Remember that a file was put aside as it is now; if it counted as it was before, that goes on counting."""
    connection.execute(
        "insert or replace into refused (name, size, changed, state, judged) values (?, ?, ?, ?, ?)",
        (name, known.size, known.changed, known.state, known.judged),
    )
    _turn(connection)


def _turn(connection: sqlite3.Connection) -> None:
    """Note that what is known of files has changed, for whoever holds it in memory."""
    connection.execute("update turn set number = number + 1")


def keep_shown(
    connection: sqlite3.Connection,
    told: Named,
    shown: Iterable[tuple[bytes, int]],
    others: Iterable[tuple[bytes, bool]],
    *,
    complete: bool,
) -> None:
    """
    Remember whom a snapshot shows, each with the revision said and in their order.

    Whom an earlier snapshot of the place showed and this one does not is remembered as such if this one is complete, else as shown.
    `others` are the households that this village may not have shown before, each with whether another one may have.
    """
    place = (told.village, told.period)
    now = ((household, told.exported, revision) for household, revision in shown)
    write_showings(connection, *place, _together(connection, told, now, complete=complete))
    left = iter(others)
    while some := list(islice(left, _TOGETHER)):
        connection.executemany("insert or ignore into seen (household, village) values (?, ?)", [(one, told.village) for one, _ in some])
        if elsewhere := [one for one, elsewhere in some if elsewhere]:
            connection.execute(
                "insert or ignore into moved (village, household) select village, household from seen where household in"  # noqa: S608
                f" (select household from seen where household in {_marks(elsewhere)} group by household having count(*) > 1)",
                elsewhere,
            )


def _together(
    connection: sqlite3.Connection, told: Named, now: Iterator[tuple[bytes, int, int]], *, complete: bool
) -> Iterator[tuple[bytes, int, int]]:
    """Give what a snapshot shows, with what stays of one before."""
    before = showings_of(connection, told.village, told.period)
    old = next(before, None)
    for one in now:
        while old is not None and old[0] < one[0]:
            yield from _left(connection, told, old, complete=complete)
            old = next(before, None)
        if old is not None and old[0] == one[0]:
            old = next(before, None)
        yield one
    while old is not None:
        yield from _left(connection, told, old, complete=complete)
        old = next(before, None)


def _left(connection: sqlite3.Connection, told: Named, old: tuple[bytes, int, int], *, complete: bool) -> Iterator[tuple[bytes, int, int]]:
    """Give a showing that a later snapshot of the place is without, or note that it is taken away."""
    if not complete:
        yield old
    else:
        connection.execute("insert or ignore into moved (village, household) values (?, ?)", (told.village, old[0]))
        connection.execute(
            "insert or ignore into unshown (household, village, period) values (?, ?, ?)", (old[0], told.village, told.period)
        )


def keep_sayings(connection: sqlite3.Connection, region: str, sayings: Iterable[tuple[bytes, Saying]]) -> None:
    """Remember under which revision each was said."""
    left = iter(sayings)
    while some := list(islice(left, _SAYINGS)):
        upserts: dict[tuple[str, int], dict[bytes, int]] = defaultdict(dict)
        gone: list[tuple[bytes, Saying]] = []
        for household, said in some:
            if said.operation is Operation.UPSERT:
                upserts[said.village, said.period][household] = said.revision
            else:
                gone.append((household, said))
        for place, revisions in upserts.items():
            raise_revisions(connection, *place, revisions)
        connection.executemany(
            "insert or replace into gone (household, region, period, operation, revision) values (?, ?, ?, ?, ?)",
            [(household, region, said.period, said.operation.value, said.revision) for household, said in gone],
        )
        connection.executemany(
            "insert or ignore into moved (village, household) select village, household from seen where household = ?",
            [(household,) for household in {household for household, _ in gone}],
        )
