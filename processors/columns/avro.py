"""
Avro records of one writer's schema to columns: the fields that the merge wants, and proof that each record ends where its bytes end.

Why: reading with fastavro costs 10 microseconds per event, these columns a fraction of one.
Must not: decide about a record: what is unusual (long varints, sized blocks, many members, anything malformed) is marked `odd`
and read again, one by one, by fastavro, which has the last word.
"""

from dataclasses import dataclass, field
from datetime import date

import numpy as np
from numpy.typing import NDArray

from processors.columns.layouts import LONGEST_TEXT, Layout, layout_of
from processors.columns.plans import BOOLEAN, FIXED, RECORD, STRING, WHOLE, Plan, Step, wanted_names
from processors.columns.texts import text_words
from processors.columns.varints import PADDING, Positions, read_varints, words

__all__ = ["NULL", "Column", "read_columns"]

NULL = np.iinfo(np.int64).min
"""Stands for null in a column; no value read here is as small."""

_FIRST_DAY, _LAST_DAY = date.min.toordinal() - date(1970, 1, 1).toordinal(), date.max.toordinal() - date(1970, 1, 1).toordinal()
"""The days that a date can be; others are odd, since fastavro refuses them."""
_NOT_ASCII = np.uint64(0x8080808080808080)
_ITEMS = 48
"""Records with more items than this in an array are odd: each item costs a pass over the batch."""
_LAYOUTS = 8
"""So many layouts are learned of one field in a batch: each costs 30 microseconds and a comparison of what fits no earlier one."""


@dataclass(frozen=True, slots=True)
class Column:
    """
    One field of all records, each of shape (records,).

    `value`: the number, the enum's symbol number, or the position of a string's or fixed's first byte; `NULL` where null.
    `length`: bytes of a string or fixed; 0 where null; empty for numbers.
    """

    value: NDArray[np.int64]
    length: NDArray[np.int64] = field(default_factory=lambda: np.empty(0, np.int64))


class _Reader:
    """One pass over a batch: positions move from field to field, odd records are marked and led on inside the padding."""

    def __init__(self, raw: bytes, begin: Positions, end: Positions) -> None:
        """Stand at the first byte of each record's body."""
        self._bytes = raw
        self.raw = np.frombuffer(raw, np.uint8)
        self.word = words(raw)
        self.end = end
        self.odd = np.zeros(len(begin), bool)
        self.columns: dict[str, Column] = {}
        self.records = len(begin)
        self._bound = len(raw) - PADDING
        self._layouts: dict[int, list[Layout]] = {}

    def run(self, plan: Plan, at: Positions, rows: Positions) -> Positions:
        """Read the fields of a plan for the records `rows` (k,), which stand at `at` (k,); return where they stand then."""
        for step in plan:
            at = self._step(step, at, rows)
        return at

    def _step(self, step: Step, at: Positions, rows: Positions) -> Positions:
        return self._past(step, at, rows) if step.idle else self._read(step, at, rows)

    def _read(self, step: Step, at: Positions, rows: Positions) -> Positions:
        if not step.nullable:
            after, value, length = self._value(step, at, rows)
            if step.wanted:
                self._keep(step.name, rows, value, length)
            return after
        branch = self.raw[at]
        there = np.flatnonzero(branch != 2 * step.null_branch)
        after = at + 1
        if len(there):
            self.odd[rows[there[branch[there] != 2 - 2 * step.null_branch]]] = True
            moved, value, length = self._value(step, after[there], rows[there])
            after[there] = moved
        if step.wanted:
            self._keep(step.name, rows[there], value if len(there) else there, length if len(there) else there)
        return after

    def _value(self, step: Step, at: Positions, rows: Positions) -> tuple[Positions, NDArray[np.int64], NDArray[np.int64]]:
        """Return where the records stand after the value, the value, and its length in bytes (only of strings and fixed)."""
        if step.kind == WHOLE:
            return self._whole(step, at, rows)
        if step.kind == STRING:
            return self._text(step, at, rows)
        if step.kind == FIXED:
            return np.minimum(at + step.size, self._bound), at, np.full(len(at), step.size)
        if step.kind == BOOLEAN:
            return at + 1, self.raw[at].astype(np.int64), at
        if step.kind == RECORD:
            return self.run(step.fields, at, rows), at, at
        return self._past_array(step, at, rows), at, at

    def _whole(self, step: Step, at: Positions, rows: Positions) -> tuple[Positions, NDArray[np.int64], NDArray[np.int64]]:
        value, width, odd = read_varints(self.word, at)
        if step.symbols:
            odd |= (value < 0) | (value >= step.symbols)
        if step.is_date:
            odd |= (value < _FIRST_DAY) | (value > _LAST_DAY)
        if odd.any():
            self.odd[rows[odd]] = True
        return at + width, value, at

    def _text(self, step: Step, at: Positions, rows: Positions) -> tuple[Positions, NDArray[np.int64], NDArray[np.int64]]:
        size, width, too_long = read_varints(self.word, at)
        bad = too_long | (size < 0)
        if bad.any():
            self.odd[rows[bad]] = True
            size = np.where(bad, 0, size)
        begin = at + width
        if step.is_text and not step.wanted:  # a text that is wanted is compared with codes, which are plain
            self.odd[rows[self._beyond_ascii(begin, size)]] = True
        return np.minimum(begin + size, self._bound), begin, size

    def _beyond_ascii(self, begin: Positions, size: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Return which texts may hold anything but ASCII, and so may be no text at all: fastavro decides."""
        beyond = size > LONGEST_TEXT
        for at in range(0, min(int(size.max(initial=0)), LONGEST_TEXT), 8):
            low, _ = text_words(self.word, np.minimum(begin + at, self._bound), np.clip(size - at, 0, 8))
            beyond |= (low & _NOT_ASCII) != 0
        return beyond

    def _past(self, step: Step, at: Positions, rows: Positions) -> Positions:
        """Return where the records stand after a value in which nothing is wanted: by a layout where one fits, else by reading it."""
        after, left, tried = at.copy(), np.arange(len(at)), 0
        while len(left) and (layout := self._layout(step, tried, at[left])):
            fits = layout.fits(self.word, at[left])
            after[left[fits]] += layout.length
            left, tried = left[~fits], tried + 1
        if len(left):
            after[left] = self._read(step, at[left], rows[left])
        return np.minimum(after, self._bound)

    def _layout(self, step: Step, number: int, at: Positions) -> Layout | None:
        """Return a layout of a step by its number, learned from the first of the positions where there is none yet."""
        known = self._layouts.setdefault(id(step), [])
        if number == len(known) < _LAYOUTS and len(at):
            known += [layout for layout in [layout_of(step, self._bytes, int(at[0]))] if layout]
        return known[number] if number < len(known) else None

    def _past_array(self, step: Step, at: Positions, rows: Positions) -> Positions:
        """Return where the records stand after an array; its items are read only to get past them."""
        at = at.copy()
        item = step.fields[0]
        left, live, seen = np.zeros(len(at), np.int64), np.arange(len(at)), np.zeros(len(at), np.int64)
        while len(live):
            at[live], left[live] = self._block(at[live], rows[live], seen, live)
            live = live[(left[live] > 0) & ~self.odd[rows[live]]]
            finished = [self._past_alike(item, at, left, live)] if item.idle else [live[:0]]
            live = live[left[live] > 0]
            while len(live):
                at[live] = np.minimum(self._step(item, at[live], rows[live]), self._bound)
                left[live] -= 1
                finished.append(live[left[live] == 0])
                live = live[left[live] > 0]
            live = np.sort(np.concatenate(finished))
        return at

    def _past_alike(self, item: Step, at: Positions, left: NDArray[np.int64], live: Positions) -> Positions:
        """Move those records of `live` on whose items left are all of the first layout, all items at once, and return them."""
        layout = self._layout(item, 0, at[live])
        if layout is None:
            return live[:0]
        counts = left[live]
        first = np.cumsum(counts) - counts
        number = np.arange(int(counts.sum())) - np.repeat(first, counts)
        begin = np.repeat(at[live], counts) + layout.length * number
        done = live[np.logical_and.reduceat(layout.fits(self.word, np.minimum(begin, self._bound)), first)]
        at[done] = np.minimum(at[done] + layout.length * left[done], self._bound)
        left[done] = 0
        return done

    def _block(self, at: Positions, rows: Positions, seen: NDArray[np.int64], live: Positions) -> tuple[Positions, NDArray[np.int64]]:
        """Return where the records stand after the count of an array's block, and that count; too many items, or a sized block, are odd."""
        count, width, too_long = read_varints(self.word, at)
        seen[live] += np.where(too_long, 0, count)
        odd = too_long | (count < 0) | (seen[live] > _ITEMS) | (at > self.end[rows])
        if odd.any():
            self.odd[rows[odd]] = True
            count = np.where(odd, 0, count)
        return at + width, count

    def _keep(self, name: str, rows: Positions, value: NDArray[np.int64], length: NDArray[np.int64]) -> None:
        if len(rows) == self.records:
            self.columns[name] = Column(value, length)
            return
        everywhere, lengths = np.full(self.records, NULL, np.int64), np.zeros(self.records, np.int64)
        everywhere[rows], lengths[rows] = value, length
        self.columns[name] = Column(everywhere, lengths)


def read_columns(plan: Plan, raw: bytes, begin: Positions, end: Positions) -> tuple[dict[str, Column], NDArray[np.bool_]]:
    """
    Return the wanted columns of records whose Avro bodies are `raw[begin:end]`, and which records are odd, shape (records,).

    `raw` must end in `PADDING` zero bytes. A column that the writer's schema lacks is absent. Values of odd records mean nothing.
    """
    reader = _Reader(raw, begin, end)
    rows = np.arange(len(begin))
    last = reader.run(plan, begin, rows)
    reader.odd |= last != end
    for name in wanted_names(plan):
        if name not in reader.columns:  # its section is null in every record
            reader.columns[name] = Column(np.full(len(begin), NULL, np.int64), np.zeros(len(begin), np.int64))
    return reader.columns, reader.odd
