"""
A folder of snapshots: each file the whole of one village for one month; who is missing has ended there.

Why: where a region has no interface at all, it still has exports.
Must not: take a snapshot in by halves: it counts as a whole, or is put aside as a whole with its cause.

A large file is taken in by parts (taken.py), judged as a whole, remembered in one transaction, and then said batch by batch (owing.py):
so the spool may be full long before its end, and whoever is killed goes on where it was. Files that are dropped meanwhile are read in
between (arrivals.py). While what was there at the first start is read, batches tell how far that is, in bytes of files.
"""

import sqlite3
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from producers.declaration import FilesSource
from producers.faults import FileUnreadable
from producers.mapping import Mapper
from producers.quarantine import PutAside
from producers.sources import Batch
from producers.sources.arrivals import Arrivals
from producers.sources.consequences import Consequences, Outcome, absence
from producers.sources.files_again import Again
from producers.sources.folder import ASIDE, LOSS, OLDER, FileKnown, FolderKnown
from producers.sources.owing import Owing, keep_owed, keep_owed_file
from producers.sources.presence import NEVER, Saying
from producers.sources.showings import Showings, keep_loaded, keep_read, keep_refused, keep_sayings, keep_shown
from producers.sources.snapshot import Named
from producers.sources.taken import Large, Taken, is_large, large_of, taken_of, under
from schemas.events import HouseholdChanged, Operation

__all__ = ["FilesReader"]


class FilesReader:
    """Reads one folder; the connection is the adapter's own file, where it remembers who was shown."""

    def __init__(
        self, declared: FilesSource, mapper: Mapper, connection: sqlite3.Connection, clock: Callable[[], datetime] | None = None
    ) -> None:
        """Know where the folder is; nothing is read yet. The clock tells which files are still young, and when to look for others."""
        self._declared, self._mapper = declared, mapper
        self._folder = Path(declared.folder)
        self._known, self._showings, self._scratch = FolderKnown(connection), Showings(connection), _beside(connection)
        self._consequences = Consequences(self._showings, self._scratch)
        self._owing = Owing(connection, self._known, declared, mapper, self._scratch)
        self._arrivals = Arrivals(declared, self._known, clock, mapper.mark_of_name)
        self._at_work: Iterator[Batch] | None = None
        """The batches of a large file, or of what is owed."""
        self._busy: str | None = None
        """The large file that is being read, until it is judged."""
        self._unkept: Batch | None = None
        """The last of those batches, until it is kept."""
        self._resent = Again(declared, mapper, self._known, self._consequences, self._scratch)

    def read(self, position: str | None) -> Batch:
        """Return what one more file tells, or a part of one; see `producers.sources.Source`. The position is a file's name, for people."""
        works = self._at_work is not None or self._owing.anything()
        self._arrivals.look(working=works, busy=self._busy)
        batch = self._next(position) if self._arrivals.urgent or not works else self._worked(position)
        if not self._showings.first_load():
            return batch
        if batch.caught_up:
            # Where nothing has come yet, the first load is still to come.
            return replace(batch, keep=keep_loaded) if self._known.count() else batch
        return replace(batch, backfill=self._arrivals.backfill(self._owing.left()))

    def again(self, since: datetime, position: str | None) -> Batch:
        """Return the households of one more snapshot that counts and was exported from a time on, under the revisions already said."""
        return self._resent.batch(since, position)

    def close(self) -> None:
        """Nothing is held open."""

    # ---- one file ------------------------------------------------------------------------------------------------------------

    def _next(self, position: str | None) -> Batch:
        """Return what the next file tells."""
        if self._arrivals.first is None:
            self._arrivals.must_wait()
            return Batch([], position, caught_up=True)
        name, found = self._arrivals.first
        try:
            told = self._arrivals.named(name)
            if self._counts_already(told):
                return self._kept_file(name, replace(found, state=OLDER), told)
            if not is_large(self._folder / name, found.size):
                return self._judged(name, found, taken_of(self._folder, told, self._declared, self._mapper))
            # What else is at work is remembered, and taken up again behind this one.
            self._at_work, self._busy, self._unkept = self._large(name, found, told), name, None
            return self._worked(position)
        except FileUnreadable as fault:
            return self._put_aside(name, replace(found, state=ASIDE), fault)
        except FileNotFoundError:
            self._arrivals.done(name)
            return Batch([], position, caught_up=False)
        except OSError as error:
            raise self._arrivals.away(error) from error

    def _judged(self, name: str, found: FileKnown, taken: Taken | Large) -> Batch:
        """Return what a file tells, taken in as a whole."""
        told, snapshots = taken.told, self._known.snapshots()
        after = snapshots.with_one(told, complete=taken.complete, known=self._known.has(name))
        outcome = self._consequences.outcome(taken, snapshots, after)
        if outcome.ending > self._declared.greatest_loss * outcome.held:
            cause = f"would end {outcome.ending} of the {outcome.held} households of its village: ask the village, or raise greatest_loss"
            judged = replace(found, state=LOSS, judged=self._known.count())
            return self._put_aside(name, judged, FileUnreadable(file=name, cause=cause))
        aside = [] if taken.complete else self._consequences.withheld(taken, snapshots, known=self._known.has(name))
        if taken.others:
            aside.append(PutAside.header(name, taken.others))
        batch = self._kept_file(name, found, told, taken, outcome)
        if isinstance(taken, Large):
            return replace(batch, aside=aside)
        return replace(batch, events=list(self._events(taken, outcome)), aside=[*taken.aside, *aside])

    def _events(self, taken: Taken, outcome: Outcome) -> Iterator[HouseholdChanged]:
        """Give the events of what a village's file says; showings of other files are owed."""
        for household, revision in outcome.shown:
            if revision > NEVER and (event := taken.events[household]):
                yield under(event, revision)
        for household, said in outcome.said():
            if said.operation is not Operation.UPSERT:
                yield absence(self._mapper, household, taken.region, taken.told.exported, said)
            elif (said.village, said.period) == (taken.told.village, taken.told.period) and (event := taken.events[household]):
                yield under(event, said.revision)

    def _counts_already(self, told: Named) -> bool:
        """Return whether the snapshot that counts of a file's village and period was exported later; of two alike the later name counts."""
        counting = self._known.snapshots().told.get((told.village, told.period))
        return counting is not None and (counting.exported, self._known.file_of(told.village, told.period) or "") > (
            told.exported,
            told.name,
        )

    def _kept_file(
        self, name: str, found: FileKnown, told: Named, taken: Taken | Large | None = None, outcome: Outcome | None = None
    ) -> Batch:
        """Return a batch that remembers a file, and what it said, or is to say, if it counts."""
        complete = taken is not None and taken.complete

        def keep(connection: sqlite3.Connection) -> None:
            keep_read(connection, name, found, told, complete=complete)
            if taken is None or outcome is None:
                return
            keep_shown(connection, told, iter(outcome.shown), iter(outcome.others), complete=complete)
            keep_sayings(connection, taken.region, outcome.said())
            here, large = (told.village, told.period), isinstance(taken, Large)
            owed = ((one, said) for one, said in outcome.said() if _is_owed(said, here, large=large))
            keep_owed(connection, taken.region, told.exported, owed)
            if large:
                keep_owed_file(connection, name, found)

        def kept() -> None:
            self._arrivals.done(name)
            self._known.took(name, found, told, complete=complete)

        return Batch([], name, caught_up=False, keep=keep, kept=kept, mended=name)

    def _put_aside(self, name: str, found: FileKnown, fault: FileUnreadable) -> Batch:
        def kept() -> None:
            self._arrivals.done(name)
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

    # ---- what takes more than one batch ----------------------------------------------------------------------------------------

    def _worked(self, position: str | None) -> Batch:
        """Return the next batch of what is at work, or the last one once more if it was not kept."""
        if self._unkept is None:
            self._at_work = self._at_work or self._owing.batches()
            try:
                batch = next(self._at_work, None)
            except BaseException as error:
                self._at_work = self._busy = None
                if isinstance(error, OSError):
                    raise self._arrivals.away(error) from error
                raise
            if batch is None:
                self._at_work = self._busy = None
                return Batch([], position, caught_up=False)
            self._unkept = replace(batch, position=batch.position or position, kept=self._kept_then(batch.kept))
        return self._unkept

    def _kept_then(self, kept: Callable[[], None] | None) -> Callable[[], None]:
        def then() -> None:
            self._unkept = None
            if kept is not None:
                kept()

        return then

    def _large(self, name: str, found: FileKnown, told: Named) -> Iterator[Batch]:
        """Give the batches of a large file: while it is read, its judgement, and all that it says."""
        try:
            taken, reading = large_of(self._folder, told, self._declared, self._mapper, self._scratch)
            for _ in reading:
                yield Batch([], name, caught_up=False)
            if self._counts_already(told):
                yield self._kept_file(name, replace(found, state=OLDER), told)
                return
            judged = self._judged(name, found, taken)
        except FileUnreadable as fault:
            yield self._put_aside(name, replace(found, state=ASIDE), fault)
            return
        except FileNotFoundError:
            self._arrivals.done(name)
            return
        yield judged
        self._busy = None
        yield from self._owing.batches(taken)


def _is_owed(said: Saying, here: tuple[str, int], *, large: bool) -> bool:
    """Return whether a saying is not said by the batch that decides it: of a large file none is, what that one itself shows apart."""
    if said.operation is not Operation.UPSERT:
        return large
    return (said.village, said.period) != here


def _beside(connection: sqlite3.Connection) -> Path | None:
    """Return the folder of the adapter's file, where it has one."""
    file = next((file for _, name, file in connection.execute("pragma database_list") if name == "main"), "")
    return Path(file).parent if file else None
