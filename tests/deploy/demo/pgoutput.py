"""
A small reader of what PostgreSQL's logical decoding tells of one table, for tests: messages of pgoutput, protocol version 1.

Why: the simulated database is judged by what its real log says; it shares no code with the product's source, whose faults would hide.
Must not: be complete: it knows what these tables need.
"""

import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import psycopg

__all__ = ["LogReader"]

Row = dict[str, Any]
_TYPED: dict[str, Callable[[str], Any]] = {
    "jumlah_jiwa": int,
    "pengeluaran": int,
    "berlaku_sejak": date.fromisoformat,
    "dibatalkan": "t".__eq__,
}


@dataclass(slots=True)
class LogReader:
    """Reads one slot to its end; `transactions` counts, for each commit, the changes of the table."""

    table: str = "keluarga"
    transactions: list[int] = field(default_factory=list)
    columns: set[int] = field(default_factory=set)
    _relations: dict[int, tuple[str, list[str]]] = field(default_factory=dict)

    def read(self, connection: psycopg.Connection[Any], slot: str) -> Iterator[tuple[Row | None, Row | None]]:
        """Yield the changes of the table as (before, after)."""
        told = connection.execute(
            "select data from pg_logical_slot_get_binary_changes(%s, null, null, 'proto_version', '1', 'publication_names', 'muara')",
            (slot,),
        )
        for (message,) in told.fetchall():
            yield from self._change(bytes(message))

    def _change(self, message: bytes) -> Iterator[tuple[Row | None, Row | None]]:
        kind = message[:1]
        if kind == b"B":
            self.transactions.append(0)
        elif kind == b"R":
            self._relation(message)
        elif kind in b"IUD" and self._relations[struct.unpack_from("!I", message, 1)[0]][0] == self.table:
            self.transactions[-1] += 1
            names = self._relations[struct.unpack_from("!I", message, 1)[0]][1]
            rows, at = dict[bytes, Row](), 5
            while at < len(message):
                mark = message[at : at + 1]
                rows[mark], at = _tuple(message, at + 1, names)
            yield rows.get(b"O"), rows.get(b"N")

    def _relation(self, message: bytes) -> None:
        (number,) = struct.unpack_from("!I", message, 1)
        _, table, rest = message[5:].split(b"\0", 2)
        (count,), at = struct.unpack_from("!h", rest, 1), 3
        names = []
        for _ in range(count):
            end = rest.index(b"\0", at + 1)
            names.append(rest[at + 1 : end].decode())
            at = end + 9
        self._relations[number] = table.decode(), names
        if table.decode() == self.table:
            self.columns.add(count)


def _tuple(message: bytes, at: int, names: list[str]) -> tuple[Row, int]:
    row: Row = {}
    at += 2
    for name in names:
        mark, at = message[at : at + 1], at + 1
        row[name] = None
        if mark == b"t":
            (size,) = struct.unpack_from("!I", message, at)
            row[name] = _TYPED.get(name, str)(message[at + 4 : at + 4 + size].decode())
            at += 4 + size
    return row, at
