"""
Carrying out: repaired events go into the spool in the transaction that takes their entries out of quarantine and notes who did it.

Why: whatever is killed, a record is either in quarantine or among the events, never in both or in none; an adapter that runs, or the
next one that does, publishes them like all others.
Must not: publish; say a record that the source has corrected meanwhile; hold the file longer than some records take.
"""

import sqlite3
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from producers.checkpoint import StateFile
from producers.encoding import encode
from producers.quarantine import take_back_records
from producers.repair.audit import make_table, note
from producers.repair.planning import Planned, Ready, said_of
from producers.sources.repaired import Repaired
from producers.spool import Spool
from schemas.errors import Fatal
from schemas.events import HouseholdChanged
from schemas.signed import Signed

__all__ = ["CarryingOut", "Done", "SpoolFull"]


class SpoolFull(Fatal):
    """{sent} events wait in the adapter's spool now, and {waiting} MB of them fill it: run it again when the broker has taken them"""


@dataclass(frozen=True, slots=True)
class Done:
    """Of some records: how many were repaired, into how many events, and how many were corrected, said again or repaired meanwhile."""

    repaired: int
    events: int
    meanwhile: int


class CarryingOut:
    """The writing half of a repair, through one connection to the adapter's file."""

    def __init__(
        self,
        state: StateFile,
        memory: Repaired,
        schema_id: Callable[[str], int],
        signed: Signed,
        clock: Callable[[], datetime],
        spool_bytes: int,
    ) -> None:
        """Know what to write; `schema_id` gives the id of a regency's schema."""
        self._state, self._memory, self._schema_id, self._signed = state, memory, schema_id, signed
        self._clock, self._spool, self._spool_bytes, self._sent = clock, Spool(state), spool_bytes, 0
        # Nobody may be asked again for what leaves the quarantine: the commit waits for the disk.
        state.connection.execute("pragma synchronous = full")
        make_table(state.connection)

    def carry_out(self, planned: Sequence[Planned]) -> Done:
        """Send what is ready of some records; raises `SpoolFull` before anything of it is written, `DiskRefuses`, `RegistryAway`."""
        ready = [(one, one.plan) for one in planned if isinstance(one.plan, Ready)]
        if not ready:
            return Done(0, 0, 0)
        if self._spool.size()[1] >= self._spool_bytes:
            raise SpoolFull(sent=self._sent, waiting=self._spool_bytes >> 20)
        ids = {region: self._schema_id(region) for region in {event.region for _, plan in ready for event in plan.mapped}}
        with self._state.transaction() as connection:
            there = [(one, plan) for one, plan in ready if _is_there(connection, one, plan)]
            said = said_of(self._memory, [(one.entry.place, plan.mapped) for one, plan in there])
            repaired = [(one, events) for (one, _), events in zip(there, said, strict=True) if not isinstance(events, str)]
            self._write(connection, repaired, ids)
        events = sum(len(some) for _, some in repaired)
        self._sent += events
        return Done(len(repaired), events, len(ready) - len(repaired))

    def _write(
        self, connection: sqlite3.Connection, repaired: Sequence[tuple[Planned, Sequence[HouseholdChanged]]], ids: dict[str, int]
    ) -> None:
        made = [(one.entry, [(event, encode(event, ids[event.region])) for event in events]) for one, events in repaired]
        self._spool.append((event.region, event.household, value) for _, some in made for event, value in some)
        take_back_records(self._state, [entry.mark for entry, _ in made])
        for one, events in repaired:
            self._memory.keep(one.entry.place, events)
        note(connection, self._signed, made, self._clock())


def _is_there(connection: sqlite3.Connection, one: Planned, plan: Ready) -> bool:
    """Return whether an entry still stands with the very record that was looked at."""
    return connection.execute("select 1 from sealed where mark = ? and seq = ?", (one.entry.mark, plan.sealed)).fetchone() is not None
