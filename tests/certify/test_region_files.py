"""The product's own region files pass a short course; the whole of it is `muara adapter certify`."""

from pathlib import Path

import pytest

from deploy.certify.adapter import OWN_CODE
from deploy.embedded import EmbeddedServices
from tests.certify.test_broken import certified
from tests.producers.samples import REGIONS

_COURSE = ["update", "delete", "key move", "correction of the past", "killed: committed, nothing sent", "a missing field"]


@pytest.mark.parametrize("region_file", sorted(REGIONS.glob("*.toml")), ids=lambda one: one.stem)
def test_a_region_of_the_product_holds(region_file: Path, services: EmbeddedServices, tmp_path: Path) -> None:
    """Whatever the kind of its source: what can be said arrives, over a kill and beside a record that cannot be read."""
    found = certified(region_file, tmp_path, services, _COURSE, OWN_CODE)

    assert [(one.name, finding) for one in found.tried for finding in one.findings if not finding.held] == []
    assert sum(not one.not_applicable for one in found.tried) >= 5
