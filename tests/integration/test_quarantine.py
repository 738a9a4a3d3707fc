"""What a pushing system's adapter put aside, repaired while it runs, over real Kafka, PostgreSQL and the command line."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager, redirect_stderr, redirect_stdout
from datetime import UTC, datetime
from io import StringIO
from itertools import count
from pathlib import Path
from typing import Any
from unittest import mock

import pytest

from deploy import cli
from deploy.certify.office import Record
from deploy.embedded import EmbeddedServices
from deploy.settings import Settings
from processors.store.verify import verify
from schemas.codec import decode
from schemas.events import Composition, HouseholdChanged, Operation, Residence, Welfare, WelfareBasis
from schemas.registry import Registry
from schemas.topics import household_topic
from tests.contract.harness import Adapter, records, until
from tests.contract.kinds import PushingKind
from tests.integration.repairs import environ, stands, sums
from tests.integration.stage import Stage
from tests.integration.workers import working
from tests.producers import sumedang
from tests.producers.samples import ENVIRON, KEY

_regencies = (f"70.{number:02}" for number in count(1))
SIGNED = ("--yes", "--by", "OFFICER 01", "--reason", "the code is new")
CODE = '[match]\nfield = "members.sex"\n[mapping.members.sex]\ntable = { X = 2 }\n'


@pytest.fixture
def stage(services: EmbeddedServices) -> Stage:
    """One more regency, and the region's."""
    found = Stage.set(services, 1)
    found.add_regency(next(_regencies))
    return found


@contextmanager
def _at_the_region(where: dict[str, str]) -> Iterator[StringIO]:
    """Run commands in this process under the region's environment until the end of the block; give what they print."""
    told = Settings.from_environ(where)  # given to them, since by themselves they would send log lines elsewhere, too
    with (
        mock.patch.dict(os.environ, where),
        mock.patch("deploy.commands.quarantine.settings", return_value=told),
        redirect_stdout(StringIO()) as out,
    ):
        yield out


class World:
    """A pushing system, its adapter, and the office."""

    def __init__(self, stage: Stage, services: EmbeddedServices, folder: Path, listen: dict[str, str], kind: PushingKind) -> None:
        """Put them together; nothing runs yet."""
        self.stage, self.folder, self.kind = stage, folder, kind
        (folder / "local").mkdir()
        self.adapter, self._where = Adapter(kind, {**ENVIRON, **listen}, services.addresses, folder), services.addresses
        (folder / "local" / "adapters").symlink_to(self.adapter.state)  # where `muara` looks for its file
        self.told = 0
        self._process: subprocess.Popen[bytes] | None = None

    @contextmanager
    def running(self) -> Iterator[None]:
        """Run the adapter."""
        with self.adapter.running() as self._process:
            yield

    def wait_told(self) -> None:
        """Wait until all that was pushed is delivered."""
        assert self._process is not None
        self.adapter.wait_told(self._process)

    @property
    def sent(self) -> list[Record]:
        """All that lies in the topic."""
        return records(self._where, self.kind)

    def rejected(self, command: str, *arguments: str, office: bool = True) -> Any:
        """Run `muara rejected` in the region, in this process since it is called so often, and return its JSON."""
        where = environ(self.stage) if office else {}
        where |= {"MUARA_PSEUDONYM_KEY": KEY.hex(), "MUARA_DIRECTORY": str(self.folder / "local")}
        with _at_the_region(where) as out:
            region = ("--region", str(self.kind.region_file), "--format", "json")
            cli.app(["rejected", command, *arguments, *region], standalone_mode=False)
        return json.loads(out.getvalue())

    def words(self, *arguments: str, **more: str) -> tuple[int, str]:
        """Run `muara rejected` as a person does, without services; return its exit code and what it prints."""
        where = {"MUARA_PSEUDONYM_KEY": KEY.hex(), "MUARA_DIRECTORY": str(self.folder / "local"), **more}
        command = ["muara", "rejected", *arguments, "--region", str(self.kind.region_file)]
        with (
            _at_the_region(where) as out,
            mock.patch.object(sys, "argv", command),
            redirect_stderr(StringIO()) as err,
            pytest.raises(SystemExit) as ended,
        ):
            cli.main()
        assert err.getvalue().count("\n") <= 1
        return int(str(ended.value.code or 0)), out.getvalue() + err.getvalue()

    def repaired(self) -> str:
        """Return the path of a repair file."""
        file = self.folder / "code.toml"
        file.write_text(CODE, encoding="utf-8")
        return str(file)

    def drained(self) -> None:
        """Wait until all that the adapter has is sent and merged, and note it as what must stand."""
        self.wait_told()
        until(lambda: (found := self.adapter.status) is not None and found.spooled == 0, "all is sent")
        there = self.sent
        for one in there[self.told :]:
            self.stage.remember(event_of(one, self.stage.registry))
        self.told = len(there)
        self.stage.drained()


def event_of(record: Record, registry: str) -> HouseholdChanged:
    """Return the event in a record, as far as figures go by it."""
    with closing(Registry(registry)) as asked:
        said = decode("HouseholdChanged", record.value, (), asked)
    size, spent = said["composition"], said["welfare"]
    return HouseholdChanged(
        **{name: said[name] for name in ("household", "key_version", "region", "source", "valid_from", "revision", "mapping_version")},
        operation=Operation(said["operation"]),
        recorded_at=datetime(2024, 1, 1, tzinfo=UTC),
        residence=said["residence"] and Residence(said["residence"]["village"]),
        composition=size and Composition(size["size"]),
        welfare=spent and Welfare(spent["expenditure"], WelfareBasis(spent["basis"])),
    )


def test_a_pushed_record_is_repaired_while_the_adapter_runs(stage: Stage, services: EmbeddedServices, tmp_path: Path) -> None:
    """
    Shown without risk, with what it does to the figures; sent by the running adapter; merged as it was shown; proved by the receipt.

    Repaired twice nothing changes; what the source says of it later wins.
    """
    kind = PushingKind(tmp_path, stage.regencies[-1])
    with working(stage), kind.running() as listen:
        world = World(stage, services, tmp_path, listen, kind)
        with world.running():
            kind.put(_1=2, _2=3)
            kind.spoil(9)
            world.drained()
            group, shown = looked_at(world)
            dry = repaired_as_it_was_shown(world)
            repaired_twice_nothing_changes(world)
            what_the_source_says_later_wins(world)
            receipt, found = world.adapter.proved()
            refused = what_the_office_would_reject_is_told(world)
        stage.assert_exact()
        with stage.connect() as conn:
            assert verify(conn).exact

    assert found.holds
    assert sum(one.events for one in receipt.chains) == world.told == 5
    audit = world.rejected("audit", office=False)
    assert [(one["by"], one["reason"], one["entry"]) for one in audit] == [("OFFICER 01", "the code is new", group["example"])] * 2
    assert audit[0]["became"] == audit[1]["became"]
    assert_nothing_leaks(world, json.dumps([group, shown, dry, refused, audit]))


def looked_at(world: World) -> tuple[Any, Any]:
    """The one record that was put aside is counted, and its shape is shown; both are returned."""
    (group,) = world.rejected("group")
    assert (group["count"], group["kept"], group["field"], group["values"]) == (1, 1, "members.sex", "a")
    (shown,) = world.rejected("show", group["example"])
    assert {"path": "data.anggota[].jenis_kelamin", "kind": "text", "masked": "a"} in shown["record"]
    return group, shown


def repaired_as_it_was_shown(world: World) -> Any:
    """Shown nothing changes, with the office or without; sent the figures change as was shown, which is returned."""
    stage, kind = world.stage, world.kind
    before, ends = sums(stage), stage.ends()
    dry = world.rejected("repair", "--with", world.repaired(), "--dry-run")
    assert (dry["meant"], dry["said"], dry["outcomes"]["changes"], dry["households_changed"]) == (1, 1, 1, 1)
    assert world.rejected("repair", "--with", world.repaired(), office=False)["office"] == "the office's database is not known here"
    assert (stage.ends(), sums(stage), len(world.rejected("list"))) == (ends, before, 1)

    done = world.rejected("repair", "--with", world.repaired(), *SIGNED)
    assert (done["said"], done["events"], done["topics"]) == (1, 1, [household_topic(kind.regency)])
    world.drained()
    after = sums(stage)
    assert len(dry["figures"]) > 0
    for one in dry["figures"]:
        assert one["before"] == stands(before, one["before"])
        assert one["after"] == stands(after, one["after"])
    return dry


def repaired_twice_nothing_changes(world: World) -> None:
    """Again nothing is there to repair; pushed anew under another number it is put aside, repaired, and changes nothing."""
    stage, sender = world.stage, world.kind.sender
    once, held = sums(stage), stage.held()
    assert world.rejected("repair", "--with", world.repaired(), *SIGNED)["said"] == 0
    sender.tell(json.loads(sender.told[-1][1]))
    world.drained()
    dry = world.rejected("repair", "--with", world.repaired())
    assert (dry["said"], dry["outcomes"]["held"], dry["figures"]) == (1, 1, [])
    assert world.rejected("repair", "--with", world.repaired(), *SIGNED)["said"] == 1
    world.drained()
    assert (sums(stage), stage.held()) == (once, held)


def what_the_source_says_later_wins(world: World) -> None:
    """The source says the household anew, and that is merged over what was repaired."""
    kind = world.kind
    kind.sender.tell(sumedang.family(9, 99, kode_desa=kind.village, berlaku_sejak=f"{kind.moment:%Y-%m-%d}", jumlah_anggota=7))
    world.drained()
    assert (7, 99) in {(one.size, one.revision) for said in world.stage.said.values() for one in said}


def what_the_office_would_reject_is_told(world: World) -> Any:
    """A record whose repair the office would reject is told before it is sent; what is shown is returned."""
    odd = sumedang.person(1, jenis_kelamin="X")
    world.kind.sender.tell(sumedang.family(8, 100, kode_desa=f"{world.kind.regency}.01.9999", anggota=[odd]))
    world.wait_told()
    dry = world.rejected("repair", "--with", world.repaired())
    assert dry["would_be_rejected"] == {"village_unknown (residence.village)": 1}
    return dry


def assert_nothing_leaks(world: World, told: str) -> None:
    """No card, person's number, name or address in the topic, the adapter's folder, or what was printed."""
    sent = b"".join(one.key + one.value for one in world.sent)
    kept = b"".join(part.read_bytes() for part in world.adapter.state.iterdir())
    content = (sent + kept + told.encode()).replace(b"9" * 16, b"")  # masked
    assert not re.search(rb"(?<![0-9a-f])[0-9]{16}(?![0-9a-f])|WARGA|JALAN|tanggal_lahir.{0,9}1990", content)
    assert KEY.hex().encode() not in content


def test_an_adapter_that_is_away_sends_it_when_it_is_started(stage: Stage, services: EmbeddedServices, tmp_path: Path) -> None:
    """Repaired while nothing runs, neither services nor adapter: the events wait in the spool, and are sent in order later."""
    kind = PushingKind(tmp_path, stage.regencies[-1])
    with kind.running() as listen:
        world = World(stage, services, tmp_path, listen, kind)
        with world.running():
            kind.put(_1=2)
            kind.spoil(9)
            kind.spoil(8)
            world.wait_told()
        assert world.rejected("repair", "--with", world.repaired(), *SIGNED, office=False)["events"] == 2
        assert (found := world.adapter.status) is not None
        assert (found.spooled, found.quarantined) == (2, 0)
        with working(stage), world.running():
            world.drained()
        stage.assert_exact()
    assert world.told == 3


def test_words_for_a_person(stage: Stage, services: EmbeddedServices, tmp_path: Path) -> None:
    """Without JSON the same is told in lines; errors of use are one line and code 2."""
    kind = PushingKind(tmp_path, stage.regencies[-1])
    with kind.running() as listen:
        world = World(stage, services, tmp_path, listen, kind)
        with world.running():
            kind.spoil(9)
            world.wait_told()

    say = world.words
    code, listed = say("list")
    assert (code, "members.sex" in listed, "yes" in listed) == (0, True, True)
    identity = listed.splitlines()[1].split()[0]
    code, shown = say("show", identity)
    assert code == 0
    assert '[mapping.members.sex]\n  table = { "<the source\'s code>" = "<ours>" }' in shown
    assert "data.no_kk" in shown
    assert "9901" not in shown
    assert "is sealed: no key for pseudonyms" in say("show", identity, MUARA_PSEUDONYM_KEY="")[1]
    assert "there is no entry zz" in say("show", "zz")[1]
    code, dry = say("repair", "--with", world.repaired())
    assert code == 0
    assert f"{identity} before: members.sex is a code that the table does not have (value a)" in dry
    assert "after: household " in dry
    assert "1 records would be said, as 1 events" in dry
    assert "the office can tell: the office's database is not known here" in dry
    assert say("repair", "--with", world.repaired(), "--yes", "--by", "X")[0] == 2
    assert "does not go together with --region" in say("list", "--all")[1]
    assert "nothing was repaired" in say("audit")[1]
    code, said = say("repair", "--with", world.repaired(), *SIGNED)
    assert (code, "1 records repaired: 1 events wait in the adapter's spool" in said) == (0, True)
    assert "OFFICER 01" in say("audit")[1]
    assert "nothing is in quarantine" in say("list")[1]
    assert say("list", MUARA_DIRECTORY=str(tmp_path / "elsewhere"))[0] == 2
