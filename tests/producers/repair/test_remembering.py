"""A repaired row is said as if it had been readable, and known to be there: snapshots and databases say its end when it is gone."""

import threading
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from deploy.embedded import EmbeddedServices
from producers.checkpoint import StateFile
from producers.keys import begin_with
from producers.mapping import Mapper
from producers.mapping_version import must_be_raised
from producers.pseudonym import Pseudonyms
from producers.reader import Reader
from producers.region_file import read_region_file
from producers.repair.planning import Left
from producers.repair.repairing import Repairing
from producers.sealed import make_tables
from producers.sources import Source
from producers.sources.opening import open_source
from schemas.events import HouseholdChanged, Operation
from schemas.registry import Registry
from schemas.topics import household_topic
from tests.producers.kampung import Kampung, kampung
from tests.producers.repair.region import NOW, signed
from tests.producers.samples import ENVIRON, KEY, SDDD, drop, row, snapshot_name
from tests.producers.sources.folder import HERE, at
from tests.producers.sources.reading import declared as database_declared
from tests.producers.sources.reading import held

MARCH, MAY = date(2024, 3, 1), date(2024, 5, 1)
TENURE = '[match]\nfield = "dwelling.tenure"\n[mapping.dwelling.tenure]\nrange = [1, 99]\n'
REVISION_0 = int(at(0).timestamp() * 1_000_000)


class Adapter:
    """An adapter over any source, each reading of which goes into its file; and repairs of its quarantine."""

    def __init__(self, folder: Path, region_file: Path, environ: dict[str, str]) -> None:
        """Open file and source."""
        self.declared = read_region_file(region_file, environ)
        self.region_file, self.folder = region_file, folder
        self.pseudonyms = Pseudonyms(KEY, 1)
        self.state = StateFile(folder / "state.sqlite", self.declared.source_id)
        make_tables(self.state.connection)
        begin_with(self.state, self.pseudonyms, lambda _: None)
        must_be_raised(self.state, self.declared, region_file)
        self.mapper = Mapper(self.declared, self.pseudonyms)
        self.source: Source = open_source(self.declared, self.mapper, self.state, environ, lambda: NOW)
        self.said: list[HouseholdChanged] = []

    def read(self) -> list[HouseholdChanged]:
        """Read until nothing more is there; return what was said."""
        begin = len(self.said)

        def noted(position: str | None) -> object:
            batch = self.source.read(position)
            self.said += batch.events
            return batch

        ids = dict.fromkeys(self.declared.regencies, 7)
        seal = self.pseudonyms.seal
        reader = Reader(noted, self.state, ids, lambda: datetime.now(UTC), threading.Event(), spool_bytes=1 << 30, poll_s=0, seal=seal)  # type: ignore[arg-type]  # noqa: TID251
        for _ in range(100):
            reader.step()
            if reader.caught_up.is_set():
                return self.said[begin:]
        raise AssertionError("not caught up")

    def repair(self, text: str) -> tuple[int, set[str]]:
        """Repair by a file, and say what it said, too; return how many records were repaired, and why others were not."""
        file = self.folder / "repair.toml"
        file.write_text(text, encoding="utf-8")
        with Repairing(file, self.region_file, self.state.path, self.pseudonyms, {}) as work:
            for some in work.plans(lambda _, __: None):
                self.said += [event for one in some if not isinstance(one.plan, Left) for event in one.plan.events]
        with Repairing(file, self.region_file, self.state.path, self.pseudonyms, {}) as work:
            counts = work.send(signed(work), lambda: Known(), 1 << 30, lambda _, __: None)  # noqa: PLW0108 - a registry is opened
        return counts.ready, set(counts.left)

    @property
    def aside(self) -> int:
        """How many are in quarantine."""
        return int(self.state.connection.execute("select quarantined from adapter").fetchone()[0])


class Known(Registry):
    """Knows the schema's id."""

    def __init__(self) -> None:
        """Ask nobody."""

    def close(self) -> None:
        """Hold nothing."""

    def register(self, topic: str, name: str) -> int:  # noqa: ARG002
        """Return the id."""
        assert topic.startswith(household_topic("00.00")[:6])
        return 7


@pytest.fixture
def files(tmp_path: Path) -> Adapter:
    """An adapter over a folder of snapshots."""
    folder = tmp_path / "in"
    folder.mkdir()
    return Adapter(tmp_path, SDDD, {**ENVIRON, "MUARA_SDDD_FOLDER": str(folder)})


def told(events: list[HouseholdChanged]) -> list[tuple[str, int, int]]:
    """Return operation, month and seconds of the revision after the first export."""
    return sorted((one.operation.value, one.valid_from.month, (one.revision - REVISION_0) // 1_000_000) for one in events)


def test_a_row_is_said_under_its_snapshots_revision_and_known_from_then_on(files: Adapter, tmp_path: Path) -> None:
    """A later export without the household takes back what the repair said, as it would had the row been readable."""
    drop(tmp_path / "in", snapshot_name(HERE, 202401, at(0)), [row(1), row(2, P401="77"), row(3), row(4), row(5), row(6)])
    assert told(files.read()) == [("UPSERT", 1, 0)] * 5
    begin = len(files.said)
    assert files.repair(TENURE) == (1, set())
    assert told(files.said[begin:]) == [("UPSERT", 1, 0)]
    assert files.aside == 0

    drop(tmp_path / "in", snapshot_name(HERE, 202401, at(1)), [row(1), row(3), row(4), row(5), row(6)])
    assert ("RETRACT", 1, 1) in told(files.read())


def test_a_row_of_a_snapshot_that_no_longer_counts_stays_unsaid(files: Adapter, tmp_path: Path) -> None:
    """A newer export of the month counts: the older one's row would say again what was corrected."""
    drop(tmp_path / "in", snapshot_name(HERE, 202401, at(0)), [row(1), row(2, P401="77")])
    files.read()
    drop(tmp_path / "in", snapshot_name(HERE, 202401, at(1)), [row(1), row(2)])
    files.read()
    assert files.repair(TENURE) == (0, {"a newer snapshot of its village and period counts"})


def test_a_household_that_stands_twice_is_not_kept(files: Adapter, tmp_path: Path) -> None:
    """No mapping could tell which row is right."""
    drop(tmp_path / "in", snapshot_name(HERE, 202401, at(0)), [row(1), row(2), row(2, P303="9")])
    files.read()
    ready, why = files.repair(TENURE.replace("dwelling.tenure", "household", 1))
    assert (ready, {one[:26] for one in why}) == (0, {"its record is not kept: it"})


def test_many_rows_of_one_file_are_repaired_together(files: Adapter, tmp_path: Path) -> None:
    """A thousand rows of one snapshot with a new code: each is said once, and each is known."""
    drop(tmp_path / "in", snapshot_name(HERE, 202401, at(0)), [row(serial, P401="77") for serial in range(1, 1001)])
    files.read()
    assert files.repair(TENURE)[0] == 1000
    assert len({one.household for one in files.said}) == len(files.said) == 1000


@pytest.fixture
def made(services: EmbeddedServices) -> Iterator[Kampung]:
    """An invented database."""
    with kampung(services.addresses.database, "71.01.01.2001") as one:
        yield one


def test_a_databases_row_is_known_to_be_there(made: Kampung, tmp_path: Path) -> None:
    """Read by comparison, a repaired row ends when it is gone: whoever was never known could not be missed."""
    made.owner.execute("drop publication muara")
    capture = ('capture = "log"', 'capture = "compare"\ngreatest_loss = 0.5\ncompare_s = 0.001')
    database_declared(made, tmp_path, capture)
    adapter = Adapter(tmp_path, tmp_path / f"{made.name}.toml", made.environ())
    for serial in range(1, 5):
        made.put(serial, 2, MARCH)
    made.put(5, 2, MARCH)
    made.add_member(5, 9, sex="X")
    adapter.read()
    assert (adapter.aside, len(held(adapter.said))) == (1, 4)
    (field,) = adapter.state.connection.execute("select field from quarantine").fetchone()
    assert adapter.repair(f'[match]\nfield = "{field}"\n[drift.only."{field}"]\nnew_code = "discard"\n') == (1, set())
    assert sorted(held(adapter.said)) == [1, 2, 3, 4, 5]
    made.end(5, MAY)
    assert [one.operation for one in adapter.read()] == [Operation.END]
    assert sorted(held(adapter.said)) == [1, 2, 3, 4]
    adapter.source.close()
