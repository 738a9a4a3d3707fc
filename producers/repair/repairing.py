"""
One repair of one adapter's quarantine, from the files to the counts; the adapter may run meanwhile, or not.

Why: the command shows and asks, and everything that must be so before anything is written is seen to in one place.
Must not: print, or ask the source.
"""

import hashlib
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Self

from producers.checkpoint import StateFile
from producers.keys import must_have_begun
from producers.mapping_version import must_be_raised, must_not_differ
from producers.pseudonym import Pseudonyms
from producers.repair.carrying_out import CarryingOut
from producers.repair.planning import Left, Planned, Planner
from producers.repair.repair_file import read_mending
from producers.sealed import make_tables
from schemas.codec import schema_text
from schemas.registry import Registry
from schemas.signed import Signed
from schemas.topics import household_topic

__all__ = ["Counts", "Progress", "Repairing"]

_EVENT = "HouseholdChanged"
Progress = Callable[[int, int], None]
"""Told how many entries of how many were looked at."""


@dataclass(slots=True)
class Counts:
    """Entries of the quarantine by what becomes of them."""

    looked_at: int = 0
    meant: int = 0
    ready: int = 0
    """Whose records can be said now."""
    events: int = 0
    """What they are said as."""
    meanwhile: int = 0
    """Corrected, said again or repaired between looking and writing."""
    left: Counter[str] = field(default_factory=Counter)
    """By words: why the others stay."""
    regions: set[str] = field(default_factory=set)
    """The regencies whose topics the events go to."""


def _now() -> datetime:
    return datetime.now(UTC)  # noqa: TID251 - when a person repaired what; no figure depends on it


class Repairing:
    """A repair's file over an adapter's file."""

    def __init__(self, file: Path, region_file: Path, state_file: Path, pseudonyms: Pseudonyms, environ: Mapping[str, str]) -> None:
        """
        Read the files and open the adapter's, which must be there; nothing is changed by it.

        Raises `RegionFileWrong`, `OfAnotherSource`, `MappingChanged`, `KeyNotBegun`, `StateFileForeign`, `DiskRefuses`.
        """
        self._file, self._region_file = file, region_file
        self.mending = read_mending(file, region_file, environ)
        self._state = StateFile(state_file, self.mending.declared.source_id)
        try:
            make_tables(self._state.connection)
            must_have_begun(self._state, pseudonyms)
            must_not_differ(self._state, self.mending.versioned, self._mapped_by)
            self._planner = Planner(self.mending, pseudonyms, self._state)
        except BaseException:
            self._state.connection.close()
            raise
        self.counts = Counts()

    def __enter__(self) -> Self:
        """Give itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close the adapter's file."""
        self._state.connection.close()

    @property
    def _mapped_by(self) -> Path:
        """The file whose mapping has the version under which is said what is repaired."""
        return self._region_file if self.mending.laid_over else self._file

    def plans(self, progress: Progress) -> Iterator[Sequence[Planned]]:
        """Give the entries that are meant, each with what becomes of it, some at a time, and count them; nothing is written."""
        of = int(self._state.connection.execute("select count(*) from quarantine").fetchone()[0])
        progress(0, of)
        for looked_at, planned in self._planner.plans():
            self.counts.looked_at += looked_at
            self.counts.meant += len(planned)
            for one in planned:
                if isinstance(one.plan, Left):
                    self.counts.left[one.plan.why] += 1
                else:
                    self.counts.ready += 1
                    self.counts.events += len(one.plan.events)
                    self.counts.regions |= {event.region for event in one.plan.events}
            yield planned
            progress(self.counts.looked_at, max(of, self.counts.looked_at))

    def send(self, signed: Signed, registry: Callable[[], Registry], spool_bytes: int, progress: Progress) -> Counts:
        """
        Put what is ready into the adapter's spool, some records at a time, each with its audit, and return the counts.

        A run that ends in the midst of it has sent what its audit says, and the same run again goes on. `registry` is opened
        for a schema that the adapter never sent by. Raises `SpoolFull`, `DiskRefuses`, `RegistryAway`.
        """
        if not self.mending.laid_over:
            must_be_raised(self._state, self.mending.versioned, self._mapped_by)
        ready = events = 0
        carrying = CarryingOut(self._state, self._planner.memory, self._schema_id(registry), signed, _now, spool_bytes)
        for planned in self.plans(progress):
            done = carrying.carry_out(planned)
            ready, events = ready + done.repaired, events + done.events
            self.counts.meanwhile += done.meanwhile
        self.counts.ready, self.counts.events = ready, events
        return self.counts

    def _schema_id(self, registry: Callable[[], Registry]) -> Callable[[str], int]:
        fingerprint = hashlib.sha256(schema_text(_EVENT).encode()).hexdigest()

        def schema_id(region: str) -> int:
            topic = household_topic(region)
            found = self._state.schema_id(topic, fingerprint)
            if found is None:
                with closing(registry()) as asked:
                    found = asked.register(topic, _EVENT)
                self._state.keep_schema_id(topic, fingerprint, found)
            return found

        return schema_id
