"""
The files of a folder that wait to be read, and in which order; how far a first load is.

Why: by the rules of presence any order gives the same in the end (presence.py), so the order may be the one that serves best.
Must not: open a file, or judge one; let a file's name that is not of the declared form out of here: it may be that of a family or a card.

Files are read in the order of their export. One that is dropped while others wait goes ahead of them, so that a change of today is not
behind years of a first load; ahead of it go only the files of its own village that wait, in their order, since what they would end is
judged by what the village showed before (`greatest_loss`), and because months read in order cost least. So a new file waits for the
batch at work (a file of a village, or some thousand rows of a larger one) and for its own village's files. Two wait longer: a file of the
village whose large file is being read, until that one is judged; and one that is younger than `quiet_s`.
"""

import os
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from producers.declaration import FilesSource
from producers.faults import FileUnreadable, SourceAway
from producers.sources import Backfill
from producers.sources.folder import LOSS, READ, FileKnown, FolderKnown
from producers.sources.presence import NEVER
from producers.sources.snapshot import Named, named, pattern_of, standing_for, writable

__all__ = ["Arrivals"]

_LOOK_S = 1.0
"""How often the folder is looked at while files wait."""


_REMEDIES: dict[type[OSError], str] = {
    FileNotFoundError: "make the folder, or mend folder in the region file",
    NotADirectoryError: "it is a file: mend folder in the region file",
    PermissionError: "let the user of this adapter read it",
}


@dataclass(frozen=True, slots=True)
class _Watched:
    """A file that is still young: as it was when it was seen first like this, and when that was (seconds)."""

    size: int
    changed: int
    since_s: float


class Arrivals:
    """The files that wait; those in front came while others waited."""

    def __init__(
        self, declared: FilesSource, known: FolderKnown, clock: Callable[[], datetime] | None, mark: Callable[[bytes], bytes]
    ) -> None:
        """
        Know where to look; without a clock no file is young, and others are looked for when none waits.

        `mark` gives the keyed mark of a name that is not of the declared form.
        """
        self._declared, self._known, self._clock = declared, known, clock
        self._folder, self._patterns = Path(declared.folder), pattern_of(declared.file_name)
        self._suffixes = tuple({Path(name).suffix for name in declared.file_name})
        self._files: deque[tuple[str, FileKnown]] = deque()
        self._mark = mark
        self._odd: dict[str, str] = {}
        """What is wrong with the names of files that are not named as they should be, by what stands for those names."""
        self._new: set[str] = set()
        """Those that came while others waited."""
        self._ahead: set[str] = set()
        """Of those, the ones that others stand back for."""
        self._waiting = self._total = 0
        self._looked_s = float("-inf")
        self._young: dict[str, _Watched] = {}

    @property
    def first(self) -> tuple[str, FileKnown] | None:
        """The file to be read next, as it was found."""
        return self._files[0] if self._files else None

    @property
    def urgent(self) -> bool:
        """Whether files wait that came while others waited, and need not wait for one that is being read."""
        return bool(self._ahead)

    def named(self, name: str) -> Named:
        """Return what the name of a file that waits tells; raises `FileUnreadable`."""
        if name in self._odd:
            raise FileUnreadable(file=name, cause=self._odd[name])
        return named(self._patterns, name)

    def done(self, name: str) -> None:
        """Know that a file was taken in, was put aside or is gone."""
        for place, (one, found) in enumerate(self._files):
            if one == name:
                del self._files[place]
                self._waiting -= found.size
                break
        self._new.discard(name)
        self._ahead.discard(name)

    def backfill(self, left: int) -> Backfill:
        """
        Return how far the first load is, in bytes of files: how many rows they have is not known before they are read.

        `left` are bytes of files that were taken in and are not said yet.
        """
        return Backfill(max(0, self._total - self._waiting - left), self._total, "bytes of files")

    # ---- looking ---------------------------------------------------------------------------------------------------------------

    def look(self, *, working: bool = False, busy: str | None = None) -> None:
        """
        Look for files that are new, have changed, or were put aside for a loss that others may explain by now, if it is time to.

        `working` tells whether anything else is to be said yet; `busy` is the name of the file that is being read. Raises `SourceAway`
        where the folder cannot be read.
        """
        now_s = self._clock().timestamp() if self._clock else 0.0
        if (self._files and 0 <= now_s - self._looked_s < min(_LOOK_S, self._declared.poll_s)) or (self._files and not self._clock):
            return
        self._looked_s = now_s
        waiting = {name for name, _ in self._files}
        found = self._unread(waiting)
        self._new = {name for name, _ in found if (waiting or working) and (name in self._new or name not in waiting)}
        ahead = {self._village(name) for name in self._new} - ({self._village(busy)} if busy else set())
        self._ahead = {name for name in self._new if self._village(name) in ahead}
        found.sort(key=lambda one: (self._village(one[0]) not in ahead, *self._order(one[0])))
        self._files = deque(found)
        self._waiting = sum(known.size for _, known in found)
        self._total = self._known.size() + self._waiting

    def must_wait(self) -> None:
        """Raise `SourceAway` where nothing waits but files that are too young."""
        if self._young:
            why = f"{len(self._young)} files changed in the last {self._declared.quiet_s:g} s, they may be still being written"
            raise SourceAway(address=self._declared.folder, why=why, wait_s=min(self._declared.quiet_s, self._declared.poll_s))

    def away(self, error: OSError) -> SourceAway:
        """Return what a fault of the folder means."""
        remedy = _REMEDIES.get(type(error), "")
        return SourceAway(address=self._declared.folder, why=error.strerror or type(error).__name__, wait_s=0.0, remedy=remedy)

    def _unread(self, waiting: set[str]) -> list[tuple[str, FileKnown]]:
        count, known, found = self._known.count(), self._known.now(), []
        young: dict[str, _Watched] = {}
        self._odd.clear()
        try:
            with os.scandir(self._folder) as entries:
                for entry in entries:
                    if not entry.name.endswith(self._suffixes) or not entry.is_file():
                        continue
                    stat, name = entry.stat(), writable(entry.name)
                    before = known(name)
                    if before is None and name not in waiting and (kept := self._kept_name(name)) != name:
                        name, before = kept, known(kept)
                    as_it_was = before is not None and (before.size, before.changed) == (stat.st_size, stat.st_mtime_ns)
                    explained = before is not None and before.state == LOSS and before.judged != count
                    # A loss is judged again when no other file waits, or once more with each that does.
                    if not as_it_was or (explained and (not waiting or name in waiting)):
                        if not as_it_was and (watched := self._still_young(name, stat)) is not None:
                            young[name] = watched
                            continue
                        found.append((name, FileKnown(stat.st_size, stat.st_mtime_ns, READ, count)))
        except OSError as error:
            raise self.away(error) from error
        self._young = young
        return found

    def _kept_name(self, name: str) -> str:
        """Return a new file's name as it may be kept and told: one that is not of the declared form is told by its shape."""
        try:
            named(self._patterns, name)
        except FileUnreadable as fault:
            told = standing_for(name, self._mark)
            self._odd[told] = str(fault.facts["cause"])
            return told
        return name

    def _still_young(self, name: str, stat: os.stat_result) -> _Watched | None:
        """Return a file that may be still being written: it changed within the declared time, by its own time and as we saw it."""
        if self._declared.quiet_s == 0 or self._clock is None:
            return None
        now_s = self._clock().timestamp()
        watched = self._young.get(name)
        if watched is None or (watched.size, watched.changed) != (stat.st_size, stat.st_mtime_ns):
            watched = _Watched(stat.st_size, stat.st_mtime_ns, now_s)
        # The file's own time spares an old one the wait; a clock that is ahead of ours, or was set back, tells nothing.
        old = 0 <= stat.st_mtime <= now_s - self._declared.quiet_s
        seen_quiet = now_s - watched.since_s >= self._declared.quiet_s
        return None if old or seen_quiet else watched

    def _order(self, name: str) -> tuple[int, str]:
        try:
            return named(self._patterns, name).exported, name
        except FileUnreadable:
            return NEVER, name

    def _village(self, name: str) -> str:
        try:
            return named(self._patterns, name).village
        except FileUnreadable:
            return name
