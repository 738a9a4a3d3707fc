"""
Whom a snapshot shows, packed into the adapter's file: some thousand showings a row, in the order of households.

Why: a row per household would cost a page of the disk each, because households are random; one row for all would lie in memory as a whole.
Must not: know what a showing means.
"""

import sqlite3
import struct
from bisect import bisect_left
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from itertools import islice

__all__ = ["TABLE", "found_in", "raise_revisions", "showings_of", "write_showings"]

TABLE = """
create table if not exists snapshot (
  village text, period integer, first blob, last blob not null, shown blob not null, unique (village, period, first)) strict;
"""
Showing = tuple[bytes, int, int]
"""A household, the time of export of the snapshot that shows it, and the revision under which that was said."""
_PACKED = struct.Struct(">16sqq")
_PART = 4096
"""Showings of a row: 128 kB."""
_SEARCH_COST = 16
"""A search by halves takes as long as unpacking so many showings."""


def showings_of(connection: sqlite3.Connection, village: str, period: int, after: bytes = b"") -> Iterator[Showing]:
    """Give the showings of a village and period behind a household, in order; in between others may write."""
    where, place = "last > ?", after
    while True:
        asked = f"select first, shown from snapshot where village = ? and period = ? and {where} order by first limit 1"  # noqa: S608
        row = connection.execute(asked, (village, period, place)).fetchone()
        if row is None:
            return
        yield from (one for one in _PACKED.iter_unpack(row[1]) if one[0] > after)
        where, place = "first > ?", row[0]


def write_showings(connection: sqlite3.Connection, village: str, period: int, showings: Iterable[Showing]) -> None:
    """Put showings, given in order, in the place of those of a village and period; they may be made of these."""
    left = iter(showings)
    replaces = next(showings_of(connection, village, period), None) is not None
    # Under the period's negative until all are there, where those that are replaced may still be read.
    rows = (
        (village, -period if replaces else period, some[0][0], some[-1][0], _pack(some))
        for some in iter(lambda: list(islice(left, _PART)), [])
    )
    connection.executemany("insert into snapshot (village, period, first, last, shown) values (?, ?, ?, ?, ?)", rows)
    if replaces:
        connection.execute("delete from snapshot where village = ? and period = ?", (village, period))
        connection.execute("update snapshot set period = ? where village = ? and period = ?", (period, village, -period))


def _pack(showings: Sequence[Showing]) -> bytes:
    return b"".join([_PACKED.pack(*one) for one in showings])


def found_in(connection: sqlite3.Connection, village: str, households: Collection[bytes]) -> Iterator[tuple[int, Showing]]:
    """Give the showings of some households by a village, each with its period."""
    asked = "select period, shown from snapshot where village = ? and first <= ? and last >= ?"
    for period, packed in connection.execute(asked, (village, max(households), min(households))):
        for one in _found(packed, households):
            yield period, one


def _found(packed: bytes, households: Collection[bytes]) -> Iterator[Showing]:
    if _is_many(households, packed):
        yield from (one for one in _PACKED.iter_unpack(packed) if one[0] in households)
        return
    for household in households:
        if (place := _place_of(packed, household)) is not None:
            yield _PACKED.unpack_from(packed, place)


def raise_revisions(connection: sqlite3.Connection, village: str, period: int, revisions: Mapping[bytes, int]) -> None:
    """Raise the revisions of some showings to those said."""
    asked = "select first from snapshot where village = ? and period = ? and first <= ? and last >= ?"
    for (first,) in connection.execute(asked, (village, period, max(revisions), min(revisions))).fetchall():
        at_first = "select shown from snapshot where village = ? and period = ? and first = ?"
        packed = bytearray(connection.execute(at_first, (village, period, first)).fetchone()[0])
        if _is_many(revisions, packed):
            places = {household: number * _PACKED.size for number, (household, _, _) in enumerate(_PACKED.iter_unpack(packed))}
        else:
            places = {household: place for household in revisions if (place := _place_of(packed, household)) is not None}
        changed = False
        for household, at in places.items():
            if (revision := revisions.get(household)) is not None:
                _, exported, before = _PACKED.unpack_from(packed, at)
                _PACKED.pack_into(packed, at, household, exported, max(before, revision))
                changed = True
        if changed:
            connection.execute(
                "update snapshot set shown = ? where village = ? and period = ? and first = ?", (packed, village, period, first)
            )


def _is_many(households: Collection[bytes], packed: bytes | bytearray) -> bool:
    """Return whether unpacking a row takes less than searching it for each of some households."""
    return len(households) * _SEARCH_COST > len(packed) // _PACKED.size


def _place_of(packed: bytes | bytearray, household: bytes) -> int | None:
    """Return where a row's bytes have a household; they have them in order."""
    size = _PACKED.size
    at = bisect_left(range(len(packed) // size), household, key=lambda one: bytes(packed[one * size : one * size + len(household)])) * size
    return at if packed[at : at + len(household)] == household else None
