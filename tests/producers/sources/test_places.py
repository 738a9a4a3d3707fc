"""Places, revisions and positions: what is committed later wins, whatever is read when."""

from hypothesis import given
from hypothesis import strategies as st

from producers.sources.postgres.places import GREATEST_ORDINAL, Ordinals, Position, Snapshot, place_of, revision, written

_LEAST_COMMIT = 32
places = st.integers(min_value=0, max_value=(1 << 48) - 64)


@given(places)
def test_a_place_is_written_as_it_was_read(place: int) -> None:
    """Both forms tell the same."""
    assert place_of(written(place)) == place


@given(places, st.integers(0, 1 << 40), st.integers(0, 1 << 40))
def test_a_later_commit_wins_over_everything_before_it(place: int, within: int, later: int) -> None:
    """Whatever a transaction did last loses against what a later one did first, and against what is read as so from there on."""
    following = place + _LEAST_COMMIT

    assert revision(place, within) < revision(following, 0) < revision(following, 1 + later)
    assert revision(following, later) < 1 << 63


@given(places, st.integers(0, GREATEST_ORDINAL - 1))
def test_within_a_transaction_order_counts(place: int, within: int) -> None:
    """Of two changes in one transaction the later one wins."""
    assert revision(place, within) < revision(place, within + 1)


@given(places, places, st.integers(0, 6))
def test_a_generation_wins_over_every_earlier_one(before: int, after: int, generation: int) -> None:
    """After a restore the log begins anew at small places; the next generation wins all the same."""
    assert revision(before, GREATEST_ORDINAL, generation) < revision(after, 0, generation + 1) < 1 << 63


@given(st.lists(st.text(max_size=3), max_size=50))
def test_the_changes_of_a_key_are_numbered_in_order(keys: list[str]) -> None:
    """Each change of a key has a greater number than the one before, and a second reading gives the same numbers."""
    first, second = Ordinals(), Ordinals()
    numbers = [first.next(key) for key in keys]

    assert numbers == [second.next(key) for key in keys]
    for key in set(keys):
        own = [number for number, one in zip(numbers, keys, strict=True) if one == key]
        assert own == sorted(set(own))


def test_a_position_survives_its_text() -> None:
    """What is kept is what is read again, and it holds no key."""
    snapshot = Snapshot("0/16B3748", 16412, 128, 5000, 2, anyone=3)
    for position in (Position("0/16B3748"), Position("0/16B3748", 5), Position("0/16B3748", 0, snapshot)):
        assert Position.of(position.text()) == position
