"""
What follows from a snapshot beside all those before it: what is said of whom, and the events that say it.

Why: of nearly every household a new month says only that it is still there; those are told apart by sets, the others reasoned over.
Must not: judge a file, or remember anything: files.py does, with what is returned here.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from producers.mapping import Mapper
from producers.quarantine import PutAside
from producers.sources.folder import Snapshots
from producers.sources.gathered import Gathered
from producers.sources.presence import NEVER, STEP, UNSAYABLE, Past, Saying, Shown, sayings
from producers.sources.showings import Showings
from producers.sources.taken import Large, Taken
from schemas.events import HouseholdChanged, Operation

__all__ = ["Consequences", "Outcome", "absence"]

_TOGETHER = 5_000
"""Households who are reasoned over at once: their past takes some 2 kB each after two years."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(slots=True)
class Outcome:
    """What follows from a snapshot, and the shares for the judgement; in the order of households, on the disk where they are many."""

    shown: Gathered
    """
    Households shown, each with the revision under which it is said by its being shown.

    `NEVER` for those of whom more may have to be said than that, which stands in the sayings; `UNSAYABLE` where the row cannot be read.
    """
    sayings: Gathered
    """What is said of these, and of those that are missing: household, operation, period, revision, village."""
    others: Gathered
    """Households shown that the village may not have shown before, each with whether another may have."""
    held: int = 0
    ending: int = 0

    def said(self) -> Iterator[tuple[bytes, Saying]]:
        """Give what is said, by household."""
        for household, operation, period, revision, village in self.sayings:
            yield household, Saying(Operation(operation), period, revision, village)


@dataclass(slots=True)
class _Part:
    """Households between two others in the order of all: who is shown, and who is missing."""

    shown: list[tuple[bytes, bool]] = field(default_factory=list)
    others: list[bytes] = field(default_factory=list)
    """Those shown that are not held."""
    missing: list[bytes] = field(default_factory=list)
    held: int = 0
    upto: bytes = b"\xff" * 16
    """The last of all households that lie in it."""

    @property
    def full(self) -> bool:
        """Whether it has as many as are reasoned over at once."""
        return len(self.shown) >= _TOGETHER or len(self.missing) >= _TOGETHER


class Consequences:
    """Reasons over one folder's snapshots."""

    def __init__(self, showings: Showings, scratch: Path | None) -> None:
        """Know where to ask, and where there is place for what is too much for memory."""
        self._showings, self._scratch = showings, scratch

    def outcome(self, taken: Taken | Large, before: Snapshots, after: Snapshots, *, complete: bool | None = None) -> Outcome:
        """
        Return what follows from a snapshot; `before` and `after` are those that count without it and with it.

        `complete` tells whether it can tell who is missing, where that is to be taken for other than it is.
        """
        told, told_complete = taken.told, taken.complete if complete is None else complete
        shown, said, others = (Gathered(self._scratch) for _ in range(3))
        outcome = Outcome(shown, said, others)
        earlier = [period for period in before.complete.get(told.village, ()) if period < told.period]
        last = max((one.exported for (village, _), one in before.told.items() if village == told.village), default=NEVER)
        late = self._showings.newest(told.village) >= told.period or told.exported < last + 2 * STEP
        first = self._showings.first_load()
        held = self._showings.held(told.village, earlier[-1] if earlier else NEVER, told.period)
        behind = b""
        for part in _abreast(taken.shown(), held):
            left = self._left_before(told.village, part, behind) if first else set()
            self._judge(taken, part, left, after, outcome, complete=told_complete, late=late)
            behind = part.upto
        return outcome

    def _left_before(self, village: str, part: _Part, behind: bytes) -> set[bytes]:
        """
        Return the households of a part that left the village before, for another one.

        While what was there at the first start is read, they are looked at with each snapshot of the village: of another order in which
        the same files came to an adapter that lost its memory since, an END may stand that this snapshot brought about there.
        """
        return self._showings.living_elsewhere(village, behind, part.upto).difference(part.missing, (one for one, _ in part.shown))

    def _judge(
        self, taken: Taken | Large, part: _Part, left: set[bytes], after: Snapshots, outcome: Outcome, *, complete: bool, late: bool
    ) -> None:
        """
        Add what follows for some households, and for those that left the village before.

        `late` tells that the village has a snapshot of this period or a later one already, or one that was exported as late as this.
        """
        told, sayable, missing = taken.told, dict(part.shown), set(part.missing)
        apart = self._apart(told.village, part, outcome, late=late)
        pasts = self._showings.pasts(sorted(apart.union(part.missing, left)), taken.region)
        for household, known in pasts.items():
            past = _with_this(taken, sayable.get(household), known, complete=complete)
            said = sayings(past, after.told, after.complete, (told.village, told.period))
            outcome.sayings.extend((household, one.operation.value, one.period, one.revision, one.village) for one in said)
            outcome.ending += household in missing and any(one.period == told.period and _is_loss(past, one) for one in said)
        outcome.held += part.held
        outcome.shown.extend(
            (household, (NEVER if household in apart else told.exported) if said else UNSAYABLE) for household, said in part.shown
        )

    def _apart(self, village: str, part: _Part, outcome: Outcome, *, late: bool) -> set[bytes]:
        """
        Return the households shown of whom `sayings` may give anything but one UPSERT under the snapshot's own time.

        It gives just that of a household of the village's newest snapshot that was never shown by another village nor ended, and was
        shown by its last complete snapshot or behind it, or is quite new: no end lies between, so nothing hides what is said.
        """
        if late:
            outcome.others.extend((household, True) for household, _ in part.shown)
            return {household for household, _ in part.shown}
        seen = self._showings.seen(part.others)
        outcome.others.extend((household, household in seen) for household in part.others)
        if not part.shown:
            return set()
        moved = self._showings.moved(village, part.shown[0][0], part.shown[-1][0])
        return {household for household, _ in part.shown if household in moved}.union(seen)

    def withheld(self, taken: Taken | Large, before: Snapshots, *, known: bool) -> list[PutAside]:
        """Return what stands in quarantine for the households that a snapshot would end if none of its rows could be theirs."""
        ends = self.outcome(taken, before, before.with_one(taken.told, complete=True, known=known), complete=True).ending
        return [PutAside.withheld(taken.told.name, ends, taken.anyone)] if ends else []

    # ---- a resend --------------------------------------------------------------------------------------------------------------

    def revisions_again(
        self, taken: Taken | Large, households: Sequence[bytes], snapshots: Snapshots, *, unsaid_only: bool = False
    ) -> dict[bytes, int]:
        """
        Return under which revision each household's showing was said, or must be where it could not be; none that does not count.

        With `unsaid_only` only the latter.
        """
        found: dict[bytes, int] = {}
        for begin in range(0, len(households), _TOGETHER):
            for household, past in self._showings.pasts(households[begin : begin + _TOGETHER], taken.region).items():
                if unsaid_only and _is_said(taken, past):
                    continue
                if (revision := _revision_again(taken, past, snapshots)) is not None:
                    found[household] = revision
        return found


def absence(mapper: Mapper, household: bytes, region: str, recorded: int, said: Saying) -> HouseholdChanged:
    """Return the END or RETRACT of a household, on account of a snapshot that was exported at a time (microseconds)."""
    return HouseholdChanged(
        household=household,
        key_version=mapper.key_version,
        region=region,
        source=mapper.declared.source_id,
        valid_from=date(said.period // 100, said.period % 100, 1),
        revision=said.revision,
        mapping_version=mapper.declared.mapping_version,
        operation=said.operation,
        recorded_at=_EPOCH + timedelta(microseconds=recorded),
    )


def _is_loss(past: Past, said: Saying) -> bool:
    """Return whether a saying takes a household away that was there, and does not only say once more that it has ended."""
    if said.operation is Operation.RETRACT:
        return said.period in past.withdrawn
    gone = past.gone.get(said.period)
    return said.operation is Operation.END and (said.period in past.withdrawn or gone is None or gone.operation is not Operation.END)


def _abreast(shown: Iterator[tuple[bytes, bool]], held: Iterator[bytes]) -> Iterator[_Part]:
    """
    Give who is shown beside who is held, both given in order and each once, some households at a time.

    Many thousand on each side are walked through, and only some lie in memory.
    """
    part = _Part()
    for household, one, is_held in _beside(shown, held):
        part.held += is_held
        if one is None:
            part.missing.append(household)
        else:
            part.shown.append(one)
            if not is_held:
                part.others.append(household)
        if part.full:
            part.upto = household
            yield part
            part = _Part()
    yield part


def _beside(shown: Iterator[tuple[bytes, bool]], held: Iterator[bytes]) -> Iterator[tuple[bytes, tuple[bytes, bool] | None, bool]]:
    """Give each household of both once and in order, with how it is shown, None where it is missing, and whether it is held."""
    old = next(held, None)
    for one in shown:
        while old is not None and old < one[0]:
            yield old, None, True
            old = next(held, None)
        is_held = old == one[0]
        yield one[0], one, is_held
        if is_held:
            old = next(held, None)
    while old is not None:
        yield old, None, True
        old = next(held, None)


def _with_this(taken: Taken | Large, sayable: bool | None, past: Past, *, complete: bool) -> Past:
    """Return a household's past with the snapshot taken in; `sayable` is None where it is missing there."""
    told = taken.told
    replaced = [one for one in past.shown if (one.village, one.period) == (told.village, told.period)]
    if sayable is None and not complete:
        return past
    shown = [one for one in past.shown if one not in replaced]
    here = (told.village, told.period)
    if sayable is not None:
        shown.append(Shown(told.period, told.village, told.exported, NEVER if sayable else UNSAYABLE))
    unshown = past.unshown | {here} if sayable is None and replaced else past.unshown
    return Past(shown, past.gone, {one.period: one.revision for one in replaced}, unshown)


def _revision_again(taken: Taken | Large, past: Past, snapshots: Snapshots) -> int | None:
    """Return the revision under which a household's showing was said, or the one it needs; None where another's counts."""
    here = (taken.told.village, taken.told.period)
    for one in past.shown:
        if (one.village, one.period) != here:
            continue
        if one.revision > NEVER:
            return one.revision
        anew = replace(past, shown=[replace(other, revision=NEVER) if other is one else other for other in past.shown])
        for said in sayings(anew, snapshots.told, snapshots.complete, here):
            if (said.operation, said.village, said.period) == (Operation.UPSERT, *here):
                return said.revision
    return None


def _is_said(taken: Taken | Large, past: Past) -> bool:
    """Return whether a snapshot's showing of a household was said."""
    here = (taken.told.village, taken.told.period)
    return any((one.village, one.period) == here and one.revision > NEVER for one in past.shown)
