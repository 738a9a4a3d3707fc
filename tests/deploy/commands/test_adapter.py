"""`muara adapter`: what an author of a region file is shown."""

import json
import subprocess
import sys
from pathlib import Path

from producers.checkpoint import StateFile
from producers.ledger import Ledger
from producers.spool import Spool
from schemas.receipts import Receipt
from tests.deploy.test_cli import muara
from tests.producers.samples import CARIK, building, card, family

ROOT = Path(__file__).parents[3]


def test_check_prints_the_report_of_a_sample(tmp_path: Path) -> None:
    """Of a sample as many records are shown as were asked for, field by field, and those that cannot be mapped make it fail."""
    answer = {"data": [building(family(1), family(2, no_kk="12"), family(3))], "berikutnya": "x", "masih_ada": False}
    (tmp_path / "sample.json").write_text(json.dumps(answer), encoding="utf-8")

    shown = muara("adapter", "check", str(CARIK), "--sample", "sample.json", "--shown", "2", cwd=tmp_path)

    assert (shown.returncode, shown.stderr) == (1, "")
    lines = shown.stdout.splitlines()
    assert lines[0] == "Carik Jakarta: source carik, kind rest, mapping version 1; no mistakes"
    assert [line for line in lines if line.startswith("record ")] == ["record 1:", "record 2:"]
    assert "  welfare: expenditure 4300000, basis OBSERVED" in lines
    assert "  goes into quarantine: household is not 16 digits" in lines
    assert lines[-2:] == ["2 of 3 records can be mapped", "  1: household is not 16 digits"]
    assert card(1) not in shown.stdout


def test_an_adapter_needs_no_database(tmp_path: Path) -> None:
    """At a region's edge Kafka and registry are named and nothing else: the next that is asked for is the key."""
    shown = muara("adapter", "run", str(CARIK), cwd=tmp_path, MUARA_KAFKA="127.0.0.1:1", MUARA_REGISTRY="http://127.0.0.1:1")

    assert (shown.returncode, shown.stdout) == (2, "")
    assert shown.stderr.startswith("muara: no key for pseudonyms (neither is set)")


def test_an_adapter_asks_only_for_what_it_uses(tmp_path: Path) -> None:
    """Where an address is missing, those that the command uses are named."""
    shown = muara("adapter", "run", str(CARIK), cwd=tmp_path, MUARA_KAFKA="127.0.0.1:1")

    assert shown.returncode == 2
    assert shown.stderr == "muara: no services run for .muara: run muara up in another terminal, or set MUARA_KAFKA and MUARA_REGISTRY\n"


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
