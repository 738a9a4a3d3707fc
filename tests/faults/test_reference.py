"""Reference data moves while workers run: batches are judged again by the new version, new regencies are picked up."""

from datetime import date

from deploy.embedded import EmbeddedServices
from processors.app import EXIT_REGENCIES_CHANGED
from processors.store.reference_load import load_lines
from processors.store.reference_sheets import LineRow, Sheet
from tests.faults.conftest import Streaming
from tests.integration.events import changed, household_key
from tests.integration.stage import Stage, until
from tests.integration.workers import working


def test_a_village_that_is_added_while_a_batch_waits_is_known(services: EmbeddedServices) -> None:
    """A batch that was judged by the version before is read again, so a village added meanwhile is not rejected."""
    stage = Stage.set(services, 1)
    (code,) = stage.regencies
    village = f"{code}.01.2002"
    with working(stage):
        stage.send([changed(household_key("warm"), code, village=f"{code}.01.1001", size=1)])
        stage.drained()
        with stage.connect() as load, load.transaction():
            load.execute("lock table reference_version in exclusive mode")
            stage.send([changed(household_key("new"), code, village=village, size=2, expenditure=700_000)])
            until(lambda: stage.transactions("waiting"), 20)
            load.execute(
                "insert into region (code, name, level, parent, urbanisation)"
                " select %s, 'VILLAGE', 'village', id, 'rural' from region where code = %s",
                (village, f"{code}.01"),
            )
            load.execute("update reference_version set version = version + 1")
        stage.drained()

    with stage.connect() as connection:
        assert connection.execute("select count(*) from rejected").fetchone() == (0,)
    stage.assert_exact()


def test_a_line_loaded_in_mid_stream_governs_exactly(services: EmbeddedServices, streaming: Streaming) -> None:
    """Lines loaded while changes stream in govern what was merged before and what comes after alike."""
    stage = Stage.set(services, 2)
    with working(stage, batch_records=40):
        with streaming(stage):
            until(lambda: all(offset > 0 for offset, _ in stage.offsets().values()) and stage.offsets(), 20)
            for month in range(1, 6):
                row = LineRow("national", stage.regencies[0], "all", date(2021, month, 1), 400_000 + 30_000 * month, "invented")
                with stage.connect() as connection:
                    load_lines(connection, Sheet("lines.csv", (row,)))
        stage.drained()
    stage.assert_exact()


def test_a_regency_registered_while_workers_run_is_picked_up(services: EmbeddedServices) -> None:
    """Workers end with the code that asks to be started at once, and read the new regency's topic too."""
    stage = Stage.set(services, 1)
    with working(stage) as workers:
        stage.send([changed(household_key(1), stage.regencies[0], village=f"{stage.regencies[0]}.01.1001", size=1)])
        stage.drained()
        code = stage.add_regency()
        stage.send([changed(household_key(2), code, village=f"{code}.01.1001", size=2)])
        stage.drained(20)

        assert workers.exits() == [EXIT_REGENCIES_CHANGED]
    stage.assert_exact()
