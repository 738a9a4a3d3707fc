"""
Where a reading of everything stands: behind which key, and where in the change feed it goes on afterwards.

Why: a snapshot of a million families is read in many pages, and a process that was killed goes on behind the last page that was kept.
Must not: hold what a source did not tell as a key: positions are kept on disk as they are.
"""

import json
from dataclasses import dataclass

__all__ = ["Key", "Place", "place_of"]

_MARK = "snapshot "
Key = str | int
"""A key by which the source orders what it has: texts, or whole numbers; it grows from page to page."""


@dataclass(frozen=True, slots=True)
class Place:
    """A place in a snapshot: the feed's cursor as it was when the snapshot began, and the key behind which reading goes on."""

    since: str
    after: Key

    def position(self) -> str:
        """
        Return the place as a position that no cursor looks like.

        >>> place_of(Place("2024-03-01T00:00:00Z", 7).position())
        Place(since='2024-03-01T00:00:00Z', after=7)
        """
        return _MARK + json.dumps([self.since, self.after])

    def is_passed_by(self, key: Key) -> bool:
        """Tell whether a key lies behind this place's: texts are compared as texts, numbers as numbers."""
        if isinstance(key, int) and isinstance(self.after, int):
            return key > self.after
        return isinstance(key, str) and isinstance(self.after, str) and key > self.after


def place_of(position: str | None) -> Place | None:
    """Return the place in a snapshot that a position says, None where it is one in the feed."""
    if position is None or not position.startswith(_MARK):
        return None
    since, after = json.loads(position.removeprefix(_MARK))
    return Place(since, after)
