"""
What follows from a snapshot beside all those before it: what is said of whom, and the events that say it.

Why: of nearly every household a new month says only that it is still there; those are told apart by sets, the others reasoned over.
Must not: judge a file, or remember anything: files.py does, with what is returned here.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date

from producers.faults import FileUnreadable
from producers.mapping import Mapper
from producers.quarantine import PutAside
from producers.sources.folder import FolderKnown, Snapshots
from producers.sources.presence import NEVER, UNSAYABLE, Past, Saying, Shown, sayings
from producers.sources.showings import Showings
from producers.sources.taken import Taken
from schemas.events import HouseholdChanged, Operation

__all__ = ["Consequences", "Outcome"]

_TOGETHER = 5_000
"""Households whose past is held in memory at once: some 2 kB each after two years."""


@dataclass(slots=True)
class Outcome:
    """What follows from a snapshot, and the shares for the judgement."""

    apart: set[bytes] = field(default_factory=set)
    """Households shown of whom more may have to be said than that, under the snapshot's own time of export."""
    sayings: list[tuple[bytes, Saying]] = field(default_factory=list)
    """What is said of these, and of those that are missing."""
    withdrawn: list[bytes] = field(default_factory=list)
    """Whom the snapshot no longer shows, where it was read before."""
    others: Sequence[bytes] = ()
    """Households shown that the village may not have shown before."""
    held: int = 0
    ending: int = 0
    least: int = NEVER
    """The least revision that may be given."""

    def revisions(self, taken: Taken) -> Iterator[tuple[bytes, int]]:
        """Give under which revision each household shown was said by its being shown, as far as that is all, in their order."""
        said = max(taken.told.exported, self.least)
        for household in sorted(taken.events):
            yield household, UNSAYABLE if taken.events[household] is None else NEVER if household in self.apart else said


class Consequences:
    """Reasons over one folder's snapshots; `counted` reads one that counts again."""

    def __init__(self, showings: Showings, known: FolderKnown, counted: Callable[[str], Taken], mapper: Mapper) -> None:
        """Know where to ask."""
        self._showings, self._known, self._counted, self._mapper = showings, known, counted, mapper

    def outcome(self, taken: Taken, before: Snapshots, after: Snapshots) -> Outcome:
        """Return what follows from a snapshot; `before` and `after` are those that count without it and with it."""
        told, outcome = taken.told, Outcome(least=self._showings.least())
        earlier = [period for period in before.complete.get(told.village, ()) if period < told.period]
        held = self._showings.held(told.village, earlier[-1] if earlier else NEVER, told.period)
        missing, outcome.others, outcome.held = _compared(sorted(taken.events), held)
        self._set_apart(taken, outcome)
        for household, past in self._pasts(taken, sorted(outcome.apart.union(missing)), outcome):
            said = sayings(past, after.exported, after.complete, (told.village, told.period), outcome.least)
            outcome.sayings += [(household, one) for one in said]
            is_missing = household not in taken.events
            outcome.ending += is_missing and any(one.operation is not Operation.UPSERT and one.period == told.period for one in said)
        return outcome

    def _set_apart(self, taken: Taken, outcome: Outcome) -> None:
        """
        Find the households of whom `sayings` may give anything but one UPSERT under the snapshot's own time.

        It gives just that of a household of the village's newest snapshot that was never shown by another village nor ended, and was
        shown by its last complete snapshot or behind it, or is quite new: no end lies between, so nothing hides what is said.
        """
        if self._showings.newest(taken.told.village) >= taken.told.period:
            outcome.apart, outcome.others = set(taken.events), list(taken.events)
            return
        outcome.apart = {household for household in self._showings.moved(taken.told.village) if household in taken.events}
        outcome.apart.update(self._showings.seen(outcome.others))

    def withheld(self, taken: Taken, before: Snapshots) -> list[PutAside]:
        """Return what stands in quarantine for the households that a snapshot would end if none of its rows could be theirs."""
        ends = self.outcome(replace(taken, anyone=0), before, before.with_one(taken.told, complete=True)).ending
        return [PutAside.withheld(taken.told.name, ends, taken.anyone)] if ends else []

    def _pasts(self, taken: Taken, households: Sequence[bytes], outcome: Outcome) -> Iterator[tuple[bytes, Past]]:
        """Give what is known of households with the snapshot taken in; who is no longer shown is noted in the outcome."""
        for begin in range(0, len(households), _TOGETHER):
            for household, past in self._showings.pasts(households[begin : begin + _TOGETHER], taken.region).items():
                yield household, self._with_this(taken, household, past, outcome)

    def _with_this(self, taken: Taken, household: bytes, past: Past, outcome: Outcome) -> Past:
        told = taken.told
        replaced = [one for one in past.shown if (one.village, one.period) == (told.village, told.period)]
        present = household in taken.events
        if not present and not taken.complete:
            return past
        shown = [one for one in past.shown if one not in replaced]
        if present:
            shown.append(Shown(told.period, told.village, told.exported, NEVER if taken.events[household] else UNSAYABLE))
        elif replaced:
            outcome.withdrawn.append(household)
        return Past(shown, past.gone, {one.period: one.revision for one in replaced})

    # ---- the events ------------------------------------------------------------------------------------------------------------

    def events(self, taken: Taken, outcome: Outcome) -> tuple[list[HouseholdChanged], list[PutAside]]:
        """
        Return the events of what is said, showings of other snapshots read again from their files.

        What cannot be said for want of a file is taken out of the outcome, so that it is tried again with the next snapshot.
        """
        here = (taken.told.village, taken.told.period)
        others: dict[tuple[str, int], Mapping[bytes, HouseholdChanged | None]] = {}
        events = [
            _under(event, max(taken.told.exported, outcome.least))
            for household, event in taken.events.items()
            if event and household not in outcome.apart
        ]
        aside: list[PutAside] = []
        said_now: list[tuple[bytes, Saying]] = []
        for household, said in outcome.sayings:
            if said.operation is not Operation.UPSERT:
                events.append(self._absence(taken, household, said))
            else:
                place = (said.village, said.period)
                if place != here and place not in others:
                    others[place], faults = self._other(*place)
                    aside += faults
                event = others.get(place, taken.events).get(household)
                if event is None:
                    continue
                events.append(_under(event, said.revision))
            said_now.append((household, said))
        outcome.sayings = said_now
        return events, aside

    def _other(self, village: str, period: int) -> tuple[Mapping[bytes, HouseholdChanged | None], list[PutAside]]:
        """Return the households of a snapshot that was read before."""
        name = self._known.file_of(village, period) or ""
        try:
            return self._counted(name).events, []
        except (FileUnreadable, OSError):
            cause = "is needed once more, to say again what another snapshot would hide, and is not there as it was: put it back"
            return {}, [PutAside.file(FileUnreadable(file=name, cause=cause))]

    def _absence(self, taken: Taken, household: bytes, said: Saying) -> HouseholdChanged:
        """Return the END or RETRACT of a household."""
        return HouseholdChanged(
            household=household,
            key_version=self._mapper.key_version,
            region=taken.region,
            source=self._mapper.declared.source_id,
            valid_from=date(said.period // 100, said.period % 100, 1),
            revision=said.revision,
            mapping_version=self._mapper.declared.mapping_version,
            operation=said.operation,
            recorded_at=taken.told.moment,
        )

    # ---- a resend --------------------------------------------------------------------------------------------------------------

    def said_again(self, taken: Taken, snapshots: Snapshots, *, unsaid_only: bool = False) -> list[HouseholdChanged]:
        """
        Return a snapshot's events under the revisions said, or under those needed where they could not be said before.

        With `unsaid_only` only the latter.
        """
        households, least = list(taken.events), self._showings.least()
        found = []
        for begin in range(0, len(households), _TOGETHER):
            some = households[begin : begin + _TOGETHER]
            for household, past in self._showings.pasts(some, taken.region).items():
                event = taken.events[household]
                if unsaid_only and _is_said(taken, past):
                    continue
                if event is not None and (revision := _revision_again(taken, past, snapshots, least)) is not None:
                    found.append(_under(event, revision))
        return found


def _compared(shown: Sequence[bytes], held: Iterator[bytes]) -> tuple[list[bytes], list[bytes], int]:
    """
    Return who is held and not shown, who is shown and not held, and how many are held; both are given in order, each once.

    Many thousand households on each side are walked through, and only the differences lie in memory.
    """
    missing, others, count, place = [], [], 0, 0
    for household in held:
        count += 1
        while place < len(shown) and shown[place] < household:
            others.append(shown[place])
            place += 1
        if place < len(shown) and shown[place] == household:
            place += 1
        else:
            missing.append(household)
    return missing, [*others, *shown[place:]], count


def _revision_again(taken: Taken, past: Past, snapshots: Snapshots, least: int) -> int | None:
    """Return the revision under which a household's showing was said, or the one it needs; None where another's counts."""
    here = (taken.told.village, taken.told.period)
    for one in past.shown:
        if (one.village, one.period) != here:
            continue
        if one.revision > NEVER:
            return one.revision
        anew = replace(past, shown=[replace(other, revision=NEVER) if other is one else other for other in past.shown])
        for said in sayings(anew, snapshots.exported, snapshots.complete, here, least):
            if (said.operation, said.village, said.period) == (Operation.UPSERT, *here):
                return said.revision
    return None


def _is_said(taken: Taken, past: Past) -> bool:
    """Return whether a snapshot's showing of a household was said."""
    here = (taken.told.village, taken.told.period)
    return any((one.village, one.period) == here and one.revision > NEVER for one in past.shown)


def _under(event: HouseholdChanged, revision: int) -> HouseholdChanged:
    return event if event.revision == revision else replace(event, revision=revision)
