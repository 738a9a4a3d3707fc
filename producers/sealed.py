"""
The sealed records of a quarantine, in the adapter's file: opened by a person's repair and by nobody else; bounded.

Why: nobody can be asked again for what was pushed, and a whole source need not be read again for one record of it.
Must not: hold a byte that tells anything without the key; keep a record whose entry is gone.
"""

import secrets
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import suppress

from producers.checkpoint import StateFile
from producers.faults import SealForeign, SealOfAnotherKey
from producers.sealing import NONCE_BYTES, Seal

__all__ = ["is_full", "keep_sealed", "make_tables", "opened", "seal_anew"]

_TABLES = """
create table if not exists sealed (
  seq integer primary key autoincrement, mark blob not null unique, key_version integer not null, content blob not null) strict;
create table if not exists sealed_bytes (one integer primary key check (one = 1), bytes integer not null) strict;
insert or ignore into sealed_bytes values (1, 0);
create trigger if not exists sealed_added after insert on sealed
begin update sealed_bytes set bytes = bytes + length(new.content); end;
create trigger if not exists sealed_gone after delete on sealed
begin update sealed_bytes set bytes = bytes - length(old.content); end;
create trigger if not exists sealed_goes_along after delete on quarantine
begin delete from sealed where mark = old.mark; end;
"""
# A trigger, since entries leave in many ways, and no sealed record may be left behind. One that is replaced does not set it off.
_MOST_BYTES = 64 << 20
"""Of all sealed records: some 40,000 families with four members each. The oldest give way, and their entries stay."""
_FULL = 0.875
"""Share of it that is as good as all: a batch more must find room."""
_TOGETHER = 500


def make_tables(connection: sqlite3.Connection) -> None:
    """Make the tables where there are none; not within a transaction."""
    connection.executescript(_TABLES)


def is_full(connection: sqlite3.Connection) -> bool:
    """Return whether a batch more of records put aside may push out older ones, which nobody may be able to tell again."""
    return bool(connection.execute("select bytes from sealed_bytes").fetchone()[0] >= _FULL * _MOST_BYTES)


def _about(mark: bytes, place: str) -> bytes:
    """Return what a record is sealed together with: it opens as the record of its own entry only."""
    return mark + place.encode()


def keep_sealed(connection: sqlite3.Connection, records: Iterable[tuple[bytes, str, bytes | None]], seal: Seal) -> None:
    """
    Seal records, each with the mark and place of its entry, in the place of what was sealed of those entries before.

    None is a record that is not kept. Belongs into the transaction that puts them aside.
    """
    items = list(records)
    connection.executemany("delete from sealed where mark = ?", [(mark,) for mark, _, _ in items])
    connection.executemany(
        "insert into sealed (mark, key_version, content) values (?, ?, ?)",
        [
            (mark, seal.version, seal.closed(content, _about(mark, place), secrets.token_bytes(NONCE_BYTES)))
            for mark, place, content in {mark: (mark, place, content) for mark, place, content in items}.values()
            if content is not None
        ],
    )
    while (over := connection.execute("select bytes from sealed_bytes").fetchone()[0] - _MOST_BYTES) > 0:
        upto = 0
        for seq, held in connection.execute("select seq, length(content) from sealed order by seq limit ?", (_TOGETHER,)):
            upto, over = seq, over - held
            if over <= 0:
                break
        connection.execute("delete from sealed where seq <= ?", (upto,))


def opened(connection: sqlite3.Connection, mark: bytes, place: str, seal: Seal) -> tuple[int, bytes] | None:
    """Return an entry's sealed record with its number, None where it is not kept; raises `SealOfAnotherKey`, `SealForeign`."""
    row = connection.execute("select seq, key_version, content from sealed where mark = ?", (mark,)).fetchone()
    return None if row is None else (int(row[0]), seal.opened(row[2], _about(mark, place), row[1]))


def seal_anew(state: StateFile, seal: Seal) -> None:
    """Seal with the newer key, while keys are rotated, what the older one sealed: that will be gone. Raises `DiskRefuses`."""
    after = 0
    while seal.rotates:
        with state.transaction() as connection:
            rows = connection.execute(
                "select seq, sealed.mark, place, key_version, content from sealed join quarantine on quarantine.mark = sealed.mark"
                " where seq > ? and key_version < ? order by seq limit ?",
                (after, seal.version, _TOGETHER),
            ).fetchall()
            connection.executemany("update sealed set key_version = ?, content = ? where seq = ?", list(_closed_anew(rows, seal)))
        if not rows:
            return
        after = rows[-1][0]


def _closed_anew(rows: Iterable[tuple[int, bytes, str, int, bytes]], seal: Seal) -> Iterator[tuple[int, bytes, int]]:
    for seq, mark, place, version, content in rows:
        with suppress(SealOfAnotherKey, SealForeign):  # of a still older key: it stays as it is, and says so
            record = seal.opened(content, _about(mark, place), version)
            yield seal.version, seal.closed(record, _about(mark, place), secrets.token_bytes(NONCE_BYTES)), seq
