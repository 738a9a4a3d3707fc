"""Rejected events repaired over real Kafka and PostgreSQL: shown before, sent once, merged like any other, and never forgotten."""

import json
import os
import signal
import subprocess
import sys
from contextlib import closing
from dataclasses import replace
from datetime import date
from pathlib import Path

import psycopg
import pytest

from deploy.embedded import EmbeddedServices
from processors.settings import WorkerSettings
from processors.store.rebuild import rebuild
from processors.store.verify import verify
from schemas.events import Welfare, WelfareBasis
from schemas.registry import Registry
from schemas.topics import household_topic
from tests.deploy.test_cli import muara
from tests.integration.repair_process import VARIABLE
from tests.integration.repairs import (
    SIGNED,
    environ,
    records,
    right,
    rows,
    said,
    say,
    send_faulty,
    stands,
    sums,
    told,
    villages,
    wrong_village,
)
from tests.integration.stage import Stage, until
from tests.integration.workers import working

_ROOT = Path(__file__).parents[2]


@pytest.fixture
def stage(services: EmbeddedServices) -> Stage:
    """Two regencies."""
    return Stage.set(services, 2)


def test_a_repair_is_shown_then_sent_then_merged_as_it_was_shown(stage: Stage, tmp_path: Path) -> None:
    """
    A dry run sends nothing and says what the figures become; the repair makes them so, in the words of the law.

    Of what it was shown for, one is repaired, one loses against a newer statement, and one is held already.
    """
    file = villages(stage, tmp_path)
    faulty = [wrong_village(stage, name) for name in ("one", "two", "three")] + [
        wrong_village(stage, "one", valid_from=date(2021, 4, 1), size=5)
    ]
    with working(stage):
        stage.send([said(stage, "two", revision=9, size=2), said(stage, "good"), right(stage, faulty[2])])
        send_faulty(stage, *faulty, said(stage, "odd", size=0), said(stage, "four", village="x"))
        stage.drained()
        before, end = sums(stage), stage.ends()

        dry = told(stage, tmp_path, "repair", "--with", file, "--dry-run")
        words = say(stage, tmp_path, "repair", "--with", file)

        assert (dry["read"], dry["not_meant"], dry["would_be_sent"], dry["left"]) == (5, 1, 4, {})
        assert dry["outcomes"] == {"changes": 2, "joins": 0, "held": 1, "older": 1}
        assert dry["households_changed"] == 1
        assert [one["event"]["household"] for one in dry["first"]] == [one.household.hex() for one in faulty]
        assert "loses against a newer statement" in words
        assert "nothing was sent" in words
        assert (stage.ends(), sums(stage), rows(stage, "select count(*) from repair")) == (end, before, [(0,)])

        sent = told(stage, tmp_path, "repair", "--with", file, *SIGNED)
        for one in faulty:
            stage.remember(right(stage, one))
        stage.drained()

    assert sent["sent"] == 4
    after = sums(stage)
    assert len(dry["figures"]) > 2
    for one in dry["figures"]:
        assert one["before"] == stands(before, one["before"])
        assert one["after"] == stands(after, one["after"])
    shown = {f"{one['after']['region']} {one['after']['month']}" for one in dry["figures"]}
    assert {place for place in after if stands(after, after[place]) != stands(before, after[place])} >= shown
    stage.assert_exact()
    with stage.connect() as conn:
        assert verify(conn).exact


def test_repairing_twice_changes_nothing(stage: Stage, tmp_path: Path) -> None:
    """Repaired events leave the list and are not sent again; asked for, they are, in the same bytes, and nothing changes."""
    file = villages(stage, tmp_path)
    faulty = [wrong_village(stage, number) for number in ("one", "two")]
    with working(stage):
        send_faulty(stage, *faulty)
        stage.drained()
        assert [one["count"] for one in told(stage, tmp_path, "group")] == [2]
        assert told(stage, tmp_path, "repair", "--with", file, *SIGNED)["sent"] == 2
        for one in faulty:
            stage.remember(right(stage, one))
        stage.drained()
        once, held = sums(stage), stage.held()

        again = told(stage, tmp_path, "repair", "--with", file, *SIGNED)
        assert (again["sent"], again["already_repaired"], again["read"]) == (0, 2, 0)
        assert "2 are already repaired, as the audit says" in say(stage, tmp_path, "repair", "--with", file)
        assert len(records(stage)) == 4
        preview = told(stage, tmp_path, "repair", "--with", file, "--again")
        assert (preview["outcomes"], preview["figures"]) == ({"changes": 0, "joins": 0, "held": 2, "older": 0}, [])
        assert told(stage, tmp_path, "repair", "--with", file, "--again", *SIGNED)["sent"] == 2
        stage.drained()

    found = records(stage)
    assert found[2:4] == found[4:6]
    assert found[2][0] == faulty[0].household
    assert (sums(stage), stage.held()) == (once, held)
    assert told(stage, tmp_path, "list") == told(stage, tmp_path, "group") == []
    assert [one["repaired"] for one in told(stage, tmp_path, "list", "--all")] == [True, True]
    assert [one["count"] for one in told(stage, tmp_path, "group", "--all")] == [2]
    assert len(told(stage, tmp_path, "audit")) == 4
    stage.assert_exact()


def test_the_audit_says_who_when_why_and_how(stage: Stage, tmp_path: Path) -> None:
    """Of each repaired event: person, account, reason, file, what changed, where it lay and lies; no amount and no free text."""
    file = tmp_path / "cents.toml"
    file.write_text(
        '[match]\ncause = "expenditure_beyond_reason"\n[[set]]\nfield = "welfare.expenditure"\ndivide = 1000000\nrange = [0, 100000000]\n',
        encoding="utf-8",
    )
    event = said(stage, "one", expenditure=7_654_321_000_000)
    with working(stage):
        send_faulty(stage, event)
        stage.drained()
        say(stage, tmp_path, "repair", "--with", str(file), *SIGNED)
        stage.remember(replace(event, welfare=Welfare(7_654_321, WelfareBasis.OBSERVED)))
        stage.drained()

    (one,) = told(stage, tmp_path, "audit")
    topic = household_topic(stage.regencies[0])
    assert (one["by"], one["reason"], one["rejected"], one["repaired"]) == ("OFFICER 01", SIGNED[-1], f"{topic}:0:0", f"{topic}:0:1")
    assert one["account"]
    assert one["file"] == "cents.toml"
    assert len(one["file_sha256"]) == 64
    assert one["begun_at"] <= one["sent_at"]
    assert one["changes"] == [
        {
            "field": "welfare.expenditure",
            "how": "divide and range",
            "before": "(a number of 13 digits)",
            "after": "(a number of 7 digits)",
        }
    ]
    assert "7654321" not in repr(rows(stage, "select * from repair"))
    assert "OFFICER 01" in say(stage, tmp_path, "audit", "--by", "OFFICER 01")
    assert "nothing was repaired" in say(stage, tmp_path, "audit", "--by", "nobody")
    assert "by OFFICER 01 (the village was split)" in say(stage, tmp_path, "show", f"{topic}:0:0")
    stage.assert_exact()


@pytest.mark.parametrize("step", ["before sending", "after sending"])
def test_a_repair_that_is_killed_is_done_again_without_harm(stage: Stage, tmp_path: Path, step: str) -> None:
    """After kill -9 around the sending the audit says that it was begun; the same repair again completes it, and each counts once."""
    file = villages(stage, tmp_path)
    faulty = [wrong_village(stage, name) for name in ("one", "two", "three")]
    with working(stage):
        send_faulty(stage, *faulty)
        stage.drained()
        kill_at(stage, tmp_path, step, "rejected", "repair", "--with", file, *SIGNED)
        assert [one["sent_at"] for one in told(stage, tmp_path, "audit")] == [None] * 3
        assert "broken off" in say(stage, tmp_path, "audit")
        assert len(told(stage, tmp_path, "list")) == 3

        done = told(stage, tmp_path, "repair", "--with", file, *SIGNED)
        for one in faulty:
            stage.remember(right(stage, one))
        stage.drained()

    assert (done["sent"], done["begun_before"]) == (3, 3)
    audited = told(stage, tmp_path, "audit")
    assert len(audited) == 3
    assert all(one["sent_at"] for one in audited)
    assert told(stage, tmp_path, "list") == []
    assert {value for _, value in records(stage, 3)} == {
        value for _, value in records(stage, stage.ends()[household_topic(stage.regencies[0])] - 3)
    }
    sums(stage)
    stage.assert_exact()
    with stage.connect() as conn:
        assert verify(conn).exact


def kill_at(stage: Stage, folder: Path, step: str, *arguments: str) -> None:
    """Run the command line until it stands still at a step, and kill it there."""
    stopped = folder / "stopped"
    variable = json.dumps({"stop": step, "stopped": str(stopped), "arguments": arguments})
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.integration.repair_process"],
        env={**os.environ, **environ(stage), "PYTHONPATH": str(_ROOT), VARIABLE: variable},
        cwd=folder,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        until(lambda: stopped.exists() or process.poll() is not None, 60)
        assert stopped.exists(), process.communicate()[1]
    finally:
        process.send_signal(signal.SIGKILL)
        process.communicate()


def test_a_rebuild_keeps_repairs_and_their_audit(stage: Stage, tmp_path: Path) -> None:
    """Replayed from the topics, the figures are the same: the rejected event is rejected, the repaired one counts; the audit stays."""
    file = villages(stage, tmp_path)
    event = wrong_village(stage, "one")
    with working(stage):
        stage.send([said(stage, "good")])
        send_faulty(stage, event)
        stage.drained()
        say(stage, tmp_path, "repair", "--with", file, *SIGNED)
        stage.remember(right(stage, event))
        stage.drained()
    before, audited = sums(stage), told(stage, tmp_path, "audit")
    with stage.connect() as conn:
        conn.execute("delete from household where id = %s", (event.household.hex(),))
        conn.execute("delete from rejected")

    with closing(Registry(stage.registry)) as schemas:
        done = rebuild(WorkerSettings(stage.kafka, stage.registry, stage.database), schemas)

    assert done.taken_over
    assert (sums(stage), told(stage, tmp_path, "audit")) == (before, audited)
    assert told(stage, tmp_path, "list") == []
    assert [one["repaired"] for one in told(stage, tmp_path, "list", "--all")] == [True]
    stage.assert_exact()


def test_two_repairs_do_not_send_at_once(stage: Stage, tmp_path: Path) -> None:
    """While one sends, another one is refused; it may look."""
    file = villages(stage, tmp_path)
    with stage.connect() as conn:
        conn.execute("select pg_advisory_lock(%s)", (0x4D75_6172_0005,))
        refused = muara("rejected", "repair", "--with", file, *SIGNED, cwd=tmp_path, **environ(stage))
        assert "nothing was sent" in say(stage, tmp_path, "repair", "--with", file)

    assert refused.returncode == 2
    assert refused.stderr.startswith("muara: another muara rejected repair is sending")


def test_the_audit_cannot_hold_half_a_repair(stage: Stage) -> None:
    """A row says where its event was sent whole or not at all, and never without who and why."""
    with stage.connect() as conn, pytest.raises(psycopg.errors.CheckViolation):
        conn.execute(
            "insert into repair (topic, topic_id, partition, record_offset, cause, field, repaired_by, account, reason, file_name,"
            " file_digest, changes, value_digest, sent_topic, sent_offset)"
            " values ('t', 'i', 0, 1, 'c', 'f', 'b', 'a', 'r', 'n', decode(repeat('00', 32), 'hex'), '[]',"
            " decode(repeat('00', 32), 'hex'), 't', 5)"
        )
