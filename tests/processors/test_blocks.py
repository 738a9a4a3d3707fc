"""Record batches are taken apart exactly as the clients that wrote them would, whatever their size, headers and compression."""

import struct

import pytest
from aiokafka.record.default_records import DefaultRecordBatch
from aiokafka.record.util import calc_crc32c
from hypothesis import given
from hypothesis import strategies as st

from processors.blocks import Block, BrokenBatch, headers_at, join, parse_blocks
from tests.processors.record_batches import Sent, record_batch

GZIP, SNAPPY, LZ4, ZSTD = 1, 2, 3, 4
_BYTES = st.none() | st.binary(max_size=200)
_SENT = st.builds(Sent, _BYTES, _BYTES, st.lists(st.tuples(st.text(max_size=5), st.binary(max_size=5)), max_size=2).map(tuple))


def parsed(raw: bytes) -> list[tuple[Block | None, int]]:
    """Return what a fetch's bytes hold, with checksums checked."""
    return list(parse_blocks(raw, calc_crc32c))


def records(block: Block) -> list[Sent]:
    """Return the records of a block as they were sent."""
    found = []
    for at in range(len(block.value)):
        key, size = int(block.key[at]), int(block.key_length[at])
        value, length = int(block.value[at]), int(block.value_length[at])
        headers = headers_at(block.raw, value + max(length, 0))
        found.append(
            Sent(
                None if size < 0 else block.raw[key : key + size],
                None if length < 0 else block.raw[value : value + length],
                tuple(headers),
            )
        )
    return found


@given(st.lists(_SENT, min_size=1, max_size=20), st.integers(0, 2**50), st.sampled_from([0, GZIP, SNAPPY, LZ4, ZSTD]))
def test_batches_are_read_as_they_were_written(sent: list[Sent], first: int, compression: int) -> None:
    """One to twenty records, with null keys and values, headers and any compression: keys, values, headers and offsets come back."""
    ((block, after),) = parsed(record_batch(sent, first, compression))

    assert block is not None
    assert sent == records(block)
    assert (first, first + len(sent) - 1, first + len(sent)) == (block.first, block.last, after)


@given(st.lists(st.lists(_SENT, min_size=1, max_size=12), min_size=1, max_size=5), st.data())
def test_blocks_laid_end_to_end_keep_their_records(batches: list[list[Sent]], data: st.DataObject) -> None:
    """Joined blocks, each begun at an offset, hold the same bytes at the joined positions, and name the block of each record."""
    blocks, left = [], []
    for number, sent in enumerate(batches):
        begin = data.draw(st.integers(0, len(sent) - 1))
        ((block, _),) = parsed(record_batch(sent, 100 * number))
        assert block is not None
        blocks.append(block.from_offset(100 * number + begin))
        left.append(sent[begin:])
    joined = join(blocks, padding=16)

    assert joined.raw.endswith(b"\0" * 16)
    assert [number for number, sent in enumerate(left) for _ in sent] == joined.block.tolist()
    whole = Block(joined.raw, joined.key, joined.key_length, joined.value, joined.value_length, 0, 0)
    assert [one for sent in left for one in sent] == records(whole)


@pytest.mark.parametrize(("offset", "first", "left"), [(0, 10, 3), (10, 10, 3), (11, 11, 2), (12, 12, 1), (13, 13, 0), (99, 99, 0)])
def test_a_block_from_an_offset_on(offset: int, first: int, left: int) -> None:
    """Records below an offset are left out; the offsets of the others stay theirs."""
    ((block, _),) = parsed(record_batch([Sent(b"k", bytes([number])) for number in range(3)], 10))
    assert block is not None
    rest = block.from_offset(offset)

    assert left == len(rest.value) == len(records(rest))
    assert not left or (first, 12) == (rest.first, rest.last)


@pytest.mark.parametrize(("offset", "left"), [(0, 0), (10, 0), (11, 1), (12, 2), (13, 3), (99, 3)])
def test_a_block_before_an_offset(offset: int, left: int) -> None:
    """Records from an offset on are left out."""
    ((block, _),) = parsed(record_batch([Sent(b"k", bytes([number])) for number in range(3)], 10))
    assert block is not None
    rest = block.before(offset)

    assert [Sent(b"k", bytes([number])) for number in range(left)] == records(rest)
    assert rest.first == 10


def test_a_fetch_that_was_cut_gives_its_whole_batches() -> None:
    """What follows the last whole batch comes with the next fetch."""
    whole, cut = record_batch([Sent(b"a", b"1")], 5), record_batch([Sent(b"b", b"2")] * 3, 6)
    for end in range(len(cut)):
        assert [(block.first, after) for block, after in parsed(whole + cut[:end]) if block] == [(5, 6)]


def test_damage_anywhere_is_noticed() -> None:
    """A bit that flipped anywhere after the checksum's place fails the checksum, and the message names the offset."""
    good = record_batch([Sent(b"key", b"value")] * 3, 77)
    for at in range(17, len(good)):
        bad = bytearray(good)
        bad[at] ^= 1
        with pytest.raises(BrokenBatch, match="record batch at offset 77 cannot be read"):
            parsed(bytes(bad))


def test_old_message_formats_are_refused() -> None:
    """Message format 1 of another age is not misread."""
    old = bytearray(record_batch([Sent(b"k", b"v")]))
    old[16] = 1
    with pytest.raises(BrokenBatch, match="message format 1"):
        parsed(bytes(old))


def test_control_batches_hold_no_records() -> None:
    """The marker at the end of a transaction takes an offset and nothing else."""
    ((block, after),) = list(parse_blocks(with_attributes(record_batch([Sent(b"\0\0\0\0", b"")], 9), 0x20), None))

    assert block is None
    assert after == 10


@pytest.mark.parametrize("count", [2, 12])
def test_offsets_with_holes_are_refused(count: int) -> None:
    """A batch that compaction has thinned out is refused, in few records and in many: the topic must not be compacted."""
    thinned = bytearray(record_batch([Sent(None, bytes([number])) for number in range(count)]))
    second = 61 + 1 + thinned[61] // 2  # the second record's length; its offset delta stands after attributes and timestamp
    thinned[second + 3] = 2 * 5
    with pytest.raises(BrokenBatch, match="its offsets are not dense"):
        list(parse_blocks(bytes(thinned), None))


@pytest.mark.parametrize("count", [1, 3, 12])
def test_a_batch_that_ends_inside_a_record_is_refused(count: int) -> None:
    """A count that promises more records than there are bytes is damage, not an index error."""
    lying = bytearray(record_batch([Sent(None, b"x")] * count))
    lying[57:61] = struct.pack(">i", count + 1)
    with pytest.raises(BrokenBatch, match="it ends inside a record"):
        list(parse_blocks(bytes(lying), None))


def test_our_batches_are_real_ones() -> None:
    """What these tests parse, aiokafka's own reader parses to the same records."""
    sent = [Sent(b"k", b"v", (("h", b"1"),)), Sent(None, b""), Sent(b"", None)]
    theirs = DefaultRecordBatch(record_batch(sent, 3))

    assert theirs.validate_crc()
    assert sent == [Sent(one.key, one.value, tuple(one.headers)) for one in theirs]


def with_attributes(batch: bytes, attributes: int) -> bytes:
    """Return a batch with other attributes; its checksum is wrong then."""
    changed = bytearray(batch)
    changed[21:23] = struct.pack(">h", attributes)
    return bytes(changed)
