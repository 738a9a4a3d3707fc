"""
Each check and each scenario fails for an adapter that is broken there.

That they hold for one that is not, of the same file, is seen in test_region_files.py.
"""

import sys
from pathlib import Path

import pytest

from deploy.embedded import EmbeddedServices
from tests.certify import broken, missed
from tests.certify.found_out import BROKEN, MISSED, Broken
from tests.certify.playing import certified

PLAYED = [("broken", one) for one in BROKEN] + [("missed", one) for one in MISSED]


def test_every_way_to_be_broken_is_tried() -> None:
    """None is written down and not run."""
    assert {one.way for one in BROKEN} == set(broken.WAYS)
    assert {one.way for one in MISSED} == set(missed.WAYS)


@pytest.mark.parametrize(("program", "told"), PLAYED, ids=[f"{one.way}-{one.region_file.stem}" for _, one in PLAYED])
def test_a_broken_adapter_is_found_out(program: str, told: Broken, services: EmbeddedServices, tmp_path: Path) -> None:
    """The scenario that is made for it tells of the check that does not hold, with words for it."""
    command = [sys.executable, "-m", f"tests.certify.{program}", told.way]

    found = certified(told.region_file, tmp_path, services, [told.scenario], command)

    failed = [(one.name, finding) for one in found.tried for finding in one.findings if not finding.held]
    assert not found.passed
    assert (told.scenario, told.check) in {(name, finding.check) for name, finding in failed}
    assert all(finding.words for _, finding in failed)
