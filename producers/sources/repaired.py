"""
What a source must know of repaired records: whether they may still be said, under which revisions, and that they were.

Why: a snapshot's row, or a database's, is said beside others; whoever is not known to be there could never be said to be gone.
Must not: read the source.
"""

import sqlite3
from collections.abc import Sequence
from typing import Protocol

from producers.declaration import Declaration, FilesSource, PostgresSource
from producers.faults import FileUnreadable
from producers.sources.consequences import Consequences
from producers.sources.folder import FolderKnown
from producers.sources.postgres.memory import Memory
from producers.sources.presence import Saying
from producers.sources.showings import Showings, keep_sayings, make_tables
from producers.sources.snapshot import Named, named, pattern_of
from producers.sources.taken import Taken, under
from schemas.events import HouseholdChanged, Operation

__all__ = ["Repaired", "Said", "repaired_of"]

Said = Sequence[HouseholdChanged] | str
"""What one repaired event is said as, or in words why it is said no longer."""
_NEWER = "a newer snapshot of its village and period counts"
_OLDER = "its snapshot said this household meanwhile, or does not count for it"


class Repaired(Protocol):
    """A source's memory as a repair uses it, through one connection to the adapter's file."""

    def said(self, place: str, events: Sequence[HouseholdChanged]) -> list[Said]:
        """Return what each of some events, all of records that lay in one place, is said as."""

    def keep(self, place: str, events: Sequence[HouseholdChanged]) -> None:
        """Remember events as said; belongs into the transaction that spools them."""


def repaired_of(declared: Declaration, connection: sqlite3.Connection) -> Repaired:
    """Return the memory of a declared source; not within a transaction, since its tables are made where they are not there yet."""
    if isinstance(declared.source, FilesSource):
        return _OfSnapshots(declared.source, connection)
    return _OfRows(connection) if isinstance(declared.source, PostgresSource) else _OfChanges()


class _OfChanges:
    """A feed or a system that pushes tells each change under its own revision: nothing is to be known."""

    def said(self, place: str, events: Sequence[HouseholdChanged]) -> list[Said]:  # noqa: ARG002
        """Return them as they are."""
        return [[one] for one in events]

    def keep(self, place: str, events: Sequence[HouseholdChanged]) -> None:
        """Remember nothing."""


class _OfRows:
    """A database: who is there, and ENDs that a row which is there again shows to be wrong."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection, self._memory = connection, Memory(connection)

    def said(self, place: str, events: Sequence[HouseholdChanged]) -> list[Said]:  # noqa: ARG002
        """Return each, with the RETRACT that it brings about."""
        return [self._memory.with_voided([one]) for one in events]

    def keep(self, place: str, events: Sequence[HouseholdChanged]) -> None:  # noqa: ARG002
        """Know who is there, and who has ended."""
        Memory.keep_renamed(self._connection, {one.previous_household: one.household for one in events if one.previous_household})
        Memory.keep_events(self._connection, events, self._memory.newest_round())
        Memory.keep_ends(self._connection, events)


class _OfSnapshots:
    """A folder of snapshots: each row counts within its snapshot, and only while that is the one that counts."""

    def __init__(self, source: FilesSource, connection: sqlite3.Connection) -> None:
        make_tables(connection)
        self._connection, self._patterns = connection, pattern_of(source.file_name)
        self._known = FolderKnown(connection)
        self._consequences = Consequences(Showings(connection), None)

    def said(self, place: str, events: Sequence[HouseholdChanged]) -> list[Said]:
        """Return each under the revision that it needs, where it could not be said before."""
        told = self._named(place)
        if told is None or self._known.file_of(told.village, told.period) != place:
            return [_NEWER for _ in events]
        first: dict[bytes, HouseholdChanged | None] = {}
        for one in events:
            first.setdefault(one.household, one)
        taken = Taken(told=told, events=first)
        found = self._consequences.revisions_again(taken, sorted(first), self._known.snapshots(), unsaid_only=True)
        return [[under(one, found[one.household])] if one.household in found and first[one.household] is one else _OLDER for one in events]

    def keep(self, place: str, events: Sequence[HouseholdChanged]) -> None:
        """Remember under which revision each was said."""
        told = self._named(place)
        if told is not None:
            said = [(one.household, Saying(Operation.UPSERT, told.period, one.revision, told.village)) for one in events]
            keep_sayings(self._connection, told.village[:5], said)

    def _named(self, place: str) -> Named | None:
        try:
            return named(self._patterns, place)
        except FileUnreadable:
            return None
