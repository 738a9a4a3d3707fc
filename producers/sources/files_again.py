"""
A folder of snapshots read again for a resend: each that counts, under the revisions that were said.

Why: a mended mapping must be able to say the same statements anew.
Must not: decide anything but what the mapping could not say before.
"""

import sqlite3
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from itertools import islice
from pathlib import Path

from producers.conversions import microseconds
from producers.declaration import FilesSource
from producers.encoding import under as under_revision
from producers.faults import FileUnreadable
from producers.mapping import Mapper
from producers.quarantine import PutAside
from producers.sources import Batch, Encoded
from producers.sources.consequences import Consequences
from producers.sources.folder import FolderKnown
from producers.sources.presence import Saying
from producers.sources.showings import keep_sayings
from producers.sources.snapshot import Named, named, pattern_of
from producers.sources.taken import Large, Taken, is_large, large_of, taken_of, under
from schemas.events import Operation

__all__ = ["Again"]

_TOGETHER = 5_000


class Again:
    """What was said of one folder, to be said again."""

    def __init__(self, declared: FilesSource, mapper: Mapper, known: FolderKnown, consequences: Consequences, scratch: Path | None) -> None:
        """Know where the files are, and what is known of them."""
        self._declared, self._mapper, self._known, self._consequences = declared, mapper, known, consequences
        self._folder, self._scratch = Path(declared.folder), scratch
        self._at_work: Iterator[Batch] | None = None
        self._unkept: Batch | None = None
        """The last of its batches, until it is kept."""

    def batch(self, since: datetime, position: str | None) -> Batch:
        """Return the batch behind a position: the name of the last file, with a slash and a household of it where that is not all said."""
        if self._unkept is not None:
            return self._unkept
        name, _, within = (position or "").partition("/")
        if not within:
            following = self._known.following(microseconds(since), name or None)
            if following is None:
                return Batch([], position, caught_up=True)
            name, self._at_work = following, None
        if self._at_work is None:
            self._at_work = self._batches(name, bytes.fromhex(within))
        batch = next(self._at_work, None)
        if batch is None:
            self._at_work = None
            return Batch([], name, caught_up=False)
        self._unkept = replace(batch, kept=self._kept)
        return self._unkept

    def _kept(self) -> None:
        self._unkept = None

    def _batches(self, name: str, after: bytes) -> Iterator[Batch]:
        """Give what one file says; a large one is laid aside first, during which the position does not move."""
        begin = f"{name}/{after.hex()}" if after else f"{name}/00"
        try:
            told = self._as_it_was(name)
            if not is_large(self._folder / name, (self._folder / name).stat().st_size):
                yield self._village(taken_of(self._folder, told, self._declared, self._mapper))
                return
            taken, reading = large_of(self._folder, told, self._declared, self._mapper, self._scratch)
            for _ in reading:
                yield Batch([], begin, caught_up=False)
        except (FileUnreadable, OSError) as error:
            fault = error if isinstance(error, FileUnreadable) else FileUnreadable(file=name, cause="is no longer there")
            yield Batch([], name, caught_up=False, aside=[PutAside.file(fault)])
            return
        yield from self._parts(taken, after)

    def _as_it_was(self, name: str) -> Named:
        """Return what the name of a snapshot that counts tells; raises `FileUnreadable`, or an OSError, where its file is another now."""
        stat = (self._folder / name).stat()
        if (stat.st_size, stat.st_mtime_ns) != self._known.counted(name):
            raise FileUnreadable(file=name, cause="is not as it was when it was read")
        return named(pattern_of(self._declared.file_name), name)

    def _village(self, taken: Taken) -> Batch:
        """Return what a village's file says."""
        snapshots = self._known.snapshots()
        revisions = self._consequences.revisions_again(taken, sorted(taken.events), snapshots)
        events = [under(event, revisions[one]) for one, event in taken.events.items() if event is not None and one in revisions]
        said = [(one.household, one.revision) for one in events]
        return Batch(
            events,
            taken.told.name,
            caught_up=False,
            aside=[*taken.aside, *self._withheld(taken)],
            keep=_keeping(taken, said),
            mended=taken.told.name,
        )

    def _parts(self, taken: Large, after: bytes) -> Iterator[Batch]:
        """Give what a large file says, some households at a time, behind one."""
        name, snapshots = taken.told.name, self._known.snapshots()
        left = (one for one in taken.values() if one[0] > after)
        mended: str | None = name
        while some := list(islice(left, _TOGETHER)):
            revisions = self._consequences.revisions_again(taken, [household for household, _, value in some if value], snapshots)
            said = [
                Encoded(region, one, under_revision(value, 0, revisions[one])) for one, region, value in some if value and one in revisions
            ]
            keep = _keeping(taken, [(one.household, revisions[one.household]) for one in said])
            yield Batch([], f"{name}/{some[-1][0].hex()}", caught_up=False, keep=keep, encoded=said, mended=mended)
            mended = None
        aside = taken.put_aside()
        while some_aside := list(islice(aside, _TOGETHER)):
            yield Batch([], f"{name}/{'ff' * 16}", caught_up=False, aside=some_aside)
        yield Batch([], name, caught_up=False, aside=self._withheld(taken))

    def _withheld(self, taken: Taken | Large) -> Sequence[PutAside]:
        snapshots, told = self._known.snapshots(), taken.told
        counts = told.period in snapshots.complete.get(told.village, ())
        return () if counts else self._consequences.withheld(taken, snapshots, known=True)


def _keeping(taken: Taken | Large, said: Sequence[tuple[bytes, int]]) -> Callable[[sqlite3.Connection], None]:
    """Return what remembers the revisions of some showings."""
    sayings = [(one, Saying(Operation.UPSERT, taken.told.period, revision, taken.told.village)) for one, revision in said]

    def keep(connection: sqlite3.Connection) -> None:
        keep_sayings(connection, taken.region, sayings)

    return keep
