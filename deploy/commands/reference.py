"""
`muara lines load`, `regions load`, `sources load`: the reference data from CSV; `regions list`: the codes that the product brings.

Why: every figure depends on it, so a load is one transaction, exact while workers run, and tells every mistake at once.
Must not: decide what is a mistake (processors/store does).
"""

import csv
import sys
from dataclasses import astuple, fields
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.table import Table

from deploy.commands.bar import Shown
from deploy.commands.context import addresses, connected, console_for, limits_said, settings
from schemas.errors import Fatal

if TYPE_CHECKING:
    from psycopg import Connection

    from processors.store.reference_load import Loaded
    from processors.store.reference_sheets import LineRow, RegionRow, Sheet

__all__ = ["NoRegions", "lines", "load_product_lines", "load_product_regions", "regions", "sources"]

lines = typer.Typer(help="Poverty lines.", no_args_is_help=True)
regions = typer.Typer(help="Regions: villages, districts, regencies, provinces, nation.", no_args_is_help=True)
sources = typer.Typer(help="Which source may speak for which regency.", no_args_is_help=True)

File = Annotated[
    Path | None,
    typer.Argument(exists=True, dir_okay=False, readable=True, metavar="FILE", help="A CSV file. Without it the product's own data."),
]
_OWN = Path(__file__).parents[1] / "reference"


class Level(StrEnum):
    """A kind of region."""

    PROVINCE = "province"
    REGENCY = "regency"
    DISTRICT = "district"
    VILLAGE = "village"


class NoRegions(Fatal):
    """no region is loaded, and a poverty line belongs to one: muara regions load comes first"""


@lines.command("load")
def load_lines(file: File = None) -> None:
    """
    Add or replace poverty lines.

    Columns: definition, province_code_kemendagri, region_code_kemendagri, urbanisation, valid_from, rupiah_per_capita_month, source.
    Without a file, lines of regions that are not loaded are left out.
    """
    from processors.store.reference_load import load_lines as load
    from processors.store.reference_sheets import read_lines

    with connected(addresses(settings())) as connection, Shown("households recomputed") as shown:
        sheet, left_out = (read_lines(file), 0) if file else load_product_lines(connection)
        loaded = load(connection, sheet, shown)
    print(_said(loaded, "poverty lines"))
    if left_out:
        print(f"{left_out} poverty lines left out: their regions are not loaded")


@regions.command("load")
def load_regions(
    file: File = None,
    province: Annotated[
        list[str] | None,
        typer.Option(
            metavar="CODE", help="Without a file: only this province or regency, such as 31 or 32.11; may be given several times."
        ),
    ] = None,
) -> None:
    """
    Add or replace regions.

    MUARA_HOUSEHOLD_SIZE and MUARA_DAYS_AHEAD, where set, are widened too.
    Columns: code, bps_code, name, level, parent, urbanisation.
    """
    from processors.store.reference_load import load_regions as load
    from processors.store.reference_sheets import read_regions

    told = settings()
    with connected(addresses(told)) as connection, Shown("households recomputed") as shown:
        sheet = read_regions(file) if file else load_product_regions(province)
        print(_said(load(connection, sheet, shown, limits_said(told)), "regions"))


@regions.command("list")
def list_regions(
    code: Annotated[str, typer.Argument(metavar="CODE", help="A Kemendagri code such as 31, 33.72 or 33.72.01.")],
    level: Annotated[Level | None, typer.Option(help="Only these.")] = None,
    as_csv: Annotated[bool, typer.Option("--csv", help="Print CSV, as regions load takes it.")] = False,
) -> None:
    """
    Print codes of the product's regions.

    Those of the region that is given and of all below it, in both code systems. Needs no database.
    """
    from deploy.reference.regions import RegionRow
    from deploy.reference.regions import regions as own

    names = [one.name for one in fields(RegionRow)]
    found = [one for one in own([code]) if f"{one.code}.".startswith(f"{code}.") and level in (None, one.level)]
    if as_csv:
        writer = csv.writer(sys.stdout, lineterminator="\n")
        writer.writerow(names)
        writer.writerows(map(astuple, found))
        return
    table = Table(*names, box=None)
    for one in found:
        table.add_row(*(cell or "-" for cell in astuple(one)))
    console_for(sys.stdout).print(table)


@sources.command("load")
def load_sources(
    file: File = None,
    replicas: Annotated[int, typer.Option(min=1, metavar="N", help="Replicas of each topic that is made.")] = 1,
) -> None:
    """
    Let sources speak for regencies, and make their topics.

    Columns: region, source, rank. Where several sources speak of one household, rank 1 is the best.
    """
    from deploy.topics import make_topics
    from processors.store.reference_load import load_sources as load
    from processors.store.reference_sheets import read_sources

    sheet = read_sources(file or _OWN / "pilots.csv")
    where = addresses(settings())
    with connected(where) as connection, Shown("households recomputed") as shown:
        # The registration comes first: it refuses unknown regencies, and a topic without a registered source is never read.
        loaded = load(connection, sheet, shown)
    with Shown("schemas registered") as shown:
        made = make_topics(where.kafka, where.registry, sorted({row.region for row in sheet.rows}), replicas, shown)
    print(f"{_said(loaded, 'registrations')}, {len(made)} topics made")


def load_product_regions(chosen: list[str] | None) -> "Sheet[RegionRow]":
    """Return the product's own regions, all or some provinces and regencies with what is above and below them, as a sheet to load."""
    from deploy.reference.regions import regions as own
    from processors.store.reference_sheets import RegionRow, Sheet

    rows = (
        RegionRow(one.code, one.bps_code, one.name, one.level, one.parent, one.urbanisation, number)
        for number, one in enumerate(own(chosen), 1)
    )
    return Sheet("the product's regions", tuple(rows))


def load_product_lines(connection: "Connection[Any]") -> tuple["Sheet[LineRow]", int]:
    """
    Return the product's own poverty lines of the regions that are loaded, as a sheet to load, and how many lines of others are left out.

    Raises `NoRegions` where no line would be left.
    """
    from processors.store.reference_sheets import Sheet, read_lines

    sheet = read_lines(_OWN / "poverty_lines.csv")
    known = {code for (code,) in connection.execute("select code from region").fetchall()}
    rows = tuple(row for row in sheet.rows if row.region in known)
    if not rows:
        raise NoRegions
    return Sheet(sheet.file, rows, sheet.mistakes), len(sheet.rows) - len(rows)


def _said(loaded: "Loaded", what: str) -> str:
    return f"reference version {loaded.version}: {loaded.changed} {what} changed, {loaded.households} households recomputed"
