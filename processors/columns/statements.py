"""
Packed statements: the fixed 42 bytes that PostgreSQL keeps of each, and their way to and from the law's form.

Why: a household's statements travel between database and arrays as one string of bytes, without parsing.
Must not: change layout without a migration of `household` and its view `statement`.
"""

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from processors.indicators.standing import NOTHING
from processors.law import Statement
from processors.months import EPOCH, day_number
from processors.reference import Reference, number_of
from schemas.events import Operation

__all__ = ["END", "RETRACT", "STATEMENT", "UPSERT", "Packed", "pack", "unpack"]

STATEMENT = np.dtype(
    [
        ("valid_from", ">i4"),  # days since 1970-01-01
        ("claimant", ">i4"),  # number of (regency, source)
        ("revision", ">i8"),
        ("mapping_version", ">i4"),
        ("operation", "u1"),
        ("modelled", "u1"),  # 1 where the expenditure is modelled
        ("size", ">i4"),  # people; NOTHING where not said
        ("village", ">i8"),  # digits of the village's code; NOTHING where not said
        ("expenditure", ">i8"),  # rupiah per month; NOTHING where not said
    ]
)
"""Big-endian, so that PostgreSQL casts each field to its integers; the fields from `operation` on are the content."""
Packed = NDArray[np.void]
"""An array of `STATEMENT`, shape (statements,)."""
UPSERT, END, RETRACT = range(3)
_OPERATIONS = tuple(Operation)
_OPERATION_OF = {one: number for number, one in enumerate(_OPERATIONS)}


def pack(said: Iterable[Statement], reference: Reference) -> Packed:
    """Return statements packed, in the order given; raises `KeyError` for a claim that is not registered."""
    rows = []
    for one in said:
        registration = reference.registration(one.region, one.source)
        if registration is None:
            raise KeyError(one.claim)
        rows.append(
            (
                day_number(one.valid_from),
                registration.claimant,
                one.revision,
                one.mapping_version,
                _OPERATION_OF[one.operation],
                int(one.modelled),
                NOTHING if one.size is None else one.size,
                NOTHING if one.village is None else number_of(one.village),
                NOTHING if one.expenditure is None else one.expenditure,
            )
        )
    return np.array(rows, STATEMENT)


def unpack(packed: Packed, reference: Reference) -> list[Statement]:
    """Return packed statements in the law's form, in the order given."""
    said = []
    for day, claimant, revision, mapping, operation, modelled, size, village, expenditure in packed.tolist():
        registration = reference.by_claimant[claimant]
        said.append(
            Statement(
                region=registration.region,
                source=registration.source,
                valid_from=EPOCH.fromordinal(EPOCH.toordinal() + day),
                revision=revision,
                mapping_version=mapping,
                operation=_OPERATIONS[operation],
                village=None if village == NOTHING else reference.village_by_number[village],
                size=None if size == NOTHING else size,
                expenditure=None if expenditure == NOTHING else expenditure,
                modelled=bool(modelled),
            )
        )
    return said
