"""An adapter that loses its memory, any number of times, between any two files: nothing that was said before stands against the files."""

import tempfile
from collections.abc import Sequence
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.events import HouseholdChanged
from tests.producers.sources.folder import HERE, THERE, Adapter, Snapshot, at
from tests.producers.sources.test_files import residences, truth, worlds


@given(worlds(), st.lists(st.integers(0, 9), max_size=4), st.integers(1, 3))
@settings(max_examples=200, deadline=None)
def test_a_loss_of_memory_at_any_moment_does_not_show(
    world: tuple[Sequence[Snapshot], Sequence[Snapshot]], losses: Sequence[int], together: int
) -> None:
    """Files come in any order, corrections and late months among them; whatever had come is in the folder when the memory is lost."""
    _, files = world
    with tempfile.TemporaryDirectory() as name:
        folder, events = Path(name), list[HouseholdChanged]()
        adapter = Adapter(folder)
        for place, one in enumerate(files):
            if place in losses:
                events += adapter.events
                adapter = Adapter(folder)
                adapter.read()
            one.drop(folder)
            if place % together == 0:
                adapter.read()
        adapter.read()
        events += adapter.events

    assert residences(events) == truth(files)


def test_two_files_that_come_late_and_a_loss_between(tmp_path: Path) -> None:
    """An END was said by a village's later file; after the loss come its earlier one, and the one of the village it moved to."""
    files = [
        Snapshot(HERE, 202401, at(0), frozenset({1, 2})),
        Snapshot(HERE, 202403, at(30), frozenset({2})),
        Snapshot(HERE, 202402, at(10), frozenset({2})),
        Snapshot(THERE, 202402, at(20), frozenset({1})),
    ]
    first = Adapter(tmp_path)
    for one in files[:2]:
        one.drop(tmp_path)
        first.read()
    for one in files[2:]:
        one.drop(tmp_path)
    second = Adapter(tmp_path)
    second.read()

    assert residences([*first.events, *second.events]) == truth(files)
