"""A worker from Kafka to PostgreSQL, on the real services, ends exactly where the law ends."""

from pathlib import Path
from signal import SIGKILL

import pytest

from deploy.embedded import EmbeddedServices
from tests.integration.events import Dice, changed, household_key, life
from tests.integration.stage import Stage
from tests.integration.workers import working


@pytest.fixture
def stage(services: EmbeddedServices) -> Stage:
    """Three regencies."""
    return Stage.set(services, 3)


def test_random_lives_end_exact(stage: Stage) -> None:
    """Whatever is said of households, by several sources of several regencies, households and cells are the law's."""
    households = [household_key(number) for number in range(150)]
    stage.send(life(Dice(1), stage.claims, households, 2000))
    with working(stage):
        stage.drained()

    stage.assert_exact()


def test_compressed_batches_are_read(stage: Stage) -> None:
    """Whatever compression a producer chooses, its batches are read, and the worker does not fall silent."""
    code = stage.regencies[0]
    with working(stage):
        for compression in ("gzip", "snappy", "lz4", "zstd"):
            producer = stage.producer(**{"compression.type": compression, "linger.ms": 50})
            keys = [household_key((compression, number)) for number in range(100)]
            stage.send((changed(key, code, village=f"{code}.01.1001", size=3, expenditure=5) for key in keys), producer)
            stage.drained()

    stage.assert_exact()


def test_a_killed_worker_leaves_no_folder(stage: Stage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither where it was started nor where temporary files go is anything left of a worker that merged and was killed."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    stage.send(life(Dice(2), stage.claims, [household_key("folder")], 20))
    with working(stage, kept=False) as workers:
        stage.drained()
        workers.signal(SIGKILL)

    assert list(tmp_path.iterdir()) == []
