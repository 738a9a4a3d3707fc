"""
What is known of a folder's files: which were read, which count, which were put aside; held in memory as long as nobody else writes it.

Why: the folder keeps every file that ever came; asking the database for all of them with each new one takes longer than reading it.
Must not: open a file of the folder, or decide what follows from it.
"""

import sqlite3
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from producers.sources.presence import Told
from producers.sources.snapshot import Named

__all__ = ["ASIDE", "LOSS", "OLDER", "READ", "FileKnown", "FolderKnown", "Snapshots"]

READ, ASIDE, LOSS, OLDER = "read", "aside", "loss", "older"
"""
States of a file: it counts; it cannot be read; it would end too many; another of its village and period was exported later.

The second and third are refusals. They stand in a table of their own: a file that counts may change and be refused as it is now, and
what it said before goes on counting, while the refusal can be judged again, and forgotten, like any other.
"""


@dataclass(frozen=True, slots=True)
class FileKnown:
    """A file as it was when it was judged, and how many snapshots counted then."""

    size: int
    changed: int
    state: str
    judged: int


@dataclass(frozen=True, slots=True)
class Snapshots:
    """What is known of each village and period, and the periods of those snapshots that count and tell who is missing."""

    told: Mapping[tuple[str, int], Told]
    complete: Mapping[str, Sequence[int]]

    def with_one(self, told: Named, *, complete: bool, known: bool) -> "Snapshots":
        """Return them with one more, or with one, of a name that is known, as it is now."""
        return self.with_place(told.village, told.period, told.exported, complete=complete, known=known)

    def with_place(self, village: str, period: int, exported: int, *, complete: bool, known: bool) -> "Snapshots":
        """Return them with the snapshot that counts of a village and period, one more than there were if its name was not known."""
        before = self.told.get((village, period))
        now = Told(exported, (before.versions if before else 0) + (not known))
        return Snapshots({**self.told, (village, period): now}, self._complete(village, period, {period} if complete else set()))

    def with_older(self, village: str, period: int) -> "Snapshots":
        """Return them with one more snapshot of a village and period, which does not count."""
        before = self.told[village, period]
        return Snapshots({**self.told, (village, period): Told(before.exported, before.versions + 1)}, self.complete)

    def _complete(self, village: str, period: int, own: set[int]) -> Mapping[str, Sequence[int]]:
        return {**self.complete, village: tuple(sorted({*self.complete.get(village, ())} - {period} | own))}


@dataclass(slots=True)
class _Counted:
    """A file that was taken in, as it was then."""

    known: FileKnown
    village: str
    period: int
    exported: int
    complete: bool


class FolderKnown:
    """The files known, seen through one connection; every question is answered as the database is now."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        """Use a connection to the adapter's file."""
        self._connection = connection
        self._turn: int | None = None
        self._files: dict[str, _Counted] = {}
        self._refused: dict[str, FileKnown] = {}
        self._names: dict[tuple[str, int], str] = {}
        self._snapshots = Snapshots({}, {})

    def known(self, name: str) -> FileKnown | None:
        """Return a file as it was judged last."""
        return self.now()(name)

    def now(self) -> Callable[[str], FileKnown | None]:
        """Return the function that tells of files as `known` does, for many of them at once: as the database is now, asked once."""
        self._renew()
        return self._known_now

    def _known_now(self, name: str) -> FileKnown | None:
        counted = self._files.get(name)
        return self._refused.get(name) or (counted.known if counted else None)

    def count(self) -> int:
        """Return how many snapshots were ever taken in; a file put aside is judged again when it grows."""
        self._renew()
        return len(self._files)

    def has(self, name: str) -> bool:
        """Return whether a file was ever taken in, as it is or as it was."""
        self._renew()
        return name in self._files

    def size(self) -> int:
        """Return how many bytes the files known have together."""
        self._renew()
        latest = {**{name: one.known for name, one in self._files.items()}, **self._refused}
        return sum(one.size for one in latest.values())

    def snapshots(self) -> Snapshots:
        """Return the snapshots that count."""
        self._renew()
        return self._snapshots

    def file_of(self, village: str, period: int) -> str | None:
        """Return the name of the snapshot that counts of a village and period."""
        self._renew()
        return self._names.get((village, period))

    def counted(self, name: str) -> tuple[int, int] | None:
        """Return size and time of change of a file as it was when it was taken in."""
        self._renew()
        found = self._files.get(name)
        return (found.known.size, found.known.changed) if found else None

    def following(self, exported: int, name: str | None) -> str | None:
        """Return the name of the next snapshot that counts and is not refused as it is now, of those exported at a time or later."""
        self._renew()
        after = (self._files[name].exported, name) if name in self._files else None
        later = (
            (one.exported, other)
            for other, one in self._files.items()
            if one.known.state == READ and one.exported >= exported and other not in self._refused
        )
        found = min((one for one in later if name is None or (after is not None and one > after)), default=None)
        return found[1] if found else None

    def took(self, name: str, known: FileKnown, told: Named, *, complete: bool) -> None:
        """Note what was just written of a snapshot and committed (`keep_read`), so that it need not be read."""
        self._advance()
        self._refused.pop(name, None)
        self._put(name, _Counted(known, told.village, told.period, told.exported, complete))

    def refused(self, name: str, known: FileKnown) -> None:
        """Note what was just written of a file put aside and committed (`keep_refused`)."""
        self._advance()
        self._refused[name] = known

    def _advance(self) -> None:
        """Count one change of our own; if somebody else made one too, the numbers differ, and all is read again."""
        self._turn = None if self._turn is None else self._turn + 1

    def _put(self, name: str, one: _Counted) -> None:
        place = (one.village, one.period)
        if one.known.state == READ:
            before = self._names.get(place)
            if before is not None and before in self._files:
                self._files[before].known = replace(self._files[before].known, state=OLDER)
            self._names[place] = name
            self._snapshots = self._snapshots.with_place(*place, one.exported, complete=one.complete, known=name in self._files)
        elif name not in self._files:
            self._snapshots = self._snapshots.with_older(*place)
        self._files[name] = one

    def _renew(self) -> None:
        turn = self._connection.execute("select number from turn").fetchone()[0]
        if turn == self._turn:
            return
        rows = self._connection.execute("select name, size, changed, state, judged, village, period, exported, complete from file")
        self._files = {
            name: _Counted(FileKnown(size, changed, state, judged), village, period, exported, bool(complete))
            for name, size, changed, state, judged, village, period, exported, complete in rows
        }
        counting = {name: one for name, one in self._files.items() if one.known.state == READ}
        self._names = {(one.village, one.period): name for name, one in counting.items()}
        complete_of: dict[str, list[int]] = defaultdict(list)
        for one in counting.values():
            if one.complete:
                complete_of[one.village].append(one.period)
        versions = Counter((one.village, one.period) for one in self._files.values())
        told = {(one.village, one.period): Told(one.exported, versions[one.village, one.period]) for one in counting.values()}
        self._snapshots = Snapshots(told, {village: tuple(sorted(periods)) for village, periods in complete_of.items()})
        refused = self._connection.execute("select name, size, changed, state, judged from refused")
        self._refused = {name: FileKnown(*rest) for name, *rest in refused}
        self._turn = turn
