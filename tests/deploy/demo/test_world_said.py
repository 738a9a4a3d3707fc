"""What the systems of the simulated world stand by, all sections: what a reader of their reports finds, and how families are."""

from collections.abc import Iterable
from pathlib import Path

import pytest

from deploy.demo.places import regency_of, region_of
from processors.law import Claim, Statement, kept, visible
from schemas.events import Operation
from tests.deploy.demo.test_simulation import delivered, said_by, world


def claims(statements: Iterable[Statement]) -> Iterable[list[Statement]]:
    """Return statements by who said them."""
    found: dict[Claim, list[Statement]] = {}
    for one in statements:
        found.setdefault(one.claim, []).append(one)
    return found.values()


@pytest.mark.parametrize("seed", [2, 11])
def test_what_the_systems_stand_by_is_what_a_reader_finds(seed: int, tmp_path: Path) -> None:
    """Every statement that stands by the law after all that was reported is stood by, alike, and no other."""
    made = world(tmp_path, seed, 2_000, households=300, elsewhere=300, flushes=2)
    found = {
        (card, *one.claim, one.valid_from.isoformat(), one.village, one.size, one.expenditure, one.modelled)
        for card, statements in said_by(made, delivered(tmp_path)).items()
        for claim in claims(kept(statements))
        for one in visible(claim)
        if one.operation is Operation.UPSERT
    }

    stood_by = set()
    for row in made.said():
        village, size, spent = (row.sections[name] or [None, None] for name in ("residence", "composition", "welfare"))
        for day in row.days:
            if row.source != "simpati":
                stood_by.add((row.household, row.region, row.source, day, village[0], size[0], spent[0], spent[1] == "MODELLED"))

    assert stood_by == found
    assert {row.source for row in made.said()} == {"carik", "desa", "simpati", "smartkampung", "sddd"}


def test_members_are_said_as_they_are(tmp_path: Path) -> None:
    """In the end the system of the region where a family lives stands by its very members, as many as there are."""
    made = world(tmp_path, 4, 1_500, households=200, elsewhere=200)
    here = {"31": "carik", "32.11": "desa", "35.10": "smartkampung"}
    newest = {
        (row.household, row.region): row.sections["members"]
        for row in made.said()
        if row.source in here.values() and row.sections.get("members")
    }
    living = [one for one in made._households if one.village is not None and region_of(one.village) in here and one.size_known]

    told = [(one, newest.get((one.card, regency_of(one.village or "")))) for one in living]
    there = [(one, [person for person in members if person[-1] == 1]) for one, members in told if members is not None]

    assert len(there) > 300
    for one, members in there:
        numbers = [made.people.number(person) for person in one.members]
        assert [person[0] for person in members if person[0]] == [n for n in numbers if n in {person[0] for person in members}]
        assert len(members) == len(numbers)
