"""
The embedded services as a whole: what is started, where it is reached, and that all of it ends with the command.

Why: `muara demo` on a fresh machine must need nothing but packages, and leave nothing running.
Must not: start a server in place of one whose address was given.
"""

import json
import os
import shutil
import signal
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from threading import Event
from types import TracebackType
from typing import Self

from deploy.embedded.account import make_folder, unprivileged
from deploy.embedded.archiving import Archiving, Listed
from deploy.embedded.errors import NotEmbedded, OnlyLinux, PortTaken
from deploy.embedded.kafka import Kafka
from deploy.embedded.ownership import Claim, owner_of
from deploy.embedded.place import found, settle
from deploy.embedded.ports import ports_for, release
from deploy.embedded.postgres import Postgres
from deploy.embedded.processes import end_left_behind
from deploy.embedded.programs import Programs, provide
from deploy.embedded.progress import Progress, Silent
from deploy.embedded.registry import Registry
from deploy.embedded.repository import Repository
from deploy.embedded.server import Server
from deploy.embedded.signals import PoliteEnd

__all__ = ["Addresses", "EmbeddedServices", "running"]

WATCH_S = 0.5
PORTS = ("kafka", "controller", "registry", "management", "postgres")
ENDING = {"registry": signal.SIGTERM, "kafka": signal.SIGTERM, "postgres": signal.SIGINT}
"""The servers' folders in the order of their end, each with the signal that ends it in order."""
ENDING_S = 15
STARTS = 3
"""How often ports are chosen before somebody else's program that takes them is told of."""
WIPING = "wiping"
"""The file that marks a wipe which has begun."""


@dataclass(frozen=True, slots=True)
class Addresses:
    """Where the three services are reached, embedded or given."""

    kafka: str
    """Bootstrap servers."""
    registry: str
    """URL for Confluent's client."""
    database: str = field(repr=False)
    """DSN, with its password."""


@dataclass(frozen=True, slots=True)
class _Given:
    """The addresses that came from outside; what is None here is embedded."""

    kafka: str | None
    registry: str | None
    database: str | None

    def all(self) -> Addresses | None:
        if self.kafka is None or self.registry is None or self.database is None:
            return None
        return Addresses(self.kafka, self.registry, self.database)


class EmbeddedServices:
    """
    Kafka, registry and PostgreSQL of one directory, running until `stop` or the end of the `with` block.

    `with EmbeddedServices.start(Path(".muara")) as services: connect(services.addresses.kafka)`
    """

    def __init__(self, given: _Given, folder: Path | None, claim: Claim | None) -> None:
        """Hold what is given and claimed; `start` is the way in."""
        self.folder = folder
        """Where data and logs lie; None when all three addresses were given."""
        self.ready_s = 0.0
        """Seconds until all answered, without downloads."""
        self._given = given
        self._claim = claim
        self._owner = os.getpid()
        self._interrupted = Event()
        self._polite = PoliteEnd() if claim else None
        self._archiving: Archiving | None = None
        self._ports: Path | None = None
        self._programs: dict[str, Kafka | Registry | Postgres] = {}
        self._servers: dict[str, Server] = {}

    @classmethod
    def start(
        cls,
        directory: Path,
        *,
        fresh: bool = False,
        kafka: str | None = None,
        registry: str | None = None,
        database: str | None = None,
        progress: Progress | None = None,
        shared_buffers: str = "128MB",
        wal_level: str = "replica",
        repository: Repository | None = None,
    ) -> Self:
        """
        Start what has no given address, side by side, and return when all answer.

        Data lies in `directory` (usually `.muara`), or where `folder` says; `fresh` wipes it first. What a killed command left
        behind there is ended. A registry without a given address keeps its schemas in an embedded PostgreSQL, even where the
        database is given: the given one may not be ours to make databases in.
        Raises a `Fatal` of `deploy.embedded.errors`, with nothing left running.
        """
        given = _Given(kafka, registry, database)
        if given.all() is not None:
            return cls(given, folder=None, claim=None)
        if sys.platform != "linux":
            raise OnlyLinux(system=sys.platform)
        place = settle(directory)
        services = cls(given, place.folder, Claim.on(place.folder))
        try:
            with progress or Silent() as shown:
                services._clear(place.folder, fresh=fresh or place.abandoned, progress=shown)
                wanted = {"kafka": kafka is None, "registry": registry is None}
                programs = provide(repository or Repository.from_environ(os.environ), shown, **wanted)
                services._start_on_free_ports(place.folder, programs, (shared_buffers, wal_level), shown)
                services._publish(place.folder)
                services._archive(place.folder)
        except BaseException:
            services.stop()
            raise
        return services

    @property
    def addresses(self) -> Addresses:
        """Where everything is reached."""
        return self._given.all() or Addresses(
            kafka=self._given.kafka or self._address("kafka"),
            registry=self._given.registry or self._address("registry"),
            database=self._given.database or self._address("postgres"),
        )

    @property
    def kafka(self) -> Server:
        """The embedded broker; raises `NotEmbedded` where an address was given."""
        return self._server("kafka", self._given.kafka)

    @property
    def registry(self) -> Server:
        """The embedded registry; raises `NotEmbedded` where an address was given."""
        return self._server("registry", self._given.registry)

    @property
    def postgres(self) -> Server:
        """The embedded PostgreSQL; raises `NotEmbedded` where nothing needs it."""
        return self._server("postgres", "the address that was given")

    def watch(self) -> None:
        """Wait until a server ends by itself, and raise `ServerEnded`; a signal ends the wait."""
        while True:
            for server in self._servers.values():
                server.check()
            time.sleep(WATCH_S)

    def stop(self) -> None:
        """End all servers in order, or, when interrupted again, at once; a forked child ends nothing."""
        if os.getpid() != self._owner:
            return
        try:
            if self._archiving is not None:
                self._archiving.stop()
        finally:
            self._end_for_good()

    def _end_for_good(self) -> None:
        try:
            self._end()
        finally:
            release(self._ports)
            if self.folder is not None:
                (self.folder / "addresses.json").unlink(missing_ok=True)
            if self._claim is not None:
                self._claim.release()
            if self._polite is not None:
                self._polite.restore()

    def __enter__(self) -> Self:
        """Be the services, which run already."""
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        """Stop them."""
        self.stop()

    def _clear(self, folder: Path, *, fresh: bool, progress: Progress) -> None:
        for name, by in ENDING.items():
            pid = end_left_behind(folder / name, by, ENDING_S)
            if pid is not None:
                progress.say(f"ended process {pid} ({name}), which a killed command had left behind")
        (folder / "addresses.json").unlink(missing_ok=True)
        if fresh or (folder / WIPING).exists():
            _wipe(folder)

    def _start_on_free_ports(self, folder: Path, programs: Programs, memory_and_wal: tuple[str, str], progress: Progress) -> None:
        """Start all; where a port was taken between its choice and its use, end what runs, choose again and start again."""
        for start in range(1, STARTS + 1):
            self._set_up(folder, programs, memory_and_wal)
            try:
                self._start_side_by_side(progress)
            except PortTaken as taken:
                if start == STARTS:
                    raise
                progress.say(f"{taken.facts['server']} found its port taken by another program: all start again on ports that are free")
                self._end()
            else:
                return

    def _set_up(self, folder: Path, programs: Programs, memory_and_wal: tuple[str, str]) -> None:
        self._interrupted = Event()
        self._ports = folder / "ports.json"
        ports = ports_for(PORTS, self._ports)
        if programs.registry is not None or self._given.database is None:
            database = Postgres(folder / "postgres", ports["postgres"], unprivileged(), *memory_and_wal)
            self._add("postgres", database)
            if programs.registry is not None:
                served = Registry(folder / "registry", ports["registry"], ports["management"], programs.registry, database)
                self._add("registry", served)
        if programs.kafka is not None:
            self._add("kafka", Kafka(folder / "kafka", ports["kafka"], ports["controller"], programs.kafka))

    def _add(self, name: str, program: Kafka | Registry | Postgres) -> None:
        logs = program.folder.parent / "log"
        make_folder(logs, 0o700)
        self._programs[name] = program
        self._servers[name] = Server(program, logs / f"{name}.log", self._interrupted)

    def _archive(self, folder: Path) -> None:
        """Make archives of the classes that these servers have loaded, for those that start later."""
        programs = [program for program in self._programs.values() if not isinstance(program, Postgres)]
        with suppress(OSError, RuntimeError):  # no folder for them, no list, no thread more: later starts take their time
            wanted = [Listed.of(program.java, program.listing) for program in programs if program.java.wanted()]
            if wanted:
                self._archiving = Archiving(wanted, folder / "log" / "archives.log")

    def _end(self) -> None:
        servers = [self._servers[name] for name in ENDING if name in self._servers]
        try:
            for server in servers:
                server.stop()
        except BaseException:
            for server in servers:
                server.kill()
            raise

    def _start_side_by_side(self, progress: Progress) -> None:
        began = time.monotonic()
        chains = [[name for name in chain if name in self._servers] for chain in (("kafka",), ("postgres", "registry"))]
        with ThreadPoolExecutor(len(chains)) as pool:
            jobs = [pool.submit(self._start_in_turn, chain, progress.say) for chain in chains]
            try:
                for job in as_completed(jobs):
                    job.result()
            except BaseException:
                self._interrupted.set()
                raise
        self.ready_s = time.monotonic() - began

    def _start_in_turn(self, names: list[str], say: Callable[[str], None]) -> None:
        for name in names:
            server = self._servers[name]
            say(f"{server.name} is ready after {server.start():.1f} s")

    def _publish(self, folder: Path) -> None:
        """Leave the addresses for the commands in other terminals, for this user alone."""
        unfinished = folder / "addresses.new"
        unfinished.touch(mode=0o600)
        unfinished.write_text(json.dumps(asdict(self.addresses)), encoding="utf-8")
        unfinished.replace(folder / "addresses.json")

    def _address(self, name: str) -> str:
        program = self._programs[name]
        return program.address() if isinstance(program, Postgres) else program.address

    def _server(self, name: str, address: str | None) -> Server:
        if name not in self._servers:
            raise NotEmbedded(server=name, address=address)
        return self._servers[name]


def running(directory: Path) -> Addresses | None:
    """Return the addresses of the services that another command runs for `directory`, or None while nobody does."""
    try:
        folder = found(directory)
        if owner_of(folder) is None:
            return None
        return Addresses(**json.loads((folder / "addresses.json").read_text(encoding="utf-8")))
    except OSError:  # not there, or not ours to read
        return None


def _wipe(folder: Path) -> None:
    """Remove everything but the claim; the mark comes first and goes last, so that a wipe broken off is taken up again."""
    (folder / WIPING).touch()
    for child in folder.iterdir():
        if child.is_dir():
            while child.exists():
                with suppress(FileNotFoundError):  # a server that is just ending removes files, too
                    shutil.rmtree(child)
        elif child.name not in {"owner", WIPING}:
            child.unlink()
    (folder / WIPING).unlink()
