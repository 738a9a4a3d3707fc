"""
Progress: since when each partition has stood still although its log goes on; a silent stall is told from a quiet region.

Why: a worker moves many partitions at once, and one that is stuck must not hide behind the others, nor may a pause look like a stall.
Must not: read a clock, or ask broker and database (processors/app.py does).
"""

from collections.abc import Mapping

__all__ = ["Progress"]

Partition = tuple[str, int]


class Progress:
    """What was seen at each check: partitions that are behind, where they stood, and when they were first seen there."""

    def __init__(self, stalled_s: float) -> None:
        """Have seen nothing; a partition that is behind at the same offset for `stalled_s` seconds is stalled."""
        self._stalled_s = stalled_s
        self._behind: dict[Partition, tuple[int, float]] = {}

    def stalled(self, now: float, position: Mapping[Partition, int], ends: Mapping[Partition, int]) -> set[Partition]:
        """Take note of positions and of the ends of their logs, and return the partitions that are stalled by now."""
        before = self._behind
        self._behind = {}
        for partition, end in ends.items():
            at = position.get(partition, end)
            if at < end:
                seen_at, since = before.get(partition, (at, now))
                self._behind[partition] = (at, since if seen_at == at else now)
        return {partition for partition, (_, since) in self._behind.items() if now - since >= self._stalled_s}

    def forget(self) -> None:
        """Count anew: nothing could move while broker, database or reference data kept everybody waiting."""
        self._behind = {}
