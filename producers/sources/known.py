"""
What was kept lately, by marks: a source that repeats itself is known by it.

Why: pages overlap and come twice, and what comes again need not be sent again, be it after a restart.
Must not: grow without end; what is forgotten is sent again, which changes nothing.
"""

import sqlite3
from collections import deque
from collections.abc import Iterable, Sequence

from producers.checkpoint import insert

__all__ = ["HALF", "Known"]

HALF = 8
"""Bytes of a mark that tell what it is a saying of; the other half tells what is said."""


class Known:
    """The newest marks of those that were kept, some 300 bytes each; written down in a table of the adapter's file where there is one."""

    def __init__(self, most: int, table: str) -> None:
        """Know nothing; of at most so many marks the oldest give way, in memory and in the table of this name."""
        self._most, self._table = most, table
        self._marks: set[bytes] = set()
        self._beginnings: set[bytes] = set()
        self._order: deque[bytes] = deque()

    def __contains__(self, mark: object) -> bool:
        """Return whether a mark is among them."""
        return mark in self._marks

    def knows_another(self, mark: bytes) -> bool:
        """Return whether a mark that is not among them begins as one that is: the same was said, and otherwise."""
        return mark[:HALF] in self._beginnings

    def keep(self, marks: Iterable[bytes]) -> None:
        """Know marks from now on."""
        for mark in marks:
            self._marks.add(mark)
            self._beginnings.add(mark[:HALF])
            self._order.append(mark)
        while len(self._order) > self._most:
            oldest = self._order.popleft()
            self._marks.discard(oldest)
            self._beginnings.discard(oldest[:HALF])

    def recall(self, connection: sqlite3.Connection) -> None:
        """Know what is written down, and make the table where there is none; not within a transaction."""
        connection.execute(f"create table if not exists {self._table} (number integer primary key, mark blob not null) strict")
        self.keep(mark for (mark,) in connection.execute(f"select mark from {self._table} order by number"))  # noqa: S608 - a name of ours

    def note(self, connection: sqlite3.Connection, marks: Sequence[bytes]) -> None:
        """Write marks down, and strike out the oldest; belongs into the transaction that keeps what they are of."""
        insert(connection, f"{self._table} (mark)", [(mark,) for mark in marks])
        oldest = f"(select max(number) from {self._table}) - ?"  # noqa: S608 - a name of ours
        connection.execute(f"delete from {self._table} where number <= {oldest}", (self._most,))  # noqa: S608 - a name of ours
