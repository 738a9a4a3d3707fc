"""
`muara indicators` and `muara verify`: the figures, and the proof that they are exact.

Why: analysts read the one, statisticians defend every digit with the other.
Must not: compute a figure (processors does).
"""

import csv
import json
import sys
from enum import StrEnum
from typing import Annotated, Any

import typer
from rich.table import Table

from deploy.commands.bar import Steps
from deploy.commands.context import addresses, connected, console_for, settings

__all__ = ["Format", "indicators", "verify"]


class Format(StrEnum):
    """How rows are printed."""

    TABLE = "table"
    CSV = "csv"
    JSON = "json"


_SHOWN = ("households", "people", "poor_people", "p0", "p1", "p2", "watts", "extreme_p0", "mean_expenditure", "unknown_people")


def indicators(
    region: Annotated[
        str | None, typer.Option(metavar="CODE", help="A Kemendagri code such as 31.74; ID is the nation. Without it all regions.")
    ] = None,
    month: Annotated[str | None, typer.Option(metavar="MONTH", help="A month such as 2024-03. Without it all months.")] = None,
    urbanisation: Annotated[
        str | None, typer.Option(metavar="KIND", help="urban, rural or all (both together). Without it all three.")
    ] = None,
    level: Annotated[
        str | None,
        typer.Option(metavar="LEVEL", help="nation, province, regency, district or village; with --region, all of that level within it."),
    ] = None,
    form: Annotated[Format, typer.Option("--format", help="How to print.")] = Format.TABLE,
) -> None:
    """
    Print indicators by region, urbanisation and month.

    Counts are of people and households, ratios are fractions, money is rupiah. CSV and JSON have every measure, the table a choice.
    """
    from processors.store.figures import figures

    with connected(addresses(settings())) as connection:
        found = figures(connection, region=region, level=level, urbanisation=urbanisation, month=month)
    rows = [one.as_dict() for one in found]
    _printed(rows, form)


def _printed(rows: list[dict[str, Any]], form: Format) -> None:
    if form is Format.JSON:
        print(json.dumps(rows, indent=1))
    elif form is Format.CSV:
        writer = csv.DictWriter(sys.stdout, list(rows[0]) if rows else ["region"], lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    elif not rows:
        print("no figures yet: nothing was merged for what was asked")
    else:
        table = Table("region", "name", "urbanisation", "month", *_SHOWN, box=None)
        for row in rows:
            place = (row["region"], row["region_name"], row["urbanisation"], row["month"])
            table.add_row(*place, *(_number(row[name]) for name in _SHOWN))
        console_for(sys.stdout).print(table)


def _number(value: float | None) -> str:
    if value is None:
        return "-"
    return f"{value:,}" if isinstance(value, int) else f"{value:.5f}" if value < 100 else f"{value:,.0f}"


def verify(as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False) -> None:
    """
    Recompute every figure from the statements and compare.

    The route is another one than that which made them. Exit code 0 only if all are equal to the last digit.
    """
    from processors.store.verify import verify as run

    with connected(addresses(settings())) as connection, Steps() as steps:
        found = run(connection, steps)
    if as_json:
        print(json.dumps({"exact": found.exact, "households": found.households, "cells": found.cells, "differences": found.total}))
    else:
        print(f"{found.households:,} households, {found.statements:,} statements: {found.cells:,} cells recomputed")
        for one in found.differences:
            print(f"differs: {one}")
        if found.dirty:
            print(f"{len(found.dirty)} regions wait for the fold; their upper levels were left out: {', '.join(found.dirty[:10])}")
        for count, what in (
            (found.unreadable, "statements cannot be read"),
            (found.repeated, "statements stand twice"),
            (found.misplaced, "names of households stand in another row than links say"),
        ):
            if count:
                print(f"{count:,} {what}: run muara rebuild")
        print("exact" if found.exact else f"NOT EXACT: {found.total} differences")
    sys.exit(0 if found.exact else 1)
