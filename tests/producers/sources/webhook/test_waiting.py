"""The queue between the two threads: bounded, every request answered exactly once, and nothing let in that cannot be kept."""

import threading
from collections.abc import Callable, Sequence

import pytest

from producers.sources.webhook.refusals import Refusal, RequestRefused
from producers.sources.webhook.waiting import Answer, Request, Waiting


class Answers:
    """What was answered, by the requests' numbers."""

    def __init__(self) -> None:
        """Nothing yet."""
        self.given: list[tuple[str, Refusal | None]] = []

    def __call__(self, answers: Sequence[Answer]) -> None:
        """Take answers."""
        self.given += [(request.delivery, refusal) for request, refusal in answers]


def waiting_of(numbers: Sequence[int], most: int = 10, most_bytes: int = 100) -> tuple[Waiting, Answers]:
    """Return a queue in which requests of ten bytes wait."""
    answers = Answers()
    waiting = Waiting(most, most_bytes, answers)
    for number in numbers:
        waiting.offer(Request(str(number), b"x" * 10, None))
    return waiting, answers


def test_the_oldest_come_first_up_to_a_number_and_to_bytes() -> None:
    """A batch is bounded both ways, and at least one comes however large it is."""
    waiting, _ = waiting_of(range(6))

    assert [one.delivery for one in waiting.take(2, 100, 0)] == ["0", "1"]
    assert [one.delivery for one in waiting.take(9, 11, 0)] == ["2", "3"]
    assert [one.delivery for one in waiting.take(9, 1, 0)] == ["4"]
    assert not waiting.empty()
    assert [one.delivery for one in waiting.take(9, 100, 0)] == ["5"]
    assert waiting.empty()


@pytest.mark.parametrize(("most", "most_bytes"), [(3, 100), (10, 30), (10, 39)])
def test_no_more_waits_than_may(most: int, most_bytes: int) -> None:
    """Beyond its bounds it refuses, and where some were taken it lets in again."""
    waiting, _ = waiting_of(range(3), most, most_bytes)
    with pytest.raises(RequestRefused, match="too much waits"):
        waiting.offer(Request("4", b"x" * 10, None))
    waiting.take(1, 100, 0)

    waiting.offer(Request("4", b"x" * 10, None))


def test_what_is_not_kept_is_refused_once_and_nothing_is_let_in_until_it_can_be() -> None:
    """What was taken and what waits is answered; then each at once, until something is kept."""
    waiting, answers = waiting_of(range(3))
    waiting.take(2, 100, 0)
    waiting.refuse(Refusal.NOT_KEPT)
    waiting.refuse(Refusal.NOT_KEPT)

    assert sorted(answers.given) == [("0", Refusal.NOT_KEPT), ("1", Refusal.NOT_KEPT), ("2", Refusal.NOT_KEPT)]
    with pytest.raises(RequestRefused, match="cannot be kept now"):
        waiting.offer(Request("4", b"", None))
    assert waiting.take(9, 100, 5) == []  # and it does not wait for any
    waiting.open()
    waiting.offer(Request("5", b"", None))
    assert [one.delivery for one in waiting.take(9, 100, 0)] == ["5"]


def test_what_was_answered_is_not_refused_later() -> None:
    """Each request has one answer."""
    waiting, answers = waiting_of(range(3))
    taken = waiting.take(9, 100, 0)
    waiting.settle([(taken[0], None), (taken[2], Refusal.NO_JSON)])
    waiting.refuse(Refusal.NOT_KEPT)

    assert answers.given == [("0", None), ("2", Refusal.NO_JSON), ("1", Refusal.NOT_KEPT)]


def test_once_stopping_it_stays_so() -> None:
    """What waits may still be taken; nothing is let in, whatever is kept or not kept then."""
    waiting, answers = waiting_of(range(2))
    waiting.stop()
    waiting.open()
    with pytest.raises(RequestRefused, match="stopping"):
        waiting.offer(Request("9", b"", None))
    assert len(waiting.take(9, 100, 0)) == 2
    waiting.refuse(Refusal.NOT_KEPT)

    assert waiting.refusal is Refusal.STOPPING
    assert len(answers.given) == 2


def test_it_wakes_who_waits() -> None:
    """A request ends the wait, and so does a refusal."""
    waiting, _ = waiting_of([])
    taken: list[list[Request]] = []
    acts: list[Callable[[], None]] = [lambda: waiting.offer(Request("1", b"", None)), lambda: waiting.refuse(Refusal.NOT_KEPT)]
    for act in acts:
        thread = threading.Thread(target=lambda: taken.append(waiting.take(9, 100, 60)))
        thread.start()
        act()
        thread.join(5)
        assert not thread.is_alive()
    assert [len(one) for one in taken] == [1, 0]


def test_no_repr_shows_what_was_sent() -> None:
    """Neither number nor body."""
    assert repr(Request("number", b"body", None)) == "Request()"
