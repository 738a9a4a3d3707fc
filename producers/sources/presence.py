"""
Who was shown where and when, and who has therefore ended: the reasoning over snapshots, without a file or a database.

Why: what follows from a set of snapshots must not depend on the order in which they are read, nor on what was said when fewer of them
were known, by this adapter or by one that lost its memory since.
Must not: know a clock, IO or a driver.

The rules. Per village and period the snapshot exported last counts. A household resides where the newest of them shows it; it
has ended in the first period for which the village that holds it has a snapshot without it, unless a snapshot of any village shows
it for that period. What was said and is no longer so is retracted.

The revisions. Under which revision something is said of a household follows from the snapshots known alone (`_Evidence`), such that it
is greater than of anything else that may have been said for the date when only some of these were known, and greater than of any END
that may have been said for an earlier date, which would hide it:
- a showing has the time of export of its snapshot, as long as nothing else is known of the household;
- an END, or a RETRACT, has that of the last showing before it and a little more, so it hides nothing that was exported later;
- where a correction took a showing away, all for that period is said under more than any of them had, the more the more are known;
- what may have been said is retracted as well as what was: where a village that showed a household once has a snapshot without it, and
  the household lives on elsewhere, an END may stand from before.
So who reads the same snapshots again, in the order of their export, ends with what was said before or a greater revision of what is so.
A saying that replaces another one of the same memory has a greater revision besides: a file may change under its name.

What does not hold: of a loss of memory, when files that were read before are no longer there as they were. Of a file that was changed in
place, taken away, or is refused now (for a loss, or rows that a changed mapping cannot read), nobody knows any more whom it showed: what
was said of it stands. The remedy is to put the file back as it was and to drop a correction that was exported later. Neither is a
correction exact of which a row cannot be read and whose predecessor comes after it: that one is not read any more, so whom it showed
is not kept; drop the correction again, whole. Two exports of a place within a tenth of a second may count as one in what is said of
other months.
"""

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from schemas.events import Operation

__all__ = ["NEVER", "STEP", "UNSAYABLE", "Gone", "Past", "Saying", "Shown", "Told", "ends", "sayings"]

NEVER, UNSAYABLE = 0, -1
"""Revisions of a showing that was not said because another village's counts, or because the mapping cannot read its row."""
STEP = 100_000
"""Microseconds between what follows from more snapshots and what follows from fewer; room for all that is counted below it."""
_MOST_KNOWN = 6_000


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
class Told:
    """What is known of the snapshots of a place, a village and period: when the one that counts was exported, and how many there are."""

    exported: int
    versions: int = 1


@dataclass(frozen=True, slots=True)
class Past:
    """All that is known of one household within one regency, after the newest snapshot has been taken in."""

    shown: Sequence[Shown]
    gone: Mapping[int, Gone]
    withdrawn: Mapping[int, int]
    """Revisions of showings that the newest snapshot took away, by period."""
    unshown: frozenset[tuple[str, int]] = field(default=frozenset())
    """Places that showed it before their snapshot was corrected."""


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
    past: Past, told: Mapping[tuple[str, int], Told], complete: Mapping[str, Sequence[int]], newest: tuple[str, int]
) -> list[Saying]:
    """
    Return what must be said now of a household; `newest` is the village and period just taken in.

    `told` tells of the snapshots of each village and period.
    """
    winners = _winners(past.shown)
    wanted = ends({period: one.village for period, one in winners.items()}, complete)
    evidence = _Evidence(past, winners, told, complete)
    found = []
    for period in sorted({*winners, *wanted, *past.gone, *past.withdrawn, *evidence.unshown, *evidence.absent}):
        gone, said_shown = past.gone.get(period), _greatest_shown(past, period)
        said_gone = gone.revision if gone else NEVER
        winner = winners.get(period)
        if winner is not None and winner.revision != UNSAYABLE:
            others = max(
                [
                    said_gone,
                    past.withdrawn.get(period, NEVER),
                    *(one.revision for one in past.shown if one.period == period and one is not winner),
                ]
            )
            needed = evidence.showing(period, winner)
            if winner.revision < needed or winner.revision <= others:
                found.append(Saying(Operation.UPSERT, period, max(needed, others + 1), winner.village))
            continue
        if winner is not None:
            # A showing that cannot be said replaces no END; what was said of it from an earlier snapshot may stand.
            operation = Operation.RETRACT
            if gone is None or gone.operation is not Operation.END or past.withdrawn.get(period, NEVER) > said_gone:
                continue
        elif period in wanted:
            operation = Operation.END
        elif evidence.may_stand(period, wanted) or said_shown > NEVER or (gone is not None and gone.operation is Operation.END):
            operation = Operation.RETRACT
        else:
            continue
        needed = evidence.absence(period, ends=operation is Operation.END)
        if gone is None or gone.operation is not operation or gone.revision < needed or gone.revision <= said_shown:
            others = (
                said_shown
                if gone is not None and gone.operation is operation and gone.revision > said_shown
                else max(said_gone, said_shown)
            )
            village = wanted.get(period, newest[0])
            found.append(Saying(operation, period, max(needed, others + 1), village))
    return sorted(found, key=lambda one: (one.revision, one.period))  # what is sent first has the smaller one


def _greatest_shown(past: Past, period: int) -> int:
    """Return the greatest revision of any showing that was said for a period, of those that the newest snapshot took away too."""
    return max([past.withdrawn.get(period, NEVER), *(one.revision for one in past.shown if one.period == period)], default=NEVER)


def _winners(shown: Sequence[Shown]) -> dict[int, Shown]:
    """Return the showing that counts of each period: the one exported last."""
    winners: dict[int, Shown] = {}
    for one in shown:
        known = winners.get(one.period)
        if known is None or (one.exported, one.village) > (known.exported, known.village):
            winners[one.period] = one
    return winners


class _Evidence:
    """
    What the snapshots known say of a household, as far as revisions follow from it.

    Adding a snapshot raises none below what it was, and raises what is said for a date by which something else is so then.
    """

    def __init__(
        self,
        past: Past,
        winners: Mapping[int, Shown],
        told: Mapping[tuple[str, int], Told],
        complete: Mapping[str, Sequence[int]],
    ) -> None:
        """Gather the places that show or showed the household, and those that are without it."""
        self._winners, self._told = winners, told
        places: dict[int, set[str]] = defaultdict(set)
        for village, period in {*((one.village, one.period) for one in past.shown), *past.unshown}:
            places[period].add(village)
        self.unshown = {period for _, period in past.unshown}
        self._versions = {period: sum(told[village, period].versions for village in some) for period, some in places.items()}
        self._exported = {period: max(told[village, period].exported for village in some) for period, some in places.items()}
        self._periods = sorted(places)
        self.absent = _absent(past, places, told, complete)
        """Periods for which a village that showed it before has, or had, a snapshot without it."""

    def showing(self, period: int, winner: Shown) -> int:
        """Return the least revision of what a snapshot shows for a period."""
        own = self._corrected(period) + STEP if period in self.unshown else winner.exported
        hiding = [self._top(one) for one in self.unshown if one < period] + [
            self._before(one) + STEP for one in self.absent if one <= period
        ]
        return max(own, max(hiding) + self._versions[period]) if hiding else own

    def absence(self, period: int, *, ends: bool) -> int:
        """Return the least revision of an END or RETRACT for a period."""
        known = sum(count for one, count in self._versions.items() if one < period)
        holder = max((one for one in self._winners if one < period), default=None)
        of_holder = self._told.get((self._winners[holder].village, period)) if holder is not None else None
        small = 1 + 16 * min(known, _MOST_KNOWN) + 2 * min(of_holder.versions if of_holder else 0, 7) + ends
        return (self._corrected(period) if period in self.unshown else self._before(period)) + small

    def may_stand(self, period: int, wanted: Mapping[int, str]) -> bool:
        """Return whether something may have been said for a period in which nothing is so, that would be wrong if it stood."""
        if period in self.unshown:
            return True
        last = max((one for one in self._winners if one < period), default=None)
        return last is not None and period in self.absent and not any(last < one <= period for one in wanted)

    def _corrected(self, period: int) -> int:
        """Return what everything for a period is said above where a correction took a showing away."""
        return max(self._exported[period], self._before(period)) + 2 * STEP * self._versions[period]

    def _top(self, period: int) -> int:
        """Return what is above all that is said for a period with a showing."""
        return self._corrected(period) + 2 * STEP if period in self.unshown else self._exported[period]

    def _before(self, period: int) -> int:
        """Return what is not below anything that is shown before a period."""
        return max((self._top(one) for one in self._periods if one < period), default=NEVER)


def _absent(
    past: Past, places: Mapping[int, set[str]], told: Mapping[tuple[str, int], Told], complete: Mapping[str, Sequence[int]]
) -> set[int]:
    first: dict[str, int] = {}
    for period, some in places.items():
        for village in some:
            first[village] = min(period, first.get(village, period))
    shown = {(one.village, one.period) for one in past.shown}
    return {
        period
        for village, since in first.items()
        for period in complete.get(village, ())
        if period > since and ((village, period) not in shown or told[village, period].versions > 1)
    }
