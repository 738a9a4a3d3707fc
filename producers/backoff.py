"""
Pauses that grow while something is away, and never beyond half a minute.

Why: a source or broker that comes back must not be met by every region's adapter in the same instant.
Must not: sleep: whoever waits must stay able to stop.
"""

import random

__all__ = ["Backoff"]

_FIRST_S, _GREATEST_S, _FACTOR = 0.2, 30.0, 2.0
_JITTER = 0.25
"""Share by which a pause varies, so that 514 adapters do not come back together."""


class Backoff:
    """One thing that may be away."""

    def __init__(self) -> None:
        """Begin with the shortest pause."""
        self._next_s = _FIRST_S

    def pause_s(self, least_s: float = 0.0) -> float:
        """Return how long to wait now, in seconds and at least as long as asked for; the next pause is longer."""
        pause = self._next_s * (1 + random.uniform(-_JITTER, _JITTER))  # noqa: S311 - no secret
        self._next_s = min(self._next_s * _FACTOR, _GREATEST_S)
        return max(pause, least_s)

    def over(self) -> None:
        """Note that it answers again."""
        self._next_s = _FIRST_S
