"""
A database's reader worked by hand: batches are kept, or not, and what they say is judged by the law.

Why: what counts is what the office would hold, whatever was read twice, by halves or in which order.
Must not: look into the reader.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from producers.checkpoint import StateFile
from producers.declaration import Declaration
from producers.mapping import Mapper
from producers.pseudonym import Pseudonyms
from producers.quarantine import PutAside
from producers.region_file import read_region_file
from producers.sources import Batch, HearsDelivery, Source
from producers.sources.opening import open_source
from schemas.events import HouseholdChanged
from tests.integration.events import link_by, said_by
from tests.living import living
from tests.producers.kampung import Kampung
from tests.producers.samples import KAMPUNG, KEY

__all__ = ["Reading", "declared", "held", "reading"]

NOW = datetime(2024, 6, 1, 20, tzinfo=UTC)


def declared(kampung: Kampung, folder: Path, *changes: tuple[str, str]) -> Declaration:
    """Return the product's region file over an invented database, with changes of its text."""
    regency = kampung.village[:5]
    text = re.sub(r"regencies = \[.*\]", f'regencies = ["{regency}"]', KAMPUNG.read_text(encoding="utf-8"))
    for before, after in [('slot = "muara"', f'slot = "{kampung.slot}"'), *changes]:
        assert before in text
        text = text.replace(before, after)
    file = folder / f"{kampung.name}.toml"
    file.write_text(text, encoding="utf-8")
    return read_region_file(file, kampung.environ())


def held(events: list[HouseholdChanged], serials: int = 200) -> dict[int, int]:
    """Return the households that live in the end by the law, by the serials of their cards, with their sizes; none lives twice."""
    links = [link for one in events if (link := link_by(one))]
    return living([(one.household, said_by(one)) for one in events], links, serials)


class Reading:
    """A reader with its file; the position moves as batches are kept."""

    def __init__(self, source: Source, state: StateFile) -> None:
        """Stand at the beginning."""
        self.source, self._state = source, state
        self.position: str | None = None
        self.events: list[HouseholdChanged] = []
        self.aside: list[PutAside] = []
        self.batches: list[Batch] = []

    def read(self, *, keep: bool = True) -> Batch:
        """Read one batch, and keep it as the adapter does, or lose it."""
        batch = self.source.read(self.position)
        if keep:
            self.keep(batch)
        return batch

    def keep(self, batch: Batch) -> None:
        """Keep a batch."""
        with self._state.transaction() as connection:
            if batch.keep is not None:
                batch.keep(connection)
            self._state.move(batch.position, NOW, nothing_more=batch.caught_up)
        if batch.kept is not None:
            batch.kept()
        self.position = batch.position
        self.events += batch.events
        self.aside += batch.aside
        self.batches.append(batch)

    def read_all(self, most: int = 500) -> list[HouseholdChanged]:
        """Read until nothing more is there; return what was said."""
        before = len(self.events)
        for _ in range(most):
            if self.read().caught_up:
                return self.events[before:]
        raise AssertionError(f"not caught up after {most} batches")

    def deliver(self) -> None:
        """Tell that all that was kept is delivered."""
        assert isinstance(self.source, HearsDelivery)
        assert self.position is not None
        self.source.delivered(self.position)

    @property
    def held(self) -> dict[int, int]:
        """What the office holds."""
        return held(self.events)


@contextmanager
def reading(told: Declaration, kampung: Kampung, folder: Path, pseudonyms: Pseudonyms | None = None) -> Iterator[Reading]:
    """Open a reader with a file in a folder, and go on where that file stands."""
    mapper = Mapper(told, pseudonyms or Pseudonyms(KEY, 1))
    with StateFile(folder / "state.sqlite", told.source_id) as state:
        source = open_source(told, mapper, state, kampung.environ(), lambda: NOW)
        made = Reading(source, state)
        made.position = state.position()
        try:
            yield made
        finally:
            source.close()
