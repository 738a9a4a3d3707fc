"""A record put aside is kept sealed, shown as it would be, and said by a mended mapping: once, whatever happens, and with its audit."""

import json
import re
import sqlite3
from collections.abc import Iterator, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from producers import sealed
from producers.checkpoint import StateFile
from producers.faults import DiskRefuses, KeyNotBegun, MappingChanged, RegionFileWrong
from producers.mapping import Mapper
from producers.pseudonym import Pseudonyms
from producers.quarantine import PutAside, put_aside, take_back
from producers.records import Node
from producers.region_file import read_region_file
from producers.repair.audit import audited
from producers.repair.carrying_out import SpoolFull
from producers.repair.entries import NoSuchEntry, entry, grouped
from producers.repair.match import Match
from producers.repair.planning import NOT_KEPT, Left, Planned, Ready
from producers.repair.repair_file import OfAnotherSource
from producers.repair.repairing import Progress, Repairing
from producers.sealed import make_tables
from producers.told import record_of, told
from tests.producers.repair.region import NOW, Region, no_registry, serials, signed
from tests.producers.samples import CARIK, ENVIRON, KEY, NEW_KEY, card
from tests.producers.sumedang import family, person

CODE = '[match]\nfield = "members.sex"\n[mapping.members.sex]\ntable = { X = 2 }\n'
"""A repair file that knows the code."""


def odd(serial: int, urut: int = 1, **more: Any) -> dict[str, object]:
    """Return a family with a code that nobody knows."""
    return family(serial, urut, anggota=[person(1, jenis_kelamin="X")], **more)


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


def whys(region: Region, file: Path, pseudonyms: Pseudonyms | None = None) -> set[str]:
    """Return why records stay."""
    return {one.plan.why for one in region.planned(file, pseudonyms) if isinstance(one.plan, Left)}


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


def test_a_correction_takes_the_sealed_record_along(region: Region) -> None:
    """However an entry leaves, no sealed record is left behind, and the count of bytes is right."""
    region.say(family(2, 2))
    with StateFile(region.state_file, "desa") as state:
        assert _sealed(state) == 1
        with state.transaction():
            take_back(state, "/desa")
        assert (_sealed(state), state.connection.execute("select bytes from sealed_bytes").fetchone()) == (0, (0,))


def _sealed(state: StateFile) -> int:
    return int(state.connection.execute("select count(*) from sealed").fetchone()[0])


# ---- nothing leaks -----------------------------------------------------------------------------------------------------------------


def test_no_byte_of_a_person_stands_in_the_file(region: Region) -> None:
    """Before and after a repair: no card, no person's number, name or code stands in any byte of the adapter's file."""
    for _ in range(2):
        content = region.bytes_on_disk()
        assert not re.search(rb"[0-9]{16}|WARGA|pengeluaran|tanggal_lahir|1990-05-05", content)
        assert KEY not in content
        region.repair(region.written(CODE))


def test_a_record_opens_with_its_own_key_only(region: Region) -> None:
    """Another key under the same version, or a record moved to another entry, opens nothing, and says so; nothing else is stopped."""
    file = region.written(CODE)
    with pytest.raises(KeyNotBegun, match="give the key that it runs with"):
        region.opened(file, Pseudonyms(NEW_KEY, 1))
    with StateFile(region.state_file, "desa") as state:
        (first, content), (second, _) = state.connection.execute("select mark, content from sealed order by seq").fetchall()
        state.connection.execute("update sealed set content = ? where mark = ?", (content, second))
    assert [isinstance(one.plan, Ready) for one in region.planned(file)] == [True, False]
    assert "does not open with version 1 of the key" in whys(region, file).pop()
    assert first != second


def test_a_rotated_key_opens_while_both_are_there(region: Region) -> None:
    """With the older key beside the new one all opens, and names its household by both; without it, it is said which is wanted."""
    file = region.written(CODE)
    region.pseudonyms = Pseudonyms(NEW_KEY, 2, Pseudonyms(KEY, 1))
    region.say(odd(4))
    plans = [one.plan for one in region.planned(file)]
    assert [isinstance(one, Ready) for one in plans] == [True, True, True]
    assert isinstance(plans[0], Ready)
    assert plans[0].events[0].previous_household == Pseudonyms(KEY, 1).family_card(card(2))

    region.pseudonyms = Pseudonyms(NEW_KEY, 2)
    assert [isinstance(one.plan, Ready) for one in region.planned(file)] == [False, False, True]
    assert "was sealed with version 1 of the key, and version 2 is at hand" in whys(region, file).pop()


# ---- bounds ------------------------------------------------------------------------------------------------------------------------


def test_records_are_bounded_by_bytes(region: Region, monkeypatch: pytest.MonkeyPatch) -> None:
    """Beyond the bound the oldest records give way; their entries stay and say so."""
    monkeypatch.setattr(sealed, "_MOST_BYTES", 2_000)
    region.say(*(odd(serial) for serial in range(4, 9)))
    kept = [one.kept for one in region.entries()]
    assert len(kept) == 7
    assert kept[0]
    assert kept == sorted(kept, reverse=True)
    with StateFile(region.state_file, "desa") as state:
        held, told = state.connection.execute("select sum(length(content)), (select bytes from sealed_bytes) from sealed").fetchone()
    assert held == told <= 2_000
    assert whys(region, region.written(CODE)) == {NOT_KEPT}


def test_a_huge_record_is_not_kept(region: Region) -> None:
    """A record of more than a megabyte is put aside as all are, without its content."""
    region.say(odd(9, catatan="x" * (1 << 20)))
    newest = region.entries()[0]
    assert (newest.field, newest.kept) == ("members.sex", False)


def test_a_hostile_record_is_put_aside_and_shown(region: Region) -> None:
    """Depth, names that are numbers, lone surrogates and odd types neither stop the adapter nor a repair, nor reach a terminal."""
    deep: object = 1
    for _ in range(30):
        deep = {"a": [deep]}
    region.say({"data": deep}, {"data": {card(1): "\ud800", "kode_desa": 3}}, [], None, 5, "WARGA 000001", {"data": None})
    assert len(region.entries()) == 9
    assert region.repair(region.written(CODE.replace("[match]", '[match]\nplace = "/desa"'))).ready == 2
    mended = region.mended(("L = 1, P = 2 }", "L = 1, P = 2, X = 2 }"))
    assert region.repair(mended).ready == 0
    assert len(region.entries()) == 7


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


# ---- audit and what people see -----------------------------------------------------------------------------------------------------


def test_the_audit_says_who_when_why_and_what(region: Region) -> None:
    """Of each repair: person, account, reason, file, the entry as it stood, and the event: whose, and what it speaks of; no amount."""
    ids = {one.id for one in region.entries()}
    region.repair(region.written(CODE))
    rows = audited(region.state_file, 10)
    assert {one.entry for one in rows} == ids
    one = rows[-1]
    assert (one.by, one.account, one.reason, one.file, len(one.file_sha256)) == (
        "OFFICER 01",
        "account",
        "the code is new",
        "repair.toml",
        64,
    )
    assert (one.field, one.cause, one.value, one.place) == ("members.sex", "is a code that the table does not have", "a", "/desa")
    assert one.repaired_at - one.put_at > timedelta(0)
    (event,) = one.became
    assert event["household"] == region.pseudonyms.family_card(card(2)).hex()
    assert (event["valid_from"], event["revision"], event["mapping_version"], len(event["sha256"])) == ("2024-05-01", 1, 1, 64)
    assert event["says"] == ["residence", "composition", "welfare", "dwelling", "members", "programmes"]
    assert "3100000" not in json.dumps([one.as_dict() for one in rows])
    assert audited(region.state_file, 10, "nobody") == []


def test_entries_are_counted_and_found(region: Region) -> None:
    """By field and cause with masked values; one by its id or the beginning of it."""
    region.say({"data": None})
    groups = grouped(region.state_file, Match())
    assert [(one.count, one.kept, one.field, one.values) for one in groups] == [
        (2, 2, "members.sex", ["a"]),
        (1, 1, "residence.village", ["nothing"]),
    ]
    found = entry(region.state_file, groups[0].example[:6])
    assert found.id == groups[0].example
    with pytest.raises(NoSuchEntry, match="no entry 0000zz"):
        entry(region.state_file, "0000zz")
    with pytest.raises(NoSuchEntry):
        entry(region.state_file, "")


def test_a_quarantine_from_before_can_be_looked_at(tmp_path: Path) -> None:
    """A file of an adapter that kept no records yet is listed; a repair says that they are not kept, and keeps those to come."""
    region = Region(tmp_path)
    with StateFile(region.state_file, "desa") as state, state.transaction():
        put_aside(state, [PutAside(b"m", "/desa", "members.sex", "is missing", "nothing")], NOW)
    assert [one.kept for one in region.entries()] == [False]
    assert whys(region, region.written(CODE)) == {NOT_KEPT}


def test_a_batch_whose_path_has_changed_is_split_again(region: Region) -> None:
    """A body that no path of records fitted was put aside whole: through the mended path it becomes its notifications, all or none."""
    region.say({"pesan": [family(5), family(6)]}, {"pesan": [family(7), odd(8)]})
    mended = region.mended(('records = "notifikasi[]"', 'records = "pesan[]"'), version=1)
    counts = region.repair(mended)
    assert (counts.ready, counts.events) == (1, 2)
    assert serials(region.spooled(), region.pseudonyms) == [1, 5, 6]
    assert len(region.entries()) == 3


def test_a_repair_is_no_slower_than_reading(tmp_path: Path) -> None:
    """Ten thousand records are looked at and said a part at a time, each part told."""
    region = Region(tmp_path)
    region.say(*(odd(serial % 10_000) for serial in range(1, 2_001)))
    told: list[tuple[int, int]] = []
    with region.opened(region.written(CODE)) as work:
        work.send(signed(work), no_registry, 1 << 30, lambda done, of: told.append((done, of)))
    assert told[0] == (0, 2_000)
    assert told[-1] == (2_000, 2_000)
    assert len(told) == 11
    with sqlite3.connect(region.state_file) as connection:
        assert connection.execute("select count(*), (select spooled from adapter) from spool").fetchone() == (2_000, 2_000)
    connection.close()


def test_sealing_is_undone_by_opening(region: Region) -> None:
    """What was sealed is what the mapping was given: the same event comes of it."""
    mapper = Mapper(read_region_file(region.file, ENVIRON), region.pseudonyms)
    whole = Node(family(1), Node({"a": 1}))
    content = mapper.told(whole)
    assert content is not None
    back, part = record_of(content)
    assert (back, part, mapper.event(back)) == (whole, False, mapper.event(whole))
    assert told(Node(family(1)), (), part=True) is not None


def test_tables_are_made_once(region: Region) -> None:
    """Making them again loses nothing."""
    with StateFile(region.state_file, "desa") as state:
        make_tables(state.connection)
        assert _sealed(state) == 2
