"""
Zigzag varints of many records at once: one gather of eight bytes per field and record.

Why: Avro and Kafka both write whole numbers this way; read one by one they cost more than everything else together.
Must not: raise for single records: what does not fit is marked, and someone else looks at it.
"""

import numpy as np
from numpy.typing import NDArray

__all__ = ["PADDING", "Positions", "read_varints", "words"]

Positions = NDArray[np.int64]
PADDING = 1024
"""Zero bytes that must follow the records: a reader that was led astray stays inside them, since its position is bounded between fields."""

_U = np.uint64
_MORE = _U(0x8080808080808080)
_7A, _7B = _U(0x007F007F007F007F), _U(0x7F007F007F007F00)
_14A, _14B = _U(0x00003FFF00003FFF), _U(0x3FFF00003FFF0000)
_28A, _28B = _U(0x0FFFFFFF), _U(0x0FFFFFFF00000000)
_1, _2, _4, _3 = _U(1), _U(2), _U(4), np.uint8(3)


def words(raw: bytes) -> NDArray[np.uint64]:
    """Return the eight bytes from each position of `raw` as one little-endian number, without copying: shape (bytes - 8,)."""
    return np.ndarray((len(raw) - 8,), "<u8", raw, 0, (1,))


def read_varints(word: NDArray[np.uint64], at: Positions) -> tuple[NDArray[np.int64], Positions, NDArray[np.bool_]]:
    """
    Return the values at positions `at` (n,), their lengths in bytes, and which are longer than eight bytes (their value is meaningless).

    The 7-bit groups are brought together pairwise: 7 to 14, 14 to 28, 28 to 56 bits.
    """
    x = word[at]
    stop = ~x & _MORE
    too_long = stop == 0
    low = stop & (~stop + _1)
    length = ((np.bitwise_count(low - _1) + np.uint8(1)) >> _3).astype(np.int64)
    x &= low - _1
    x = (x & _7A) | ((x & _7B) >> _1)
    x = (x & _14A) | ((x & _14B) >> _2)
    x = (x & _28A) | ((x & _28B) >> _4)
    return (x >> _1).view(np.int64) ^ -(x & _1).view(np.int64), length, too_long
