"""
States: what each household is like after each of its statements, on arrays; `law.view` at every date at once.

Why: the state after a statement is a running maximum of row numbers per claim: a few passes over the batch, whatever it holds.
Must not: know months, lines or measures (columns/cells.py does).

Rows are statements sorted by household, then by date. A *row number* points back at the row that said something; -1 where nothing did.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from processors.columns.statements import END, RETRACT, UPSERT, Packed
from processors.indicators.standing import NOTHING
from processors.reference import Reference

__all__ = ["MANY_CLAIMS", "States", "fields_of", "shown", "states"]

Rows = NDArray[np.int64]
MANY_CLAIMS = 6
"""Households with more claims than this go to the law: each claim costs a pass over all households with several."""
_NONE = np.int64(-1)
_LONG_AGO = np.int64(-(1 << 40))


@dataclass(frozen=True, slots=True)
class Fields:
    """Native columns of the statements, each of shape (rows,)."""

    valid_from: Rows
    claimant: Rows
    upsert: NDArray[np.bool_]
    end: NDArray[np.bool_]
    village: Rows
    """Index into `Reference.villages`; NOTHING where an upsert says none, or where it is none."""
    size: Rows
    expenditure: Rows
    modelled: Rows


@dataclass(frozen=True, slots=True)
class States:
    """After each row: the row that says where the household lives, its size, its welfare; each of shape (rows,), -1 for none."""

    residence: Rows
    size: Rows
    welfare: Rows


def fields_of(statements: Packed, reference: Reference) -> Fields:
    """Return packed statements as native columns; what an END or a RETRACT says besides is dropped."""
    upsert = statements["operation"] == UPSERT
    number = np.where(upsert, statements["village"].astype(np.int64), NOTHING)
    village = np.where(number >= 0, np.searchsorted(reference.village_number, number), NOTHING)
    return Fields(
        valid_from=statements["valid_from"].astype(np.int64),
        claimant=statements["claimant"].astype(np.int64),
        upsert=upsert,
        end=statements["operation"] == END,
        village=village,
        size=np.where(upsert, statements["size"].astype(np.int64), NOTHING),
        expenditure=np.where(upsert, statements["expenditure"].astype(np.int64), NOTHING),
        modelled=statements["modelled"].astype(np.int64),
    )


def shown(statements: Packed, household: Rows) -> NDArray[np.bool_]:
    """
    Return which rows are visible, shape (rows,): neither retracted, nor hidden by an END.

    An END dated D hides its claim's rows dated D or later whose revision is smaller than its own.
    """
    visible = np.asarray(statements["operation"] != RETRACT)
    is_end = statements["operation"] == END
    if not is_end.any():
        return visible
    claimant = statements["claimant"].astype(np.int64)
    concerned = _of_households_with(household, is_end)
    rows = concerned[np.lexsort((statements["valid_from"][concerned], claimant[concerned], household[concerned]))]
    greatest = _greatest_end_so_far(statements[rows], household[rows], claimant[rows], is_end[rows])
    hidden = statements["revision"][rows].astype(np.int64) < greatest
    visible[rows[hidden]] = False
    return visible


def _of_households_with(household: Rows, mark: NDArray[np.bool_]) -> Rows:
    """Return the rows of every household that has a marked row; the other households need no further look."""
    return np.flatnonzero(np.isin(household, np.unique(household[mark])))


def _greatest_end_so_far(said: Packed, household: Rows, claimant: Rows, is_end: NDArray[np.bool_]) -> Rows:
    """
    Return the greatest revision of the claim's ENDs up to each row, the least int64 where there is none.

    The rows are sorted by household, claim and date.
    """
    none = np.iinfo(np.int64).min
    revision = np.where(is_end, said["revision"].astype(np.int64), none)
    # Ranks instead of revisions, so that a claim's number can stand above them in one 64-bit key.
    distinct, rank = np.unique(revision, return_inverse=True)
    new_claim = np.concatenate(([True], (household[1:] != household[:-1]) | (claimant[1:] != claimant[:-1])))
    key = np.cumsum(new_claim) * (len(distinct) + 1) + rank
    return np.asarray(distinct[np.maximum.accumulate(key) % (len(distinct) + 1)], np.int64)


def states(fields: Fields, household: Rows, reference: Reference) -> States:
    """
    Return the state after each visible row, for rows sorted by household and date.

    Households with one claim take the short way; no household may have more than `MANY_CLAIMS`.
    """
    slot, several = _slots(fields, household, reference)
    if not several.any():
        return _one_claim(fields, household)
    result = States(*(np.full(len(household), _NONE) for _ in range(3)))
    for rows, pick in ((np.flatnonzero(~several), None), (np.flatnonzero(several), slot)):
        part, of = _taken(fields, rows), household[rows]
        found = _one_claim(part, of) if pick is None else _several_claims(part, of, pick[rows], reference)
        for target, source in ((result.residence, found.residence), (result.size, found.size), (result.welfare, found.welfare)):
            target[rows] = np.where(source >= 0, rows[source], _NONE)
    return result


def _taken(fields: Fields, rows: Rows) -> Fields:
    return Fields(*(getattr(fields, name)[rows] for name in Fields.__slots__))


def _slots(fields: Fields, household: Rows, reference: Reference) -> tuple[Rows, NDArray[np.bool_]]:
    """Return each row's claim as its place among the household's claims, best first, and which rows' households have several."""
    order = reference.claimant_order[fields.claimant]
    neighbour = household[1:] == household[:-1]
    differs = np.zeros(len(household), bool)
    differs[1:] = neighbour & (order[1:] != order[:-1])
    slot = np.zeros(len(household), np.int64)
    if not differs.any():
        return slot, differs
    several = np.isin(household, np.unique(household[differs]))
    rows = np.flatnonzero(several)
    rows = rows[np.lexsort((order[rows], household[rows]))]
    of, place = household[rows], order[rows]
    new_household = np.concatenate(([True], of[1:] != of[:-1]))
    count = np.cumsum(new_household | np.concatenate(([True], place[1:] != place[:-1])))
    slot[rows] = count - count[new_household][np.cumsum(new_household) - 1]
    return slot, several


def _first_row(household: Rows) -> Rows:
    """Return the number of the first row of each row's household."""
    row = np.arange(len(household))
    return np.maximum.accumulate(np.where(np.concatenate(([True], household[1:] != household[:-1])), row, 0))


def _last(mark: NDArray[np.bool_], floor: Rows) -> Rows:
    """Return the latest marked row up to each row, -1 where it lies before `floor`."""
    latest = np.maximum.accumulate(np.where(mark, np.arange(len(mark)), _NONE))
    return np.where(latest >= floor, latest, _NONE)


def _one_claim(fields: Fields, household: Rows) -> States:
    """Return the states of households with one claim: the latest row of each section; an END ends residence alone."""
    first = _first_row(household)
    since_end = (
        np.maximum(first, np.maximum.accumulate(np.where(fields.end, np.arange(len(household)), _NONE))) if fields.end.any() else first
    )
    return States(
        residence=_last(fields.village >= 0, since_end),
        size=_last(fields.size >= 0, first),
        welfare=_last(fields.expenditure >= 0, first),
    )


def _several_claims(fields: Fields, household: Rows, slot: Rows, reference: Reference) -> States:
    """Return the states of households with several claims: one pass per claim, then the law's choice between them."""
    first = _first_row(household)
    claims = range(int(slot.max()) + 1)
    residence, began = np.full(len(household), _NONE), np.full(len(household), _LONG_AGO)
    sizes, welfares, regions = [], [], []
    for claim in claims:
        mine = slot == claim
        lives, since = _run(fields, mine, first)
        later = since > began  # of runs that began on one day the better claim, met first, holds
        residence, began = np.where(later, lives, residence), np.where(later, since, began)
        sizes.append(_last(mine & (fields.size >= 0), first))
        welfares.append(_last(mine & (fields.expenditure >= 0), first))
        regions.append(_region(fields, household, mine, reference))
    regency = np.where(residence >= 0, reference.village_regency[fields.village[residence]], NOTHING)
    return States(residence, _best(sizes, regions, regency), _best(welfares, regions, regency))


def _run(fields: Fields, mine: NDArray[np.bool_], first: Rows) -> tuple[Rows, Rows]:
    """Return one claim's row of residence after each row, and the date on which that run began (long ago where not alive)."""
    since_end = np.maximum(first, np.maximum.accumulate(np.where(mine & fields.end, np.arange(len(mine)), _NONE)))
    says = mine & (fields.village >= 0)
    lives = _last(says, since_end)
    earlier = np.concatenate(([_NONE], lives[:-1]))
    earlier = np.where(earlier >= since_end, earlier, _NONE)
    begins = says & ((earlier < 0) | (fields.village[earlier] != fields.village))
    start = _last(begins, since_end)
    return lives, np.where(start >= 0, fields.valid_from[start], _LONG_AGO)


def _region(fields: Fields, household: Rows, mine: NDArray[np.bool_], reference: Reference) -> Rows:
    """Return for every row of a household the regency that one of its claims speaks for; 0 where it has no such claim."""
    regency = np.zeros(int(household[-1]) + 1, np.int64)
    regency[household[mine]] = reference.claimant_region[fields.claimant[mine]]
    return np.asarray(regency[household], np.int64)


def _best(said: list[Rows], regions: list[Rows], regency: Rows) -> Rows:
    """Return the row of the first claim, in order, of the regency of residence that said anything; else of the first other one."""
    best = np.full(len(regency), _NONE)
    for own in (True, False):
        for row, region in zip(said, regions, strict=True):
            best = np.where((best < 0) & (row >= 0) & ((region == regency) == own), row, best)
    return best
