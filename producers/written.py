"""
A list of an event that was written as it was read: each item's Avro bytes, which become objects where somebody looks.

Why: members are half of what an event is made of, and nobody on the way to Kafka looks at them.
Must not: differ from the objects that it stands for: it equals them, hashes and shows as they do.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeVar, overload

__all__ = ["Written"]

T = TypeVar("T")


class Written(Sequence[T]):
    """Items as bytes, in their order; `read` makes an object of one."""

    __slots__ = ("_read", "items")

    def __init__(self, items: Sequence[bytes], read: Callable[[bytes], T]) -> None:
        """Take items, each the whole body of one record."""
        self.items, self._read = items, read

    def __len__(self) -> int:
        """Return how many there are."""
        return len(self.items)

    @overload
    def __getitem__(self, place: int) -> T: ...

    @overload
    def __getitem__(self, place: slice) -> tuple[T, ...]: ...

    def __getitem__(self, place: int | slice) -> T | tuple[T, ...]:
        """Return an object, or some."""
        return self._objects()[place]

    def __iter__(self) -> Iterator[T]:
        """Give the objects."""
        return iter(self._objects())

    def __eq__(self, other: object) -> bool:
        """Return whether another sequence has the same objects."""
        if isinstance(other, Written):
            return list(self.items) == list(other.items)
        return self._objects() == other if isinstance(other, tuple) else NotImplemented

    def __hash__(self) -> int:
        """Return what the tuple of the objects would."""
        return hash(self._objects())

    def __repr__(self) -> str:
        """Show the objects, as their tuple does."""
        return repr(self._objects())

    def __reduce__(self) -> tuple[Any, ...]:
        """Let copies be plain tuples."""
        return tuple, (list(self._objects()),)

    def in_one_order(self) -> "Written[T]":
        """Return the same items in an order that depends on nothing else."""
        return Written(sorted(self.items), self._read)

    def _objects(self) -> tuple[T, ...]:
        return tuple(map(self._read, self.items))
