"""
What was kept lately, by marks: a source that repeats itself is known by it.

Why: pages overlap and come twice, and what comes again need not be sent again.
Must not: grow without end; what is forgotten is sent again, which changes nothing.
"""

from collections import deque
from collections.abc import Iterable

__all__ = ["Known"]


class Known:
    """The newest marks of those that were kept, some 200 bytes each."""

    def __init__(self, most: int) -> None:
        """Know nothing; of at most so many marks the oldest give way."""
        self._most = most
        self._marks: set[bytes] = set()
        self._order: deque[bytes] = deque()

    def __contains__(self, mark: object) -> bool:
        """Return whether a mark is among them."""
        return mark in self._marks

    def keep(self, marks: Iterable[bytes]) -> None:
        """Know marks from now on."""
        for mark in marks:
            self._marks.add(mark)
            self._order.append(mark)
        while len(self._order) > self._most:
            self._marks.discard(self._order.popleft())
