"""
Stand-ins: a source of each kind that speaks its protocol as a region file declares it, and says what a certification wants said.

Why: a real source cannot be told to delete a family, to repeat itself or to lie; a stand-in can, and the adapter sees no difference.
Must not: know what the adapter makes of it, or a region beyond its file.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import timedelta
from enum import StrEnum
from pathlib import Path
from typing import Self

from deploy.certify.oddities import Odd, Oddity, odd_of
from deploy.certify.process import STEPS_OF
from deploy.certify.told import Says, Told, Truth
from deploy.certify.writing import CannotBeSaid, Writer
from producers.declaration import Declaration

__all__ = ["Lie", "StandIn"]


class Lie(StrEnum):
    """What a source may answer that is not so."""

    ERROR_PAGE = "success, with an error page in HTML"
    TRUNCATED = "an answer cut off in the middle"
    OLD_PAGE = "an old answer once more"
    STANDS_STILL = "a place that does not move on"
    TOKEN_GONE = "no knowledge of the token that it gave"  # noqa: S105 - words
    REFUSED = "a refusal of our credentials"
    REVOKED = "a grant that was revoked"
    RENAMED = "a column by another name"
    FORGED = "another's signature"
    OTHER_SECRET = "another secret, for all that it sends"  # noqa: S105 - words
    STALE = "a request from long ago"
    HALF = "half of a file"
    OTHER_HEADER = "a changed header"
    OTHER_TOTAL = "a total that is another one"
    BOMB = "a workbook of kilobytes that unpacks to all that fits"


class StandIn(ABC):
    """A source of one region file; `truth` is what it has told, as it would be seen by somebody who was told everything."""

    tells_its_past = True
    """Whether it tells, to an adapter that starts over, all that it ever told; else only how things are now."""
    concludes_ends = False
    """Whether it tells who is there in a month, so that ends, and what they would hide, follow for other months: of each date in order."""
    is_asked = True
    """Whether an adapter asks this kind, so that it notices when it is away."""
    asked_again = 1
    """How many of the newest changes an adapter that starts may ask for, and send, once more."""
    lacks_fields = True
    """Whether a record may lack a field, and has types; else a field is there and empty, and all are texts."""
    tells_around = False
    """Whether it tells, with each record, what that lies in."""
    shows_new_fields = True
    """Whether an adapter sees a field that nothing reads; of a database it asks for no column that is not needed."""
    has_header = False
    """Whether what its records have stands above them all, so that a new field is seen at once and told beside what is put aside."""
    passes = 1
    """After how many times of being caught up surely all is read that was told before: a pass may have begun before it was told."""
    at_once = 100
    """How many changes it tells in one answer at most, where that is bounded."""

    def __init__(self, declared: Declaration, writer: Writer) -> None:
        """Have told nothing yet."""
        self.declared, self.writer, self.truth = declared, writer, Truth()
        self.skew = timedelta()
        """By how much its clock is wrong while it tells."""
        self.villages: Mapping[str, Sequence[str]] = {regency: writer.villages(regency) for regency in declared.regencies}

    @classmethod
    def lies_of(cls, declared: Declaration) -> Sequence[Lie]:  # noqa: ARG003 - what others look at
        """Return what a source so declared can be made to answer."""
        return ()

    @classmethod
    def steps_of(cls, declared: Declaration) -> Sequence[str]:
        """Return the steps at which an adapter over a source so declared may die, beside those of every adapter."""
        return tuple(STEPS_OF.get(declared.source.kind, ()))

    @classmethod
    @abstractmethod
    def opened(cls, declared: Declaration, folder: Path, server: str) -> Self:
        """Return one for a region file, with a folder of its own and a server on which it may make a database; nothing runs yet."""

    @property
    def placeholders(self) -> Mapping[str, str]:
        """What the region file's placeholders and secrets are filled with; told once it runs."""
        return {}

    @property
    def secrets(self) -> Sequence[str]:
        """Of these, what nobody else may know."""
        return ()

    @contextmanager
    @abstractmethod
    def running(self) -> Iterator[None]:
        """Serve until the end of the block."""

    def tell(self, changes: Sequence[Told], *, disorder: bool = False, skew: timedelta = timedelta()) -> None:
        """
        Tell changes, in their order or, with `disorder`, in the reverse of it as far as the protocol lets a source do so.

        `skew` is by how much the clock is wrong that dated them. Raises `CannotBeSaid`, and then nothing of them is told or true.
        """
        if any(told.says is Says.ENDS for told in changes) and not self.can_end:
            raise CannotBeSaid(what="that a family is no more", why="it declares no `ended`")
        changes = [self._as_seen(told) for told in changes]
        for told in changes:
            self._note(told)
        self.skew = skew
        try:
            self._tell(changes, disorder=disorder)
        finally:
            self.skew = timedelta()

    @contextmanager
    def telling_late(self, changes: Sequence[Told], by: timedelta) -> Iterator[None]:
        """Tell changes at the end of the block, which bear a time of before it: they are dated earlier by so much."""
        yield
        self.tell(changes, skew=-by)

    @abstractmethod
    def _tell(self, changes: Sequence[Told], *, disorder: bool) -> None:
        """Say it in the protocol."""

    @property
    def can_end(self) -> bool:
        """Whether it can say that a family is no more."""
        return self.writer.can_end

    def _note(self, told: Told) -> None:
        """Take a change into account."""
        self.truth.note(told)

    def standing(self) -> Iterable[Told]:
        """Return what was told last of each family, regency and date: what a record of it says must stand at the office."""
        return self.truth.said.values()

    def _as_seen(self, told: Told) -> Told:
        """Return a change as it can be known from this source."""
        return told

    @abstractmethod
    def repeat(self) -> None:
        """Tell once more what was told last, the same to the byte."""

    def odd(self, told: Told, oddity: Oddity) -> Odd:
        """Return how a change is told in an odd way; raises `CannotBeSaid` where this source has nothing that could be so."""
        return odd_of(self.declared, oddity, told, lacks=self.lacks_fields, around=self.tells_around)

    @abstractmethod
    def tell_odd(self, told: Told, odd: Odd) -> None:
        """Tell a change in an odd way, beside everything that is true; the change itself does not become true."""

    @abstractmethod
    def tell_garbage(self) -> None:
        """Tell something that is no record at all."""

    @contextmanager
    @abstractmethod
    def away(self) -> Iterator[None]:
        """Be unreachable until the end of the block."""

    @property
    def all_taken(self) -> bool:
        """Whether nothing that was told waits to be pushed."""
        return True

    def refuses_by_clock(self, wrong_by: timedelta) -> bool:  # noqa: ARG002 - what others look at
        """Return whether an adapter whose clock is wrong by so much must refuse all that it is told."""
        return False

    @property
    def paces(self) -> Mapping[str, float]:
        """Settings of [source] that only say how often it is looked at, by their names, with what a certification has time for."""
        return {}

    def tell_everything_again(self) -> None:
        """Do what a region does whose adapter lost its disk: nothing, where the adapter can ask for everything again."""
        return

    @contextmanager
    def lying(self, lie: Lie) -> Iterator[None]:
        """Answer what is not so until the end of the block; raises `CannotBeSaid` where this kind cannot lie so."""
        raise CannotBeSaid(what=str(lie), why="this kind of source has no such answer")
