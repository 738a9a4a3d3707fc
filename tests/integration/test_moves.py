"""Families that move, registers that lag, corrections sent again: stories with numbers known beforehand, through a worker."""

from collections.abc import Iterator, Sequence
from datetime import date
from itertools import permutations, zip_longest

import pytest

from deploy.embedded import EmbeddedServices
from processors.indicators.catalogue import MEASURES
from processors.months import month_of
from schemas.events import HouseholdChanged, Operation
from tests.integration.events import changed, household_key
from tests.integration.stage import Stage
from tests.integration.workers import Workers, working

MONTHS = [date(2020, month, 1) for month in range(1, 13)]
END = Operation.END
PEOPLE = [one.name for one in MEASURES].index("people")


@pytest.fixture(scope="module")
def stage(services: EmbeddedServices) -> Stage:
    """An old regency and a new one."""
    return Stage.set(services, 2)


@pytest.fixture(scope="module")
def workers(stage: Stage) -> Iterator[Workers]:
    """Two workers, so that the two regencies' records meet."""
    with working(stage, 2, batch_records=5) as running:
        stage.shared_by(2)
        yield running


def people(stage: Stage) -> list[tuple[int, int]]:
    """Return how many people lived in the old and the new regency in each month of 2020."""
    old, new = stage.regencies
    cells = stage.cells()

    def stock(regency: str, month: date) -> int:
        return sum(row[PEOPLE] for (village, _, at), row in cells.items() if village.startswith(regency) and at <= month_of(month))

    return [(stock(old, month), stock(new, month)) for month in MONTHS]


def told(stage: Stage, orders: Sequence[Sequence[HouseholdChanged]], before: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Send the same story about as many families as there are orders, each in its order, and return what one family added per month."""
    producer = stage.producer()
    for turn in zip_longest(*orders):  # one at a time, so that batches hold pieces of many stories
        stage.send([event for event in turn if event], producer)
    stage.drained()
    stage.assert_exact()
    added = [(new[0] - old[0], new[1] - old[1]) for old, new in zip(before, people(stage), strict=True)]
    assert all(one % len(orders) == 0 for pair in added for one in pair)
    return [(old // len(orders), new // len(orders)) for old, new in added]


@pytest.mark.parametrize(
    ("ends", "arrives", "per_month"),
    [
        (None, 5, [(4, 0)] * 4 + [(0, 4)] * 8),  # never ended: the new registration says it all
        (5, 5, [(4, 0)] * 4 + [(0, 4)] * 8),
        (7, 5, [(4, 0)] * 4 + [(0, 4)] * 8),  # ended late
        (3, 5, [(4, 0)] * 2 + [(0, 0)] * 2 + [(0, 4)] * 8),  # between two registers nobody has it
    ],
)
def test_a_family_moves_between_regencies(
    stage: Stage, workers: Workers, ends: int | None, arrives: int, per_month: list[tuple[int, int]]
) -> None:
    """The END of the old regency before, with or after the new UPSERT, in every order of arrival: nobody counts twice."""
    old, new = stage.regencies
    orders = []
    for number, places in enumerate(permutations(range(3 if ends else 2))):
        key = household_key(("mover", ends, arrives, number))
        story = [
            changed(key, old, village=f"{old}.01.1001", size=4, expenditure=900_000, valid_from=date(2020, 1, 1)),
            changed(key, new, village=f"{new}.01.2001", size=4, valid_from=date(2020, arrives, 3)),
        ]
        if ends:
            story.append(changed(key, old, operation=END, revision=2, valid_from=date(2020, ends, 2)))
        orders.append([story[place] for place in places])

    assert per_month == told(stage, orders, people(stage))


def test_an_old_register_that_restates_every_month_does_not_pull_a_family_back(stage: Stage, workers: Workers) -> None:
    """Twelve restatements of a family that left in May, ever newer: it stays where it registered."""
    old, new = stage.regencies
    orders = []
    for number in range(4):
        key = household_key(("restated", number))
        monthly = [
            changed(key, old, village=f"{old}.01.1001", size=4, revision=10 + month, valid_from=date(2020, month, 1))
            for month in range(1, 13)
        ]
        arrival = changed(key, new, village=f"{new}.01.1001", size=3, valid_from=date(2020, 5, 20))
        place = (0, 4, 8, 12)[number]
        orders.append([*monthly[:place], arrival, *monthly[place:]])

    assert told(stage, orders, people(stage)) == [(4, 0)] * 4 + [(0, 3)] * 8


def test_a_correction_through_a_mended_mapping_wins(stage: Stage, workers: Workers) -> None:
    """The same revision sent again with a greater mapping version wins, whether it comes before or after its faulty self."""
    old, _ = stage.regencies
    orders = []
    for number, turned in enumerate((False, True)):
        key = household_key(("mended", number))
        faulty = changed(key, old, village=f"{old}.01.1001", size=40, revision=7, mapping_version=1)
        mended = changed(key, old, village=f"{old}.01.1001", size=4, revision=7, mapping_version=2)
        orders.append([mended, faulty, mended] if turned else [faulty, mended, faulty])

    assert told(stage, orders, people(stage)) == [(0, 0)] + [(4, 0)] * 11


def test_a_death_reported_late_closes_a_claim_that_was_restated_meanwhile(stage: Stage, workers: Workers) -> None:
    """An END dated March, said after the register restated until June, ends the family in March; a return opens it again."""
    old, _ = stage.regencies
    orders = []
    for number, places in enumerate(permutations(range(4))):
        key = household_key(("died", number))
        story = [
            changed(key, old, village=f"{old}.01.2001", size=2, revision=1, valid_from=date(2020, 1, 1)),
            changed(key, old, village=f"{old}.01.2001", size=2, revision=2, valid_from=date(2020, 6, 1)),
            changed(key, old, operation=END, revision=3, valid_from=date(2020, 3, 1)),
            changed(key, old, village=f"{old}.01.2001", size=1, revision=4, valid_from=date(2020, 10, 1)),
        ]
        orders.append([story[place] for place in places])

    assert told(stage, orders, people(stage)) == [(2, 0)] * 2 + [(0, 0)] * 7 + [(1, 0)] * 3
