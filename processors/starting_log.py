"""
What the Kafka client says while the broker is still finding its feet: the group's coordinator loads in the first seconds of a topic's life.

Why: a first, healthy start that prints an error teaches operators to overlook errors.
Must not: hide a failure that lasts, or one that comes later.
"""

import logging

__all__ = ["CoordinatorLoads"]

_LOADS_S = 15.0
_SAYS = "Group Coordinator Request failed"


class CoordinatorLoads(logging.Filter):
    """Keeps back that the coordinator cannot be had, for the first seconds in which that is said, and never again."""

    def __init__(self) -> None:
        """Have heard nothing."""
        super().__init__()
        self._first: float | None = None

    def filter(self, record: logging.LogRecord) -> bool:
        """Return whether a line is to be shown."""
        if not str(record.msg).startswith(_SAYS):
            return True
        if self._first is None:
            self._first = record.created
        return not 0 <= record.created - self._first < _LOADS_S
