"""
One kind of source of an invented regency with its topics, and the adapter over it: the world in which a conformance test plays.

Why: every suite lives in the same world, each with regencies of its own, since all share one broker.
Must not: say what a test asserts.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from deploy.embedded import EmbeddedServices
from deploy.topics import make_topics
from tests.contract.harness import Adapter, office
from tests.contract.kinds import KINDS, Kind

__all__ = ["World", "world_of"]


class World:
    """One kind of source of an invented regency with its topic, and an adapter over it."""

    def __init__(self, services: EmbeddedServices, kind: Kind, adapter: Adapter, environ: dict[str, str]) -> None:
        """Put the parts together."""
        self.services, self.kind, self.adapter, self.environ = services, kind, adapter, environ

    @property
    def office(self) -> dict[int, int]:
        """What the office holds."""
        return office(self.services.addresses, self.kind)


@contextmanager
def world_of(named: str, services: EmbeddedServices, folder: Path, regency: str) -> Iterator[World]:
    """Run a source of the kind with that name, and make its topics as `muara sources load` does; its files lie in the folder."""
    kind = KINDS[named](folder, regency)
    kind.database = services.addresses.database
    with kind.running() as environ:
        make_topics(services.addresses.kafka, services.addresses.registry, [regency])
        yield World(services, kind, Adapter(kind, environ, services.addresses, folder), environ)
