"""
Places in the log of a database, the revisions that follow from them, and where reading stands.

Why: order, resumption and who wins all hang on these few numbers; here they are plain functions that tests can try.
Must not: know a clock, IO or a driver.

A statement's revision is the place at which its transaction was committed, and within the transaction a number that grows with each
change of the same household. Not the place of the change itself: a transaction that began earlier may be committed later, and then a
row that was read in between, on account of a member's change, would win over the newer one for ever. In the order of commits it cannot:

- Changes of one row wait for each other, so their commits are in the order of the changes.
- A row that is read on account of another table's change carries that change's revision, and is read once every transaction up to
  there can be seen. What it shows of later transactions, those say again under their own, greater revisions.
- A row of the snapshot carries the place at which the slot begins. All that is committed behind it comes through the slot, with
  greater revisions, whether the snapshot showed it or not; all that lies before it, the snapshot shows.
"""

import json
import zlib
from dataclasses import asdict, dataclass

__all__ = ["GREATEST_ORDINAL", "Ordinals", "Position", "Snapshot", "place_of", "revision", "written"]

_WITHIN_BITS = 12
_PLACE_BITS = 48
"""256 TB of log; a database that writes 50 GB a day gets there in 14 years, and then takes a further generation."""
_LEAST_COMMIT = 32
"""Bytes between two commits at least: a commit's record has a header of 24 and aligned content."""
GREATEST_ORDINAL = (_LEAST_COMMIT << _WITHIN_BITS) - 1
_SLOTS = 1 << 16


def place_of(text: str) -> int:
    """
    Return a place as PostgreSQL writes it (pg_lsn) as a number of bytes.

    >>> hex(place_of("1/16B3748"))
    '0x1016b3748'
    """
    high, low = text.split("/")
    return int(high, 16) << 32 | int(low, 16)


def written(place: int) -> str:
    """
    Return a place as PostgreSQL writes it.

    >>> written(place_of("1/16B3748"))
    '1/16B3748'
    """
    return f"{place >> 32:X}/{place & 0xFFFFFFFF:X}"


def revision(place: int, within: int, generation: int = 0) -> int:
    """
    Return the revision of a change committed at a place: it grows with the generation, the place, and the number within.

    `within` is 0 for what is so *before* everything that is committed at or behind the place. Two commits lie at least 32 bytes apart,
    so numbers within may pass a place's own 4,096 without reaching the next commit.
    """
    return generation << (_PLACE_BITS + _WITHIN_BITS) | (place << _WITHIN_BITS) + min(within, GREATEST_ORDINAL)


class Ordinals:
    """
    Numbers the changes of one transaction so that those of one key grow.

    A transaction may change millions of keys, so keys share 65,536 counters: a number says nothing but the order of one key's changes,
    and is the same whenever the transaction is read.
    """

    def __init__(self) -> None:
        """Begin a transaction."""
        self._counts: dict[int, int] = {}

    def next(self, key: str) -> int:
        """Return the number of the next change of a key, from 1 on."""
        content = key.encode() if key.isascii() else key.encode("utf-8", "surrogateescape")
        slot = zlib.crc32(content) & (_SLOTS - 1)
        found = self._counts.get(slot, 0) + 1
        self._counts[slot] = found
        return found


@dataclass(frozen=True, slots=True)
class Snapshot:
    """
    A reading of the main table, page by page as it lies on the disk, that is not finished.

    By pages, not by keys: a key is a family card's number, which no file of ours may hold. Rows that move to other pages meanwhile do
    so by changes, and those come through the slot.
    """

    revision_place: str
    """The place whose revision its rows carry."""
    file: int
    """The number of the table's file; another one means that the table was written anew, and pages are other pages."""
    page: int
    """The next page to read."""
    pages: int
    """How many there were when it began; what comes behind them is newer than the slot."""
    round: int
    """Which snapshot this is, from 1 on: households that an earlier one knew and this one does not show are gone."""
    judged: bool = False
    """All pages are read, and those who are gone are few enough to be told."""
    anyone: int = 0
    """Rows so far without a readable family card: each may be anyone, so that nobody can be said to be gone."""
    rows: int = 0
    """Rows read so far."""
    total: int = 0
    """How many rows there were when it began."""


@dataclass(frozen=True, slots=True)
class Position:
    """Where reading stands: transactions committed before `upto` are kept, and of the one at `upto` the first `done` messages."""

    upto: str
    done: int = 0
    snapshot: Snapshot | None = None

    def text(self) -> str:
        """Return it as the adapter's file keeps it."""
        return json.dumps({name: value for name, value in asdict(self).items() if value}, separators=(",", ":"))

    @classmethod
    def of(cls, text: str) -> "Position":
        """Return the position that `text` wrote."""
        told = json.loads(text)
        snapshot = told.pop("snapshot", None)
        return cls(**told, snapshot=Snapshot(**snapshot) if snapshot else None)

    @property
    def place(self) -> int:
        """Return `upto` as a number."""
        return place_of(self.upto)
