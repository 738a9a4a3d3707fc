"""Pauses grow to a bound, vary, and begin anew when what was away is back."""

from itertools import pairwise

from producers.backoff import Backoff


def test_pauses_grow_to_half_a_minute() -> None:
    """Each pause is about twice the one before, none longer than half a minute and its share of chance."""
    backoff = Backoff()
    pauses = [backoff.pause_s() for _ in range(12)]

    assert pauses[0] <= 0.25
    assert all(later > earlier for earlier, later in pairwise(pauses[:8]))
    assert 22.5 <= max(pauses) <= 37.5


def test_a_pause_is_as_long_as_was_asked_for() -> None:
    """What the other side asks for is heeded, and is no reason for longer pauses of our own."""
    backoff = Backoff()
    assert backoff.pause_s(60.0) == 60.0
    backoff.over()
    assert backoff.pause_s() <= 0.25
