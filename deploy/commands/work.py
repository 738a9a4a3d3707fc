"""
`muara worker` and `muara publish`: the processes that keep figures current.

Why: operators start these, once or many times.
Must not: merge or fold (processors does).
"""

import signal
import sys
import threading
from typing import Annotated

import typer

from deploy.commands.context import addresses, connected, settings, tell_limits
from deploy.supervisor import Supervisor, muara

__all__ = ["publish", "worker"]


def worker(
    supervise: Annotated[bool, typer.Option("--supervise", help="Start it again whenever it ends.")] = False,
    workers: Annotated[int, typer.Option(min=1, metavar="N", help="With --supervise: how many.")] = 1,
) -> None:
    """
    Merge household changes from Kafka into PostgreSQL.

    Start more to scale, up to the number of partitions: one per registered regency.
    """
    if workers > 1 and not supervise:
        raise typer.BadParameter("several workers want --supervise, or a terminal for each", param_hint="'--workers'")
    told = settings()
    where = addresses(told)
    if supervise:
        sys.exit(Supervisor([(f"worker {number + 1}", muara("worker")) for number in range(workers)]).run())
    with connected(where) as connection:  # brings the database up to date
        tell_limits(connection, told)
    from processors.app import run_worker
    from processors.settings import WorkerSettings

    run_worker(WorkerSettings(where.kafka, where.registry, where.database))


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
