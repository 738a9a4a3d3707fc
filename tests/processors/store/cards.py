"""
Family cards under the keys of several versions: what is said of them, their rows in a database, and random rotations.

Why: tests of batches, rebuilds and verify tell the same stories of households with several names.
Must not: resemble a real card.
"""

from collections.abc import Sequence
from typing import Any

from processors.store.batch import Part
from schemas.events import HouseholdChanged
from tests.integration.events import Dice, changed, household_key, life
from tests.integration.stage import Stage
from tests.processors.store.batches import Office

__all__ = ["Rows", "households", "in_turn", "name", "pointers", "random_rotation", "rows", "said"]

Rows = list[tuple[Any, ...]]


def name(version: int, card: object = "one") -> bytes:
    """Return the name of a card by the key of a version."""
    return household_key((card, version))


def said(stage: Stage, version: int, previous: int | None = None, regency: int = 0, card: object = "one", **more: Any) -> HouseholdChanged:
    """Return what a regency says of a card by a key, and perhaps by an older one beside it."""
    code = stage.regencies[regency]
    return changed(
        name(version, card),
        code,
        village=f"{code}.01.1001",
        size=4,
        expenditure=1_900_000,
        key_version=version,
        previous_household=None if previous is None else name(previous, card),
        **more,
    )


def rows(stage: Stage) -> Rows:
    """Return all rows of households: name, statements, where it points to, links."""
    with stage.connect() as connection:
        return connection.execute("select id, statements, same_as, links from household order by id").fetchall()


def pointers(stage: Stage) -> dict[bytes, bytes]:
    """Return the names that point to another."""
    return {one[0].bytes: one[2].bytes for one in rows(stage) if one[2]}


async def in_turn(office: Office, *batches: Sequence[HouseholdChanged]) -> None:
    """Commit batches one after the other, and hold what is there against the law after each."""
    for batch in batches:
        with office.stage.connect() as connection:
            row = connection.execute("select next_offset from ingest_offset where id = 1").fetchone()
        assert row is not None
        await office.commit(office.one, office.reading(batch), Part(1, 7, row[0], row[0] + 1))
        office.stage.assert_exact()


def households(stage: Stage) -> int:
    """Return how many households count in the end, by the cells."""
    return sum(amounts[0] for amounts in stage.cells().values())


def random_rotation(dice: Dice, stage: Stage, count: int) -> list[HouseholdChanged]:
    """Return random events of a few cards under three keys: links of neighbours, over a skipped key, turned round, and none."""
    cards = {name(version, card): (card, version) for card in range(4) for version in (1, 2, 3)}
    events = []
    for event in life(dice, stage.claims, list(cards), count):
        card, version = cards[event.household]
        previous = dice.choice([None, *[name(other, card) for other in (1, 2, 3) if other != version and (other < version or card == 3)]])
        kept = {field: getattr(event, field) for field in event.__slots__}
        events.append(HouseholdChanged(**{**kept, "key_version": version, "previous_household": previous}))
    return events
