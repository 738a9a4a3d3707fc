"""
`muara worker` and `muara publish`: the processes that keep figures current.

Why: operators start these, once or many times.
Must not: merge or fold (processors does).
"""

import logging
import os
import signal
import sys
import threading
import time
from typing import Annotated

import typer

from deploy.commands.context import DatabaseRefuses, addresses, connected, settings, tell_limits
from deploy.embedded import Addresses
from deploy.settings import Settings
from deploy.supervisor import Supervisor, muara

__all__ = ["publish", "worker"]

_log = logging.getLogger(__name__)
_AGAIN_S = 1.0


def worker(
    supervise: Annotated[bool, typer.Option("--supervise", help="Start it again whenever it ends.")] = False,
    workers: Annotated[int, typer.Option(min=1, metavar="N", help="With --supervise: how many.")] = 1,
    anew: Annotated[bool, typer.Option("--anew", hidden=True)] = False,
) -> None:
    """
    Merge household changes from Kafka into PostgreSQL.

    Start more to scale, up to the number of partitions: one per registered regency.
    A regency that is registered or taken away makes it begin anew by itself.
    """
    if workers > 1 and not supervise:
        raise typer.BadParameter("several workers want --supervise, or a terminal for each", param_hint="'--workers'")
    told = settings()
    where = addresses(told)
    if supervise:
        sys.exit(Supervisor([(f"worker {number + 1}", muara("worker")) for number in range(workers)]).run())
    _bring_up_to_date(where, told, patient=anew)
    from processors.app import run_worker
    from processors.settings import WorkerSettings

    run_worker(WorkerSettings(where.kafka, where.registry, where.database), _become_anew)


def _bring_up_to_date(where: Addresses, told: Settings, *, patient: bool) -> None:
    """Bring the database up to date; who is `patient`, since nobody started it by hand, waits while the database is away."""
    while True:
        try:
            with connected(where) as connection:
                tell_limits(connection, told)
        except DatabaseRefuses as error:
            if not patient:
                raise
            _log.warning("waiting: %s", error, extra={"action": "waiting"})
            time.sleep(_AGAIN_S)
        else:
            return


def _become_anew() -> None:
    """
    Replace this process's program by a worker's from its beginning; returns only where the machine refuses.

    The process stays the same one, so whoever waits for it, signals it or looks at its exit code need not know of it.
    """
    command = muara("worker", "--anew")
    try:
        os.execv(command[0], command)  # noqa: S606 - our own command
    except OSError as error:
        _log.error("the worker cannot begin anew: %s", error.strerror, extra={"action": "not_begun_anew"})


def publish(supervise: Annotated[bool, typer.Option("--supervise", help="Start it again whenever it ends.")] = False) -> None:
    """
    Fold cell changes into figures, and publish what changed.

    Changed figures go to the topic muara.indicator.v1. Start more to be safe: one is active, the others stand by.
    """
    told = settings()
    where = addresses(told)
    if supervise:
        sys.exit(Supervisor([("publish", muara("publish"))]).run())
    with connected(where):
        pass
    from processors.publish.runner import PublishSettings, run

    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    sys.exit(run(PublishSettings(where.kafka, where.registry, where.database), stop))
