"""
How many signed requests a second an adapter takes, each answered when it lies on the disk: `python -m tests.bench.webhook`.

Why: the promise of a 2xx costs a sync of the disk, and what that leaves must be measured with a real client over a real socket.
Must not: go easy: the real command, the real broker behind it, whole families in the bodies, and all of it delivered at the end.
"""

import argparse
import asyncio
import os
import socket
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from subprocess import Popen

import psutil

from deploy.commands.context import console_for
from deploy.embedded import Addresses, EmbeddedServices, progress_for
from deploy.supervisor import muara
from deploy.topics import make_topics
from producers.checkpoint import status
from producers.sources.webhook.memory import received
from tests.bench.stage import end, until
from tests.producers import sumedang
from tests.producers.samples import ENVIRON, KEY

__all__ = ["Taken", "figures", "webhook"]

_REGENCY = "32.11"


@dataclass(frozen=True, slots=True)
class Taken:
    """What a number of connections brought."""

    connections: int
    per_s: float
    p50_ms: float
    p99_ms: float


def webhook(where: Addresses, folder: Path, requests: int, crowds: tuple[int, ...] = (50, 100, 200)) -> tuple[list[Taken], float]:
    """
    Push requests of one family each through every number of connections; return what each brought, and the adapter's peak in MB.

    Everything must have been taken and delivered in the end.
    """
    make_topics(where.kafka, where.registry, [_REGENCY])
    with _running(where, folder) as (process, port):
        taken = []
        for number, connections in enumerate(crowds):
            made = _made(1 + number * requests, requests)
            taken.append(asyncio.run(_pushed(port, made, connections)))
        file = folder / "adapters" / "desa.sqlite"
        wanted = requests * len(crowds)
        until(lambda: (found := status(file)) is not None and found.caught_up and found.delivered == wanted, 120, "all is delivered")
        found = received(file)
        if found is None or found.taken != wanted or found.refused:
            raise AssertionError(found)
        return taken, psutil.Process(process.pid).memory_info().rss / (1 << 20)


@contextmanager
def _running(where: Addresses, folder: Path) -> Iterator[tuple[Popen[bytes], int]]:
    """Run the adapter of a copy of the region file that lets everybody in; give the process and its port."""
    folder.mkdir(parents=True, exist_ok=True)
    text = sumedang.DESA.read_text(encoding="utf-8").replace('kind = "webhook"', 'kind = "webhook"\nrate = 100000.0\nburst = 1000000', 1)
    file = folder / sumedang.DESA.name
    file.write_text(text, encoding="utf-8")
    with socket.create_server(("127.0.0.1", 0)) as found:
        port = int(found.getsockname()[1])
    environ = {
        **{name: value for name, value in os.environ.items() if not name.startswith("MUARA_")},
        **ENVIRON,
        "MUARA_SUMEDANG_DESA_LISTEN": f"127.0.0.1:{port}",
        "MUARA_PSEUDONYM_KEY": KEY.hex(),
        "MUARA_KAFKA": where.kafka,
        "MUARA_REGISTRY": where.registry,
        "MUARA_DIRECTORY": str(folder),
    }
    with (folder / "adapter.log").open("wb") as log:
        process = Popen(muara("adapter", "run", str(file)), env=environ, stdout=log, stderr=log)  # noqa: S603 - our own command
        try:
            until(lambda: _listens(port), 30, "the adapter listens")
            yield process, port
        finally:
            end([process])


def _listens(port: int) -> bool:
    with socket.socket() as line:
        return line.connect_ex(("127.0.0.1", port)) == 0


def _made(first: int, requests: int) -> list[bytes]:
    """Return whole requests, signed now, made beforehand so that making them is not measured."""
    at, made = int(time.time()), []
    for number in range(first, first + requests):
        body = sumedang.body_of(sumedang.family(1 + number % 9_999, number))
        told = {"Host": "x", "Content-Length": str(len(body)), **sumedang.headers(body, at, f"bench-{number}")}
        made.append(b"POST /desa HTTP/1.1\r\n" + "".join(f"{name}: {value}\r\n" for name, value in told.items()).encode() + b"\r\n" + body)
    return made


async def _pushed(port: int, made: list[bytes], connections: int) -> Taken:
    """Push requests through a number of connections, each sending its next one when it has its answer."""
    left, took = iter(made), list[float]()

    async def push() -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        for request in left:
            began = time.perf_counter()
            writer.write(request)
            head = await reader.readuntil(b"\r\n\r\n")
            took.append(time.perf_counter() - began)
            if not head.startswith(b"HTTP/1.1 200"):
                raise AssertionError(head)
        writer.close()

    began = time.perf_counter()
    await asyncio.gather(*(push() for _ in range(connections)))
    seconds = time.perf_counter() - began
    took.sort()
    return Taken(connections, len(made) / seconds, took[len(took) // 2] * 1e3, took[len(took) * 99 // 100] * 1e3)


def figures(where: Addresses, folder: Path, requests: int) -> Mapping[str, float]:
    """Return the figures of a hundred connections, for the board."""
    (one,), rss_mb = webhook(where, folder, requests, (100,))
    return {"webhook_requests_per_s": one.per_s, "webhook_answer_p99_ms": one.p99_ms, "webhook_rss_mb": rss_mb}


def main() -> int:
    """Measure on fresh embedded services and print."""
    parser = argparse.ArgumentParser(description="Measure a receiver on this machine.")
    parser.add_argument("--requests", type=int, default=20_000, help="through each number of connections")
    told, console = parser.parse_args(), console_for(sys.stdout)
    with (
        tempfile.TemporaryDirectory() as folder,
        EmbeddedServices.start(Path(folder), fresh=True, progress=progress_for(sys.stderr)) as services,
    ):
        taken, rss_mb = webhook(services.addresses, Path(folder) / "local", told.requests)
    for one in taken:
        console.print(
            f"{one.connections} connections: {one.per_s:,.0f} requests/s, p50 {one.p50_ms:.1f} ms, p99 {one.p99_ms:.1f} ms", highlight=False
        )
    console.print(f"resident {rss_mb:.0f} MB")
    return 0


if __name__ == "__main__":
    sys.exit(main())
