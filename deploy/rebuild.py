"""
`muara rebuild` as a person sees it: a bar for each phase, then what was compared, what differs, and what was done about it.

Why: whoever repairs figures must see what was wrong before believing that it is right now.
Must not: compare or change anything (processors/store/rebuild.py does).
"""

import sys
from contextlib import closing

import psycopg
from rich.console import Console
from rich.table import Table

from deploy.commands.bar import Steps
from deploy.commands.context import console_for, tell_limits
from deploy.embedded import Addresses
from deploy.settings import Settings
from processors.settings import WorkerSettings
from processors.store.connection import away
from processors.store.migrate import migrate
from processors.store.rebuild import Rebuilt
from processors.store.rebuild import rebuild as run
from schemas.errors import Fatal
from schemas.registry import Registry

__all__ = ["WouldLose", "rebuild"]

EXIT_DIFFERS = 1
"""How a comparison ends that found something and was not to change it."""


class WouldLose(Fatal):
    """
    {households} households have statements that no record of the topics says, so nothing was changed: where that is damage, or
    their records were given up on purpose, muara rebuild --accept-loss takes them away
    """


def rebuild(addresses: Addresses, settings: Settings, *, compare_only: bool = False, accept_loss: bool = False) -> None:
    """
    Replay, compare, take over what differs, and tell all of it; ends with `EXIT_DIFFERS` where something differs and `compare_only`.

    Works also where the figures were made with another catalogue. Raises what `processors.store.rebuild.rebuild` does, and `WouldLose`.
    """
    console = console_for(sys.stdout)
    told = WorkerSettings(addresses.kafka, addresses.registry, addresses.database)
    _bring_up_to_date(told.database, settings)
    with closing(Registry(told.registry)) as schemas, Steps(lines=console) as shown:
        done = run(told, schemas, compare_only=compare_only, accept_loss=accept_loss, progress=shown)
    _tell(console, done)
    if compare_only and not done.same:
        sys.exit(EXIT_DIFFERS)
    if done.shrinking and not done.taken_over:
        raise WouldLose(households=done.shrinking)


def _bring_up_to_date(database: str, settings: Settings) -> None:
    """Apply migrations: those of a new catalogue come before its rebuild."""
    try:
        with psycopg.connect(database, autocommit=True, connect_timeout=5) as connection:
            migrate(connection)
            tell_limits(connection, settings)
    except psycopg.OperationalError as error:
        raise away(error) from error


def _tell(console: Console, done: Rebuilt) -> None:
    table = Table("compared", "equal", "differ", "missing", "only held", box=None)
    for one in done.compared:
        table.add_row(_PLURAL[one.kind], *(f"{number:,}" for number in (one.equal, one.otherwise, one.missing, one.surplus)))
    console.print(f"{done.records:,} records replayed")
    for lost in done.lost:
        console.print(f"given up: {lost}", soft_wrap=True)
    console.print(table)
    for one in done.compared:
        for difference in one.first:
            console.print(f"{difference.name}: {difference.what}", soft_wrap=True)
        more = one.otherwise + one.missing + one.surplus - len(one.first)
        if more > 0:
            console.print(f"and {more:,} more {_PLURAL[one.kind]}")
    if done.unreadable:
        console.print(f"{done.unreadable:,} batches of cell changes, waiting for the fold, cannot be read")
    if done.catalogue_changed:
        console.print("the figures were made with another catalogue of measures than this program has")
    console.print(_end(done))


_PLURAL = {"household": "households", "cell": "cells", "rejected": "rejected records"}


def _end(done: Rebuilt) -> str:
    if done.taken_over:
        return "the live tables are now what was replayed, in one commit; figures that changed are sent again"
    return "everything is equal: nothing was changed" if done.same else "nothing was changed"
