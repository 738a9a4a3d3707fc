"""A partition whose log is damaged halts alone, whoever has it; workers go on, and it goes on when a person says where."""

from confluent_kafka import Producer

from deploy.embedded import EmbeddedServices
from processors.broker import Broker
from processors.store.offsets import accept
from schemas.topics import household_topic
from tests.faults.broker_files import damage_the_end, log_of
from tests.integration.events import changed, household_key
from tests.integration.stage import Stage, until
from tests.integration.workers import working

HUGE = 40 << 20


def test_what_cannot_be_read_halts_its_partition_alone(services: EmbeddedServices) -> None:
    """
    A damaged batch, and one that unpacks to more than reason: each halts its partition, and no other.

    Two workers, neither ends; what was sent before the damage is committed; read on behind it, all ends exact.
    """
    stage = Stage.set(services, 3)
    topic, bombed = household_topic(stage.regencies[0]), household_topic(stage.regencies[2])
    sender = Producer({"bootstrap.servers": stage.kafka, "compression.type": "zstd", "message.max.bytes": 2 * HUGE, "log_level": 0})
    sender.produce(bombed, bytes(HUGE), household_key("huge"))
    assert sender.flush(60) == 0
    stage.send([changed(household_key(1), stage.regencies[0], village=f"{stage.regencies[0]}.01.1001", size=1)])
    stage.send([changed(household_key("lost"), stage.regencies[0], size=2)], noted=False)
    damage_the_end(log_of(services, topic))
    with working(stage, 2) as workers:
        until(lambda: all(stage.offsets().get(one, (0, None))[1] for one in (topic, bombed)), 30, stage.offsets)
        stage.send([changed(household_key(2), stage.regencies[1], village=f"{stage.regencies[1]}.01.1001", size=3)])
        stage.drained(halted=stage.regencies[::2])
        next_offset, cause = stage.offsets()[topic]
        assert next_offset == 1
        assert cause
        assert "cannot be read at offset 1 " in cause
        assert "wrong checksum" in cause
        next_offset, cause = stage.offsets()[bombed]
        assert next_offset == 0
        assert cause
        assert "cannot be read at offset 0 " in cause
        assert "it unpacks to more than 32 MB" in cause

        for regency in stage.regencies[::2]:
            stage.send([changed(household_key(3), regency, village=f"{regency}.01.1001", size=1)])
        with stage.connect() as connection:
            for one, behind in ((topic, 2), (bombed, 1)):
                accept(connection, one, Broker(stage.kafka).logs([(one, 0)]), behind)
        stage.drained()
        assert workers.exits("worker 1") + workers.exits("worker 2") == []
    stage.assert_exact()
