"""A partition whose log is damaged halts alone, whoever has it; workers go on, and it goes on when a person says where."""

from deploy.embedded import EmbeddedServices
from processors.broker import Broker
from processors.store.offsets import accept
from schemas.topics import household_topic
from tests.faults.broker_files import damage_the_end, log_of
from tests.integration.events import changed, household_key
from tests.integration.stage import Stage, until
from tests.integration.workers import working


def test_a_damaged_batch_halts_its_partition_alone(services: EmbeddedServices) -> None:
    """Two workers, neither ends; what was sent before the damage is committed; read on behind it, all ends exact."""
    stage = Stage.set(services, 2)
    topic = household_topic(stage.regencies[0])
    stage.send([changed(household_key(1), stage.regencies[0], village=f"{stage.regencies[0]}.01.1001", size=1)])
    stage.send([changed(household_key("lost"), stage.regencies[0], size=2)], noted=False)
    damage_the_end(log_of(services, topic))
    with working(stage, 2) as workers:
        until(lambda: stage.offsets().get(topic, (0, None))[1], 30, stage.offsets)
        stage.send([changed(household_key(2), stage.regencies[1], village=f"{stage.regencies[1]}.01.1001", size=3)])
        stage.drained(halted=stage.regencies[:1])
        next_offset, cause = stage.offsets()[topic]
        assert next_offset == 1
        assert cause
        assert "cannot be read at offset 1 " in cause
        assert "wrong checksum" in cause

        stage.send([changed(household_key(3), stage.regencies[0], village=f"{stage.regencies[0]}.01.1001", size=1)])
        with stage.connect() as connection:
            accept(connection, topic, Broker(stage.kafka).logs([(topic, 0)]), 2)
        stage.drained()
        assert workers.exits("worker 1") + workers.exits("worker 2") == []
    stage.assert_exact()
