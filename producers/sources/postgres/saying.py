"""
From rows and their lists to events, as a batch holds them.

Why: log, snapshot and the ways around it all say rows in one way.
Must not: ask the server.
"""

import sqlite3
from collections.abc import Iterable, Sequence
from typing import Any

from producers.declaration import PostgresSource
from producers.mapping import Mapper
from producers.quarantine import PutAside
from producers.records import Node
from producers.sources import mapped
from producers.sources.postgres.gathering import Said
from producers.sources.postgres.tables import Lists
from schemas.events import HouseholdChanged

__all__ = ["Saying"]


class Saying:
    """Makes events of rows; `connection` is that of the adapter's own file."""

    def __init__(self, source: PostgresSource, mapper: Mapper, connection: sqlite3.Connection) -> None:
        """Know the mapping, and where the quarantine is."""
        self._mapper, self._connection = mapper, connection
        self._place = source.table
        self._lists = [one.name for one in source.lists]

    def nodes(self, said: Iterable[Said], lists: Lists | None) -> list[Node]:
        """Return the records of rows: the row with its lists (None: it has them already), lying in what the log tells of it."""
        found = []
        for one in said:
            row: dict[str, Any] = one.row  # it was read for this, and lists join it
            if not one.deleted and lists is not None:
                for name in self._lists:
                    row[name] = lists[name].get(one.key, [])
            found.append(Node(row, Node(one.around)))
        return found

    def events(self, nodes: Sequence[Node]) -> tuple[list[HouseholdChanged], list[PutAside]]:
        """Return the events of records, and what cannot be read."""
        events, aside = mapped(self._mapper, nodes, self._place)
        return events, list(aside.values())

    def corrected(self, events: Sequence[HouseholdChanged]) -> list[bytes]:
        """Return the marks of what these events may take out of quarantine; none where nothing is in it, which is nearly always."""
        held = self._connection.execute("select quarantined from adapter").fetchone()[0]
        return [mark for one in events for mark in self._mapper.marks_of(one)] if held else []
