"""Random rotations end in the same rows whatever their order, are verified, and what verify says of names that stand elsewhere."""

import asyncio
from datetime import date

import pytest

from processors.store.batch import Part
from processors.store.overview import overview
from processors.store.reference_load import load_lines
from processors.store.reference_sheets import LineRow, Sheet
from processors.store.verify import verify
from tests.integration.events import Dice
from tests.integration.stage import Stage
from tests.processors.store.batches import Office, Run, running
from tests.processors.store.cards import Rows, in_turn, name, random_rotation, rows, said
from tests.processors.store.office import fold_all


def test_random_rotations_end_in_the_same_rows_and_verify(office: Run, stage: Stage) -> None:
    """Random batches of two workers at once, then the same events in another order and cut: the law's cells, and the same rows."""
    dice = Dice(11)
    events = random_rotation(dice, stage, 240)
    left: list[Rows] = []

    async def test(office: Office) -> None:
        todo = {1: events[::2], 2: events[1::2]}
        for turn in range(12):
            halves = [todo[part][10 * turn : 10 * turn + 10] for part in (1, 2)]
            await asyncio.gather(
                *(
                    office.commit(connection, office.reading(half), Part(part, 7, 10 + turn, 11 + turn))
                    for connection, half, part in zip((office.one, office.other), halves, (1, 2), strict=True)
                )
            )
            office.stage.assert_exact()
        left.append(rows(office.stage))

    async def again(office: Office) -> None:
        shuffled = dice.sample(events, len(events))
        await in_turn(office, *(shuffled[at : at + 37] for at in range(0, len(shuffled), 37)), shuffled[:50])
        left.append(rows(office.stage))

    office(test)
    running(stage)(again)

    assert left[0] == left[1]
    fold_all(stage.database)
    with stage.connect() as connection:
        assert verify(connection).exact
        load_lines(connection, Sheet("lines.csv", (LineRow("national", "99", "urban", date(2020, 8, 1), 700_000, "invented", 2),)))
        stage.assert_exact()
        assert verify(connection).exact


@pytest.mark.parametrize(
    "damage",
    [
        "delete from household where id = '{old}'",  # the row of an older name is missing
        "update household set same_as = null where id = '{old}'",  # it points nowhere
        "update household set same_as = null, statements = (select statements from household where id = '{new}') where id = '{old}'",
        "update household set same_as = '{other}' where id = '{old}'",  # it points to another household
        "update household set links = null where id = '{new}'",  # a pointer without a link
        "update household set links = links || '\\x00' where id = '{new}'",  # torn
        "update household set links = links || substr(links, 17, 16) || uuid_send('{other}') || int4send(1) where id = '{new}'",
        "update household set links = links || uuid_send('{other}') || uuid_send(gen_random_uuid()) || int4send(1) where id = '{new}'",
        "update household set links = substr(links, 17, 16) || substr(links, 1, 16) || int4send(3) where id = '{new}'",  # another is newer
        "update household set links = (select links from household where id = '{new}') where id = '{other}'",  # it stands twice
    ],
)
def test_verify_finds_names_that_stand_elsewhere(office: Run, stage: Stage, damage: str) -> None:
    """Whatever is wrong with the rows of names is found, and what is right is called exact."""

    async def test(office: Office) -> None:
        await in_turn(office, [said(stage, 1), said(stage, 2, previous=1), said(stage, 1, card="other")])

    office(test)
    fold_all(stage.database)
    names = {"old": name(1).hex(), "new": name(2).hex(), "other": name(1, "other").hex()}
    with stage.connect() as connection:
        assert verify(connection).exact
        assert connection.execute(damage.format_map(names).encode()).rowcount == 1
        found = verify(connection)

    assert found.misplaced > 0
    assert not found.exact


def test_status_counts_households_and_not_their_names(office: Run, stage: Stage) -> None:
    """Rows of older names are no households: where few are counted, and where PostgreSQL estimates many."""

    async def test(office: Office) -> None:
        await in_turn(office, [said(stage, 1), said(stage, 2, previous=1), said(stage, 3, previous=2), said(stage, 1, card="other")])

    office(test)
    with stage.connect() as connection:
        assert overview(connection).households == 2
        connection.execute(
            "insert into household (id, statements, same_as)"
            " select gen_random_uuid(), '', case when one % 3 = 0 then gen_random_uuid() end from generate_series(1, 150000) as one"
        )
        connection.execute("analyze household")
        assert overview(connection).households == pytest.approx(100_000, rel=0.03)
        connection.execute("truncate household")
