"""Tests of the synthetic population: near the official figures, repeatable, and visibly invented."""

import csv
from functools import cache
from importlib.resources import files

import pytest

from deploy.demo.household import Household
from deploy.demo.official import target
from deploy.demo.people import People
from deploy.demo.places import BANYUWANGI, DKI, JEMBRANA, REGIONS, SUMEDANG, is_urban, regency_of
from deploy.demo.population import Slots, populate
from deploy.demo.welfare import gini
from deploy.reference.regions import kemendagri_names

Figures = tuple[float, float, float, float]


@cache
def made(seed: int, households: int = 20_000, elsewhere: int = 5_000) -> tuple[dict[str, list[Household]], People]:
    """Return a population by region, and its people."""
    people = People()
    return populate(seed, {region: households if region == DKI else elsewhere for region in REGIONS}, people, Slots()), people


def figures(households: list[Household], lines: dict[str, int]) -> Figures:
    """Return P0, P1, P2 and Gini over people, by the textbook and in floats."""
    known = [(one.expenditure // one.size, one.size, one.village or "") for one in households if one.size and one.expenditure is not None]
    people = sum(size for _, size, _ in known)
    gaps = [(max(0.0, 1 - each / lines["urban" if is_urban(village) else "rural"]), size) for each, size, village in known]
    p0 = sum(size for gap, size in gaps if gap > 0) / people
    p1 = sum(size * gap for gap, size in gaps) / people
    p2 = sum(size * gap**2 for gap, size in gaps) / people
    return p0, p1, p2, gini(sorted(float(each) for each, size, _ in known for _ in range(size)))


@pytest.mark.parametrize("seed", [1, 2, 20_240_301])
def test_the_population_comes_out_near_the_official_figures(seed: int) -> None:
    """P0, P1, P2 and Gini of all four regions lie within 10 % of the official (or stated plausible) figures at the usual size."""
    households, _ = made(seed)

    for region, part in households.items():
        told = target(region)
        assert figures(part, told.lines) == pytest.approx((told.p0, told.p1, told.p2, told.gini), rel=0.10)


def test_a_small_population_resembles_the_official_figures_too() -> None:
    """P0 and Gini hold at a tenth of the usual size, because ranks are taken evenly and not drawn."""
    households, _ = made(3, 2_000, 500)
    told = target(DKI)

    p0, _, _, inequality = figures(households[DKI], told.lines)

    assert (p0, inequality) == pytest.approx((told.p0, told.gini), rel=0.10)


def test_the_same_seed_makes_the_same_population_and_another_one_another() -> None:
    """Cards, villages, members and expenditure follow from the seed alone."""

    def told(seed: int) -> list[tuple[str, str | None, int, int | None, bool]]:
        return [
            (one.card, one.village, len(one.members), one.expenditure, one.modelled)
            for region in REGIONS
            for one in made.__wrapped__(seed, 300, 200)[0][region]
        ]

    assert told(7) == told(7)
    assert told(7) != told(8)


def test_villages_are_those_of_the_region_reference() -> None:
    """Every household lives in a village that the product knows, and every regency and, but for DKI, every village is lived in."""
    households, _ = made(1)
    known = kemendagri_names(["31", "32", "35", "51"])
    lived = {region: {one.village or "" for one in part} for region, part in households.items()}

    assert set().union(*lived.values()) <= known.keys()
    assert {regency_of(village) for village in lived[DKI]} == {"31.01", "31.71", "31.72", "31.73", "31.74", "31.75"}
    assert {region: len(villages) for region, villages in lived.items() if region != DKI} == {SUMEDANG: 277, BANYUWANGI: 217, JEMBRANA: 51}


def test_poor_households_are_larger_than_others() -> None:
    """The mean size of DKI's poor households is near the official 4.92, that of all below 4."""
    households, _ = made(1)
    known = [one for one in households[DKI] if one.size and one.expenditure is not None]
    poor = [len(one.members) for one in known if (one.expenditure or 0) // len(one.members) < target(DKI).lines["urban"]]

    assert sum(poor) / len(poor) == pytest.approx(4.92, rel=0.10)
    assert sum(len(one.members) for one in known) / len(known) < 4


def test_some_sizes_and_expenditures_are_unknown() -> None:
    """A few households are known to exist and no more, so that the figures of the unknown can be seen."""
    everybody = [one for part in made(1)[0].values() for one in part]

    assert 100 < sum(not one.size_known for one in everybody) < 400
    assert 400 < sum(one.expenditure is None for one in everybody) < 900


def test_nobody_resembles_a_real_person() -> None:
    """Numbers have 16 digits and area codes that no region has, women's days are raised by 40, names are WARGA and a number."""
    population, people = made(1, 500, 100)
    households = [one for part in population.values() for one in part]

    for one in households:
        assert len(one.card) == 16
        assert one.card.isdigit()
        assert one.card.startswith("99")
        for person in one.members:
            number, told = people.number(person), people.record(person, "ADA", head=False)
            assert len(number) == 16
            assert number.startswith("99")
            assert (int(number[6:8]) > 40) == people.is_woman(person) == (told["jenis_kelamin"] == "P")
            assert told["nama"] == f"WARGA {person:06d}"
            assert told["nik"] in {"", number}
    numbers = [people.number(person) for person in range(len(people))]
    assert len(set(numbers)) == len(numbers)
    assert len({one.card for one in households}) == len(households)


def test_every_official_figure_names_its_source() -> None:
    """What is published says where, and what is not says that it is only plausible."""
    with (files("deploy") / "demo" / "official.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))

    assert {row["kind"] for row in rows} == {"published", "plausible"}
    assert all(row["source"].startswith("no published figure") == (row["kind"] == "plausible") for row in rows)
    assert all(row["source"] for row in rows)
