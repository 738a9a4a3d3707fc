"""What appears behind a feed's cursor is found by a second look, and the cursor never lies beyond our own time."""

import sqlite3
from datetime import timedelta
from email.utils import format_datetime

from tests.contract.carik_server import CarikServer
from tests.producers.samples import building, family
from tests.producers.sources.test_rest import NOW, kept, page, read_all, reader, serving


def test_a_change_that_appears_late_is_found_by_a_second_look() -> None:
    """A clock set back, or a late commit: what appears behind the cursor is asked for again, and what was known is not sent again."""
    city, now_s = CarikServer(), [0.0]
    for serial in (1, 2, 3, 4):
        city.tell(building(family(serial, f"2024-03-05T08:00:0{serial}.000001Z")))
    with city.running() as address:
        feed = reader(address, clock_s=lambda: now_s[0])
        before, position = read_all(feed)
        city.tell(building(family(5, "2024-03-05T07:59:40.000001Z")))
        early, position = read_all(feed, position)
        now_s[0] += 30.0
        late, after = read_all(feed, position)
        later, _ = read_all(feed, after)
        feed.close()

    assert (len(before), early, len(late), later) == (4, [], 1, [])
    assert after == position


def test_what_appears_late_while_nobody_asks_is_found_at_the_next_start() -> None:
    """A process that starts looks behind the cursor at once, and sends nothing of what the one before it had kept."""
    city, memory = CarikServer(), sqlite3.connect(":memory:", isolation_level=None)
    for serial in (1, 2, 3, 4):
        city.tell(building(family(serial, f"2024-03-05T08:00:0{serial}.000001Z")))
    with city.running() as address:
        first = reader(address, connection=memory)
        before, position = read_all(first, connection=memory)
        first.close()
        city.tell(building(family(5, "2024-03-05T07:59:40.000001Z")))
        second = reader(address, connection=memory)
        late, after = read_all(second, position, connection=memory)
        second.close()
        third = reader(address, connection=memory)
        nothing, _ = read_all(third, after, connection=memory)
        third.close()

    assert (len(before), late, nothing) == (4, [1_709_625_580_000_001], [])


def test_sending_again_knows_nothing_of_what_was_kept() -> None:
    """A resend says all of it, however lately it was sent, and what it says does not count as kept by the adapter."""
    city, memory = CarikServer(), sqlite3.connect(":memory:", isolation_level=None)
    city.tell(building(family(1, "2024-03-05T08:00:01.000001Z")))
    with city.running() as address:
        running = reader(address, connection=memory)
        before, _ = read_all(running, connection=memory)
        running.close()
        again = reader(address, connection=memory)
        batch = again.again(NOW - timedelta(days=365), None)
        again.close()

    assert [event.revision for event in batch.events] == before
    assert batch.keep is None


def test_own_time_is_not_believed_against_an_earlier_one_of_the_source() -> None:
    """Our clock runs an hour ahead, and the feed holds what a clock that ran ahead had dated: what follows is not behind the cursor."""
    ahead = (NOW + timedelta(minutes=59)).isoformat().replace("+00:00", "Z")
    right = {"Date": format_datetime(NOW, usegmt=True)}
    code, _, body = page(family(1, ahead), cursor=ahead)
    with serving((code, right, body)) as (address, asked):
        feed = reader(address, clock=lambda: NOW + timedelta(hours=1))
        _, position = read_all(feed)
        feed.close()

    assert len(asked) == 1
    assert position == NOW.isoformat().replace("+00:00", "Z")


def test_what_is_recorded_while_an_answer_is_under_way_is_not_behind_the_cursor() -> None:
    """A feed that holds what a clock ahead had dated is asked from the time of asking on, however long its answer takes to be read."""
    ahead = (NOW + timedelta(minutes=59)).isoformat().replace("+00:00", "Z")
    code, _, body = page(family(1, ahead), cursor=ahead)
    later = {"Date": format_datetime(NOW + timedelta(minutes=1), usegmt=True)}
    with serving((code, later, body)) as (address, asked):
        feed = reader(address, clock=lambda: NOW + timedelta(minutes=len(asked)))
        _, position = read_all(feed)
        feed.close()

    assert position == NOW.isoformat().replace("+00:00", "Z")


def test_what_is_new_does_not_wait_for_a_second_look() -> None:
    """A look that takes many pages is broken off now and then for what is in front; it ends all the same, and nothing is lost."""
    city, now_s = CarikServer(), [0.0]
    for serial in range(1, 31):
        city.tell(building(family(serial, f"2024-03-05T08:00:{serial:02}.000001Z")))
    with city.running() as address:
        feed = reader(address, clock_s=lambda: now_s[0])
        before, position = read_all(feed)
        now_s[0] += 30.0
        city.tell(building(family(40, "2024-03-05T07:59:59.000001Z")))
        pages, caught_up = list[list[int]](), False
        while not caught_up:
            batch = feed.read(position)
            pages.append([event.revision for event in batch.events])
            position, caught_up = kept(batch), batch.caught_up
            if len(pages) in (1, 6):
                for one in range(4):
                    city.tell(building(family(50 + one, f"2024-03-05T08:01:{8 * len(pages) + one:02}.000001Z")))
            now_s[0] += 0.2
        feed.close()

    new = [[place for place, one in enumerate(pages) if any(0 <= told - begin < 4_000_000 for told in one)] for begin in _NEW]
    assert len(before) == 30
    assert sum(map(len, pages)) == 9
    assert [max(places) - after for places, after in zip(new, (1, 6), strict=True)] == [3, 2], "a few pages later"
    assert max(map(max, new)) < len(pages) - 1, "before the look was over"


_NEW = (1_709_625_668_000_001, 1_709_625_708_000_001)
"""The moments of what is told while it looks."""


def test_a_cursor_never_lies_beyond_our_own_time() -> None:
    """A source whose clock runs ahead is asked from our own time on, so nothing is missed when its clock is set right."""
    city = CarikServer()
    city.tell(building(family(1, "2024-04-01T00:59:00.000001Z")))
    with city.running() as address:
        feed = reader(address)
        first, position = read_all(feed)
        city.tell(building(family(2, "2024-04-01T00:01:00.000001Z")))
        second, _ = read_all(feed, position)
        feed.close()

    assert position == "2024-04-01T00:00:00.000000Z"
    assert (len(first), len(second)) == (1, 1)


def test_more_pages_than_one_beyond_our_own_time_are_read_to_the_end() -> None:
    """Whichever of the two clocks is wrong: the feed is read to its end each time, what is known is not said again, and nothing waits."""
    city = CarikServer()
    for serial in range(1, 12):
        city.tell(building(family(serial, f"2024-04-01T00:59:{serial:02}.000001Z")))
    with city.running() as address:
        feed = reader(address, page_size=3)
        first, position = read_all(feed)
        city.tell(building(family(20, "2024-04-01T00:59:59.000001Z")))
        second, _ = read_all(feed, position)
        feed.close()

    assert position == "2024-04-01T00:00:00.000000Z"
    assert (len(first), len(second)) == (11, 1)
