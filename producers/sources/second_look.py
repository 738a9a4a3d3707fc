"""
The second look: a feed by change time is read once more a little behind its cursor, now and then.

Why: clocks of a source differ and are set back, and transactions commit after the time that they write: such changes appear behind the
cursor, where nobody would ever ask again.
Must not: move the position; know the feed.
"""

from collections.abc import Callable
from datetime import datetime, timedelta

__all__ = ["SecondLook", "earlier", "not_beyond"]

_FRONT_S = 0.5


class SecondLook:
    """
    Says where to ask from: at the position, or, each time that `overlap_s` has passed, twice as much behind it.

    A change that appears no later than `overlap_s` after its own change time is then asked for at least once: when it appears the
    position lies at most that much beyond it, and the next look comes at most that much later.
    """

    def __init__(self, overlap_s: float, clock_s: Callable[[], float]) -> None:
        """Take the first look after `overlap_s`; `clock_s` is monotonic, in seconds."""
        self._overlap_s, self._clock_s = overlap_s, clock_s
        self._looked_s = self._front_s = clock_s()
        self._at: str | None = None
        self._in_front = self._more_in_front = False

    def look_at_once(self) -> None:
        """Take the next look now: of what appeared while nobody asked, nothing is known."""
        self._looked_s = self._clock_s() - self._overlap_s

    def since(self, position: str | None) -> str | None:
        """
        Return from where to ask now; at the position unless a look is due or under way.

        A look may take many pages: meanwhile the position's turn comes every half second, so that what is new does not wait for it.
        """
        if self._at is None and position is not None and self._overlap_s and self._clock_s() >= self._looked_s + self._overlap_s:
            self._at = earlier(position, 2 * self._overlap_s)
            self._looked_s = self._front_s = self._clock_s()
        turn = not self._in_front and self._clock_s() >= self._front_s + _FRONT_S
        if self._at is not None and (self._more_in_front or turn):
            self._in_front, self._front_s = True, self._clock_s()
            return position
        self._in_front = False
        return self._at or position

    def after(self, position: str | None, following: str | None, *, more: bool) -> tuple[str | None, bool]:
        """Return the position and whether all was read, after an answer that says where reading goes on and whether more is there."""
        if self._at is None:
            return following, not more
        if self._in_front:
            self._more_in_front = more
            return following, False
        passed = following is not None and position is not None and not _before(following, position)
        if more and not passed:
            self._at = following
            return position, False
        self._at = None
        return (following if passed else position), not more


def earlier(cursor: str, by_s: float) -> str | None:
    """
    Return a cursor that is a change time, moved back and written as it is written; None where it is no time with a zone.

    >>> earlier("2024-03-01T07:00:30+07:00", 60), earlier("2024-03-01T00:00:00.5Z", 1), earlier("page-7", 60)
    ('2024-03-01T06:59:30+07:00', '2024-02-29T23:59:59.500000Z', None)
    """
    moment = _moment(cursor)
    try:
        return None if moment is None else _like(cursor, moment - timedelta(seconds=by_s))
    except OverflowError:
        return None


def not_beyond(cursor: str, now: datetime) -> str:
    """
    Return a cursor, or our own time where it lies beyond that: a source whose clock is ahead would be asked too late when it is set right.

    >>> not_beyond("2024-03-01T09:00:00Z", datetime.fromisoformat("2024-03-01T08:00:00Z"))
    '2024-03-01T08:00:00Z'
    """
    moment = _moment(cursor)
    return cursor if moment is None or moment <= now else _like(cursor, now.astimezone(moment.tzinfo))


def _before(one: str, other: str) -> bool:
    """Return whether one cursor lies before another; of cursors that are no times nothing is known, so they do not."""
    told, than = _moment(one), _moment(other)
    return told is not None and than is not None and told < than


def _moment(cursor: str) -> datetime | None:
    try:
        moment = datetime.fromisoformat(cursor)
    except ValueError:
        return None
    return moment if moment.tzinfo is not None else None


def _like(cursor: str, moment: datetime) -> str:
    """Write a moment as a cursor is written: what it was taken from knows how to read that."""
    text = moment.isoformat(" " if " " in cursor else "T", "microseconds" if "." in cursor else "seconds")
    return text.replace("+00:00", "Z") if cursor.endswith("Z") else text
