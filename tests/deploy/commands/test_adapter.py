"""`muara adapter`: what an author of a region file is shown."""

import json
from pathlib import Path

from tests.deploy.test_cli import muara
from tests.producers.samples import CARIK, building, card, family


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
