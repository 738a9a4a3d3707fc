"""
Figures as they are read: rows of the view `indicator`, in whole sums, with what is divided for the first time here.

Why: terminal, topic and files show the same figures, so all of them read them here.
Must not: write, or compute a sum (the views do).
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from psycopg import Connection, IsolationLevel

from processors.indicators.catalogue import DERIVED, MEASURES, indicators
from processors.months import month_of
from processors.reference import Reference
from processors.store.reference import read
from processors.store.rollup import LEVELS
from processors.store.staleness import Staleness
from schemas.errors import Fatal

__all__ = ["BeforeFirstMonth", "Figure", "NoSuchChoice", "NotAMonth", "UnknownRegion", "figures", "figures_since"]

URBANISATIONS = ("urban", "rural", "all")
_NAMES = tuple(measure.name for measure in MEASURES)
_COLUMNS = f"region, region_name, level, urbanisation, month, {', '.join(_NAMES)}"


class UnknownRegion(Fatal):
    """region {region} is not known: give a Kemendagri code such as 31.74, or ID for the nation, or add it by muara regions load."""


class NotAMonth(Fatal):
    """{month} is not a month: give one such as 2024-03."""


class BeforeFirstMonth(Fatal):
    """figures begin with {first_month}, before {month}: ask for that month or a later one."""


class NoSuchChoice(Fatal):
    """{value} is no {what}: choose one of {choices}."""


@dataclass(frozen=True, slots=True)
class Figure:
    """All figures of one region, urbanisation and month: sums of the catalogue's measures in its order."""

    region: str
    region_name: str
    level: str
    urbanisation: str
    month: date
    sums: tuple[int, ...]
    line_is_stale: bool = False

    @property
    def measures(self) -> dict[str, int]:
        """Sums by name, derived ones last."""
        sums = dict(zip(_NAMES, self.sums, strict=True))
        derived = {one.name: sum(sums[name] for name in one.plus) - sum(sums[name] for name in one.minus) for one in DERIVED}
        return sums | derived

    @property
    def indicators(self) -> dict[str, float | None]:
        """Ratios by name; None where the denominator is 0."""
        return indicators(self.measures)

    def as_dict(self) -> dict[str, object]:
        """Return everything by name: place and month, sums, ratios, flag; the month as `2024-03`."""
        return {
            "region": self.region,
            "region_name": self.region_name,
            "level": self.level,
            "urbanisation": self.urbanisation,
            "month": self.month.isoformat()[:7],
            **self.measures,
            **self.indicators,
            "line_is_stale": self.line_is_stale,
        }


def figures(
    conn: Connection[Any], region: str | None = None, level: str | None = None, urbanisation: str | None = None, month: str | None = None
) -> list[Figure]:
    """
    Return the figures of a region, level, urbanisation and month, each of them or any, from one snapshot.

    A region and a level together are all regions of that level within the region, itself included.

    A month after the last in which anything changed is answered with that one's figures; None is every month of the calendar.
    Takes a connection in autocommit mode. Raises `UnknownRegion`, `NoSuchChoice`, `NotAMonth`, `BeforeFirstMonth`.
    """
    _check_choice("level", level, LEVELS)
    _check_choice("urbanisation", urbanisation, URBANISATIONS)
    asked = _month(month)
    before, conn.isolation_level = conn.isolation_level, IsolationLevel.REPEATABLE_READ
    try:
        with conn.transaction():
            reference = read(conn)
            if region is not None and region not in reference.regions:
                raise UnknownRegion(region=region)
            within = _within(reference, region, level) if region and level else [region]
            shown = _shown_month(conn, asked)
            rows = conn.execute(
                f"select {_COLUMNS} from indicator"  # noqa: S608 - names of our catalogue
                " where true"
                f"{' and region = any(%(within)s)' if region else ''}{' and level = %(level)s' if level else ''}"
                f"{' and urbanisation = %(urbanisation)s' if urbanisation else ''}{' and month = %(month)s' if shown else ''}"
                " order by region, urbanisation, month".encode(),
                {"within": within, "level": level, "urbanisation": urbanisation, "month": shown},
            ).fetchall()
    finally:
        conn.isolation_level = before
    return list(_figures(rows, Staleness(reference), asked))


def figures_since(conn: Connection[Any], since: Mapping[str, date], staleness: Staleness) -> Iterator[Figure]:
    """Yield the figures of regions, given by code, from a month on each, as the caller's transaction sees them."""
    rows = conn.execute(
        f"select {_COLUMNS} from indicator where region = any(%s) and month >= %s".encode(),  # noqa: S608 - names of our catalogue
        (list(since), min(since.values(), default=date.max)),
    ).fetchall()
    return (one for one in _figures(rows, staleness) if one.month >= since[one.region])


def _figures(rows: list[tuple[Any, ...]], staleness: Staleness, month: date | None = None) -> Iterator[Figure]:
    for region, name, level, urbanisation, stands, *sums in rows:
        shown = month or stands
        yield Figure(region, name, level, urbanisation, shown, tuple(sums), staleness.stale(region, urbanisation, month_of(shown)))


def _within(reference: Reference, region: str, level: str) -> list[str]:
    """Return the codes of a level's regions within a region."""
    above = reference.regions[region].level
    return [code for code, one in reference.regions.items() if one.level == level and reference.ancestor(code, above) == region]


def _shown_month(conn: Connection[Any], asked: date | None) -> date | None:
    """Return the month of the calendar that holds the figures of the month asked for."""
    row = conn.execute("select first_month, (select max(month) from cell where level = 'nation') from reference_version").fetchone()
    if asked is None or row is None:
        return None
    first, last = row
    if asked < first:
        raise BeforeFirstMonth(first_month=first.isoformat()[:7], month=asked.isoformat()[:7])
    return min(asked, last or asked)


def _month(text: str | None) -> date | None:
    if text is None:
        return None
    try:
        return date.fromisoformat(f"{text}-01")
    except ValueError as error:
        raise NotAMonth(month=repr(text)) from error


def _check_choice(what: str, value: str | None, choices: tuple[str, ...]) -> None:
    if value is not None and value not in choices:
        raise NoSuchChoice(value=value, what=what, choices=", ".join(choices))
