"""The reasoning over snapshots, case by case, worked out by hand."""

import pytest

from producers.sources.presence import NEVER, UNSAYABLE, Gone, Past, Saying, Shown, ends, sayings
from schemas.events import Operation

UPSERT, END, RETRACT = Operation


@pytest.mark.parametrize(
    ("shown", "complete", "wanted"),
    [
        ({}, {"a": [1, 2]}, {}),
        ({1: "a"}, {"a": [1]}, {}),
        ({1: "a"}, {"a": [1, 2, 3]}, {2: "a"}),
        ({1: "a", 2: "a"}, {"a": [1, 2]}, {}),
        ({1: "a", 2: "b"}, {"a": [1, 2], "b": [2]}, {}),
        ({1: "a", 3: "b"}, {"a": [1, 2], "b": [3]}, {2: "a"}),
        ({1: "a", 3: "b"}, {"a": [1, 4], "b": [3, 4]}, {4: "b"}),
        ({1: "a"}, {"b": [2, 3]}, {}),
        ({1: "a", 4: "a"}, {"a": [1, 2, 3, 4]}, {2: "a"}),
    ],
)
def test_where_a_household_has_ended(shown: dict[int, str], complete: dict[str, list[int]], wanted: dict[int, str]) -> None:
    """A household has ended in the first snapshot of its village without it, unless it is shown elsewhere by then."""
    assert ends(shown, complete) == wanted


def test_the_first_showing_is_said_under_its_own_time() -> None:
    """Nothing was said before, so the export's time is the revision."""
    past = Past([Shown(1, "a", 100, NEVER)], {}, {})

    assert sayings(past, {("a", 1): 100}, {"a": [1]}, ("a", 1)) == [Saying(UPSERT, 1, 100, "a")]


def test_a_showing_after_an_end_of_the_same_period_wins() -> None:
    """A village that shows a household with an older export than the one that missed it is said under a greater revision."""
    past = Past([Shown(1, "a", 90, 90), Shown(2, "b", 100, NEVER)], {2: Gone(END, 110)}, {})
    exported = {("a", 1): 90, ("a", 2): 110, ("b", 2): 100}

    assert sayings(past, exported, {"a": [1, 2], "b": [2]}, ("b", 2)) == [Saying(UPSERT, 2, 111, "b")]


def test_a_late_snapshot_of_an_older_period_hides_nothing_newer() -> None:
    """An END dated earlier and exported later is said, and what it would hide is said again under a greater revision."""
    past = Past([Shown(1, "a", 90, 90), Shown(3, "a", 100, 100), Shown(4, "a", 200, 200)], {}, {})
    exported = {("a", 1): 90, ("a", 2): 150, ("a", 3): 100, ("a", 4): 200}

    assert sayings(past, exported, {"a": [1, 2, 3, 4]}, ("a", 2)) == [Saying(END, 2, 150, "a"), Saying(UPSERT, 3, 151, "a")]


def test_what_a_correction_takes_away_is_retracted() -> None:
    """A household that only a mistaken snapshot showed was never there."""
    past = Past([], {}, {1: 100})

    assert sayings(past, {("a", 1): 120}, {"a": [1]}, ("a", 1)) == [Saying(RETRACT, 1, 120, "a")]


def test_what_a_correction_takes_away_has_ended_where_it_was_before() -> None:
    """A household shown the month before has ended in the corrected month."""
    past = Past([Shown(1, "a", 90, 90)], {}, {2: 100})

    assert sayings(past, {("a", 1): 90, ("a", 2): 120}, {"a": [1, 2]}, ("a", 2)) == [Saying(END, 2, 120, "a")]


def test_an_end_that_is_no_longer_so_is_retracted() -> None:
    """A late snapshot of another village shows that the household had moved before: the END of the old village is taken back."""
    past = Past([Shown(1, "a", 90, 90), Shown(2, "b", 100, NEVER)], {3: Gone(END, 110)}, {})
    exported = {("a", 1): 90, ("a", 3): 110, ("b", 2): 100}

    assert sayings(past, exported, {"a": [1, 3], "b": [2]}, ("b", 2)) == [Saying(RETRACT, 3, 111, "b"), Saying(UPSERT, 2, 100, "b")]


def test_a_showing_that_cannot_be_said_still_shows() -> None:
    """A household whose row cannot be mapped is there: it has not ended, and an END said of it is taken back."""
    shown = [Shown(1, "a", 90, 90), Shown(2, "a", 120, UNSAYABLE)]
    exported = {("a", 1): 90, ("a", 2): 120}

    assert sayings(Past(shown, {}, {}), exported, {"a": [1, 2]}, ("a", 2)) == []
    assert sayings(Past(shown, {2: Gone(END, 100)}, {}), exported, {"a": [1, 2]}, ("a", 2)) == [Saying(RETRACT, 2, 120, "a")]


def test_nothing_is_said_twice() -> None:
    """What was said and is still so is not said again."""
    past = Past([Shown(1, "a", 90, 90)], {2: Gone(END, 100)}, {})

    assert sayings(past, {("a", 1): 90, ("a", 2): 100, ("a", 3): 110}, {"a": [1, 2, 3]}, ("a", 3)) == []
