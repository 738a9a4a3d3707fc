"""The effect of statements, shown before they are said, is what the figures become when they are."""

import random
from typing import Any
from uuid import UUID

import numpy as np
import pytest
from psycopg import Connection

from processors.columns.reading import Reading
from processors.columns.statements import pack
from processors.law import Statement, newest
from processors.reference import Reference
from processors.repair.planning import Outcome
from processors.store import effect as module
from processors.store.effect import ReferenceMovedOn, effect
from processors.store.figures import Figure, figures
from processors.store.reference_load import load_lines
from tests.processors.store.office import fold_all, lines, random_statement, say, statements_held
from tests.worlds import REFERENCE

HOUSEHOLDS = [UUID(int=number) for number in range(1, 9)]
Said = dict[UUID, list[Statement]]


def batch(chance: random.Random, count: int) -> Said:
    """Return random statements about a few households, several about some."""
    found: Said = {}
    for _ in range(count):
        found.setdefault(chance.choice(HOUSEHOLDS), []).append(random_statement(chance))
    return found


def reading(said: list[tuple[UUID, Statement]], reference: Reference) -> Reading:
    """Return statements as a batch reads them."""
    halves = np.frombuffer(b"".join(household.bytes for household, _ in said), ">u8").astype(np.uint64).reshape(-1, 2)
    return Reading(halves, pack([one for _, one in said], reference), [])


def regencies(conn: Connection[Any], database: str) -> dict[str, list[Figure]]:
    """Return the figures of regencies, urban and rural together, by region, the months growing."""
    fold_all(database)
    found: dict[str, list[Figure]] = {}
    for one in figures(conn, level="regency", urbanisation="all"):
        found.setdefault(one.region, []).append(one)
    return found


def at(found: dict[str, list[Figure]], one: Figure) -> tuple[int, ...]:
    """Return the sums that stand in a figure's region and month."""
    return next((each.sums for each in reversed(found.get(one.region, [])) if each.month <= one.month), (0,) * len(one.sums))


@pytest.mark.parametrize("seed", range(4))
def test_the_effect_is_what_comes_of_saying_it(
    conn: Connection[Any], database: str, reference: Reference, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    Before and after are the figures as they stand, and as they stand once it was said, in every month that is shown.

    In between and elsewhere nothing moves but by the last difference; households come in chunks without a trace of it.
    """
    monkeypatch.setattr(module, "CHUNK", 3)
    chance = random.Random(seed)  # noqa: S311 - a test
    held = batch(chance, 30)
    say(conn, held, reference)
    now = regencies(conn, database)
    new = batch(chance, 25)
    flat = [(household, one) for household, some in new.items() for one in some]
    chance.shuffle(flat)

    told = effect(database, reading(flat, reference), reference)

    assert regencies(conn, database) == now
    say(conn, new, reference)
    then = regencies(conn, database)
    assert told.to_fold == 0
    for one in told.figures:
        assert (one.before.sums, one.after.sums) == (at(now, one.before), at(then, one.after))
    months = {figure.month for found in (now, then) for some in found.values() for figure in some}
    for region in {*now, *then}:
        shown = [one for one in told.figures if one.before.region == region]
        for month in sorted(months):
            place = Figure(region, "", "regency", "all", month, (0,) * len(told.figures[0].before.sums))
            last = next((one for one in reversed(shown) if one.before.month <= month), None)
            moved = np.subtract(last.after.sums, last.before.sums) if last else np.zeros(len(place.sums), np.int64)
            assert (np.subtract(at(then, place), at(now, place)) == moved).all(), (region, month)
    before, after = statements_held([held]), statements_held([held, new])
    for (household, new_one), outcome in zip(flat, told.outcomes, strict=True):
        stands = new_one in after[household]
        assert (outcome is Outcome.OLDER) == (not stands)
        assert (outcome is Outcome.HELD) == (stands and new_one in before.get(household, []))
    assert told.households == sum(set(after[household]) != set(before.get(household, [])) for household in after)


def test_nothing_said_has_no_effect(database: str, reference: Reference) -> None:
    """Where no event is ready nothing is computed."""
    told = effect(database, reading([], reference), reference)

    assert (list(told.outcomes), told.households, list(told.figures), told.to_fold) == ([], 0, [], 0)


def test_batches_that_wait_for_the_fold_are_told(conn: Connection[Any], database: str, reference: Reference) -> None:
    """The figures do not hold them yet, so whoever reads them is told how many there are."""
    one = random_statement(random.Random(3))  # noqa: S311 - a test
    say(conn, {HOUSEHOLDS[0]: [one]}, reference)

    told = effect(database, reading([(HOUSEHOLDS[0], one)], reference), reference)

    assert (told.to_fold, list(told.outcomes)) == (1, [Outcome.HELD])
    assert newest(one, one) == one


def test_another_version_of_the_reference_data_is_refused(conn: Connection[Any], database: str, reference: Reference) -> None:
    """What was judged by one version is not computed with another."""
    load_lines(conn, lines(lines().rows[0].__class__("extreme", "ID", "all", REFERENCE.lines[0].valid_from, 123_456, "invented")))

    with pytest.raises(ReferenceMovedOn, match="moved from version"):
        effect(database, reading([], reference), reference)
