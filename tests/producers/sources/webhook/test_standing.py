"""What a receiver tells of itself: causes that sending again does not cure, for as long as they go on."""

from producers.sources.webhook.refusals import Refusal
from producers.sources.webhook.standing import Standing

WRONG, LATE, PATH = Refusal.WRONG_SIGNATURE.words, Refusal.LATE.words, Refusal.ANOTHER_PATH.words


def test_a_lasting_cause_is_told_with_what_helps() -> None:
    """Of what passes by itself, and of what was refused before the start, nothing is told."""
    standing = Standing({WRONG: 5})

    assert standing.note({WRONG: 5, LATE: 3}, taken=False, now_s=0.0) == ""
    assert standing.note({WRONG: 6, LATE: 3}, taken=False, now_s=1.0) == "requests refused: wrong signature: compare our secret with theirs"
    assert standing.note({WRONG: 6, PATH: 1}, taken=False, now_s=2.0).startswith("requests refused: another path; wrong signature")


def test_it_is_over_when_something_is_taken_and_nothing_was_refused_for_a_while() -> None:
    """One that is taken between two refusals ends nothing, nor does silence."""
    standing = Standing({})
    refused = standing.note({WRONG: 1}, taken=False, now_s=10.0)

    assert refused
    assert standing.note({WRONG: 1}, taken=False, now_s=99.0) == refused
    assert standing.note({WRONG: 2}, taken=True, now_s=100.0) == refused
    assert standing.note({WRONG: 2}, taken=True, now_s=101.0) == refused
    assert standing.note({WRONG: 2}, taken=False, now_s=105.0) == ""


def test_it_is_over_when_one_was_taken_in_the_same_moment() -> None:
    """Else a sender that is let in at once, and then has nothing to say for days, would be told of as refused for so long."""
    standing = Standing({})

    assert standing.note({WRONG: 1}, taken=True, now_s=10.0)
    assert standing.note({WRONG: 1}, taken=False, now_s=14.0)
    assert standing.note({WRONG: 1}, taken=False, now_s=15.0) == ""
