"""A snapshot and its feed: joined without a gap and without a double, gone on with where it was, and lies of the source are told."""

import json
import re
from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest

from producers.faults import RegionFileWrong, SourceAway
from producers.region_file import read_region_file
from producers.sources.rest import RestReader
from producers.sources.rest_snapshot import Place, place_of
from schemas.events import HouseholdChanged
from tests.contract.carik_server import CarikServer
from tests.producers.samples import CARIK, ENVIRON, building, carik, family, mapper
from tests.producers.sources.test_rest import NOW, Answer, at, kept, serving

Known = tuple[bytes, int]


def reader(address: str, page_size: int = 3, *, due: bool = True, clock_s: Callable[[], float] | None = None) -> RestReader:
    """Return a reader of Carik's snapshot and feed at an address; where the feed is not due, it never is beside a snapshot."""
    declared = carik(MUARA_CARIK_URL=address)
    source = declared.source.model_copy(update={"page": declared.source.page.model_copy(update={"size": page_size})})  # type: ignore[union-attr]  # of kind rest
    now_s = [0.0 if due else 1.0]
    made = RestReader(source, mapper(declared), ENVIRON, lambda: NOW, clock_s or (lambda: now_s[0]))  # type: ignore[arg-type]  # of kind rest
    now_s[0] = 0.0
    return made


def known(events: Any) -> list[Known]:
    """Return what tells events apart."""
    return [(one.household, one.revision) for one in events if isinstance(one, HouseholdChanged)]


def read_on(address: str, position: str | None) -> tuple[list[Known], str | None]:
    """Read until caught up; return what came, and the position."""
    found: list[Known] = []
    feed = reader(address)
    while True:
        batch = feed.read(position)
        found += known(batch.events)
        position = kept(batch)
        if batch.caught_up:
            feed.close()
            return found, position


@pytest.fixture
def city() -> CarikServer:
    """A city with ten families, some changed twice, whose feed has forgotten all but the last moment."""
    made = CarikServer()
    for serial in range(1, 11):
        made.tell(building(family(serial, at(serial))))
    for serial in range(1, 4):
        made.tell(building(family(serial, at(20 + serial), berlaku_sejak="2024-03-05")))
    made.forgotten_before = at(23)
    return made


def test_what_the_feed_has_forgotten_comes_by_the_snapshot(city: CarikServer) -> None:
    """All that holds of every family is read once; the feed goes on where it stood."""
    with city.running() as address:
        found, position = read_on(address, None)
        again, _ = read_on(address, position)

    assert len(found) == len(set(found)) == 13
    assert set(again) <= set(found)
    assert city.families_asked == [None, "F000003", "F000006", "F000009"]
    assert place_of(position) is None
    assert position == at(23)


def test_what_changes_while_the_snapshot_is_read_is_not_lost(city: CarikServer) -> None:
    """A family that was read already, one that is read later, and a new one change meanwhile: each change comes, none twice."""
    with city.running() as address:
        feed = reader(address)
        batch = feed.read(None)
        found, position = known(batch.events), kept(batch)
        for serial in (1, 9, 11):
            city.tell(building(family(serial, at(30 + serial), berlaku_sejak="2024-03-09")))
        while True:
            batch = feed.read(position)
            found += known(batch.events)
            position = kept(batch)
            if batch.caught_up:
                break
        feed.close()

    assert len(found) == len(set(found)) == 16
    assert position == at(41)


def test_reading_goes_on_behind_the_last_page_that_was_kept(city: CarikServer) -> None:
    """A new process reads the rest of the snapshot, and the feed from where it stood when the snapshot began."""
    with city.running() as address:
        feed = reader(address)
        first = feed.read(None)
        feed.close()
        city.tell(building(family(1, at(40), berlaku_sejak="2024-03-09")))
        rest, position = read_on(address, kept(first))

    assert len({*known(first.events), *rest}) == 14
    assert len({*known(first.events)} & {*rest}) == 1, (
        "what was told at the feed's very cursor comes again, to a process that knows nothing"
    )
    assert position == at(40)
    assert city.families_asked.count(None) == 1


def test_an_adapter_that_reads_the_feed_already_needs_no_snapshot(city: CarikServer) -> None:
    """A position in the feed is one, whatever the region file has learned since."""
    with city.running() as address:
        found, _ = read_on(address, at(22))

    assert len(found) == 1
    assert city.families_asked == []


def snapshot_page(*families: dict[str, Any], key: object = None, more: object = False, since: object = at(9), **said: object) -> Answer:
    """Return an answer of the snapshot."""
    told = said | {"data": [building(*families)] if families else [], "berikutnya": key, "masih_ada": more, "perubahan_sejak": since}
    return 200, {}, json.dumps(told).encode()


def test_a_change_that_appears_late_while_the_snapshot_is_read_is_not_lost(city: CarikServer) -> None:
    """The feed goes on a little before where it stood, so a change behind its cursor, of a family that was read already, is found."""
    city.tell(building(family(12, "2024-03-05T09:00:00.000000Z")))
    with city.running() as address:
        feed = reader(address)
        first = feed.read(None)
        city.tell(building(family(2, "2024-03-05T08:59:50.000000Z", berlaku_sejak="2024-03-09")))
        position, found = kept(first), known(first.events)
        while True:
            batch = feed.read(position)
            found += known(batch.events)
            position = kept(batch)
            if batch.caught_up:
                break
        feed.close()

    assert len(found) == len(set(found)) == 15


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (snapshot_page(family(1), key="a", since=None), "perubahan_sejak in its answer is no text in UTF-8"),
        (snapshot_page(family(1), key="a", more="yes"), "masih_ada in its answer is neither true nor false"),
        (snapshot_page(family(1), key=None, more=True), "berikutnya in its answer is neither a text nor a whole number"),
        (snapshot_page(family(1), key=True, more=True), "berikutnya in its answer is neither a text nor a whole number"),
        ((200, {}, b'{"berikutnya": "a", "masih_ada": true, "perubahan_sejak": "x"}'), "no data in its answer"),
        ((503, {"Retry-After": "4"}, b""), "HTTP 503"),
    ],
)
def test_a_first_page_that_lies_is_told(answer: Answer, said: str) -> None:
    """A key that is none, or an answer without the feed's cursor, is a fault of the source: nothing is begun."""
    with serving(answer) as (address, _):
        feed = reader(address)
        with pytest.raises(SourceAway, match=re.escape(said)):
            feed.read(None)
        feed.close()


@pytest.mark.parametrize(
    ("key", "page", "said"),
    [
        ("b", snapshot_page(key="b", more=True), "berikutnya in its answer does not grow though more is there"),
        (10, snapshot_page(key=9, more=True), "berikutnya in its answer does not grow though more is there"),
        ("b", snapshot_page(key=9, more=True), "berikutnya in its answer does not grow though more is there"),
        ("b", (200, {}, b'{"berikutnya": "c", "masih_ada": true, "perubahan_sejak": "x"}'), "no data in its answer"),
        ("b", (500, {}, b"<html>"), "HTTP 500"),
        ("b", (200, {}, b"<html>Galat</html>"), "the answer is no JSON"),
    ],
)
def test_a_later_page_that_lies_is_told_and_changes_go_on(key: str | int, page: Answer, said: str) -> None:
    """Where reading stands stays, what is wrong is told beside every batch, and the feed is read on."""
    place = Place(at(1), key, NOW.isoformat(), 3)
    with serving(page) as (address, asked):
        feed = reader(address, due=False)
        found = [feed.read(place.position()) for _ in range(3)]
        feed.close()

    assert {(one.position, one.note, one.warning) for one in found} == {
        (place.position(), f"the first load waits ({said}); changes go on", True)
    }
    # The page behind a page that lies may have been asked for already, and is not looked at.
    assert [f"setelah={key}" in path for path in asked].count(True) == 1, "it is left alone for a while"


def test_whole_numbers_are_compared_as_numbers() -> None:
    """10 comes after 9."""
    assert [Place("", 9, "", 0).is_passed_by(key) for key in (10, 9, "10")] == [True, False, False]
    assert [Place("", "9", "", 0).is_passed_by(key) for key in ("10", "91", 10)] == [False, True, False]


def test_a_snapshot_that_an_earlier_version_began_goes_on() -> None:
    """It knew the feed's cursor and the key; how much was read before is not known any more."""
    assert place_of('snapshot ["2024-03-05T08:00:09.000000Z", "F000003"]') == Place(at(9), "F000003")
    assert datetime.fromisoformat(Place(at(9), "F000003").begun) < NOW


def test_the_feed_is_joined_a_little_before_where_it_stood() -> None:
    """Half a minute, for what appears late."""
    with serving(snapshot_page(since="x"), snapshot_page(since=at(9))) as (address, _):
        feed = reader(address)
        assert [kept(feed.read(None)) for _ in range(2)] == ["x", "2024-03-05T07:59:39.000000Z"]
        feed.close()


def test_records_of_both_lie_as_deep(tmp_path: Any) -> None:
    """A snapshot whose records lie elsewhere than the feed's is refused: ^ would mean two things."""
    told = tmp_path / "region.toml"
    text = CARIK.read_text(encoding="utf-8")
    text = text.replace('since = "perubahan_sejak"', 'since = "perubahan_sejak", records = "data[].keluarga[]"')
    told.write_text(text, encoding="utf-8")

    with pytest.raises(RegionFileWrong, match=r"snapshot\.records must lead through as many parts as records"):
        read_region_file(told, ENVIRON)
