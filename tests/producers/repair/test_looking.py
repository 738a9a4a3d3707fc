"""What people see of a quarantine and of its repairs: entries, groups, the audit, progress; never a value but masked."""

import json
import sqlite3
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from producers.checkpoint import StateFile
from producers.faults import RegionFileWrong
from producers.quarantine import PutAside, put_aside
from producers.records import Node
from producers.repair.audit import audited
from producers.repair.entries import NoSuchEntry, entry, grouped
from producers.repair.match import Match
from producers.repair.planning import NOT_KEPT
from producers.repair.shape import NEW_CODE, NEW_FIELD, repair_for, shape_of
from tests.producers.repair.region import CODE, NOW, Region, no_registry, odd, serials, signed, whys
from tests.producers.samples import card
from tests.producers.sumedang import family, person


@pytest.fixture
def region(tmp_path: Path) -> Region:
    """A region that has said a good record and two odd ones."""
    found = Region(tmp_path)
    found.say(family(1), odd(2), odd(3))
    return found


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


def test_a_long_repair_tells_how_far_it_is(tmp_path: Path) -> None:
    """Two thousand records are looked at and said a part at a time, each part told."""
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


def test_the_shape_of_a_record_is_told_and_no_value(region: Region) -> None:
    """Paths as a region file writes them, kinds and masks of all items of a list; names that may be numbers are masked, too."""
    found = shape_of(Node({card(1): 1, "anggota": [person(1), person(2, nik=7)]}, Node({"desa": None})))
    assert found[0] == ("9999999999999999", "number", "9")
    assert ("anggota[].nik", "text, number", "9999999999999999, 9") in found
    assert found[-1] == ("^.desa", "nothing", "")
    hostile = {f"x{number}": [number] * 50 for number in range(5_000)}
    assert len(shape_of(Node(hostile))) == 200
    assert repair_for(region.entries()[0])[:3] == ["[match]", 'field = "members.sex"', 'cause = "is a code that the table does not have"']


@pytest.mark.parametrize(
    ("field", "wanted"),
    [
        ("residence.village", 'village = { constant = "<the village\'s code>" }   # of a regency of the region file'),
        ("valid_from", 'valid_from = { path = "<where it is>" }   # or: constant = <what it is>'),
        ("members.birth_year", "[mapping.members.birth_year]"),
        ("members", 'each = "<the path of it>"'),
        ("dwelling", 'when = "<the path of it>"'),
        ("notifikasi[]", None),
        ("household", None),
        ("revision", None),
    ],
)
def test_each_fault_has_a_file_to_begin_with(region: Region, field: str, wanted: str | None) -> None:
    """It is TOML that names what is to be filled in; what only the source can say has none."""
    one = replace(region.entries()[0], field=field, cause="is no date")
    lines = repair_for(one)
    assert (wanted in lines) if wanted else lines == []
    if wanted:
        with pytest.raises(RegionFileWrong, match="is still to be filled in"):
            region.opened(region.written("\n".join(lines)))


def test_the_causes_that_a_file_is_begun_for_are_the_mappings_own(region: Region) -> None:
    """A new code, a number out of range and a new field are told in the very words by which the mapping puts a record aside."""
    text = region.file.read_text(encoding="utf-8").replace("mapping_version = 1", "mapping_version = 2")
    region.file.write_text(text + '[drift]\nnew_field = "quarantine"\nknown = ["nothing"]\n', encoding="utf-8")
    region.say(family(7))
    with pytest.raises(RegionFileWrong, match="is still to be filled in"):
        region.opened(region.written("\n".join(repair_for(region.entries()[-1]))))
    causes = {one.cause for one in region.entries()}
    assert {NEW_CODE, NEW_FIELD} <= causes
    new = next(one for one in region.entries() if one.cause == NEW_FIELD)
    assert region.repair(region.written("\n".join(repair_for(new)))).ready == 1
