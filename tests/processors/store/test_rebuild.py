"""A rebuild against a real broker and database: what it finds, repairs and refuses, and that until its commit nothing moved."""

from datetime import date

import pytest

from deploy.embedded import EmbeddedServices
from processors.indicators.catalogue import MEASURES
from processors.store.rebuild import RebuildRuns
from processors.store.reference_load import load_lines
from processors.store.reference_sheets import LineRow, Sheet
from tests.integration.stage import Stage
from tests.integration.workers import working
from tests.processors.store.office import fold_all
from tests.processors.store.rebuilding import all_rows, assert_verified, counts, leftovers, rebuilt, speak, spoken, words


@pytest.fixture
def stage(services: EmbeddedServices) -> Stage:
    """Three regencies of which all was merged, half folded."""
    return spoken(services)


def test_what_a_worker_merged_is_found_equal_and_left_alone(services: EmbeddedServices) -> None:
    """What a worker took from Kafka's own batches is equal record by record; nothing is written and nothing is left behind."""
    stage = Stage.set(services, 3)
    with working(stage):
        speak(stage, lambda stage: stage.drained())
    before = all_rows(stage)

    done = rebuilt(stage)

    assert done.same
    assert not done.taken_over
    assert done.records == sum(stage.ends().values())
    equal = {one.kind: one.equal for one in done.compared}
    assert equal["household"] == len(stage.held())
    assert equal["cell"] > 100
    assert equal["rejected"] == 7
    assert all_rows(stage) == before
    assert leftovers(stage) == []


def test_damage_is_named_and_repaired(stage: Stage) -> None:
    """Rows changed by hand are found, named without their values, and repaired, rows of all kinds at once; figures are sent again."""
    fold_all(stage.database)
    with stage.connect() as conn:
        conn.execute("delete from outbox")
        damaged, lost = [row[0] for row in conn.execute("select id from household order by id limit 2").fetchall()]
        # The expenditure of the first statement: bytes 35 to 42.
        conn.execute(
            "update household set statements = overlay(statements placing '\\x00000000000000aa'::bytea from 35) where id = %s", (damaged,)
        )
        conn.execute("delete from household where id = %s", (lost,))
        conn.execute(
            "update cell set poor_people = poor_people + 3 from region as one"
            " where one.id = cell.region and code = '99' and month = '2020-05-01'"
        )
        conn.execute("delete from cell where region = (select id from region where code = %s)", (f"{stage.regencies[0]}.01.2001",))
        conn.execute("update rejected set cause = 'invented' where id = (select min(id) from rejected)")
        conn.execute("delete from rejected where id = (select max(id) from rejected)")

    done = rebuilt(stage)

    found = counts(done)
    assert found["household"] == (1, 1, 0)
    assert found["cell"][0] in (1, 2)
    assert found["cell"][1] > 0
    assert found["rejected"] == (1, 1, 0)
    assert f"household {damaged}: 99." in words(done)
    assert "has another expenditure" in words(done)
    assert f"household {lost}: is not held" in words(done)
    assert "cell 99 urban 2020-05: poor_people is " in words(done)
    assert "was invented, replayed " in words(done)
    assert done.taken_over
    assert done.shrinking == 0
    assert rebuilt(stage).same
    assert_verified(stage)
    with stage.connect() as conn:
        row = conn.execute("select count(*), min(from_month) from outbox join region on region.id = region").fetchone()
    assert row == (2 * 5, date(2020, 1, 1))


def test_what_cannot_be_read_while_it_waits_for_the_fold_is_given_up(stage: Stage) -> None:
    """Cell changes that are torn, of unknown villages, or missing are found, and the cells come out exact."""
    with stage.connect() as conn:
        numbers = [row[0] for row in conn.execute("select id from cell_change order by id").fetchall()]
        assert len(numbers) >= 6  # what comes of a slice in two fetches is merged in two batches
        conn.execute("update cell_change set amounts = substr(amounts, 9) where id = %s", (numbers[0],))
        conn.execute("update cell_change set keys = set_byte(keys, 0, 64) where id = %s", (numbers[1],))
        conn.execute("delete from cell_change where id = %s", (numbers[2],))

    done = rebuilt(stage)

    assert done.unreadable == 2
    assert counts(done)["household"] == (0, 0, 0)
    assert sum(counts(done)["cell"]) > 0
    assert done.taken_over
    assert rebuilt(stage).same
    assert_verified(stage)


def test_a_comparison_changes_nothing(stage: Stage) -> None:
    """With `compare_only` the same is found and nothing is written."""
    with stage.connect() as conn:
        conn.execute("update cell set people = people + 1 where level = 'nation'")
    before = all_rows(stage)

    done = rebuilt(stage, compare_only=True)

    assert counts(done)["cell"][0] > 0
    assert not done.taken_over
    assert all_rows(stage) == before


def test_figures_of_another_catalogue_are_made_anew(stage: Stage) -> None:
    """Where the stored catalogue is another, everything is taken over, all is sent again, and whoever holds the old version finds out."""
    with stage.connect() as conn:
        row = conn.execute("update reference_version set catalogue_hash = 'another' returning version").fetchone()
        conn.execute("update cell set modelled_people = 0")
        conn.execute("update cell_change set amounts = substr(amounts, 1, length(amounts) / %s * %s)", (len(MEASURES), len(MEASURES) - 1))
    assert row is not None

    done = rebuilt(stage)

    assert done.catalogue_changed
    assert done.taken_over
    assert counts(done)["household"] == (0, 0, 0)
    assert stage.reference().version == row[0] + 1
    assert rebuilt(stage).same
    assert_verified(stage)


def test_reference_data_that_moves_starts_the_replay_over(stage: Stage) -> None:
    """A line loaded during the replay governs every figure that is compared and taken over."""
    loads = [
        LineRow("national", "99", "urban", date(2020, 8, 1), 700_000, "invented", 2),
        LineRow("extreme", "ID", "all", date(2021, 1, 1), 500_000, "invented", 2),
    ]
    begun: list[str] = []

    def load(step: str, done: int, of: int) -> None:
        if step == "replay":
            begun.append(step)
            if done and loads:
                with stage.connect() as conn:
                    load_lines(conn, Sheet("lines.csv", (loads.pop(),)))

    with stage.connect() as conn:
        conn.execute("update household set statements = substr(statements, 1, 42) where length(statements) > 42")

    done = rebuilt(stage, load)

    assert not loads
    assert counts(done)["household"][0] > 0
    assert done.taken_over
    assert rebuilt(stage).same
    assert_verified(stage)


def test_only_one_rebuild_at_a_time(stage: Stage) -> None:
    """A second one is refused with one clear line, and does not disturb the first."""
    refused: list[str] = []

    def second(step: str, done: int, of: int) -> None:
        if step == "compare" and not refused:
            with pytest.raises(RebuildRuns) as error:
                rebuilt(stage)
            refused.append(str(error.value))

    assert rebuilt(stage, second).same
    assert refused == ["another muara rebuild is at work on this database: wait until it has ended"]
