"""Each check and each scenario fails for an adapter that is broken there, and holds for one that is not."""

import json
import re
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from deploy.certify.adapter import OWN_CODE
from deploy.certify.course import Certificate, certify
from deploy.embedded import EmbeddedServices, Silent
from tests.certify.broken import WAYS
from tests.producers.samples import CARIK

_regencies = (f"{province}.{number:02}" for province in (89, 57) for number in range(1, 100))
_PATIENCE_S = 10.0
_HAPPENED = "it happened as it must"
BROKEN = {
    "loses": ("insert", "nothing lost"),
    "loses_when_killed": ("killed: committed, nothing sent", "nothing lost"),
    "doubles": ("insert", "nothing doubled"),
    "invents": ("insert", "nothing lost"),
    "turns_round": ("update", "order kept"),
    "counts_itself": ("disk lost, replay from zero", "revisions come from the source"),
    "one_revision": ("update", "revisions grow"),
    "leaks": ("insert", "nothing leaks"),
    "logs_records": ("insert", "nothing leaks"),
    "hoards": ("insert", "memory bounded"),
    "silent": ("source down", _HAPPENED),
    "gives_up": ("source down", _HAPPENED),
    "drops_silently": ("a missing field", _HAPPENED),
    "grows": ("full spool", _HAPPENED),
    "ignores_ends": ("delete", "nothing doubled"),
    "asks_its_own_clock": ("own clock behind", "order kept"),
    "any_key": ("a wrong key", _HAPPENED),
    "notes_nothing": ("insert", "receipts hold"),
    "believes": ("a refusal of our credentials", _HAPPENED),
}
"""Each way to be broken, with the scenario and the check that must find it out."""


def certified(region_file: Path, folder: Path, services: EmbeddedServices, only: Sequence[str], command: Sequence[str]) -> Certificate:
    """Return the certificate of a region file, moved to an invented regency of its own, or to two where it has several."""
    text = region_file.read_text(encoding="utf-8")
    moved = folder / region_file.name
    several = len(re.findall(r"[0-9]{2}\.[0-9]{2}", re.findall(r"regencies = \[.*\]", text)[0])) > 1
    regencies = [next(_regencies) for _ in range(2 if several else 1)]
    moved.write_text(re.sub(r"regencies = \[.*\]", f"regencies = {json.dumps(regencies)}", text), encoding="utf-8")
    return certify(moved, "digest", Silent(), lambda _: None, command, only, services, _PATIENCE_S)


@pytest.mark.parametrize("way", WAYS)
def test_a_broken_adapter_is_found_out(way: str, services: EmbeddedServices, tmp_path: Path) -> None:
    """The scenario that is made for it tells of the check that does not hold, with words for it."""
    scenario, check = BROKEN[way]

    found = certified(CARIK, tmp_path, services, [scenario], [sys.executable, "-m", "tests.certify.broken", way])

    failed = [finding for one in found.tried for finding in one.findings if not finding.held]
    assert not found.passed
    assert check in {finding.check for finding in failed}
    assert all(finding.words for finding in failed)


def test_the_adapters_own_code_is_not(services: EmbeddedServices, tmp_path: Path) -> None:
    """In all these scenarios the adapter as it is holds, so it is the breaking that was found out."""
    found = certified(CARIK, tmp_path, services, sorted({scenario for scenario, _ in BROKEN.values()}), OWN_CODE)

    assert [(one.name, finding) for one in found.tried for finding in one.findings if not finding.held] == []
    assert len(found.tried) == len({scenario for scenario, _ in BROKEN.values()})
