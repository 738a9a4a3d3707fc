"""A record put aside is kept sealed, shown as it would be, and said by a mended mapping: once, whatever happens, and with its audit."""

import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from producers.checkpoint import StateFile
from producers.faults import DiskRefuses, MappingChanged, RegionFileWrong
from producers.repair.audit import audited
from producers.repair.carrying_out import SpoolFull
from producers.repair.planning import Planned, Ready
from producers.repair.repair_file import OfAnotherSource
from producers.repair.repairing import Progress, Repairing
from tests.producers.repair.region import CODE, NOW, Region, no_registry, odd, serials, signed, whys
from tests.producers.samples import CARIK
from tests.producers.sumedang import family


@pytest.fixture
def region(tmp_path: Path) -> Region:
    """A region that has said a good record and two odd ones."""
    found = Region(tmp_path)
    found.say(family(1), odd(2), odd(3))
    return found


def contents(region: Region) -> dict[str, list[object]]:
    """Return all rows of the adapter's file that tell of records, events and mappings."""
    with StateFile(region.state_file, "desa") as state:
        tables = ("adapter", "quarantine", "sealed", "spool", "mapping", "pseudonym_key")
        return {name: state.connection.execute(f"select * from {name}").fetchall() for name in tables}  # noqa: S608


def test_a_repair_file_mends_what_it_means(region: Region) -> None:
    """What a dry run shows is what is said: under the source's revision and the region's version; the quarantine is empty then."""
    file = region.written(CODE)
    before = contents(region)
    shown = [one.plan for one in region.planned(file)]
    assert [len(one.events) for one in shown if isinstance(one, Ready)] == [1, 1]
    assert serials(region.spooled(), region.pseudonyms) == [1]
    assert len(region.entries()) == 2
    assert contents(region) == before

    counts = region.repair(file)

    said = region.spooled()
    assert (counts.ready, counts.events, counts.left) == (2, 2, {})
    assert serials(said, region.pseudonyms) == [1, 2, 3]
    assert {(one["revision"], one["mapping_version"], one["members"][0]["sex"]) for one in said[1:]} == {(1, 1, 2)}
    assert (region.entries(), region.status.quarantined, region.status.spooled) == ([], 0, 3)


def test_repairing_twice_says_nothing_twice(region: Region) -> None:
    """The second time there is nothing to repair; said again by the source and repaired again, the event is the same to the byte."""
    file = region.written(CODE)
    region.repair(file)
    assert (region.repair(file).ready, len(region.spooled())) == (0, 3)
    region.say(odd(2))
    region.repair(file)
    with StateFile(region.state_file, "desa") as state:
        values = [value for (value,) in state.connection.execute("select value from spool order by seq")]
    assert values[1] == values[3]


def test_a_mended_region_file_says_it_under_its_version(region: Region) -> None:
    """A whole region file mends all that it can read; its version must be another where its mapping is."""
    changed = ("L = 1, P = 2 }", "L = 1, P = 2, X = 2 }")
    with pytest.raises(MappingChanged):
        region.opened(region.mended(changed, version=1))
    assert region.repair(region.mended(changed)).ready == 2
    assert [one["mapping_version"] for one in region.spooled()] == [1, 2, 2]
    with pytest.raises(MappingChanged):
        region.opened(region.mended(("L = 1, P = 2 }", "L = 1, P = 2, X = 1 }")))


def test_a_region_file_of_another_source_is_refused(region: Region) -> None:
    """The key of one source's claims is its id."""
    with pytest.raises(OfAnotherSource, match="is of source carik, and the records are of desa"):
        region.opened(CARIK)


def test_what_is_still_wrong_stays(region: Region) -> None:
    """Of some records the mended mapping reads only a part: the others stay, with what is wrong now."""
    region.say(odd(4, kode_desa="WARGA 000001"))
    file = region.written(CODE.replace('field = "members.sex"', 'field = ["members.sex", "residence.village"]'))
    assert whys(region, file) == {
        "still cannot be mapped: residence.village is no village's code such as 31.74.01.1001 (value aaaaa 999999)"
    }
    assert region.repair(file).ready == 2
    assert [one.field for one in region.entries()] == ["residence.village"]


def test_only_those_meant_are_touched(region: Region) -> None:
    """By id, field, cause, masked value, place and day; all that is named must be so."""
    one, other = region.entries()
    assert len(region.planned(region.written(CODE.replace("[match]", f'[match]\nid = "{one.id}"')))) == 1
    for line, meant in (
        ('cause = "is a code that the table does not have"', 2),
        ('cause = "is missing"', 0),
        ('value = "a"', 2),
        ('place = ["/desa", "/other"]', 2),
        ("put_from = 2024-06-02", 0),
        ("put_until = 2024-06-01", 2),
    ):
        assert len(region.planned(region.written(CODE.replace("[match]", f"[match]\n{line}")))) == meant
    region.repair(region.written(CODE.replace("[match]", f'[match]\nid = "{other.id}"')))
    assert region.entries() == [one]


def test_mistakes_of_a_repair_file_are_told_at_once(region: Region) -> None:
    """Each with its line; nothing is looked at."""
    file = region.written(
        "[match]\nfeld = 'members.sex'\nput_from = 'today'\n[mapping]\nrevision = { constant = 9 }\nhousehold = 'x'\n"
        "[mapping.members]\nsex = { tabel = { X = 2 } }\n[source]\nkind = 'rest'\n"
    )
    with pytest.raises(RegionFileWrong) as told:
        region.opened(file)
    lines = str(told.value).splitlines()
    assert "repair.toml: line 2, match.feld: is not known here: is field meant?" in lines
    assert "repair.toml: line 3, match.put_from: must be a date without quotes, such as 2024-01-31" in lines
    assert any(line.startswith("repair.toml: line 5, mapping.revision: cannot be repaired") for line in lines)
    assert any(line.startswith("repair.toml: line 6, mapping.household: cannot be repaired") for line in lines)
    assert any("line 8, mapping.members.sex" in line for line in lines)
    assert any("line 9, source: does not belong into a repair file" in line for line in lines)
    with pytest.raises(RegionFileWrong, match="holds 16 digits in a row"):
        region.opened(region.written(CODE + "# x\n[mapping.ended]\nconstant = '1234567890123456'\n"))
    with pytest.raises(RegionFileWrong, match="says which records are meant"):
        region.opened(region.written("[mapping.members.sex]\ntable = { X = 2 }\n"))


def test_what_the_source_has_corrected_is_not_said(region: Region) -> None:
    """Between looking and writing the source says a record anew: nothing of the old one is said; a renewed one stays, too."""

    class Slow(Repairing):
        """Looks, and writes when the source has said more."""

        def plans(self, progress: Progress) -> Iterator[Sequence[Planned]]:
            looked = list(super().plans(progress))
            region.say(family(2, 2), odd(3))
            yield from looked

    with Slow(region.written(CODE), region.file, region.state_file, region.pseudonyms, {}) as work:
        counts = work.send(signed(work), no_registry, 1 << 30, lambda _, __: None)
    assert (counts.ready, counts.meanwhile) == (0, 2)
    assert serials(region.spooled(), region.pseudonyms) == [1, 2]
    assert len(region.entries()) == 1


# ---- whatever is full or ends ---------------------------------------------------------------------------------------------------


def test_a_full_spool_stops_it_before_it_writes(region: Region) -> None:
    """A broker that is away must not let a repair fill the disk: it says so, and the same repair goes on later."""
    file = region.written(CODE)
    with pytest.raises(SpoolFull, match="run it again when the broker has taken them"):
        region.repair(file, spool_bytes=1)
    assert (len(region.entries()), len(region.spooled())) == (2, 1)
    assert region.repair(file).ready == 2


def test_a_full_disk_leaves_everything_as_it_was(region: Region, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the disk refuses, entry and record stay, nothing is spooled, and no audit speaks of it."""
    file = region.written(CODE)
    with region.opened(file) as work:
        pages = work._state.connection.execute("pragma page_count").fetchone()[0]
        filler = signed(work)
        big = type(filler)(filler.by, filler.account, "x" * 200_000, filler.file_name, filler.file_digest)
        work._state.connection.execute(f"pragma max_page_count = {pages + 8}")
        with pytest.raises(DiskRefuses, match="SQLITE_FULL"):
            work.send(big, no_registry, 1 << 30, lambda _, __: None)
    assert (len(region.entries()), len(region.spooled()), audited(region.state_file, 9)) == (2, 1, [])
    assert region.repair(file).ready == 2


def test_killed_in_the_midst_it_goes_on(tmp_path: Path) -> None:
    """A repair that ends between two parts has said the first whole, audit and all; the same repair again says the rest."""
    region = Region(tmp_path)
    region.say(*(odd(serial) for serial in range(1, 501)))
    file = region.written(CODE)
    looked = []

    def die(done: int, _: int) -> None:
        looked.append(done)
        if done >= 200:
            raise KeyboardInterrupt

    with region.opened(file) as work, pytest.raises(KeyboardInterrupt):
        work.send(signed(work), no_registry, 1 << 30, die)
    assert looked == [0, 200]
    assert (len(region.entries()), len(region.spooled()), len(audited(region.state_file, 1000))) == (300, 200, 200)
    assert region.repair(file).ready == 300
    assert len({one["household"] for one in region.spooled()}) == 500


@pytest.mark.parametrize("step", ["take_back_records", "note"])
def test_killed_within_a_part_nothing_of_it_is_there(region: Region, step: str) -> None:
    """After kill -9 in the midst of writing, entry and record stand as before and nothing is spooled; the same repair does it all."""
    file = region.written(CODE)
    before = contents(region)
    program = (
        "import os, sys; from pathlib import Path; from producers.repair import carrying_out;"
        "from tests.producers.repair.region import Region;"
        f"carrying_out.{step} = lambda *_: os.kill(os.getpid(), 9);"
        "Region.__init__(region := object.__new__(Region), Path(sys.argv[1]));"
        "region.repair(Path(sys.argv[2]))"
    )
    root = str(Path(__file__).parents[3])
    ended = subprocess.run([sys.executable, "-c", program, str(region.folder), str(file)], cwd=root, check=False, timeout=60)  # noqa: S603
    assert ended.returncode == -signal.SIGKILL
    assert contents(region) == before
    assert audited(region.state_file, 9) == []
    assert region.repair(file).ready == 2


def test_an_adapter_at_work_is_not_locked_out(region: Region) -> None:
    """While a repair stands between two parts, the adapter writes at once; and the repair while the adapter's connection is open."""
    file = region.written(CODE)
    with StateFile(region.state_file, "desa") as running, region.opened(file) as work:
        running.connection.execute("pragma busy_timeout = 0")
        plans = work.plans(lambda _, __: None)
        next(plans)
        with running.transaction():
            running.connection.execute("update adapter set asked_at = ?", (NOW.isoformat(),))
        assert list(plans) == []
        assert work.send(signed(work), no_registry, 1 << 30, lambda _, __: None).ready == 2
        with running.transaction():
            running.connection.execute("update adapter set asked_at = ?", (NOW.isoformat(),))
