"""Reading a folder of snapshots: whatever the order, repetition or loss of memory, the same households live in the same months."""

import sqlite3
import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from processors.law import Statement, kept, visible
from producers.declaration import Declaration
from producers.sources import Batch
from producers.sources.files import FilesReader
from producers.sources.showings import forget_refusals
from schemas.events import HouseholdChanged, Operation
from tests.producers.samples import card, drop, mapper, row, sddd, snapshot_name

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

    def __init__(self, folder: Path, greatest_loss: float = 1.0, memory: sqlite3.Connection | None = None) -> None:
        """Remember what the memory given does, or nothing yet."""
        declared: Declaration = sddd(folder)
        source = declared.source.model_copy(update={"greatest_loss": greatest_loss})
        self.connection = memory or sqlite3.connect(":memory:", isolation_level=None)
        forget_refusals(self.connection)
        self.reader = FilesReader(source, mapper(declared), self.connection)  # type: ignore[arg-type]  # of kind files
        self.events: list[HouseholdChanged] = []
        self.causes: list[str] = []

    def read(self) -> list[HouseholdChanged]:
        """Read until nothing more is there; return the events."""
        begin = len(self.events)
        while not (batch := self.reader.read(None)).caught_up:
            self.keep(batch)
        return self.events[begin:]

    def keep(self, batch: Batch) -> None:
        """Keep a batch as the runner does."""
        if batch.keep is not None:
            batch.keep(self.connection)
        if batch.kept is not None:
            batch.kept()
        self.events += batch.events
        self.causes += [f"{one.field} {one.cause}".strip() for one in batch.aside]


def statements(events: Iterable[HouseholdChanged]) -> dict[bytes, list[Statement]]:
    """Return each household's statements that stand, as the office keeps them."""
    said: dict[bytes, list[Statement]] = {}
    for event in events:
        village = event.residence.village if event.residence else None
        spent = event.welfare.expenditure if event.welfare else None
        said.setdefault(event.household, []).append(
            Statement(
                event.region,
                event.source,
                event.valid_from,
                event.revision,
                event.mapping_version,
                event.operation,
                village,
                expenditure=spent,
            )
        )
    return {household: kept(one) for household, one in said.items()}


def residences(events: Iterable[HouseholdChanged]) -> dict[tuple[bytes, int], tuple[str, int | None]]:
    """Return where each household lives in each month by the law, and the expenditure said for that month (None: carried on)."""
    found = {}
    for household, said in statements(events).items():
        for month in MONTHS:
            day = date(month // 100, month % 100, 1)
            alive = None
            for one in visible(said):
                if one.valid_from <= day:
                    alive = None if one.operation is Operation.END else one
            if alive is not None and alive.village is not None:
                found[household, month] = (alive.village, alive.expenditure if alive.valid_from == day else None)
    return found


def truth(snapshots: Iterable[Snapshot]) -> dict[tuple[bytes, int], tuple[str, int | None]]:
    """Return the same from the snapshots alone: shown, or held by a village that has not been heard since."""
    counting: dict[tuple[str, int], Snapshot] = {}
    for one in sorted(snapshots, key=lambda one: one.exported):
        counting[one.village, one.period] = one
    found = {}
    pseudonyms = mapper(sddd())._pseudonyms
    for serial in range(1, 10):
        holder: str | None = None
        for month in MONTHS:
            shows = [one for (_, period), one in counting.items() if period == month and serial in one.households]
            newest = max(shows, key=lambda one: one.exported, default=None)
            if newest is not None:
                holder = newest.village
            elif (holder, month) in counting:
                holder = None
            if holder is not None:
                spent = 1_000_000 + newest.exported.minute * 60 + newest.exported.second if newest else None
                found[pseudonyms.family_card(card(serial)), month] = (holder, spent)
    return found


@st.composite
def _worlds(draw: st.DrawFn) -> tuple[Sequence[Snapshot], Sequence[Snapshot]]:
    """Return files of some villages and months, corrections among them, in two orders."""
    places = draw(st.lists(st.tuples(st.sampled_from(VILLAGES), st.sampled_from(MONTHS)), min_size=1, max_size=9))
    times = draw(st.permutations(range(len(places))))
    members = st.frozensets(st.integers(1, 5), min_size=1)
    files = [
        Snapshot(village, period, EXPORTED + timedelta(seconds=second), draw(members))
        for (village, period), second in zip(places, times, strict=True)
    ]
    return files, draw(st.permutations(files))


def _read_one_by_one(files: Sequence[Snapshot], together: int) -> list[HouseholdChanged]:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        adapter = Adapter(folder)
        for place, one in enumerate(files):
            one.drop(folder)
            if place % together == 0:
                adapter.read()
        adapter.read()
        return adapter.events


@given(_worlds(), st.integers(1, 3))
@settings(max_examples=150, deadline=None)
def test_order_of_reading_does_not_show(world: tuple[Sequence[Snapshot], Sequence[Snapshot]], together: int) -> None:
    """In whatever order the files come, each household lives where the snapshots say, also when two readings meet."""
    files, otherwise = world
    wanted = truth(files)
    one, other = _read_one_by_one(files, together), _read_one_by_one(otherwise, 1)

    assert residences(one) == wanted
    assert residences(other) == wanted
    assert residences([*one, *other]) == wanted, "an adapter that lost its memory and read in another order changed something"
