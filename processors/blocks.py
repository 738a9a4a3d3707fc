"""
Kafka's record batches, taken whole: where each record's key and value stand in the bytes, no object per record.

Why: one Python object per record costs more than decoding it. Format: Kafka's message format 2, as its protocol guide describes it.
Must not: import a client; the checksum is given by the transport.
"""

import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from processors.columns.varints import read_varints, words
from processors.compression import GREATEST_BYTES, TooLarge, unpacked
from schemas.errors import Fatal

__all__ = ["Block", "BrokenBatch", "Joined", "Unreadable", "headers_at", "join", "parse_blocks"]

_HEAD = struct.Struct(">qiibIhiqqqhii")
"""
Base offset, length, leader epoch, magic, checksum, attributes, last offset delta, first and greatest timestamp,
producer id, epoch, sequence, count.
"""
_COMPRESSED, _CONTROL = 0x07, 0x20
_FEW = 8
"""Up to so many records plain Python is faster than the numpy calls."""
_GUARD = b"\0" * 16

Checksum = Callable[[bytes], int]
Positions = NDArray[np.int64]


class BrokenBatch(Fatal):
    """a record batch at offset {offset} cannot be read ({why}): the broker's log, the network or whoever sent it is at fault"""


@dataclass(slots=True)
class Block:
    """
    The records of one Kafka batch: offsets `first` to `last` without a gap, all arrived at `timestamp_ms`.

    `raw` holds their bytes; the arrays, each of shape (records,), are positions in it. A missing key or value has length -1.
    """

    raw: bytes
    key: Positions
    key_length: Positions
    value: Positions
    value_length: Positions
    first: int
    timestamp_ms: int

    @property
    def last(self) -> int:
        """Offset of the last record."""
        return self.first + len(self.value) - 1

    def from_offset(self, offset: int) -> "Block":
        """Return the block without the records below an offset."""
        skip = max(0, offset - self.first)
        if not skip:
            return self
        return Block(
            self.raw,
            self.key[skip:],
            self.key_length[skip:],
            self.value[skip:],
            self.value_length[skip:],
            self.first + skip,
            self.timestamp_ms,
        )

    def before(self, offset: int) -> "Block":
        """Return the block without the records from an offset on."""
        keep = max(0, offset - self.first)
        if keep >= len(self.value):
            return self
        return Block(
            self.raw,
            self.key[:keep],
            self.key_length[:keep],
            self.value[:keep],
            self.value_length[:keep],
            self.first,
            self.timestamp_ms,
        )


@dataclass(frozen=True, slots=True)
class Unreadable:
    """What stands at an offset of a partition cannot be read, and why; nothing after it was read either."""

    offset: int
    why: str


@dataclass(frozen=True, slots=True)
class Joined:
    """Blocks laid end to end: the same arrays as in `Block` over one `raw` that ends in padding, and the block of each record."""

    raw: bytes
    key: Positions
    key_length: Positions
    value: Positions
    value_length: Positions
    block: Positions


def join(blocks: list[Block], padding: int) -> Joined:
    """Return blocks laid end to end, followed by `padding` zero bytes."""
    shift = np.cumsum([0] + [len(block.raw) for block in blocks])
    sizes = [len(block.value) for block in blocks]
    by = np.repeat(shift[:-1], sizes)
    return Joined(
        raw=b"".join([block.raw for block in blocks]) + b"\0" * padding,
        key=np.concatenate([block.key for block in blocks]) + by,
        key_length=np.concatenate([block.key_length for block in blocks]),
        value=np.concatenate([block.value for block in blocks]) + by,
        value_length=np.concatenate([block.value_length for block in blocks]),
        block=np.repeat(np.arange(len(blocks)), sizes),
    )


def parse_blocks(raw: bytes, checksum: Checksum | None) -> Iterator[tuple[Block | None, int]]:
    """
    Yield each whole batch in a fetch's bytes as a block, with the offset after it; None for batches that hold no records of ours.

    Raises `BrokenBatch` where one is damaged, has holes or an old format.
    """
    at = 0
    while at + _HEAD.size <= len(raw):
        base, length, _, magic, crc, attributes, last, _, timestamp, _, _, _, count = _HEAD.unpack_from(raw, at)
        end = at + 12 + length
        if end > len(raw):
            return  # the fetch was cut here; the rest comes with the next one
        if magic != 2:
            raise BrokenBatch(offset=base, why=f"message format {magic}")
        if checksum and checksum(raw[at + 21 : end]) != crc:
            raise BrokenBatch(offset=base, why="wrong checksum")
        if attributes & _CONTROL:
            yield None, base + last + 1
        else:
            body = raw[at + _HEAD.size : end]
            if attributes & _COMPRESSED:
                body = _decompressed(attributes & _COMPRESSED, body, base)
            yield _block(body, base, count, timestamp), base + last + 1
        at = end


def _decompressed(kind: int, body: bytes, base: int) -> bytes:
    try:
        return unpacked(kind, body)
    except TooLarge as error:
        raise BrokenBatch(offset=base, why=f"it unpacks to more than {GREATEST_BYTES >> 20} MB") from error
    except Exception as error:
        # Why all of them: each codec has errors of its own.
        raise BrokenBatch(offset=base, why=f"{type(error).__name__} while decompressing it") from error


def _block(body: bytes, base: int, count: int, timestamp_ms: int) -> Block:
    few = _few if count <= _FEW else _many
    try:
        key, key_length, value, value_length, deltas = few(body, count)
    except (IndexError, ValueError) as error:
        raise BrokenBatch(offset=base, why="it ends inside a record") from error
    if not (deltas[1:] - deltas[:-1] == 1).all():
        raise BrokenBatch(offset=base, why="its offsets are not dense: the topic must be neither compacted nor written in transactions")
    return Block(body + _GUARD, key, key_length, value, value_length, base + (int(deltas[0]) if count else 0), timestamp_ms)


def _many(body: bytes, count: int) -> tuple[Positions, Positions, Positions, Positions, Positions]:
    """Return keys, values and offset deltas of many records, by columns."""
    word = words(body + _GUARD)
    at = _record_starts(body, count) + 1  # past the attributes
    _, width, _ = read_varints(word, at)  # timestamp
    at += width
    delta, width, _ = read_varints(word, at)
    at += width
    key_length, width, _ = read_varints(word, at)
    key = at + width
    at = key + np.maximum(key_length, 0)
    value_length, width, _ = read_varints(word, at)
    return key, key_length, at + width, value_length, delta


def _record_starts(body: bytes, count: int) -> Positions:
    """Return where each record begins, after its length: the one thing that must be walked record by record."""
    starts = []
    at = 0
    for _ in range(count):
        length = body[at]
        at += 1
        if length > 127:
            length, at = _long_length(body, at, length)
        starts.append(at)
        at += length >> 1
    return np.array(starts, np.int64)


def _long_length(body: bytes, at: int, length: int) -> tuple[int, int]:
    length &= 127
    shift = 7
    while True:
        byte = body[at]
        at += 1
        length |= (byte & 127) << shift
        if byte < 128:
            return length, at
        shift += 7


def _few(body: bytes, count: int) -> tuple[Positions, Positions, Positions, Positions, Positions]:
    """Return the same as `_many`, in plain Python."""
    rows = np.empty((5, count), np.int64)
    at = 0
    for record in range(count):
        length, at = _varint(body, at)
        stop = at + length
        _, at = _varint(body, at + 1)
        delta, at = _varint(body, at)
        key_length, key = _varint(body, at)
        value_length, value = _varint(body, key + max(key_length, 0))
        rows[:, record] = key, key_length, value, value_length, delta
        at = stop
    return rows[0], rows[1], rows[2], rows[3], rows[4]


def _varint(body: bytes, at: int) -> tuple[int, int]:
    byte = body[at]
    at += 1
    if byte > 127:
        byte, at = _long_length(body, at, byte)
    return byte >> 1 ^ -(byte & 1), at


def headers_at(raw: bytes, at: int) -> list[tuple[str, bytes]]:
    """Return the headers that stand at a position, after a record's value."""
    count, at = _varint(raw, at)
    headers = []
    for _ in range(count):
        size, at = _varint(raw, at)
        name = raw[at : at + size].decode("utf-8", "replace")
        size, at = _varint(raw, at + size)
        headers.append((name, raw[at : at + max(size, 0)]))
        at += max(size, 0)
    return headers
