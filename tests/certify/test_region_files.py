"""
Every kind of source holds what a certification tries: the product's own region files, and the forms that they do not have.

Product files play all that a source can do by itself, but what is told in great numbers or takes long; that is `muara adapter certify`.
"""

from collections.abc import Sequence
from pathlib import Path

import pytest

from deploy.certify.adapter import OWN_CODE
from deploy.certify.process import STEPS
from deploy.certify.stand_ins.opening import kind_of_stand_in
from deploy.embedded import EmbeddedServices
from producers.region_file import read_region_file
from tests.certify.test_broken import certified
from tests.producers.samples import KAMPUNG, REGIONS
from tests.producers.sources.register import REGION as WORKBOOKS

_SHORT = ("update", "delete", "key move", "correction of the past", "own clock behind", "disk lost, replay from zero")
_WHOLE = (*_SHORT, "duplicate", *(f"killed: {step}" for step in STEPS), "a new code", "broker down")
CAPTURES = {
    "outbox": 'capture = "outbox"\noutbox = { table = "smart_kampung.muara_outbox" }',
    "changed_at": 'capture = "changed_at"\nchanged_at = "diubah_pada"\noverlap_s = 0.0\n'
    'tombstones = { table = "smart_kampung.keluarga_terhapus", changed_at = "diubah_pada" }',
    "compare": 'capture = "compare"',
}


def holds(
    region_file: Path,
    folder: Path,
    services: EmbeddedServices,
    course: Sequence[str],
    not_applicable: int = 1,
) -> None:
    """See that everything of a course holds that can be said."""
    found = certified(region_file, folder, services, course, OWN_CODE)

    assert [(one.name, finding) for one in found.tried for finding in one.findings if not finding.held] == []
    assert sum(not one.not_applicable for one in found.tried) >= len(course) + 1 - not_applicable


@pytest.mark.parametrize("region_file", sorted(REGIONS.glob("*.toml")), ids=lambda one: one.stem)
def test_a_region_of_the_product_holds(region_file: Path, services: EmbeddedServices, tmp_path: Path) -> None:
    """Whatever the kind of its source: what can be said arrives, over a kill at each step and beside a record that cannot be read."""
    declared = read_region_file(region_file, None)
    own = [f"killed: {step}" for step in kind_of_stand_in(declared).steps_of(declared)]
    holds(region_file, tmp_path, services, (*_WHOLE, *own))


def test_workbooks_hold(services: EmbeddedServices, tmp_path: Path) -> None:
    """Registers as people make them, in every declared form; one that is a bomb, and one whose total is another, are put aside."""
    lies = ("half of a file", "a total that is another one", "a workbook of kilobytes that unpacks to all that fits")
    holds(WORKBOOKS, tmp_path, services, (*_SHORT, "killed: committed, nothing sent", "a new code", *lies), not_applicable=0)


@pytest.mark.parametrize("capture", CAPTURES)
def test_a_database_holds_in_whatever_way_it_is_followed(capture: str, services: EmbeddedServices, tmp_path: Path) -> None:
    """Without its log too, and with a grant that is taken away for a while."""
    file = tmp_path / f"{capture}.toml"
    file.write_text(KAMPUNG.read_text(encoding="utf-8").replace('capture = "log"', CAPTURES[capture]), encoding="utf-8")
    course = (*_SHORT, "killed: committed, nothing sent", "a new code", "a grant that was revoked", "a column by another name")

    (tmp_path / "moved").mkdir()
    holds(file, tmp_path / "moved", services, course, not_applicable=0)
