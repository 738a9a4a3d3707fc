"""
Who was shown where and when, and who has therefore ended: the reasoning over snapshots, without a file or a database.

Why: what follows from a set of snapshots must not depend on the order in which they are read; only the revisions under which it
is said may, and those are kept so that the newest saying of each date is the right one.
Must not: know a clock, IO or a driver.

The rules. Per village and period the snapshot exported last counts. A household resides where the newest of them shows it; it
has ended in the first period for which the village that holds it has a snapshot without it, unless a snapshot of any village shows
it for that period. What was said and is no longer so is retracted. A saying that replaces another has the greater revision, and a
household shown has a greater one than every end dated earlier or alike, or that end would hide it. Every saying has at least that of
the snapshot that brings it about: a correction exported later wins over all that an adapter said before it lost its memory.
"""

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from schemas.events import Operation

__all__ = ["NEVER", "UNSAYABLE", "Gone", "Past", "Saying", "Shown", "ends", "sayings"]

NEVER, UNSAYABLE = 0, -1
"""Revisions of a showing that was not said because another village's counts, or because the mapping cannot read its row."""


@dataclass(frozen=True, slots=True)
class Shown:
    """One showing of a household: the snapshot that has it, and the revision under which it was said."""

    period: int
    village: str
    exported: int
    revision: int


@dataclass(frozen=True, slots=True)
class Gone:
    """An END or RETRACT that was said of a household for a period, and its revision."""

    operation: Operation
    revision: int


@dataclass(frozen=True, slots=True)
class Saying:
    """What must be said now of a household: UPSERT as a village's snapshot of the period shows it, or END or RETRACT on its account."""

    operation: Operation
    period: int
    revision: int
    village: str


@dataclass(frozen=True, slots=True)
class Past:
    """All that is known of one household within one regency, after the newest snapshot has been taken in."""

    shown: Sequence[Shown]
    gone: Mapping[int, Gone]
    withdrawn: Mapping[int, int]
    """Revisions of showings that the newest snapshot took away, by period."""


def ends(shown: Mapping[int, str], complete: Mapping[str, Sequence[int]]) -> dict[int, str]:
    """
    Return the periods in which a household has ended, each with the village whose snapshot is without it.

    `shown` is the village by period; `complete` the periods, in order, of each village's snapshots that can tell who is missing.

    >>> ends({202401: "a", 202404: "a"}, {"a": [202401, 202402, 202403, 202404, 202405]})
    {202402: 'a', 202405: 'a'}
    """
    periods = sorted(shown)
    found: dict[int, str] = {}
    for place, period in enumerate(periods):
        of_village = complete.get(shown[period], ())
        following = bisect_right(of_village, period)
        before = periods[place + 1] if place + 1 < len(periods) else None
        if following < len(of_village) and (before is None or of_village[following] < before):
            found[of_village[following]] = shown[period]
    return found


def sayings(
    past: Past,
    exported: Mapping[tuple[str, int], int],
    complete: Mapping[str, Sequence[int]],
    newest: tuple[str, int],
    least: int = NEVER,
) -> list[Saying]:
    """
    Return what must be said now of a household; `newest` is the village and period just taken in.

    `exported` tells when the snapshot that counts of each village and period was exported; `least` is the least revision that may be given.
    """
    winners = _winners(past.shown)
    wanted = ends({period: one.village for period, one in winners.items()}, complete)
    found, hiding = _retractions(past, winners, wanted, newest, max(exported[newest], least)), NEVER
    for period in sorted({*winners, *wanted}):
        said, others = _said(past, period, winners.get(period))
        revision = said
        if said != UNSAYABLE and said <= max(hiding, others):
            operation = Operation.UPSERT if period in winners else Operation.END
            village = winners[period].village if period in winners else wanted[period]
            revision = max(least, exported[village, period], exported[newest], hiding + 1, others + 1)
            found.append(Saying(operation, period, revision, village))
        if period in wanted:
            hiding = max(hiding, revision)
    return found


def _winners(shown: Sequence[Shown]) -> dict[int, Shown]:
    """Return the showing that counts of each period: the one exported last."""
    winners: dict[int, Shown] = {}
    for one in shown:
        known = winners.get(one.period)
        if known is None or (one.exported, one.village) > (known.exported, known.village):
            winners[one.period] = one
    return winners


def _said(past: Past, period: int, winner: Shown | None) -> tuple[int, int]:
    """Return the revision under which what is so for a period was said, and the greatest of anything else that was said for it."""
    gone = past.gone.get(period)
    others = [past.withdrawn.get(period, NEVER), NEVER]
    if winner is not None:
        others += [one.revision for one in past.shown if one.period == period and one is not winner]
        return winner.revision, max(*others, gone.revision if gone else NEVER)
    if gone is not None and gone.operation is Operation.END:
        return gone.revision, max(others)
    return NEVER, max(*others, gone.revision if gone else NEVER)


def _retractions(
    past: Past, winners: Mapping[int, Shown], wanted: Mapping[int, str], newest: tuple[str, int], exported: int
) -> list[Saying]:
    """Return the RETRACTs of what was said and is no longer so, where nothing else is said in its place."""
    found = []
    for period in sorted({*past.gone, *past.withdrawn} - set(wanted)):
        gone, withdrawn = past.gone.get(period), past.withdrawn.get(period, NEVER)
        taken_away = withdrawn > (gone.revision if gone else NEVER)
        end_stands = gone is not None and gone.operation is Operation.END and not taken_away
        shown = winners.get(period)
        # A showing that cannot be said replaces no END; what was said of it from an earlier snapshot may stand.
        silent = shown is not None and shown.revision == UNSAYABLE
        if (end_stands and (shown is None or silent)) or (taken_away and shown is None):
            greatest = max(withdrawn, gone.revision if gone else NEVER)
            found.append(Saying(Operation.RETRACT, period, max(exported, greatest + 1), newest[0]))
    return found
