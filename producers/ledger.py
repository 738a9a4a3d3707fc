"""
The adapter's ledger: of every topic the hash chain over what the broker confirmed, kept in the adapter's file.

Why: it is written in the transaction that forgets what was delivered, so it names all that was forgotten, and nothing else.
Must not: grow without bound (the oldest offsets are forgotten, their count and head are not), or hold a key or a value.
"""

import json
import secrets
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, closing, nullcontext
from operator import lt
from pathlib import Path

from producers.checkpoint import StateFile, status
from schemas.receipts import Chain, Forgotten, Placed, Receipt, Segment, extended

__all__ = ["SEGMENTS_HELD", "Ledger", "chains_in", "receipt_of"]

SEGMENTS_HELD = 10_000
"""Segments held of a chain: 40 million events of a topic of one's own in a megabyte, 640,000 interruptions of a shared one in ten."""
_TABLES = """
create table if not exists receipt_chain (
  number integer primary key, name text not null unique, writer text not null, topic text not null, partition integer not null,
  events integer not null default 0, unplaced integer not null default 0, over integer not null default 0,
  forgotten integer not null default 0, forgotten_last integer, forgotten_head blob) strict;
create index if not exists receipt_chain_place on receipt_chain (topic, partition, writer);
create table if not exists receipt_segment (
  chain integer not null, first integer not null, runs text not null, events integer not null, head blob not null,
  primary key (chain, first)) strict, without rowid;
"""


class Ledger:
    """The chains of one writer: `run`, the adapter's own, or `resend`, whose records come between those."""

    def __init__(self, state: StateFile, writer: str = "run") -> None:
        """Keep in a state file, which need not be the one that the events are spooled in."""
        self._state, self._writer = state, writer
        with state.transaction() as connection:
            for statement in _TABLES.split(";")[:-1]:
                connection.execute(statement)
        self._source = str(state.connection.execute("select source from adapter").fetchone()[0])

    def note(self, topic: str, confirmed: Mapping[int, Sequence[Placed]]) -> None:
        """
        Note what the broker confirmed of a topic, by partition, in the order in which it was sent; an offset below 0 was not told.

        Joins the transaction that the state file is in, if any.
        """
        with self._transaction():
            for partition, records in confirmed.items():
                for placed in _growing(records):
                    self._add(topic, partition, placed)

    def _transaction(self) -> AbstractContextManager[object]:
        return nullcontext() if self._state.connection.in_transaction else self._state.transaction()

    def _add(self, topic: str, partition: int, placed: Sequence[Placed]) -> None:
        """Add records whose offsets grow; where they do not lie behind the chain's last one, that chain is over."""
        connection = self._state.connection
        number, last = self._open(topic, partition) or self._begun(topic, partition)
        if placed[0][0] < 0:
            connection.execute("update receipt_chain set unplaced = unplaced + ? where number = ?", (len(placed), number))
            return
        if last and placed[0][0] <= last.last:
            connection.execute("update receipt_chain set over = 1 where number = ?", (number,))
            number, last = self._begun(topic, partition)
        head = last.head if last else _chain(connection, number).start(self._source)
        made = extended(last, head, placed)
        connection.executemany(
            "insert or replace into receipt_segment (chain, first, runs, events, head) values (?, ?, ?, ?, ?)",
            [(number, one.first, json.dumps(one.runs), one.events, one.head) for one in made],
        )
        connection.execute("update receipt_chain set events = events + ? where number = ?", (len(placed), number))
        if len(made) > 1 or last is None:
            self._forget(number)

    def _open(self, topic: str, partition: int) -> tuple[int, Segment | None] | None:
        """Return the number of the chain that goes on, and its last segment."""
        connection = self._state.connection
        found = connection.execute(
            "select number from receipt_chain where topic = ? and partition = ? and writer = ? and over = 0",
            (topic, partition, self._writer),
        ).fetchone()
        if found is None:
            return None
        row = connection.execute(
            "select runs, events, head from receipt_segment where chain = ? order by first desc limit 1", found
        ).fetchone()
        return found[0], _segment(*row) if row else None

    def _begun(self, topic: str, partition: int) -> tuple[int, None]:
        """Begin a chain; its name, too short to look like a national identifier, tells it from that of an adapter that lost its disk."""
        row = self._state.connection.execute(
            "insert into receipt_chain (name, writer, topic, partition) values (?, ?, ?, ?) returning number",
            (secrets.token_hex(6), self._writer, topic, partition),
        ).fetchone()
        return row[0], None

    def _forget(self, number: int) -> None:
        """Forget the oldest segments beyond those that are held: of them their events and their last head stay."""
        connection = self._state.connection
        held = connection.execute("select count(*) from receipt_segment where chain = ?", (number,)).fetchone()[0]
        rows = connection.execute(
            "select runs, events, head from receipt_segment where chain = ? order by first limit ?", (number, max(held - SEGMENTS_HELD, 0))
        ).fetchall()
        for one in (_segment(*row) for row in rows):
            connection.execute(
                "update receipt_chain set forgotten = forgotten + ?, forgotten_last = ?, forgotten_head = ? where number = ?",
                (one.events, one.last, one.head, number),
            )
            connection.execute("delete from receipt_segment where chain = ? and first = ?", (number, one.first))


def receipt_of(state_file: Path) -> Receipt | None:
    """Return what an adapter's file says of all that was sent, while it runs or does not; None where no adapter of ours left one."""
    if status(state_file) is None:
        return None
    with closing(sqlite3.connect(f"file:{state_file}?mode=ro", uri=True, isolation_level=None)) as connection:
        connection.execute("begin")  # one moment for all of it
        source, waiting = connection.execute("select source, spooled from adapter").fetchone()
        return Receipt.of(source, waiting, chains_in(connection))


def chains_in(connection: sqlite3.Connection) -> tuple[Chain, ...]:
    """Return all chains of a state file that hold an offset."""
    there = connection.execute("select 1 from sqlite_master where name = 'receipt_chain'").fetchone()
    numbers = connection.execute("select number from receipt_chain order by number").fetchall() if there else []
    return tuple(chain for (number,) in numbers if (chain := _chain(connection, number)).segments)


def _chain(connection: sqlite3.Connection, number: int) -> Chain:
    name, writer, topic, partition, events, unplaced, over, *forgotten = connection.execute(
        "select name, writer, topic, partition, events, unplaced, over, forgotten, forgotten_last, forgotten_head"
        " from receipt_chain where number = ?",
        (number,),
    ).fetchone()
    rows = connection.execute("select runs, events, head from receipt_segment where chain = ? order by first", (number,))
    return Chain(
        name=name,
        writer=writer,
        topic=topic,
        partition=partition,
        topic_id=None,
        events=events,
        unplaced=unplaced,
        over=bool(over),
        forgotten=Forgotten(*forgotten) if forgotten[0] else None,
        segments=tuple(_segment(*row) for row in rows),
    )


def _segment(runs: str, events: int, head: bytes) -> Segment:
    return Segment(tuple((begin, end) for begin, end in json.loads(runs)), events, head)


def _growing(records: Sequence[Placed]) -> Iterator[Sequence[Placed]]:
    """Cut records where their offsets do not grow, which nearly never happens; those without an offset are pieces of their own."""
    offsets = [one[0] for one in records]
    if offsets[0] >= 0 and all(map(lt, offsets, offsets[1:])):
        yield records
        return
    begin = 0
    for place in range(1, len(records) + 1):
        if place == len(records) or offsets[place] <= offsets[place - 1] or offsets[place - 1] < 0:
            yield records[begin:place]
            begin = place
