"""
From states to signed changes of cells, on arrays; `law.cell_changes` for many households at once.

Why: a household adds its contribution in the month where a state begins and takes it back where it ends, also where a line changes.
Must not: know Kafka, PostgreSQL or a clock.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from processors.columns import states as of_states
from processors.columns.statements import Packed, unpack
from processors.columns.states import Fields, Rows, fields_of, shown, states
from processors.indicators.catalogue import MEASURES, contributions
from processors.indicators.standing import NOTHING, standings
from processors.law import cell_changes
from processors.months import months_of_days
from processors.reference import Reference

__all__ = ["NO_CHANGES", "CellChanges", "cell_key", "changes_from_nothing", "signed_changes", "summed"]

_NEVER = 1 << 12
"""A month after all months; months fill 12 bits of a cell's key."""


@dataclass(frozen=True, slots=True)
class CellChanges:
    """
    Signed changes of village cells.

    `keys` (cells,) int64, distinct and growing: village id x 8192 + urban x 4096 + month. `amounts` (cells, measures) int64.
    """

    keys: Rows
    amounts: NDArray[np.int64]


NO_CHANGES = CellChanges(np.empty(0, np.int64), np.empty((0, len(MEASURES)), np.int64))


@dataclass(frozen=True, slots=True)
class _Entries:
    """Single signed changes before they are summed: key (entries,), amounts (entries, measures), household (entries,)."""

    key: Rows
    amounts: NDArray[np.int64]
    household: Rows


@dataclass(frozen=True, slots=True)
class _Spans:
    """Spans of months in which a household stands unchanged, each of shape (spans,): months [begin, end), villages by index."""

    household: Rows
    begin: Rows
    end: Rows
    village: Rows
    size: Rows
    expenditure: Rows
    modelled: Rows


def cell_key(village_id: Rows, urban: Rows, month: Rows | int) -> Rows:
    """Return the 64-bit keys of cells; any shape."""
    return village_id << 13 | urban << 12 | month


def changes_from_nothing(statements: Packed, household: Rows, reference: Reference) -> CellChanges:
    """
    Return all cell changes that households amount to, from the statements that stand.

    `household` (rows,) numbers the household of each statement, growing from 0; a household's statements may be in any order.
    """
    if not len(statements):
        return NO_CHANGES
    rows = np.lexsort((statements["claimant"], statements["valid_from"], household))
    since = np.zeros(int(household.max()) + 1, np.int64)
    entries = signed_changes(statements[rows], household[rows], since, reference)
    return summed([entries])


def signed_changes(statements: Packed, household: Rows, since: Rows, reference: Reference) -> _Entries:
    """
    Return the signed changes of households whose statements are sorted by household, date and claimant.

    `since` (households,) is the month from which each household's changes are wanted; earlier ones are left out.
    """
    odd = _with_many_claims(statements, household)
    if odd.any():
        usual = ~odd
        return _joined(
            signed_changes(statements[usual], household[usual], since, reference),
            _by_the_law(statements[odd], household[odd], since, reference),
        )
    visible = shown(statements, household)
    if not visible.all():
        statements, household = statements[visible], household[visible]
    if not len(statements):
        return _Entries(NO_CHANGES.keys, NO_CHANGES.amounts, NO_CHANGES.keys)
    fields = fields_of(statements, reference)
    return _differences(_split_by_lines(_spans(fields, household, since, reference), reference), since, reference)


def summed(parts: list[_Entries], signs: tuple[int, ...] = (1, 1)) -> CellChanges:
    """Return parts added up by key, each with its sign; cells that come to nothing are left out."""
    key = np.concatenate([part.key for part in parts])
    if not len(key):
        return NO_CHANGES
    amounts = np.concatenate([part.amounts if sign > 0 else -part.amounts for part, sign in zip(parts, signs, strict=False)])
    rows = np.argsort(key)
    key = key[rows]
    first = np.flatnonzero(np.concatenate(([True], key[1:] != key[:-1])))
    sums = np.add.reduceat(amounts[rows], first, axis=0)
    some = sums.any(axis=1)
    return CellChanges(key[first][some], sums[some])


def _with_many_claims(statements: Packed, household: Rows) -> NDArray[np.bool_]:
    """Return which rows belong to households with more than `MANY_CLAIMS` claims."""
    neighbour = household[1:] == household[:-1]
    switches = np.zeros(len(household), bool)
    switches[1:] = neighbour & (statements["claimant"][1:] != statements["claimant"][:-1])
    none = np.zeros(len(household), bool)
    if switches.sum() < of_states.MANY_CLAIMS:
        return none
    suspects = np.flatnonzero(np.bincount(household[switches]) >= of_states.MANY_CLAIMS)
    if not len(suspects):
        return none
    pairs = np.unique(household << 32 | statements["claimant"].astype(np.int64))
    claims = np.bincount(pairs >> 32)
    return np.asarray(claims[household] > of_states.MANY_CLAIMS)


def _by_the_law(statements: Packed, household: Rows, since: Rows, reference: Reference) -> _Entries:
    """Return the signed changes of odd households, one by one, by the definition."""
    keys, amounts, of = [], [], []
    ids = {one.code: one.id for one in reference.villages}
    for number in np.unique(household).tolist():
        said = unpack(statements[household == number], reference)
        for (village, urbanisation, month), change in cell_changes(said, reference).items():
            if month >= since[number]:
                keys.append(ids[village] << 13 | int(urbanisation == "urban") << 12 | month)
                amounts.append(change)
                of.append(number)
    return _Entries(np.array(keys, np.int64), np.array(amounts, np.int64).reshape(-1, len(MEASURES)), np.array(of, np.int64))


def _joined(one: _Entries, other: _Entries) -> _Entries:
    return _Entries(
        np.concatenate((one.key, other.key)),
        np.concatenate((one.amounts, other.amounts)),
        np.concatenate((one.household, other.household)),
    )


def _spans(fields: Fields, household: Rows, since: Rows, reference: Reference) -> _Spans:
    """
    Return the spans in which households live somewhere: from the last statement of a month to the next month with a statement.

    A household counts as it stands on the month's last day, so of several statements in one month only the state after the last counts.
    """
    after = states(fields, household, reference)
    month = np.maximum(months_of_days(fields.valid_from), reference.first_month)
    last = np.flatnonzero(np.concatenate(((household[1:] != household[:-1]) | (month[1:] != month[:-1]), [True])))
    of, begin, residence = household[last], month[last], after.residence[last]
    end = np.full(len(last), _NEVER)
    goes_on = of[1:] == of[:-1]
    end[:-1][goes_on] = begin[1:][goes_on]
    alive = np.flatnonzero((residence >= 0) & (end >= since[of]))
    last, of, begin, end, residence = last[alive], of[alive], begin[alive], end[alive], residence[alive]
    size, welfare = after.size[last], after.welfare[last]
    return _Spans(
        household=of,
        begin=begin,
        end=end,
        village=fields.village[residence],
        size=np.where(size >= 0, fields.size[size], NOTHING),
        expenditure=np.where(welfare >= 0, fields.expenditure[welfare], NOTHING),
        modelled=np.where(welfare >= 0, fields.modelled[welfare], 0),
    )


def _split_by_lines(spans: _Spans, reference: Reference) -> tuple[_Spans, Rows]:
    """Return the spans cut where a poverty line changes, and the number of the line segment that each lies in, shape (spans,)."""
    segments = reference.segments
    group = reference.village_group[spans.village] << 20
    from_segment = np.searchsorted(segments.key, group | spans.begin, "right") - 1
    to_segment = np.searchsorted(segments.key, group | (spans.end - 1), "right") - 1
    parts = to_segment - from_segment + 1
    if (parts == 1).all():
        return spans, from_segment
    span = np.repeat(np.arange(len(parts)), parts)
    segment = from_segment[span] + np.arange(len(span)) - np.repeat(np.cumsum(parts) - parts, parts)
    begins = segments.key & ((1 << 20) - 1)
    next_begins = np.concatenate((begins[1:], [_NEVER]))
    next_begins[next_begins <= begins] = _NEVER
    return (
        _Spans(
            household=spans.household[span],
            begin=np.maximum(spans.begin[span], begins[segment]),
            end=np.minimum(spans.end[span], next_begins[segment]),
            village=spans.village[span],
            size=spans.size[span],
            expenditure=spans.expenditure[span],
            modelled=spans.modelled[span],
        ),
        segment,
    )


def _differences(cut: tuple[_Spans, Rows], since: Rows, reference: Reference) -> _Entries:
    """
    Return plus a span's contribution where it begins, minus it where it ends.

    Where the next span of the household follows at once in the same village, only the difference is entered, there.
    """
    spans, segment = cut
    amounts = contributions(
        standings(spans.size, spans.expenditure, spans.modelled, reference.segments.national[segment], reference.segments.extreme[segment])
    ).T
    follows = np.zeros(len(spans.begin) + 1, bool)
    follows[1:-1] = (
        (spans.household[1:] == spans.household[:-1]) & (spans.begin[1:] == spans.end[:-1]) & (spans.village[1:] == spans.village[:-1])
    )
    steps = amounts.copy()
    steps[1:] -= amounts[:-1] * follows[1:-1, None]
    wanted = since[spans.household]
    begins = np.flatnonzero(spans.begin >= wanted)
    ends = np.flatnonzero(~follows[1:] & (spans.end < _NEVER) & (spans.end >= wanted))
    place = cell_key(reference.village_id[spans.village], reference.village_urban[spans.village], 0)
    return _Entries(
        np.concatenate((place[begins] | spans.begin[begins], place[ends] | spans.end[ends])),
        np.concatenate((steps[begins], -amounts[ends])),
        np.concatenate((spans.household[begins], spans.household[ends])),
    )
