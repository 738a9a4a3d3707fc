"""
The stage of the demo: every process of the platform, really running: services, simulated systems, adapters, workers, publishers.

Why: what is shown must be what runs elsewhere; each of them is the same command that an operator would start.
Must not: compute a figure or know a truth.
"""

import os
import secrets
import shutil
from contextlib import ExitStack
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import Self

from deploy.commands.context import DEMO, connected, local_folder
from deploy.commands.reference import load_product_lines, load_product_regions
from deploy.demo.given import refuse_used
from deploy.demo.systems import FOLDERS, RegionalSystems
from deploy.embedded import Addresses, EmbeddedServices, Progress
from deploy.embedded.ownership import Claim
from deploy.settings import Settings
from deploy.supervisor import Supervisor, muara
from deploy.topics import make_topics
from processors.store.reference_load import load_lines, load_regions, load_sources
from processors.store.reference_sheets import read_sources

__all__ = ["REGION_FILES", "Play", "Stage"]

_LOADED = ["31", "32.11", "35.10", "51"]
"""Regions that are loaded: two provinces, two regencies of others."""
_REFERENCE = Path(__file__).parents[1] / "reference"
_REGIONS = Path(__file__).parents[2] / "producers" / "regions"
REGION_FILES = {
    source: _REGIONS / name
    for source, name in (
        ("carik", "carik-jakarta.toml"),
        ("desa", "sumedang-desa.toml"),
        ("simpati", "sumedang-simpati.toml"),
        ("smartkampung", "banyuwangi-smart-kampung.toml"),
        ("sddd", "jembrana-sddd.toml"),
    )
}


@dataclass(frozen=True, slots=True)
class Play:
    """What is played: how many households in DKI Jakarta and in each other region, from which seed, by how many workers and publishers."""

    households: int = 20_000
    elsewhere: int = 5_000
    seed: int = 1
    workers: int = 1
    publishers: int = 2


class Stage:
    """All processes of one demo; a context that ends them all. Servers whose addresses are given are used, and stay."""

    def __init__(self, told: Settings, play: Play, progress: Progress) -> None:
        """Know what to play; `__enter__` starts it."""
        self.directory = told.directory / DEMO
        self.play = play
        self._told, self._progress = told, progress
        self._services: EmbeddedServices | None = None
        self.systems = RegionalSystems(self.directory, self.logs / "world.log", play.seed, play.households, play.elsewhere)
        self.kept_running: dict[str, Supervisor] = {}
        """Who keeps what running: workers, publishers, adapters; each from its start."""
        self._ends = ExitStack()

    @property
    def addresses(self) -> Addresses:
        """Where the services are."""
        assert self._services is not None  # noqa: S101 - inside the context
        return self._services.addresses

    @property
    def own_database(self) -> str | None:
        """The address of the demo's own database; None where one was given, whose password is not ours to show."""
        return None if self._told.database else self.addresses.database

    @cached_property
    def regencies(self) -> list[str]:
        """The regencies of the four systems; each has a topic."""
        return sorted({row.region for row in read_sources(_REFERENCE / "pilots.csv").rows})

    def state_file(self, source: str) -> Path:
        """Return where an adapter has its own file."""
        return self.directory / "adapters" / f"{source}.sqlite"

    @cached_property
    def pseudonym_key(self) -> bytes:
        """The adapters' key, invented for this demo; it lies in a file of the demo's folder."""
        if not self._key_file.exists():
            self._key_file.touch(mode=0o600)
            self._key_file.write_text(secrets.token_hex(32), encoding="utf-8")
        return bytes.fromhex(self._key_file.read_text(encoding="utf-8"))

    @property
    def _key_file(self) -> Path:
        return self.directory / "pseudonym.key"

    @property
    def logs(self) -> Path:
        """Where every process writes its log."""
        return self.directory / "log"

    def __enter__(self) -> Self:
        """Have the services, those that are not given afresh, and wipe what an earlier demo has left, once the folder is ours alone."""
        told = self._told
        database = told.database.get_secret_value() if told.database else None
        with ExitStack() as ends:
            self._services = EmbeddedServices.start(
                self.directory, fresh=True, kafka=told.kafka, registry=told.registry, database=database, progress=self._progress
            )
            ends.callback(self._services.stop)
            # Where all are given, nobody but this claim keeps a second demo out.
            ends.callback(Claim.on(local_folder(told, DEMO)).release)
            refuse_used(told.kafka, database)
            for name in ("log", "adapters", *FOLDERS):
                shutil.rmtree(self.directory / name, ignore_errors=True)
                (self.directory / name).mkdir(parents=True)
            self._ends = ends.pop_all()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        """End every process, those that read first; each is ended also where the end of another fails or is interrupted."""
        self._ends.close()

    def load_reference(self) -> None:
        """Load the systems' regions, their poverty lines and the nation's, and the sources; make their topics."""
        where = self.addresses
        with connected(where) as connection:
            load_regions(connection, load_product_regions(_LOADED))
            load_lines(connection, load_product_lines(connection)[0])
            load_sources(connection, read_sources(_REFERENCE / "pilots.csv"))
        make_topics(where.kafka, where.registry, self.regencies)

    def open_world(self) -> None:
        """Start the simulated regional systems, and wait until they answer."""
        self.systems.open(self.addresses, self._ends)

    def start_processors(self) -> None:
        """Start the workers and the publishers, each kept running by a supervisor."""
        environ = self._environ()
        workers = [(f"worker {number + 1}", muara("worker")) for number in range(self.play.workers)]
        publishers = [(f"publish {number + 1}", muara("publish")) for number in range(self.play.publishers)]
        self._keep_running("publishers", publishers, environ)
        self._keep_running("workers", workers, environ)

    def start_adapters(self) -> None:
        """Start the regions' adapters."""
        commands = [(f"adapter {name}", muara("adapter", "run", str(file))) for name, file in REGION_FILES.items()]
        self._keep_running("adapters", commands, self._environ())

    def _keep_running(self, what: str, commands: list[tuple[str, list[str]]], environ: dict[str, str]) -> None:
        supervisor = Supervisor(commands, environ, self.logs)
        self._ends.callback(supervisor.stop)
        supervisor.start()
        self.kept_running[what] = supervisor

    def _environ(self) -> dict[str, str]:
        where = self.addresses
        assert self.pseudonym_key  # noqa: S101 - it is there now
        return {
            **{name: value for name, value in os.environ.items() if not name.startswith("MUARA_")},
            "MUARA_KAFKA": where.kafka,
            "MUARA_REGISTRY": where.registry,
            "MUARA_DATABASE": where.database,
            "MUARA_DIRECTORY": str(self.directory),
            "MUARA_PSEUDONYM_KEY_FILE": str(self._key_file),
            **self.systems.environ,
        }
