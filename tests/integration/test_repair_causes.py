"""Whatever is rejected can be looked at, and what a person can mend is mended; what cannot says why."""

from collections import Counter
from contextlib import closing
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from deploy.commands.figures import Format
from deploy.commands.rejected_shown import print_one, print_preview
from deploy.embedded import EmbeddedServices
from processors.repair.causes import REPAIRS
from processors.repair.repair_file import read_repair_file
from processors.settings import WorkerSettings
from processors.store.letters import Filters, listed
from processors.store.reference_load import load_sources
from processors.store.reference_sheets import Sheet, SourceRow
from processors.store.repairing import Letters, Repairing, Unread
from schemas.codec import encode
from schemas.events import Composition
from schemas.registry import Registry
from schemas.topics import household_topic
from tests.deploy.test_cli import muara
from tests.integration.events import changed, household_key
from tests.integration.repairs import SIGNED, environ, records, rows, said, say, send_faulty, told, villages, wrong_village
from tests.integration.stage import Stage
from tests.integration.test_rejected import NAME, NIK, TABLE, Bad
from tests.integration.workers import working


@pytest.fixture
def stage(services: EmbeddedServices) -> Stage:
    """Two regencies."""
    return Stage.set(services, 2)


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
    ("previous_is_empty", {"previous_household": bytes(16)}, 'field = "previous_household"\ndrop = true', {"previous_household": None}),
    (
        "key_version_out_of_range",
        {"key_version": -1, "previous_household": household_key("older")},
        'field = "key_version"\nconstant = 2',
        {"key_version": 2},
    ),
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
            with Repairing(conn, WorkerSettings(stage.kafka, stage.registry, stage.database), registry, file) as repairing:
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
