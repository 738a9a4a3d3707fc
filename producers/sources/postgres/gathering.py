"""
From the changes of rows to what is to be said: which row images, which ends, and whose present row is to be read again.

Why: what a deletion, a new key or a child's change means is decided here, without a server, so that tests can try it all.
Must not: know a clock, IO or a driver.

- A row inserted or updated is said as the log shows it, not as it is when somebody asks: each state of a household counts.
- A row deleted ends its household on the day that the old row tells, else on the day of the commit in the declared time zone.
- A row whose key changed, or that moved to another regency, ends there on the day of the new row, and is said as new.
- A child row's change says the household's present row again, unless the log shows a row of it in the same transaction or later:
  rows read hold lists at least as new as their transaction.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from zoneinfo import ZoneInfo

from producers.sources.postgres.pgoutput import Begin, Row, RowChange
from producers.sources.postgres.places import GREATEST_ORDINAL, Ordinals, revision
from producers.sources.postgres.wanted import Wanted

__all__ = ["Around", "Gathering", "Plan", "Said", "around"]

Around = dict[str, object]
"""What the log tells of a change: `revision`, `committed_at`, `committed_on`, `deleted`."""
_REGENCY = 5
"""Letters of a village's code that are its regency's."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What is read, as the gathering needs it."""

    table: str
    key: str
    children: Mapping[str, str]
    """The column with the main table's key, by child table."""
    wanted: Wanted
    zone: ZoneInfo
    generation: int


@dataclass(slots=True)
class Said:
    """One row to be said: its household's key, the row, what the log tells of it."""

    key: str
    row: Row
    around: Around

    @property
    def deleted(self) -> bool:
        """Whether the row is gone."""
        return bool(self.around["deleted"])


def around(said_revision: int, committed_at: str | None, committed_on: str | None, *, deleted: bool = False) -> Around:
    """Return what the log tells of a change; a row that was not read from the log has no commit."""
    return {"revision": said_revision, "committed_at": committed_at, "committed_on": committed_on, "deleted": deleted}


@dataclass(slots=True)
class _Child:
    """The last change of a household's child rows in a batch."""

    transaction: int
    around: Around


@dataclass(slots=True)
class Gathering:
    """What a batch says; the transaction that is being read goes on from batch to batch."""

    plan: Plan
    said: list[Said] = field(default_factory=list)
    transactions: set[int] = field(default_factory=set)
    """Numbers of the transactions that the batch's changes belong to."""
    _begin: Begin | None = None
    _at: str = ""
    _on: str = ""
    _second: datetime | None = None
    _first: int = 0
    """The revision of the transaction's place, to which the numbers of its changes are added."""
    _ordinals: Ordinals = field(default_factory=Ordinals)
    _turn: int = 0
    """Grows with each transaction."""
    _rows: dict[str, int] = field(default_factory=dict)
    """In which turn the log last showed a household's row."""
    _children: dict[str, _Child] = field(default_factory=dict)
    unkeyed: int = 0
    """Changes of child rows of which the log does not tell whose they are: deletions, where the identity lacks that column."""

    def begin(self, begin: Begin) -> None:
        """Take the beginning of a transaction."""
        self._begin, self._ordinals = begin, Ordinals()
        self._first = revision(begin.commit_place, 0, self.plan.generation)
        self._turn += 1
        self._at = begin.committed_at.isoformat(timespec="microseconds")
        second = begin.committed_at.replace(microsecond=0)
        if second != self._second:  # many are committed within one, and a day begins with a second
            self._second, self._on = second, second.astimezone(self.plan.zone).date().isoformat()

    def pass_over(self, change: RowChange) -> None:
        """Count a change that was kept before, so that those behind it get the numbers that they had."""
        for key in self._keys(change):
            self._ordinals.next(key)

    def change(self, change: RowChange) -> None:
        """Take a change of a row."""
        assert self._begin is not None  # noqa: S101 - the log has no change outside a transaction
        self.transactions.add(self._begin.transaction)
        if change.table == self.plan.table:
            self._row(change)
        else:
            keys = self._keys(change)
            self.unkeyed += not keys
            for key in keys:
                self._children[key] = _Child(self._turn, self._around(key))

    @property
    def size(self) -> int:
        """How many rows are to be said or to be read."""
        return len(self.said) + len(self._children)

    def say_again(self) -> dict[str, Around]:
        """Return the households whose present row is to be read, with what the log tells of the reason."""
        return {key: child.around for key, child in self._children.items() if self._rows.get(key, -1) < child.transaction}

    def clear(self) -> None:
        """Begin a new batch."""
        self.said, self.transactions, self.unkeyed = [], set(), 0
        self._rows, self._children = {}, {}

    def _row(self, change: RowChange) -> None:
        key, new, old = self.plan.key, change.new, change.old
        if old is not None and (new is None or self._left(old, new)):
            gone = self._text(old.get(key))
            self._say(gone, self._dated(old, new), deleted=True)
        if new is not None:
            self._say(self._text(new.get(key)), new, deleted=False)

    def _say(self, key: str, row: Row, *, deleted: bool) -> None:
        told = self._around(key)
        if deleted:
            told["deleted"] = True
        self.said.append(Said(key, row, told))
        self._rows[key] = self._turn

    def _left(self, old: Row, new: Row) -> bool:
        """Return whether an update took a household away from where it was: another key, or another regency."""
        key, village = self.plan.key, self.plan.wanted.village
        if key in old and old[key] != new.get(key):
            return True
        if village is None or village not in old or village not in new:
            return False
        return (old[village] or "")[:_REGENCY] != (new[village] or "")[:_REGENCY]

    def _dated(self, old: Row, new: Row | None) -> Row:
        """Return a row that is gone: key and village as they were, all else as it is said now, the day of its end among it."""
        row, date = {**(new or {}), **old}, self.plan.wanted.date
        if date is not None:
            row[date] = (new or old).get(date) or self._on
        return row

    def _around(self, key: str) -> Around:
        assert self._begin is not None  # noqa: S101
        number = self._first + min(self._ordinals.next(key), GREATEST_ORDINAL)
        return {"revision": number, "committed_at": self._at, "committed_on": self._on, "deleted": False}

    def _keys(self, change: RowChange) -> list[str]:
        """Return the households that a change is of, in the order in which they are numbered: the old one, then the new one."""
        if change.table == self.plan.table:
            found = []
            if change.old is not None and (change.new is None or self._left(change.old, change.new)):
                found.append(self._text(change.old.get(self.plan.key)))
            if change.new is not None:
                found.append(self._text(change.new.get(self.plan.key)))
            return found
        column = self.plan.children[change.table]
        keys = {row[column]: None for row in (change.old, change.new) if row is not None and row.get(column) is not None}
        return [self._text(key) for key in keys]

    def _text(self, key: str | None) -> str:
        """Return a key without the blanks that char(n) fills up with."""
        return (key or "").rstrip()
