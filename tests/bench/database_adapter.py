"""
The adapter of an invented Smart Kampung as a region runs it: the real command in a process of its own, watched from outside.

Why: memory and processor time of a process that also measures would be those of both.
Must not: look into the adapter: what it has done is what lies in its topic.
"""

import os
import re
import shutil
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from subprocess import Popen

from deploy.embedded import Addresses
from deploy.supervisor import muara
from deploy.topics import make_topics
from processors.broker import Broker
from schemas.topics import household_topic
from tests.bench.stage import NotWithin, end, until
from tests.memory import peak_mb
from tests.producers.kampung import Kampung
from tests.producers.samples import KAMPUNG, KEY

__all__ = ["Adapter"]

_POLL_S = 0.05
"""How often a source that has nothing more is asked: small, since the wait for it is no part of any figure."""
_LIMIT_S = 900
_LOOK_S = 0.02
_TICKS = os.sysconf("SC_CLK_TCK")


@dataclass
class Adapter:
    """One database's adapter; it goes on where it was when it is started again."""

    where: Addresses
    folder: Path
    made: Kampung
    peak_mb: float = 0.0
    """The greatest of all its processes so far."""
    _process: Popen[bytes] | None = None
    _file: Path = field(init=False)

    def __post_init__(self) -> None:
        """Write the region file, and make the topics."""
        regency = self.made.village[:5]
        self.topic = household_topic(regency)
        shutil.rmtree(self.folder, ignore_errors=True)  # what another run has read is of another database
        self.folder.mkdir(parents=True)
        text = re.sub(r"regencies = \[.*\]", f'regencies = ["{regency}"]', KAMPUNG.read_text(encoding="utf-8"))
        text = text.replace('slot = "muara"', f'slot = "{self.made.slot}"\npoll_s = {_POLL_S}')
        self._file = self.folder / "kampung.toml"
        self._file.write_text(text, encoding="utf-8")
        make_topics(self.where.kafka, self.where.registry, [regency])
        self._broker = Broker(self.where.kafka)

    @contextmanager
    def running(self) -> Iterator[None]:
        """Run it until the end of the block."""
        environ = {
            **{name: value for name, value in os.environ.items() if not name.startswith("MUARA_")},
            **self.made.environ(),
            "MUARA_PSEUDONYM_KEY": KEY.hex(),
            "MUARA_KAFKA": self.where.kafka,
            "MUARA_REGISTRY": self.where.registry,
            "MUARA_DIRECTORY": str(self.folder),
        }
        with (self.folder / "adapter.log").open("ab") as log:
            self._process = Popen(muara("adapter", "run", str(self._file)), env=environ, stdout=log, stderr=log)  # noqa: S603 - our own command
        try:
            yield
        finally:
            self.peak_mb = max(self.peak_mb, peak_mb(self._process.pid))
            end([self._process])

    def sent(self) -> int:
        """Return how many records lie in the topic."""
        return self._broker.ends([(self.topic, 0)])[self.topic, 0]

    def rate(self, before: int, events: int, *, starts: bool = True) -> float:
        """
        Return the events a second at which so many reach the topic behind an offset.

        It is counted from the first ones seen there, where the adapter `starts` and that is no part of it; else from now on.
        """
        first, began = before, time.perf_counter()
        if starts:
            until(lambda: self.sent() > before, _LIMIT_S, "the first record")
            first, began = self.sent(), time.perf_counter()
        until(lambda: self.sent() >= before + events, _LIMIT_S, f"{events} records")
        if first >= before + events:
            raise NotWithin(f"all of {events} records came at once: too few for a rate")
        return (before + events - first) / (time.perf_counter() - began)

    def worked_s(self) -> Mapping[str, float]:
        """Return the seconds of processor that it has had so far: reading, sending, and the broker's client."""
        found = {"reading": 0.0, "sending": 0.0, "client": 0.0}
        process = self._process.pid if self._process else 0
        for thread in Path(f"/proc/{process}/task").iterdir():
            name, told = re.fullmatch(r"\d+ \((.*)\) (.*)", (thread / "stat").read_text(encoding="ascii").strip()).groups()  # type: ignore[union-attr]
            who = "client" if name.startswith("rdk:") else "sending" if int(thread.name) == process else "reading"
            found[who] += sum(map(int, told.split()[11:13])) / _TICKS
        return found
