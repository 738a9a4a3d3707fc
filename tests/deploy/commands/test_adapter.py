"""`muara adapter`: what an author of a region file is shown."""

import json
import subprocess
import sys
from pathlib import Path

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
