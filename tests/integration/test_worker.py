"""A worker from Kafka to PostgreSQL, on the real services, ends exactly where the law ends."""

import pytest

from deploy.embedded import EmbeddedServices
from tests.integration.events import Dice, household_key, life
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
