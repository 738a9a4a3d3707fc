"""What is delivered, as positions: only what the spool has forgotten counts, and a restart knows as much as is sure."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from producers.checkpoint import StateFile
from producers.delivery import Delivery
from producers.spool import Spool


@pytest.fixture
def state(tmp_path: Path) -> Iterator[StateFile]:
    """An adapter's file."""
    with StateFile(tmp_path / "s.sqlite", "smartkampung") as made:
        yield made


def spool(state: StateFile, *regions: str) -> None:
    """Spool an event for each region."""
    with state.transaction():
        Spool(state).append([(region, b"h", b"v") for region in regions])


def test_a_position_counts_once_everything_before_it_is_delivered(state: StateFile) -> None:
    """Events of several regencies are delivered in any order; the oldest that waits decides."""
    delivery = Delivery(Spool(state), None)
    assert delivery.upto() is None
    spool(state, "31.71", "31.74")
    delivery.kept("a")
    spool(state, "31.71")
    delivery.kept("b")
    Spool(state).delivered("31.71", 3, 2, 0)
    assert delivery.upto() is None
    Spool(state).delivered("31.74", 2, 1, 0)

    assert delivery.upto() == "b"


def test_a_position_without_events_counts_with_those_before_it(state: StateFile) -> None:
    """A batch that says nothing moves on as soon as nothing older waits."""
    delivery = Delivery(Spool(state), None)
    delivery.kept("a")
    assert delivery.upto() == "a"
    spool(state, "31.71")
    delivery.kept("b")
    delivery.kept("c")
    assert delivery.upto() == "a"
    Spool(state).delivered("31.71", 1, 1, 0)

    assert delivery.upto() == "c"


def test_a_restart_waits_for_what_an_earlier_process_left(state: StateFile) -> None:
    """What waits in the spool when a process begins belongs to the position kept, which counts once all of it is delivered."""
    spool(state, "31.71", "31.71")
    delivery = Delivery(Spool(state), "a")
    Spool(state).delivered("31.71", 1, 1, 0)
    assert delivery.upto() is None
    Spool(state).delivered("31.71", 2, 1, 0)

    assert delivery.upto() == "a"
