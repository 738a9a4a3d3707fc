"""Drift with the real adapter: the region file's word is done; a freeze loses nothing, and ends by a person or a mended mapping."""

from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest

from deploy.embedded import EmbeddedServices
from producers.checkpoint import StateFile
from producers.declaration import Mode
from producers.drift_log import accept, drifted
from producers.quarantine import quarantined
from tests.contract.harness import until
from tests.contract.kinds import SnapshotKind
from tests.contract.world import World, world_of

FIELDS = {"rest": "members.sex", "files": "dwelling.tenure", "webhook": "members.sex", "postgres": "members.sex"}
"""The field in which a spoilt record has an unknown code: of sources that tell changes, of one that tells all, and of one that calls us."""
_regencies = (f"94.{number:02}" for number in count(1))


@pytest.fixture(params=FIELDS)
def named(request: pytest.FixtureRequest) -> str:
    """A kind of source."""
    return str(request.param)


@pytest.fixture
def field(named: str) -> str:
    """The field in which its spoilt records are odd."""
    return FIELDS[named]


@pytest.fixture
def world(named: str, services: EmbeddedServices, tmp_path: Path) -> Iterator[World]:
    """A world of the kind."""
    with world_of(named, services, tmp_path, next(_regencies)) as made:
        yield made


def _say(file: Path, mode: str, field: str) -> None:
    text = file.read_text(encoding="utf-8").partition("\n[[example]]")[0]
    file.write_text(f'{text}\n[drift.only]\n"{field}" = {{ new_code = "{mode}" }}\n', encoding="utf-8")


@pytest.mark.parametrize("mode", ["evolve", "discard"])
def test_a_new_code_may_be_left_out(world: World, field: str, mode: str) -> None:
    """The household is there without what its code says, and the adapter's file tells of it."""
    _say(world.kind.region_file, mode, field)
    world.kind.put(_1=2)
    world.kind.spoil(9)
    world.adapter.run_until_told()

    assert world.office.keys() == {1, 9}
    assert quarantined(world.adapter.state_file) == []
    (one,) = drifted(world.adapter.state_file)
    assert (one.field, one.kind, one.mode, one.accepted) == (field, "new_code", mode, None)


@pytest.mark.parametrize("mode", ["evolve", "quarantine"])
def test_a_freeze_ends_by_a_persons_word(world: World, field: str, mode: Mode) -> None:
    """Nothing after the last good batch is sent, whatever is told meanwhile; accepted while it runs, all of it is, and nothing is lost."""
    _say(world.kind.region_file, "freeze", field)
    world.kind.put(_1=2)
    world.adapter.run_until_told()
    world.kind.spoil(9)
    with world.adapter.running() as process:
        until(lambda: (found := world.adapter.status) is not None and found.state.startswith("frozen"), "frozen")
        world.kind.put(_3=4)
        assert world.office.keys() == {1}
        with StateFile(world.adapter.state_file, world.adapter.state_file.stem) as own:
            assert accept(own, field, mode) == 1
        world.adapter.wait_told(process)

    # The next snapshot does not list the household any more; a change feed that says nothing of it has not ended it.
    lives = mode == "evolve" and not isinstance(world.kind, SnapshotKind)
    assert world.office.keys() == ({1, 3, 9} if lives else {1, 3})
    assert (quarantined(world.adapter.state_file) == []) == (mode == "evolve")


def test_a_freeze_ends_by_a_mended_mapping(world: World, field: str) -> None:
    """A restart stops at the same place; with the code in the table it goes on as if nothing had been."""
    _say(world.kind.region_file, "freeze", field)
    world.kind.put(_1=2)
    world.kind.spoil(9)
    for _ in range(2):
        with world.adapter.running():
            until(lambda: (found := world.adapter.status) is not None and found.state.startswith("frozen"), "frozen")
    text = world.kind.region_file.read_text(encoding="utf-8")
    for old, new in {
        "L = 1, P = 2": "L = 1, P = 2, X = 2",
        'path = "P401", range = [1, 5]': 'path = "P401", table = { 1 = 1, 2 = 2, 3 = 3, 4 = 4, 5 = 5, 77 = 5 }',
        "version = 1": "version = 2",
    }.items():
        text = text.replace(old, new)
    world.kind.region_file.write_text(text, encoding="utf-8")
    world.adapter.run_until_told()

    assert world.office.keys() == {1, 9}
