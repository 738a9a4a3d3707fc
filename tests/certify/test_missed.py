"""What a certification once let pass is found out: each by the scenario and check that are made for it, where a sound adapter holds."""

import sys
from pathlib import Path
from typing import NamedTuple

import pytest

from deploy.certify.adapter import OWN_CODE
from deploy.embedded import EmbeddedServices
from tests.certify.missed import WAYS
from tests.certify.test_broken import certified
from tests.producers.samples import CARIK, SDDD

_HAPPENED = "it happened as it must"


class Found(NamedTuple):
    """The scenario and the check that must find a way to be broken out, in which region file."""

    scenario: str
    check: str
    region_file: Path = CARIK


BROKEN = {
    "publishes_numbers": Found("insert", "nothing leaks"),
    "takes_any_name": Found("a name where a programme belongs", "nothing leaks"),
    "blames_the_card": Found("a missing village", _HAPPENED),
    "tells_no_drift": Found("a field left out that may be", _HAPPENED),
    "guesses_days": Found("a date in another format", _HAPPENED),
    "takes_text_for_nothing": Found("a text where a list belongs", _HAPPENED),
    "believes_the_newest": Found("source's clock set back", "nothing lost", SDDD),
    "stops_with_the_broker": Found("slow broker", _HAPPENED),
    "needs_the_registry": Found("registry down at a first start", _HAPPENED),
    "one_topic": Found("key move", "nothing lost"),
}
_FILES = sorted({one.region_file for one in BROKEN.values()})


@pytest.mark.parametrize("way", WAYS)
def test_what_was_missed_once_is_found_out(way: str, services: EmbeddedServices, tmp_path: Path) -> None:
    """The scenario that is made for it tells of the check that does not hold, with words for it."""
    told = BROKEN[way]

    found = certified(told.region_file, tmp_path, services, [told.scenario], [sys.executable, "-m", "tests.certify.missed", way])

    failed = [(one.name, finding) for one in found.tried for finding in one.findings if not finding.held]
    assert not found.passed
    assert (told.scenario, told.check) in {(name, finding.check) for name, finding in failed}
    assert all(finding.words for _, finding in failed)


@pytest.mark.parametrize("region_file", _FILES, ids=lambda one: one.stem)
def test_the_adapters_own_code_holds_there(region_file: Path, services: EmbeddedServices, tmp_path: Path) -> None:
    """In all these scenarios the adapter as it is holds, and each of them is tried."""
    scenarios = sorted({one.scenario for one in BROKEN.values() if one.region_file == region_file})

    found = certified(region_file, tmp_path, services, scenarios, OWN_CODE)

    assert [(one.name, finding) for one in found.tried for finding in one.findings if not finding.held] == []
    assert [one.name for one in found.tried if one.not_applicable] == []
