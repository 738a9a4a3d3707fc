"""`muara adapter`: what an author of a region file is shown."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from producers.checkpoint import StateFile
from producers.declaration import DriftModes
from producers.drift_log import DriftKept
from producers.faults import SourceFrozen
from producers.ledger import Ledger
from producers.spool import Spool
from schemas.receipts import Receipt
from tests.deploy.test_cli import muara
from tests.producers.events import NOW
from tests.producers.samples import CARIK, building, card, carik, family, mapper

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
