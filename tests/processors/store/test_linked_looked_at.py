"""Whoever only looks at what is held finds a household under each of its names: receipts, and the effect of repairs."""

from datetime import date

import numpy as np

from processors.columns.households import distinct_households
from processors.columns.reading import Reading
from processors.columns.statements import pack
from processors.repair.planning import Outcome
from processors.store.effect import effect
from processors.store.linked import HeldOfNames, read_held
from processors.store.receipts import unlinked, would_change
from schemas.events import HouseholdChanged
from tests.integration.events import said_by
from tests.integration.stage import Stage
from tests.processors.store.batches import Office, Run
from tests.processors.store.cards import households, in_turn, said
from tests.processors.store.office import fold_all


def story(stage: Stage) -> list[HouseholdChanged]:
    """Return what is said of a card under three keys, and of another one."""
    return [
        said(stage, 1, valid_from=date(2020, 1, 5)),
        said(stage, 2, previous=1, valid_from=date(2020, 3, 5)),
        said(stage, 3, previous=2, valid_from=date(2020, 4, 5)),
        said(stage, 1, card="other"),
    ]


async def held_of(office: Office, reading: Reading) -> tuple[HeldOfNames, np.ndarray[tuple[int], np.dtype[np.int64]]]:
    """Return what is held of a reading's households, and the number of each statement's."""
    distinct, number = distinct_households(reading.household)
    async with office.one.transaction(), office.one.cursor(binary=True) as cursor:
        held = await read_held(cursor, distinct)
    return held, held.household[number]


def test_what_was_merged_under_an_older_name_is_known_as_merged(office: Run) -> None:
    """Each statement, said once more under the name it was said under, changes nothing; a newer one does, and so does a link not known."""

    async def test(office: Office) -> None:
        stage = office.stage
        await in_turn(office, *([one] for one in story(stage)))
        again = office.reading(story(stage))
        held, of = await held_of(office, again)
        assert len({*of[:3].tolist()}) == 1
        assert len({*of.tolist()}) == 2
        assert not would_change(again.statements, of, held.statements, held.statement_of, office.reference).any()
        assert not unlinked(again, held.links).any()

        newer = office.reading([said(stage, 1, revision=9, valid_from=date(2020, 1, 5)), said(stage, 4, previous=1), said(stage, 2)])
        held, of = await held_of(office, newer)
        assert would_change(newer.statements, of, held.statements, held.statement_of, office.reference).tolist() == [True, True, True]
        assert unlinked(newer, held.links).tolist() == [False, True, False]

    office(test)


def test_the_effect_of_a_statement_under_an_older_name_is_the_one_households(office: Run, stage: Stage) -> None:
    """A repair under an older name is shown against all that is held of the household, and moves it instead of adding one."""

    async def test(office: Office) -> None:
        await in_turn(office, story(stage))

    office(test)
    fold_all(stage.database)
    reference = stage.reference()
    moved = said(stage, 1, regency=1, revision=5, valid_from=date(2020, 6, 1))
    events = [said(stage, 1, valid_from=date(2020, 1, 5)), moved]
    halves = np.frombuffer(b"".join(one.household for one in events), ">u8").astype(np.uint64).reshape(-1, 2)

    told = effect(stage.database, Reading(halves, pack(map(said_by, events), reference), []), reference)

    assert (list(told.outcomes), told.households) == ([Outcome.HELD, Outcome.CHANGES], 1)
    assert {(one.before.sums[0], one.after.sums[0]) for one in told.figures} == {(2, 1), (0, 1)}
    assert households(stage) == 2
