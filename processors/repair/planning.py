"""
Planning: what would become of one rejected event if a repair file were carried out now, and what its statement would do.

Why: a person sees it before anything is sent; whether it would be accepted is decided by the very admission that workers use.
Must not: send or store anything, or know a clock: the moment of arrival is given.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from enum import StrEnum

from processors.admission import Record, admit, cause_of, field_of, link_of
from processors.law import Claim, Link, Statement, kept, newest
from processors.reference import Reference
from processors.repair.language import RepairFile
from processors.repair.mending import Left, Mended, mended
from schemas.errors import Rejected

__all__ = ["Outcome", "Ready", "Refused", "outcomes", "plan"]


@dataclass(frozen=True, slots=True)
class Ready:
    """A repaired event that would be accepted, the statement that it makes, and what it says of its household's names."""

    mended: Mended
    statement: Statement
    link: Link | None


@dataclass(frozen=True, slots=True)
class Refused:
    """A repaired event that would be rejected again: cause, field and words."""

    mended: Mended
    cause: str
    field: str
    message: str


class Outcome(StrEnum):
    """What a statement does to those that are held."""

    CHANGES = "becomes what this claim says from its date on"
    JOINS = "changes nothing by itself, but its household goes by two names from then on"
    HELD = "is held already, nothing changes"
    OLDER = "loses against a newer statement, nothing changes"


def plan(file: RepairFile, record: Record, arrives: datetime, reference: Reference) -> Ready | Refused | Left:
    """Return what becomes of a rejected event whose repaired form arrives at a moment (UTC)."""
    found = mended(file, record)
    if isinstance(found, Left):
        return found
    arrived = replace(found.record, arrived=arrives)
    try:
        return Ready(found, admit(arrived, reference, reference.limits), link_of(arrived))
    except Rejected as error:
        return Refused(found, cause_of(error), field_of(error), str(error))


def outcomes(said: Sequence[Statement], held: Iterable[Statement]) -> list[Outcome]:
    """
    Return what each of some statements about one household does, all said together, to those that are held of it, under whatever name.

    What links say of its names is not looked at.
    """
    before: dict[tuple[Claim, date], Statement] = {(one.claim, one.valid_from): one for one in kept(held)}
    after = dict(before)
    for one in said:
        after[one.claim, one.valid_from] = newest(after.get((one.claim, one.valid_from)), one)
    return [_outcome(one, before.get((one.claim, one.valid_from)), after[one.claim, one.valid_from]) for one in said]


def _outcome(said: Statement, before: Statement | None, after: Statement) -> Outcome:
    if after != said:
        return Outcome.OLDER
    return Outcome.HELD if before == said else Outcome.CHANGES
