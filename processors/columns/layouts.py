"""
Layouts: the bytes of one value taken as a pattern, by which equal-shaped values of other records are passed without reading them.

Why: nobody wants a dwelling or a member, but each must be proven to be one, and most have the same shape: branches, widths of numbers
and lengths of texts at the same places. Comparing a few words proves that; reading field after field costs ten times as much.
Must not: pass what field-by-field reading would call odd, or what fastavro would refuse: what does not fit is read.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from processors.columns.plans import ARRAY, BOOLEAN, FIXED, RECORD, STRING, WHOLE, Step
from processors.columns.varints import Positions

__all__ = ["LONGEST_TEXT", "Layout", "layout_of"]

LONGEST_TEXT = 32
"""Bytes of a text that nobody wants within which it is looked at; a longer one is odd."""
_LONGEST = 256
"""Bytes of a layout; words beyond would leave the padding."""
_WIDEST, _WIDEST_DAY = 8, 3
"""Bytes of a varint that columns read; with three bytes and no sign a day is a date in any case."""
_FREE, _MORE = (0x00, 0x00), (0x80, 0x80)
_LAST = (0x80, 0x00)
"""Mask and pattern of a byte: any, any of a varint's but its last, its last or a letter of ASCII."""

_Bytes = list[tuple[int, int]]


@dataclass(frozen=True, slots=True)
class Layout:
    """The shape of a value of `length` bytes: of each of its words the bits that count, and what they must be. Arrays (words,)."""

    length: int
    mask: NDArray[np.uint64]
    pattern: NDArray[np.uint64]

    def fits(self, word: NDArray[np.uint64], at: Positions) -> NDArray[np.bool_]:
        """Return at which of the positions `at` (n,) stands a value of this shape; `word` as `varints.words` gives it."""
        good = np.ones(len(at), bool)
        for place, (mask, pattern) in enumerate(zip(self.mask, self.pattern, strict=True)):
            if mask:
                good &= (word[at + 8 * place] & mask) == pattern
        return good


class _Unusual(Exception):  # noqa: N818 - no error: there is no layout
    """The value is one that columns do not pass."""


def layout_of(step: Step, raw: bytes, at: int) -> Layout | None:
    """Return the layout of the value at a position, or None where it is unusual."""
    shape: _Bytes = []
    try:
        _draw(step, raw, at, shape)
    except (_Unusual, IndexError):
        return None
    if len(shape) > _LONGEST:
        return None
    length = len(shape)
    shape += [_FREE] * (-length % 8)
    mask, pattern = zip(*shape, strict=True) if shape else ((), ())
    return Layout(length, np.frombuffer(bytes(mask), "<u8"), np.frombuffer(bytes(pattern), "<u8"))


def _draw(step: Step, raw: bytes, at: int, shape: _Bytes) -> int:
    """Append the shape of a value; return where it ends."""
    if step.nullable:
        branch = raw[at]
        if branch not in (0, 2):
            raise _Unusual
        shape.append((0xFF, branch))
        at += 1
        if branch == 2 * step.null_branch:
            return at
    return _DRAW[step.kind](step, raw, at, shape)


def _draw_record(step: Step, raw: bytes, at: int, shape: _Bytes) -> int:
    for one in step.fields:
        at = _draw(one, raw, at, shape)
    return at


def _draw_fixed(step: Step, _raw: bytes, at: int, shape: _Bytes) -> int:
    size = step.size if step.kind == FIXED else 1
    if size > _LONGEST:
        raise _Unusual
    shape += [_FREE] * size
    return at + size


def _draw_array(_step: Step, raw: bytes, at: int, shape: _Bytes) -> int:
    if raw[at]:
        raise _Unusual  # only an empty one has a shape
    shape.append((0xFF, 0))
    return at + 1


def _width(raw: bytes, at: int, widest: int) -> int:
    """Return the bytes of a varint; no further is looked, since hostile bytes may go on for a megabyte."""
    for width in range(1, widest + 1):
        if raw[at + width - 1] < 128:
            return width
    raise _Unusual


def _draw_whole(step: Step, raw: bytes, at: int, shape: _Bytes) -> int:
    width = _width(raw, at, _WIDEST_DAY if step.is_date else _WIDEST)
    if step.symbols:
        if width > 1 or raw[at] & 1 or raw[at] >> 1 >= step.symbols:
            raise _Unusual
        shape.append((0xFF, raw[at]))
        return at + 1
    drawn = [_MORE] * (width - 1) + [_LAST]
    if step.is_date:
        if raw[at] & 1:
            raise _Unusual
        drawn[0] = (drawn[0][0] | 1, drawn[0][1])
    shape += drawn
    return at + width


def _draw_text(step: Step, raw: bytes, at: int, shape: _Bytes) -> int:
    if raw[at] > 2 * LONGEST_TEXT or raw[at] & 1:
        raise _Unusual
    size = raw[at] >> 1
    shape.append((0xFF, raw[at]))
    shape += [_LAST if step.is_text else _FREE] * size
    return at + 1 + size


_DRAW: dict[int, Callable[[Step, bytes, int, _Bytes], int]] = {
    WHOLE: _draw_whole,
    BOOLEAN: _draw_fixed,
    FIXED: _draw_fixed,
    STRING: _draw_text,
    RECORD: _draw_record,
    ARRAY: _draw_array,
}
