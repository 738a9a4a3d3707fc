"""`muara status` says where everything stands."""

import json

import psycopg

from tests.deploy.commands.conftest import Said


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
    assert shown.stdout.splitlines()[1].split() == [
        "muara.98.1.household.v1",
        "0",
        "7",
        "-",
        *["the", "topic", "is", "gone", "or", "has", "no", "leader"],
    ]
    assert json.loads(as_json.stdout)["partitions"][1] == {
        "topic": "muara.98.2.household.v1",
        "partition": 0,
        "next_offset": 7,
        "lag": None,
        "halted": "because",
    }
    assert refused.stderr.startswith("muara: topic muara.98.2.household.v1 does not exist")
    assert figures.stderr.startswith("muara: the cells were made with another catalogue")
