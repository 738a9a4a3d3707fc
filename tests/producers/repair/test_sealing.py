"""Sealed records: bounded, opened by their own key only, and no byte of a person in the adapter's file."""

import re
from pathlib import Path

import pytest

from producers import sealed
from producers.checkpoint import StateFile
from producers.declaration import RestSource
from producers.faults import KeyNotBegun
from producers.mapping import Mapper
from producers.pseudonym import Pseudonyms
from producers.quarantine import take_back
from producers.records import Node, nodes_behind, nodes_of
from producers.region_file import read_region_file
from producers.repair.planning import NOT_KEPT, Ready
from producers.sealed import make_tables, seal_anew
from producers.told import record_of, told
from tests.producers.repair.region import CODE, Region, odd, whys
from tests.producers.samples import ENVIRON, KEY, NEW_KEY, building, card, carik
from tests.producers.samples import family as family_of_carik
from tests.producers.sumedang import family


@pytest.fixture
def region(tmp_path: Path) -> Region:
    """A region that has said a good record and two odd ones."""
    found = Region(tmp_path)
    found.say(family(1), odd(2), odd(3))
    return found


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


def test_what_was_sealed_before_a_rotation_outlives_the_older_key(region: Region) -> None:
    """An adapter that starts with both keys seals anew what it can open; what was moved to another entry stays shut, and says so."""
    region.say(odd(4))
    with StateFile(region.state_file, "desa") as state:
        contents = [content for (content,) in state.connection.execute("select content from sealed order by seq")]
        state.connection.execute("update sealed set content = ? where content = ?", (contents[0][:-1] + b"x", contents[0]))
        seal_anew(state, Pseudonyms(KEY, 1).seal)
        assert contents[1:] == [content for (content,) in state.connection.execute("select content from sealed order by seq")][1:]
    region.pseudonyms = Pseudonyms(NEW_KEY, 2, Pseudonyms(KEY, 1))
    region.say(family(1))
    with StateFile(region.state_file, "desa") as state:
        seal_anew(state, region.pseudonyms.seal)
    region.pseudonyms = Pseudonyms(NEW_KEY, 2)
    assert [isinstance(one.plan, Ready) for one in region.planned(region.written(CODE))] == [False, True, True]


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


def test_a_part_of_an_answer_is_followed_from_where_it_lay(tmp_path: Path) -> None:
    """A building whose households stand under another name is kept as a whole, without the page; the mended path finds its families."""
    declared = carik()
    assert isinstance(declared.source, RestSource)
    building_said = building(family_of_carik(1), family_of_carik(2))
    page = {"data": [building_said, building(family_of_carik(3))], "ada_lagi": False}
    (first, second, _), _ = nodes_of(page, declared.source.records)
    mapper = Mapper(declared, Pseudonyms(KEY, 1))
    renamed = {"rt": building_said.pop("rumah_tangga"), **building_said}
    content = mapper.told(Node(renamed, Node(page)), part=True)
    assert content is not None
    assert b"data" not in content
    part, is_part = record_of(content)
    found, faults = nodes_behind(part, declared.source.records.replace("rumah_tangga", "rt"))
    assert (is_part, faults) == (True, [])
    assert [mapper.event(one) for one in found] == [mapper.event(first), mapper.event(second)]
    assert [one.field for one in nodes_behind(part, declared.source.records)[1]] == ["rumah_tangga[]"]
