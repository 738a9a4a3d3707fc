"""A token is asked for when it is needed, kept while it is good, and dropped when it is not, by several threads at once."""

import httpx2

from producers.sources.token import TokenCache
from tests.contract.carik_server import CarikServer
from tests.producers.samples import ENVIRON, carik
from tests.producers.sources.test_rest import reader


def test_a_token_is_kept_until_shortly_before_its_end() -> None:
    """One token serves many questions; nine tenths through its life it is replaced."""
    clock = [0.0]
    city = CarikServer()
    with city.running() as address:
        feed = reader(address, clock_s=lambda: clock[0])
        feed.read(None)
        clock[0] = 269.0
        feed.read(None)
        one = len(city.tokens)
        clock[0] = 271.0
        feed.read(None)
        feed.close()

    assert (one, len(city.tokens)) == (1, 2)


def test_only_the_token_that_was_refused_is_dropped() -> None:
    """Of two who asked by one token, the slower one does not take away what the other has made meanwhile."""
    declared = carik().source.token  # type: ignore[union-attr]  # of kind rest
    assert declared is not None
    with CarikServer().running() as address, httpx2.Client(base_url=address) as client:
        tokens = TokenCache(declared, ENVIRON, client, lambda: 0.0)
        first = tokens.header()
        tokens.drop(first)
        second = tokens.header()
        tokens.drop(first)
        third = tokens.header()

    assert first != second
    assert second == third
