"""
How much of a country's tables is read for a few regions' figures, on a real PostgreSQL that has not looked at them yet.

It looks once a minute: a country's first load is read from before.
"""

import threading
from contextlib import closing
from datetime import date
from typing import Any

from psycopg import Connection

from processors.indicators.catalogue import MEASURES
from processors.reference import Reference
from processors.store.dispatch import Dispatch
from processors.store.figures import figures_since
from processors.store.staleness import Staleness
from processors.store.verify import verify

NAMES = ", ".join(measure.name for measure in MEASURES)
OTHERS = 6_000
LIMIT_S = 25.0
"""It takes 6 s, and the other way round eight times as long with these few regions already."""


def crowd(conn: Connection[Any]) -> None:
    """Add villages by the thousand with cells of a year that come to nothing, and keep PostgreSQL from looking at them."""
    conn.execute("alter table cell set (autovacuum_enabled = false); alter table region set (autovacuum_enabled = false)")
    conn.execute(
        "insert into region (code, name, level, parent, urbanisation)"
        " select '91.01.01.' || 10000 + place, 'WILAYAH', 'village', parent, 'rural'"
        " from region, generate_series(1, %s) as place where code = '91.01.01.1001'",
        (OTHERS,),
    )
    conn.execute(
        f"insert into cell (region, urbanisation, month, level, {NAMES})"  # noqa: S608 - names of our catalogue
        f" select id, 'rural', month, 'village', {', '.join('0' for _ in MEASURES)}"
        " from region, generate_series(timestamp '2020-01-01', timestamp '2020-12-01', interval '1 month') as month"
        " where code like '91.01.01._____'"
    )


def test_figures_leave_the_house_by_key(database: str, conn: Connection[Any], reference: Reference) -> None:
    """Of the cells of six thousand villages none but theirs are read for the figures of two."""
    crowd(conn)
    with closing(Dispatch(database)) as dispatch, dispatch._session() as session:
        list(figures_since(session, {"91.01": date(2020, 1, 1), "91": date(2020, 1, 1)}, Staleness(reference)))
        read = session.execute("select relname, seq_tup_read from pg_stat_xact_user_tables where relname in ('cell', 'region')").fetchall()

    assert dict(read) == {"cell": 0, "region": 0}


def test_a_load_tells_the_planner_how_much_there_is(conn: Connection[Any], reference: Reference) -> None:
    """At its commit, not when PostgreSQL next looks."""
    known = dict(conn.execute("select relname, reltuples from pg_class where relname in ('region', 'source', 'poverty_line')").fetchall())

    assert known == {"region": len(reference.regions), "source": len(reference.registrations), "poverty_line": len(reference.lines)}


def test_a_country_is_verified_without_walking_it_for_each_region(conn: Connection[Any], reference: Reference) -> None:
    """What is shown is summed by code before codes become ids: joined the other way round, each row would walk all regions."""
    crowd(conn)
    late = threading.Timer(LIMIT_S, conn.cancel)
    late.start()
    try:
        found = verify(conn)
    finally:
        late.cancel()

    assert found.exact
    assert found.cells == 12 * OTHERS
