"""
Stand-ins: a source of each kind that speaks its protocol as a region file declares it, and says what a certification wants said.

Why: a real source cannot be told to delete a family, to repeat itself or to lie; a stand-in can, and the adapter sees no difference.
Must not: know what the adapter makes of it, or a region beyond its file.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import Self

from deploy.certify.told import Told, Truth
from deploy.certify.writing import CannotBeSaid, Oddity, Writer
from producers.declaration import Declaration

__all__ = ["Lie", "StandIn"]


class Lie(StrEnum):
    """What a source may answer that is not so."""

    ERROR_PAGE = "success, with an error page in HTML"
    TRUNCATED = "an answer cut off in the middle"
    OLD_PAGE = "an old answer once more"
    STANDS_STILL = "a place that does not move on"
    FORGED = "another's signature"
    STALE = "a request from long ago"
    HALF = "half of a file"
    OTHER_HEADER = "a changed header"


class StandIn(ABC):
    """A source of one region file; `truth` is what it has told, as it would be seen by somebody who was told everything."""

    lies: tuple[Lie, ...] = ()
    """What this kind can be made to answer."""
    tells_its_past = True
    """Whether it tells, to an adapter that starts over, all that it ever told; else only how things are now."""
    concludes_ends = False
    """Whether it tells who is there in a month, so that ends, and what they would hide, follow for other months: of each date in order."""
    is_asked = True
    """Whether an adapter asks this kind, so that it notices when it is away."""

    def __init__(self, declared: Declaration, writer: Writer) -> None:
        """Have told nothing yet."""
        self.declared, self.writer, self.truth = declared, writer, Truth()
        self.villages: Mapping[str, Sequence[str]] = {regency: writer.villages(regency) for regency in declared.regencies}

    @classmethod
    @abstractmethod
    def opened(cls, declared: Declaration, folder: Path, server: str) -> Self:
        """Return one for a region file, with a folder of its own and a server on which it may make a database; nothing runs yet."""

    @property
    def placeholders(self) -> Mapping[str, str]:
        """What the region file's placeholders and secrets are filled with; told once it runs."""
        return {}

    @contextmanager
    @abstractmethod
    def running(self) -> Iterator[None]:
        """Serve until the end of the block."""

    def tell(self, changes: Sequence[Told], *, disorder: bool = False) -> None:
        """Tell changes, in their order or, with `disorder`, in the reverse of it as far as the protocol lets a source do so."""
        for told in changes:
            self.truth.note(told)
        self._tell(changes, disorder=disorder)

    @abstractmethod
    def _tell(self, changes: Sequence[Told], *, disorder: bool) -> None:
        """Say it in the protocol."""

    @abstractmethod
    def repeat(self) -> None:
        """Tell once more what was told last, the same to the byte."""

    @abstractmethod
    def tell_odd(self, told: Told, oddity: Oddity) -> None:
        """
        Tell a change in an odd way, beside everything that is true; the change itself does not become true.

        Raises `CannotBeSaid` where this source has nothing that could be so.
        """

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

    @property
    def lie_was_refused(self) -> bool:
        """Whether the last lie was refused to its face."""
        return False

    def tell_everything_again(self) -> None:
        """Do what a region does whose adapter lost its disk: nothing, where the adapter can ask for everything again."""
        return

    @contextmanager
    def lying(self, lie: Lie) -> Iterator[None]:
        """Answer what is not so until the end of the block; raises `CannotBeSaid` where this kind cannot lie so."""
        raise CannotBeSaid(what=str(lie), why="this kind of source has no such answer")
