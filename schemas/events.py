"""
The events as Python sees them: frozen dataclasses, field for field the Avro schemas beside them.

Why: adapters and tests speak of named, typed facts; a test holds each class equal to its schema.
Must not: judge an event (processors/law.py does), read a clock, or do IO.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, fields
from datetime import date, datetime
from enum import StrEnum
from typing import Any

__all__ = [
    "ChildMeasured",
    "Composition",
    "Dwelling",
    "EventRejected",
    "HouseholdChanged",
    "IndicatorPublished",
    "Member",
    "Operation",
    "Programme",
    "Residence",
    "Welfare",
    "WelfareBasis",
    "to_record",
]


class Operation(StrEnum):
    """What a statement does."""

    UPSERT = "UPSERT"
    END = "END"
    RETRACT = "RETRACT"


class WelfareBasis(StrEnum):
    """How a household's welfare is known."""

    OBSERVED = "OBSERVED"
    MODELLED = "MODELLED"


@dataclass(frozen=True, slots=True)
class Residence:
    """Where the household lives: the village's Kemendagri code."""

    village: str


@dataclass(frozen=True, slots=True)
class Composition:
    """How many members the household has, in people."""

    size: int


@dataclass(frozen=True, slots=True)
class Welfare:
    """The household's expenditure in rupiah per month, and how it is known."""

    expenditure: int
    basis: WelfareBasis


@dataclass(frozen=True, slots=True)
class Dwelling:
    """The dwelling in the codes of Regsosek 2022, block III; area in square metres."""

    tenure: int | None = None
    floor_area_m2: int | None = None
    floor: int | None = None
    wall: int | None = None
    roof: int | None = None
    water: int | None = None
    lighting: int | None = None
    fuel: int | None = None
    toilet: int | None = None
    sewage: int | None = None


@dataclass(frozen=True, slots=True)
class Member:
    """One member, as far as the source knows; codes of Regsosek 2022, block IV."""

    person: bytes | None = None
    sex: int | None = None
    birth_year: int | None = None
    birth_month: int | None = None
    relation: int | None = None
    schooling: int | None = None
    work: int | None = None
    presence: int | None = None


@dataclass(frozen=True, slots=True)
class Programme:
    """Aid received: programme code, first day of the last month received, amount in rupiah."""

    programme: str
    last_month: date | None = None
    amount: int | None = None


@dataclass(frozen=True, slots=True)
class ChildMeasured:
    """One child weighed (grams) and measured (millimetres)."""

    person: bytes | None = None
    measured_on: date = field(kw_only=True)
    weight_g: int | None = None
    height_mm: int | None = None
    status: int | None = None


@dataclass(frozen=True, slots=True)
class HouseholdChanged:
    """One statement: a source of a regency says that a household is like this from a date on."""

    household: bytes
    key_version: int
    region: str
    source: str
    valid_from: date
    revision: int
    mapping_version: int
    operation: Operation
    recorded_at: datetime
    previous_household: bytes | None = None
    residence: Residence | None = None
    composition: Composition | None = None
    welfare: Welfare | None = None
    dwelling: Dwelling | None = None
    members: Sequence[Member] | None = None
    programmes: Sequence[Programme] | None = None
    nutrition: Sequence[ChildMeasured] | None = None
    """Tuples, or what equals them and cannot be changed either."""


@dataclass(frozen=True, slots=True)
class EventRejected:
    """A dead letter: where the rejected record stands, and why it can never be applied; never its value."""

    topic: str
    partition: int
    offset: int
    arrived_at: datetime
    cause: str
    field: str
    message: str
    digest: str


@dataclass(frozen=True, slots=True)
class IndicatorPublished:
    """All indicators of one region, urbanisation and month, as absolute values; units are in the schema."""

    region: str
    region_name: str
    level: str
    urbanisation: str
    month: date
    revision: int
    reference_version: int
    households: int
    people: int
    known_people: int
    unknown_people: int
    poor_households: int
    poor_people: int
    rupiah_gap_per_month: int
    extreme_known_people: int
    extreme_poor_people: int
    vulnerable_people: int
    aspiring_people: int
    middle_people: int
    upper_people: int
    expenditure_rupiah_per_month: int
    modelled_people: int
    zero_expenditure_people: int
    p0_ratio: float | None = None
    p1_ratio: float | None = None
    p2_ratio: float | None = None
    income_gap_ratio: float | None = None
    watts_ratio: float | None = None
    extreme_p0_ratio: float | None = None
    mean_expenditure_rupiah_per_person_month: float | None = None
    modelled_ratio: float | None = None
    line_is_stale: bool = False


_FIELDS: dict[type, tuple[str, ...]] = {}


def to_record(value: Any) -> Any:  # noqa: ANN401 - Avro's own shapes: dict, list, scalar
    """Return an event, or any part of it, in the plain dicts, lists and scalars that fastavro writes."""
    kind = type(value)
    if kind is tuple:
        return [to_record(one) for one in value]
    names = _FIELDS.get(kind)
    if names is None:
        if not hasattr(kind, "__dataclass_fields__"):
            return to_record(tuple(value)) if isinstance(value, Sequence) and not isinstance(value, str | bytes) else value
        names = _FIELDS[kind] = tuple(field.name for field in fields(value))
    return {name: to_record(getattr(value, name)) for name in names}
