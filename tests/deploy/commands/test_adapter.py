"""`muara adapter`: what an author of a region file is shown."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from producers.checkpoint import StateFile, status
from producers.declaration import DriftModes
from producers.drift_log import DriftKept
from producers.faults import SourceFrozen
from producers.keys import begin_with
from producers.ledger import Ledger
from producers.pseudonym import Pseudonyms
from producers.spool import Spool
from schemas.receipts import Receipt
from tests.deploy.test_cli import muara
from tests.producers.events import NOW
from tests.producers.samples import CARIK, ENVIRON, building, card, carik, family, mapper

ROOT = Path(__file__).parents[3]


def test_check_prints_the_report_of_a_sample(tmp_path: Path) -> None:
    """Of a sample as many records are shown as were asked for, field by field, and those that cannot be mapped make it fail."""
    answer = {"data": [building(family(1), family(2, no_kk="12"), family(3))], "berikutnya": "x", "masih_ada": False}
    (tmp_path / "sample.json").write_text(json.dumps(answer), encoding="utf-8")

    shown = muara("adapter", "check", str(CARIK), "--sample", "sample.json", "--shown", "2", cwd=tmp_path)

    assert (shown.returncode, shown.stderr) == (1, "")
    lines = shown.stdout.splitlines()
    assert lines[0] == "Carik Jakarta: source carik, kind rest, mapping version 1; no mistakes"
    assert [line[:9] for line in lines if line.startswith("record ")] == ["record 1:", "record 2:"]
    assert "  goes into quarantine: household is not 16 digits" in shown.stdout
    assert "1 of 3 records go into quarantine: household is not 16 digits" in lines
    assert any("mapping.household.path: 2 of 2 numbers begin with an area that is none now" in line for line in lines)
    assert lines[-1].startswith("not in order: 3 of 3 examples hold, 2 of 3 records can be mapped, ")
    assert card(1) not in shown.stdout


def test_exit_codes_of_check(tmp_path: Path) -> None:
    """0: in order; 1: an example fails; 2: the file has mistakes, told by line on standard error."""
    text = CARIK.read_text(encoding="utf-8")
    files = {
        "right": (text, "in order: 3 of 3 examples hold"),
        "failing": (text.replace("size = 1 }", "size = 2 }"), "not in order: 2 of 3 examples hold"),
        "wrong": (text.replace("L = 1", "L = x"), "wrong.toml: is no TOML: line "),
    }
    codes = []
    for name, (changed, told) in files.items():
        (tmp_path / f"{name}.toml").write_text(changed, encoding="utf-8")
        shown = muara("adapter", "check", f"{name}.toml", cwd=tmp_path)
        codes.append(shown.returncode)
        assert (shown.stdout or shown.stderr).splitlines()[-1].startswith(told)

    assert codes == [0, 1, 2]


@pytest.mark.parametrize("kind", ["rest", "postgres", "files", "webhook"])
def test_a_region_file_is_begun(tmp_path: Path, kind: str) -> None:
    """Each kind has a file to start from, printed or written; a file that is there is never overwritten."""
    printed = muara("adapter", "new", "Kota Contoh", "--source", kind, cwd=tmp_path)
    written = muara("adapter", "new", "Kota Contoh", "--source", kind, "--out", "kota.toml", cwd=tmp_path)
    again = muara("adapter", "new", "Kota Contoh", "--source", kind, "--out", "kota.toml", cwd=tmp_path)
    away = muara("adapter", "new", "Kota Contoh", "--source", kind, "--out", "nowhere/kota.toml", cwd=tmp_path)

    assert (printed.returncode, written.returncode) == (0, 0)
    assert (tmp_path / "kota.toml").read_text(encoding="utf-8") == printed.stdout
    assert f'kind = "{kind}"' in printed.stdout
    assert "then: muara adapter check kota.toml" in written.stdout
    assert (again.returncode, again.stderr.count("\n")) == (2, 1)
    assert "kota.toml is there already" in again.stderr
    assert (away.returncode, away.stderr.count("\n")) == (2, 1)


def test_drift_is_shown_and_accepted(tmp_path: Path) -> None:
    """What was noticed stands in the adapter's file, for authors and operators; what froze it goes on as it is told."""
    never = muara("adapter", "drift", str(CARIK), cwd=tmp_path)
    assert (never.returncode, never.stdout, never.stderr.count("\n")) == (2, "", 1)
    assert "the adapter of carik never ran in " in never.stderr
    assert muara("adapter", "drift", str(CARIK), "--accept", "members.sex", cwd=tmp_path).returncode == 2

    folder = tmp_path / ".muara" / "adapters"
    folder.mkdir(parents=True, exist_ok=True)
    with StateFile(folder / "carik.sqlite", "carik") as state:
        subject = mapper(carik().model_copy(update={"drift": DriftModes(new_code="freeze")}))
        kept = DriftKept(subject, state)
        kept.freeze(SourceFrozen(field="members.sex", drift="new_code"), NOW)
        shown = muara("adapter", "drift", str(CARIK), cwd=tmp_path)
        assert kept.frozen()
        none = muara("adapter", "drift", str(CARIK), "--accept", "members.work", cwd=tmp_path)
        accepted = muara("adapter", "drift", str(CARIK), "--accept", "members.sex", "--as", "quarantine", cwd=tmp_path)
        assert not kept.frozen()
    listed = muara("adapter", "drift", str(CARIK), "--json", cwd=tmp_path)

    assert [line.split() for line in shown.stdout.splitlines()][1][:3] == ["members.sex", "new_code", "freeze"]
    assert (none.returncode, accepted.returncode, accepted.stderr) == (2, 0, "")
    assert "is not frozen by members.work" in none.stderr
    assert json.loads(listed.stdout)["accepted"] == "quarantine"


def test_an_adapter_needs_no_database(tmp_path: Path) -> None:
    """At a region's edge Kafka and registry are named and nothing else: the next that is asked for is the key."""
    shown = muara("adapter", "run", str(CARIK), cwd=tmp_path, MUARA_KAFKA="127.0.0.1:1", MUARA_REGISTRY="http://127.0.0.1:1")

    assert (shown.returncode, shown.stdout) == (2, "")
    assert shown.stderr.startswith("muara: no key for pseudonyms (neither is set)")


def test_an_adapter_asks_only_for_what_it_uses(tmp_path: Path) -> None:
    """Where an address is missing, those that the command uses are named."""
    shown = muara("adapter", "run", str(CARIK), cwd=tmp_path, MUARA_KAFKA="127.0.0.1:1")

    assert shown.returncode == 2
    what = "run muara up in another terminal, or set MUARA_KAFKA and MUARA_REGISTRY"
    assert shown.stderr == f"muara: no services run for {tmp_path / '.muara'}: {what}\n"


def test_the_command_line_needs_no_driver() -> None:
    """Neither PostgreSQL's driver nor Faust is imported before a command needs it, and the adapter never does."""
    program = "import sys; import deploy.cli, producers.runner; print(*{'psycopg', 'faust'} & set(sys.modules))"
    shown = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)  # noqa: S603 - our own line

    assert shown.stdout == "\n"


def test_a_receipt_needs_an_adapter_that_worked_here(tmp_path: Path) -> None:
    """Where no adapter of the region file's source has worked, that is said, and no key or source's address is asked for."""
    told = {"MUARA_KAFKA": "127.0.0.1:1", "MUARA_REGISTRY": "http://127.0.0.1:1"}
    shown = muara("adapter", "receipt", str(CARIK), cwd=tmp_path, **told)

    assert (shown.returncode, shown.stdout) == (2, "")
    assert shown.stderr.startswith("muara: no adapter of source carik has worked in .muara/adapters: run this where the adapter runs")


def test_a_receipt_of_an_adapter_that_sent_nothing_says_so(tmp_path: Path) -> None:
    """An adapter that has only read so far has an empty receipt, which holds, and writes it all the same."""
    told = {"MUARA_KAFKA": "127.0.0.1:1", "MUARA_REGISTRY": "http://127.0.0.1:1"}
    with StateFile(tmp_path / ".muara" / "adapters" / "carik.sqlite", "carik") as state, state.transaction():
        Spool(state).append([("31.74", b"k", b"v")])
    shown = muara("adapter", "receipt", str(CARIK), "--out", "receipt.json", cwd=tmp_path, **told)
    refused = muara("adapter", "receipt", str(CARIK), "--out", "nowhere/receipt.json", cwd=tmp_path, **told)

    assert (shown.returncode, shown.stderr) == (0, "")
    assert shown.stdout.splitlines()[:2] == ["source carik has sent nothing yet", "1 events wait in the spool"]
    assert Receipt.read((tmp_path / "receipt.json").read_bytes()).waiting == 1
    assert (refused.returncode, refused.stderr) == (
        2,
        "muara: the receipt cannot be written to nowhere/receipt.json (No such file or directory)\n",
    )


def test_without_a_broker_the_receipt_is_written_and_not_proved(tmp_path: Path) -> None:
    """Whoever cannot read the topics now has the receipt to give away, and one clear line of what is wrong."""
    told = {"MUARA_KAFKA": "127.0.0.1:1", "MUARA_REGISTRY": "http://127.0.0.1:1"}
    with StateFile(tmp_path / ".muara" / "adapters" / "carik.sqlite", "carik") as state:
        Ledger(state).note("muara.31.74.household.v1", {0: [(4, b"k", b"v")]})
    shown = muara("adapter", "receipt", str(CARIK), "--out", "receipt.json", cwd=tmp_path, **told)

    assert (shown.returncode, shown.stdout) == (2, "")
    assert shown.stderr.startswith("muara: Kafka at 127.0.0.1:1 does not answer")
    assert shown.stderr.count("\n") == 1
    assert Receipt.read((tmp_path / "receipt.json").read_bytes()).chains[0].first == 4


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", "says nothing: muara adapter new NAME --source KIND --out FILE begins one"),
        (b"\xff\x00", "is no TOML: it is not written in UTF-8"),
    ],
)
@pytest.mark.parametrize("command", [["check"], ["run"], ["drift"], ["receipt"], ["resend", "--since", "2024-01-01"], ["certify"]])
def test_a_region_file_that_is_none_is_told_before_all_else(tmp_path: Path, command: list[str], content: bytes, told: str) -> None:
    """Whichever command is given an empty file or one that is no text says so first: neither services nor a key are asked for."""
    (tmp_path / "x.toml").write_bytes(content)
    shown = muara("adapter", command[0], "x.toml", *command[1:], cwd=tmp_path)

    assert (shown.returncode, shown.stdout) == (2, "")
    assert shown.stderr == f"muara: x.toml has 1 mistake, nothing starts:\nx.toml: {told}\n"


@pytest.mark.parametrize(
    ("content", "why"),
    [
        ("", "is empty"),
        ("<html>", "is no JSON: line 1, column 1"),
        ("[" * 100_000, "is nested too deeply"),
        (b"\xff", "is not written in UTF-8"),
        ("{}", "data[] is missing"),
    ],
)
def test_a_sample_that_is_none_is_told_in_words(tmp_path: Path, content: str | bytes, why: str) -> None:
    """What is wrong with a sample is said in words of people, and nothing of what it holds."""
    (tmp_path / "sample").write_bytes(content if isinstance(content, bytes) else content.encode())
    shown = muara("adapter", "check", str(CARIK), "--sample", "sample", cwd=tmp_path)

    assert (shown.returncode, shown.stdout, shown.stderr.count("\n")) == (2, "", 1)
    assert shown.stderr.startswith(f"muara: sample sample cannot be read ({why}): give an answer of the source, in JSON")


@pytest.mark.parametrize("command", ["run", "drift", "receipt"])
def test_a_state_file_that_is_none_is_told(tmp_path: Path, command: str) -> None:
    """A file that is none of ours in the adapter's place, as a copy that broke off leaves it, is one line with the remedy."""
    folder = tmp_path / ".muara" / "adapters"
    folder.mkdir(parents=True)
    (folder / "carik.sqlite").write_text("no file of SQLite, but more than its header\n" * 50, encoding="utf-8")
    environ = {"MUARA_KAFKA": "127.0.0.1:1", "MUARA_REGISTRY": "http://127.0.0.1:1", "MUARA_PSEUDONYM_KEY": "99" * 32}
    shown = muara("adapter", command, str(CARIK), cwd=tmp_path, **{**ENVIRON, **environ})

    assert (shown.returncode, shown.stdout, shown.stderr.count("\n")) == (2, "", 1)
    assert "carik.sqlite is not a state file of this version (file is not a database): remove it; the adapter starts over" in shown.stderr


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("MUARA_REGISTRY", "127.0.0.1:1", "MUARA_REGISTRY: is no address such as http://registry:8081"),
        ("MUARA_KAFKA", "http://127.0.0.1:1", "MUARA_KAFKA: is no list of servers such as broker:9092,another:9092"),
        ("MUARA_CARIK_URL", "carik.example", "line 9, source.url: give an address such as https://carik.example/api"),
        ("MUARA_CARIK_URL", "", "line 9, source.url: MUARA_CARIK_URL is not set"),
        ("MUARA_CARIK_CLIENT_SECRET", "", "line 15, source.token.client_secret_env: MUARA_CARIK_CLIENT_SECRET is not set"),
    ],
)
def test_variables_that_cannot_be_are_told_once(tmp_path: Path, name: str, value: str, told: str) -> None:
    """A variable that is not set, or no address where one is wanted, ends it with one line that names the variable or its place."""
    environ = {"MUARA_KAFKA": "127.0.0.1:1", "MUARA_REGISTRY": "http://127.0.0.1:1", "MUARA_PSEUDONYM_KEY": "99" * 32}
    shown = muara("adapter", "run", str(CARIK), cwd=tmp_path, **{**ENVIRON, **environ, name: value})

    assert (shown.returncode, shown.stdout) == (2, "")
    assert shown.stderr.splitlines()[-1].endswith(told)
    assert shown.stderr.count("\n") <= 2


def test_a_wrong_key_in_a_file_is_mended_while_the_adapter_waits(tmp_path: Path) -> None:
    """Started with another key than before the adapter says so and waits; when the file holds the right one it goes on by itself."""
    right, other = "99" * 32, "98" * 32
    key, state = tmp_path / "key", tmp_path / ".muara" / "adapters" / "carik.sqlite"
    state.parent.mkdir(parents=True)
    with StateFile(state, "carik") as file:
        begin_with(file, Pseudonyms(bytes.fromhex(right), 1), lambda _: None)
    key.write_text(other, encoding="ascii")
    environ = {"MUARA_KAFKA": "127.0.0.1:1", "MUARA_REGISTRY": "http://127.0.0.1:1", "MUARA_PSEUDONYM_KEY_FILE": str(key)}
    clean = {name: value for name, value in os.environ.items() if not name.startswith("MUARA_")}
    told = {**clean, **ENVIRON, **environ, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "deploy.cli", "adapter", "run", str(CARIK)]
    process = subprocess.Popen(command, cwd=tmp_path, env=told, stderr=subprocess.DEVNULL)  # noqa: S603 - our own command
    try:
        seen = [_reading(state, "waiting for key: the key for pseudonyms is not the one that carik was read with so far, of version 1")]
        key.write_text(right, encoding="ascii")
        seen.append(_reading(state, "waiting for registry"))
        process.terminate()
        assert process.wait(20) == 0
    finally:
        process.kill()
        process.wait()

    assert seen == [True, True]


def _reading(state: Path, begins: str) -> bool:
    """Return whether an adapter's reading comes to be in a state within half a minute."""
    until = time.monotonic() + 30
    while time.monotonic() < until:
        found = status(state)
        if found is not None and found.reading.startswith(begins):
            return True
        time.sleep(0.05)
    return False
