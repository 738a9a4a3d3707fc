"""The conformance suite: what every kind of source must pass against the real Kafka and registry."""

import re
import signal
import sqlite3
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, closing
from datetime import UTC, datetime
from functools import partial
from itertools import count
from pathlib import Path

import pytest

from deploy.embedded import EmbeddedServices
from deploy.topics import make_topics
from producers.faults import SourcePushes
from producers.pseudonym import Pseudonyms
from producers.quarantine import quarantined
from producers.runner import resend
from producers.settings import AdapterSettings
from schemas.topics import household_topic
from tests.contract.adapter_process import STEPS
from tests.contract.harness import Adapter, office, records, until
from tests.contract.kinds import KINDS, Kind
from tests.producers.samples import KEY, NEW_KEY, rotated

_LOSE_REPORTS = ("delivered, still in the spool", "delivered, noted, not committed")
"""Steps at which an event is surely in the topic and not in the ledger."""
_regencies = (f"98.{number:02}" for number in count(1))


class World:
    """One kind of source of an invented regency with its topic, and an adapter over it."""

    def __init__(self, services: EmbeddedServices, kind: Kind, adapter: Adapter, environ: dict[str, str]) -> None:
        """Put the parts together."""
        self.services, self.kind, self.adapter, self.environ = services, kind, adapter, environ

    @property
    def office(self) -> dict[int, int]:
        """What the office holds."""
        return office(self.services.addresses, self.kind)

    def make_topic(self) -> None:
        """Make the regency's topics, as `muara sources load` does."""
        where = self.services.addresses
        make_topics(where.kafka, where.registry, [self.kind.regency])


@pytest.fixture(params=KINDS)
def bare(request: pytest.FixtureRequest, services: EmbeddedServices, tmp_path: Path) -> Iterator[World]:
    """A world of each kind, without topics."""
    kind = KINDS[request.param](tmp_path, next(_regencies))
    kind.database = services.addresses.database
    with ExitStack() as stack:
        environ = stack.enter_context(kind.running())
        yield World(services, kind, Adapter(kind, environ, services.addresses, tmp_path / "state"), environ)


@pytest.fixture
def world(bare: World) -> World:
    """A world of each kind."""
    bare.make_topic()
    return bare


def test_insert_update_and_delete_arrive(world: World) -> None:
    """What the source tells while the adapter runs is what the office holds."""
    with world.adapter.running():
        world.kind.put(_1=2, _2=3, _3=1)
        world.adapter.wait_told()
        assert world.office == world.kind.living
        world.kind.put(_2=5)
        world.kind.end(3)
        world.adapter.wait_told()

    assert world.office == world.kind.living == {1: 2, 2: 5}


@pytest.mark.parametrize("step", STEPS)
def test_killed_at_each_step_nothing_is_lost(world: World, step: str) -> None:
    """
    Killed by SIGKILL at any step, at once and then while changes go on, everything arrives in the end and nothing is skipped.

    The receipt holds: every record of the topic is one of its chain, or the same as one of them, whose report was lost.
    """
    world.kind.put(_1=2, _2=3, _3=1)
    world.kind.put(_4=4)
    world.kind.end(1)
    for times in (1, 2):
        with world.adapter.running(DIE_AT=step, DIE_TIMES=str(times)) as process:
            until(partial(_dead_or_told_more, world, process), f"death at: {step}")
        assert process.returncode == -signal.SIGKILL, world.adapter.log.read_text(encoding="utf-8")

    world.kind.put(_5=5)
    found = world.adapter.run_until_told()

    assert world.office == world.kind.living
    assert world.kind.living.items() >= {2: 3, 3: 1, 4: 4, 5: 5}.items()
    assert found.spooled == 0
    receipt, there = world.adapter.receipt()
    assert there.holds, there.differences
    assert [one.events for one in receipt.chains] == [found.delivered] == [there.events]
    assert (there.events + there.again, there.unknown) == (len(records(world.services.addresses.kafka, world.kind.regency)), 0)
    if step in _LOSE_REPORTS:
        assert there.again, "the step was to lose reports"


def _dead_or_told_more(world: World, process: subprocess.Popen[bytes]) -> bool:
    """Return whether a process has died; where it has not after a second, tell its adapter of one more change."""
    try:
        process.wait(1)
    except subprocess.TimeoutExpired:
        world.kind.put(_6=world.kind.living.get(6, 0) + 1)
    return process.poll() is not None


def test_a_replay_changes_nothing(world: World) -> None:
    """An adapter whose file is lost starts over, says the same to the byte (or what is there now), and the office holds what it held."""
    world.kind.put(_1=2, _2=3, _3=1)
    world.kind.end(2)
    world.adapter.run_until_told()
    first = records(world.services.addresses.kafka, world.kind.regency)
    for part in world.adapter.state.glob("*.sqlite*"):
        part.unlink()
    world.kind.say_all_again()
    world.adapter.run_until_told()

    again = records(world.services.addresses.kafka, world.kind.regency)[len(first) :]
    (chain,), there = world.adapter.receipt()[0].chains, world.adapter.receipt()[1]
    assert (chain.first, chain.events) == (len(first), len(again)), "the new chain speaks from here on"
    assert (there.holds, there.before, there.unknown) == (True, len(first), 0)
    if world.kind.tells_its_past:
        assert {record.value for record in again} == {record.value for record in first}
        assert there.again == len(first)
    else:
        assert len({record.key for record in again}) == len(world.kind.living)
    assert world.office == world.kind.living == {1: 2, 3: 1}


def test_what_is_said_again_is_not_sent_again(world: World) -> None:
    """A source that repeats itself is not repeated by a running adapter."""
    with world.adapter.running():
        world.kind.put(_1=2, _2=3)
        before = world.adapter.wait_told()
        world.kind.say_again()
        after = world.adapter.wait_told()
        after = world.adapter.wait_told()

    assert world.office == world.kind.living
    assert after.delivered <= before.delivered + len(world.kind.living), "more than one repetition of each"


def test_a_poison_record_is_put_aside_and_the_next_goes_on(world: World) -> None:
    """A record that cannot be mapped stays in quarantine, with field, cause and masked value; what follows arrives."""
    world.kind.put(_1=2)
    world.kind.spoil(9)
    world.kind.put(_2=3)
    found = world.adapter.run_until_told()
    aside = quarantined(world.adapter.state_file)

    assert world.office == world.kind.living == {1: 2, 2: 3}
    assert found.quarantined == len(aside) == 1
    assert aside[0].field in ("members.sex", "dwelling.tenure", "dwelling.floor")
    assert aside[0].value in ("a", "99")


def test_a_broker_that_is_away_is_waited_for(world: World) -> None:
    """While the broker is away changes wait on disk, in order and over a restart; when it is back they are delivered."""
    kafka = world.services.kafka
    with world.adapter.running():
        world.kind.put(_1=2)
        world.adapter.wait_told()
        kafka.stop()
        try:
            world.kind.put(_2=3)
            world.kind.put(_2=4, _3=1)
            until(lambda: (found := world.adapter.status) is not None and found.spooled >= 2, "changes wait in the spool")
            until(lambda: (found := world.adapter.status) is not None and found.state.startswith("waiting for broker"), "the state is told")
        finally:
            pass
    with world.adapter.running():
        kafka.start()
        world.adapter.wait_told()

    assert world.office == world.kind.living == {1: 2, 2: 4, 3: 1}


def test_a_missing_topic_is_waited_for(bare: World) -> None:
    """Without its topic an adapter waits, and says what makes it; once it is there everything arrives."""
    bare.kind.put(_1=2)
    topic = household_topic(bare.kind.regency)
    with bare.adapter.running():
        until(lambda: (found := bare.adapter.status) is not None and found.spooled > 0, "the change waits")
        until(lambda: (found := bare.adapter.status) is not None and found.sending.startswith("waiting for topic"), "the state is told")
        assert (found := bare.adapter.status) is not None
        assert found.sending == f"waiting for topic: {topic} not there, or not for us to see: run muara sources load; the others go on"
        bare.make_topic()
        bare.adapter.wait_told()

    assert bare.office == bare.kind.living


def test_no_identifier_and_no_name_leaves(world: World) -> None:
    """No family card, national identifier, name or address is in any byte of the topic or of the adapter's file; there are no headers."""
    world.kind.put(_1=2, _2=3)
    world.kind.spoil(9)
    world.kind.end(1)
    world.adapter.run_until_told()
    sent = records(world.services.addresses.kafka, world.kind.regency)
    kept = b"".join(part.read_bytes() for part in world.adapter.state.iterdir())
    content = b"".join(record.key + record.value for record in sent) + kept

    with closing(sqlite3.connect(world.adapter.state_file)) as connection:
        assert connection.execute("select count(*) from sealed").fetchone()[0] > 0, "what was put aside is there, too"
    assert not re.search(rb"[0-9]{16}(?![0-9])|WARGA|JALAN|invented-secret", content.replace(KEY.hex().encode(), b"")), "something leaks"
    assert KEY.hex().encode() not in kept
    assert all(record.headers is None for record in sent)


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
    receipt, there = world.adapter.receipt()
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
    changes = {
        "L = 1, P = 2": "L = 1, P = 2, X = 2",
        'path = "P401", range = [1, 5]': 'path = "P401"',
        'path = "lantai", range = [1, 9]': 'path = "lantai"',
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

    with adapter.running(**window) as process:
        kind.put(_2=4, _4=2)
        until(lambda: (found := adapter.status) is not None and found.delivered > 0, "something is sent under both names")
        process.kill()
        process.wait()
    with adapter.running(**window):
        kind.put(_5=1)
        kind.end(1)
        adapter.wait_told()
        assert world.office == kind.living
        if kind.pushes:
            kind.say_all_again()
            adapter.wait_told()
        else:
            told = AdapterSettings(where.kafka, where.registry, adapter.state, rotated(), world.environ)
            resend(kind.region_file, told, datetime(2024, 1, 1, tzinfo=UTC))
    assert world.office == kind.living
    with adapter.running(**after):
        kind.put(_2=5, _3=7)
        kind.end(6)
        kind.end(4)
        adapter.wait_told()

    assert world.office == kind.living == {2: 5, 3: 7, 5: 1}
