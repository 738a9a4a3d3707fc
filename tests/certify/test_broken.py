"""Each check and each scenario fails for an adapter that is broken there, and holds for one that is not."""

import json
import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import pytest

from deploy.certify.adapter import OWN_CODE
from deploy.certify.course import Certificate, certify
from deploy.embedded import EmbeddedServices, Silent
from tests.certify.broken import WAYS
from tests.producers.samples import CARIK, KAMPUNG, REGIONS, SDDD

_regencies = (f"{province}.{number:02}" for province in (89, 57) for number in range(1, 100))
_PATIENCE_S = 10.0
_HAPPENED = "it happened as it must"


class Broken(NamedTuple):
    """A way to be broken, and where it is found out: the scenario, the check, the region file (of the kind where it was once missed)."""

    way: str
    scenario: str
    check: str
    region_file: Path = CARIK


DESA, SIMPATI = REGIONS / "sumedang-desa.toml", REGIONS / "sumedang-simpati.toml"
_REPLAY = "disk lost, replay from zero"
BROKEN = (
    Broken("loses", "insert", "nothing lost"),
    Broken("loses_when_killed", "killed: committed, nothing sent", "nothing lost"),
    Broken("doubles", "insert", "nothing doubled"),
    Broken("invents", "insert", "nothing lost"),
    Broken("turns_round", "update", "order kept"),
    Broken("counts_itself", _REPLAY, "revisions come from the source"),
    Broken("one_revision", "update", "revisions grow"),
    Broken("leaks", "insert", "nothing leaks"),
    Broken("logs_records", "insert", "nothing leaks"),
    Broken("hoards", "insert", "memory bounded"),
    Broken("silent", "source down", _HAPPENED),
    Broken("gives_up", "source down", _HAPPENED),
    Broken("drops_silently", "a missing field", _HAPPENED),
    Broken("grows", "full spool", _HAPPENED),
    Broken("ignores_ends", "delete", "nothing doubled"),
    Broken("asks_its_own_clock", "own clock behind", "order kept"),
    Broken("any_key", "a wrong key", _HAPPENED),
    Broken("notes_nothing", "insert", "receipts hold"),
    Broken("counts_in_its_folder", _REPLAY, "nothing lost", KAMPUNG),
    Broken("says_no_lists", "insert", "nothing lost", KAMPUNG),
    Broken("says_it_once", "update", "nothing lost", SIMPATI),
    Broken("mixes_up", "insert", "nothing lost", SDDD),
    Broken("answers_early", "killed: read, nothing kept", "nothing lost", DESA),
    Broken("answers_early", "killed: answered", "nothing lost", SIMPATI),
    Broken("moves_the_slot_early", "killed: slot moved", _HAPPENED, KAMPUNG),
    Broken("sends_all_again", "killed: delivered and forgotten", "nothing doubled", KAMPUNG),
    Broken("sends_all_again", "killed: delivered and forgotten", "nothing doubled", DESA),
    Broken("sends_all_again", "killed: delivered and forgotten", "nothing doubled", SDDD),
    Broken("believes", "a refusal of our credentials", _HAPPENED),
)
"""Each way to be broken."""


def certified(region_file: Path, folder: Path, services: EmbeddedServices, only: Sequence[str], command: Sequence[str]) -> Certificate:
    """Return the certificate of a region file, moved to an invented regency of its own, or to two where it has several."""
    text = region_file.read_text(encoding="utf-8")
    moved = folder / region_file.name
    several = len(re.findall(r"[0-9]{2}\.[0-9]{2}", re.findall(r"regencies = \[.*\]", text)[0])) > 1
    regencies = [next(_regencies) for _ in range(2 if several else 1)]
    moved.write_text(re.sub(r"regencies = \[.*\]", f"regencies = {json.dumps(regencies)}", text), encoding="utf-8")
    return certify(moved, "digest", Silent(), lambda _: None, command, only, services, _PATIENCE_S)


def test_every_way_to_be_broken_is_tried() -> None:
    """None is written down and not run."""
    assert {broken.way for broken in BROKEN} == set(WAYS)


@pytest.mark.parametrize("broken", BROKEN, ids=lambda one: f"{one.way}-{one.region_file.stem}")
def test_a_broken_adapter_is_found_out(broken: Broken, services: EmbeddedServices, tmp_path: Path) -> None:
    """The scenario that is made for it tells of the check that does not hold, with words for it."""
    command = [sys.executable, "-m", "tests.certify.broken", broken.way]

    found = certified(broken.region_file, tmp_path, services, [broken.scenario], command)

    failed = [finding for one in found.tried for finding in one.findings if not finding.held]
    assert not found.passed
    assert broken.check in {finding.check for finding in failed}
    assert all(finding.words for finding in failed)


_REGION_FILES = sorted({broken.region_file for broken in BROKEN})


@pytest.mark.parametrize("region_file", _REGION_FILES, ids=lambda one: one.stem)
def test_the_adapters_own_code_is_not(region_file: Path, services: EmbeddedServices, tmp_path: Path) -> None:
    """In all these scenarios the adapter as it is holds, so it is the breaking that was found out."""
    scenarios = sorted({broken.scenario for broken in BROKEN if broken.region_file == region_file} - {"insert"})

    found = certified(region_file, tmp_path, services, ["insert", *scenarios], OWN_CODE)

    assert [(one.name, finding) for one in found.tried for finding in one.findings if not finding.held] == []
    assert [one.name for one in found.tried if one.not_applicable] == []
    assert len(found.tried) == 1 + len(scenarios)
