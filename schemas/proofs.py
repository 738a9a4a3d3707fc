"""
The proof of a receipt: the chains of one partition computed anew from the records that lie there, and what lies beside them told.

Why: one definition for region and office; what differs is named by its offsets, what others sent is counted, by source.
Must not: read a topic, judge an event, or hold more than some digests, however long the topic is.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

from schemas.codec import FRAME, parsed
from schemas.receipts import Chain, Segment, link

__all__ = ["UNREADABLE", "Difference", "Found", "Prover", "source_of"]

UNREADABLE = "(unreadable)"
"""In place of a source, where a record does not tell it as the contract does."""
_GREATEST_SOURCE = 64
_STRAYS = 200_000
"""Digests of records of our source outside the chains that are held at once, some 30 MB; what is more is counted, and not compared."""
_TOLD = 20
"""Differences told of a partition; the others are only counted."""


@dataclass(frozen=True, slots=True)
class Difference:
    """Where a chain and the topic differ: the first and the last offset between which they do, and how."""

    chain: str
    first: int
    last: int
    why: str

    def __str__(self) -> str:
        """Return it for a person."""
        at = f"offset {self.first}" if self.first == self.last else f"offsets {self.first} to {self.last}"
        return f"chain {self.chain}, {at}: {self.why}"


@dataclass(slots=True)
class Found:
    """What was found in one partition, from its first record to the last that the chains speak of."""

    events: int = 0
    """Records of the chains that lie where they should."""
    differences: list[Difference] = field(default_factory=list)
    differ: int = 0
    """How many differences there are; those beyond the first twenty are not listed."""
    again: int = 0
    """Records of this source outside the chains that are equal, key and value, to one in a chain: sent again after a restart."""
    unknown: int = 0
    """Records of this source outside the chains that are equal to none: somebody else said them, or a chain that is lost."""
    unknown_at: int | None = None
    """The offset of the first of those, or None."""
    uncompared: int = 0
    """Records of this source outside the chains, beyond those that can be compared at once."""
    before: int = 0
    """Of all of them, those that lie before the first offset of which a chain speaks."""
    others: Counter[str] = field(default_factory=Counter)
    """Records of other sources in the partition, by source."""
    empty: int = 0
    """Offsets, none of a chain, at which no record lies: marks of transactions, or what the broker no longer holds."""

    @property
    def holds(self) -> bool:
        """Whether all chains are what lies there."""
        return not self.differ


def source_of(value: bytes | None) -> str:
    """Return the source that a record names, read no further than that; `UNREADABLE` where it does not stand where it should."""
    try:
        if value is None or value[0] != 0:
            return UNREADABLE
        at = FRAME
        for skip in _SKIPS:
            at = _after(value, at, skip)
        length, begin = _number(value, at)
        if not 0 < length <= _GREATEST_SOURCE or begin + length > len(value):
            return UNREADABLE
        found = value[begin : begin + length].decode()
    except (IndexError, UnicodeDecodeError):
        return UNREADABLE
    return found if found.isprintable() else UNREADABLE


def _fields_before_source(schema: dict[str, Any]) -> Iterator[int | str]:
    """Yield how to get past each field before the source: by so many bytes, past one number, or past one text."""
    for one in schema["fields"]:
        kind = one["type"]
        if one["name"] == "source":
            return
        if isinstance(kind, dict) and kind["type"] == "fixed":
            yield int(kind["size"])
        elif kind in ("int", "long", "string"):
            yield str(kind)
        else:
            raise AssertionError(one["name"])


_SKIPS = tuple(_fields_before_source(parsed("HouseholdChanged")))


def _after(value: bytes, at: int, skip: int | str) -> int:
    if isinstance(skip, int):
        return at + skip
    number, after = _number(value, at)
    return after if skip != "string" else after + max(number, 0)


def _number(value: bytes, at: int) -> tuple[int, int]:
    """Return an Avro number of at most five bytes and where it ends; raises `IndexError` where it ends too late."""
    number = 0
    for place in range(5):
        byte = value[at + place]
        number |= (byte & 0x7F) << 7 * place
        if byte < 0x80:
            return (number >> 1) ^ -(number & 1), at + place + 1
    raise IndexError


@dataclass(slots=True)
class _Run:
    """A run of offsets of a chain."""

    first: int
    last: int
    chain: "_Computed"
    segment: Segment
    ends: bool
    """Whether the segment ends with it."""


@dataclass(slots=True)
class _Computed:
    """A chain as far as it is computed; `sound` until its present segment differs."""

    name: str
    head: bytes
    sound: bool = True


@dataclass(slots=True)
class _Stray:
    """Equal records of our source outside the chains."""

    first: int
    times: int = 1


class Prover:
    """
    Computes the chains of one partition. Give it all records up to `end` in order and `finish`, and where that asks for it once more.

    The second round finds the copies of what was sent again, where those lie before it; usually they lie behind it, and none is wanted.
    """

    def __init__(self, source: str, chains: Sequence[Chain]) -> None:
        """Know what the chains say; a chain that is over is told, and not computed: its offsets hold other records now."""
        self.found = Found()
        self._source = source
        self._strays: dict[bytes, _Stray] = {}
        self._runs: list[_Run] = []
        self._again = False
        for chain in chains:
            if chain.over:
                why = "the topic's later records came to earlier offsets: it was made anew or lost its end, and with it these records"
                self._differ(chain.name, chain.first, chain.last, why)
                continue
            computed = _Computed(chain.name, chain.start(source))
            for segment in chain.segments:
                self._runs += [_Run(*run, computed, segment, run is segment.runs[-1]) for run in segment.runs]
        self._runs.sort(key=lambda run: run.first)
        self.first, self.end = (self._runs[0].first, self._runs[-1].last + 1) if self._runs else (0, 0)
        self._begin_round()

    def _begin_round(self) -> None:
        self._at, self._next, self._follows = 0, self.first, 0

    def take(self, offset: int, key: bytes | None, value: bytes | None) -> None:
        """Take one more record."""
        if offset > self._follows and not self._again:
            self.found.empty += offset - self._follows
        self._follows = offset + 1
        while self._at < len(self._runs) and offset > self._runs[self._at].last:
            self._leave(self._runs[self._at])
        if self._at == len(self._runs) or offset < self._runs[self._at].first:
            if not self._again:
                self._outside(offset, key, value)
            return
        run = self._runs[self._at]
        if offset > self._next:
            self._missing(run, self._next, offset - 1)
        self._next = offset + 1
        self._inside(run, offset, key, value)
        if offset == run.last:
            self._leave(run)

    def finish(self) -> bool:
        """Tell what is missing at the end, once all records were taken; return whether to give all of them once more."""
        while self._at < len(self._runs):
            self._leave(self._runs[self._at])
        if self._again or not self._strays:
            self.found.unknown = sum(one.times for one in self._strays.values())
            self.found.unknown_at = min((one.first for one in self._strays.values()), default=None)
            self._strays = {}
            return False
        self._begin_round()
        self._again = True
        return True

    def _inside(self, run: _Run, offset: int, key: bytes | None, value: bytes | None) -> None:
        if key is None or value is None:
            key, value = key or b"", value or b""
            self._wrong(run, offset, offset, "the record there has no key or no value")
        if self._strays and (stray := self._strays.pop(_digest(key, value), None)):
            self.found.again += stray.times
        if self._again:
            return
        self.found.events += 1
        run.chain.head = link(run.chain.head, offset, key, value)
        if self._source != (said := source_of(value)):
            self._wrong(run, offset, offset, f"the record there is of source {said}")

    def _outside(self, offset: int, key: bytes | None, value: bytes | None) -> None:
        source = source_of(value)
        if source != self._source:
            self.found.others[source] += 1
            return
        self.found.before += offset < self.first
        digest = _digest(key or b"", value or b"")
        if stray := self._strays.get(digest):
            stray.times += 1
        elif len(self._strays) < _STRAYS:
            self._strays[digest] = _Stray(offset)
        else:
            self.found.uncompared += 1

    def _leave(self, run: _Run) -> None:
        """Go on behind a run; where its segment ends, its head must be the one computed."""
        if self._next <= run.last:
            self._missing(run, self._next, run.last)
        if run.ends and not self._again:
            if run.chain.sound and run.chain.head != run.segment.head:
                self._differ(run.chain.name, run.segment.first, run.last, "the records there are not those that were sent, or not as many")
            run.chain.head, run.chain.sound = run.segment.head, True
        self._at += 1
        if self._at < len(self._runs):
            self._next = self._runs[self._at].first

    def _missing(self, run: _Run, first: int, last: int) -> None:
        if self._again:
            return
        self.found.empty -= last - first + 1 if self._follows > last else 0
        self._wrong(run, first, last, "no record lies there any more")

    def _wrong(self, run: _Run, first: int, last: int, why: str) -> None:
        """Note a difference that has a place of its own; the head of its segment tells nothing more."""
        if self._again:
            return
        run.chain.sound = False
        self._differ(run.chain.name, first, last, why)

    def _differ(self, chain: str, first: int, last: int, why: str) -> None:
        self.found.differ += 1
        if len(self.found.differences) < _TOLD:
            self.found.differences.append(Difference(chain, first, last, why))


def _digest(key: bytes, value: bytes) -> bytes:
    return sha256(len(key).to_bytes(4, "big") + key + value).digest()[:16]
