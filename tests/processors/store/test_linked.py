"""Households of several names on a real PostgreSQL: one row has everything, whoever writes under any name meets the others there."""

from datetime import date
from itertools import permutations

import psycopg
import pytest

from processors.store.batch import Part
from schemas.events import Operation
from tests.integration.events import changed
from tests.processors.store.batches import ONE, Office, Run, interleaved
from tests.processors.store.cards import households, in_turn, name, pointers, rows, said


def test_a_link_before_among_and_after_the_statements(office: Run) -> None:
    """In every order of what is said under the old name, the new one, and both, one household counts, after every batch."""

    async def test(office: Office) -> None:
        stage = office.stage
        story = [
            said(stage, 1, valid_from=date(2020, 1, 5)),
            said(stage, 1, valid_from=date(2020, 6, 5), revision=9, source="desa"),
            said(stage, 2, previous=1, valid_from=date(2020, 3, 5), revision=4),
            said(stage, 2, valid_from=date(2020, 1, 5), revision=2),
        ]
        left = []
        for order in permutations(range(len(story))):
            with stage.connect() as connection:
                connection.execute("truncate household, cell_change")
            stage.said.clear()
            stage.links.clear()
            await in_turn(office, *([story[place]] for place in order))
            assert households(stage) == 1
            left.append(rows(stage))

        assert pointers(stage) == {name(1): name(2)}
        assert all(one == left[0] for one in left)

    office(test)


def test_all_in_one_batch_is_the_same(office: Run) -> None:
    """A batch may hold old names, new names and the link between them."""

    async def test(office: Office) -> None:
        stage = office.stage
        await in_turn(
            office, [said(stage, 1, valid_from=date(2020, 1, 5)), said(stage, 2, previous=1), said(stage, 1, revision=5, source="desa")]
        )
        assert households(stage) == 1

    office(test)


def test_what_is_said_again_writes_nothing(office: Run) -> None:
    """A duplicate under either name, link included, changes no row and makes no cell change."""

    async def test(office: Office) -> None:
        stage = office.stage
        story = [said(stage, 1), said(stage, 2, previous=1, valid_from=date(2020, 5, 1)), said(stage, 3, previous=2, revision=7)]
        await in_turn(office, story)
        with stage.connect() as connection:
            before = connection.execute("select ctid, xmin, * from household order by id").fetchall()
            changes = connection.execute("select count(*) from cell_change").fetchall()
        await in_turn(office, story, story[:1], story[1:2], story[2:])

        with stage.connect() as connection:
            assert connection.execute("select ctid, xmin, * from household order by id").fetchall() == before
            assert connection.execute("select count(*) from cell_change").fetchall() == changes

    office(test)


def test_a_chain_over_rotations_ends_at_one_row(office: Run) -> None:
    """Links of three rotations, the middle one last; later ones under every name go to the one row."""

    async def test(office: Office) -> None:
        stage = office.stage
        await in_turn(
            office,
            [said(stage, 1)],
            [said(stage, 4, previous=3, revision=4)],
            [said(stage, 2, previous=1, revision=2, valid_from=date(2020, 4, 1))],
            [said(stage, 3, previous=2, revision=3, valid_from=date(2020, 5, 1))],
            [said(stage, version, revision=10 + version, valid_from=date(2021, version, 1)) for version in (1, 2, 3, 4)],
        )
        assert pointers(stage) == {name(version): name(4) for version in (1, 2, 3)}
        assert households(stage) == 1

    office(test)


def test_contradictions_count_once(office: Run) -> None:
    """Two adapters with two new keys of one version, and one that has old and new turned round: one household, one row."""

    async def test(office: Office) -> None:
        stage = office.stage
        one, other = sorted([name(2, "one"), name(2, "other")])
        await in_turn(office, [changed(one, stage.regencies[0], size=3, key_version=2, previous_household=name(1))])
        await in_turn(office, [changed(other, stage.regencies[1], size=5, key_version=2, previous_household=name(1), revision=2)])
        assert pointers(stage) == {name(1): one, other: one}
        await in_turn(office, [changed(name(1), stage.regencies[1], size=5, key_version=1, previous_household=other, revision=3)])
        assert pointers(stage) == {name(1): one, other: one}

    office(test)


def test_a_move_between_regencies_while_one_still_speaks_under_the_old_key(office: Run) -> None:
    """The old regency ends the household under the old name after the new one registered it under the new: it counts there, once."""

    async def test(office: Office) -> None:
        stage = office.stage
        old, new = stage.regencies
        await in_turn(
            office,
            [said(stage, 1)],
            [said(stage, 2, regency=1, valid_from=date(2020, 5, 3))],
            [changed(name(1), old, operation=Operation.END, revision=2, valid_from=date(2020, 5, 2))],
            [said(stage, 2, previous=1, regency=1, valid_from=date(2020, 8, 1), revision=2)],
            [changed(name(1), old, village=f"{old}.01.2001", size=4, revision=3, valid_from=date(2020, 2, 9))],
        )
        at_last = {village for (village, _, month), amounts in stage.cells().items() if amounts[0] > 0 and month >= 604}
        assert at_last == {f"{new}.01.1001"}

    office(test)


@pytest.mark.parametrize("held", [[], [1], [2], [1, 2]])
@pytest.mark.parametrize("also", [1, 2])
def test_a_link_and_a_writer_under_either_name_collide(office: Run, held: list[int], also: int) -> None:
    """One batch says that two names are one, the other writes under one of them, new or held: one is tried again, nothing doubles."""

    async def test(office: Office) -> None:
        stage = office.stage
        for place, version in enumerate(held):
            await office.commit(office.one, office.reading([said(stage, version, valid_from=date(2020, 1, 5))]), Part(1, 7, 10, 10))
            assert len(rows(stage)) == place + 1
        linking = office.reading([said(stage, 2, previous=1, valid_from=date(2020, 6, 1))])
        writing = office.reading([said(stage, also, regency=1, valid_from=date(2020, 7, 1))])

        error = await interleaved(office, linking, writing)
        assert isinstance(error, psycopg.errors.SerializationFailure if also in held else psycopg.errors.UniqueViolation)
        await office.commit(office.one, linking, ONE)
        office.stage.assert_exact()
        assert households(stage) == 1

    office(test)


@pytest.mark.parametrize("also", [1, 2])
def test_a_writer_that_has_not_seen_the_link_collides(office: Run, also: int) -> None:
    """The other way round: the writer took its snapshot first, the link was committed meanwhile."""

    async def test(office: Office) -> None:
        stage = office.stage
        await office.commit(office.one, office.reading([said(stage, 1, valid_from=date(2020, 1, 5))]), Part(1, 7, 10, 10))
        writing = office.reading([said(stage, also, regency=1, valid_from=date(2020, 7, 1))])
        linking = office.reading([said(stage, 2, previous=1, valid_from=date(2020, 6, 1))])

        assert isinstance(await interleaved(office, writing, linking), psycopg.errors.SerializationFailure | psycopg.errors.UniqueViolation)
        await office.commit(office.one, writing, ONE)
        office.stage.assert_exact()
        assert households(stage) == 1

    office(test)


def test_two_links_that_meet_in_one_name_collide(office: Run) -> None:
    """Two rotations linked at one moment, and two contradictory links, end in one row: the second is tried again."""

    async def test(office: Office) -> None:
        stage = office.stage
        for card, links in (("chain", ((2, 1), (3, 2))), ("fork", ((2, 1), (3, 1)))):
            await office.commit(office.one, office.reading([said(stage, version, card=card) for version in (1, 2, 3)]), Part(1, 7, 10, 10))
            first, second = (office.reading([said(stage, *link, card=card, revision=5)]) for link in links)
            assert isinstance(await interleaved(office, first, second), psycopg.errors.SerializationFailure)
            await office.commit(office.one, first, ONE)
            office.stage.assert_exact()
            with stage.connect() as connection:
                connection.execute("update ingest_offset set next_offset = 10")
        assert len([one for one in rows(stage) if one[2] is None]) == 2

    office(test)


def test_a_newest_name_that_moves_meets_a_writer_under_the_oldest(office: Run) -> None:
    """One batch gives a linked household yet another name, the other follows the oldest name to the row that is then no longer it."""

    async def test(office: Office) -> None:
        stage = office.stage
        await office.commit(office.one, office.reading([said(stage, 1), said(stage, 2, previous=1)]), Part(1, 7, 10, 10))
        renaming = office.reading([said(stage, 3, previous=2, valid_from=date(2020, 6, 1))])
        writing = office.reading([said(stage, 1, regency=1, valid_from=date(2020, 7, 1))])

        assert isinstance(await interleaved(office, writing, renaming), psycopg.errors.SerializationFailure)
        await office.commit(office.one, writing, ONE)
        office.stage.assert_exact()
        assert pointers(stage) == {name(1): name(3), name(2): name(3)}

    office(test)
