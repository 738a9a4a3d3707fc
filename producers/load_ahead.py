"""
How much of a first load may wait for delivery: what the broker takes in half a second, by its pace of late.

Why: the spool is one queue, and a change waits for all that was spooled before it: over a slow line a fixed number would be many seconds.
Must not: know a clock; let sending run dry: a page or two may always wait.
"""

from datetime import datetime

__all__ = ["LoadAhead"]

_SHARE_S = 0.5
_LEAST, _MOST = 500, 2_000
"""Events: fewer would make sending wait for reading, more bring nothing."""
_LOOK_S = 1.0


class LoadAhead:
    """The bound of one adapter, by what it has delivered; asked before each reading."""

    def __init__(self) -> None:
        """Begin with the most, until there is a pace."""
        self._most = float(_MOST)
        self._looked: tuple[datetime, int] | None = None

    def may(self, waiting: int, delivered: int, now: datetime) -> bool:
        """Return whether more of the load may be read while so many events wait and so many were ever delivered."""
        before, passed_s = self._looked, 0.0
        if before is not None:
            passed_s = (now - before[0]).total_seconds()
        if before is None or passed_s < 0:  # the first look, or a clock that was set back
            self._looked = now, delivered
        elif passed_s >= _LOOK_S:
            self._most = min(max(_SHARE_S * (delivered - before[1]) / passed_s, _LEAST), _MOST)
            self._looked = now, delivered
        return waiting < self._most
