"""
Foreseeing: what events that lie in no topic yet would be at the office, and what they would change in its figures.

Why: whoever repairs at a region's edge sees the same preview as whoever repairs at the office, by the same admission and merge.
Must not: write anything.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np
import psycopg

from processors.admission import Record, admit, cause_of, field_of, link_of
from processors.columns.one_by_one import links_of
from processors.columns.reading import Reading
from processors.columns.statements import STATEMENT, pack
from processors.law import Link
from processors.store.effect import Effect, effect
from processors.store.reference import read
from schemas.errors import Rejected
from schemas.events import HouseholdChanged, to_record

__all__ = ["Foreseeing", "Foreseen"]


@dataclass(frozen=True, slots=True)
class Foreseen:
    """What would come of events: what they would change, and those that would be rejected, counted by cause and field."""

    effect: Effect
    rejected: Counter[str]


class Foreseeing:
    """Gathers events, and tells what would come of all of them; used by one thread."""

    def __init__(self, database: str) -> None:
        """Take the reference data and the time of the office's database; raises an error of psycopg where it cannot be asked."""
        self._database = database
        with psycopg.connect(database, autocommit=True, connect_timeout=5) as connection:
            self._reference = read(connection)
            row = connection.execute("select clock_timestamp()").fetchone()
        assert row is not None  # noqa: S101 - a select without from has one row
        self._now: datetime = row[0]
        self._households, self._statements = bytearray(), bytearray()
        self._links: list[Link] = []
        self._rejected: Counter[str] = Counter()

    def add(self, events: Sequence[HouseholdChanged]) -> None:
        """Take events as if they arrived now, each in the topic of its own regency."""
        for event in events:
            record = Record(to_record(event), event.household, event.region, self._now)
            try:
                statement = admit(record, self._reference, self._reference.limits)
            except Rejected as error:
                self._rejected[f"{cause_of(error)}" + (f" ({field_of(error)})" if field_of(error) else "")] += 1
                continue
            self._households += event.household
            self._statements += pack([statement], self._reference).tobytes()
            link = link_of(record)
            self._links += [link] if link else []

    def foreseen(self) -> Foreseen:
        """Return what would come of all of them; raises `ReferenceMovedOn`, `DatabaseAway`."""
        halves = np.frombuffer(bytes(self._households), ">u8").astype(np.uint64).reshape(-1, 2)
        said = Reading(halves, np.frombuffer(bytes(self._statements), STATEMENT), [], links_of(self._links))
        return Foreseen(effect(self._database, said, self._reference), self._rejected)
