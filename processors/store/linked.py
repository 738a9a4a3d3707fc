"""
A batch that touches households of several names: all their rows are read, joined as links say, and written, in the batch's transaction.

Why: what was or will be said under an older name must count as said of the one household, in whatever order it comes. Links that are not
known yet change the row of every name that they connect, so whoever writes under any of them at the same time collides.
Must not: decide what is one household (processors/columns/names.py does, by processors/law.py).
"""

from dataclasses import dataclass

import numpy as np
import psycopg
from numpy.typing import NDArray

from processors.columns.households import Halves, numbers_of
from processors.columns.merge import Joins, Merged, merge
from processors.columns.names import Links, Rows, distinct_names, household_numbers
from processors.columns.reading import Reading
from processors.columns.statements import Packed
from processors.reference import Reference
from processors.store.rows import HeldRows, read_rows, write_linked, write_pointers, write_statements

__all__ = ["HeldOfNames", "Names", "looked_at", "merge_linked", "read_held"]


@dataclass(frozen=True, slots=True)
class Names:
    """
    All names that a batch touches, growing, and what is held under each.

    `row` (names,) the number of its row, -1 where there is none; `goes_by` (names,) the number of the name by which its household goes.
    """

    names: Halves
    rows: HeldRows
    row: Rows
    goes_by: Rows
    links: Links
    """All links of their households, each once, growing by the household's name that they name."""
    joined: NDArray[np.bool_]
    """Which names are those by which a household goes that has a link not known until now."""

    @property
    def counted_as(self) -> Rows:
        """Number of the name under which each statement is held until now, shape (statements,)."""
        return np.repeat(numbers_of(self.rows.name, self.names), self.rows.counts)

    def numbers(self, names: Halves) -> Rows:
        """Return the number of the household of each of some names."""
        return self.goes_by[numbers_of(names, self.names)]

    def place(self, numbers: Rows) -> tuple[Halves, NDArray[np.uint8], NDArray[np.bool_]]:
        """Return name, place of the row and whether there is one, of some names by their numbers."""
        row = self.row[numbers]
        if not len(self.rows):
            return self.names[numbers], np.zeros((len(numbers), 6), np.uint8), row >= 0
        return self.names[numbers], self.rows.place[row], row >= 0


@dataclass(frozen=True, slots=True)
class HeldOfNames:
    """
    What is held of some names: `household` (names,) the number of each one's household, equal where two go by one name;
    `statements` all that is held of these households, `statement_of` the number of the household of each; `links` what is known of names.
    """

    household: Rows
    statements: Packed
    statement_of: Rows
    links: Links


async def read_held(cursor: psycopg.AsyncCursor, names: Halves) -> HeldOfNames:
    """Read what is held of the households that go, or went, by names (n, 2), distinct and growing; for whoever only looks."""
    rows = await read_rows(cursor, names)
    everything = distinct_names([names, rows.points_to])
    household = np.arange(len(everything))
    household[numbers_of(rows.name, everything)] = numbers_of(rows.points_to, everything)
    wanted = _without(everything, names)
    if len(wanted):
        rows = HeldRows.joined([rows, await read_rows(cursor, wanted)])
    statement_of = np.repeat(numbers_of(rows.name, everything), rows.counts)
    return HeldOfNames(household[numbers_of(names, everything)], rows.statements, statement_of, rows.links)


async def merge_linked(cursor: psycopg.AsyncCursor, reading: Reading, reference: Reference) -> Merged:
    """Merge what a batch says into the rows of its households, of whatever names, and return what changed."""
    found, merged = await looked_at(cursor, reading, reference)
    if len(merged.changed):
        await _write(cursor, merged, found)
    return merged


async def looked_at(cursor: psycopg.AsyncCursor, reading: Reading, reference: Reference) -> tuple[Names, Merged]:
    """Return the names that a batch touches, and what it would change, without writing anything."""
    found = await _found(cursor, reading)
    counted_as = found.counted_as
    merged = merge(
        len(found.names),
        reading.statements,
        found.numbers(reading.household),
        found.rows.statements,
        found.goes_by[counted_as],
        reference,
        Joins(counted_as, found.joined),
    )
    return found, merged


async def _found(cursor: psycopg.AsyncCursor, reading: Reading) -> Names:
    """Read the rows of all names that have to do with a batch's households, and find out which of them are one."""
    said = distinct_names([reading.household])
    rows = await read_rows(cursor, said)
    fresh = reading.links.distinct().without(rows.links)
    known = said
    while True:
        # Where there is nothing new to join, the rows of older names need not be looked at: they are empty and right.
        mentioned = [fresh.names(), rows.points_to, *([rows.links.names()] if len(fresh) or rows.points.any() else [])]
        wanted = _without(distinct_names(mentioned), known)
        if not len(wanted):
            break
        rows = HeldRows.joined([rows, await read_rows(cursor, wanted)])
        known = distinct_names([known, wanted])
    return _named(distinct_names([known, rows.links.names()]), rows, fresh)


def _without(names: Halves, known: Halves) -> Halves:
    """Return the names that are not among the ones known; both growing."""
    if not len(names) or not len(known):
        return names
    everything = np.concatenate((names, known, known))
    order = np.lexsort((everything[:, 1], everything[:, 0]))
    same = (everything[order[1:]] == everything[order[:-1]]).all(axis=1)
    alone = np.concatenate(([True], ~same)) & np.concatenate((~same, [True]))
    return everything[np.sort(order[alone])]


def _named(names: Halves, rows: HeldRows, fresh: Links) -> Names:
    fresh = fresh.without(rows.links)  # those of a name that no household goes by stand in a row that was read after it
    links = Links.joined([rows.links, fresh]).distinct()
    goes_by = household_numbers(names, links)
    row = np.full(len(names), -1, np.int64)
    row[numbers_of(rows.name, names)] = np.arange(len(rows))
    joined = np.zeros(len(names), bool)
    joined[goes_by[numbers_of(fresh.household, names)]] = True
    order = np.argsort(goes_by[numbers_of(links.household, names)], kind="stable")
    return Names(names, rows, row, goes_by, links.taken(order), joined)


async def _write(cursor: psycopg.AsyncCursor, merged: Merged, found: Names) -> None:
    """Write the changed households, each into the row of the name that it goes by, and let the rows of its other names say so."""
    counts = np.bincount(merged.household, minlength=len(found.names))[merged.changed]
    link_of = found.goes_by[numbers_of(found.links.household, found.names)]
    link_counts = np.bincount(link_of, minlength=len(found.names))[merged.changed]
    linked = link_counts > 0
    if not linked.all():
        of_usual = np.repeat(~linked, counts)
        await write_statements(cursor, *found.place(merged.changed[~linked]), merged.statements[of_usual], counts[~linked])
    if linked.any():
        of_linked, changed = np.repeat(linked, counts), np.zeros(len(found.names), bool)
        changed[merged.changed] = True
        await write_linked(
            cursor,
            *found.place(merged.changed[linked]),
            (merged.statements[of_linked], counts[linked]),
            (found.links.taken(changed[link_of]), link_counts[linked]),
        )
    await _write_pointers(cursor, found)


async def _write_pointers(cursor: psycopg.AsyncCursor, found: Names) -> None:
    """Let the rows of all other names of joined households point to them, where they do not yet."""
    others = np.flatnonzero(found.joined[found.goes_by] & (found.goes_by != np.arange(len(found.names))))
    points_to = found.names[found.goes_by[others]]
    wrong = np.ones(len(others), bool)
    there = found.row[others] >= 0
    wrong[there] = (found.rows.points_to[found.row[others[there]]] != points_to[there]).any(axis=1)
    if wrong.any():
        await write_pointers(cursor, *found.place(others[wrong]), points_to[wrong])
