"""The effect of events that link names of households, shown before, is what the figures become when a batch commits them."""

import asyncio

from processors.repair.planning import Outcome
from processors.store.batch import Part
from processors.store.effect import effect
from processors.store.figures import Figure, figures
from tests.integration.events import Dice
from tests.integration.stage import Stage
from tests.processors.store.batches import Office, Run
from tests.processors.store.cards import in_turn, random_rotation, said
from tests.processors.store.office import fold_all


def regencies(stage: Stage) -> dict[str, list[Figure]]:
    """Return the figures of regencies, urban and rural together, by region, the months growing."""
    fold_all(stage.database)
    found: dict[str, list[Figure]] = {}
    with stage.connect() as connection:
        for one in figures(connection, level="regency", urbanisation="all"):
            found.setdefault(one.region, []).append(one)
    return found


def at(found: dict[str, list[Figure]], one: Figure) -> tuple[int, ...]:
    """Return the sums that stand in a figure's region and month."""
    return next((each.sums for each in reversed(found.get(one.region, [])) if each.month <= one.month), (0,) * len(one.sums))


def test_links_have_the_effect_that_was_shown(office: Run, stage: Stage) -> None:
    """Of random rotations, part by part, with links or without: before and after are the figures as they stand before and after."""
    events = random_rotation(Dice(5), stage, 160)
    shown: list[Outcome] = []

    async def test(office: Office) -> None:
        for turn, begin in enumerate(range(0, len(events), 20)):
            reading = office.reading(events[begin : begin + 20])
            now = await asyncio.to_thread(regencies, stage)
            told = await asyncio.to_thread(effect, stage.database, reading, office.reference)
            assert await asyncio.to_thread(regencies, stage) == now
            await office.commit(office.one, reading, Part(1, 7, 10 + turn, 11 + turn))
            office.stage.assert_exact()
            then = await asyncio.to_thread(regencies, stage)
            for one in told.figures:
                assert (one.before.sums, one.after.sums) == (at(now, one.before), at(then, one.after))
            assert bool(told.figures) == (now != then)
            again = await asyncio.to_thread(effect, stage.database, reading, office.reference)
            assert (again.households, list(again.figures)) == (0, [])
            assert not {Outcome.CHANGES, Outcome.JOINS} & {*again.outcomes}
            shown.extend(told.outcomes)

    office(test)

    assert {Outcome.CHANGES, Outcome.OLDER} <= {*shown}


def test_an_event_that_only_links_says_so(office: Run, stage: Stage) -> None:
    """A card said under its old name, then the same under both: the statement is older or alike, yet two households become one."""

    async def test(office: Office) -> None:
        await in_turn(office, [said(stage, 1, revision=9), said(stage, 2, revision=9, card="other")])
        linked = office.reading([said(stage, 2, 1, revision=3)])

        told = await asyncio.to_thread(effect, stage.database, linked, office.reference)

        assert list(told.outcomes) == [Outcome.JOINS]
        assert told.households == 1

    office(test)
