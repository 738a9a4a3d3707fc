"""
How many signed requests a second an adapter takes, each answered when it lies on the disk, and how old each is when it lies in Kafka.

Why: the promise of a 2xx costs a sync of the disk, and what that leaves must be measured with a real client over a real socket.
Must not: go easy: the real command, the real broker behind it, whole families in the bodies, no two alike, and all of it delivered.

`python -m tests.bench.webhook` prints the same on fresh services, for several numbers of connections.
"""

import argparse
import asyncio
import socket
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from statistics import quantiles

from confluent_kafka import Consumer, TopicPartition

from deploy.commands.context import console_for
from deploy.embedded import Addresses, EmbeddedServices, progress_for
from deploy.embedded.ports import free_port
from producers.pseudonym import Pseudonyms
from producers.sources.webhook.memory import received
from tests.bench.adapter import Adapter, Tell, emptied
from tests.bench.cards import birth_of, card_of, nik_of
from tests.bench.stage import NotWithin, until
from tests.producers import sumedang
from tests.producers.samples import KEY

__all__ = ["Taken", "webhook_figures"]

_REGENCY, _SOURCE = "32.11", "desa"
_CONNECTIONS = 100
_STEADY_PER_S = 1_000
"""At which the age of a change is measured: half of what must be taken at the most."""
_READ_S = 60


@dataclass(frozen=True, slots=True)
class Taken:
    """What a number of connections brought: seconds of each answer, and when each request was sent, in seconds since 1970."""

    per_s: float
    answer_s: Sequence[float]
    sent_at: Sequence[float]

    def answer_ms(self, percent: int) -> float:
        """Return the milliseconds within which so many per cent of the answers came."""
        return 1e3 * quantiles(self.answer_s, n=100, method="inclusive")[percent - 1]


class _Receiver:
    """An adapter that listens, and how many requests it has been sent."""

    def __init__(self, adapter: Adapter, port: int) -> None:
        """Know where it listens."""
        self.adapter, self._port, self._pushed = adapter, port, 0

    def push(self, requests: int, connections: int, per_s: float | None = None) -> tuple[list[int], Taken]:
        """Push new families, as fast as they are answered or so many a second; return their numbers, and what came of it."""
        numbers = list(range(self._pushed, self._pushed + requests))
        self._pushed += requests
        return numbers, asyncio.run(_pushed(self._port, _made(numbers), connections, per_s))

    def delivered(self) -> None:
        """Wait until all that was pushed so far is in Kafka; raises AssertionError where anything else came of it."""
        self.adapter.arrived(0, self._pushed, 120)
        until(lambda: (found := self.adapter.status(_SOURCE)) is not None and found.caught_up, 60, "nothing waits")
        found = received(self.adapter.folder / "adapters" / f"{_SOURCE}.sqlite")
        if found is None or found.taken != self._pushed or found.refused or self.adapter.sent() != self._pushed:
            raise AssertionError(f"{found}, {self.adapter.sent()} in Kafka of {self._pushed}")


def webhook_figures(where: Addresses, folder: Path, requests: int, seconds: float, tell: Tell) -> Mapping[str, float]:
    """Return the requests a second of a hundred connections, the age of changes at a steady rate, and the greatest memory."""
    with _receiving(where, folder, tell) as receiver:
        _, fast = receiver.push(requests, _CONNECTIONS)
        receiver.delivered()
        before = receiver.adapter.sent()
        numbers, steady = receiver.push(int(_STEADY_PER_S * seconds), _CONNECTIONS, _STEADY_PER_S)
        receiver.delivered()
        noted = _noted(receiver.adapter, before, len(numbers))
    if steady.per_s < 0.95 * _STEADY_PER_S:
        raise NotWithin(f"{steady.per_s:.0f} requests/s could be sent of {_STEADY_PER_S}: too few to tell their age")
    names = Pseudonyms(KEY, 1)
    ages = [noted[names.family_card(card_of(number))] - at for number, at in zip(numbers, steady.sent_at, strict=True)]
    return {
        "webhook_requests_per_s": fast.per_s,
        "webhook_answer_p99_ms": fast.answer_ms(99),
        "webhook_change_to_kafka_p99_s": quantiles(ages, n=100, method="inclusive")[98],
        "webhook_rss_mb": receiver.adapter.peak_mb,
    }


@contextmanager
def _receiving(where: Addresses, folder: Path, tell: Tell) -> Iterator[_Receiver]:
    """Run the adapter of a copy of the region file that lets everybody in."""
    text = sumedang.DESA.read_text(encoding="utf-8").replace('kind = "webhook"', 'kind = "webhook"\nrate = 100000.0\nburst = 1000000', 1)
    file = emptied(folder) / sumedang.DESA.name
    file.write_text(text, encoding="utf-8")
    port = free_port()
    adapter = Adapter(where, file, [_REGENCY], {"MUARA_SUMEDANG_DESA_LISTEN": f"127.0.0.1:{port}"}, tell, "webhook")
    with adapter.running():
        until(lambda: _listens(port), 30, "the adapter listens")
        yield _Receiver(adapter, port)


def _listens(port: int) -> bool:
    with socket.socket() as line:
        return line.connect_ex(("127.0.0.1", port)) == 0


def _made(numbers: Sequence[int]) -> list[bytes]:
    """Return whole requests, signed now, made beforehand so that making them is not measured."""
    at, made = int(time.time()), []
    for number in numbers:
        people = [_person(2 * number), _person(2 * number + 1, hubungan="ANAK")]
        spent = {"jumlah": 500_000 + number * 7_919 % 4_000_000, "dasar": "SURVEI"}
        body = sumedang.body_of(sumedang.family(1, number + 1, no_kk=card_of(number), anggota=people, pengeluaran=spent))
        told = {"Host": "x", "Content-Length": str(len(body)), **sumedang.headers(body, at, f"bench-{number}")}
        made.append(b"POST /desa HTTP/1.1\r\n" + "".join(f"{name}: {value}\r\n" for name, value in told.items()).encode() + b"\r\n" + body)
    return made


def _person(number: int, **said: str) -> dict[str, object]:
    year, month, day = birth_of(number)
    return sumedang.person(1, nik=nik_of(number), tanggal_lahir=f"{year}-{month:02}-{day:02}", **said)


async def _pushed(port: int, made: Sequence[bytes], connections: int, per_s: float | None) -> Taken:
    """Push requests through a number of connections, each sending its next one when it has its answer and the next one is due."""
    left, took, sent_at = iter(range(len(made))), [0.0] * len(made), [0.0] * len(made)
    began = time.perf_counter()

    async def push() -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        for number in left:
            if per_s is not None:
                await asyncio.sleep(max(0.0, began + number / per_s - time.perf_counter()))
            at, sent_at[number] = time.perf_counter(), time.time()
            writer.write(made[number])
            head = await reader.readuntil(b"\r\n\r\n")
            took[number] = time.perf_counter() - at
            if not head.startswith(b"HTTP/1.1 200"):
                raise AssertionError(head)
        writer.close()

    await asyncio.gather(*(push() for _ in range(connections)))
    return Taken(len(made) / (time.perf_counter() - began), took, sent_at)


def _noted(adapter: Adapter, begin: int, events: int) -> Mapping[bytes, float]:
    """Return when the broker noted each record behind an offset, in seconds since 1970, by its key."""
    told = {"bootstrap.servers": adapter.where.kafka, "group.id": "bench-webhook", "enable.auto.commit": False, "log_level": 0}
    consumer, noted, limit = Consumer(told), dict[bytes, float](), time.monotonic() + _READ_S
    try:
        consumer.assign([TopicPartition(adapter.topics[0], 0, begin)])
        while len(noted) < events:
            noted |= {message.key() or b"": message.timestamp()[1] / 1_000 for message in consumer.consume(10_000, 1.0)}
            if time.monotonic() > limit:
                raise NotWithin(f"{len(noted)} of {events} records could be read")
    finally:
        consumer.close()
    return noted


def main() -> int:
    """Measure on fresh embedded services and print."""
    parser = argparse.ArgumentParser(description="Measure a receiver on this machine.")
    parser.add_argument("--requests", type=int, default=20_000, help="through each number of connections")
    told, console = parser.parse_args(), console_for(sys.stdout)
    tell = partial(console.print, highlight=False)
    with (
        tempfile.TemporaryDirectory() as folder,
        EmbeddedServices.start(Path(folder), fresh=True, progress=progress_for(sys.stderr)) as services,
    ):
        with _receiving(services.addresses, Path(folder) / "local", tell) as receiver:
            for connections in (50, 100, 200):
                _, one = receiver.push(told.requests, connections)
                answers = f"p50 {one.answer_ms(50):.1f} ms, p99 {one.answer_ms(99):.1f} ms"
                tell(f"{connections} connections: {one.per_s:,.0f} requests/s, {answers}")
            receiver.delivered()
        tell(f"greatest memory {receiver.adapter.peak_mb:.0f} MB")
    return 0


if __name__ == "__main__":
    sys.exit(main())
