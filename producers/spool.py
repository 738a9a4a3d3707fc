"""
The spool: events on disk, in order, between reading and delivery; bounded, so that a broker that stays away stops reading, not the disk.

Why: a region's change must survive whatever happens to the line, the broker or this process.
Must not: move the read position on its own, or give anything up before its delivery was reported.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

from producers.checkpoint import StateFile, insert

__all__ = ["Spool", "Spooled"]

_ROW_BYTES = 64
"""What SQLite needs beside the event: row, index, key; measured about 60."""


class Spooled(NamedTuple):
    """One event that waits: its place in the order, the record's key and value."""

    seq: int
    household: bytes
    value: bytes

    @property
    def held(self) -> int:
        """Bytes that it holds on the disk."""
        return len(self.value) + _ROW_BYTES


class Spool:
    """The waiting events of one adapter, seen through one connection."""

    def __init__(self, state: StateFile) -> None:
        """Use a state file's connection."""
        self._state = state
        self._connection = state.connection

    def append(self, events: Iterable[tuple[str, bytes, bytes]]) -> None:
        """Add events (region, household, value) at the end; belongs into the transaction that moves the read position."""
        rows = list(events)
        if not rows:
            return
        held = sum(len(value) + _ROW_BYTES for _, _, value in rows)
        insert(self._connection, "spool (region, household, value)", rows)
        self._connection.execute("update adapter set spooled = spooled + ?, spooled_bytes = spooled_bytes + ?", (len(rows), held))

    def after(self, region: str, seq: int, limit: int) -> Sequence[Spooled]:
        """Return the next events of a region behind a place, in order."""
        statement = "select seq, household, value from spool where region = ? and seq > ? order by seq limit ?"
        return list(map(Spooled._make, self._connection.execute(statement, (region, seq, limit))))

    def delivered(self, region: str, upto: int, events: int, held: int, note: Callable[[], None] | None = None) -> None:
        """
        Forget a region's events up to a place, after their delivery was reported; `events` and `held` are their number and bytes.

        `note` writes down what was delivered, in the same transaction.
        """
        with self._state.transaction() as connection:
            if note is not None:
                note()
            connection.execute("delete from spool where region = ? and seq <= ?", (region, upto))
            connection.execute(
                "update adapter set spooled = spooled - ?, spooled_bytes = spooled_bytes - ?, delivered = delivered + ?",
                (events, held, events),
            )

    def first(self) -> int | None:
        """Return the number of the first event that waits, None where none does."""
        found = self._connection.execute("select min(seq) from spool").fetchone()[0]
        return None if found is None else int(found)

    def last(self) -> int:
        """Return the number of the last event that was ever added."""
        found = self._connection.execute("select seq from sqlite_sequence where name = 'spool'").fetchone()
        return 0 if found is None else int(found[0])

    def size(self) -> tuple[int, int]:
        """Return how many events wait, and the bytes they hold."""
        events, held = self._connection.execute("select spooled, spooled_bytes from adapter").fetchone()
        return int(events), int(held)

    def counts(self) -> tuple[int, int]:
        """Return how many events wait, and how many were ever delivered."""
        waiting, delivered = self._connection.execute("select spooled, delivered from adapter").fetchone()
        return int(waiting), int(delivered)
