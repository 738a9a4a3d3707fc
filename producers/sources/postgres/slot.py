"""
The replication slot: made, read, advanced and watched by SQL functions, as a role without superuser's rights may.

Why: the server keeps its log for as long as the slot stands where it is, so where it stands is what we have delivered, and no more.
Must not: advance on its own: the slot moves when whoever reads says that all up to there is delivered.
"""

from collections.abc import Generator, Iterator
from dataclasses import dataclass
from typing import Any

from producers.sources.postgres.places import place_of, written
from producers.sources.postgres.session import Session

__all__ = ["Ends", "Slot", "SlotState"]

_FETCHED = 2_000
"""Messages fetched from the server at once; with rows of some kilobytes a few megabytes."""


@dataclass(frozen=True, slots=True)
class SlotState:
    """A slot as the server tells it."""

    plugin: str
    wal_status: str
    confirmed: int
    """Place up to which it was advanced."""
    held: int
    """Bytes of log that the server keeps for it."""
    active: bool


@dataclass(frozen=True, slots=True)
class Ends:
    """Where the log ends: what is written to disk, and a place that surely lies between two records."""

    flushed: int
    boundary: int


class Slot:
    """One logical slot of one database."""

    def __init__(self, session: Session, name: str, publication: str) -> None:
        """Know its name."""
        self._session, self.name, self._publication = session, name, publication

    def state(self) -> SlotState | None:
        """Return how the slot stands; None where there is none of this name."""
        row = (
            self._session.tables()
            .execute(
                "select plugin, coalesce(wal_status, 'lost'), coalesce(confirmed_flush_lsn, '0/0'),"
                " coalesce(pg_wal_lsn_diff(pg_current_wal_lsn(), restart_lsn), 0)::bigint, active"
                " from pg_replication_slots where slot_name = %s and slot_type = 'logical'",
                (self.name,),
            )
            .fetchone()
        )
        return None if row is None else SlotState(row[0] or "", row[1], place_of(row[2]), int(row[3]), row[4] == "t")

    def make(self) -> None:
        """Make the slot; waits for the transactions that run."""
        self._session.tables().execute("select pg_create_logical_replication_slot(%s, 'pgoutput')", (self.name,))

    def remove(self) -> None:
        """Remove the slot: one that is lost holds nothing any more."""
        self._session.tables().execute("select pg_drop_replication_slot(%s)", (self.name,))

    def advance(self, place: int) -> None:
        """Let the server forget its log up to a place."""
        self._session.tables().execute("select pg_replication_slot_advance(%s, %s::pg_lsn)", (self.name, written(place)))

    def ends(self) -> Ends:
        """
        Return where the log ends now.

        The boundary is where the next record will begin. What is flushed may end within a record, and a slot advanced to there
        would skip a commit that begins before and ends behind it.
        """
        row = self._session.tables().execute("select pg_current_wal_insert_lsn(), pg_current_wal_flush_lsn()").fetchone()
        assert row is not None  # noqa: S101 - a query without a table gives a row
        return Ends(place_of(row[1]), place_of(row[0]))

    def messages(self, most: int) -> Generator[bytes, None, None]:
        """
        Give the messages from where the slot stands on, whole transactions in the order of their commits.

        The server stops behind the first commit with which there are `most` of them; it holds what it read, in a file where that is
        much, and hands it out piece by piece. The connection is in a transaction until all is read or the iterator is closed.
        """
        connection = self._session.log()
        with connection.transaction(), connection.cursor(name="muara_log", binary=True) as cursor:
            cursor.itersize = _FETCHED
            cursor.execute(
                "select data from pg_logical_slot_peek_binary_changes(%s, null, %s, 'proto_version', '1', 'publication_names', %s)",
                (self.name, most, _quoted(self._publication)),
                binary=True,
            )
            while rows := cursor.fetchmany(_FETCHED):
                yield from _first(rows)


def _first(rows: list[tuple[Any, ...]]) -> Iterator[bytes]:
    for (data,) in rows:
        yield data


def _quoted(name: str) -> str:
    """Return a publication's name as the option's list of identifiers takes it."""
    return f'"{name}"'
