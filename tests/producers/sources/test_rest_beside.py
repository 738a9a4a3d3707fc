"""A first load beside its changes: they come first, nothing of the load holds them up, and a kill resumes both."""

import threading
import time
from datetime import timedelta
from pathlib import Path

import pytest

from processors.law import Statement, kept, visible
from producers.checkpoint import StateFile
from producers.quarantine import PutAside, put_aside, quarantined
from producers.reader import Reader
from producers.records import Node
from producers.sources import Backfill, Batch, LoadsBeside
from producers.sources.rest_snapshot import Place, place_of
from schemas.events import HouseholdChanged
from tests.contract.carik_server import CarikServer
from tests.producers.samples import building, carik, family, mapper, member
from tests.producers.sources.test_rest import NOW, at, serving, spoilt
from tests.producers.sources.test_rest import kept as keep
from tests.producers.sources.test_rest_snapshot import reader, snapshot_page

_PAGES = 4


@pytest.fixture
def city() -> CarikServer:
    """A city with ten families, read three at a time."""
    made = CarikServer()
    for serial in range(1, 11):
        made.tell(building(family(serial, at(serial))))
    return made


def changed(city: CarikServer, serial: int, second: int, **said: object) -> None:
    """Tell a change of a family."""
    city.tell(building(family(serial, at(second), **{"berlaku_sejak": "2024-03-09", **said})))


def names(batch: Batch) -> list[tuple[bytes, int]]:
    """Return what tells a batch's events apart."""
    return [(one.household, one.revision) for one in batch.events]


def asked_behind(batch: Batch) -> Place:
    """Return the place of a batch's position."""
    place = place_of(batch.position)
    assert place is not None
    return place


def test_a_change_comes_before_the_rest_of_the_load(city: CarikServer) -> None:
    """While pages are left the feed is asked at its pace, and between two pages at once while it has more."""
    now_s = [0.0]
    with city.running() as address:
        feed = reader(address, clock_s=lambda: now_s[0])
        assert isinstance(feed, LoadsBeside)
        first = feed.read(None)
        position = keep(first)
        changed(city, 1, 31)
        beside = [feed.read(position)]
        while asked_behind(beside[-1]).since < at(31):
            beside.append(feed.read(keep(beside[-1])))
        position, pages = keep(beside[-1]), len(city.families_asked)
        loading = feed.read(position)
        now_s[0] += 2.0
        changed(city, 2, 32)
        later = feed.read(keep(loading))
        feed.close()

    assert [len(first.events), pages] == [3, 2], "one page is asked for ahead"
    assert (names(beside[-1])[-1][1], names(later)[-1][1]) == (revision(31), revision(32))
    assert [asked_behind(one).after for one in (first, beside[-1], loading, later)] == ["F000003", "F000003", "F000006", "F000006"]
    assert not later.caught_up


def revision(second: int) -> int:
    """Return the revision of a change at a second."""
    return 1_709_625_600_000_000 + second * 1_000_000


def test_a_page_that_does_not_come_holds_up_no_change(city: CarikServer) -> None:
    """A slow server of the snapshot: changes are read in time, and reading never waits long for a page."""
    now_s = [0.0]
    with city.running() as address:
        feed = reader(address, clock_s=lambda: now_s[0])
        city.page_comes.clear()
        position = keep(feed.read(None))
        for second in range(31, 36):
            changed(city, second - 30, second)
            now_s[0] += 2.0
            while place_of(position).since < at(second):  # type: ignore[union-attr]  # it is one
                began = time.monotonic()
                position = keep(feed.read(position))
                assert time.monotonic() - began < 2.0
        slow = asked_behind(feed.read(position))
        city.page_comes.set()
        while (batch := feed.read(position)).position == position:
            pass
        feed.close()

    assert (slow.after, asked_behind(batch).after) == ("F000003", "F000006")


def test_nothing_of_the_load_is_read_while_it_may_not(city: CarikServer) -> None:
    """Held, it reads changes alone and says how long to wait; let go, it goes on where it was."""
    now_s = [0.0]
    with city.running() as address:
        feed = reader(address, clock_s=lambda: now_s[0])
        feed.may_load(may=False)
        begun = feed.read(None)
        feed.may_load(may=True)
        position = keep(feed.read(None))
        feed.may_load(may=False)
        changed(city, 7, 31)
        found = []
        for _ in range(9):
            batch = feed.read(position)
            found += names(batch)
            position = keep(batch)
        held, asked = batch, len(city.families_asked)
        feed.may_load(may=True)
        going = feed.read(position)
        feed.close()

    assert (begun.events, begun.position, begun.wait_s) == ([], None, 0.05)
    assert revision(31) in [told for _, told in found]
    assert (held.events, held.wait_s, asked_behind(held).after) == ([], 0.05, "F000003")
    assert asked <= 2
    assert asked_behind(going).after == "F000006"


@pytest.mark.parametrize("killed_after", range(1, 9))
def test_a_process_that_was_killed_goes_on_with_both(city: CarikServer, killed_after: int) -> None:
    """Wherever it ends, a new process reads the rest of the snapshot and the feed from where each was kept: all comes, no page twice."""
    with city.running() as address:
        first, position, found = reader(address), None, set[tuple[bytes, int]]()
        for turn in range(killed_after):
            batch = first.read(position)
            found |= {*names(batch)}
            position = keep(batch)
            changed(city, 1 + turn, 31 + turn)
        first.read(position)
        first.close()
        second = reader(address)
        while True:
            batch = second.read(position)
            found |= {*names(batch)}
            position = keep(batch)
            if batch.caught_up:
                break
        second.close()

    assert len(found) == 10 + killed_after
    assert city.families_asked.count(None) == 1
    assert len(city.families_asked) <= _PAGES + 2, "what was asked ahead by one, or read and not kept, is asked for again by the other"


@pytest.mark.parametrize(
    "told",
    [{"dihapus": True}, {"dibatalkan": True, "berlaku_sejak": "2024-03-01"}, {"anggota": [member(1)], "berlaku_sejak": "2024-03-01"}],
)
def test_a_snapshot_made_before_takes_back_no_change(city: CarikServer, told: dict[str, object]) -> None:
    """An END, a retraction or a change that the feed tells before a page shows how it was before: by the law it holds all the same."""
    city.shown_until, city.forgotten_before = at(20), at(10)
    with city.running() as address:
        feed, sayings, position = reader(address), list[HouseholdChanged](), None
        while position is None or place_of(position) is not None:
            batch = feed.read(position)
            sayings += batch.events
            if position is None:
                changed(city, 9, 31, **told)
            position = keep(batch)
        feed.close()
    ninth = [one for one in sayings if one.revision in (revision(9), revision(31))]

    assert [one.revision for one in ninth] == [revision(31), revision(9)], "the feed was first"
    assert _standing(ninth) == _standing(ninth[::-1])


def _standing(sayings: list[HouseholdChanged]) -> list[tuple[object, ...]]:
    """Return what stands of sayings in an order of arrival, by the law."""
    said = [
        Statement(one.region, one.source, one.valid_from, one.revision, one.mapping_version, one.operation, size=len(one.members or ()))
        for one in sayings
    ]
    return [(one.valid_from, one.revision, one.size) for one in visible(kept(said))]


def test_a_fault_that_the_feed_told_is_not_forgotten_for_what_was_before(city: CarikServer, tmp_path: Path) -> None:
    """A page that shows a family as it was says nothing of its newer record, which nobody can read; older faults it does correct."""
    city.shown_until, city.forgotten_before = at(20), at(10)
    older = PutAside(mapper(carik()).statement_mark(Node(family(8))), "before", "members.sex", "is odd", "9")
    with city.running() as address, StateFile(tmp_path / "s.sqlite", "carik") as state:
        feed = reader(address)
        ticks = iter(range(1_000))
        reading = Reader(
            feed.read,
            state,
            {"31.74": 1},
            lambda: NOW + timedelta(seconds=next(ticks)),
            threading.Event(),
            spool_bytes=1 << 20,
            poll_s=0.0,
        )
        with state.transaction():
            put_aside(state, [older], NOW - timedelta(days=1))
        reading.step()
        city.tell(building(spoilt(9, at(31))))
        while not reading.caught_up.is_set():
            reading.step()
        feed.close()
        left = quarantined(tmp_path / "s.sqlite")

    assert [one.place for one in left] == ["/api/v1/perubahan"]


def test_progress_is_told(city: CarikServer) -> None:
    """Records read so far and what the source says there are, beside pages and changes alike; none once the load is over."""
    city.total = 10
    with city.running() as address:
        feed, position, told = reader(address), None, list[Backfill | None]()
        while True:
            batch = feed.read(position)
            position = keep(batch)
            told.append(batch.backfill)
            if batch.caught_up:
                break
        feed.close()

    assert [one for one in dict.fromkeys(told) if one] == [Backfill(read, 10) for read in (3, 6, 9, 10)]
    assert told[-1] is None


@pytest.mark.parametrize(
    ("totals", "told"),
    [
        ([None], None),
        ([12], 12),
        (["12"], 12),
        ([12, None], 12),
        ([12, 15], 15),
        ([0], 0),
        ([True], None),
        ([-3], None),
        ([1.5], None),
        (["sepuluh"], None),
        (["9" * 400], None),
        ([[]], None),
    ],
)
def test_a_total_may_be_missing_change_or_lie(totals: list[object], told: int | None) -> None:
    """It is only told; what is no count is none, and what was told last stands."""
    pages = [snapshot_page(family(one), key=one, more=True, jumlah=total) for one, total in enumerate(totals, 1)]
    with serving(*pages) as (address, _):
        feed, position = reader(address, due=False), None
        for _ in totals:
            batch = feed.read(position)
            position = keep(batch)
        feed.close()

    assert batch.backfill == Backfill(len(totals), told)


def test_a_page_that_cannot_be_had_is_had_later(city: CarikServer) -> None:
    """The snapshot fails for a while and changes go on; then it is read on from the same place, and nothing is told of it any more."""
    now_s = [0.0]
    with city.running() as address:
        feed = reader(address, clock_s=lambda: now_s[0])
        first = feed.read(None)
        city.page_troubles = [500, 503]
        position, notes = keep(first), list[str]()
        while True:
            batch = feed.read(position)
            notes.append(batch.note)
            position = keep(batch)
            now_s[0] += 1.0
            if batch.caught_up:
                break
        feed.close()

    assert notes[-1] == ""
    assert {one for one in notes if one} <= {f"the first load waits (HTTP {code}); changes go on" for code in (500, 503)}
    assert city.families_asked == [None, "F000003", "F000006", "F000009"]


def test_the_second_look_goes_on_beside_the_load(city: CarikServer) -> None:
    """A change that appears behind the feed's cursor while the load runs is found before the load is over."""
    now_s = [0.0]
    with city.running() as address:
        feed = reader(address, clock_s=lambda: now_s[0])
        city.page_comes.clear()
        position = keep(feed.read(None))
        changed(city, 5, 50)
        while place_of(position).since < at(50):  # type: ignore[union-attr]  # it is one
            position = keep(feed.read(position))
        changed(city, 1, 29)
        found: list[int] = []
        for _ in range(40):
            now_s[0] += 2.0
            batch = feed.read(position)
            found += [one.revision for one in batch.events]
            position = keep(batch)
        city.page_comes.set()
        feed.close()

    assert revision(29) in found
    assert place_of(position) is not None
