"""
A folder of snapshots, and the files source over it with its memory.

Why: what is said of a household depends on files; here is how a test drops them and reads what is said.
Must not: know what should be said: tests do.
"""

import sqlite3
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from producers.declaration import Declaration, Value
from producers.pseudonym import Pseudonyms
from producers.sources import Batch
from producers.sources.files import FilesReader
from producers.sources.showings import forget_refusals
from schemas.events import HouseholdChanged
from tests.producers.events import decoded
from tests.producers.samples import drop, mapper, row, sddd, snapshot_name

__all__ = ["EXPORTED", "HERE", "MONTHS", "THERE", "VILLAGES", "YONDER", "Adapter", "Snapshot", "at", "said"]

HERE, THERE, YONDER = "51.01.01.2001", "51.01.01.2002", "51.01.02.2001"
VILLAGES = (HERE, THERE, YONDER)
MONTHS = (202401, 202402, 202403, 202404)
EXPORTED = datetime(2024, 4, 2, 10, 15, tzinfo=UTC)


@dataclass(frozen=True)
class Snapshot:
    """One file of a test: who is in it, by serial."""

    village: str
    period: int
    exported: datetime
    households: frozenset[int]

    @property
    def name(self) -> str:
        """The file's name."""
        return snapshot_name(self.village, self.period, self.exported)

    def drop(self, folder: Path) -> Path:
        """Drop it into a folder; what the rows say depends on the file, so that the newest can be told."""
        spent = str(1_000_000 + self.exported.minute * 60 + self.exported.second)
        return drop(folder, self.name, [row(one, P350=spent) for one in sorted(self.households)])


class Adapter:
    """A files source with its memory, read as the runner reads it, all batches kept."""

    def __init__(
        self,
        folder: Path,
        greatest_loss: float = 1.0,
        memory: sqlite3.Connection | None = None,
        tenure: int = 5,
        pseudonyms: Pseudonyms | None = None,
        clock: Callable[[], datetime] | None = None,
        **paths: str,
    ) -> None:
        """Remember what the memory given does, or nothing yet; the region file is the product's but for what is given."""
        declared = _with(sddd(folder), tenure, paths)
        source = declared.source.model_copy(update={"greatest_loss": greatest_loss})
        self.connection = memory or sqlite3.connect(":memory:", isolation_level=None)
        forget_refusals(self.connection)
        self.reader = FilesReader(source, mapper(declared, pseudonyms), self.connection, clock)  # type: ignore[arg-type]  # of kind files
        self.events: list[HouseholdChanged] = []
        self.causes: list[str] = []

    def read(self) -> list[HouseholdChanged]:
        """Read until nothing more is there; return the events."""
        begin = len(self.events)
        while not (batch := self.reader.read(None)).caught_up:
            self.keep(batch)
        return self.events[begin:]

    def again(self, since: datetime) -> list[HouseholdChanged]:
        """Read again from a time on; return the events."""
        begin, position = len(self.events), None
        while not (batch := self.reader.again(since, position)).caught_up:
            position = batch.position
            self.keep(batch)
        return self.events[begin:]

    def keep(self, batch: Batch) -> None:
        """Keep a batch as the runner does."""
        self.write(batch)
        if batch.kept is not None:
            batch.kept()

    def write(self, batch: Batch) -> None:
        """Write a batch as the runner does, and end before the source knows of it."""
        if batch.keep is not None:
            batch.keep(self.connection)
        self.events += [*batch.events, *(decoded(one.value) for one in batch.encoded)]
        self.causes += [f"{one.field} {one.cause}".strip() for one in batch.aside]


def _with(declared: Declaration, tenure: int, paths: Mapping[str, str]) -> Declaration:
    """Return a declaration that knows codes of tenure up to one, and reads some fields from other places."""
    read = {"tenure": Value.model_validate({"path": "P401", "range": (1, tenure)})}
    dwelling = declared.mapping.dwelling.model_copy(update=read)  # type: ignore[union-attr]  # it is there
    others = {field: Value.model_validate({"path": path}) for field, path in paths.items()}
    return declared.model_copy(update={"mapping": declared.mapping.model_copy(update={"dwelling": dwelling, **others})})


def at(second: int) -> datetime:
    """Return a time of export, in seconds after the first."""
    return EXPORTED + timedelta(seconds=second)


def said(events: Iterable[HouseholdChanged]) -> list[tuple[str, int, int]]:
    """Return operation, month and seconds after the first export of each event's revision, in order."""
    begin = int(EXPORTED.timestamp() * 1_000_000)
    return sorted((one.operation.value, one.valid_from.month, (one.revision - begin) // 1_000_000) for one in events)
