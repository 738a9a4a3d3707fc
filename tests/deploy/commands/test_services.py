"""`muara status` says where everything stands."""

import json
from pathlib import Path

import psycopg
from confluent_kafka import Producer

from deploy.embedded import EmbeddedServices
from tests.deploy.commands.conftest import Said

NO_TOPIC = "there is no such topic: muara sources load makes it"
REGIONS = """code,bps_code,name,level,parent,urbanisation
ID,,NATION,nation,,
57,,PROVINCE 57,province,ID,
57.03,,REGENCY 57.03,regency,57,
"""
WAITING = 6


def registered(say: Said, folder: Path, kafka: str) -> None:
    """Register a regency, and send some records to its topic, which nobody reads."""
    (folder / "regions.csv").write_text(REGIONS)
    (folder / "sources.csv").write_text("region,source,rank\n57.03,carik,1\n")
    for load in ("regions", "sources"):
        done = say(load, "load", f"{load}.csv")
        assert done.returncode == 0, done.stderr
    producer = Producer({"bootstrap.servers": kafka, "enable.idempotence": True})
    for _ in range(WAITING):
        producer.produce("muara.57.03.household.v1", b"nobody reads it")
    assert producer.flush(20) == 0


def facts(printed: str) -> dict[str, str]:
    """Return the facts below the table by name."""
    return {line[:28].strip(): line[29:].strip() for line in printed.splitlines()}


def test_status_tells_what_waits_where_nothing_runs(services: EmbeddedServices, say: Said, database: str, tmp_path: Path) -> None:
    """A registered regency that no worker ever took is there with what waits in it; services that do not answer hide nothing else."""
    registered(say, tmp_path, services.addresses.kafka)

    nobody = say("status")
    no_broker, no_registry = say("status", MUARA_KAFKA="127.0.0.1:9"), say("status", MUARA_REGISTRY="http://127.0.0.1:9")
    no_database = say("status", MUARA_DATABASE="postgresql://127.0.0.1:9/x")
    row = nobody.stdout.splitlines()[1].strip().split(maxsplit=4)
    told = {name: facts(one.stdout) for name, one in [("b", no_broker), ("r", no_registry), ("d", no_database)]}

    assert (nobody.returncode, nobody.stderr) == (0, "")
    assert row == ["muara.57.03.household.v1", "0", "-", str(WAITING), "nobody reads it: muara worker does"]
    assert facts(nobody.stdout)["publisher active"] == "no"
    assert [one.returncode for one in (no_broker, no_registry, no_database)] == [1, 1, 1]
    assert no_broker.stdout.splitlines()[1].split() == [row[0], "0", "-", "-", "Kafka", "does", "not", "answer"]
    assert (told["b"]["kafka"][:36], told["b"]["registered sources"]) == ("Kafka at 127.0.0.1:9 does not answer", "1")
    assert told["r"]["registry"].startswith("the schema registry at http://127.0.0.1:9 does not answer")
    assert (told["r"]["kafka"], told["d"]["registry"]) == ("answers", "answers")
    assert told["d"]["database"].startswith("the database cannot be used")


def test_a_command_that_ended_does_not_say_that_it_asks_again(say: Said) -> None:
    """What a worker waits for ends a command, and its line says so."""
    shown = say("schema", "check", MUARA_REGISTRY="http://127.0.0.1:9")

    assert (shown.returncode, shown.stderr.count("\n")) == (2, 1)
    assert shown.stderr.endswith("does not answer (ConnectError); this command has ended: run it again when that is mended\n")


def test_status_shows_a_dash_for_what_there_is_not(say: Said) -> None:
    """Where nothing waits for the fold, the oldest that waits is a dash."""
    shown = say("status")

    assert shown.returncode == 0, shown.stderr
    assert "oldest to fold               -" in shown.stdout.splitlines()
    assert "None" not in shown.stdout


def test_status_and_offsets_work_where_a_topic_is_gone_and_the_catalogue_is_another(say: Said, database: str) -> None:
    """They are what leads out of it: nothing but figures depends on the catalogue, and a deleted topic has no lag."""
    assert say("indicators").returncode == 0
    with psycopg.connect(database, autocommit=True) as conn:
        conn.execute("update reference_version set catalogue_hash = 'another'")
        conn.execute(
            "insert into ingest_offset (topic, partition, topic_id, next_offset, epoch, halted)"
            " values ('muara.98.1.household.v1', 0, 'x', 7, 1, null), ('muara.98.2.household.v1', 0, 'x', 7, 1, 'because')"
        )

    shown, as_json, offsets = say("status"), say("status", "--json"), say("offsets", "show")
    refused, rejected, figures = say("offsets", "accept", "muara.98.2.household.v1"), say("rejected", "list"), say("indicators")

    assert [one.returncode for one in (shown, as_json, offsets, rejected, refused, figures)] == [0, 0, 0, 0, 2, 2], shown.stderr
    assert shown.stdout.splitlines()[1].split() == ["muara.98.1.household.v1", "0", "7", "-", *NO_TOPIC.split()]
    assert json.loads(as_json.stdout)["partitions"][1] == {
        "topic": "muara.98.2.household.v1",
        "partition": 0,
        "next_offset": 7,
        "lag": None,
        "halted": "because",
        "waits_for": None,
        "state": "because",
    }
    assert refused.stderr.startswith("muara: topic muara.98.2.household.v1 does not exist")
    assert figures.stderr.startswith("muara: the cells were made with another catalogue")
