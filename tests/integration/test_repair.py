"""Rejected events repaired over real Kafka and PostgreSQL: shown before, sent once, merged like any other, and never forgotten."""

import json
import os
import signal
import subprocess
import sys
from collections import Counter
from contextlib import closing, redirect_stdout
from dataclasses import replace
from datetime import date
from io import StringIO
from pathlib import Path
from typing import Any
from unittest import mock

import psycopg
import pytest
from confluent_kafka import Consumer, TopicPartition

from deploy import cli
from deploy.commands.figures import Format
from deploy.commands.rejected_shown import print_one, print_preview
from deploy.embedded import EmbeddedServices
from deploy.settings import Settings
from processors.repair.causes import REPAIRS
from processors.repair.repair_file import read_repair_file
from processors.settings import WorkerSettings
from processors.store.figures import figures
from processors.store.letters import Filters, listed
from processors.store.rebuild import rebuild
from processors.store.reference_load import load_sources
from processors.store.reference_sheets import Sheet, SourceRow
from processors.store.repairing import Letters, Repairing, Unread
from processors.store.verify import verify
from schemas.codec import encode
from schemas.events import Composition, HouseholdChanged, Residence, Welfare, WelfareBasis
from schemas.registry import Registry
from schemas.topics import household_topic
from tests.deploy.test_cli import muara
from tests.integration.events import changed, household_key
from tests.integration.repair_process import VARIABLE
from tests.integration.stage import Stage, until
from tests.integration.test_rejected import NAME, NIK, TABLE, Bad
from tests.integration.workers import working
from tests.processors.store.office import fold_all

_ROOT = Path(__file__).parents[2]
SIGNED = ("--yes", "--by", "OFFICER 01", "--reason", "the village was split")


@pytest.fixture
def stage(services: EmbeddedServices) -> Stage:
    """Two regencies."""
    return Stage.set(services, 2)


def said(stage: Stage, name: object, **more: Any) -> HouseholdChanged:
    """Return a change of the first regency, in order but for what is named."""
    regency = stage.regencies[0]
    return changed(household_key(name), regency, **{"village": f"{regency}.01.1001", "size": 3, "expenditure": 900_000, **more})


def wrong_village(stage: Stage, name: str, **more: Any) -> HouseholdChanged:
    """Return a change that speaks of a village that is not there."""
    return said(stage, name, village=f"{stage.regencies[0]}.01.9999", **more)


def right(stage: Stage, event: HouseholdChanged) -> HouseholdChanged:
    """Return what that change is once the file of `villages` has repaired it."""
    return replace(event, residence=Residence(f"{stage.regencies[0]}.01.2001"))


def villages(stage: Stage, folder: Path) -> str:
    """Write a repair file that knows that village, and return its path."""
    regency = stage.regencies[0]
    file = folder / "villages.toml"
    file.write_text(
        f'[match]\ncause = "village_unknown"\nfield = "residence.village"\nregency = "{regency}"\nvalue = "{regency}.01.9999"\n'
        f'[[set]]\nfield = "residence.village"\ntable = {{"{regency}.01.9999" = "{regency}.01.2001"}}\n',
        encoding="utf-8",
    )
    return str(file)


def say(stage: Stage, folder: Path, *arguments: str) -> str:
    """Run `muara rejected` over a stage, and return what it prints."""
    done = muara("rejected", *arguments, cwd=folder, **environ(stage))
    assert done.returncode == 0, done.stderr + done.stdout
    return done.stdout


def environ(stage: Stage) -> dict[str, str]:
    """Return the addresses of a stage as a command's environment has them."""
    return {"MUARA_KAFKA": stage.kafka, "MUARA_REGISTRY": stage.registry, "MUARA_DATABASE": stage.database}


def told(stage: Stage, folder: Path, *arguments: str) -> Any:
    """Return what `muara rejected` says in JSON, run in this process: every command is called many times here."""
    where = environ(stage)
    with (
        mock.patch.dict(os.environ, where),
        mock.patch("deploy.commands.rejected.settings", return_value=Settings.from_environ(where)),  # else log lines go elsewhere, too
        redirect_stdout(StringIO()) as out,
    ):
        cli.app(["rejected", *arguments, "--format", "json"], standalone_mode=False)
    return json.loads(out.getvalue())


def sums(stage: Stage) -> dict[str, Any]:
    """Return all regencies' figures, folded, by region and month."""
    fold_all(stage.database)
    with stage.connect() as conn:
        found = figures(conn, level="regency", urbanisation="all")
    return {f"{one.region} {one.month:%Y-%m}": one.as_dict() for one in found}


def stands(found: dict[str, Any], one: dict[str, Any]) -> dict[str, Any]:
    """Return the figures that hold in a figure's region and month: the latest up to it."""
    place = max(place for place in found if place.split()[0] == one["region"] and place <= f"{one['region']} {one['month']}")
    return {name: one["month"] if name == "month" else value for name, value in found[place].items() if name != "line_is_stale"}


def rows(stage: Stage, query: str) -> list[Any]:
    """Return what a query finds."""
    with stage.connect() as conn:
        return conn.execute(query.encode()).fetchall()


def records(stage: Stage, begin: int = 0) -> list[tuple[bytes | None, bytes | None]]:
    """Return key and value of the records of the first regency's topic."""
    topic = household_topic(stage.regencies[0])
    with closing(Consumer({"bootstrap.servers": stage.kafka, "group.id": "nobody", "log_level": 0})) as reader:
        end = reader.get_watermark_offsets(TopicPartition(topic, 0), timeout=20)[1]
        reader.assign([TopicPartition(topic, 0, begin)])
        found: list[tuple[bytes | None, bytes | None]] = []
        while len(found) < end - begin:
            found += [(one.key(), one.value()) for one in reader.consume(100, 1.0) if one.error() is None]
    return found


def send_faulty(stage: Stage, *events: HouseholdChanged) -> None:
    """Send events that will be rejected, so that nothing of them must stand."""
    stage.send(events, noted=False)


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
        assert dry["outcomes"] == {"changes": 2, "held": 1, "older": 1}
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
        assert (preview["outcomes"], preview["figures"]) == ({"changes": 0, "held": 2, "older": 0}, [])
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


CASES: list[tuple[str, dict[str, Any], str, dict[str, Any]]] = [
    (
        "date_beyond_arrival",
        {"valid_from": date(9999, 12, 31)},
        'field = "valid_from"\nconstant = 2020-03-01',
        {"valid_from": date(2020, 3, 1)},
    ),
    (
        "date_before_registers",
        {"valid_from": date(1899, 1, 1)},
        'field = "valid_from"\nat_least = 1950-01-01',
        {"valid_from": date(1950, 1, 1)},
    ),
    ("source_not_registered", {"source": NIK[:3] + "x"}, 'field = "source"\nconstant = "desa"', {"source": "desa"}),
    ("number_out_of_range", {"mapping_version": 1 << 40}, 'field = "mapping_version"\nconstant = 2', {"mapping_version": 2}),
    ("size_beyond_reason", {"size": 500}, 'field = "composition.size"\ndivide = 100', {"composition": Composition(5)}),
    ("national_identifier_in_text", {"village": f"DESA {NIK}"}, 'field = "residence"\ndrop = true', {"residence": None}),
]


def test_each_kind_of_fault_can_be_mended(stage: Stage, tmp_path: Path) -> None:
    """A repair file of a few lines brings an event of each kind to where the law wants it; show tells how, and nothing personal."""
    events = [said(stage, number, **fault) for number, (_, fault, _, _) in enumerate(CASES)]
    shown = ""
    with working(stage):
        send_faulty(stage, *events)
        stage.drained()
        letters = {one["offset"]: one for one in told(stage, tmp_path, "list")}
        assert [letters[offset]["cause"] for offset in sorted(letters)] == [cause for cause, *_ in CASES]
        for offset, (event, (cause, _, table, mended)) in enumerate(zip(events, CASES, strict=True)):
            file = tmp_path / f"{offset}.toml"
            file.write_text(f'[match]\ncause = "{cause}"\n[[set]]\n{table}\n', encoding="utf-8")
            told_of_one = say(stage, tmp_path, "show", str(letters[offset]["id"]))
            assert event.household.hex() in told_of_one
            shown += told_of_one
            assert told(stage, tmp_path, "repair", "--with", str(file), *SIGNED)["sent"] == 1
            stage.remember(replace(event, **mended))
        stage.drained()

    assert shown.count("what can be done") == len(CASES)
    for secret in (NIK, "DESA", "900000", "900,000"):
        assert secret not in shown + repr(rows(stage, "select * from repair"))
    stage.assert_exact()


def test_a_wrong_key_and_a_wrong_topic_are_mended(stage: Stage, tmp_path: Path) -> None:
    """A record under another key is sent under its household's; one in another regency's topic goes to its own."""
    here, there = stage.regencies
    lost = changed(household_key("lost"), there, village=f"{there}.01.1001", size=2)
    event, producer = said(stage, "one"), stage.producer()
    for name, key, one in (("key", household_key("another"), event), ("topic", lost.household, lost)):
        producer.produce(household_topic(here), encode(one, stage.schema_id()), key)
        cause, copy = {"key": ("key_is_not_the_household", "household"), "topic": ("region_is_not_the_topics", "region")}[name]
        (tmp_path / f"{name}.toml").write_text(
            f'[match]\ncause = "{cause}"\n[[set]]\nfield = "{name}"\ncopy = "{copy}"\n', encoding="utf-8"
        )
    assert producer.flush(20) == 0
    with working(stage):
        stage.drained()
        for name in ("key", "topic"):
            assert told(stage, tmp_path, "repair", "--with", str(tmp_path / f"{name}.toml"), *SIGNED)["sent"] == 1
        stage.remember(event)
        stage.remember(lost)
        stage.drained()

    assert [one["repaired"].rsplit(":", 2)[0] for one in told(stage, tmp_path, "audit")] == [household_topic(there), household_topic(here)]
    stage.assert_exact()


def test_what_cannot_be_repaired_says_why(stage: Stage, tmp_path: Path) -> None:
    """What would be rejected again, is not provided for, or cannot be read any more is counted with its reason, and not sent."""
    regency = stage.regencies[0]
    file = tmp_path / "repair.toml"
    file.write_text(
        '[match]\ncause = "village_unknown"\n[[set]]\nfield = "residence.village"\n'
        f'table = {{"{regency}.01.9999" = "{regency}.01.8888"}}\n',
        encoding="utf-8",
    )
    with working(stage):
        send_faulty(stage, wrong_village(stage, "one"), said(stage, "two", village="99.99.99.9999"), wrong_village(stage, "three"))
        stage.drained()
        with stage.connect() as conn:
            conn.execute("update rejected set digest = %s where record_offset = 2", (bytes(32),))
        done = told(stage, tmp_path, "repair", "--with", str(file), *SIGNED)
        with stage.connect() as conn:
            conn.execute("update rejected set topic_id = 'another'")
        anew = told(stage, tmp_path, "repair", "--with", str(file))

    assert done["sent"] == 0
    assert done["left"] == {
        "would be rejected again: village_unknown (residence.village)": 1,
        "the file does not provide for it: residence.village its value is not in the table": 1,
        "cannot be read: another record lies at its coordinates": 1,
    }
    assert anew["left"] == {"cannot be read: the topic was deleted and made anew": 3}
    assert rows(stage, "select count(*) from repair") == [(0,)]
    assert "the topic was deleted and made anew" in say(stage, tmp_path, "show", "1")


def test_whatever_was_rejected_can_be_shown_and_tried(stage: Stage, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Of every kind of bad input a dead letter is told, and a repair tried, without a stumble and without anything personal."""
    bad, producer = Bad(stage), stage.producer()
    for _, _, make in TABLE:
        key, value = make(bad)
        producer.produce(household_topic(bad.regency), value, key)
    assert producer.flush(20) == 0
    with working(stage):
        stage.drained()

    with stage.connect() as conn, closing(Registry(stage.registry)) as registry:
        found = sorted(listed(conn, Filters(), 100), key=lambda one: one.offset)
        with closing(Letters(stage.kafka, registry)) as letters:
            for letter, record in letters.read(found):
                print_one(letter, record, [], Format.JSON)
                print_one(letter, record, [], Format.TABLE)
                assert isinstance(record, Unread) == (letter.cause in ("not_the_contract", "unknown_schema"))
        counts: Counter[str] = Counter()
        for cause in REPAIRS:
            file = read_repair_file("x", f'unchanged = true\n[match]\ncause = "{cause}"\n'.encode())
            with Repairing(conn, stage.kafka, registry, file) as repairing:
                print_preview(repairing.preview(lambda *_: None), Format.TABLE)
                counts += repairing.counts.left
    told_of_all = capsys.readouterr().out
    assert [one.cause for one in found] == [cause for cause, _, _ in TABLE]
    assert sum(counts.values()) == len(TABLE)
    for secret in (NIK, NAME, "DESA"):
        assert secret not in told_of_all
    assert household_key("bad").hex() in told_of_all


def test_what_needs_no_change_is_sent_again_as_it_was(stage: Stage, tmp_path: Path) -> None:
    """Once a source is registered its rejected events are accepted as they are."""
    file = tmp_path / "again.toml"
    file.write_text('unchanged = true\n[match]\ncause = "source_not_registered"\n', encoding="utf-8")
    event = said(stage, "one", source="simpati")
    with working(stage):
        send_faulty(stage, event)
        stage.drained()
        refused = told(stage, tmp_path, "repair", "--with", str(file))
        with stage.connect() as conn:
            load_sources(conn, Sheet("sources.csv", (SourceRow(stage.regencies[0], "simpati", 3),)))
        assert told(stage, tmp_path, "repair", "--with", str(file), *SIGNED)["sent"] == 1
        stage.remember(event)
        stage.drained()

    assert refused["left"] == {"would be rejected again: source_not_registered (source)": 1}
    first, second = records(stage)
    assert first == second
    stage.assert_exact()


@pytest.mark.parametrize(
    ("arguments", "told_words"),
    [
        (["--yes", "--by", "X"], "'--reason': is needed with --yes"),
        (["--yes", "--reason", "  ", "--by", "X"], "'--reason': is needed with --yes"),
        (["--yes", "--dry-run", "--reason", "y"], "'--yes': does not go together with --dry-run"),
        (["--yes", "--by", "X", "--reason", f"asked by {NIK}"], "holds 16 digits in a row"),
        (["--format", "csv"], "'--format': is table or json here"),
    ],
)
def test_a_repair_without_its_papers_is_refused(stage: Stage, tmp_path: Path, arguments: list[str], told_words: str) -> None:
    """Errors of use are one line and exit code 2, and nothing is sent."""
    done = muara("rejected", "repair", "--with", villages(stage, tmp_path), *arguments, cwd=tmp_path, **environ(stage))

    assert done.returncode == 2
    assert told_words in done.stderr
    assert done.stderr.count("\n") == 1


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
