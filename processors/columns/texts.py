"""
Short texts on arrays: codes of up to sixteen bytes as two 64-bit words, and their look-up in a table.

Why: a region's or source's code comes with every event; comparing words costs nanoseconds, making strings a microsecond.
Must not: be used for longer texts: those are simply not found here.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from processors.columns.varints import Positions

__all__ = ["NOT_FOUND", "TextTable", "text_words"]

NOT_FOUND = -1
_WIDEST = 16
_MIX_LOW, _MIX_HIGH, _MIX_EXTRA = np.uint64(0x9E3779B97F4A7C15), np.uint64(0xC2B2AE3D27D4EB4F), np.uint64(0x165667B19E3779F9)
_KEEP = np.array([(1 << (8 * n)) - 1 for n in range(9)], np.uint64)
"""Masks that keep the first 0 to 8 bytes of a little-endian word."""
Words = NDArray[np.uint64]


def text_words(word: Words, at: Positions, length: Positions) -> tuple[Words, Words]:
    """Return the first and second eight bytes of texts at positions (n,), zero beyond their length; texts over 16 bytes become all ones."""
    size = np.clip(length, 0, _WIDEST)
    low = word[at] & _KEEP[np.minimum(size, 8)]
    high = word[at + 8] & _KEEP[np.maximum(size - 8, 0)]
    too_long = length > _WIDEST
    if too_long.any():
        low = np.where(too_long, _KEEP[8], low)
    return low, high


def _mixed(low: Words, high: Words, extra: Words) -> Words:
    return np.asarray(low * _MIX_LOW ^ high * _MIX_HIGH ^ extra * _MIX_EXTRA, np.uint64)


class TextTable:
    """Texts with a number each, and their numbers found by words; a pair (text, extra) is the key."""

    def __init__(self, texts: Sequence[str], numbers: Sequence[int], extras: Sequence[int] | None = None) -> None:
        """Take texts of up to 16 bytes; longer ones are left out, and so never found."""
        extras = extras if extras is not None else [0] * len(texts)
        rows = [
            (text.encode(), number, extra)
            for text, number, extra in zip(texts, numbers, extras, strict=True)
            if len(text.encode()) <= _WIDEST
        ]
        packed = np.array([text for text, _, _ in rows] or [b""], f"S{_WIDEST}").view("<u8").reshape(-1, 2)
        extra = np.array([one for _, _, one in rows] or [0], np.int64).view(np.uint64)
        mixed = _mixed(packed[:, 0], packed[:, 1], extra)
        order = np.argsort(mixed)
        self._mixed = mixed[order]
        self._low, self._high, self._extra = packed[order, 0], packed[order, 1], extra[order]
        self._number = np.array([number for _, number, _ in rows] or [NOT_FOUND], np.int64)[order]

    def find(self, low: Words, high: Words, extra: NDArray[np.int64] | None = None) -> NDArray[np.int64]:
        """Return the number of each text (n,), or `NOT_FOUND`."""
        more = np.zeros(len(low), np.uint64) if extra is None else extra.view(np.uint64)
        place = np.minimum(np.searchsorted(self._mixed, _mixed(low, high, more)), len(self._mixed) - 1)
        same = (self._low[place] == low) & (self._high[place] == high) & (self._extra[place] == more)
        return np.where(same, self._number[place], NOT_FOUND)
