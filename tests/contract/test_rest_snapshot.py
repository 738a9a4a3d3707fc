"""A first load beside its changes, against the real Kafka: killed at every step, nothing is lost, and changes do not wait for its end."""

import signal
import subprocess
from collections.abc import Iterator
from functools import partial
from itertools import count
from pathlib import Path

import pytest

from deploy.certify.process import STEPS
from deploy.embedded import EmbeddedServices
from deploy.topics import make_topics
from tests.contract.harness import Adapter, office, until
from tests.contract.kinds import CarikKind

FAMILIES = 24
_regencies = (f"93.{number:02}" for number in count(1))


@pytest.fixture
def world(services: EmbeddedServices, tmp_path: Path) -> Iterator[tuple[CarikKind, Adapter]]:
    """A city of some families whose feed does not reach back, read in pages of four, and an adapter over it."""
    kind = CarikKind(tmp_path, next(_regencies))
    text = kind.region_file.read_text(encoding="utf-8")
    kind.region_file.write_text(text.replace("size = 500", "size = 4"), encoding="utf-8")
    make_topics(services.addresses.kafka, services.addresses.registry, [kind.regency])
    kind.many(FAMILIES, 2)
    kind.put(_3=5)
    kind.city.forgotten_before = kind.city.changes[-1][0]
    with kind.running() as environ:
        yield kind, Adapter(kind, environ, services.addresses, tmp_path)


@pytest.mark.parametrize("step", STEPS)
def test_killed_at_each_step_of_a_snapshot_nothing_is_lost(world: tuple[CarikKind, Adapter], services: EmbeddedServices, step: str) -> None:
    """Killed by SIGKILL, it goes on with snapshot and feed where each was kept; what the feed told holds against what a page shows."""
    kind, adapter = world
    kind.city.shown_until = kind.city.changes[-1][0]
    for times in (1, 2):
        kind.put(_9=times + 3, _21=times + 3)
        kind.end(22 + times)
        with adapter.running(die_at=step, die_times=str(times)) as process:
            until(partial(_dead_or_told_more, kind, process), f"death at: {step}")
        assert process.returncode == -signal.SIGKILL, adapter.log.read_text(encoding="utf-8")
    kind.put(_1=7, _30=1)
    told = adapter.run_until_told()

    assert office(services.addresses, kind) == kind.living
    assert len(kind.living) == FAMILIES - 1
    assert kind.city.families_asked.count(None) <= 3
    assert max(filter(None, kind.city.families_asked)) >= "F000020"
    assert told.backfill is not None
    assert told.backfill.ended is not None
    assert told.backfill.read == FAMILIES + 1, "what a killed process had read and not kept does not count"


def test_a_change_arrives_before_the_load_is_over(world: tuple[CarikKind, Adapter], services: EmbeddedServices) -> None:
    """While the snapshot's pages do not come, a family that changes, one that ends and a new one are at the office; then the rest is."""
    kind, adapter = world
    kind.city.page_comes.clear()
    with adapter.running() as process:
        until(lambda: (found := adapter.status) is not None and found.delivered >= 4, "the first page is delivered")
        kind.put(_5=9, _40=2)
        kind.end(20)
        until(lambda: {5: 9, 40: 2}.items() <= office(services.addresses, kind).items(), "changes arrive")
        loading, seen = adapter.status, office(services.addresses, kind)
        kind.city.page_comes.set()
        told = adapter.wait_told(process)

    assert loading is not None
    assert loading.backfill is not None
    assert (loading.backfill.ended, loading.backfill.read) == (None, 5)
    assert len(seen) < len(kind.living)
    assert office(services.addresses, kind) == kind.living
    assert told.backfill is not None
    assert told.backfill.ended is not None


def _dead_or_told_more(kind: CarikKind, process: subprocess.Popen[bytes]) -> bool:
    """Return whether a process has died; where it has not after a second, tell of one more change."""
    try:
        process.wait(1)
    except subprocess.TimeoutExpired:
        kind.put(_6=kind.living[6] + 1)
    return process.poll() is not None
