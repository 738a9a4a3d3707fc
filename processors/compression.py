"""
Compressed record batches, unpacked to at most so many bytes.

Why: two kilobytes of zstd can stand for sixty-four megabytes. A batch beyond reason halts its partition, visibly; unpacked whole it would
end the worker for want of memory, and whichever takes the partition over next.
Must not: know a batch's frame, or guess what is meant where the bytes are damaged.
"""

import struct

import cramjam

__all__ = ["GREATEST_BYTES", "TooLarge", "unpacked"]

GREATEST_BYTES = 32 << 20
"""Of one batch. Kafka takes batches of a megabyte, compressed; what adapters send unpacks to three to ten times its size."""
_FIRST_BYTES, _FIRST_TIMES, _GROWTH = 1 << 16, 8, 4
_STREAMS = {1: cramjam.gzip, 3: cramjam.lz4, 4: cramjam.zstd}
_SNAPPY = 2
_FRAMED = b"\x82SNAPPY\0"
"""How a snappy stream of blocks begins; what follows is two versions, then length and block in turn."""
_FRAME_HEAD = 16


class TooLarge(ValueError):  # noqa: N818 - as the product names its errors
    """A batch that unpacks to more than `GREATEST_BYTES`."""


def unpacked(kind: int, body: bytes) -> bytes:
    """
    Return what a record batch of compression `kind` (Kafka's attribute bits: gzip, snappy, lz4, zstd) holds.

    Raises `TooLarge`, and where it is damaged or of another kind what the library raises, or `KeyError`.
    """
    if kind == _SNAPPY:
        return _snappy(body)
    return _stream(_STREAMS[kind], body)


def _stream(codec: object, body: bytes) -> bytes:
    """Unpack into a buffer that grows until all fits: most batches fit into the first."""
    size = max(_FIRST_BYTES, _FIRST_TIMES * len(body))
    while True:
        room = bytearray(min(size, GREATEST_BYTES))
        try:
            length = codec.decompress_into(body, room)  # type: ignore[attr-defined]
        except cramjam.DecompressionError as error:
            if "whole buffer" not in str(error):
                raise
        else:
            return bytes(memoryview(room)[:length])
        if size >= GREATEST_BYTES:
            raise TooLarge
        size *= _GROWTH


def _snappy(body: bytes) -> bytes:
    """Unpack blocks that say their length beforehand."""
    blocks = _blocks(body) if body.startswith(_FRAMED) else [body]
    if sum(cramjam.snappy.decompress_raw_len(block) for block in blocks) > GREATEST_BYTES:
        raise TooLarge
    return b"".join(bytes(cramjam.snappy.decompress_raw(block)) for block in blocks)


def _blocks(body: bytes) -> list[bytes]:
    """Return the blocks of a framed stream."""
    blocks, at = [], _FRAME_HEAD
    while at < len(body):
        (length,) = struct.unpack_from(">i", body, at)
        if length <= 0 or at + 4 + length > len(body):
            raise ValueError("a block of snappy ends outside its batch")
        blocks.append(body[at + 4 : at + 4 + length])
        at += 4 + length
    return blocks
