"""
The live view: each region's figures beside what moves there, while life goes on.

Why: whoever watches sees a change arrive and a figure move, region by region.
Must not: compute an indicator (they are read), or hide what waits.
"""

import shutil
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import psycopg
from rich.live import Live
from rich.table import Table
from rich.text import Text

from deploy.commands.context import console_for
from deploy.demo.run import Flow, Say, begin, look
from deploy.demo.stage import Stage
from processors.broker import Broker
from processors.store.figures import Figure, figures
from schemas.topics import household_topic

__all__ = ["Pace", "board", "live", "newest_figures", "pace"]

_REGIONS = ("ID", "31", "31.71", "31.72", "31.73", "31.74", "31.75", "31.01", "32", "32.11", "35", "35.10", "51", "51.01")
_NATION = "ID"
_FRAME_S = 1.0
_FIGURE_HEADS = ("house-\nholds", "people", "poor", "P0\n%", "P1\nx100", "P2\nx100", "extreme\n%")
_PACE_HEADS = ("changes\n/s", "lag", "newest")


@dataclass(frozen=True, slots=True)
class Pace:
    """What moves in one region: changes merged per second, records that wait, and the age of the newest change in seconds."""

    per_s: float
    behind: int
    newest_s: float | None


def newest_figures(connection: psycopg.Connection[Any]) -> list[Figure]:
    """Return the newest month's figures of the regions shown, urban and rural together; none where nothing was folded yet."""
    row = connection.execute("select to_char(max(month), 'YYYY-MM') from cell where level = 'nation'").fetchone()
    month = row[0] if row else None
    return [one for code in _REGIONS for one in figures(connection, region=code, urbanisation="all", month=month)] if month else []


def pace(region: str, before: Mapping[str, Flow], now: Mapping[str, Flow], passed_s: float, ages_s: Mapping[str, float]) -> Pace:
    """
    Return what moved in a region between two looks at its regencies, `passed_s` seconds apart.

    `ages_s` is the age of each regency's newest change; a regency without one has none.
    """
    within = [one for one in now if region in (_NATION, one) or one.startswith(f"{region}.")]
    merged = sum(now[one].merged - before[one].merged for one in within if one in before)
    return Pace(
        merged / passed_s, sum(now[one].behind for one in within), min((ages_s[one] for one in within if one in ages_s), default=None)
    )


def board(rows: Sequence[Figure], paces: Mapping[str, Pace] | None = None) -> Table:
    """Return figures of one month, beside them what moves if that is told; where it is narrow, names are cut and numbers are not."""
    title = f"{rows[0].month:%Y-%m}, urban and rural together" if rows else None
    table = Table(box=None, title=title, padding=(0, 1, 0, 0))
    table.add_column("region", no_wrap=True)
    table.add_column("name")
    for name in (*_FIGURE_HEADS, *(_PACE_HEADS if paces is not None else ())):
        table.add_column(name, justify="right", no_wrap=True)
    for one in rows:
        sums, ratios = one.measures, one.indicators
        shown = [_percent(ratios[name]) for name in ("p0", "p1", "p2", "extreme_p0")]
        counts = [f"{sums[name]:,}" for name in ("households", "people", "poor_people")]
        called = Text(one.region_name, no_wrap=True, overflow="ellipsis")
        moves = _moves(paces[one.region]) if paces is not None else ()
        table.add_row(one.region, called, *counts, *shown, *moves)
    return table


def _percent(ratio: float | None) -> str:
    return "-" if ratio is None else f"{100 * ratio:.3f}"


def _moves(moved: Pace) -> tuple[str, str, str]:
    return f"{moved.per_s:,.0f}", f"{moved.behind:,}", _age(moved.newest_s)


def _age(seconds: float | None) -> str:
    if seconds is None:
        return "-"
    return f"{seconds:.1f} s" if seconds < 60 else f"{seconds / 60:.0f} m"


def live(stage: Stage, rate: int, say: Say, end_phases: Callable[[], None]) -> None:
    """Load, then let life go on at `rate` changes a second, and show the figures until Ctrl-C."""
    broker = Broker(stage.addresses.kafka)
    database = f", psql '{stage.own_database}'" if stage.own_database else ""
    with psycopg.connect(stage.addresses.database, autocommit=True) as connection:
        begin(stage, connection, broker, say)
        end_phases()
        stage.systems.ask("POST", "live", rate=rate)
        before, at = look(stage, connection, broker), time.monotonic()
        say("live", 1.0, f"to look closer, in a second terminal in this folder: {_elsewhere()}; Ctrl-C ends")
        with Live(console=console_for(sys.stdout), screen=sys.stdout.isatty(), auto_refresh=False) as screen:
            while True:
                time.sleep(_FRAME_S)
                seen, now = look(stage, connection, broker), time.monotonic()
                ages = _ages_s(stage, broker)
                paces = {code: pace(code, before.regencies, seen.regencies, now - at, ages) for code in _REGIONS}
                table = board(newest_figures(connection), paces)
                table.caption = (
                    "lag: changes that wait for a worker; newest: age of the newest change; "
                    f"{seen.database.rejected} rejected, {seen.halted} halted\n"
                    f"in a second terminal in this folder: {_elsewhere()}{database}; Ctrl-C ends"
                )
                before, at = seen, now
                screen.update(table, refresh=True)


def _ages_s(stage: Stage, broker: Broker) -> dict[str, float]:
    """Return how long ago each regency's newest change arrived at the broker, in seconds."""
    regencies = {(household_topic(regency), 0): regency for regency in stage.regencies}
    now = datetime.now(UTC)  # noqa: TID251 - the demo's shell
    return {regencies[at]: max(0.0, (now - arrived).total_seconds()) for at, arrived in broker.newest(regencies.keys()).items()}


def _elsewhere() -> str:
    """Return commands that find the demo's services by themselves, as they can be typed where `muara` is not on the path."""
    program = "muara" if shutil.which("muara") else sys.argv[0]
    return ", ".join(f"{program} {arguments}" for arguments in ("indicators --region ID", "status", "verify"))
