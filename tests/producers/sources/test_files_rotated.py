"""A folder of snapshots while keys are rotated: it is read once more under new names, and nobody ends or doubles because of that."""

import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from processors.law import Link, households
from producers.pseudonym import Pseudonyms
from producers.sources.showings import start_over
from schemas.events import HouseholdChanged, Operation
from tests.producers.samples import KEY, NEW_KEY, card, rotated
from tests.producers.sources.folder import HERE, Adapter, Snapshot, at
from tests.producers.sources.test_files import residences, truth, worlds

OLD, NEW = Pseudonyms(KEY, 1), Pseudonyms(NEW_KEY, 2)


def under_old_names(events: Sequence[HouseholdChanged]) -> list[HouseholdChanged]:
    """Return events as the office counts them, each household, of whatever names, under its card's name by the old key."""
    links = [Link(one.previous_household, one.household, one.key_version) for one in events if one.previous_household]
    name_of = households(links)
    old = {name: OLD.family_card(card(serial)) for serial in range(1, 10) for name in (NEW.family_card(card(serial)),)}
    named = [replace(one, household=name_of.get(one.household, one.household)) for one in events]
    by_either = {one.household for one in named}
    assert not [name for name in by_either if old.get(name) in by_either], "one household counts under two names"
    return [replace(one, household=old.get(one.household, one.household)) for one in named]


def rotating(folder: Path, before: Adapter) -> Adapter:
    """Return the adapter over a folder and the memory of the one before, as it is when it was started again with both keys."""
    start_over(before.connection)
    return Adapter(folder, memory=before.connection, pseudonyms=rotated())


@given(worlds(), st.data())
@settings(max_examples=150, deadline=None)
def test_a_rotation_at_any_moment_does_not_show(world: tuple[Sequence[Snapshot], Sequence[Snapshot]], data: st.DataObject) -> None:
    """With the key rotated between any two files, households live where the snapshots say, once each."""
    files, _ = world
    cut, over = sorted(data.draw(st.tuples(*[st.integers(0, len(files))] * 2)))
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        adapter, events = Adapter(folder), list[HouseholdChanged]()
        for place, one in enumerate([*files, None]):
            if place == cut:
                events += adapter.events
                adapter = rotating(folder, adapter)
                adapter.read()
            if place == over:
                events += adapter.events
                adapter = Adapter(folder, memory=adapter.connection, pseudonyms=NEW)
            if one is not None:
                one.drop(folder)
                adapter.read()
        events += adapter.events

    assert residences(under_old_names(events)) == truth(files)


def test_all_is_said_again_by_both_names_and_nothing_else_changes(tmp_path: Path) -> None:
    """What was said is said again, under the same revisions, ENDs included; the older name stands beside wherever the card is at hand."""
    before = Adapter(tmp_path)
    Snapshot(HERE, 202401, at(0), frozenset({1, 2})).drop(tmp_path)
    Snapshot(HERE, 202402, at(1), frozenset({2})).drop(tmp_path)
    before.read()
    events = rotating(tmp_path, before).read()

    def told(one: HouseholdChanged) -> HouseholdChanged:
        return replace(one, household=b"", previous_household=None, key_version=0)

    assert sorted(map(repr, map(told, events))) == sorted(map(repr, map(told, before.events)))
    assert {(one.operation, one.household, one.previous_household) for one in events} == {
        (Operation.UPSERT, NEW.family_card(card(1)), OLD.family_card(card(1))),
        (Operation.UPSERT, NEW.family_card(card(2)), OLD.family_card(card(2))),
        (Operation.END, NEW.family_card(card(1)), None),
    }
