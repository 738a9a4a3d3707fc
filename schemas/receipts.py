"""
The receipt: what an adapter sent, as a hash chain over the records that the broker confirmed, with the offsets at which they lie.

Why: region and office compute the same chain from the topic, each without the other, so neither has to be believed.
Must not: read a topic, a file or a clock; hold more than names, offsets, counts and digests.
"""

import re
import struct
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from hashlib import sha256
from itertools import pairwise
from typing import ClassVar

from pydantic import ConfigDict, TypeAdapter, ValidationError

from schemas.errors import Fatal

__all__ = ["SEGMENT_EVENTS", "SEGMENT_RUNS", "Chain", "Forgotten", "Placed", "Receipt", "ReceiptRefused", "Segment", "extended", "link"]

SEGMENT_EVENTS = 4_096
"""Events of a segment at most: how near a difference can be told; fewer make a receipt larger, some 100 bytes each."""
SEGMENT_RUNS = 64
"""Runs of a segment at most, so that a topic shared with others makes no segment larger than a page."""

Run = tuple[int, int]
"""A first and a last offset, with all offsets between them."""
Placed = tuple[int, bytes, bytes]
"""A record where the broker put it: offset, key, value."""
_NAMES = {
    "name": re.compile(r"[0-9a-f]{1,32}"),
    "writer": re.compile(r"run|resend"),
    "topic": re.compile(r"muara\.[0-9]{1,4}(\.[0-9]{1,5})*\.household\.v1"),
    "topic_id": re.compile(r"[A-Za-z0-9+/=_-]{1,40}"),  # that is also how None is written
}
_SOURCE = re.compile(r"[a-z][a-z0-9_-]{0,15}")
"""What names look like: a receipt comes from outside, and is printed and asked a database about."""
_GREATEST_OFFSET, _GREATEST_PARTITION = 1 << 62, 1 << 31
_PLACE = struct.Struct(">qI")
_CONFIG = ConfigDict(extra="forbid", strict=True, ser_json_bytes="hex", val_json_bytes="hex", hide_input_in_errors=True)


class ReceiptRefused(Fatal):
    """the receipt is refused at {place}: {why}; give the file that muara adapter receipt --out wrote, unchanged"""


def link(head: bytes, offset: int, key: bytes, value: bytes) -> bytes:
    """
    Return the head of a chain after one more record: SHA-256 of the head before, the offset, the key's length, key and value.

    >>> link(bytes(32), 7, b"k", b"v") == sha256(bytes(32) + (7).to_bytes(8, "big") + (1).to_bytes(4, "big") + b"kv").digest()
    True
    """
    return sha256(head + _PLACE.pack(offset, len(key)) + key + value).digest()


@dataclass(frozen=True, slots=True)
class Segment:
    """A part of a chain: at which offsets its records lie, how many they are, and the chain's head after the last of them."""

    __pydantic_config__: ClassVar = _CONFIG

    runs: tuple[Run, ...]
    events: int
    head: bytes

    @property
    def first(self) -> int:
        """The offset of its first record."""
        return self.runs[0][0]

    @property
    def last(self) -> int:
        """The offset of its last record."""
        return self.runs[-1][1]


def extended(last: Segment | None, head: bytes, placed: Iterable[Placed]) -> list[Segment]:
    """
    Return the segments that stand in place of a chain's last one after some more records, in the order of their offsets.

    `head` is the chain's head now. However the records are handed over, one by one or many at once, the segments are the same.
    """
    made: list[Segment] = []
    runs = [list(run) for run in last.runs] if last else []
    events = last.events if last else 0
    follows, full, pack = runs[-1][1] + 1 if runs else -1, SEGMENT_EVENTS, _PLACE.pack
    for offset, key, value in placed:
        if offset != follows or events == full:
            if runs:
                runs[-1][1] = follows - 1
            if events == full or len(runs) == SEGMENT_RUNS:
                made.append(_segment(runs, events, head))
                runs, events = [], 0
            runs.append([offset, offset])
        head = sha256(head + pack(offset, len(key)) + key + value).digest()  # `link`, without a call for each event
        events += 1
        follows = offset + 1
    if runs:
        runs[-1][1] = follows - 1
    return [*made, _segment(runs, events, head)] if events else made


def _segment(runs: list[list[int]], events: int, head: bytes) -> Segment:
    return Segment(tuple((begin, end) for begin, end in runs), events, head)


@dataclass(frozen=True, slots=True)
class Forgotten:
    """The part of a chain whose offsets are no longer held: events, offset of the last, and the head after it."""

    __pydantic_config__: ClassVar = _CONFIG

    events: int
    last: int
    head: bytes


@dataclass(frozen=True)
class Chain:
    """
    What one writer put into one partition, in order.

    `writer` is `run` (the adapter) or `resend`; `unplaced` counts records that the broker confirmed without telling where they lie;
    `over` is set where a later record came to an earlier offset, so that the chain ends: the topic was made anew, or lost its end.
    """

    __pydantic_config__: ClassVar = _CONFIG

    name: str
    writer: str
    topic: str
    partition: int
    topic_id: str | None
    events: int
    unplaced: int
    over: bool
    forgotten: Forgotten | None
    segments: tuple[Segment, ...]

    def start(self, source: str) -> bytes:
        """Return the head before the first record whose offset is held: of nothing but names, where nothing was forgotten."""
        if self.forgotten:
            return self.forgotten.head
        return sha256("\0".join(("muara receipt 1", self.name, source, self.topic, str(self.partition))).encode()).digest()

    @cached_property
    def held(self) -> int:
        """How many records it holds offsets of."""
        return sum(one.events for one in self.segments)

    @property
    def first(self) -> int:
        """The first offset of which it speaks."""
        return self.segments[0].first

    @property
    def last(self) -> int:
        """The last one."""
        return self.segments[-1].last

    @property
    def head(self) -> bytes:
        """The head after its last record."""
        return self.segments[-1].head

    @property
    def place(self) -> tuple[str, int]:
        """Topic and partition."""
        return self.topic, self.partition


@dataclass(frozen=True, slots=True)
class Receipt:
    """What an adapter says of all it sent; `waiting` are the events that its spool still held, `digest` is over all the rest."""

    __pydantic_config__: ClassVar = _CONFIG

    receipt: int
    source: str
    waiting: int
    chains: tuple[Chain, ...]
    digest: bytes = b""

    @classmethod
    def of(cls, source: str, waiting: int, chains: Iterable[Chain]) -> "Receipt":
        """Return the receipt of these chains."""
        made = cls(1, source, waiting, tuple(sorted(chains, key=lambda one: (one.place, one.first, one.name))))
        return replace(made, digest=made._digest())

    @classmethod
    def read(cls, text: bytes) -> "Receipt":
        """Return a receipt from its text; raises `ReceiptRefused` where it is none, or contradicts itself."""
        try:
            found = _FORM.validate_json(text)
        except ValidationError as error:
            first = error.errors(include_input=False, include_url=False)[0]
            raise ReceiptRefused(place=_where(first["loc"]) or "its beginning", why=first["msg"].lower()) from error
        for place, why in found.faults():
            raise ReceiptRefused(place=place, why=why)
        if found.text() != text:
            raise ReceiptRefused(place="its text", why="it says what a receipt says, but not in the form in which receipts are written")
        return found

    def text(self) -> bytes:
        """Return it as text, always the same for the same receipt."""
        return _FORM.dump_json(self) + b"\n"

    @property
    def altered(self) -> bool:
        """Whether something in it was changed after it was made, by somebody who did not make the digest anew."""
        return self.digest != self._digest()

    def faults(self) -> Iterator[tuple[str, str]]:
        """Yield where it contradicts itself, and how."""
        if self.receipt != 1:
            yield "receipt", f"version {self.receipt} is not known"
        if not _SOURCE.fullmatch(self.source):
            yield "source", "it is no name of that kind"
        taken: list[tuple[int, int, str]] = []
        for number, chain in enumerate(self.chains):
            at = f"chains[{number}]"
            yield from _faults(chain, at)
            taken += [(*run, f"{at}.segments[{place}]") for place, one in enumerate(chain.segments) for run in one.runs if not chain.over]
            if number + 1 == len(self.chains) or self.chains[number + 1].place != chain.place:
                yield from _overlaps(taken)
                taken = []

    def _digest(self) -> bytes:
        return sha256(replace(self, digest=b"").text()).digest()


_FORM = TypeAdapter(Receipt)


def _where(place: tuple[int | str, ...]) -> str:
    return "".join(f"[{one}]" if isinstance(one, int) else f".{one}" for one in place).lstrip(".")


def _faults(chain: Chain, at: str) -> Iterator[tuple[str, str]]:
    """Yield where a chain contradicts itself; offsets grow, counts are those of the offsets, heads have 32 bytes."""
    yield from ((f"{at}.{name}", "it is no name of that kind") for name in _NAMES if not _NAMES[name].fullmatch(str(getattr(chain, name))))
    if not 0 <= chain.partition < _GREATEST_PARTITION:
        yield f"{at}.partition", f"there is none of number {chain.partition}"
    if not chain.segments:
        yield f"{at}.segments", "there is none"
        return
    before = chain.forgotten.last if chain.forgotten else -1
    for number, one in enumerate(chain.segments):
        place = f"{at}.segments[{number}]"
        for begin, end in one.runs:
            if not before < begin <= end < _GREATEST_OFFSET:
                yield f"{place}.runs", f"{begin} to {end} does not follow {before}"
                return
            before = end
        counted = sum(end - begin + 1 for begin, end in one.runs)
        if not counted or counted != one.events:
            yield f"{place}.events", f"{one.events}, but its offsets are {counted}"
        if len(one.head) != len(bytes(32)):
            yield f"{place}.head", "it has not 32 bytes"
    total = chain.held + (chain.forgotten.events if chain.forgotten else 0)
    if total != chain.events:
        yield f"{at}.events", f"{chain.events}, but its segments hold {total}"


def _overlaps(taken: list[tuple[int, int, str]]) -> Iterator[tuple[str, str]]:
    """Yield offsets that two segments of one partition claim."""
    taken.sort()
    for (_, end, _), (begin, _, place) in pairwise(taken):
        if begin <= end:
            yield f"{place}.runs", f"offset {begin} is claimed twice"
