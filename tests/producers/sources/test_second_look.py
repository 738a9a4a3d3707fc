"""What appears behind a feed's cursor is found by a second look, and the cursor never lies beyond our own time."""

from tests.contract.carik_server import CarikServer
from tests.producers.samples import building, family
from tests.producers.sources.test_rest import read_all, reader


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
