"""
What a database's reader remembers, in the adapter's file: which households it said that are there, and which server it read.

Why: who is gone without a word (a snapshot read again, tables compared) shows only beside who was there; pseudonyms suffice for that.
Must not: hold a row's content or an identifier.
"""

import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from producers.checkpoint import insert
from schemas.events import HouseholdChanged, Operation

__all__ = ["Gone", "Memory", "Shown"]

_TABLES = """
create table if not exists database_known (
  household blob, region text, round integer not null, digest blob, primary key (household, region)) strict, without rowid;
create table if not exists database_ended (
  household blob, region text, valid_from text not null, primary key (household, region)) strict, without rowid;
create table if not exists database_server (one integer primary key check (one = 1), identity text not null) strict;
"""

_UPSERT, _END, _RETRACT = Operation.UPSERT, Operation.END, Operation.RETRACT
"""An enum of Python looks its members up slowly, and these are asked for with every event."""


@dataclass(frozen=True, slots=True)
class Gone:
    """A household that was there and is not any more, and its regency."""

    household: bytes
    region: str


@dataclass(frozen=True, slots=True)
class Shown:
    """A household as a reading of everything shows it."""

    household: bytes
    region: str
    round: int
    digest: bytes


class Memory:
    """The memory, seen through one connection to the adapter's file."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        """Make the tables where there are none."""
        self._connection = connection
        connection.executescript(_TABLES)

    def server(self) -> str | None:
        """Return the identity of the server that was read, if any was."""
        row = self._connection.execute("select identity from database_server").fetchone()
        return None if row is None else str(row[0])

    def missing(self, current: int) -> tuple[int, int]:
        """Return how many households are known, and how many of them this round has not shown."""
        row = self._connection.execute("select count(*), count(*) filter (where round < ?) from database_known", (current,)).fetchone()
        return int(row[0]), int(row[1])

    def gone(self, current: int, limit: int) -> Sequence[Gone]:
        """Return households that this round has not shown."""
        rows = self._connection.execute("select household, region from database_known where round < ? limit ?", (current, limit))
        return [Gone(*row) for row in rows]

    def digests(self, households: Iterable[bytes]) -> dict[tuple[bytes, str], bytes | None]:
        """Return the digests of what was last said of households, by household and regency."""
        found: dict[tuple[bytes, str], bytes | None] = {}
        for household in households:
            for region, digest in self._connection.execute("select region, digest from database_known where household = ?", (household,)):
                found[household, region] = digest
        return found

    def with_voided(self, events: Sequence[HouseholdChanged]) -> list[HouseholdChanged]:
        """
        Return events, and behind each that shows an END before it to be wrong, because it says what was before that, the END's RETRACT.

        Without them a row that was deleted by mistake, and put back as it was, would stay ended. They follow from the order of the events
        alone, and not from how these were cut into batches: an adapter that starts over says the same ones.
        """
        any_before = self._connection.execute("select 1 from database_ended limit 1").fetchone() is not None
        if not any_before and not any(one.operation is _END for one in events):
            return list(events)
        ends: dict[tuple[bytes, str], date | None] = {}
        found = []
        for one in events:
            found.append(one)
            who = (one.household, one.region)
            if one.operation is _END:
                ends[who] = one.valid_from
            elif one.operation is _UPSERT:
                since = ends[who] if who in ends else self._ended_by_either(one) if any_before else None
                if since is not None and one.valid_from < since:
                    found.append(_retract(one, since))
                ends[who] = None
        return found

    def ended(self, who: tuple[bytes, str]) -> date | None:
        """Return the day on which a household of a regency was said to have ended, None where it was not, or is there again."""
        row = self._connection.execute("select valid_from from database_ended where household = ? and region = ?", who).fetchone()
        return None if row is None else date.fromisoformat(row[0])

    def _ended_by_either(self, one: HouseholdChanged) -> date | None:
        """Return the same of an event's household, which while keys are rotated may be known by its older name yet."""
        older = one.previous_household
        return self.ended((one.household, one.region)) or (None if older is None else self.ended((older, one.region)))

    def newest_round(self) -> int:
        """Return the newest round in which a household was shown; 0 where none is known."""
        return int(self._connection.execute("select coalesce(max(round), 0) from database_known").fetchone()[0])

    @staticmethod
    def keep_server(connection: sqlite3.Connection, identity: str) -> None:
        """Remember a server's identity; belongs into the transaction that keeps a batch."""
        connection.execute("insert or replace into database_server values (1, ?)", (identity,))

    @staticmethod
    def keep_renamed(connection: sqlite3.Connection, newer: Mapping[bytes, bytes]) -> None:
        """Know households by their newer names from now on, given by the older ones; comes before all else that is kept of them."""
        for table in ("database_known", "database_ended"):
            connection.executemany(
                f"update or replace {table} set household = ? where household = ?",  # noqa: S608 - our tables
                [(name, older) for older, name in newer.items()],
            )

    @staticmethod
    def keep_events(connection: sqlite3.Connection, events: Sequence[HouseholdChanged], current: int) -> None:
        """Remember who was said to be there, and forget who was said to have ended; belongs into the transaction that spools them."""
        last = {(one.household, one.region): one.operation for one in events if one.operation is not _RETRACT}
        there = [(*who, current) for who, operation in last.items() if operation is _UPSERT]
        newer = "on conflict do update set round = excluded.round where excluded.round > round"  # else nothing is written
        insert(connection, "database_known (household, region, round)", there, newer)
        ended = [who for who, operation in last.items() if operation is _END]
        connection.executemany("delete from database_known where household = ? and region = ?", ended)

    @staticmethod
    def keep_ends(connection: sqlite3.Connection, events: Sequence[HouseholdChanged]) -> None:
        """Remember the day on which households were said to have ended, until they are said to be there again."""
        ended = any(one.operation is _END for one in events)
        if not ended and connection.execute("select 1 from database_ended limit 1").fetchone() is None:
            return
        last = {(one.household, one.region): one for one in events if one.operation is not _RETRACT}
        rows = [(*who, one.valid_from.isoformat()) for who, one in last.items() if one.operation is _END]
        connection.executemany("insert or replace into database_ended (household, region, valid_from) values (?, ?, ?)", rows)
        there = [who for who, one in last.items() if one.operation is _UPSERT]
        connection.executemany("delete from database_ended where household = ? and region = ?", there)

    @staticmethod
    def keep_shown(connection: sqlite3.Connection, shown: Iterable[Shown]) -> None:
        """Remember households as they were shown."""
        connection.executemany(
            "insert or replace into database_known (household, region, round, digest) values (?, ?, ?, ?)",
            [(one.household, one.region, one.round, one.digest) for one in shown],
        )

    @staticmethod
    def keep_seen(connection: sqlite3.Connection, households: Iterable[bytes], current: int) -> None:
        """Remember that known households were shown, though nothing could be said of them, or something was taken back."""
        connection.executemany("update database_known set round = ? where household = ?", [(current, one) for one in households])


def _retract(there: HouseholdChanged, since: date) -> HouseholdChanged:
    """Return the RETRACT of an END, under the revision of the row that is there again."""
    return HouseholdChanged(
        household=there.household,
        key_version=there.key_version,
        region=there.region,
        source=there.source,
        valid_from=since,
        revision=there.revision,
        mapping_version=there.mapping_version,
        operation=Operation.RETRACT,
        recorded_at=there.recorded_at,
    )
