"""PostgreSQL, Kafka and the registry go away in mid-stream and come back: workers wait, and end exact."""

import time

from deploy.embedded import EmbeddedServices
from tests.faults.conftest import Streaming
from tests.integration.events import changed, household_key
from tests.integration.stage import Stage
from tests.integration.workers import working

AWAY_S = 2.0


def test_killed_postgresql_ends_exact(services: EmbeddedServices, streaming: Streaming) -> None:
    """A database killed twice in mid-stream loses nothing and counts nothing twice, and no worker needs to end for it."""
    stage = Stage.set(services, 2)
    with working(stage, 2, batch_records=40) as workers:
        with streaming(stage):
            stage.shared_by(2)
            for _ in range(2):
                time.sleep(1.0)
                services.postgres.kill()
                time.sleep(AWAY_S)
                services.postgres.start()
            time.sleep(1.0)
        stage.drained(60)

        assert workers.exits("worker 1") + workers.exits("worker 2") == []
    stage.assert_exact()


def test_killed_kafka_ends_exact(services: EmbeddedServices, streaming: Streaming) -> None:
    """A broker killed in mid-stream loses nothing of what it confirmed, and workers go on where they stood."""
    stage = Stage.set(services, 2)
    with working(stage, 2, batch_records=40):
        with streaming(stage):
            stage.shared_by(2)
            time.sleep(1.0)
            services.kafka.kill()
            time.sleep(AWAY_S)
            services.kafka.start()
            time.sleep(1.0)
        stage.drained(90)
    stage.assert_exact()


def test_without_the_registry_known_schemas_go_on(services: EmbeddedServices) -> None:
    """Once a schema was read, a worker goes on while the registry is away."""
    stage = Stage.set(services, 1)
    (code,) = stage.regencies
    with working(stage):
        stage.send([changed(household_key("before"), code, village=f"{code}.01.1001", size=2)])
        stage.drained()
        services.registry.stop()
        try:
            stage.send([changed(household_key("after"), code, village=f"{code}.01.1001", size=3)])
            stage.drained(10)
        finally:
            services.registry.start()
    stage.assert_exact()
