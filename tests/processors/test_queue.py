"""What is read ahead is taken in order, by partitions that stand back while they are in flight."""

from hypothesis import given
from hypothesis import strategies as st

from processors.blocks import Block
from processors.queue import ReadAhead, Taken
from tests.processors.record_batches import Sent, block_of

A, B, C = ("a", 0), ("b", 0), ("c", 0)


def blocks(*sizes: int, first: int = 0) -> list[Block]:
    """Return blocks of so many records, one after the other."""
    made = []
    for size in sizes:
        made.append(block_of([Sent(None, b"")] * size, first))
        first += size
    return made


def taken(ahead: ReadAhead) -> list[tuple[str, list[int]]]:
    """Take a batch and return its partitions with the first offsets of their blocks."""
    return [(partition[0], [block.first for block in one]) for partition, one in ahead.take()]


def test_a_batch_takes_oldest_partitions_first_until_it_is_full() -> None:
    """Whole blocks are taken until the limit is passed; what is left stays in order."""
    ahead = ReadAhead(10)
    ahead.put(A, blocks(4, 4, 4))
    ahead.put(B, blocks(3))
    ahead.put(C, blocks(1))

    assert ahead.records == 16
    assert taken(ahead) == [("a", [0, 4, 8])]
    assert taken(ahead) == [("b", [0]), ("c", [0])]
    assert ahead.records == 0


def test_a_partition_in_flight_stands_back() -> None:
    """Its further blocks wait until its batch is done, so they cannot overtake it."""
    ahead = ReadAhead(4)
    ahead.put(A, blocks(4, 4))
    first = ahead.take()

    assert not ahead.ready()
    assert ahead.waiting(A)
    ahead.put(B, blocks(2))
    assert taken(ahead) == [("b", [0])]
    ahead.done(first)
    assert ahead.ready()
    assert taken(ahead) == [("a", [4])]


def test_what_is_dropped_is_forgotten() -> None:
    """A partition that is read again from elsewhere leaves nothing behind, and the count is right."""
    ahead = ReadAhead(4)
    ahead.put(A, blocks(4, 4))
    ahead.put(B, blocks(3))
    ahead.drop(A)
    ahead.drop(C)

    assert (ahead.records, ahead.ready(), ahead.waiting(A)) == (3, True, False)
    ahead.drop_all()
    assert (ahead.records, ahead.ready()) == (0, False)


def test_three_batches_are_enough() -> None:
    """More than three batches are not read ahead."""
    ahead = ReadAhead(4)
    ahead.put(A, blocks(11))
    assert not ahead.full()
    ahead.put(B, blocks(1))
    assert ahead.full()


def test_of_a_trickle_there_is_one_batch_in_flight_and_of_a_flood_more() -> None:
    """Beside a batch in flight another one is taken only once an eighth of a batch waits."""
    ahead = ReadAhead(16)
    ahead.put(A, blocks(1))
    taken = ahead.take()
    ahead.put(B, blocks(1))
    assert not ahead.ready()
    assert ahead.ready(late=True)
    ahead.put(C, blocks(1))
    assert ahead.ready()
    ahead.take()
    ahead.put(A, blocks(1, first=1))
    ahead.done(taken)
    assert not ahead.ready()


@given(st.lists(st.tuples(st.sampled_from("abc"), st.integers(1, 5)) | st.sampled_from(["take", "done"]), max_size=30))
def test_every_record_is_taken_once_and_in_order(steps: list[tuple[str, int] | str]) -> None:
    """Whatever is put, taken and done in whatever order, each partition's blocks come out once, in the order of their offsets."""
    ahead, put, got = ReadAhead(6), dict.fromkeys("abc", 0), dict.fromkeys("abc", 0)
    flying: list[Taken] = []

    def take() -> None:
        batch = ahead.take()
        assert not {one for one, _ in batch} & {one for other in flying for one, _ in other}
        flying.append(batch)
        for (name, _), one in batch:
            for block in one:
                assert block.first == got[name]
                got[name] += len(block.value)

    for step in [*steps, *["done", "take"] * 40]:
        if isinstance(step, tuple):
            ahead.put((step[0], 0), blocks(step[1], first=put[step[0]]))
            put[step[0]] += step[1]
        elif step == "take":
            take()
        elif flying:
            ahead.done(flying.pop(0))
        assert ahead.records == sum(put.values()) - sum(got.values())
    assert put == got
