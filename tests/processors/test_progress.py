"""A partition that stands still while its log goes on is found, whatever the others do; a quiet one is left in peace."""

from processors.progress import Progress

A, B = ("a", 0), ("b", 0)


def test_one_that_stands_still_is_not_hidden_by_one_that_moves() -> None:
    """B moves at every check; A, behind at offset 5 from the first check on, is stalled after the time that is allowed."""
    progress = Progress(30)
    found = [progress.stalled(at, {A: 5, B: int(at)}, {A: 6, B: 100}) for at in (0.0, 10.0, 29.0, 30.0)]

    assert found == [set(), set(), set(), {A}]


def test_a_record_after_a_long_silence_is_no_stall() -> None:
    """Time counts from when a partition is first seen behind, not from when it last moved."""
    progress = Progress(30)
    found = [progress.stalled(at, {A: 5}, {A: end}) for at, end in ((0.0, 5), (100.0, 5), (101.0, 6), (130.0, 6), (131.0, 6))]

    assert found == [set(), set(), set(), set(), {A}]


def test_moving_counts_anew() -> None:
    """A partition that is always behind but moves is none; nor is one that was caught up in between."""
    progress = Progress(30)
    seen = [(0.0, 5, 9), (20.0, 6, 9), (40.0, 7, 9), (60.0, 9, 9), (65.0, 9, 10), (94.0, 9, 10)]
    assert [progress.stalled(now, {A: at}, {A: end}) for now, at, end in seen] == [set()] * 6

    assert progress.stalled(95.0, {A: 9}, {A: 10}) == {A}


def test_waiting_for_something_else_counts_anew() -> None:
    """After a wait that all shared, and for a partition that came or went meanwhile, the time begins again."""
    progress = Progress(30)
    progress.stalled(0.0, {A: 5}, {A: 6})
    progress.forget()
    assert progress.stalled(30.0, {A: 5}, {A: 6}) == set()
    assert progress.stalled(59.0, {}, {A: 6}) == set()
    assert progress.stalled(60.0, {A: 5}, {A: 6}) == set()
