"""Each check and each scenario fails for an adapter that is broken there, and holds for one that is not."""

import re
import sys
from collections.abc import Sequence
from itertools import count
from pathlib import Path
from typing import NamedTuple

import pytest

from deploy.certify.adapter import OWN_CODE
from deploy.certify.course import Certificate, certify
from deploy.embedded import EmbeddedServices, Silent
from tests.certify.broken import WAYS
from tests.producers.samples import CARIK, KAMPUNG, REGIONS, SDDD

_regencies = (f"89.{number:02}" for number in count(1))
_PATIENCE_S = 10.0
_HAPPENED = "it happened as it must"


class Broken(NamedTuple):
    """Where a way to be broken must be found out: the scenario, the check, and the region file, of the kind where it was once missed."""

    scenario: str
    check: str
    region_file: Path = CARIK


DESA, SIMPATI = REGIONS / "sumedang-desa.toml", REGIONS / "sumedang-simpati.toml"
_REPLAY = "disk lost, replay from zero"
BROKEN = {
    "loses": Broken("insert", "nothing lost"),
    "loses_when_killed": Broken("killed: committed, nothing sent", "nothing lost"),
    "doubles": Broken("insert", "nothing doubled"),
    "invents": Broken("insert", "nothing lost"),
    "turns_round": Broken("update", "order kept"),
    "counts_itself": Broken(_REPLAY, "revisions come from the source"),
    "one_revision": Broken("update", "revisions grow"),
    "leaks": Broken("insert", "nothing leaks"),
    "logs_records": Broken("insert", "nothing leaks"),
    "hoards": Broken("insert", "memory bounded"),
    "silent": Broken("source down", _HAPPENED),
    "gives_up": Broken("source down", _HAPPENED),
    "drops_silently": Broken("a missing field", _HAPPENED),
    "grows": Broken("full spool", _HAPPENED),
    "ignores_ends": Broken("delete", "nothing doubled"),
    "asks_its_own_clock": Broken("own clock behind", "order kept"),
    "any_key": Broken("a wrong key", _HAPPENED),
    "notes_nothing": Broken("insert", "receipts hold"),
    "counts_in_its_folder": Broken(_REPLAY, "nothing lost", KAMPUNG),
    "says_no_lists": Broken("insert", "nothing lost", KAMPUNG),
    "says_it_once": Broken("update", "nothing lost", SIMPATI),
    "mixes_up": Broken("insert", "nothing lost", SDDD),
    "believes": Broken("a refusal of our credentials", _HAPPENED),
}
"""Each way to be broken."""


def certified(region_file: Path, folder: Path, services: EmbeddedServices, only: Sequence[str], command: Sequence[str]) -> Certificate:
    """Return the certificate of a region file, moved to an invented regency of its own."""
    text = region_file.read_text(encoding="utf-8")
    moved = folder / region_file.name
    moved.write_text(re.sub(r"regencies = \[.*\]", f'regencies = ["{next(_regencies)}"]', text), encoding="utf-8")
    return certify(moved, "digest", Silent(), lambda _: None, command, only, services, _PATIENCE_S)


@pytest.mark.parametrize("way", WAYS)
def test_a_broken_adapter_is_found_out(way: str, services: EmbeddedServices, tmp_path: Path) -> None:
    """The scenario that is made for it tells of the check that does not hold, with words for it."""
    broken = BROKEN[way]

    found = certified(broken.region_file, tmp_path, services, [broken.scenario], [sys.executable, "-m", "tests.certify.broken", way])

    failed = [finding for one in found.tried for finding in one.findings if not finding.held]
    assert not found.passed
    assert broken.check in {finding.check for finding in failed}
    assert all(finding.words for finding in failed)


_REGION_FILES = sorted({broken.region_file for broken in BROKEN.values()})


@pytest.mark.parametrize("region_file", _REGION_FILES, ids=lambda one: one.stem)
def test_the_adapters_own_code_is_not(region_file: Path, services: EmbeddedServices, tmp_path: Path) -> None:
    """In all these scenarios the adapter as it is holds, so it is the breaking that was found out."""
    scenarios = sorted({broken.scenario for broken in BROKEN.values() if broken.region_file == region_file} - {"insert"})

    found = certified(region_file, tmp_path, services, ["insert", *scenarios], OWN_CODE)

    assert [(one.name, finding) for one in found.tried for finding in one.findings if not finding.held] == []
    assert [one.name for one in found.tried if one.not_applicable] == []
    assert len(found.tried) == 1 + len(scenarios)
