"""What an adapter makes of a record, or lets out of it, is seen to: each way to be wrong there is found out, and a sound one holds."""

import sys
from pathlib import Path
from typing import NamedTuple

import pytest

from deploy.certify.adapter import OWN_CODE
from deploy.embedded import EmbeddedServices
from tests.certify.broken_readings import WAYS
from tests.certify.test_broken import certified
from tests.producers.samples import CARIK

_HAPPENED = "it happened as it must"


class Found(NamedTuple):
    """The scenario and the check that must find a way to be broken out, in which region file."""

    scenario: str
    check: str
    region_file: Path = CARIK


BROKEN = {
    "publishes_numbers": Found("insert", "nothing leaks"),
    "takes_any_name": Found("a name where a programme belongs", "nothing leaks"),
}
_FILES = sorted({one.region_file for one in BROKEN.values()})


@pytest.mark.parametrize("way", WAYS)
def test_a_wrong_reading_is_found_out(way: str, services: EmbeddedServices, tmp_path: Path) -> None:
    """The scenario that is made for it tells of the check that does not hold, with words for it."""
    told = BROKEN[way]

    found = certified(told.region_file, tmp_path, services, [told.scenario], [sys.executable, "-m", "tests.certify.broken_readings", way])

    failed = [(one.name, finding) for one in found.tried for finding in one.findings if not finding.held]
    assert not found.passed
    assert (told.scenario, told.check) in {(name, finding.check) for name, finding in failed}
    assert all(finding.words for _, finding in failed)


@pytest.mark.parametrize("region_file", _FILES, ids=lambda one: one.stem)
def test_the_adapters_own_reading_is_right(region_file: Path, services: EmbeddedServices, tmp_path: Path) -> None:
    """In all these scenarios the adapter as it is holds, and each of them is tried."""
    scenarios = sorted({one.scenario for one in BROKEN.values() if one.region_file == region_file})

    found = certified(region_file, tmp_path, services, scenarios, OWN_CODE)

    assert [(one.name, finding) for one in found.tried for finding in one.findings if not finding.held] == []
    assert [one.name for one in found.tried if one.not_applicable] == []
