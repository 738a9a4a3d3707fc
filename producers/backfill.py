"""
How far a first load is, how fast it goes, and how long it will still take.

Why: a million families take minutes or hours, and whoever waits wants to know whether it moves.
Must not: know IO or a clock; promise what the source does not say: without a total, or with a wrong one, nothing is known of the end.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

__all__ = ["FirstLoad", "Sample", "per_s", "remaining_s", "words"]

_WINDOW = timedelta(minutes=5)
"""The rate is that of the last minutes: a source is slower by day than by night."""
_LEAST_S = 5.0
"""Less is too little to tell a rate from."""


@dataclass(frozen=True, slots=True)
class Sample:
    """How many records had been read at a time."""

    at: datetime
    read: int


@dataclass(frozen=True, slots=True)
class FirstLoad:
    """A first load as it stands; times in UTC."""

    begun: datetime
    read: int
    """Records read so far."""
    total: int | None
    """How many the source says there are; it may not know, and it may be wrong."""
    ended: datetime | None
    """When it was over; None while it runs."""
    samples: Sequence[Sample]
    """The last minutes, oldest first."""
    unit: str = "records"
    """What is counted."""


def per_s(load: FirstLoad, now: datetime) -> float | None:
    """
    Return the records per second of the last minutes up to now, 0 where none came; None where it is too early to tell.

    Time in which nothing was read counts, be it that the adapter did not run: the rate is what came, not what could have come.
    """
    recent = [one for one in load.samples if one.at >= now - _WINDOW]
    if not recent:
        return 0.0 if load.samples else None
    passed_s = (now - recent[0].at).total_seconds()
    return (load.read - recent[0].read) / passed_s if passed_s >= _LEAST_S else None


def remaining_s(load: FirstLoad, now: datetime) -> float | None:
    """
    Return the seconds that the rest will take at the rate of the last minutes; 0 where it is over.

    None where nobody can know: the source does not say how many there are, or says fewer than were read; nothing comes; it is too early.
    """
    if load.ended is not None:
        return 0.0
    if load.total is None or load.total < load.read:
        return None
    rate = per_s(load, now)
    return (load.total - load.read) / rate if rate else None


def words(load: FirstLoad, now: datetime) -> str:
    """Return how far it is, for people."""
    if load.ended is not None:
        return f"{load.read:,} {load.unit}, done in {_duration((load.ended - load.begun).total_seconds())}"
    rate, left = per_s(load, now), remaining_s(load, now)
    pace = "" if rate is None else f", {rate:,.0f} /s" if rate else ", standing still"
    if load.total is None:
        return f"{load.read:,} {load.unit}{pace}; the source does not say how many there are"
    if load.total < load.read:
        return f"{load.read:,} {load.unit}{pace}; the source says there are {load.total:,}, so nobody knows how many are left"
    share = f" ({100 * load.read // load.total} %)" if load.total else ""
    return f"{load.read:,} of {load.total:,} {load.unit}{share}{pace}" + ("" if left is None else f", about {_duration(left)} left")


def _duration(seconds: float) -> str:
    """
    Return a time in its two greatest units.

    >>> [_duration(one) for one in (0.4, 75, 3_780, 180_000)]
    ['0 s', '1 min 15 s', '1 h 3 min', '2 d 2 h']
    """
    whole = int(seconds)
    for unit, size, smaller, part in (("d", 86_400, "h", 3_600), ("h", 3_600, "min", 60), ("min", 60, "s", 1)):
        if whole >= size:
            return f"{whole // size} {unit} {whole % size // part} {smaller}"
    return f"{whole} s"
