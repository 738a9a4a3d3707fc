"""
Events of invented households, at random or by name, and the statements that they make.

Why: tests say what regions would say, and the law is told the same by a way that shares nothing with decoding.
Must not: resemble a real household; use a clock.
"""

import hashlib
import random
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime
from typing import Any

from processors.law import Link, Statement
from schemas.events import (
    Composition,
    Dwelling,
    HouseholdChanged,
    Member,
    Operation,
    Programme,
    Residence,
    Welfare,
    WelfareBasis,
)

__all__ = ["Dice", "changed", "household_key", "life", "link_by", "said_by"]

Dice = random.Random
RECORDED = datetime(2024, 1, 1, tzinfo=UTC)
_DAYS = [
    date(2019, 6, 1),
    date(2020, 1, 31),
    *(date(year, month, day) for year in (2020, 2021) for month in (2, 5, 9, 12) for day in (1, 17)),
]
_OPERATIONS = (Operation.UPSERT,) * 8 + (Operation.END, Operation.RETRACT)


def household_key(name: object) -> bytes:
    """Return the pseudonym of an invented household."""
    return hashlib.blake2b(repr(name).encode(), digest_size=16).digest()


def changed(
    household: bytes,
    regency: str,
    source: str = "carik",
    *,
    valid_from: date = date(2020, 2, 1),
    revision: int = 1,
    operation: Operation = Operation.UPSERT,
    village: str | None = None,
    size: int | None = None,
    expenditure: int | None = None,
    **more: Any,
) -> HouseholdChanged:
    """Return an event; what is not named it does not say."""
    basis = more.pop("basis", WelfareBasis.OBSERVED)
    return HouseholdChanged(
        household=household,
        key_version=more.pop("key_version", 1),
        region=regency,
        source=source,
        valid_from=valid_from,
        revision=revision,
        mapping_version=more.pop("mapping_version", 1),
        operation=operation,
        recorded_at=RECORDED,
        residence=None if village is None else Residence(village),
        composition=None if size is None else Composition(size),
        welfare=None if expenditure is None else Welfare(expenditure, basis),
        **more,
    )


def said_by(event: HouseholdChanged) -> Statement:
    """Return the statement that an event makes."""
    return Statement(
        region=event.region,
        source=event.source,
        valid_from=event.valid_from,
        revision=event.revision,
        mapping_version=event.mapping_version,
        operation=event.operation,
        village=event.residence.village if event.residence else None,
        size=event.composition.size if event.composition else None,
        expenditure=event.welfare.expenditure if event.welfare else None,
        modelled=event.welfare is not None and event.welfare.basis is WelfareBasis.MODELLED,
    )


def link_by(event: HouseholdChanged) -> Link | None:
    """Return the link that an event makes, if it names a previous household."""
    return Link(event.previous_household, event.household, event.key_version) if event.previous_household else None


def life(dice: Dice, claims: Sequence[tuple[str, str]], households: Sequence[bytes], count: int) -> Iterator[HouseholdChanged]:
    """Yield random events of households about which several claims (regency, source) speak; few dates and revisions, so that they meet."""
    for _ in range(count):
        regency, source = dice.choice(claims)
        village = dice.choice([None, f"{regency}.01.1001", f"{regency}.01.1001", f"{regency}.01.2001"])
        expenditure = dice.choice([None, 0, 1_199_999, 1_200_000, 2_400_000, 9_000_000])
        yield changed(
            dice.choice(households),
            regency,
            source,
            valid_from=dice.choice(_DAYS),
            revision=dice.randint(1, 40),
            operation=dice.choice(_OPERATIONS),
            village=village,
            size=dice.choice([None, 1, 2, 3, 4, 5]),
            expenditure=expenditure,
            basis=dice.choice(list(WelfareBasis)),
            mapping_version=dice.choice([1, 1, 1, 2]),
            **_rest(dice),
        )


def _rest(dice: Dice) -> dict[str, Any]:
    """Return sections that no measure uses, which decoding must get past."""
    if dice.random() < 0.3:
        return {}
    members = tuple(Member(household_key(dice.random()), dice.randint(1, 2), 1990, 2) for _ in range(dice.randint(0, 4)))
    aid = (Programme("PKH", date(2020, 1, 1), 300_000),) if dice.random() < 0.5 else ()
    return {"dwelling": Dwelling(1, dice.randint(20, 200)), "members": members, "programmes": aid}
