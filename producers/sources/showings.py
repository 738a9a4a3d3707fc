"""
What the files source remembers, in the adapter's file: which snapshots were read, who was shown where, who was said to be gone.

Why: a household that is missing tells something only beside the snapshots before; pseudonyms and numbers suffice for that.
Must not: hold a row's content or an identifier; decide what follows (presence.py does).
"""

import re
import sqlite3
import struct
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from heapq import merge
from itertools import groupby

from producers.sources.folder import OLDER, READ, FileKnown
from producers.sources.presence import NEVER, Gone, Past, Saying, Shown
from producers.sources.snapshot import Named
from schemas.events import Operation

__all__ = [
    "Showings",
    "forget_refusals",
    "keep_read",
    "keep_refused",
    "keep_sayings",
    "keep_shown",
    "make_tables",
    "start_over",
]

_SAID_BEFORE = "create table if not exists said_before (one integer primary key check (one = 1), revision integer not null) strict"
"""It outlives all other tables (`start_over`)."""
_TABLES = """
create table if not exists file (
  name text primary key, size integer not null, changed integer not null, state text not null, judged integer not null,
  village text, period integer, exported integer, complete integer) strict, without rowid;
create table if not exists refused (
  name text primary key, size integer not null, changed integer not null, state text not null,
  judged integer not null) strict, without rowid;
create table if not exists turn (one integer primary key check (one = 1), number integer not null) strict;
insert or ignore into turn values (1, 0);
create table if not exists snapshot (village text, period integer, shown blob not null, unique (village, period)) strict;
create table if not exists seen (household blob, village text, primary key (household, village)) strict, without rowid;
create table if not exists moved (village text, household blob, primary key (village, household)) strict, without rowid;
create table if not exists gone (
  household blob, region text, period integer, operation text not null, revision integer not null,
  primary key (household, region, period)) strict, without rowid;
"""
# snapshot: whom it shows, packed (below): a row per household would cost a page of the disk each, because households are random.
# seen: the villages that ever showed a household. moved: of those, the households with anything but showings of this one village.
_OLD_LAYOUT = "drop table shown; drop table if exists gone; drop table if exists file; drop table if exists refused;"
_PACKED = struct.Struct(">16sqq")
"""A showing in a snapshot: household, exported, revision; in the order of households."""
_TOGETHER = 500
"""Households that are asked for at once; SQLite takes 32,766 parameters."""
_SEARCH_COST = 16
"""A search by halves takes as long as unpacking so many showings."""


def make_tables(connection: sqlite3.Connection) -> None:
    """Make the tables where there are none; those of an older layout go, and the files are read once more."""
    if connection.execute("select 1 from sqlite_master where type = 'table' and name = 'shown'").fetchone():
        connection.executescript(_OLD_LAYOUT)
    connection.executescript(_TABLES)
    connection.execute(_SAID_BEFORE)


def start_over(connection: sqlite3.Connection) -> None:
    """
    Forget everything, so that every file is read as if for the first time: under another key households have other names.

    But for one number: whatever is said from now on has a greater revision than all that was said before, since among that may be
    retractions which nobody remembers, and a saying under a smaller revision would lose against them.
    """
    connection.execute(_SAID_BEFORE)
    connection.execute("insert or ignore into said_before values (1, 0)")
    connection.execute("update said_before set revision = max(revision, ?)", (_greatest_said(connection),))
    for table in re.findall(r"create table if not exists (\w+)", _TABLES):
        connection.execute(f"drop table if exists {table}")


def _greatest_said(connection: sqlite3.Connection) -> int:
    """Return the greatest revision that was ever said, as far as the memory reaches."""
    if not connection.execute("select 1 from sqlite_master where type = 'table' and name = 'snapshot'").fetchone():
        return NEVER
    greatest = int(connection.execute("select max(revision) from gone").fetchone()[0] or NEVER)
    for (shown,) in connection.execute("select shown from snapshot"):
        greatest = max(greatest, max((revision for _, _, revision in _PACKED.iter_unpack(shown)), default=NEVER))
    return greatest


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

    def least(self) -> int:
        """Return the least revision that may be given: beyond all that was said before the memory was given up."""
        found = self._connection.execute("select max(revision) from said_before").fetchone()[0]
        return NEVER if not found else int(found) + 1

    def newest(self, village: str) -> int:
        """Return the last period for which a village's snapshot was taken in."""
        found = self._connection.execute("select max(period) from snapshot where village = ?", (village,)).fetchone()[0]
        return NEVER if found is None else int(found)

    def held(self, village: str, after: int, upto: int) -> Iterator[bytes]:
        """Give the households that a village showed in any of a range of periods, both ends included, in order and each once."""
        rows = self._connection.execute("select shown from snapshot where village = ? and period between ? and ?", (village, after, upto))
        several = [(household for household, _, _ in _PACKED.iter_unpack(shown)) for (shown,) in rows]
        return (household for household, _ in groupby(merge(*several))) if len(several) > 1 else iter(several[0] if several else ())

    def moved(self, village: str) -> set[bytes]:
        """Return a village's households of which anything else is known than that it showed them."""
        return {household for (household,) in self._connection.execute("select household from moved where village = ?", (village,))}

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
        by_village: dict[str, set[bytes]] = defaultdict(set)
        for household, villages in self.seen(households).items():
            for village in villages:
                if village[:5] == region:
                    by_village[village].add(household)
        for village, some in by_village.items():
            for period, packed in self._connection.execute("select period, shown from snapshot where village = ?", (village,)):
                for household, exported, revision in _found(packed, some):
                    shown[household].append(Shown(period, village, exported, revision))
        for some_of in _parts(households):
            asked = f"select household, period, operation, revision from gone where household in {_marks(some_of)} and region = ?"  # noqa: S608
            for household, period, word, revision in self._connection.execute(asked, (*some_of, region)):
                gone[household][period] = Gone(Operation(word), revision)
        return {household: Past(shown[household], gone[household], {}) for household in households}


def _parts(households: Sequence[bytes]) -> Iterator[Sequence[bytes]]:
    return (households[begin : begin + _TOGETHER] for begin in range(0, len(households), _TOGETHER))


def _marks(values: Sequence[bytes]) -> str:
    """Return as many question marks as there are values."""
    return f"({', '.join('?' * len(values))})"


def _found(packed: bytes, households: set[bytes]) -> Iterator[tuple[bytes, int, int]]:
    """Give those of some households that a snapshot shows, with the time of export and the revision."""
    if _is_many(households, packed):
        yield from (one for one in _PACKED.iter_unpack(packed) if one[0] in households)
        return
    for household in households:
        if (place := _place_of(packed, household)) is not None:
            yield _PACKED.unpack_from(packed, place)


def _is_many(households: Collection[bytes], packed: bytes | bytearray) -> bool:
    """Return whether unpacking a snapshot takes less than searching it for each of some households."""
    return len(households) * _SEARCH_COST > len(packed) // _PACKED.size


def _place_of(packed: bytes | bytearray, household: bytes) -> int | None:
    """Return where a snapshot's bytes have a household; they have them in order."""
    size = _PACKED.size
    at = bisect_left(range(len(packed) // size), household, key=lambda one: bytes(packed[one * size : one * size + len(household)])) * size
    return at if packed[at : at + len(household)] == household else None


# ---- what is written, each within the transaction that spools the events ---------------------------------------------------------


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
    connection: sqlite3.Connection, told: Named, shown: Iterable[tuple[bytes, int]], withdrawn: Sequence[bytes], others: Sequence[bytes]
) -> None:
    """
    Remember whom a snapshot shows, each with the revision said and in their order, and whom it no longer shows.

    `others` are those of them that this village may not have shown before.
    """
    packed = bytearray()
    for household, revision in shown:
        packed += _PACKED.pack(household, told.exported, revision)
    if before := _packed_of(connection, told.village, told.period):
        gone = set(withdrawn).union(household for household, _, _ in _PACKED.iter_unpack(packed))
        kept = [one for one in _PACKED.iter_unpack(before) if one[0] not in gone]
        if kept:
            packed = bytearray().join(_PACKED.pack(*one) for one in sorted([*_PACKED.iter_unpack(packed), *kept]))
    _keep_packed(connection, told.village, told.period, packed)
    connection.executemany("insert or ignore into seen (household, village) values (?, ?)", ((one, told.village) for one in sorted(others)))
    for some in _parts(others):
        connection.execute(
            "insert or ignore into moved (village, household) select village, household from seen where household in"  # noqa: S608
            f" (select household from seen where household in {_marks(some)} group by household having count(*) > 1)",
            some,
        )


def keep_sayings(connection: sqlite3.Connection, region: str, sayings: Iterable[tuple[bytes, Saying]]) -> None:
    """Remember under which revision each was said."""
    upserts: dict[tuple[str, int], dict[bytes, int]] = defaultdict(dict)
    gone: list[tuple[bytes, Saying]] = []
    for household, said in sayings:
        if said.operation is Operation.UPSERT:
            upserts[said.village, said.period][household] = said.revision
        else:
            gone.append((household, said))
    for place, revisions in upserts.items():
        _keep_revisions(connection, *place, revisions)
    connection.executemany(
        "insert or replace into gone (household, region, period, operation, revision) values (?, ?, ?, ?, ?)",
        [(household, region, said.period, said.operation.value, said.revision) for household, said in gone],
    )
    connection.executemany(
        "insert or ignore into moved (village, household) select village, household from seen where household = ?",
        [(household,) for household in {household for household, _ in gone}],
    )


def _keep_revisions(connection: sqlite3.Connection, village: str, period: int, revisions: Mapping[bytes, int]) -> None:
    """Raise the revisions of some of a snapshot's showings to those said."""
    packed = bytearray(_packed_of(connection, village, period))
    if _is_many(revisions, packed):
        places = {household: number * _PACKED.size for number, (household, _, _) in enumerate(_PACKED.iter_unpack(packed))}
    else:
        places = {household: place for household in revisions if (place := _place_of(packed, household)) is not None}
    for household, revision in revisions.items():
        if (at := places.get(household)) is not None:
            _, exported, before = _PACKED.unpack_from(packed, at)
            _PACKED.pack_into(packed, at, household, exported, max(before, revision))
    if packed:
        _keep_packed(connection, village, period, packed)


def _packed_of(connection: sqlite3.Connection, village: str, period: int) -> bytes:
    found = connection.execute("select shown from snapshot where village = ? and period = ?", (village, period)).fetchone()
    return b"" if found is None else bytes(found[0])


def _keep_packed(connection: sqlite3.Connection, village: str, period: int, packed: bytearray) -> None:
    connection.execute(
        "insert into snapshot (village, period, shown) values (?, ?, ?) on conflict (village, period) do update set shown = excluded.shown",
        (village, period, packed),
    )
