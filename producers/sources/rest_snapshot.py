"""
Where a reading of everything stands: behind which key, where the change feed beside it goes on, and how far it is.

Why: a snapshot of a million families is read in many pages, and a process that was killed goes on with both where they were kept.
Must not: hold what a source did not tell as a key: positions are kept on disk as they are.
"""

import json
from dataclasses import astuple, dataclass

from producers.sources import Backfill

__all__ = ["Key", "Place", "place_of"]

_MARK = "snapshot "
Key = str | int
"""A key by which the source orders what it has: texts, or whole numbers; it grows from page to page."""


@dataclass(frozen=True, slots=True)
class Place:
    """A place in a snapshot, with the feed that is read beside it."""

    since: str
    """Where the feed goes on: its cursor."""
    after: Key
    """The key behind which the snapshot goes on."""
    begun: str = "1970-01-01T00:00:00+00:00"
    """When the snapshot was begun, in ISO 8601; where an earlier version began it, nobody knows any more."""
    read: int = 0
    """Records of the snapshot read so far."""
    total: int | None = None
    """How many there are, as the source told last."""

    def position(self) -> str:
        """
        Return the place as a position that no cursor looks like.

        >>> place_of(Place("2024-03-01T00:00:00Z", 7, "2024-03-01T00:00:01+00:00", 500).position())
        Place(since='2024-03-01T00:00:00Z', after=7, begun='2024-03-01T00:00:01+00:00', read=500, total=None)
        """
        return _MARK + json.dumps(astuple(self))

    @property
    def backfill(self) -> Backfill:
        """How far it is."""
        return Backfill(self.read, self.total)

    def is_passed_by(self, key: Key) -> bool:
        """Tell whether a key lies behind this place's: texts are compared as texts, numbers as numbers."""
        if isinstance(key, int) and isinstance(self.after, int):
            return key > self.after
        return isinstance(key, str) and isinstance(self.after, str) and key > self.after


def place_of(position: str | None) -> Place | None:
    """Return the place in a snapshot that a position says, None where it is one in the feed."""
    if position is None or not position.startswith(_MARK):
        return None
    return Place(*json.loads(position.removeprefix(_MARK)))
