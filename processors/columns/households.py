"""
The distinct households of a batch, numbered.

Why: the database is asked once per household, and everything about it is found by its number.
Must not: look at anything but the sixteen bytes.
"""

import numpy as np
from numpy.typing import NDArray

__all__ = ["distinct_households", "numbers_of"]

Halves = NDArray[np.uint64]


def distinct_households(halves: Halves) -> tuple[Halves, NDArray[np.int64]]:
    """
    Return the distinct households, growing, shape (households, 2), and the number of each row's household, shape (rows,).

    `halves` (rows, 2) are the two 64-bit halves of each row's sixteen bytes, read big-endian.
    """
    order = np.argsort(halves[:, 0])
    high, low = halves[order, 0], halves[order, 1]
    new = np.ones(len(order), bool)
    new[1:] = high[1:] != high[:-1]
    if ((low[1:] != low[:-1]) & ~new[1:]).any():  # the same first half, another second half: sort by both
        order = np.lexsort((halves[:, 1], halves[:, 0]))
        high, low = halves[order, 0], halves[order, 1]
        new[1:] = (high[1:] != high[:-1]) | (low[1:] != low[:-1])
    number = np.empty(len(order), np.int64)
    number[order] = np.cumsum(new) - 1
    return np.stack((high[new], low[new]), axis=1), number


def numbers_of(found: Halves, distinct: Halves) -> NDArray[np.int64]:
    """Return the number in `distinct` (growing) of each household of `found`, all of which it holds; shape (found,)."""
    number = np.searchsorted(distinct[:, 0], found[:, 0])
    wrong = np.flatnonzero(distinct[number, 1] != found[:, 1])
    if len(wrong):
        places = {(int(high), int(low)): place for place, (high, low) in enumerate(distinct.tolist())}
        number[wrong] = [places[int(high), int(low)] for high, low in found[wrong].tolist()]
    return number
