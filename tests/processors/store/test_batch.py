"""The batch transaction, interleaved by hand with others on a real PostgreSQL: everything counts once, or leaves no trace."""

import asyncio
from datetime import UTC, date, datetime
from typing import Any

import psycopg
import pytest

from processors.columns.reading import Dead
from processors.reference import Reference
from processors.store.batch import Overtaken, Part, ReferenceMoved, Replayed, commit_batch
from schemas.events import HouseholdChanged, Operation
from tests.integration.events import changed, household_key
from tests.integration.stage import Stage
from tests.processors.store.batches import ARRIVED_MS, ONE, OTHER, Office, Run, interleaved


def family(stage: Stage, regency: int = 0, **more: Any) -> HouseholdChanged:
    """Return what a regency says of the one household of these tests."""
    code = stage.regencies[regency]
    return changed(household_key("one"), code, village=f"{code}.01.1001", size=4, expenditure=1_900_000, **more)


def test_a_batch_is_all_or_nothing_and_moves_its_offsets(office: Run) -> None:
    """Households, cell changes, rejected records and offsets are there together after a commit, and are the law's."""

    async def test(office: Office) -> None:
        at = datetime.fromtimestamp(ARRIVED_MS / 1000, UTC)
        dead = Dead("a", 0, 11, at, "not_the_contract", "", "no framing", b"\1" * 32)
        await office.commit(office.one, office.reading([family(office.stage)], [dead]), ONE, OTHER)

        office.stage.assert_exact()
        with office.stage.connect() as connection:
            assert connection.execute("select next_offset from ingest_offset").fetchall() == [(12,), (12,)]
            assert connection.execute("select topic, record_offset, cause from rejected").fetchall() == [("a", 11, "not_the_contract")]
            assert connection.execute("select arrived_at from cell_change").fetchall() == [(at,)]

    office(test)


def test_two_batches_with_one_new_household_collide_on_its_key(office: Run) -> None:
    """Two partitions that meet a new household at the same moment end in a unique violation, and after a retry it counts once."""

    async def test(office: Office) -> None:
        first, second = office.reading([family(office.stage)]), office.reading([family(office.stage, 1, valid_from=date(2020, 7, 1))])

        assert isinstance(await interleaved(office, first, second), psycopg.errors.UniqueViolation)
        await office.commit(office.one, first, ONE)
        office.stage.assert_exact()
        assert sum(amounts[0] for amounts in office.stage.cells().values()) == 1

    office(test)


def test_two_batches_with_one_held_household_collide_on_its_row(office: Run) -> None:
    """Two partitions that change a held household at the same moment end in a serialization failure, and after a retry both count."""

    async def test(office: Office) -> None:
        await office.commit(office.one, office.reading([family(office.stage, valid_from=date(2020, 1, 5))]), Part(1, 7, 10, 10))
        first, second = office.reading([family(office.stage)]), office.reading([family(office.stage, 1, valid_from=date(2020, 7, 1))])

        assert isinstance(await interleaved(office, first, second), psycopg.errors.SerializationFailure)
        await office.commit(office.one, first, ONE)
        office.stage.assert_exact()

    office(test)


def test_batches_that_touch_households_in_turn_end_exact(office: Run) -> None:
    """Batches that lock the same rows in another order may deadlock, and end exact all the same."""

    async def test(office: Office) -> None:
        code, other = office.stage.regencies
        keys = [household_key(number) for number in range(60)]
        for turn in range(6):
            said = [
                [
                    changed(key, region, revision=turn, valid_from=date(2020, 2 + turn, 1), village=f"{region}.01.1001", size=1 + turn)
                    for key in order
                ]
                for region, order in ((code, keys), (other, keys[::-1]))
            ]
            await asyncio.gather(
                office.commit(office.one, office.reading(said[0]), Part(1, 7, 10 + turn, 11 + turn)),
                office.commit(office.other, office.reading(said[1]), Part(2, 7, 10 + turn, 11 + turn)),
            )
        office.stage.assert_exact()

    office(test)


@pytest.mark.parametrize(
    ("part", "error"),
    [(Part(1, 6, 10, 12), Overtaken), (Part(9, 7, 10, 12), Overtaken), (Part(1, 7, 9, 12), Replayed), (Part(1, 7, 11, 12), Replayed)],
)
def test_a_fenced_batch_leaves_no_trace(office: Run, part: Part, error: type[Exception]) -> None:
    """A batch of another epoch, or one that does not begin at the next offset, is refused whole, its other partition too."""

    async def test(office: Office) -> None:
        before = office.everything()
        with pytest.raises(error) as raised:
            await commit_batch(office.one, [part, OTHER], office.reading([family(office.stage)]), office.reference, ARRIVED_MS)

        assert before == office.everything()
        if isinstance(raised.value, Replayed):
            assert raised.value.next_offsets == {1: 10}
        if isinstance(raised.value, Overtaken):
            assert raised.value.ids == {part.id}

    office(test)


def test_a_batch_read_with_another_reference_leaves_no_trace(office: Run) -> None:
    """A batch that was judged by another version of the reference data must be read again."""

    async def test(office: Office) -> None:
        before, reading = office.everything(), office.reading([family(office.stage)])
        old = Reference(office.reference.version - 1, 0, office.reference.regions, office.reference.registrations, ())
        with pytest.raises(ReferenceMoved):
            await commit_batch(office.one, [ONE], reading, old, ARRIVED_MS)
        assert before == office.everything()

    office(test)


def test_dead_letters_of_a_topic_made_anew_stand_beside_the_former_ones(office: Run) -> None:
    """Its offsets begin again, so the same offset of both topics is evidence of two records; of one topic it is one record."""

    async def test(office: Office) -> None:
        first, second = (Dead("a", 0, 10, datetime(2024, 5, 1, tzinfo=UTC), cause, "", "", b"\1") for cause in ("former", "new"))
        with office.stage.connect() as connection:
            for topic_id, dead in (("x", first), ("x", second), ("y", second)):
                connection.execute("update ingest_offset set topic_id = %s, next_offset = 10 where topic = 'a'", (topic_id,))
                await office.commit(office.one, office.reading([], [dead]), Part(1, 7, 10, 11))
            rows = connection.execute("select topic_id, record_offset, cause from rejected order by id").fetchall()

        assert rows == [("x", 10, "former"), ("y", 10, "new")]

    office(test)


def test_duplicates_write_nothing_but_the_offset(office: Run) -> None:
    """What stands already changes no row and makes no cell change."""

    async def test(office: Office) -> None:
        await office.commit(office.one, office.reading([family(office.stage)]), ONE)
        before = office.everything()
        await office.commit(office.one, office.reading([family(office.stage)] * 3), Part(1, 7, 12, 15))

        assert before[:3] == office.everything()[:3]

    office(test)


def test_a_household_that_counts_nowhere_is_kept(office: Run) -> None:
    """An END that comes before everything else is held, though it changes no figure yet."""

    async def test(office: Office) -> None:
        end = changed(household_key("one"), office.stage.regencies[0], operation=Operation.END, revision=9)
        await office.commit(office.one, office.reading([end]), ONE)

        assert office.stage.expected_held() == office.stage.held()
        assert office.stage.cells() == {}

    office(test)
