"""
`muara up` and `muara status`: the embedded services, and where everything stands.

Why: the first thing to run, and the first thing to look at.
Must not: change anything but the services that it starts.
"""

import json
import sys
from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table

from deploy.commands.context import DatabaseRefuses, addresses, connected, console_for, settings
from deploy.embedded import EmbeddedServices, progress_for

if TYPE_CHECKING:
    from deploy.stands import Place
    from processors.store.overview import Overview

__all__ = ["status", "up"]

EXIT_AWAY = 1
"""How `status` ends where a service does not answer."""


def up(fresh: Annotated[bool, typer.Option("--fresh", help="First wipe what these services held.")] = False) -> None:
    """
    Start Kafka, registry and PostgreSQL here, until Ctrl-C.

    Other commands find these embedded services by themselves, when they run in the same folder.
    """
    told = settings()
    with EmbeddedServices.start(
        told.directory,
        fresh=fresh,
        kafka=told.kafka,
        registry=told.registry,
        database=told.database.get_secret_value() if told.database else None,
        progress=progress_for(sys.stderr),
        wal_level="logical",  # so that it can play a region's database, too
    ) as services:
        where = services.addresses
        with connected(where):
            print(f"data       {services.folder or 'on the servers given'}")
            # A database that was given may have a password that is nobody else's business; the embedded one's is of use.
            database = "as given by MUARA_DATABASE" if told.database else where.database
            print(f"kafka      {where.kafka}\nregistry   {where.registry}\ndatabase   {database}", flush=True)
            print("the other commands find these by themselves in this folder; Ctrl-C ends", flush=True)
        services.watch()


def status(as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False) -> None:
    """
    Show lag, and how much is halted, waits or was rejected.

    Of every registered regency's partitions what waits in them, and whether somebody reads them; of the database what it holds, and
    what waits for the fold; which services answer. Exit code 1 where one does not.
    """
    from deploy.stands import ANSWERS, hear, places, registry_says
    from processors.store.offsets import stands
    from processors.store.overview import overview, registered_regencies
    from schemas.topics import household_topic

    where = addresses(settings())
    held, topics, seen, database = [], [], None, ANSWERS
    try:
        with connected(where, any_catalogue=True) as connection:
            held, seen = stands(connection), overview(connection)
            topics = [household_topic(code) for code in registered_regencies(connection)]
    except DatabaseRefuses as error:
        database = str(error)
    heard = hear(where.kafka, {(one.topic, one.partition) for one in held}, topics)
    services = {"database": database, "kafka": heard.away or ANSWERS, "registry": registry_says(where.registry)}
    rows = places(held, topics, heard, locked=seen is not None and seen.reference_locked)
    if as_json:
        print(json.dumps({"partitions": [asdict(one) for one in rows], **services, **(seen.as_dict() if seen else {})}, default=str))
    else:
        _print(rows, services, seen)
    if set(services.values()) != {ANSWERS}:
        sys.exit(EXIT_AWAY)


def _print(rows: "Sequence[Place]", services: dict[str, str], seen: "Overview | None") -> None:
    """Print partitions as a table, then a line for each fact."""
    table = Table("topic", "partition", "next offset", "lag", "state", box=None)
    for one in rows:
        table.add_row(one.topic, *(_shown(value) for value in (one.partition, one.next_offset, one.lag)), one.state)
    if rows:
        console_for(sys.stdout).print(table)
    elif seen is not None:
        print("no source is registered yet: muara sources load")
    for name, value in (services | (seen.as_dict() if seen else {})).items():
        print(f"{name.replace('_', ' '):28} {_shown(value)}")


def _shown(value: object) -> str:
    """Return a fact as people read it."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "-" if value is None else str(value)
