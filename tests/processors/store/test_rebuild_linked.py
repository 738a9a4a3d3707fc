"""A rebuild over a rotation of keys: it comes to the same rows of names, repairs them, and refuses to lose what they hold."""

import pytest

from deploy.embedded import EmbeddedServices
from tests.integration.events import Dice
from tests.integration.stage import Stage
from tests.processors.store.cards import name, random_rotation, rows
from tests.processors.store.rebuilding import assert_verified, counts, merge, rebuilt, words


@pytest.fixture
def stage(services: EmbeddedServices) -> Stage:
    """Two regencies over whose cards random rotations went, merged in slices."""
    made = Stage.set(services, 2)
    dice = Dice(3)
    for _ in range(4):
        made.send(random_rotation(dice, made, 60))
        merge(made)
    return made


def test_what_was_merged_in_slices_is_found_equal_in_one_replay(stage: Stage) -> None:
    """Rows of households and of names are the same, byte by byte, though links came before, among and after."""
    stage.assert_exact()

    done = rebuilt(stage)

    assert done.same
    assert {one.kind: one.equal for one in done.compared}["household"] == len(rows(stage))
    assert_verified(stage)


def test_links_that_an_older_program_passed_over_are_found_and_taken_over(stage: Stage) -> None:
    """Where rows of two names stand side by side, the rebuild makes one household of them; nothing is lost by it."""
    with stage.connect() as conn:
        newest, old = next((row[0], one[0]) for row in rows(stage) if row[3] for one in rows(stage) if one[2] == row[0])
        conn.execute(
            "update household set same_as = null, statements = (select substr(statements, 1, 42) from household where id = %s)"
            " where id = %s",
            (newest, old),
        )
        conn.execute("update household set links = null where id = %s", (newest,))

    done = rebuilt(stage)

    assert counts(done)["household"] == (2, 0, 0)
    assert f"household {newest}: is linked to other names" in words(done)
    assert done.shrinking == 0
    assert done.taken_over
    assert rebuilt(stage).same
    assert_verified(stage)


def test_links_that_only_the_tables_hold_are_not_lost_unasked(stage: Stage) -> None:
    """A household joined by links that no record says is no longer one after a replay: that is told, and done only when asked for."""
    with stage.connect() as conn:
        kept = next(row[0] for row in rows(stage) if row[3])
        conn.execute(
            "update household set links = links || uuid_send(%s) || uuid_send(%s) || int4send(1) where id = %s",
            (name(1, "unsaid").hex(), kept, kept),
        )

    done = rebuilt(stage)

    assert done.shrinking == 1
    assert not done.taken_over
    assert rebuilt(stage, accept_loss=True).taken_over
    assert rebuilt(stage).same


def test_one_replay_of_all_from_the_first_record(stage: Stage) -> None:
    """With the tables emptied a rebuild brings back every household under its newest name."""
    before = rows(stage)
    with stage.connect() as conn:
        conn.execute("truncate household")

    done = rebuilt(stage)

    assert done.taken_over
    assert rows(stage) == before
    assert_verified(stage)
