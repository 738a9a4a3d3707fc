"""
What is put aside, in the log: the first records of each cause one by one, all others counted.

Why: a mistake in a region file puts a whole city aside, and a line for each would drown what matters and fill the disk.
Must not: log a record's content; the quarantine and `muara adapter status` hold all of it that is held.
"""

import logging
from collections import Counter
from collections.abc import Iterable
from datetime import datetime, timedelta

from producers.quarantine import PutAside

__all__ = ["AsideTold"]

_log = logging.getLogger(__name__)
_ONE_BY_ONE = 10
_EVERY = timedelta(seconds=30)
_MOST_CAUSES = 1000
"""A cause that tells a number has no end of forms; beyond these all count as one."""
_OTHER = ("", "other causes")


class AsideTold:
    """Tells what is put aside; used by the thread that reads."""

    def __init__(self) -> None:
        """Have told nothing."""
        self._seen: Counter[tuple[str, str]] = Counter()
        self._untold: Counter[tuple[str, str]] = Counter()
        self._told_at: datetime | None = None

    def __call__(self, aside: Iterable[PutAside], now: datetime) -> None:
        """Tell of what a batch put aside, and, where it is time, how much was not told one by one."""
        for one in aside:
            cause = (one.field, one.cause)
            if cause not in self._seen and len(self._seen) >= _MOST_CAUSES:
                cause = _OTHER
            self._seen[cause] += 1
            if self._seen[cause] > _ONE_BY_ONE:
                self._untold[cause] += 1
                continue
            what = {"action": "put_aside", "place": one.place, "field": one.field, "cause": one.cause, "value": one.value}
            _log.warning("put aside", extra=what)
        if self._told_at is None or not timedelta(0) <= now - self._told_at < _EVERY:
            self._sum_up(now)

    def _sum_up(self, now: datetime) -> None:
        for (field, cause), count in self._untold.items():
            what = {"action": "put_aside", "field": field, "cause": cause, "records": count, "in_all": self._seen[field, cause]}
            _log.warning("put aside, more of the same", extra=what)
        if self._untold:
            self._told_at = now
        self._untold.clear()
