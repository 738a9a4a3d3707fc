"""
What every kind of source must pass beside its certification, against the real Kafka and registry: mended mappings, rotated keys.

Everything that a source can do by itself is a scenario of deploy/certify, played for the product's regions in tests/certify.
"""

from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import count
from pathlib import Path

import pytest

from deploy.embedded import EmbeddedServices
from producers.faults import SourcePushes
from producers.pseudonym import Pseudonyms
from producers.quarantine import quarantined
from producers.runner import resend
from producers.settings import AdapterSettings
from tests.contract.harness import until
from tests.contract.kinds import KINDS
from tests.contract.world import World, world_of
from tests.producers.samples import KEY, NEW_KEY, rotated

_regencies = (f"98.{number:02}" for number in count(1))


@pytest.fixture(params=KINDS)
def world(request: pytest.FixtureRequest, services: EmbeddedServices, tmp_path: Path) -> Iterator[World]:
    """A world of each kind."""
    with world_of(request.param, services, tmp_path, next(_regencies)) as made:
        yield made


def _sent_again(world: World) -> int:
    """Send again what the source told, through the mapping as it is now; return the number of events delivered."""
    where = world.services.addresses
    told = AdapterSettings(where.kafka, where.registry, world.adapter.state, Pseudonyms(KEY, 1), world.environ)
    since = datetime(2024, 1, 1, tzinfo=UTC)
    if not world.kind.pushes:
        return resend(world.kind.region_file, told, since)
    with pytest.raises(SourcePushes, match="have the source send what changed since 2024-01-01"):
        resend(world.kind.region_file, told, since)
    before = world.adapter.status
    assert before is not None
    world.kind.say_all_again()
    return world.adapter.run_until_told().delivered - before.delivered


def test_a_mended_mapping_wins(world: World) -> None:
    """What was sent through a faulty mapping is sent again through the mended one, under a greater mapping version, and wins."""
    world.kind.put(_1=2, _2=3)
    world.kind.put(_3=4)
    text = world.kind.region_file.read_text(encoding="utf-8")
    faulty = {
        "rest": ('size = { count = "anggota", where = { kehadiran = "ADA" } }', "size = { constant = 99 }"),
        "postgres": ('size = "jumlah_jiwa"', "size = { constant = 99 }"),
        "files": ('size = "P303"', "size = { constant = 99 }"),
        "workbooks": ('size = "jiwa"', "size = { constant = 99 }"),
        "webhook": ('size = "data.jumlah_anggota"', "size = { constant = 99 }"),
    }
    kind = next(name for name, one in KINDS.items() if type(world.kind) is one)  # one kind is a special case of another
    assert faulty[kind][0] in text
    world.kind.region_file.write_text(text.replace(*faulty[kind]), encoding="utf-8")
    world.adapter.run_until_told()
    assert world.office == {1: 99, 2: 99, 3: 99}

    world.kind.region_file.write_text(text.replace("mapping_version = 1", "mapping_version = 2"), encoding="utf-8")
    delivered = _sent_again(world)

    assert delivered >= len(world.kind.living)
    assert world.office == world.kind.living == {1: 2, 2: 3, 3: 4}
    receipt, there = world.adapter.proved()
    resent = [one.events for one in receipt.chains if one.writer == "resend"]
    assert resent == ([] if kind == "webhook" else [delivered]), "who pushes to us says it again to the adapter itself"
    assert (there.holds, there.again, there.unknown) == (True, 0, 0)


def test_a_mended_mapping_reads_what_was_put_aside(world: World) -> None:
    """What could not be read is read through the mended mapping when it is sent again, and leaves the adapter's quarantine."""
    world.kind.put(_1=2)
    world.kind.spoil(9)
    world.adapter.run_until_told()
    assert len(quarantined(world.adapter.state_file)) == 1

    text = world.kind.region_file.read_text(encoding="utf-8")
    floors = ", ".join(f"{one} = {one}" for one in range(1, 10))
    changes = {
        "L = 1, P = 2": "L = 1, P = 2, X = 2",
        'path = "P401", range = [1, 5]': 'path = "P401", table = { 1 = 1, 2 = 2, 3 = 3, 4 = 4, 5 = 5, 77 = 5 }',
        'path = "lantai", range = [1, 9]': f'path = "lantai", table = {{ {floors}, 77 = 9 }}',
        "version = 1": "version = 2",
    }
    for faulty, mended in changes.items():
        text = text.replace(faulty, mended)
    world.kind.region_file.write_text(text, encoding="utf-8")
    _sent_again(world)

    assert quarantined(world.adapter.state_file) == []
    assert world.office.keys() == {1, 9}


def test_a_rotation_of_keys_loses_and_doubles_nobody(world: World) -> None:
    """
    The window with both keys, in which the adapter is killed and all is sent again, and the time after it: each household is held once.

    Those that ended before, those that change, move on or end in the window, those that never say anything in it, and new ones.
    """
    kind, adapter, where = world.kind, world.adapter, world.services.addresses
    kind.put(_1=2, _2=3, _3=1, _6=6)
    kind.end(3)
    adapter.run_until_told()
    after = {"MUARA_PSEUDONYM_KEY": NEW_KEY.hex(), "MUARA_PSEUDONYM_KEY_VERSION": "2"}
    window = {**after, "MUARA_PSEUDONYM_PREVIOUS_KEY": KEY.hex()}

    with adapter.running(window) as process:
        kind.put(_2=4, _4=2)
        until(lambda: (found := adapter.status) is not None and found.delivered > 0, "something is sent under both names")
        process.kill()
        process.wait()
    with adapter.running(window) as process:
        kind.put(_5=1)
        kind.end(1)
        adapter.wait_told(process)
        assert world.office == kind.living
        if kind.pushes:
            kind.say_all_again()
            adapter.wait_told(process)
        else:
            told = AdapterSettings(where.kafka, where.registry, adapter.state, rotated(), world.environ)
            resend(kind.region_file, told, datetime(2024, 1, 1, tzinfo=UTC))
    assert world.office == kind.living
    with adapter.running(after) as process:
        kind.put(_2=5, _3=7)
        kind.end(6)
        kind.end(4)
        adapter.wait_told(process)

    assert world.office == kind.living == {2: 5, 3: 7, 5: 1}
