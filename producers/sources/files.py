"""
A folder of snapshots: each file the whole of one village for one month; who is missing has ended there.

Why: where a region has no interface at all, it still has exports.
Must not: take a snapshot in by halves: it counts as a whole, or is put aside as a whole with its cause.
"""

import sqlite3
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from pathlib import Path

from producers.conversions import microseconds
from producers.declaration import FilesSource
from producers.faults import FileUnreadable, SourceAway
from producers.mapping import Mapper
from producers.quarantine import PutAside
from producers.sources import Batch
from producers.sources.presence import NEVER, UNSAYABLE, Past, Saying, Shown, sayings
from producers.sources.showings import (
    ASIDE,
    LOSS,
    OLDER,
    READ,
    FileKnown,
    Showings,
    Snapshots,
    keep_read,
    keep_refused,
    keep_sayings,
    keep_shown,
)
from producers.sources.snapshot import Named, named, pattern_of, writable
from producers.sources.taken import Taken, taken_of
from schemas.events import HouseholdChanged, Operation

__all__ = ["FilesReader"]


@dataclass(slots=True)
class _Outcome:
    """What follows from a snapshot: what is said of whom, whom it no longer shows, and the shares for the judgement."""

    sayings: list[tuple[bytes, Saying]] = field(default_factory=list)
    withdrawn: list[bytes] = field(default_factory=list)
    held: int = 0
    ending: int = 0


class FilesReader:
    """Reads one folder; the connection is the adapter's own file, where it remembers who was shown."""

    def __init__(self, declared: FilesSource, mapper: Mapper, connection: sqlite3.Connection) -> None:
        """Know where the folder is; nothing is read yet."""
        self._declared, self._mapper = declared, mapper
        self._folder, self._pattern = Path(declared.folder), pattern_of(declared.file_name)
        self._suffix = Path(declared.file_name).suffix
        self._showings = Showings(connection)
        self._pending: deque[tuple[str, FileKnown]] = deque()

    def read(self, position: str | None) -> Batch:
        """Return what one more file tells; see `producers.sources.Source`. The position is the file's name, for people."""
        if not self._pending:
            self._pending.extend(self._unread())
        if not self._pending:
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
        name = self._showings.following(microseconds(since), position)
        if name is None:
            return Batch([], position, caught_up=True)
        try:
            taken = self._counted(name)
        except (FileUnreadable, OSError) as error:
            fault = error if isinstance(error, FileUnreadable) else FileUnreadable(file=name, cause="is no longer there")
            return Batch([], name, caught_up=False, aside=[PutAside.file(fault)])
        snapshots, told = self._showings.snapshots(), taken.told
        events = [again for one in taken.events.items() if (again := self._said_again(taken, *one, snapshots)) is not None]
        said = [(one.household, Saying(Operation.UPSERT, told.period, one.revision, told.village)) for one in events]

        def keep(connection: sqlite3.Connection) -> None:
            keep_sayings(connection, taken.region, said)

        counts_incomplete = told.period not in snapshots.complete.get(told.village, ())
        aside = [*taken.aside, *(self._withheld(taken, snapshots) if counts_incomplete else ())]
        return Batch(events, name, caught_up=False, aside=aside, keep=keep, mended=name)

    def close(self) -> None:
        """Nothing is held open."""

    # ---- which files ---------------------------------------------------------------------------------------------------------

    def _unread(self) -> list[tuple[str, FileKnown]]:
        """Return the files that are new, have changed, or were put aside for a loss that others may explain by now; oldest export first."""
        known, count = self._showings.files(), self._showings.count()
        found = []
        try:
            for entry in self._folder.iterdir():
                if entry.suffix != self._suffix or not entry.is_file():
                    continue
                stat, name = entry.stat(), writable(entry.name)
                before = known.get(name)
                as_it_was = before is not None and (before.size, before.changed) == (stat.st_size, stat.st_mtime_ns)
                if before is None or not as_it_was or (before.state == LOSS and before.judged != count):
                    found.append((name, FileKnown(stat.st_size, stat.st_mtime_ns, READ, count)))
        except OSError as error:
            raise self._away(error) from error
        return sorted(found, key=lambda one: self._order(one[0]))

    def _order(self, name: str) -> tuple[int, str]:
        try:
            return named(self._pattern, name).exported, name
        except FileUnreadable:
            return NEVER, name

    def _away(self, error: OSError) -> SourceAway:
        return SourceAway(address=self._declared.folder, why=error.strerror or type(error).__name__, wait_s=0.0)

    # ---- one file ------------------------------------------------------------------------------------------------------------

    def _judged(self, name: str, found: FileKnown) -> Batch:
        told = named(self._pattern, name)
        snapshots = self._showings.snapshots()
        if snapshots.exported.get((told.village, told.period), NEVER) > told.exported:
            return self._noted(name, lambda connection: keep_read(connection, name, replace(found, state=OLDER), told))
        taken = self._taken(told)
        after = snapshots.with_one(told, complete=taken.complete)
        outcome = self._outcome(taken, snapshots, after)
        if outcome.ending > self._declared.greatest_loss * outcome.held:
            cause = f"would end {outcome.ending} of the {outcome.held} households of its village: ask the village, or raise greatest_loss"
            judged = replace(found, state=LOSS, judged=self._showings.count())
            return self._put_aside(name, judged, FileUnreadable(file=name, cause=cause))
        events, aside = self._events(taken, outcome)
        if not taken.complete:
            aside += self._withheld(taken, snapshots)

        def keep(connection: sqlite3.Connection) -> None:
            keep_read(connection, name, found, told, complete=taken.complete)
            keep_shown(connection, told, [(one, NEVER if event else UNSAYABLE) for one, event in taken.events.items()], outcome.withdrawn)
            keep_sayings(connection, taken.region, outcome.sayings)

        return Batch(events, name, caught_up=False, aside=[*taken.aside, *aside], keep=keep, kept=self._done, mended=name)

    def _noted(self, name: str, keep: Callable[[sqlite3.Connection], None], aside: Sequence[PutAside] = ()) -> Batch:
        """Return a batch without events that only notes how a file was judged."""
        return Batch([], name, caught_up=False, aside=aside, keep=keep, kept=self._done, mended=name)

    def _done(self) -> None:
        self._pending.popleft()

    def _put_aside(self, name: str, found: FileKnown, fault: FileUnreadable) -> Batch:
        return self._noted(name, lambda connection: keep_refused(connection, name, found), [PutAside.file(fault)])

    def _taken(self, told: Named) -> Taken:
        """Return a file's households; raises `FileUnreadable` where it cannot count as a whole."""
        return taken_of(self._folder, told, self._declared, self._mapper)

    def _counted(self, name: str) -> Taken:
        """Return the households of a snapshot that counts; raises `FileUnreadable`, or an OSError, where its file is another now."""
        stat = (self._folder / name).stat()
        if (stat.st_size, stat.st_mtime_ns) != self._showings.counted(name):
            raise FileUnreadable(file=name, cause="is not as it was when it was read")
        return self._taken(named(self._pattern, name))

    # ---- what follows from it --------------------------------------------------------------------------------------------------

    def _outcome(self, taken: Taken, before: Snapshots, after: Snapshots) -> _Outcome:
        told, outcome = taken.told, _Outcome()
        earlier = [period for period in before.complete.get(told.village, ()) if period < told.period]
        held = self._showings.held(told.village, earlier[-1] if earlier else NEVER, told.period)
        outcome.held = len(held)
        for household in sorted({*held, *taken.events}):
            past = self._past(taken, household, outcome)
            said = sayings(past, after.exported, after.complete, (told.village, told.period))
            outcome.sayings += [(household, one) for one in said]
            missing = household not in taken.events
            outcome.ending += missing and any(one.operation is not Operation.UPSERT and one.period == told.period for one in said)
        return outcome

    def _withheld(self, taken: Taken, before: Snapshots) -> list[PutAside]:
        """Return what stands in quarantine for the households that a snapshot would end if none of its rows could be theirs."""
        ends = self._outcome(replace(taken, anyone=0), before, before.with_one(taken.told, complete=True)).ending
        return [PutAside.withheld(taken.told.name, ends, taken.anyone)] if ends else []

    def _past(self, taken: Taken, household: bytes, outcome: _Outcome | None = None) -> Past:
        """Return what is known of a household with the snapshot taken in; who is no longer shown is noted in the outcome."""
        told = taken.told
        past = self._showings.past(household, taken.region)
        replaced = [one for one in past.shown if (one.village, one.period) == (told.village, told.period)]
        present = household in taken.events
        if not present and not taken.complete:
            return past
        shown = [one for one in past.shown if one not in replaced]
        if present:
            shown.append(Shown(told.period, told.village, told.exported, NEVER if taken.events[household] else UNSAYABLE))
        elif replaced and outcome is not None:
            outcome.withdrawn.append(household)
        return Past(shown, past.gone, {one.period: one.revision for one in replaced})

    def _events(self, taken: Taken, outcome: _Outcome) -> tuple[list[HouseholdChanged], list[PutAside]]:
        """
        Return the events of what is said, showings of other snapshots read again from their files.

        What cannot be said for want of a file is taken out of the outcome, so that it is tried again with the next snapshot.
        """
        others: dict[tuple[str, int], Mapping[bytes, HouseholdChanged | None]] = {}
        events: list[HouseholdChanged] = []
        aside: list[PutAside] = []
        for household, said in list(outcome.sayings):
            if said.operation is not Operation.UPSERT:
                events.append(self._absence(taken, household, said))
                continue
            place = (said.village, said.period)
            if place != (taken.told.village, taken.told.period) and place not in others:
                others[place], faults = self._other(*place)
                aside += faults
            event = others.get(place, taken.events).get(household)
            if event is not None:
                events.append(replace(event, revision=said.revision))
            else:
                outcome.sayings.remove((household, said))
        return events, aside

    def _other(self, village: str, period: int) -> tuple[Mapping[bytes, HouseholdChanged | None], list[PutAside]]:
        """Return the households of a snapshot that was read before."""
        name = self._showings.file_of(village, period) or ""
        try:
            return self._counted(name).events, []
        except (FileUnreadable, OSError):
            cause = "is needed once more, to say again what another snapshot would hide, and is not there as it was: put it back"
            return {}, [PutAside.file(FileUnreadable(file=name, cause=cause))]

    def _absence(self, taken: Taken, household: bytes, said: Saying) -> HouseholdChanged:
        """Return the END or RETRACT of a household."""
        return HouseholdChanged(
            household=household,
            key_version=self._mapper.key_version,
            region=taken.region,
            source=self._mapper.declared.source_id,
            valid_from=date(said.period // 100, said.period % 100, 1),
            revision=said.revision,
            mapping_version=self._mapper.declared.mapping_version,
            operation=said.operation,
            recorded_at=taken.told.moment,
        )

    def _said_again(self, taken: Taken, household: bytes, event: HouseholdChanged | None, snapshots: Snapshots) -> HouseholdChanged | None:
        """Return an event under the revision it was said under, or under the one it needs where it could not be said before."""
        if event is None:
            return None
        told, past = taken.told, self._showings.past(household, taken.region)
        for one in past.shown:
            if (one.village, one.period) == (told.village, told.period):
                if one.revision > NEVER:
                    return replace(event, revision=one.revision)
                anew = replace(past, shown=[replace(other, revision=NEVER) if other is one else other for other in past.shown])
                for said in sayings(anew, snapshots.exported, snapshots.complete, (told.village, told.period)):
                    if (said.operation, said.village, said.period) == (Operation.UPSERT, told.village, told.period):
                        return replace(event, revision=said.revision)
        return None
