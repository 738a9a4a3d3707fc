"""What people see of a quarantine and of its repairs: entries, groups, the audit, progress; never a value but masked."""

import json
import sqlite3
from datetime import timedelta
from pathlib import Path

import pytest

from producers.checkpoint import StateFile
from producers.quarantine import PutAside, put_aside
from producers.repair.audit import audited
from producers.repair.entries import NoSuchEntry, entry, grouped
from producers.repair.match import Match
from producers.repair.planning import NOT_KEPT
from tests.producers.repair.region import CODE, NOW, Region, no_registry, odd, serials, signed, whys
from tests.producers.samples import card
from tests.producers.sumedang import family


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
