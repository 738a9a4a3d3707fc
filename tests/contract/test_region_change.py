"""A region file corrected after the adapter ran: what the old one left out is told until it was read again, and then it is there."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import count
from pathlib import Path

import pytest

from deploy.embedded import EmbeddedServices
from producers.checkpoint import StateFile
from producers.faults import SourcePushes
from producers.pseudonym import Pseudonyms
from producers.region_change import settle
from producers.runner import resend
from producers.settings import AdapterSettings
from tests.contract.harness import until
from tests.contract.world import World, world_of
from tests.producers.samples import KEY

_regencies = (f"59.{number:02}" for number in count(1))
ALL = datetime(1970, 1, 1, tzinfo=UTC)


@pytest.fixture
def world(request: pytest.FixtureRequest, services: EmbeddedServices, tmp_path: Path) -> Iterator[World]:
    """A world of the kind that a test asks for, with its topic."""
    with world_of(request.param, services, tmp_path, next(_regencies)) as made:
        yield made


def _settings(world: World) -> AdapterSettings:
    where = world.services.addresses
    return AdapterSettings(where.kafka, where.registry, world.adapter.state, Pseudonyms(KEY, 1), world.environ)


def _mistaken(world: World, old: str, new: str) -> str:
    """Put a mistake into the region file; return the right text."""
    text = world.kind.region_file.read_text(encoding="utf-8")
    assert old in text
    world.kind.region_file.write_text(text.replace(old, new), encoding="utf-8")
    return text


@pytest.mark.parametrize("world", ["rest", "postgres", "webhook"], indirect=True)
def test_families_of_a_mistaken_regency_come_back(world: World) -> None:
    """Corrected, what lies behind is told in the state until all was read or sent again, over restarts; then all families are there."""
    right = _mistaken(world, f'regencies = ["{world.kind.regency}"]', 'regencies = ["58.99"]')
    world.kind.put(_1=2, _2=3)
    mistaken = world.adapter.run_until_told()
    assert (mistaken.delivered, mistaken.quarantined, mistaken.region_change) == (0, 2, "")

    world.kind.region_file.write_text(right, encoding="utf-8")
    world.kind.put(_3=4)
    for _ in range(2):
        told = world.adapter.run_until_told().state
        assert "the region file has changed (regencies; " in told
        # A change feed is looked at a second time, so the newest mistakes may be mended by themselves.
        assert re.search(r": what was read before was read by the old one, and [0-2] records and files lie aside: ", told)
    assert "the region file has changed (regencies; " in world.adapter.log.read_text(encoding="utf-8")

    file = world.kind.region_file.name
    if world.kind.pushes:
        assert f"then muara adapter status {file} --settled" in told
        with pytest.raises(SourcePushes):
            resend(world.kind.region_file, _settings(world), ALL)
        world.kind.say_all_again()
        world.adapter.run_until_told()
        with StateFile(world.adapter.state_file, world.adapter.state_file.stem) as own, own.transaction() as connection:
            assert settle(connection)
    else:
        assert f"muara adapter resend {file} --since 1970-01-01 reads all again" in told
        resend(world.kind.region_file, _settings(world), datetime(2024, 1, 1, tzinfo=UTC))
        assert (found := world.adapter.status) is not None
        assert found.region_change != "", "a part of it is not all"
        resend(world.kind.region_file, _settings(world), ALL)

    found = world.adapter.run_until_told()
    assert (found.region_change, found.quarantined) == ("", 0)
    assert world.office == world.kind.living == {1: 2, 2: 3, 3: 4}


@pytest.mark.parametrize("world", ["files"], indirect=True)
def test_files_put_aside_are_read_again_by_themselves(world: World) -> None:
    """A folder whose files were all put aside is read as soon as the region file is right; there is nothing left to tell."""
    right = _mistaken(world, f'regencies = ["{world.kind.regency}"]', 'regencies = ["58.99"]')
    world.kind.put(_1=2, _2=3)
    assert world.adapter.run_until_told().delivered == 0

    world.kind.region_file.write_text(right, encoding="utf-8")
    found = world.adapter.run_until_told()

    assert (found.region_change, found.quarantined) == ("", 0)
    assert world.office == world.kind.living


@pytest.mark.parametrize("world", ["rest"], indirect=True)
def test_a_mistyped_path_of_records_takes_nothing(world: World) -> None:
    """The adapter waits with the reason and reads nothing; corrected it reads everything, and there is nothing left to tell."""
    right = _mistaken(world, "rumah_tangga[].keluarga[]", "rumah_tangga[].keluarg[]")
    world.kind.put(_1=2, _2=3)
    with world.adapter.running():
        until(lambda: (found := world.adapter.status) is not None and "no data.rumah_tangga.keluarg" in found.state, "it waits")
    assert (waits := world.adapter.status) is not None
    assert (waits.position, waits.quarantined, waits.caught_up) == (None, 0, False)

    world.kind.region_file.write_text(right, encoding="utf-8")
    found = world.adapter.run_until_told()

    assert found.region_change == ""
    assert world.office == world.kind.living == {1: 2, 2: 3}
