"""
The merge: statements said now and statements held, to what the households are from now on and the changes of cells.

Why: of each statement the greatest (revision, mapping version, content) is kept: a maximum, so order, repetition and lateness
of delivery cannot show. See `law.newest`, which defines it.
Must not: know where statements come from or go to.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from processors.columns.cells import NO_CHANGES, CellChanges, signed_changes, summed
from processors.columns.statements import STATEMENT, Packed
from processors.columns.states import Rows
from processors.months import months_of_days
from processors.reference import Reference

__all__ = ["Joins", "Merged", "merge"]

_CONTENT = ("expenditure", "village", "size", "modelled", "operation")
"""The content from its last field to its first, as `lexsort` wants its keys."""


@dataclass(frozen=True, slots=True)
class Merged:
    """
    What a batch changes.

    `changed` (households,) numbers of the households whose statements are no longer those held, growing;
    `statements` all statements that now stand of them, sorted by household, date and claimant, and `household` the household of each;
    `cells` the signed changes.
    """

    changed: Rows
    statements: Packed
    household: Rows
    cells: CellChanges


@dataclass(frozen=True, slots=True)
class Joins:
    """
    Which households links make of what counted as several until now.

    `counted_as` (m,) the number under which each held statement counted until now, below `households` too;
    `joined` (households,) which households have a link that was not known: they count as changed, whatever is said.
    """

    counted_as: Rows
    joined: NDArray[np.bool_]


def merge(
    households: int, said: Packed, said_of: Rows, held: Packed, held_of: Rows, reference: Reference, joins: Joins | None = None
) -> Merged:
    """
    Merge what is said into what is held.

    `said` (n,) and `held` (m,) are packed statements, `said_of` and `held_of` the numbers (below `households`) of their households.
    `held` is all that is held of every household that `said` speaks of or that is joined, at most one statement per claim, date and
    household that it counted as. What is taken back of the cells is what those amounted to, each by itself.
    """
    both = np.empty(len(said) + len(held), STATEMENT)  # np.concatenate would turn big-endian fields native
    both[: len(said)], both[len(said) :] = said, held
    of = np.concatenate((said_of, held_of))
    standing = _standing(both, of)
    fresh = standing < len(said)
    if not fresh.any() and (joins is None or not joins.joined.any()):
        return Merged(np.empty(0, np.int64), np.empty(0, STATEMENT), np.empty(0, np.int64), NO_CHANGES)
    touched = np.zeros(households, bool)
    touched[of[standing[fresh]]] = True
    counted_as = held_of
    if joins is not None:
        touched |= joins.joined
        counted_as = joins.counted_as
    since = _first_changed_month(both, of, standing[fresh], households)
    after = standing[touched[of[standing]]]
    before = np.flatnonzero(touched[held_of])
    before = before[_order(held[before], counted_as[before])]
    since_before = since
    if joins is not None:
        since[joins.joined] = 0
        since_before = np.zeros_like(since)
        since_before[counted_as] = since[held_of]
    entries = signed_changes(both[after], of[after], since, reference)
    if len(before):
        cells = summed([entries, signed_changes(held[before], counted_as[before], since_before, reference)], signs=(1, -1))
    else:
        cells = summed([entries])
    return Merged(np.flatnonzero(touched), both[after], of[after], cells)


def _order(statements: Packed, of: Rows) -> Rows:
    """Return the order by household, date and claimant, shape (rows,)."""
    key = _statement_key(statements, of)
    return np.argsort(key, kind="stable") if key is not None else np.lexsort((statements["claimant"], statements["valid_from"], of))


def _statement_key(statements: Packed, of: Rows) -> Rows | None:
    """Return household, date and claimant in one 64-bit number each, or None where they do not fit."""
    if not len(of):
        return np.empty(0, np.int64)
    day, claimant = statements["valid_from"].astype(np.int64), statements["claimant"].astype(np.int64)
    first = int(day.min())
    day_bits, claimant_bits = (int(day.max()) - first).bit_length(), int(claimant.max()).bit_length()
    if int(of.max()).bit_length() + day_bits + claimant_bits > 63 or int(claimant.min()) < 0:
        return None
    return of << (day_bits + claimant_bits) | (day - first) << claimant_bits | claimant


def _standing(both: Packed, of: Rows) -> Rows:
    """
    Return the rows that stand, sorted by household, date and claimant: of each statement the greatest.

    Held rows come after said ones, so that of equals the held one stands and nothing counts as changed.
    """
    revision = both["revision"].astype(np.int64)
    key = _statement_key(both, of)
    if key is None:
        _, key = np.unique(np.stack((of, both["valid_from"], both["claimant"])), axis=1, return_inverse=True)
    rows = np.lexsort((revision, key))
    sorted_key = key[rows]
    same = sorted_key[1:] == sorted_key[:-1]
    tied = same & (revision[rows][1:] == revision[rows][:-1])
    if tied.any():
        rows = _ties_settled(both, rows, sorted_key, revision, np.flatnonzero(tied))
    return rows[np.concatenate((~same, [True]))]


def _ties_settled(both: Packed, rows: Rows, sorted_key: Rows, revision: Rows, tied: Rows) -> Rows:
    """Return the rows with those of equal revision sorted by mapping version and content, where these differ."""
    differ = tied[both[rows[tied]] != both[rows[tied + 1]]]
    if not len(differ):
        return rows
    among: NDArray[np.int64] = np.flatnonzero(np.isin(sorted_key, sorted_key[differ]))
    these = rows[among]
    content = tuple(both[name][these].astype(np.int64) for name in (*_CONTENT, "mapping_version"))
    rows = rows.copy()
    rows[among] = these[np.lexsort((these, *content, revision[these], sorted_key[among]))]
    return rows


def _first_changed_month(both: Packed, of: Rows, fresh: Rows, households: int) -> Rows:
    """Return for each household the month of its earliest fresh statement: nothing before it can change. Shape (households,)."""
    since = np.full(households, 1 << 20)
    np.minimum.at(since, of[fresh], months_of_days(both["valid_from"][fresh].astype(np.int64)))
    return since
