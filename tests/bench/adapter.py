"""
An adapter as a region runs it: the real command in a process of its own, watched from outside.

Why: memory and processor time of a process that also measures would be those of both.
Must not: look into the adapter: what it has done is what lies in its topics.
"""

import os
import re
import shutil
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from subprocess import Popen

from deploy.embedded import Addresses
from deploy.supervisor import muara
from deploy.topics import make_topics
from processors.broker import Broker
from producers.checkpoint import AdapterStatus, status
from schemas.topics import household_topic
from tests.bench.stage import NotWithin, end, until
from tests.memory import peak_mb
from tests.producers.samples import ENVIRON, KEY

__all__ = ["Adapter", "Tell", "emptied"]

_LIMIT_S, _LOOK_S, _TELL_S = 1_800.0, 0.05, 15.0
_TICKS = os.sysconf("SC_CLK_TCK")
Tell = Callable[[str], None]


def emptied(folder: Path) -> Path:
    """Make a folder anew: an adapter that found there what another run had read or taken would have nothing to do."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return folder


def _silent(_: str) -> None:
    """Tell nobody."""


class Adapter:
    """One region file's adapter; it goes on where it was when it is started again."""

    def __init__(
        self, where: Addresses, file: Path, regencies: Sequence[str], environ: Mapping[str, str], tell: Tell = _silent, name: str = ""
    ) -> None:
        """Know its region file, in whose folder it keeps its own, and what the file asks for; make the topics."""
        self.where, self.file, self.folder, self.tell = where, file, file.parent, tell
        self.topics = [household_topic(one) for one in regencies]
        self.peak_mb = 0.0
        """The greatest of all its processes that ended so far."""
        self._environ, self._name = environ, name or file.stem
        self._process: Popen[bytes] | None = None
        self._broker = Broker(where.kafka)
        make_topics(where.kafka, where.registry, regencies)

    @contextmanager
    def running(self) -> Iterator[None]:
        """Run it until the end of the block."""
        environ = {
            **{name: value for name, value in os.environ.items() if not name.startswith("MUARA_")},
            **ENVIRON,
            **self._environ,
            "MUARA_PSEUDONYM_KEY": KEY.hex(),
            "MUARA_KAFKA": self.where.kafka,
            "MUARA_REGISTRY": self.where.registry,
            "MUARA_DIRECTORY": str(self.folder),
        }
        with (self.folder / "adapter.log").open("ab") as log:
            self._process = Popen(muara("adapter", "run", str(self.file)), env=environ, stdout=log, stderr=log)  # noqa: S603 - our own command
        try:
            yield
        finally:
            self.peak_mb = max(self.peak_mb, peak_mb(self._process.pid))
            end([self._process])

    @property
    def process(self) -> int:
        """The id of the process that runs, or ran last; 0 before."""
        return self._process.pid if self._process else 0

    def status(self, source: str) -> AdapterStatus | None:
        """Return how it stands by its own word: good for waiting, not for a figure."""
        return status(self.folder / "adapters" / f"{source}.sqlite")

    def sent(self) -> int:
        """Return how many records lie in its topics."""
        return sum(self._broker.ends([(topic, 0) for topic in self.topics]).values())

    def arrived(self, before: int, events: int, limit_s: float = _LIMIT_S) -> float:
        """Wait until so many events lie behind an offset, telling how far it is; return the seconds. Raises `NotWithin`."""
        began = told = time.perf_counter()
        while (sent := self.sent() - before) < events:
            now = time.perf_counter()
            if now - told >= _TELL_S:
                told = now
                self.tell(f"{self._name}: {sent:,} of {events:,} events in Kafka, {now - began:.0f} s")
            if now - began > limit_s or (self._process and self._process.poll() is not None):
                raise NotWithin(f"{sent:,} of {events:,} events in Kafka after {now - began:.0f} s; see {self.folder / 'adapter.log'}")
            time.sleep(_LOOK_S)
        return time.perf_counter() - began

    def rate(self, before: int, events: int, *, starts: bool = True) -> float:
        """
        Return the events a second at which so many reach the topics behind an offset.

        It is counted from the first ones seen there, where the adapter `starts` and that is no part of it; else from now on.
        """
        first = before
        if starts:
            until(lambda: self.sent() > before, 120, "the first record")
            first = self.sent()
        if first >= before + events:
            raise NotWithin(f"all of {events} records came at once: too few for a rate")
        return (before + events - first) / self.arrived(first, before + events - first)

    def worked_s(self) -> Mapping[str, float]:
        """Return the seconds of processor that it has had so far: reading, sending, and the broker's client."""
        found = {"reading": 0.0, "sending": 0.0, "client": 0.0}
        for thread in Path(f"/proc/{self.process}/task").iterdir():
            name, told = re.fullmatch(r"\d+ \((.*)\) (.*)", (thread / "stat").read_text(encoding="ascii").strip()).groups()  # type: ignore[union-attr]
            who = "client" if name.startswith("rdk:") else "sending" if int(thread.name) == self.process else "reading"
            found[who] += sum(map(int, told.split()[11:13])) / _TICKS
        return found
