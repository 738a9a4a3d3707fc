"""
The law: what a household's statements mean, one household at a time, as plainly as it can be said.

Why: it is the definition. A statistician checks it here, the arrays in processors/columns are held equal to it by tests,
and what is too odd for arrays is computed by it.
Must not: know a clock, an order of arrival, or a setting of a worker; import a driver; be made faster.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date

from processors.indicators.catalogue import MEASURES, contribution
from processors.indicators.standing import NOTHING, standing
from processors.months import last_day, month_of
from processors.reference import Reference, number_of
from schemas.events import Operation

__all__ = ["Cells", "Claim", "Link", "Statement", "View", "by_household", "cell_changes", "households", "kept", "newest", "view", "visible"]

Claim = tuple[str, str]
"""Who speaks: (regency, source)."""
Cells = dict[tuple[str, str, int], tuple[int, ...]]
"""Signed changes of measures by (village, urbanisation, month)."""


@dataclass(frozen=True, slots=True)
class Statement:
    """A source of a regency says that a household is like this from a date on; None says nothing of that section."""

    region: str
    source: str
    valid_from: date
    revision: int
    mapping_version: int
    operation: Operation
    village: str | None = None
    size: int | None = None
    expenditure: int | None = None
    modelled: bool = False

    @property
    def claim(self) -> Claim:
        """Who speaks."""
        return self.region, self.source

    @property
    def content(self) -> tuple[int, ...]:
        """What is said, in the order in which stored bytes are compared; it only breaks ties."""
        return (
            list(Operation).index(self.operation),
            int(self.modelled),
            NOTHING if self.size is None else self.size,
            NOTHING if self.village is None else number_of(self.village),
            NOTHING if self.expenditure is None else self.expenditure,
        )


@dataclass(frozen=True, slots=True)
class View:
    """The household on one day: where it lives, and what is known of it."""

    village: str
    size: int | None
    expenditure: int | None
    modelled: bool


# ---- which names are one household ----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Link:
    """
    Somebody said that two names are of one family card: `household` by the key of that version (from 1 on), `previous` by an older one.

    It is true for ever, whatever operation, revision or date it was said with: a name is never given to another card. It is never taken
    back, because an adapter cannot say a wrong one: both names are made of one and the same number of one record, by two keys; no path of a
    region file leads to the second, and no repair can set it, only leave it out. With a wrong key the other name is one that no card has
    (two keyed hashes of 128 bits do not meet), so it connects the household to nobody; and a source that gives a family another number says
    END of one and begins the other. Who has the right to write to a topic and lies can connect two households for ever, as he can write
    anything: the remedy is that of a forged topic. Make it anew, let its adapter say all again, and `muara rebuild`.
    """

    previous: bytes
    household: bytes
    key_version: int


def households(links: Iterable[Link]) -> dict[bytes, bytes]:
    """
    Return of every name that a link speaks of the name of its household.

    Whatever links connect, over any number of steps and in either direction, is one household: so adapters may disagree on which key is
    the older one, or on the new key, and nobody counts twice. It goes by its name of the greatest key version; of several by the least.
    Connecting is commutative, associative and idempotent, and so is a maximum.
    """
    together: dict[bytes, frozenset[bytes]] = {}
    version: dict[bytes, int] = {}
    for link in links:
        both = together.get(link.previous, frozenset([link.previous])) | together.get(link.household, frozenset([link.household]))
        together |= dict.fromkeys(both, both)
        version[link.household] = max(version.get(link.household, 0), link.key_version)
    return {name: min(all_names, key=lambda one: (-version.get(one, 0), one)) for name, all_names in together.items()}


def by_household(said: Iterable[tuple[bytes, Statement]], links: Iterable[Link]) -> dict[bytes, list[Statement]]:
    """Return what was said of each household, under whatever of its names."""
    name_of = households(links)
    gathered: dict[bytes, list[Statement]] = {}
    for name, statement in said:
        gathered.setdefault(name_of.get(name, name), []).append(statement)
    return gathered


# ---- which statements stand -----------------------------------------------------------------------------------------------


def newest(held: Statement | None, said: Statement) -> Statement:
    """
    Return the statement that stands: the greater (revision, mapping version, content).

    A maximum is commutative, associative and idempotent, so order, repetition and lateness of delivery cannot show.
    """
    if held is None:
        return said
    return max(held, said, key=lambda one: (one.revision, one.mapping_version, one.content))


def kept(said: Iterable[Statement]) -> list[Statement]:
    """Return the statements that stand of all that was said of one household: the newest of each claim and date."""
    standing_ones: dict[tuple[Claim, date], Statement] = {}
    for one in said:
        key = (one.claim, one.valid_from)
        standing_ones[key] = newest(standing_ones.get(key), one)
    return list(standing_ones.values())


def visible(claim: Sequence[Statement]) -> list[Statement]:
    """
    Return one claim's statements that count, by date: neither retracted nor hidden by an END.

    An END dated D hides the claim's statements dated D or later whose revision is smaller than its own.
    """
    said = [one for one in claim if one.operation is not Operation.RETRACT]
    ends = [one for one in said if one.operation is Operation.END]
    shown = [one for one in said if not any(end.valid_from <= one.valid_from and one.revision < end.revision for end in ends)]
    return sorted(shown, key=lambda one: one.valid_from)


# ---- the household on a day -----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Run:
    """The unbroken time of one claim in one village that a day lies in."""

    village: str
    began: date


def _run(shown: Sequence[Statement], day: date) -> _Run | None:
    """Return the run of one claim that `day` lies in, or None where the claim is not alive."""
    run: _Run | None = None
    for one in shown:
        if one.valid_from > day:
            break
        if one.operation is Operation.END:
            run = None
        elif one.village is not None and (run is None or run.village != one.village):
            run = _Run(one.village, one.valid_from)
    return run


def _order(claim: Claim, reference: Reference) -> tuple[int, int, str]:
    """Return the order of claims: the best-ranked first, then by region and source."""
    region, source = claim
    registration = reference.registration(region, source)
    return registration.rank if registration else 1 << 30, number_of(region), source


def view(statements: Iterable[Statement], day: date, reference: Reference) -> View | None:
    """Return the household as it is on a day, a function of the statements that stand; None where it does not exist."""
    by_claim: dict[Claim, list[Statement]] = {}
    for one in statements:
        by_claim.setdefault(one.claim, []).append(one)
    shown = {claim: visible(said) for claim, said in by_claim.items()}
    ordered = sorted(shown, key=lambda claim: _order(claim, reference))

    holder: _Run | None = None
    for claim in ordered:  # of runs that began on one day, the first in order holds
        run = _run(shown[claim], day)
        if run is not None and (holder is None or run.began > holder.began):
            holder = run
    if holder is None:
        return None

    regency = reference.regency_of(holder.village)
    own_first = sorted(ordered, key=lambda claim: claim[0] != regency)
    size = _latest(own_first, shown, day, "size")
    welfare = _latest(own_first, shown, day, "expenditure")
    return View(
        village=holder.village,
        size=size.size if size else None,
        expenditure=welfare.expenditure if welfare else None,
        modelled=bool(welfare and welfare.modelled),
    )


def _latest(claims: Sequence[Claim], shown: dict[Claim, list[Statement]], day: date, section: str) -> Statement | None:
    """Return the latest statement of a section by the first of the claims that has said anything of it by `day`."""
    for claim in claims:
        said = [
            one for one in shown[claim] if one.valid_from <= day and getattr(one, section) is not None and one.operation is Operation.UPSERT
        ]
        if said:
            return said[-1]
    return None


# ---- from timeline to figures ---------------------------------------------------------------------------------------------


def cell_changes(statements: Sequence[Statement], reference: Reference) -> Cells:
    """
    Return the signed changes of cells that one household's statements amount to.

    Plus its contribution in the month where a state begins, minus it where that state ends; nothing before the first month.
    """
    changes: dict[tuple[str, str, int], list[int]] = {}
    before: tuple[str, str, tuple[int, ...]] | None = None
    for month in _months(statements, reference):
        now = _contributed(statements, month, reference)
        if now == before:
            continue
        for sign, state in ((-1, before), (1, now)):
            if state is not None:
                village, urbanisation, amounts = state
                cell = changes.setdefault((village, urbanisation, month), [0] * len(MEASURES))
                for place, amount in enumerate(amounts):
                    cell[place] += sign * amount
        before = now
    return {key: tuple(amounts) for key, amounts in changes.items() if any(amounts)}


def _contributed(statements: Sequence[Statement], month: int, reference: Reference) -> tuple[str, str, tuple[int, ...]] | None:
    """Return where a household counts in a month, and what it adds to each measure there."""
    seen = view(statements, last_day(month), reference)
    if seen is None:
        return None
    regency, urbanisation = reference.regency_of(seen.village) or "", reference.urbanisation_of(seen.village)
    one = standing(
        size=NOTHING if seen.size is None else seen.size,
        expenditure=NOTHING if seen.expenditure is None else seen.expenditure,
        modelled=int(seen.modelled),
        line=reference.line("national", regency, urbanisation, month),
        extreme_line=reference.line("extreme", regency, urbanisation, month),
    )
    return seen.village, urbanisation, contribution(one)


def _months(statements: Sequence[Statement], reference: Reference) -> Iterator[int]:
    """Yield the months in which the household's contribution may change: those of its statements and of any line."""
    said = {month_of(one.valid_from) for one in statements}
    lines = {month_of(line.valid_from) for line in reference.lines}
    yield from sorted({max(month, reference.first_month) for month in said | lines})
