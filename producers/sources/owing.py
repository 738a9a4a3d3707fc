"""
What is decided and not said yet: kept in the adapter's file by the transaction that decides it, and forgotten as it is said.

Why: what follows from a large file is more than one batch holds. From the moment it counts, others are judged beside it as if all of it
were said: by the revisions, in whatever order it is.
Must not: decide anything.
"""

import sqlite3
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import islice
from pathlib import Path

from producers.declaration import FilesSource
from producers.encoding import under
from producers.faults import FileUnreadable, RecordUnreadable
from producers.mapping import Mapper
from producers.quarantine import PutAside
from producers.records import Node
from producers.sources import Batch, Encoded
from producers.sources.consequences import absence
from producers.sources.folder import FileKnown, FolderKnown
from producers.sources.packed import showings_of
from producers.sources.presence import NEVER, Saying
from producers.sources.snapshot import named, pattern_of, rows
from producers.sources.taken import Large, large_of
from schemas.events import HouseholdChanged, Operation

__all__ = ["Owing", "keep_owed", "keep_owed_file"]

Keep = Callable[[sqlite3.Connection], None]
_TOGETHER = 5_000
"""Events of a batch, and rows that are looked through at once."""
_MARKS = 500
_ABSENT = ""
"""What stands for the village of an END or RETRACT, which needs no file."""
_NEEDED = "is needed once more, to say again what another snapshot would hide, and is not there as it was: put it back"


def keep_owed(connection: sqlite3.Connection, region: str, recorded: int, sayings: Iterable[tuple[bytes, Saying]]) -> None:
    """Owe sayings that follow from a snapshot exported at a time; belongs into the transaction that remembers them."""
    connection.executemany(
        "insert or replace into owed (village, period, household, region, operation, revision, recorded) values (?, ?, ?, ?, ?, ?, ?)",
        (
            (
                said.village if said.operation is Operation.UPSERT else _ABSENT,
                said.period,
                household,
                region,
                said.operation.value,
                said.revision,
                recorded,
            )
            for household, said in sayings
        ),
    )


def keep_owed_file(connection: sqlite3.Connection, name: str, known: FileKnown) -> None:
    """Owe what a file shows, under the revisions that are remembered of it; belongs into the transaction that remembers it."""
    connection.execute("insert or replace into owed_file values (?, ?, ?, ?)", (name, known.size, known.changed, b""))


class Owing:
    """What is owed, seen through one connection."""

    def __init__(
        self, connection: sqlite3.Connection, known: FolderKnown, declared: FilesSource, mapper: Mapper, scratch: Path | None
    ) -> None:
        """Know where it stands, and where the files are."""
        self._connection, self._known, self._declared, self._mapper = connection, known, declared, mapper
        self._folder, self._scratch = Path(declared.folder), scratch
        self._unfound: dict[str | tuple[str, int], int] = {}
        """Files, and places of such, that were not there as they were; tried again when another one has been taken in."""

    def anything(self) -> bool:
        """Return whether something is owed that can be tried."""
        return self._absent() or bool(self._files() or self._places())

    def left(self) -> int:
        """Return how many bytes of files that were taken in are not said yet: households are spread evenly over all names."""
        rows_ = self._connection.execute("select size, after from owed_file")
        return sum(size * ((1 << 32) - int.from_bytes(after[:4], "big") if after else 1 << 32) >> 32 for size, after in rows_)

    def batches(self, taken: Large | None = None) -> Iterator[Batch]:
        """Give all that is owed, each batch when the one before is kept; `taken` is the file that was just taken in, if any."""
        yield from self._absences()
        for name, size, changed, after in self._files():
            yield from self._file(name, size, changed, after, taken if taken is not None and taken.told.name == name else None)
        for village, period in self._places():
            yield from self._place(village, period)

    def _absent(self) -> bool:
        return self._connection.execute("select 1 from owed where village = ? limit 1", (_ABSENT,)).fetchone() is not None

    def _files(self) -> list[tuple[str, int, int, bytes]]:
        found = self._connection.execute("select name, size, changed, after from owed_file").fetchall()
        return [one for one in found if self._may_try(one[0])]

    def _places(self) -> list[tuple[str, int]]:
        asked = "select distinct village, period from owed where village > ?"
        return [one for one in self._connection.execute(asked, (_ABSENT,)).fetchall() if self._may_try(one)]

    def _may_try(self, what: str | tuple[str, int]) -> bool:
        return self._unfound.get(what) != self._known.count()

    # ---- what needs no file ----------------------------------------------------------------------------------------------------

    def _absences(self) -> Iterator[Batch]:
        asked = "select period, household, region, operation, revision, recorded from owed where village = ? limit ?"
        while found := self._connection.execute(asked, (_ABSENT, _TOGETHER)).fetchall():
            events = [
                absence(self._mapper, household, region, recorded, Saying(Operation(word), period, revision, _ABSENT))
                for period, household, region, word, revision, recorded in found
            ]
            yield Batch(events, None, caught_up=False, keep=_forgetting(_ABSENT, [(one[0], one[1]) for one in found]))

    # ---- a file that was taken in ----------------------------------------------------------------------------------------------

    def _file(self, name: str, size: int, changed: int, after: bytes, taken: Large | None) -> Iterator[Batch]:
        """Give what a file shows, behind a household, and which of its rows are put aside."""
        told = named(pattern_of(self._declared.file_name), name)
        forgotten = Batch([], name, caught_up=False, keep=_forget("delete from owed_file where name = ?", (name,)))

        def counts() -> bool:
            # Another snapshot of its place may have been taken in: what this one showed is then said, or taken back, on account of that.
            return self._known.file_of(told.village, told.period) == name and self._known.counted(name) == (size, changed)

        if taken is None and counts():
            try:
                self._must_be_there(name)
                taken, reading = large_of(self._folder, told, self._declared, self._mapper, self._scratch)
                for _ in reading:
                    yield Batch([], name, caught_up=False)
            except (FileUnreadable, OSError):
                yield self._missed(name, name)
                return
        if taken is None:
            yield forgotten
            return
        said = _said(self._connection, taken, after)
        while counts() and (some := list(islice(said, _TOGETHER))):
            events = [one for _, one in some if one is not None]
            yield Batch([], name, caught_up=False, encoded=events, keep=_said_upto(name, some[-1][0]))
        aside = taken.put_aside()
        while some_aside := list(islice(aside, _TOGETHER)):
            yield Batch([], name, caught_up=False, aside=some_aside)
        yield forgotten

    # ---- showings of other files -----------------------------------------------------------------------------------------------

    def _place(self, village: str, period: int) -> Iterator[Batch]:
        """Give the showings of a snapshot that must be said again, read from its file."""
        name = self._known.file_of(village, period) or ""
        try:
            self._must_be_there(name)
            told = named(pattern_of(self._declared.file_name), name)
            _, found = rows(self._folder / name, told, self._declared)
            while some := list(islice(found, _TOGETHER)):
                events = self._owed_of(village, period, some)
                if events:
                    said = [(period, one.household) for one in events]
                    yield Batch(events, name, caught_up=False, keep=_forgetting(village, said))
        except (FileUnreadable, OSError):
            yield self._missed(name, (village, period))
            return
        # What is left has no row that can be read any more.
        left = "delete from owed where village = ? and period = ?"
        yield Batch([], name, caught_up=False, keep=_forget(left, (village, period)))

    def _owed_of(self, village: str, period: int, some: Sequence[Node]) -> list[HouseholdChanged]:
        """Return the events of those of some rows whose households are owed."""
        by_household: dict[bytes, tuple[Node, tuple[bytes, bytes | None]]] = {}
        for row in some:
            try:
                names = self._mapper.names(row)
            except RecordUnreadable:
                continue
            by_household.setdefault(names[0], (row, names))
        events = []
        for some_of in (list(by_household)[begin : begin + _MARKS] for begin in range(0, len(by_household), _MARKS)):
            marks = ", ".join("?" * len(some_of))
            asked = f"select household, revision from owed where village = ? and period = ? and household in ({marks})"  # noqa: S608
            for household, revision in self._connection.execute(asked, (village, period, *some_of)):
                try:
                    events.append(replace(self._mapper.event(*by_household[household]), revision=revision))
                except RecordUnreadable:
                    continue
        return events

    def _must_be_there(self, name: str) -> None:
        """Refuse a file that is not as it was when it was taken in; raises `FileUnreadable`, or an OSError."""
        stat = (self._folder / name).stat()
        if (stat.st_size, stat.st_mtime_ns) != self._known.counted(name):
            raise FileUnreadable(file=name, cause=_NEEDED)

    def _missed(self, name: str, what: str | tuple[str, int]) -> Batch:
        """Note that a file was not there as it was, and return the batch that tells."""
        self._unfound[what] = self._known.count()
        return Batch([], name, caught_up=False, aside=[PutAside.file(FileUnreadable(file=name, cause=_NEEDED))])


def _said(connection: sqlite3.Connection, taken: Large, after: bytes) -> Iterator[tuple[bytes, Encoded | None]]:
    """Give a file's households behind one, each with its event under the revision that is remembered, if it is said at all."""
    told, values = taken.told, taken.values()
    household, region, value = next(values, (b"\xff" * 17, "", b""))
    for shown, _, revision in showings_of(connection, told.village, told.period, after):
        while household < shown:
            household, region, value = next(values, (b"\xff" * 17, "", b""))
        if household == shown and value and revision > NEVER:
            yield shown, Encoded(region, shown, value if revision == told.exported else under(value, 0, revision))
        else:
            yield shown, None


def _forgetting(village: str, said: Sequence[tuple[int, bytes]]) -> Keep:
    """Return what forgets that some sayings are owed."""

    def keep(connection: sqlite3.Connection) -> None:
        connection.executemany(
            "delete from owed where village = ? and period = ? and household = ?",
            [(village, period, household) for period, household in said],
        )

    return keep


def _said_upto(name: str, household: bytes) -> Keep:
    """Return what remembers up to which household a file is said."""

    def keep(connection: sqlite3.Connection) -> None:
        connection.execute("update owed_file set after = ? where name = ?", (household, name))

    return keep


def _forget(statement: str, values: tuple[str | int, ...]) -> Keep:
    def keep(connection: sqlite3.Connection) -> None:
        connection.execute(statement, values)

    return keep
