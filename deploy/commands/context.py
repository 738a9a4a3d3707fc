"""
What every command needs first: settings, addresses of the services, a connection, log lines, a console.

Why: one place says what happens when no services run, and how tables look where there is no terminal.
Must not: start services (deploy/commands/services.py does).
"""

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

from rich.console import Console

from deploy.embedded import Addresses, running
from deploy.embedded.errors import FolderNotMade
from deploy.logs import set_up_logging
from deploy.settings import Settings, SettingsWrong
from schemas.errors import Fatal

if TYPE_CHECKING:
    import psycopg

__all__ = [
    "DEMO",
    "DatabaseRefuses",
    "NoServices",
    "addresses",
    "connected",
    "console_for",
    "limits_said",
    "local_folder",
    "settings",
    "tell_limits",
]

_LOG = logging.getLogger(__name__)

DEMO = "demo"
"""The folder of the demo, with services of its own, within that of the settings."""
_WIDE = 1000
"""Columns where there is no terminal: a row is one line then, which other programs can read; no row of ours is longer."""


class NoServices(Fatal):
    """no services run for {directory}: run muara up in another terminal, or set {names}"""


class DatabaseRefuses(Fatal):
    """the database cannot be used ({why}): check MUARA_DATABASE, or run muara up"""


def settings() -> Settings:
    """Return the settings of this process's environment, with log lines set up as they say."""
    told = Settings.from_environ(os.environ)
    set_up_logging(told.log)
    return told


def addresses(told: Settings, *, database: bool = True) -> Addresses:
    """
    Return where the services are: what the settings say, else the embedded ones that run for this directory; raises `NoServices`.

    Where only a demo plays there, its services are meant: whoever watches it need not know where they lie.
    Without `database` its address is not asked for, and is empty where nobody told it: an adapter at a region's edge has none.
    Where brokers are given, their address and the registry's carry what MUARA_KAFKA_SETTINGS says; raises `SecurityFileWrong`.
    """
    dsn = told.database.get_secret_value() if told.database else ""
    if told.kafka and told.registry and (dsn or not database):
        return _secured(told, Addresses(told.kafka, told.registry, dsn))
    here = running(told.directory) or running(told.directory / DEMO)
    if here is None:
        names = "MUARA_KAFKA, MUARA_REGISTRY and MUARA_DATABASE" if database else "MUARA_KAFKA and MUARA_REGISTRY"
        raise NoServices(directory=told.directory.absolute(), names=names)
    return _secured(told, Addresses(told.kafka or here.kafka, told.registry or here.registry, dsn or here.database))


def _secured(told: Settings, where: Addresses) -> Addresses:
    if told.kafka_settings is None:
        return where
    if told.kafka is None:
        raise SettingsWrong(mistakes=" MUARA_KAFKA_SETTINGS is set and MUARA_KAFKA is not: the services of muara up need no credentials")
    from deploy.security import secured

    return Addresses(*secured(where.kafka, where.registry, told.kafka_settings), where.database)


def local_folder(told: Settings, name: str) -> Path:
    """Return a folder for local data, made where it is missing; raises `FolderNotMade`."""
    folder = told.directory / name
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise FolderNotMade(folder=folder, why=error.strerror) from error
    if not os.access(folder, os.W_OK | os.X_OK):
        raise FolderNotMade(folder=folder, why="no right to write there")
    return folder


@contextmanager
def connected(where: Addresses, *, any_catalogue: bool = False) -> Iterator["psycopg.Connection[Any]"]:
    """
    Give a connection in autocommit mode to a database that is up to date; whoever comes first writes the limits of its environment.

    Raises `DatabaseRefuses`, `DatabaseFull`; and `CatalogueChanged` unless `any_catalogue`, since what leads to `muara rebuild` must work
    before it.
    """
    import psycopg

    from processors.reference import Limits
    from processors.store.connection import away
    from processors.store.migrate import migrate
    from processors.store.reference import initialise

    try:
        connection = psycopg.connect(where.database, autocommit=True, connect_timeout=5)
    except psycopg.OperationalError as error:
        raise DatabaseRefuses(why=type(error).__name__) from error
    try:
        with connection:
            migrate(connection)
            if not any_catalogue:
                initialise(connection, limits=Limits(**limits_said(Settings.from_environ(os.environ))))
            yield connection
    except psycopg.errors.DiskFull as error:
        raise away(error) from error


def limits_said(told: Settings) -> dict[str, int]:
    """Return the limits that an environment names; what it does not name it leaves as it is."""
    return {name: getattr(told, name) for name in ("household_size", "days_ahead") if name in told.model_fields_set}


def tell_limits(connection: "psycopg.Connection[Any]", told: Settings) -> None:
    """Warn where the environment names another limit than the one by which every event is judged."""
    from processors.store.reference import limits_in_force

    held = limits_in_force(connection)
    for name, value in limits_said(told).items():
        if value != getattr(held, name):
            _LOG.warning(
                "MUARA_%s=%s does not hold: events are judged by %s, as the database says; muara regions load widens it",
                name.upper(),
                value,
                getattr(held, name),
                extra={"action": "limit_does_not_hold"},
            )


def console_for(stream: TextIO) -> Console:
    """Return a console that prints text as it is: as wide as the terminal, and where there is none so wide that no row is broken."""
    return Console(file=stream, width=None if stream.isatty() else _WIDE, highlight=False, markup=False, emoji=False)
