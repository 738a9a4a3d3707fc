"""
An adapter that reads over HTTP, from its source to Kafka: pace, age of changes, memory, alone and beside a first load.

Why: a region's first load must not make its figures old, and both are seen only where all of it runs: source, adapter, broker.
Must not: count in the source's work (it is a process of its own), or trust the adapter's own word: everything is read from the topics.

`python -m tests.bench.rest` measures on fresh embedded services; a change's age is from its `diubah_pada` to the broker's note of it.
"""

import argparse
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from statistics import quantiles

import httpx2
import psutil
from confluent_kafka import Consumer, TopicPartition

from deploy.commands.context import console_for
from deploy.embedded import Addresses, EmbeddedServices, progress_for
from processors.broker import Broker
from producers.checkpoint import AdapterStatus
from schemas.codec import decode
from schemas.registry import Registry
from tests.bench.adapter import Adapter, Tell, emptied
from tests.bench.stage import NotWithin, end, until
from tests.memory import peak_mb
from tests.producers.samples import CARIK

__all__ = ["backfill_figures", "rest_figures"]

_POLL_S = 0.5
"""How often the feed is asked; a change's age is told beyond this."""
_PER_S = 200
"""Changes that happen each second: fifty regencies' worth of what a quarter's re-ranking brings."""
_PATIENCE_S = 1_800.0


@dataclass(frozen=True, slots=True)
class _Arrived:
    """One record of a topic: when it happened at the source, when the broker noted it, in seconds since 1970, and its household."""

    happened_s: float
    noted_s: float
    household: bytes


class _Playing:
    """A source and an adapter over it, both running."""

    def __init__(self, adapter: Adapter, source: str) -> None:
        """Know where they are."""
        self.adapter, self._source = adapter, source

    def tell(self, what: str, **said: object) -> Mapping[str, int]:
        """Tell the source what is to happen; return its answer."""
        answer = httpx2.post(f"{self._source}/{what}", params={name: str(value) for name, value in said.items()}, trust_env=False)
        answer.raise_for_status()
        told: Mapping[str, int] = answer.json()
        return told

    @property
    def status(self) -> AdapterStatus | None:
        """How the adapter stands."""
        return self.adapter.status("carik")

    def caught_up(self) -> None:
        """Wait until the adapter has delivered all that there is now."""
        begun = time.time()

        def told() -> bool:
            found = self.status
            return found is not None and found.caught_up and found.asked_at is not None and found.asked_at.timestamp() > begun

        until(told, _PATIENCE_S, "all is delivered")

    def arrived(self) -> list[_Arrived]:
        """Return everything in the topics."""
        where, topics = self.adapter.where, self.adapter.topics
        ends = Broker(where.kafka).ends([(topic, 0) for topic in topics])
        consumer = Consumer({"bootstrap.servers": where.kafka, "group.id": "bench-rest", "enable.auto.commit": False, "log_level": 0})
        left, found, registry = sum(ends.values()), list[_Arrived](), Registry(where.registry)
        try:
            consumer.assign([TopicPartition(topic, 0, 0) for topic in topics])
            while left > 0:
                messages = consumer.consume(10_000, 10.0)
                if not messages:
                    raise NotWithin(f"{left} records cannot be read")
                for message in messages:
                    left -= 1
                    event = decode("HouseholdChanged", message.value() or b"", (), registry)
                    found.append(_Arrived(event["recorded_at"].timestamp(), message.timestamp()[1] / 1_000, event["household"]))
        finally:
            consumer.close()
            registry.close()
        return found


@contextmanager
def _playing(
    where: Addresses, folder: Path, families: int, regencies: Sequence[str], tell: Tell, *, past: int = 0, snapshot: bool
) -> Iterator[_Playing]:
    """Run a source, with changes that have happened already, and the adapter of a copy of Carik's region file over it."""
    text = re.sub(r"regencies = \[.*\]", f"regencies = {list(regencies)}".replace("'", '"'), CARIK.read_text(encoding="utf-8"))
    text = text.replace('kind = "rest"', f'kind = "rest"\npoll_s = {_POLL_S}', 1)
    file = emptied(folder) / CARIK.name
    file.write_text(text if snapshot else re.sub(r"(?m)^snapshot = .*$", "", text), encoding="utf-8")
    bare = {name: value for name, value in os.environ.items() if not name.startswith("MUARA_")}
    served = [sys.executable, "-m", "tests.bench.rest_source", str(families), *regencies]
    source = subprocess.Popen(served, env=bare, stdout=subprocess.PIPE)  # noqa: S603 - our own module
    try:
        assert source.stdout is not None
        address = f"http://127.0.0.1:{int(source.stdout.readline())}"
        if past:
            httpx2.post(f"{address}/past", params={"count": str(past)}, trust_env=False).raise_for_status()
        adapter = Adapter(where, file, regencies, {"MUARA_CARIK_URL": address}, tell, f"rest {folder.name}")
        with adapter.running():
            yield _Playing(adapter, address)
    finally:
        end([source])


def rest_figures(where: Addresses, folder: Path, records: int, seconds: float, tell: Tell) -> Mapping[str, float]:
    """Return how fast a feed of many changes is read to Kafka, then the age of changes at a steady rate, and the memory of it."""
    with _playing(where, folder, records, [f"99.1{one}" for one in range(1, 7)], tell, past=records, snapshot=False) as playing:
        playing.adapter.arrived(0, records)
        playing.caught_up()
        worked = psutil.Process(playing.adapter.process).cpu_times()
        playing.tell("live", rate=_PER_S)
        time.sleep(seconds)
        happened = playing.tell("still")["happened"]
        playing.caught_up()
        found, rss_mb = playing.arrived(), peak_mb(playing.adapter.process)
    found.sort(key=lambda one: one.happened_s)
    read, live = found[:records], found[records:]
    if len(found) != records + happened:
        raise AssertionError(f"{len(found)} records arrived of {records + happened}")
    tell(f"rest: {1e6 * (worked.user + worked.system) / records:.0f} us of processor per record")
    noted = [one.noted_s for one in read]
    return {
        "rest_records_per_s": len(noted) / (max(noted) - min(noted)),
        "rest_change_to_kafka_p99_s": _age_p99(live),
        "rest_adapter_rss_mb": rss_mb,
    }


def backfill_figures(where: Addresses, folder: Path, families: int, tell: Tell) -> Mapping[str, float]:
    """Return how fast a first load of all families goes while changes happen at a steady rate, and the age of those changes."""
    with _playing(where, folder, families, [f"99.2{one}" for one in range(1, 7)], tell, snapshot=True) as playing:
        until(lambda: (found := playing.status) is not None and found.backfill is not None, 120, "the first load has begun")
        begun_s = time.time()
        playing.tell("live", rate=_PER_S)
        playing.adapter.arrived(0, families)
        until(lambda: (found := playing.status) is not None and found.backfill is not None and found.backfill.ended, _PATIENCE_S, "loaded")
        ended_s = time.time()
        happened = playing.tell("still")["happened"]
        playing.caught_up()
        found, rss_mb = playing.arrived(), peak_mb(playing.adapter.process)
    if len({one.household for one in found}) != families:
        raise AssertionError("families are missing")
    live = [one for one in found if one.happened_s >= begun_s]
    if len({one.happened_s for one in live}) < 0.99 * min(happened, _PER_S * (ended_s - begun_s)):
        raise AssertionError("changes are missing")
    loaded = [one.noted_s for one in found if one.happened_s < begun_s]
    return {
        "backfill_records_per_s": families / (max(loaded) - min(loaded)),
        "backfill_live_p99_s": _age_p99([one for one in live if one.happened_s < ended_s]),
        "backfill_rss_mb": rss_mb,
    }


def _age_p99(changes: Sequence[_Arrived]) -> float:
    """Return the age beyond the poll interval that one change of a hundred exceeded, in seconds."""
    if len(changes) < 100:
        raise NotWithin(f"{len(changes)} changes: too few to tell an age from")
    return max(0.0, quantiles([one.noted_s - one.happened_s for one in changes], n=100, method="inclusive")[98] - _POLL_S)


def main() -> int:
    """Measure on fresh embedded services and print."""
    parser = argparse.ArgumentParser(description="Measure an adapter over HTTP on this machine.")
    parser.add_argument("--records", type=int, default=200_000)
    parser.add_argument("--families", type=int, default=200_000)
    parser.add_argument("--seconds", type=float, default=20.0)
    told, console = parser.parse_args(), console_for(sys.stdout)
    tell = partial(console.print, highlight=False)
    with (
        tempfile.TemporaryDirectory() as folder,
        EmbeddedServices.start(Path(folder), fresh=True, progress=progress_for(sys.stderr)) as services,
    ):
        found = dict(rest_figures(services.addresses, Path(folder) / "rest", told.records, told.seconds, tell)) if told.records else {}
        if told.families:
            found |= backfill_figures(services.addresses, Path(folder) / "backfill", told.families, tell)
    for name, number in found.items():
        console.print(f"{name}: {number:,.2f}", highlight=False)
    return 0


if __name__ == "__main__":
    sys.exit(main())
