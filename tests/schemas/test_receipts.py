"""The receipt's chain: the same however records are handed over, and refused where one bit of it is another."""

import json
from collections.abc import Sequence
from hashlib import sha256
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.receipts import SEGMENT_EVENTS, SEGMENT_RUNS, Chain, Forgotten, Placed, Receipt, ReceiptRefused, Segment, extended, link

NOTHING = bytes(32)
TOPIC = "muara.99.01.household.v1"
OFFSETS = st.lists(st.integers(0, 3_000), unique=True, max_size=60).map(sorted)
GROWING = OFFSETS.flatmap(
    lambda offsets: st.lists(st.tuples(st.binary(max_size=4), st.binary(max_size=4)), min_size=len(offsets), max_size=len(offsets)).map(
        lambda said: [(offset, *one) for offset, one in zip(offsets, said, strict=True)]
    )
)


def chain(placed: Sequence[Placed], name: str = "aa", forgotten: Forgotten | None = None) -> Chain:
    """Return the chain of some records."""
    made = Chain(name, "run", TOPIC, 0, None, 0, 0, over=False, forgotten=forgotten, segments=())
    segments = tuple(extended(None, made.start("carik"), placed))
    before = forgotten.events if forgotten else 0
    return Chain(name, "run", TOPIC, 0, None, len(placed) + before, 0, over=False, forgotten=forgotten, segments=segments)


@given(GROWING, st.lists(st.integers(0, 60), max_size=5))
def test_it_does_not_show_how_records_were_handed_over(placed: list[Placed], cuts: list[int]) -> None:
    """However records are cut into deliveries, segments and heads are the same."""
    segments: list[Segment] = []
    edges = [0, *sorted(cuts), len(placed)]
    for begin, end in pairwise(edges):
        last = segments.pop() if segments else None
        more = extended(last, last.head if last else NOTHING, placed[begin:end])
        segments += more or ([last] if last else [])

    assert segments == extended(None, NOTHING, placed)


@given(GROWING)
def test_the_head_is_a_hash_chain(placed: list[Placed]) -> None:
    """The head is what its formula says, offset by offset, and the runs are exactly the offsets."""
    head = NOTHING
    for offset, key, value in placed:
        head = sha256(head + offset.to_bytes(8, "big") + len(key).to_bytes(4, "big") + key + value).digest()
    segments = extended(None, NOTHING, placed)

    assert ([one.head for one in segments][-1:] or [NOTHING]) == [head]
    assert [at for one in segments for begin, end in one.runs for at in range(begin, end + 1)] == [offset for offset, _, _ in placed]


@given(GROWING, GROWING)
def test_other_records_have_another_head(one: list[Placed], other: list[Placed]) -> None:
    """Two sequences have the same head only if they are the same: nothing can be moved from a key to its value, or to another offset."""
    heads = [extended(None, NOTHING, placed)[-1:] for placed in (one, other)]

    assert (one == other) == ([segment.head for segment in heads[0]] == [segment.head for segment in heads[1]])


def test_segments_are_bounded() -> None:
    """A segment ends at so many events, and at so many interruptions, and the next one goes on."""
    whole = extended(None, NOTHING, [(offset, b"k", b"v") for offset in range(SEGMENT_EVENTS + 1)])
    broken = extended(None, NOTHING, [(2 * number, b"k", b"v") for number in range(SEGMENT_RUNS + 1)])

    assert [(one.first, one.last, one.events) for one in whole] == [(0, SEGMENT_EVENTS - 1, SEGMENT_EVENTS), (SEGMENT_EVENTS,) * 2 + (1,)]
    assert [len(one.runs) for one in broken] == [SEGMENT_RUNS, 1]


def receipt() -> Receipt:
    """Return a receipt of two chains."""
    first = [(offset, b"k", b"%d" % offset) for offset in (3, 4, 5, 9)]
    second = [(offset, b"k", b"%d" % offset) for offset in (6, 7)]
    return Receipt.of("carik", 2, [chain(first), chain(second, "bb", Forgotten(5, 1, bytes(range(32))))])


def test_it_is_read_as_it_was_written() -> None:
    """A receipt that is written and read is the same one, and nobody changed it."""
    found = Receipt.read(receipt().text())

    assert found == receipt()
    assert not found.altered
    assert [one.events for one in found.chains] == [4, 7]


@given(st.data())
def test_one_bit_that_is_another_is_noticed(data: st.DataObject) -> None:
    """Whatever bit is turned over, the receipt is refused with the place, or known as altered."""
    text = bytearray(receipt().text())
    bit = data.draw(st.integers(0, 8 * len(text) - 1))
    text[bit // 8] ^= 1 << bit % 8

    assert noticed(bytes(text))


def noticed(text: bytes) -> bool:
    """Return whether a text is refused, naming the place, or read as an altered receipt."""
    try:
        return Receipt.read(text).altered
    except ReceiptRefused as error:
        return bool(error.facts["place"])


@pytest.mark.parametrize(
    ("path", "value", "told"),
    [
        (("chains", 0, "segments", 0, "events"), 3, "chains[0].segments[0].events: 3, but its offsets are 4"),
        (("chains", 0, "segments", 0, "runs", 0, 1), 4, "chains[0].segments[0].events: 4, but its offsets are 3"),
        (("chains", 0, "segments", 0, "runs", 1), [5, 5], "chains[0].segments[0].runs: 5 to 5 does not follow 5"),
        (("chains", 0, "segments", 0, "runs"), [[9, 9], [3, 5]], "chains[0].segments[0].runs: 3 to 5 does not follow 9"),
        (("chains", 0, "segments", 0, "runs"), [[3, 6]], "chains[1].segments[0].runs: offset 6 is claimed twice"),
        (("chains", 0, "segments", 0, "head"), "00", "chains[0].segments[0].head: it has not 32 bytes"),
        (("chains", 0, "segments"), [], "chains[0].segments: there is none"),
        (("chains", 1, "events"), 6, "chains[1].events: 6, but its segments hold 7"),
        (("chains", 1, "forgotten", "last"), 6, "chains[1].segments[0].runs: 6 to 7 does not follow 6"),
        (("source",), "a\u001b[31mb", "source: it is no name of that kind"),
        (("chains", 0, "topic"), "muara.99.01\0.household.v1", "chains[0].topic: it is no name of that kind"),
        (("chains", 0, "topic_id"), "a b", "chains[0].topic_id: it is no name of that kind"),
        (("chains", 0, "name"), "a\u001b", "chains[0].name: it is no name of that kind"),
        (("chains", 0, "writer"), "nobody", "chains[0].writer: it is no name of that kind"),
        (("chains", 0, "partition"), 2**31, "chains[0].partition: there is none of number 2147483648"),
        (("chains", 0, "segments", 0, "runs"), [[3, 2**62]], "chains[0].segments[0].runs: 3 to 4611686018427387904 does not follow -1"),
        (("receipt",), 2, "receipt: version 2 is not known"),
        (("waiting",), "2", "waiting: input should be a valid integer"),
        (("more",), 1, "more: unexpected keyword argument"),
    ],
)
def test_what_contradicts_itself_is_refused_with_the_place(path: tuple[str | int, ...], value: object, told: str) -> None:
    """A count, an offset or a name that cannot be is refused, and the message says where."""
    content = json.loads(receipt().text())
    at = content
    for step in path[:-1]:
        at = at[step]
    at[path[-1]] = value

    with pytest.raises(ReceiptRefused) as refused:
        Receipt.read(json.dumps(content).encode())
    assert told in f"{refused.value.facts['place']}: {refused.value.facts['why']}"


def test_another_way_of_writing_is_refused() -> None:
    """Only the one form of a receipt is taken, so that nothing can be hidden in spaces or in a second field of one name."""
    with pytest.raises(ReceiptRefused, match="not in the form in which receipts are written"):
        Receipt.read(json.dumps(json.loads(receipt().text()), indent=1).encode())


def test_names_begin_a_chain() -> None:
    """The same records under another name, source, topic or partition have another head."""
    made = chain([(0, b"k", b"v")])
    others = [made.start("desa"), chain([], "bb").start("carik")]

    assert len({made.start("carik"), *others}) == 3
    assert made.head == link(made.start("carik"), 0, b"k", b"v")
