"""
Every kind of source holds what a certification tries: the product's own region files, and the forms that they do not have.

Of the product's files the commonest scenarios are played here, a part of their courses; the whole of each is played by the bench
(`make bench ARGS="--only certify"`), since it takes minutes for each file.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from deploy.certify.adapter import OWN_CODE
from deploy.certify.process import STEPS
from deploy.certify.scenarios import scenarios
from deploy.certify.stand_ins.opening import kind_of_stand_in
from deploy.embedded import EmbeddedServices
from producers.region_file import read_region_file
from tests.certify.found_out import scenarios_of as broken_in
from tests.certify.playing import certified
from tests.certify.untried import NOT_TRIED
from tests.producers.samples import KAMPUNG, REGIONS
from tests.producers.sources.register import REGION as WORKBOOKS

_SHORT = ("update", "delete", "key move", "correction of the past", "own clock behind", "disk lost, replay from zero")
_USUAL = (*_SHORT, "duplicate", "a new code", "broker down")
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
    not_tried: Mapping[str, str] | None = None,
) -> None:
    """See that everything of a course holds, and that all of it is tried but what cannot be, for that reason."""
    found = certified(region_file, folder, services, course, OWN_CODE)

    assert [(one.name, finding) for one in found.tried for finding in one.findings if not finding.held] == []
    assert {one.name for one in found.tried} == {"insert", *course}
    untried = {one.name: one.not_applicable for one in found.tried if one.not_applicable}
    expected = {name: why for name, why in (not_tried or {}).items() if name in course}
    assert untried.keys() == expected.keys()
    assert [name for name, why in expected.items() if why not in untried[name]] == []


def scenarios_of(region_file: Path) -> list[str]:
    """Return the names of all scenarios of a region file's kind of source, in their order."""
    declared = read_region_file(region_file, None)
    kind = kind_of_stand_in(declared)
    return [one.name for one in scenarios(kind.lies_of(declared), kind.steps_of(declared))]


FILES = sorted(REGIONS.glob("*.toml"))


def of_each_kind() -> list[Path]:
    """Return the first file of each kind of source."""
    first: dict[str, Path] = {}
    for file in FILES:
        first.setdefault(read_region_file(file, None).source.kind, file)
    return list(first.values())


@pytest.mark.parametrize("region_file", FILES, ids=lambda one: one.stem)
def test_a_region_of_the_product_holds(region_file: Path, services: EmbeddedServices, tmp_path: Path) -> None:
    """
    What can be said arrives, and the adapter holds wherever a broken one of the same file is found out.

    So it is the breaking that is found out there, and no flaw of the scenario.
    """
    killed = {one for one in broken_in(region_file) if one.startswith("killed: ")} if region_file in of_each_kind() else set()
    course = sorted({*_USUAL, *broken_in(region_file)} - killed - {"insert"})

    holds(region_file, tmp_path, services, course, NOT_TRIED[region_file.stem])


@pytest.mark.parametrize("region_file", of_each_kind(), ids=lambda one: one.stem)
def test_a_kind_of_source_holds_over_a_kill_at_each_step(region_file: Path, services: EmbeddedServices, tmp_path: Path) -> None:
    """The steps of every adapter, and those in which a broken one is found out."""
    killed = {f"killed: {step}" for step in STEPS} | {one for one in broken_in(region_file) if one.startswith("killed: ")}

    holds(region_file, tmp_path, services, sorted(killed))


def test_a_broken_adapter_is_found_out_where_a_sound_one_is_tried() -> None:
    """Where a scenario is not tried at all, no adapter would be found out."""
    assert [(file.stem, name) for file in FILES for name in broken_in(file) & NOT_TRIED[file.stem].keys()] == []


def test_what_is_not_tried_is_told_of_files_and_scenarios_that_there_are() -> None:
    """Else a name that nothing has would stand there for ever."""
    assert set(NOT_TRIED) == {one.stem for one in FILES}
    assert [name for one in FILES for name in NOT_TRIED[one.stem] if name not in scenarios_of(one)] == []


def test_workbooks_hold(services: EmbeddedServices, tmp_path: Path) -> None:
    """Registers as people make them, in every declared form; one that is a bomb, and one whose total is another, are put aside."""
    lies = ("half of a file", "a total that is another one", "a workbook of kilobytes that unpacks to all that fits")
    holds(WORKBOOKS, tmp_path, services, (*_SHORT, "killed: committed, nothing sent", "a new code", *lies))


@pytest.mark.parametrize("capture", CAPTURES)
def test_a_database_holds_in_whatever_way_it_is_followed(capture: str, services: EmbeddedServices, tmp_path: Path) -> None:
    """Without its log too, and with a grant that is taken away for a while."""
    file = tmp_path / f"{capture}.toml"
    file.write_text(KAMPUNG.read_text(encoding="utf-8").replace('capture = "log"', CAPTURES[capture]), encoding="utf-8")
    rest = ("late commit", "a new code", "a grant that was revoked", "a column by another name")
    course = (*_SHORT, "killed: committed, nothing sent", *rest)

    (tmp_path / "moved").mkdir()
    holds(file, tmp_path / "moved", services, course)
