"""
`muara adapter`: run a region's adapter from its file, check the file, send again after a mapping was mended.

Why: a region is one file; these are all that its author needs.
Must not: import Faust or PostgreSQL: an adapter runs at a region's edge.
"""

import os
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from deploy.commands.context import addresses, settings
from schemas.errors import Fatal

if TYPE_CHECKING:
    from producers.settings import AdapterSettings

__all__ = ["app"]

app = typer.Typer(help="A region's adapter.", no_args_is_help=True)
RegionFile = Annotated[Path, typer.Argument(exists=True, dir_okay=False, readable=True, help="The region file (TOML).")]


class NotAMoment(Fatal):
    """{text} is no moment: give one such as 2024-03-01 or 2024-03-01T08:00:00+07:00"""


@app.command()
def run(file: RegionFile) -> None:
    """Read changes from the region's system and publish them, until Ctrl-C."""
    from producers.runner import run as work

    sys.exit(work(file, _adapter_settings()))


@app.command()
def check(file: RegionFile) -> None:
    """Explain every mistake of a region file at once; nothing is read or sent."""
    from producers.region_file import read_region_file, unset_variables

    declared = read_region_file(file, None)
    unset = unset_variables(file, os.environ)
    print(f"{file} is in order: source {declared.source_id}, mapping version {declared.mapping_version}")
    for name in unset:
        print(f"not set in this environment: {name}")


@app.command()
def resend(file: RegionFile, since: Annotated[str, typer.Option(help="Send again what the source told from this moment on.")]) -> None:
    """Send again after the mapping was mended (and its version raised), so that the mended statements win."""
    from producers.runner import resend as work

    try:
        moment = datetime.fromisoformat(since)
    except ValueError:
        raise NotAMoment(text=since) from None
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    print(f"{work(file, _adapter_settings(), moment)} events sent again")


def _adapter_settings() -> "AdapterSettings":
    from producers.pseudonym import Pseudonyms
    from producers.settings import AdapterSettings as Made

    told = settings()
    where = addresses(told)
    state = told.directory / "adapters"
    state.mkdir(parents=True, exist_ok=True)
    return Made(
        kafka=where.kafka,
        registry=where.registry,
        state_directory=state,
        pseudonyms=Pseudonyms.from_environ(os.environ),
        environ=os.environ,
        spool_bytes=told.spool_mb << 20,
    )
