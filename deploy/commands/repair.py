"""
`muara offsets`, `schema`, `rebuild`: what an operator needs on a bad day.

Why: nothing fails silently, so everything that stopped must be seen, understood and set moving again.
Must not: guess: what may lose data is said and asked for by name.
"""

import sys
from typing import Annotated

import typer
from rich.table import Table

from deploy.commands.context import addresses, connected, console_for, settings

__all__ = ["offsets", "rebuild", "schema"]

offsets = typer.Typer(help="Where partitions stand, and how halted ones move again.", no_args_is_help=True)
schema = typer.Typer(help="The schemas of events and figures.", no_args_is_help=True)


@offsets.command("show")
def show_offsets() -> None:
    """
    Show where every partition stands.

    Of halted ones also why they wait.
    """
    from processors.store.offsets import stands

    with connected(addresses(settings()), any_catalogue=True) as connection:
        rows = stands(connection)
    table = Table("topic", "partition", "next offset", "epoch", "halted", box=None)
    for one in rows:
        table.add_row(one.topic, str(one.partition), str(one.next_offset), str(one.epoch), one.halted or "")
    console_for(sys.stdout).print(table if rows else "no partition was read yet")


@offsets.command("accept")
def accept_offsets(
    topic: Annotated[str, typer.Argument(metavar="TOPIC", help="The topic whose halted partitions may move again.")],
    at: Annotated[
        int | None,
        typer.Option(
            metavar="OFFSET",
            help="Where to read on. Without it at the beginning of a topic made anew, behind a gap, else at the nearest offset left.",
        ),
    ] = None,
) -> None:
    """
    Let the halted partitions of a topic move again.

    Records that the broker lost stay lost.
    """
    from processors.broker import Broker
    from processors.store.offsets import accept, stands

    where = addresses(settings())
    with connected(where, any_catalogue=True) as connection:
        held = [(one.topic, one.partition) for one in stands(connection) if one.topic == topic]
        for one in accept(connection, topic, Broker(where.kafka).logs(held), at):
            print(one)


@schema.command("check")
def check_schema() -> None:
    """
    Check our schemas against every registered version.

    The rules are the registry's and our own (units, scales, symbols). Exit code 1 where one is broken.
    """
    from schemas.compatibility import check_registered
    from schemas.registry import Registry

    found = check_registered(Registry(addresses(settings()).registry))
    for one in found:
        print(one)
    if found:
        sys.exit(1)
    print("compatible")


def rebuild(
    compare_only: Annotated[bool, typer.Option("--compare-only", help="Change nothing; exit code 1 where something differs.")] = False,
    accept_loss: Annotated[
        bool, typer.Option("--accept-loss", help="Take over also where households lose statements that no record says.")
    ] = False,
) -> None:
    """
    Replay all topics, compare, and take over what differs.

    The replay fills new tables beside the live ones while workers go on. The live ones change in one commit at the end, or not at all.
    """
    from deploy.rebuild import rebuild as run

    told = settings()
    run(addresses(told), told, compare_only=compare_only, accept_loss=accept_loss)
