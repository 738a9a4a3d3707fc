"""
A folder of snapshots: each file the whole of one village for one month; who is missing has ended there.

Why: where a region has no interface at all, it still has exports.
Must not: take a snapshot in by halves: it counts as a whole, or is put aside as a whole with its cause.
"""

import os
import sqlite3
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from producers.conversions import microseconds
from producers.declaration import FilesSource
from producers.faults import FileUnreadable, SourceAway
from producers.mapping import Mapper
from producers.quarantine import PutAside
from producers.sources import Batch
from producers.sources.consequences import Consequences, Outcome
from producers.sources.folder import ASIDE, LOSS, OLDER, READ, FileKnown, FolderKnown
from producers.sources.presence import NEVER, Saying
from producers.sources.showings import Showings, keep_read, keep_refused, keep_sayings, keep_shown
from producers.sources.snapshot import Named, named, pattern_of, writable
from producers.sources.taken import Taken, taken_of
from schemas.events import Operation

__all__ = ["FilesReader"]


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


class FilesReader:
    """Reads one folder; the connection is the adapter's own file, where it remembers who was shown."""

    def __init__(
        self, declared: FilesSource, mapper: Mapper, connection: sqlite3.Connection, clock: Callable[[], datetime] | None = None
    ) -> None:
        """Know where the folder is; nothing is read yet. The clock tells which files are still young, where that is declared."""
        self._declared, self._mapper, self._clock = declared, mapper, clock
        self._folder, self._patterns = Path(declared.folder), pattern_of(declared.file_name)
        self._suffixes = tuple({Path(name).suffix for name in declared.file_name})
        self._known, self._showings = FolderKnown(connection), Showings(connection)
        self._consequences = Consequences(self._showings, self._known, self._counted, mapper)
        self._pending: deque[tuple[str, FileKnown]] = deque()
        self._young: dict[str, _Watched] = {}

    def read(self, position: str | None) -> Batch:
        """Return what one more file tells; see `producers.sources.Source`. The position is the file's name, for people."""
        if not self._pending:
            self._pending.extend(self._unread())
        if not self._pending:
            if self._young:
                why = f"{len(self._young)} files changed in the last {self._declared.quiet_s:g} s, they may be still being written"
                raise SourceAway(address=self._declared.folder, why=why, wait_s=min(self._declared.quiet_s, self._declared.poll_s))
            return Batch([], position, caught_up=True)
        name, found = self._pending[0]
        try:
            return self._judged(name, found)
        except FileUnreadable as fault:
            return self._put_aside(name, replace(found, state=ASIDE), fault)
        except FileNotFoundError:
            self._pending.popleft()
            return Batch([], position, caught_up=False)
        except OSError as error:
            raise self._away(error) from error

    def again(self, since: datetime, position: str | None) -> Batch:
        """Return the households of one more snapshot that counts and was exported from a time on, under the revisions already said."""
        name = self._known.following(microseconds(since), position)
        if name is None:
            return Batch([], position, caught_up=True)
        try:
            taken = self._counted(name)
        except (FileUnreadable, OSError) as error:
            fault = error if isinstance(error, FileUnreadable) else FileUnreadable(file=name, cause="is no longer there")
            return Batch([], name, caught_up=False, aside=[PutAside.file(fault)])
        snapshots, told = self._known.snapshots(), taken.told
        events = self._consequences.said_again(taken, snapshots)
        said = [(one.household, Saying(Operation.UPSERT, told.period, one.revision, told.village)) for one in events]

        def keep(connection: sqlite3.Connection) -> None:
            keep_sayings(connection, taken.region, said)

        counts_incomplete = told.period not in snapshots.complete.get(told.village, ())
        aside = [*taken.aside, *(self._consequences.withheld(taken, snapshots) if counts_incomplete else ())]
        return Batch(events, name, caught_up=False, aside=aside, keep=keep, mended=name)

    def close(self) -> None:
        """Nothing is held open."""

    # ---- which files ---------------------------------------------------------------------------------------------------------

    def _unread(self) -> list[tuple[str, FileKnown]]:
        """Return the files that are new, have changed, or were put aside for a loss that others may explain by now; oldest export first."""
        count, found = self._known.count(), []
        young: dict[str, _Watched] = {}
        try:
            with os.scandir(self._folder) as entries:
                for entry in entries:
                    if not entry.name.endswith(self._suffixes) or not entry.is_file():
                        continue
                    stat, name = entry.stat(), writable(entry.name)
                    before = self._known.known(name)
                    as_it_was = before is not None and (before.size, before.changed) == (stat.st_size, stat.st_mtime_ns)
                    if before is None or not as_it_was or (before.state == LOSS and before.judged != count):
                        if not as_it_was and (watched := self._still_young(name, stat)) is not None:
                            young[name] = watched
                            continue
                        found.append((name, FileKnown(stat.st_size, stat.st_mtime_ns, READ, count)))
        except OSError as error:
            raise self._away(error) from error
        self._young = young
        return sorted(found, key=lambda one: self._order(one[0]))

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

    def _away(self, error: OSError) -> SourceAway:
        return SourceAway(
            address=self._declared.folder, why=error.strerror or type(error).__name__, wait_s=0.0, remedy=_REMEDIES.get(type(error), "")
        )

    # ---- one file ------------------------------------------------------------------------------------------------------------

    def _judged(self, name: str, found: FileKnown) -> Batch:
        told = named(self._patterns, name)
        snapshots = self._known.snapshots()
        if self._counts_already(told, snapshots.exported.get((told.village, told.period), NEVER)):
            return self._kept_file(name, replace(found, state=OLDER), told)
        taken = self._taken(told)
        after = snapshots.with_one(told, complete=taken.complete)
        outcome = self._consequences.outcome(taken, snapshots, after)
        if outcome.ending > self._declared.greatest_loss * outcome.held:
            cause = f"would end {outcome.ending} of the {outcome.held} households of its village: ask the village, or raise greatest_loss"
            judged = replace(found, state=LOSS, judged=self._known.count())
            return self._put_aside(name, judged, FileUnreadable(file=name, cause=cause))
        events, aside = self._consequences.events(taken, outcome)
        if not taken.complete:
            aside += self._consequences.withheld(taken, snapshots)
        if taken.others:
            aside.append(PutAside.header(name, taken.others))
        batch = self._kept_file(name, found, told, complete=taken.complete, taken=taken, outcome=outcome)
        return replace(batch, events=events, aside=[*taken.aside, *aside])

    def _counts_already(self, told: Named, exported: int) -> bool:
        """Return whether the snapshot that counts of a file's village and period was exported later; of two alike the later name counts."""
        return (exported, self._known.file_of(told.village, told.period) or "") > (told.exported, told.name)

    def _kept_file(
        self,
        name: str,
        found: FileKnown,
        told: Named,
        *,
        complete: bool = False,
        taken: Taken | None = None,
        outcome: Outcome | None = None,
    ) -> Batch:
        """Return a batch that remembers a file, and what it said if it counts."""

        def keep(connection: sqlite3.Connection) -> None:
            keep_read(connection, name, found, told, complete=complete)
            if taken is not None and outcome is not None:
                keep_shown(connection, told, outcome.revisions(taken), outcome.withdrawn, outcome.others)
                keep_sayings(connection, taken.region, outcome.sayings)

        def kept() -> None:
            self._pending.popleft()
            self._known.took(name, found, told, complete=complete)

        return Batch([], name, caught_up=False, keep=keep, kept=kept, mended=name)

    def _put_aside(self, name: str, found: FileKnown, fault: FileUnreadable) -> Batch:
        def kept() -> None:
            self._pending.popleft()
            self._known.refused(name, found)

        aside: Sequence[PutAside] = [PutAside.file(fault)]
        return Batch(
            [],
            name,
            caught_up=False,
            aside=aside,
            keep=lambda connection: keep_refused(connection, name, found),
            kept=kept,
            mended=name,
        )

    def _taken(self, told: Named) -> Taken:
        """Return a file's households; raises `FileUnreadable` where it cannot count as a whole."""
        return taken_of(self._folder, told, self._declared, self._mapper)

    def _counted(self, name: str) -> Taken:
        """Return the households of a snapshot that counts; raises `FileUnreadable`, or an OSError, where its file is another now."""
        stat = (self._folder / name).stat()
        if (stat.st_size, stat.st_mtime_ns) != self._known.counted(name):
            raise FileUnreadable(file=name, cause="is not as it was when it was read")
        return self._taken(named(self._patterns, name))
