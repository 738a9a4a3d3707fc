"""What an operator is told of a partition: nothing is called moving that was not seen to move."""

from dataclasses import replace

import pytest

from deploy.stands import Heard, places
from processors.broker import Log
from processors.store.offsets import Stand

AT = ("muara.57.03.household.v1", 0)
TAKEN = Stand(*AT, next_offset=4, epoch=1, halted=None)
LED = Heard("", frozenset({AT}), {AT: Log("id", 0, 10)}, frozenset({AT}))


@pytest.mark.parametrize(
    ("stand", "heard", "locked", "lag", "state"),
    [
        (replace(TAKEN, moved_ago_s=0.5), LED, False, 6, "moving"),
        (replace(TAKEN, moved_ago_s=61.2), LED, False, 6, "behind, moved last 61 s ago"),
        (TAKEN, LED, False, 6, "behind, has not moved yet"),
        (TAKEN, LED, True, 6, "waits: reference data is being loaded or rebuilt"),
        (replace(TAKEN, waits_for="no registry", moved_ago_s=0.5), LED, False, 6, "waits: no registry"),
        (replace(TAKEN, next_offset=10), LED, True, 0, "up to date"),
        (replace(TAKEN, waits_for="no registry"), replace(LED, readers=frozenset()), False, 6, "nobody reads it: muara worker does"),
        (replace(TAKEN, next_offset=10), replace(LED, readers=frozenset()), False, 0, "nobody reads it: muara worker does"),
        (replace(TAKEN, moved_ago_s=0.5), replace(LED, readers=None), False, 6, "moving"),
        (TAKEN, replace(LED, logs={}), False, None, "the topic has no leader"),
        (TAKEN, Heard("", readers=frozenset()), False, None, "there is no such topic: muara sources load makes it"),
        (TAKEN, Heard("Kafka at x does not answer (y)"), False, None, "Kafka does not answer"),
        (replace(TAKEN, halted="because"), Heard("Kafka at x does not answer (y)"), True, None, "because"),
    ],
)
def test_the_state_is_what_is_known(stand: Stand, heard: Heard, locked: bool, lag: int | None, state: str) -> None:
    """What stops a partition is said before what it waits for, and that before how it moves."""
    (place,) = places([stand], [AT[0]], heard, locked=locked)

    assert (place.next_offset, place.lag, place.state) == (stand.next_offset, lag, state)


@pytest.mark.parametrize(
    ("heard", "lag", "state"),
    [
        (replace(LED, logs={AT: Log("id", 3, 10)}, readers=frozenset()), 7, "nobody reads it: muara worker does"),
        (LED, 10, "behind, has not moved yet"),
        (Heard("", readers=frozenset()), None, "there is no such topic: muara sources load makes it"),
        (Heard("Kafka at x does not answer (y)"), None, "Kafka does not answer"),
    ],
)
def test_a_regency_that_no_worker_ever_took_is_there(heard: Heard, lag: int | None, state: str) -> None:
    """It is registered, so what waits in its topic is told; a further partition of a topic is, too."""
    (place,) = places([], [AT[0]], heard, locked=False)

    assert (place.topic, place.partition, place.next_offset, place.lag, place.state) == (*AT, None, lag, state)
