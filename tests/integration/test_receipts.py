"""A receipt at the office: what an adapter sent is merged, rejected or behind, and what was passed over is found."""

import json
import sqlite3
import threading
from collections import Counter
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path
from signal import SIGKILL
from types import SimpleNamespace
from typing import cast

import psycopg
import pytest
from psycopg.conninfo import make_conninfo
from psycopg.sql import SQL, Identifier

from deploy.certify.process import STEPS
from deploy.demo.compare import Comparison
from deploy.demo.proofs import proved
from deploy.demo.run import Outcome
from deploy.demo.sections import Sections
from deploy.embedded import Addresses, EmbeddedServices
from processors.settings import WorkerSettings
from processors.store.receipts import Became, check_receipt
from processors.store.verify import Verification
from producers.checkpoint import StateFile
from producers.ledger import receipt_of
from producers.publisher import Publisher
from producers.rereading import Rereader, prove, with_topic_ids
from producers.spool import Spool
from schemas.codec import encode
from schemas.events import HouseholdChanged
from schemas.receipts import Receipt
from schemas.registry import Registry
from schemas.topics import household_topic
from tests.contract.harness import Adapter
from tests.contract.kinds import CarikKind
from tests.deploy.test_cli import CARIK, muara
from tests.integration.events import changed, household_key
from tests.integration.stage import Stage
from tests.integration.workers import working
from tests.schemas.test_receipts import chain


@pytest.fixture
def stage(services: EmbeddedServices) -> Stage:
    """One regency."""
    return Stage.set(services, 1)


class Sent:
    """An adapter's delivering half over a stage, and its receipt."""

    def __init__(self, stage: Stage, folder: Path) -> None:
        """Keep the state file in a folder."""
        self._stage, self._state = stage, folder / "carik.sqlite"

    def send(self, events: Iterable[HouseholdChanged]) -> None:
        """Send events through spool and publisher."""
        spooled = [(one.region, one.household, encode(one, self._stage.schema_id())) for one in events]
        with StateFile(self._state, "carik") as state:
            with state.transaction():
                Spool(state).append(spooled)
            publisher = Publisher(self._stage.kafka, self._stage.regencies, state, threading.Event())
            publisher.run(threading.Event(), lambda: True)
            publisher.stop(5)

    def receipt(self) -> Receipt:
        """Return what the adapter's file says, with the topic as it is now."""
        made = receipt_of(self._state)
        assert made is not None
        with Rereader(self._stage.kafka) as reader:
            named = with_topic_ids(made, reader.topic_ids([one.topic for one in made.chains]))
            assert all(one.holds for one in prove(reader, named).values())
        return named

    def became(self, receipt: Receipt | None = None) -> Became:
        """Return what became of it at the office."""
        stage = self._stage
        with closing(Registry(stage.registry)) as registry:
            (one,) = check_receipt(
                receipt or self.receipt(), WorkerSettings(stage.kafka, stage.registry, stage.database), registry
            ).values()
        return one


def said(stage: Stage, count: int, source: str = "carik", revision: int = 1, village: str = "1001") -> list[HouseholdChanged]:
    """Return events of so many households."""
    code = stage.regencies[0]
    return [
        changed(household_key(number), code, source, revision=revision, village=f"{code}.01.{village}", size=2, expenditure=1_000_000)
        for number in range(count)
    ]


def test_what_was_sent_is_merged_rejected_or_behind(stage: Stage, tmp_path: Path) -> None:
    """Among records of another source: before a worker reads nothing is said, then all is counted, and what comes later is behind."""
    sent = Sent(stage, tmp_path)
    sent.send([*said(stage, 30), *said(stage, 3, village="9999")])
    stage.send(said(stage, 10, "desa"))
    sent.send(said(stage, 20, revision=2))
    unread = sent.became()
    with working(stage):
        stage.drained()
        read = sent.became()
    sent.send(said(stage, 5, revision=3))
    later = sent.became()

    assert (unread.why_not, unread.holds, unread.found.holds) == ("no worker has read it yet", False, True)
    assert (read.sent, read.merged, read.rejected, read.behind, read.unmerged) == (53, 50, Counter(village_unknown=3), 0, 0)
    assert read.holds
    assert (read.found.events, read.found.others, read.found.empty) == (53, Counter(desa=10), 0)
    assert (read.next_offset, read.halted) == (63, None)
    assert read.epoch > 0
    assert (later.sent, later.merged, later.behind, later.holds) == (58, 50, 5, False)


def test_repairs_are_told(stage: Stage, tmp_path: Path) -> None:
    """A rejected record that the office repaired and sent again is told as such, and so is what it sent in the source's name."""
    sent = Sent(stage, tmp_path)
    sent.send(said(stage, 2, village="9999"))
    stage.send(said(stage, 1))
    sent.send(said(stage, 1, revision=2))
    with working(stage):
        stage.drained()
    with stage.connect() as connection:
        connection.execute(
            "insert into repair (topic, topic_id, partition, record_offset, cause, field, repaired_by, account, reason, file_name,"
            " file_digest, changes, value_digest, sent_topic, sent_partition, sent_offset, sent_at)"
            " select topic, topic_id, 0, 1, 'village_unknown', 'residence.village', 'A', 'a', 'r', 'm.toml',"
            " %(d)s, '[]', %(d)s, topic, 0, 2, now() from ingest_offset",
            {"d": bytes(32)},
        )
    found = sent.became()

    assert (found.sent, found.merged, found.rejected.total(), found.repaired, found.repairs) == (3, 1, 2, 1, 1)
    assert (found.found.unknown, found.found.unknown_at, found.holds) == (1, 2, True)


def test_what_was_passed_over_is_found(stage: Stage, tmp_path: Path) -> None:
    """Records that a person let workers skip (muara offsets accept --at) are read past, and neither held nor rejected: that shows."""
    sent = Sent(stage, tmp_path)
    sent.send(said(stage, 12))
    with working(stage):
        stage.drained()
    sent.send(said(stage, 12, revision=2))
    with stage.connect() as connection:
        connection.execute("update ingest_offset set next_offset = 20, epoch = epoch + 1")
    with working(stage):
        stage.drained()
    found = sent.became()

    assert (found.sent, found.merged, found.unmerged, found.unmerged_at, found.behind) == (24, 16, 8, 12, 0)
    assert found.found.holds
    assert not found.holds


def test_a_topic_made_anew_is_told(stage: Stage, tmp_path: Path) -> None:
    """Of a receipt for a topic that was deleted and made again nothing is said to be merged, though its offsets were read."""
    sent = Sent(stage, tmp_path)
    sent.send(said(stage, 3))
    with working(stage):
        stage.drained()
    receipt = sent.receipt()
    other = with_topic_ids(receipt, {household_topic(stage.regencies[0]): "another"})
    with stage.connect() as connection:
        connection.execute("update ingest_offset set topic_id = 'another'")
    (before, after) = (sent.became(other), sent.became(receipt))

    assert (before.why_not, before.merged) == ("the topic was made anew since the receipt", 0)
    assert (after.why_not, after.merged) == ("the topic was made anew since workers read it: muara offsets show", 0)


def test_it_holds_after_kill_9_at_each_step(stage: Stage, services: EmbeddedServices, tmp_path: Path) -> None:
    """An adapter killed at one step after the other: what it sent is merged, and each record beyond that is one it sent again."""
    kind = CarikKind(tmp_path, stage.add_regency("99.45"))  # of two digits, as region files want it
    with kind.running() as environ:
        adapter = Adapter(kind, environ, services.addresses, tmp_path)
        for number, step in enumerate(STEPS):
            kind.put(**{f"_{serial}": 1 + number for serial in range(1, 20)})
            with adapter.running(die_at=step, die_times="1") as process:
                assert process.wait(40) == -SIGKILL, step
        told = adapter.run_until_told()
    with working(stage):
        stage.drained()
    receipt, there = adapter.proved()
    with closing(Registry(stage.registry)) as registry:
        (found,) = check_receipt(receipt, WorkerSettings(stage.kafka, stage.registry, stage.database), registry).values()

    assert found.holds
    assert found.found == there
    assert (found.sent, found.merged, found.rejected.total()) == (told.delivered, told.delivered, 0)
    assert (found.sent + there.again, there.unknown) == (found.next_offset, 0)
    assert there.again > 0


def test_region_and_office_prove_it_by_their_commands(stage: Stage, tmp_path: Path) -> None:
    """The region writes its receipt, the office proves it; a forged one is refused or not proved, with the place."""
    sent = Sent(stage, tmp_path / ".muara" / "adapters")
    sent.send(said(stage, 9))
    region = {"MUARA_KAFKA": stage.kafka, "MUARA_REGISTRY": stage.registry}
    office = {**region, "MUARA_DATABASE": stage.database}
    with working(stage):
        stage.drained()
    written = muara("adapter", "receipt", str(CARIK), "--out", "receipt.json", cwd=tmp_path, **region)
    proved = muara("receipt", "check", "receipt.json", cwd=tmp_path, **office)
    as_json = muara("receipt", "check", "receipt.json", "--json", cwd=tmp_path, **office)
    text = (tmp_path / "receipt.json").read_bytes()

    assert (written.returncode, written.stderr) == (0, "")
    assert written.stdout.splitlines()[-1] == "all that was sent is there"
    assert (proved.returncode, proved.stderr) == (0, "")
    assert proved.stdout.splitlines()[-1] == "all that was sent is merged or rejected"
    told = json.loads(as_json.stdout)
    assert (told["holds"], told["partitions"][0]["sent"], told["partitions"][0]["merged"]) == (True, 9, 9)

    head = Receipt.read(text).chains[0].head.hex()
    (tmp_path / "head.json").write_bytes(text.replace(head.encode(), head[::-1].encode()))
    (tmp_path / "count.json").write_bytes(text.replace(b'"events":9,"head"', b'"events":8,"head"'))
    forged = muara("receipt", "check", "head.json", cwd=tmp_path, **office)
    refused = muara("receipt", "check", "count.json", cwd=tmp_path, **office)

    assert forged.returncode == 1
    assert "offsets 0 to 8: the records there are not those that were sent, or not as many" in forged.stdout
    assert "this receipt was changed after it was made" in forged.stdout
    assert forged.stdout.splitlines()[-1] == "NOT PROVED"
    assert refused.returncode == 2
    remedy = "give the file that muara adapter receipt --out wrote, unchanged"
    assert refused.stderr == f"muara: the receipt is refused at chains[0].segments[0].events: 8, but its offsets are 9; {remedy}\n"


def test_an_office_that_knows_nothing_yet_says_so(services: EmbeddedServices, tmp_path: Path) -> None:
    """Before anything was loaded, nothing can be proved, and what comes first is said."""
    receipt = Receipt.of("carik", 0, [chain([(0, b"k", b"v")])])
    (tmp_path / "receipt.json").write_bytes(receipt.text())
    name = f"receipts_{id(tmp_path)}"
    with psycopg.connect(services.addresses.database, autocommit=True) as server:
        server.execute(SQL("create database {}").format(Identifier(name)))
    where = {"MUARA_KAFKA": services.addresses.kafka, "MUARA_REGISTRY": services.addresses.registry}
    shown = muara(
        "receipt", "check", "receipt.json", cwd=tmp_path, **where, MUARA_DATABASE=make_conninfo(services.addresses.database, dbname=name)
    )

    assert (shown.returncode, shown.stdout) == (2, "")
    assert shown.stderr.splitlines()[-1].startswith("muara: the database holds no reference version yet")


def test_a_demo_whose_receipts_are_not_proved_is_not_exact(stage: Stage, tmp_path: Path) -> None:
    """What no worker has read, what the topic holds otherwise, and an adapter that sent nothing each make the demo fail, by name."""
    sent, where = Sent(stage, tmp_path), Addresses(stage.kafka, stage.registry, stage.database)
    sent.send(said(stage, 30))
    adapters = {"carik": tmp_path / "carik.sqlite", "desa": tmp_path / "desa.sqlite"}
    unread, silent = proved(where, adapters)
    with working(stage):
        stage.drained()
        (read,) = proved(where, {"carik": adapters["carik"]})
    with closing(sqlite3.connect(adapters["carik"])) as file, file:
        file.execute("update receipt_segment set head = zeroblob(32)")
    (lied,) = proved(where, {"carik": adapters["carik"]})

    assert [str(unread), str(silent)] == [
        f"carik: NOT PROVED: {household_topic(stage.regencies[0])}: no worker has read it yet",
        "desa: NOT PROVED: it has sent nothing",
    ]
    assert (read.sent, read.there, read.merged, read.why_not) == (30, 30, 30, "")
    assert str(read).startswith("carik: 30 events sent to 1 topic, all there, 30 merged, 0 rejected; head ")
    assert lied.why_not
    fine = cast("Verification", SimpleNamespace(exact=True, dirty=()))
    alike, same = cast("Comparison", SimpleNamespace(differences=())), Sections(1, {}, ())
    for receipts, exact in (([read], True), ([read, silent], False), ([lied], False), ([unread], False)):
        assert Outcome(fine, alike, same, receipts, 30, 0, 0, {}).exact == exact
    differs = Sections(1, {}, (("carik", "31.74", "2024-03-01", "members", "not held"),))
    assert not Outcome(fine, alike, differs, [read], 30, 0, 0, {}).exact
