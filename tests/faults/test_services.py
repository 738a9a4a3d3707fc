"""PostgreSQL, Kafka and the registry go away in mid-stream and come back: workers and publisher wait, and end exact."""

import json
import time

from confluent_kafka.schema_registry import Schema, SchemaRegistryClient

from deploy.embedded import EmbeddedServices
from processors.store.offsets import stands
from schemas.codec import encode, schema_text
from schemas.events import HouseholdChanged
from schemas.topics import household_topic
from tests.faults.conftest import Streaming
from tests.faults.publishing import publishing
from tests.integration.events import changed, household_key
from tests.integration.stage import Stage, until
from tests.integration.workers import working

AWAY_S = 2.0


def test_killed_postgresql_ends_exact(services: EmbeddedServices, streaming: Streaming) -> None:
    """A database killed twice in mid-stream loses nothing, no process needs to end for it, and every figure that leaves is right."""
    stage = Stage.set(services, 2)
    with working(stage, 2, batch_records=40) as workers, publishing(stage) as published:
        with streaming(stage):
            stage.shared_by(2)
            for _ in range(2):
                time.sleep(1.0)
                services.postgres.kill()
                time.sleep(AWAY_S)
                services.postgres.start()
            time.sleep(1.0)
        stage.drained(60)
        published.assert_published()

        assert workers.exits("worker 1") + workers.exits("worker 2") + published.process.exits("publish") == []
    stage.assert_exact()


def test_killed_kafka_ends_exact(services: EmbeddedServices, streaming: Streaming) -> None:
    """A broker killed in mid-stream loses nothing of what it confirmed, workers go on where they stood, and all figures leave."""
    stage = Stage.set(services, 2)
    with working(stage, 2, batch_records=40), publishing(stage) as published:
        with streaming(stage):
            stage.shared_by(2)
            time.sleep(1.0)
            services.kafka.kill()
            time.sleep(AWAY_S)
            services.kafka.start()
            time.sleep(1.0)
        stage.drained(90)
        published.assert_published()
    stage.assert_exact()


def waiting(stage: Stage) -> dict[str, str]:
    """Return what each topic that waits is said to wait for."""
    with stage.connect() as connection:
        return {one.topic: one.waits_for for one in stands(connection) if one.waits_for}


def wider(stage: Stage, regency: str) -> int:
    """Register another version of the contract, with a field more, and return its id."""
    schema = json.loads(schema_text("HouseholdChanged"))
    schema["fields"].append({"name": "remark", "type": ["null", "string"], "default": None, "doc": regency})
    with SchemaRegistryClient({"url": stage.registry}) as asked:
        return int(asked.register_schema(f"other-{regency}", Schema(json.dumps(schema), "AVRO")))


def send_framed(stage: Stage, code: str, events: list[tuple[HouseholdChanged, int]], *, noted: bool, more: bytes = b"") -> None:
    """Send events of one regency, each framed with a schema of its own."""
    producer = stage.producer()
    for event, schema_id in events:
        if noted:
            stage.remember(event)
        producer.produce(household_topic(code), encode(event, schema_id) + more, event.household)
    assert producer.flush(60) == 0


def test_a_schema_that_is_not_known_yet_holds_up_its_partition_alone(services: EmbeddedServices) -> None:
    """While the registry is away, what stands before the record counts, and so does all that other regions say; then the rest."""
    stage = Stage.set(services, 2)
    one, other = stage.regencies

    def said(name: str, code: str) -> HouseholdChanged:
        return changed(household_key(name), code, village=f"{code}.01.1001", size=2)

    with working(stage, stalled_s=3.0) as workers:
        stage.send([said("warm", one)])
        stage.drained()
        schema_id = wider(stage, one)
        services.registry.stop()
        try:
            stage.send([said("before", one)])
            send_framed(stage, one, [(said("wider", one), schema_id)], noted=True, more=b"\0")
            stage.send([said("after", one), said("other", other)])
            stage.drained(10, halted=[one])
            until(lambda: stage.offsets()[household_topic(one)][0] == 2, 10, stage.offsets)
            stage.send([said("other still", other)])
            time.sleep(5.0)  # longer than a stall: a partition that waits for the registry is none
            stage.drained(10, halted=[one])
            assert stage.offsets()[household_topic(one)] == (2, None)
            assert [(at, cause.split(" at ")[0]) for at, cause in waiting(stage).items()] == [(household_topic(one), "the schema registry")]
        finally:
            services.registry.start()
        stage.drained(20)
        assert workers.exits() == []
        assert waiting(stage) == {}
    stage.assert_exact()


def test_ids_of_no_schema_hold_up_their_partition_alone(services: EmbeddedServices) -> None:
    """Hundreds of random ids are asked for in portions and rejected, while the other region's changes go through."""
    stage = Stage.set(services, 2)
    one, other = stage.regencies
    bad = [(changed(household_key(number), one, size=2), 1_000_000 + number) for number in range(120)]
    with working(stage) as workers:
        stage.send([changed(household_key("warm"), one, village=f"{one}.01.1001", size=1)])
        stage.drained()
        send_framed(stage, one, bad, noted=False)
        stage.send([changed(household_key("other"), other, village=f"{other}.01.1001", size=1)])
        stage.drained(5, halted=[one])
        stage.drained(40)
        assert workers.exits() == []
    with stage.connect() as connection:
        rows = connection.execute("select cause, count(*) from rejected group by cause").fetchall()
    assert rows == [("unknown_schema", len(bad))]
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
