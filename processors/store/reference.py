"""
Reference data as it stands in the database: one consistent version of regions, who may speak for whom, and poverty lines.

Why: a figure is a function of statements and of exactly one version, so it is read whole.
Must not: change anything but the first row of all (processors/store/reference_load.py loads).
"""

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import astuple
from datetime import date
from typing import Any

from psycopg import Connection, IsolationLevel
from psycopg.pq import TransactionStatus

from processors.indicators.catalogue import CATALOGUE_HASH
from processors.months import month_of
from processors.reference import Limits, Line, Reference, Region, Registration
from processors.store.fold import CatalogueChanged, NotInitialised

__all__ = ["FIRST_MONTH", "initialise", "limits_in_force", "read"]

_AT_ONCE = 2_000
"""Regions that the database hands over at once."""
FIRST_MONTH = date(2020, 1, 1)
"""
Where figures begin unless the first start says otherwise: the first January before which, of all provinces, no line is known
that was followed by others. Earlier and every region shows years of months without a rate, later and known lines go unused.
"""


def initialise(conn: Connection[Any], first_month: date = FIRST_MONTH, limits: Limits | None = None) -> None:
    """
    Make the first reference version, of nothing, unless there is one; takes a connection in autocommit mode.

    The limits hold from then on for whoever judges an event, whatever its own environment says; `load_regions` widens them.

    Raises `CatalogueChanged` where the database's figures were made with another catalogue.
    """
    row = conn.execute("select catalogue_hash from reference_version").fetchone()
    if row is None:  # looked first: an insert would wait for a load that holds the table, however long that takes
        conn.execute(
            "insert into reference_version (version, catalogue_hash, first_month, household_size, days_ahead)"
            " values (1, %s, %s, %s, %s) on conflict do nothing",
            (CATALOGUE_HASH, first_month.replace(day=1), *astuple(limits or Limits())),
        )
        row = conn.execute("select catalogue_hash from reference_version").fetchone()
    if row is None or row[0] != CATALOGUE_HASH:
        raise CatalogueChanged


def limits_in_force(conn: Connection[Any]) -> Limits:
    """Return the limits by which events are judged; raises `NotInitialised`."""
    row = conn.execute("select household_size, days_ahead from reference_version").fetchone()
    if row is None:
        raise NotInitialised
    return Limits(*row)


def read(conn: Connection[Any]) -> Reference:
    """
    Return the reference data, all of one version.

    In a transaction of the caller's it is what that one sees (which must then be one snapshot, or hold the lock of a load).
    Raises `NotInitialised`, and `CatalogueChanged` where the database's figures were made with another catalogue.
    """
    idle = conn.info.transaction_status == TransactionStatus.IDLE
    with _snapshot(conn) if idle else nullcontext():
        version = conn.execute("select version, catalogue_hash, first_month from reference_version").fetchone()
        if version is None:
            raise NotInitialised
        if version[1] != CATALOGUE_HASH:
            raise CatalogueChanged
        return Reference(
            version[0], month_of(version[2]), _regions(conn), _registrations(conn), _lines(conn), _formerly(conn), limits_in_force(conn)
        )


@contextmanager
def _snapshot(conn: Connection[Any]) -> Iterator[None]:
    before = conn.isolation_level
    conn.isolation_level = IsolationLevel.REPEATABLE_READ
    try:
        with conn.transaction():
            yield
    finally:
        conn.isolation_level = before


def _regions(conn: Connection[Any]) -> dict[str, Region]:
    """Return the regions by code. Every process holds all of a country's: they come in parts, and what is equal is one string."""
    same: dict[Any, Any] = {}
    regions = {}
    with conn.cursor("reference_regions") as cursor:
        cursor.itersize = _AT_ONCE
        cursor.execute(
            "select region.id, region.code, region.name, region.level, parent.code, region.urbanisation"
            " from region left join region as parent on parent.id = region.parent order by region.id"
        )
        for number, *texts in cursor:
            region = Region(number, *(same.setdefault(text, text) for text in texts))
            regions[region.code] = region
    return regions


def _registrations(conn: Connection[Any]) -> tuple[Registration, ...]:
    rows = conn.execute(
        "select source.claimant, region.code, source.source, source.rank"
        " from source join region on region.id = source.region order by source.claimant"
    ).fetchall()
    return tuple(Registration(*row) for row in rows)


def _lines(conn: Connection[Any]) -> tuple[Line, ...]:
    rows = conn.execute(
        "select line.definition, region.code, line.urbanisation, line.valid_from, line.rupiah"
        " from poverty_line as line join region on region.id = line.region"
        " order by line.definition, region.code, line.urbanisation, line.valid_from"
    ).fetchall()
    return tuple(Line(*row) for row in rows)


def _formerly(conn: Connection[Any]) -> dict[str, frozenset[str]]:
    rows = conn.execute(
        "select village.code, array_agg(regency.code) from former_regency as former"
        " join region as village on village.id = former.village join region as regency on regency.id = former.regency group by 1"
    ).fetchall()
    return {village: frozenset(regencies) for village, regencies in rows}
