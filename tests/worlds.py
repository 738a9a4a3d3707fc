"""
A small invented world for tests: regions, sources with ranks, poverty lines that change, and random statements in it.

Why: laws are tested on histories that hit every rule; a world of few places and dates makes collisions frequent.
Must not: resemble a real place.
"""

from datetime import date

from hypothesis import strategies as st

from processors.law import Statement
from processors.months import month_of
from processors.reference import Line, Reference, Region, Registration
from schemas.events import Operation

__all__ = ["REFERENCE", "SMALL_VILLAGES", "histories", "reference", "statements"]

SMALL_VILLAGES = ("91.01.01.1001", "91.01.01.2002", "91.02.01.2001", "92.01.01.1001")


def reference(version: int = 1, lines: tuple[Line, ...] | None = None) -> Reference:
    """Return the invented world: two provinces, three regencies, four villages, five registered sources."""
    regions: list[Region] = [Region(1, "ID", "NATION", "nation", None, None)]

    def add(code: str, level: str, parent: str, urbanisation: str | None = None) -> None:
        regions.append(Region(len(regions) + 1, code, f"{level} {code}", level, parent, urbanisation))

    for village in SMALL_VILLAGES:
        parts = village.split(".")
        for depth, level in enumerate(("province", "regency", "district"), 1):
            code = ".".join(parts[:depth])
            if code not in {one.code for one in regions}:
                add(code, level, ".".join(parts[: depth - 1]) or "ID")
        add(village, "village", ".".join(parts[:3]), "urban" if parts[3].startswith("1") else "rural")
    registrations = (
        Registration(1, "91.01", "alpha", 1),
        Registration(2, "91.01", "beta", 2),
        Registration(3, "91.02", "alpha", 2),
        Registration(4, "91.02", "gamma", 2),
        Registration(7, "92.01", "beta", 1),
    )
    own = (
        lines
        if lines is not None
        else (
            Line("national", "91", "urban", date(2020, 3, 1), 500_000),
            Line("national", "91", "rural", date(2020, 3, 1), 400_000),
            Line("national", "91", "urban", date(2021, 3, 1), 550_000),
            Line("national", "91.02", "all", date(2020, 9, 1), 450_000),
            Line("national", "92", "all", date(2020, 6, 15), 480_000),
            Line("extreme", "ID", "all", date(2020, 2, 1), 300_000),
            Line("extreme", "ID", "all", date(2021, 1, 1), 320_000),
        )
    )
    return Reference(version, month_of(date(2020, 1, 1)), {one.code: one for one in regions}, registrations, own)


REFERENCE = reference()
_DATES = st.sampled_from(
    [
        date(2019, 6, 1),
        date(2019, 12, 31),
        date(2020, 1, 1),
        date(2020, 1, 31),
        date(2020, 3, 5),
        date(2020, 3, 20),
        date(2020, 9, 1),
        date(2021, 2, 28),
        date(2021, 6, 30),
    ]
)


def statements(world: Reference = REFERENCE) -> st.SearchStrategy[Statement]:
    """Return random statements: few claims, dates and revisions, so that they meet often."""

    @st.composite
    def one(draw: st.DrawFn) -> Statement:
        claim = draw(st.sampled_from(world.registrations))
        villages = [code for code in SMALL_VILLAGES if world.regency_of(code) == claim.region]
        expenditure = draw(st.none() | st.sampled_from([0, 1, 1_199_999, 1_200_000, 1_800_000, 4_200_000, 30_000_000]))
        return Statement(
            region=claim.region,
            source=claim.source,
            valid_from=draw(_DATES),
            revision=draw(st.integers(1, 6)),
            mapping_version=draw(st.sampled_from([1, 1, 1, 2])),
            operation=draw(st.sampled_from([Operation.UPSERT] * 6 + [Operation.END, Operation.RETRACT])),
            village=draw(st.none() | st.sampled_from(villages)),
            size=draw(st.none() | st.integers(1, 5)),
            expenditure=expenditure,
            modelled=draw(st.booleans()) if expenditure is not None else False,
        )

    return one()


def histories(world: Reference = REFERENCE, households: int = 3) -> st.SearchStrategy[list[tuple[int, Statement]]]:
    """Return random histories: statements, each with the number of its household."""
    return st.lists(st.tuples(st.integers(0, households - 1), statements(world)), max_size=24)
