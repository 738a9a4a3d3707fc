"""
The clock of the simulated world: it moves only when something happens.

Why: a world of one seed must come out the same on every machine, however slowly it is played.
Must not: read the machine's clock.
"""

from datetime import date

from deploy.demo.days import day_of, microseconds, month_of

__all__ = ["Clock"]

_TAIL = 10
"""Life slows down in the last tenth of its span, so that it goes on for as long as anybody asks and never passes the end."""
_AT_ONE_MOMENT = 3
"""So many records may bear the same moment: readers must bear it, and a page of one moment must stay small."""


class Clock:
    """The simulated moment `now`, in microseconds since 1970; it never goes back."""

    __slots__ = ("_end", "_pace", "_span", "_stamped", "now")

    def __init__(self, begin: date, end: date, pace: int) -> None:
        """Begin with a day; about `pace` ticks lead nearly to the end."""
        self.now = microseconds(begin)
        self._end = microseconds(end)
        self._span = self._end - self.now
        self._pace = pace
        self._stamped = 0

    @property
    def today(self) -> date:
        """The simulated day."""
        return day_of(self.now)

    @property
    def month(self) -> int:
        """The simulated month (days.py)."""
        return month_of(self.today)

    def tick(self) -> None:
        """Let the time pass that lies between two changes."""
        left = self._end - self.now
        self.now += max(1, min(self._span // self._pace, left * _TAIL // self._pace))

    def stamp(self, after: int) -> int:
        """Return the moment of a record, later than `after`; up to three records may get the same."""
        self._stamped += 1
        self.now = max(self.now + (self._stamped % _AT_ONE_MOMENT == 0), after + 1)
        return self.now
