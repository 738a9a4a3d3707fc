"""Two changes of one household that bear one time: both are sent, and that the source does not tell which counts is told."""

import sqlite3

from tests.contract.carik_server import CarikServer
from tests.producers.samples import building, family
from tests.producers.sources.test_rest import at, kept, read_all, reader

_FIRST = family(1, at(1))
_SECOND = {**_FIRST, "pengeluaran": {**_FIRST["pengeluaran"], "makanan": 8_199_999}}


def test_a_second_change_of_one_time_is_sent_and_told() -> None:
    """A source whose times are whole seconds changes a family twice in one: the second change is no repetition of the first."""
    city = CarikServer()
    city.tell(building(_FIRST))
    with city.running() as address:
        feed = reader(address)
        before, position = read_all(feed)
        quiet = feed.read(position)
        kept(quiet)
        city.tell(building(_SECOND))
        after = feed.read(position)
        kept(after)
        again = feed.read(position)
        feed.close()

    assert (len(before), quiet.note) == (1, "")
    assert [event.revision for event in after.events] == before
    assert after.events[0].welfare is not None
    assert after.events[0].welfare.expenditure == 9_999_999
    assert after.warning
    assert "finer times" in after.note
    assert again.events == []


def test_after_a_restart_what_was_sent_is_known_and_what_was_not_is_sent() -> None:
    """The next process knows both by what they say."""
    city, memory = CarikServer(), sqlite3.connect(":memory:", isolation_level=None)
    city.tell(building(_FIRST))
    with city.running() as address:
        first = reader(address, connection=memory)
        _, position = read_all(first, connection=memory)
        first.close()
        city.tell(building(_SECOND))
        second = reader(address, connection=memory)
        sent, position = read_all(second, position, connection=memory)
        second.close()
        third = reader(address, connection=memory)
        nothing, _ = read_all(third, position, connection=memory)
        third.close()

    assert (len(sent), nothing) == (1, [])
