"""
The snapshot: the main table page by page, each range of pages as it is when it is read.

Why: it may last for hours and be broken off anywhere, without a transaction that stays open in somebody else's database.
Must not: hold a key in a position; say anything with a revision that a later change would not beat.

No two ranges need to be read at the same moment: whatever changes between them, or between the slot's beginning and their reading,
comes through the slot with a greater revision. A row that moves to another page is changed, too, and comes through the slot.
"""

import contextlib
from collections.abc import Sequence
from dataclasses import replace

from producers.faults import RecordUnreadable
from producers.mapping import Mapper
from producers.records import Node
from producers.sources.postgres.gathering import Said, around
from producers.sources.postgres.places import Snapshot, place_of, revision
from producers.sources.postgres.saying import Saying
from producers.sources.postgres.session import Session
from producers.sources.postgres.tables import Size, Tables

__all__ = ["PAGES", "Pages", "households", "renamed"]

PAGES = 32
"""Pages read at once: 256 kB of rows, some fifteen hundred of them, which delay a change by less than a tenth of a second."""


class Pages:
    """Reads ranges of pages of the main table as records."""

    def __init__(self, session: Session, tables: Tables, saying: Saying, key: str, generation: int) -> None:
        """Know the tables."""
        self._session, self._tables, self._saying, self._key, self._generation = session, tables, saying, key, generation

    def begin(self, place: str, current: int) -> Snapshot:
        """Return a snapshot that has read nothing, whose rows carry a place's revision."""
        size = self._tables.size()
        return Snapshot(place, size.file, 0, size.pages, current, total=self._tables.count())

    def next(self, at: Snapshot, within: int = 0) -> tuple[list[Node], Snapshot]:
        """Return the records of the next range, and the snapshot behind it; from the beginning, where the table was written anew."""
        size = self._tables.size()
        if size.file != at.file:
            return [], replace(at, file=size.file, page=0, pages=size.pages, anyone=0, rows=0)
        upto = min(at.page + PAGES, at.pages)
        number = revision(place_of(at.revision_place), within, self._generation)
        with self._tables.look():
            rows = self._tables.page_rows(at.page, upto)
            said = [Said((row[self._key] or "").rstrip(), row, around(number, None, None)) for row in rows]
            lists = self._tables.lists([one.key for one in said])
        self._unmoved(at)
        return self._saying.nodes(said, lists), replace(at, page=upto, rows=at.rows + len(rows))

    def _unmoved(self, at: Snapshot) -> None:
        """Refuse a range that was read while the table was written anew: its rows may have lain elsewhere."""
        size: Size = self._tables.size()
        if size.file != at.file:
            raise self._session.away("its table was written anew while it was read: reading it from the beginning")


def households(mapper: Mapper, nodes: Sequence[Node]) -> tuple[list[bytes], int]:
    """Return the households that records show, whatever else is wrong with them, and how many show nobody who can be told."""
    found, anyone = [], 0
    for node in nodes:
        try:
            found.append(mapper.household(node))
        except RecordUnreadable:
            anyone += 1
    return found, anyone


def renamed(mapper: Mapper, nodes: Sequence[Node]) -> dict[bytes, bytes]:
    """Return, while keys are rotated, the newer names of the households that records show, by their older ones, whatever else is wrong."""
    found: dict[bytes, bytes] = {}
    for node in nodes if mapper.rotates else ():
        with contextlib.suppress(RecordUnreadable):
            name, older = mapper.names(node)
            if older is not None:
                found[older] = name
    return found
