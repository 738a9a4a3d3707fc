"""
What a receiver tells of itself while senders are refused for causes that sending again does not cure.

Why: a wrong secret, or a clock that is wrong, refuses everything; who looks at the adapter must see that, and not only that it receives.
Must not: know a clock or IO; tell more often than people read, since each change of it is written to the disk.
"""

from collections.abc import Mapping

from producers.sources.webhook.refusals import Refusal

__all__ = ["Standing"]

_HINTS = {Refusal.OUTSIDE_WINDOW: ": compare our clock with theirs", Refusal.WRONG_SIGNATURE: ": compare our secret with theirs"}
_LASTING = {one.words: f"{one.words}{_HINTS.get(one, '')}" for one in Refusal if not one.retry_after_s}
_QUIET_S = 5.0
"""How long nothing must have been refused so before it is over."""


class Standing:
    """Which lasting causes there have been since something was taken and none came for a while."""

    def __init__(self, counts: Mapping[str, int]) -> None:
        """Know what was refused before, which is past."""
        self._counts = dict(counts)
        self._causes: set[str] = set()
        self._refused_s, self._taken = 0.0, False

    def note(self, counts: Mapping[str, int], *, taken: bool, now_s: float) -> str:
        """
        Return what people should know, nothing where all is well.

        `counts` are the requests refused so far, by cause; `taken` says whether one was taken since; `now_s` is of a clock that never
        goes back.
        """
        new = {cause for cause, count in counts.items() if cause in _LASTING and count > self._counts.get(cause, 0)}
        self._counts = dict(counts)
        self._taken = taken or (self._taken and not new)  # of one moment nobody knows which came first
        if new:
            self._causes |= new
            self._refused_s = now_s
        elif self._taken and now_s >= self._refused_s + _QUIET_S:
            self._causes.clear()
        return f"requests refused: {'; '.join(sorted(_LASTING[cause] for cause in self._causes))}" if self._causes else ""
