"""
Up to which read position everything is delivered.

Why: a source that keeps its changes until they are taken (a database's log) may forget them only then.
Must not: take for delivered what merely left the process: the spool forgets an event after the broker's report.
"""

from collections import deque

from producers.spool import Spool

__all__ = ["Delivery"]


class Delivery:
    """Positions in the order in which they were kept, each with the last event spooled before it; used by the thread that reads."""

    def __init__(self, spool: Spool, position: str | None) -> None:
        """Begin with the position kept by an earlier process: it is delivered once all that waits now is."""
        self._spool = spool
        self._kept: deque[tuple[int, str]] = deque()
        self._upto: str | None = None
        self.kept(position)

    def kept(self, position: str | None) -> None:
        """Note a position, after it was committed together with its events."""
        if position is not None and not (self._kept and self._kept[-1][1] == position):
            self._kept.append((self._spool.last(), position))

    def upto(self) -> str | None:
        """Return the newest position up to which everything is delivered, None before there is one."""
        first = self._spool.first()
        while self._kept and (first is None or self._kept[0][0] < first):
            self._upto = self._kept.popleft()[1]
        return self._upto
