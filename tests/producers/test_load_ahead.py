"""A first load waits for delivery as long as half a second's deliveries wait: over a slow line that is less than over a fast one."""

from datetime import timedelta

import pytest

from producers.load_ahead import LoadAhead
from tests.producers.events import NOW


@pytest.mark.parametrize(("per_s", "most"), [(20_000, 2_000), (4_000, 2_000), (2_400, 1_200), (700, 500), (0, 500)])
def test_the_bound_follows_the_pace_of_delivery(per_s: int, most: int) -> None:
    """Half a second's deliveries may wait, within bounds that keep sending busy; before there is a pace, the most."""
    ahead = LoadAhead()
    first = [ahead.may(waiting, 0, NOW) for waiting in (1_999, 2_000)]
    ahead.may(0, 2 * per_s, NOW + timedelta(seconds=2))
    then = [ahead.may(waiting, 2 * per_s, NOW + timedelta(seconds=2)) for waiting in (most - 1, most)]

    assert (first, then) == ([True, False], [True, False])


def test_a_clock_that_is_set_back_is_no_pace() -> None:
    """What was known stands until the next second has passed."""
    ahead = LoadAhead()
    ahead.may(0, 0, NOW)
    ahead.may(0, 1_000, NOW - timedelta(hours=1))
    assert ahead.may(1_999, 1_000, NOW - timedelta(hours=1))
    ahead.may(0, 3_000, NOW - timedelta(hours=1) + timedelta(seconds=1))
    assert not ahead.may(1_000, 3_000, NOW - timedelta(hours=1) + timedelta(seconds=1))
