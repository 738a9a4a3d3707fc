"""
`muara up` and `muara status`: the embedded services, and where everything stands.

Why: the first thing to run, and the first thing to look at.
Must not: change anything but the services that it starts.
"""

import json
import sys
from typing import Annotated

import typer
from rich.table import Table

from deploy.commands.context import addresses, connected, console_for, settings
from deploy.embedded import EmbeddedServices, progress_for

__all__ = ["status", "up"]


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

    Of every partition its next offset and how many records it is behind; of the database what it holds, and what waits for the fold.
    """
    from processors.broker import Broker
    from processors.store.offsets import stands
    from processors.store.overview import overview

    where = addresses(settings())
    with connected(where, any_catalogue=True) as connection:
        partitions, seen = stands(connection), overview(connection)
    logs = Broker(where.kafka).logs([(one.topic, one.partition) for one in partitions])
    ends = [logs[one.topic, one.partition].end if (one.topic, one.partition) in logs else None for one in partitions]
    lags = [None if end is None else max(0, end - one.next_offset) for one, end in zip(partitions, ends, strict=True)]
    if as_json:
        rows = [
            {"topic": one.topic, "partition": one.partition, "next_offset": one.next_offset, "lag": lag, "halted": one.halted}
            for one, lag in zip(partitions, lags, strict=True)
        ]
        print(json.dumps({"partitions": rows, **seen.as_dict()}, default=str))
        return
    table = Table("topic", "partition", "next offset", "lag", "state", box=None)
    for one, lag in zip(partitions, lags, strict=True):
        state = one.halted or ("moving" if lag is not None else "the topic is gone or has no leader")
        table.add_row(one.topic, str(one.partition), str(one.next_offset), "-" if lag is None else str(lag), state)
    console_for(sys.stdout).print(table)
    for name, value in seen.as_dict().items():
        print(f"{name.replace('_', ' '):28} {'-' if value is None else value}")
