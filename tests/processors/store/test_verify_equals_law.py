"""
The two opinions agree: cells by processors/law.py, held in the database, are exact by verify, on random worlds.

Why: hand-made cases show that each rule is there; histories in which all of them meet show that they fit together.
"""

from collections import Counter
from datetime import date, timedelta
from random import Random
from uuid import UUID

import pytest
from psycopg import Connection

from processors.columns.statements import pack
from processors.indicators.catalogue import MEASURES
from processors.law import Statement, cell_changes, kept
from processors.months import first_day
from processors.reference import Line, Reference
from processors.store.verify import verify
from schemas.events import Operation
from tests.processors.store.verify_world import World
from tests.worlds import SMALL_VILLAGES, reference

HOUSEHOLDS = 800
BEGIN = date(2019, 11, 1)
DAYS = 500


def some_day(random: Random) -> date:
    """Return a day, often one at the edge of a month."""
    day = BEGIN + timedelta(random.randrange(DAYS))
    return random.choice([day, day.replace(day=1), day.replace(day=1) - timedelta(1)])


def some_lines(random: Random) -> tuple[Line, ...]:
    """Return lines of any definition, region and urbanisation, one per day of each."""
    places = ["ID", "91", "92", "91.01", "91.02", "92.01"]
    drawn = [
        Line(
            random.choice(["national", "extreme"]),
            random.choice(places),
            random.choice(["urban", "rural", "all"]),
            some_day(random),
            amount,
        )
        for amount in random.choices(range(250_000, 700_000, 1_000), k=24)
    ]
    return tuple({(one.definition, one.region, one.urbanisation, one.valid_from): one for one in drawn}.values())


def some_statements(random: Random, world: Reference) -> list[Statement]:
    """Return what was said of one household: few claims, days and revisions, so that all rules meet."""
    days = [some_day(random) for _ in range(4)]
    return kept(some_statement(random, world, days) for _ in range(random.randint(1, 12)))


def some_statement(random: Random, world: Reference, days: list[date]) -> Statement:
    """Return one statement; a claim may name any village, since the law does not ask whose it is."""
    claim = random.choice(world.registrations)
    operation = random.choices(list(Operation), [7, 2, 1])[0]
    expenditure = random.choice([None, 0, random.randrange(5), random.randrange(200_000, 6_000_000), random.randrange(60_000_000)])
    return Statement(
        claim.region,
        claim.source,
        random.choice(days),
        random.randint(1, 6),
        1,
        operation,
        random.choice([None, *SMALL_VILLAGES]),
        random.choice([None, *range(1, 9)]),
        expenditure,
        modelled=expenditure is not None and random.random() < 0.5,
    )


def load(conn: Connection[tuple[object, ...]], world: Reference) -> None:
    """Put the reference data of a world into the emptied database, with its own ids."""
    conn.execute("truncate reference_version, region, source, poverty_line, household, cell_change, cell restart identity cascade")
    conn.execute("insert into reference_version values (true, 1, 'x', %s, 100, 1)", [first_day(world.first_month)])
    for region in world.regions.values():
        conn.execute(
            "insert into region (id, code, name, level, parent, urbanisation) overriding system value values (%s, %s, %s, %s, %s, %s)",
            [
                region.id,
                region.code,
                region.name,
                region.level,
                world.regions[region.parent].id if region.parent else None,
                region.urbanisation,
            ],
        )
    for one in world.registrations:
        conn.execute(
            "insert into source (claimant, region, source, rank) overriding system value values (%s, %s, %s, %s)",
            [one.claimant, world.regions[one.region].id, one.source, one.rank],
        )
    for line in world.lines:
        conn.execute(
            "insert into poverty_line (definition, region, urbanisation, valid_from, rupiah, origin, version)"
            " values (%s, %s, %s, %s, %s, 'test', 1)",
            [line.definition, world.regions[line.region].id, line.urbanisation, line.valid_from, line.rupiah],
        )


def cells_of(world: Reference, said: list[list[Statement]]) -> Counter[tuple[str, str, str, date, str]]:
    """Return all changes on all levels by the law: amounts by level, region, urbanisation, month and measure."""
    total: Counter[tuple[str, str, str, date, str]] = Counter()
    for statements in said:
        for (village, urbanisation, month), amounts in cell_changes(statements, world).items():
            for level in ("village", "district", "regency", "province", "nation"):
                region = world.ancestor(village, level) or "ID"
                for measure, amount in zip(MEASURES, amounts, strict=True):
                    total[level, region, urbanisation, first_day(month), measure.name] += amount
    return total


def hold(conn: Connection[tuple[object, ...]], world: Reference, said: list[list[Statement]]) -> None:
    """Store the statements packed, and the law's cells."""
    rows = [(UUID(int=number << 80), pack(statements, world).tobytes()) for number, statements in enumerate(said)]
    cells = cells_of(world, said)
    keys = sorted({key[:4] for key in cells})
    with conn.cursor() as cursor:
        cursor.executemany("insert into household (id, statements) values (%s, %s)", rows)
        cursor.executemany(
            f"insert into cell values ({', '.join(['%s'] * (4 + len(MEASURES)))})",  # noqa: S608 - only placeholders
            [
                [
                    world.regions[region].id,
                    urbanisation,
                    month,
                    level,
                    *(cells[level, region, urbanisation, month, one.name] for one in MEASURES),
                ]
                for level, region, urbanisation, month in keys
            ],
        )


@pytest.mark.parametrize("seed", range(5))
def test_what_the_law_gives_is_exact_by_verify(world: World, seed: int) -> None:
    """On a random world with random lines, every cell, measure and indicator of the law's is recomputed to the same digit."""
    random = Random(seed)  # noqa: S311 - a repeatable world, no secret
    places = reference(lines=some_lines(random))
    said = [some_statements(random, places) for _ in range(HOUSEHOLDS)]
    load(world.conn, places)
    hold(world.conn, places, said)

    found = verify(world.conn)

    assert found.differences == ()
    assert found.exact
    assert (found.households, found.statements) == (HOUSEHOLDS, sum(map(len, said)))
    assert found.cells > 100
    assert found.indicators >= found.measures > found.cells
