"""The reasoning over snapshots, case by case, worked out by hand."""

import pytest

from producers.sources.presence import NEVER, STEP, UNSAYABLE, Gone, Past, Saying, Shown, Told, ends, sayings
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

    assert sayings(past, {("a", 1): Told(100)}, {"a": [1]}, ("a", 1)) == [Saying(UPSERT, 1, 100, "a")]


def test_an_end_is_said_next_to_the_last_showing() -> None:
    """Whatever the time of the snapshot that misses a household, its END hides nothing that was exported after it was shown last."""
    past = Past([Shown(1, "a", 90, 90)], {}, {})
    (end,) = sayings(past, {("a", 1): Told(90), ("a", 2): Told(10**9)}, {"a": [1, 2]}, ("a", 2))

    assert (end.operation, end.period) == (END, 2)
    assert 90 < end.revision < 90 + STEP


def test_a_showing_after_an_end_of_the_same_period_wins() -> None:
    """A village that shows a household with an older export than the one that missed it needs no greater revision than its own."""
    past = Past([Shown(1, "a", 90, 90), Shown(2, "b", 10**6, NEVER)], {2: Gone(END, 110)}, {})
    told = {("a", 1): Told(90), ("a", 2): Told(10**9), ("b", 2): Told(10**6)}

    assert sayings(past, told, {"a": [1, 2], "b": [2]}, ("b", 2)) == [Saying(UPSERT, 2, 10**6, "b")]


def test_a_late_snapshot_of_an_older_period_hides_nothing_newer() -> None:
    """An END dated earlier and exported later is said, and what was said for later periods stands as it is."""
    past = Past([Shown(1, "a", 1, 1), Shown(3, "a", 10**6, 10**6), Shown(4, "a", 10**7, 10**7)], {}, {})
    told = {("a", 1): Told(1), ("a", 2): Told(10**8), ("a", 3): Told(10**6), ("a", 4): Told(10**7)}
    found = sayings(past, told, {"a": [1, 2, 3, 4]}, ("a", 2))

    assert [(one.operation, one.period) for one in found] == [(END, 2)]
    assert found[0].revision < STEP


def test_what_a_correction_takes_away_is_retracted() -> None:
    """A household that only a mistaken snapshot showed was never there; more was said of it the more snapshots there were."""
    past = Past([], {}, {1: 100}, frozenset({("a", 1)}))
    revisions = [sayings(past, {("a", 1): Told(120, count)}, {"a": [1]}, ("a", 1)) for count in (2, 3)]

    assert [(one.operation, one.period) for some in revisions for one in some] == [(RETRACT, 1)] * 2
    assert 120 < revisions[0][0].revision < revisions[1][0].revision


def test_what_a_correction_takes_away_has_ended_where_it_was_before() -> None:
    """A household shown the month before has ended in the corrected month, under more than that month's showing had."""
    past = Past([Shown(1, "a", 90, 90)], {}, {2: 100}, frozenset({("a", 2)}))
    (end,) = sayings(past, {("a", 1): Told(90), ("a", 2): Told(120, 2)}, {"a": [1, 2]}, ("a", 2))

    assert (end.operation, end.period) == (END, 2)
    assert end.revision > 120


def test_what_a_correction_would_hide_is_said_again() -> None:
    """Where an END may stand under a correction's time, later months exported before it are said above."""
    past = Past([Shown(1, "a", 90, 90), Shown(3, "a", 110, 110)], {}, {2: 100}, frozenset({("a", 2)}))
    told = {("a", 1): Told(90), ("a", 2): Told(120, 2), ("a", 3): Told(110)}
    end, shown = sayings(past, told, {"a": [1, 2, 3]}, ("a", 2))

    assert (end.operation, end.period, shown.operation, shown.period) == (END, 2, UPSERT, 3)
    assert end.revision < shown.revision


def test_an_end_that_is_no_longer_so_is_retracted() -> None:
    """A late snapshot of another village shows that the household had moved before: the END of the old village is taken back."""
    past = Past([Shown(1, "a", 90, 90), Shown(2, "b", 10**6, NEVER)], {3: Gone(END, 110)}, {})
    told = {("a", 1): Told(90), ("a", 3): Told(10**7), ("b", 2): Told(10**6)}
    shown, taken_back = sayings(past, told, {"a": [1, 3], "b": [2]}, ("b", 2))

    assert shown == Saying(UPSERT, 2, 10**6, "b")
    assert (taken_back.operation, taken_back.period) == (RETRACT, 3)
    assert taken_back.revision > 10**6


def test_an_end_that_may_have_been_said_is_retracted() -> None:
    """The same without any memory of that END: an adapter that knew only the old village's snapshots may have said it."""
    past = Past([Shown(1, "a", 90, 90), Shown(2, "b", 10**6, 10**6)], {}, {})
    told = {("a", 1): Told(90), ("a", 3): Told(10**7), ("b", 2): Told(10**6)}
    (one,) = sayings(past, told, {"a": [1, 3], "b": [2]}, ("a", 3))

    assert (one.operation, one.period) == (RETRACT, 3)
    assert sayings(Past(past.shown, {3: Gone(RETRACT, one.revision)}, {}), told, {"a": [1, 3], "b": [2]}, ("a", 3)) == []


def test_a_showing_that_cannot_be_said_still_shows() -> None:
    """A household whose row cannot be mapped is there: it has not ended, and an END said of it is taken back."""
    shown = [Shown(1, "a", 90, 90), Shown(2, "a", 120, UNSAYABLE)]
    told = {("a", 1): Told(90), ("a", 2): Told(120)}

    assert sayings(Past(shown, {}, {}), told, {"a": [1, 2]}, ("a", 2)) == []
    (one,) = sayings(Past(shown, {2: Gone(END, 100)}, {}), told, {"a": [1, 2]}, ("a", 2))
    assert (one.operation, one.period) == (RETRACT, 2)
    assert one.revision > 100


def test_nothing_is_said_twice() -> None:
    """What was said and is still so is not said again."""
    told = {("a", 1): Told(90), ("a", 2): Told(100), ("a", 3): Told(110)}
    complete = {"a": [1, 2, 3]}
    (end,) = sayings(Past([Shown(1, "a", 90, 90)], {}, {}), told, complete, ("a", 2))
    past = Past([Shown(1, "a", 90, 90)], {2: Gone(END, end.revision)}, {})

    assert sayings(past, told, complete, ("a", 3)) == []
