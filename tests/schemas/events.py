"""
Random events of the contract, and schemas by id as a test has them.

Why: codec, Confluent's serializers and golden bytes are tried on the same events.
Must not: resemble a real household.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from hypothesis import strategies as st

from schemas.codec import UnknownSchema
from schemas.events import (
    ChildMeasured,
    Composition,
    Dwelling,
    EventRejected,
    HouseholdChanged,
    IndicatorPublished,
    Member,
    Operation,
    Programme,
    Residence,
    Welfare,
    WelfareBasis,
)

__all__ = ["EVENTS", "HOUSEHOLDS", "INDICATORS", "REJECTED", "Known"]


@dataclass(frozen=True)
class Known:
    """Writers' schemas that are known without a registry."""

    ids: Mapping[int, dict[str, Any]] = field(default_factory=dict)
    guids: Mapping[UUID, dict[str, Any]] = field(default_factory=dict)

    def by_id(self, schema_id: int) -> dict[str, Any]:
        """Return the schema of an id that is known, else raise `UnknownSchema`."""
        if schema_id not in self.ids:
            raise UnknownSchema(schema=schema_id)
        return self.ids[schema_id]

    def by_guid(self, guid: UUID) -> dict[str, Any]:
        """Return the schema of a GUID that is known, else raise `UnknownSchema`."""
        if guid not in self.guids:
            raise UnknownSchema(schema=guid)
        return self.guids[guid]


_INT, _LONG = st.integers(-(2**31), 2**31 - 1), st.integers(-(2**63), 2**63 - 1)
_CODE, _TEXT = st.none() | _INT, st.text(max_size=20)
_PSEUDONYM = st.binary(min_size=16, max_size=16)
_TIME = st.datetimes(datetime(1970, 1, 1), datetime(2200, 1, 1)).map(lambda at: at.replace(tzinfo=UTC))  # noqa: DTZ001 - it gets its zone here
_RATIO = st.none() | st.floats(allow_nan=False)
_DWELLING = st.builds(
    Dwelling,
    **dict.fromkeys(("tenure", "floor_area_m2", "floor", "wall", "roof", "water", "lighting", "fuel", "toilet", "sewage"), _CODE),
)
_MEMBER = st.builds(
    Member,
    person=st.none() | _PSEUDONYM,
    **dict.fromkeys(("sex", "birth_year", "birth_month", "relation", "schooling", "work", "presence"), _CODE),
)
_PROGRAMME = st.builds(Programme, programme=_TEXT, last_month=st.none() | st.dates(), amount=st.none() | _LONG)
_CHILD = st.builds(ChildMeasured, person=st.none() | _PSEUDONYM, measured_on=st.dates(), weight_g=_CODE, height_mm=_CODE, status=_CODE)

HOUSEHOLDS = st.builds(
    HouseholdChanged,
    household=_PSEUDONYM,
    key_version=_INT,
    region=_TEXT,
    source=_TEXT,
    valid_from=st.dates(),
    revision=_LONG,
    mapping_version=_INT,
    operation=st.sampled_from(Operation),
    recorded_at=_TIME,
    previous_household=st.none() | _PSEUDONYM,
    residence=st.none() | st.builds(Residence, village=_TEXT),
    composition=st.none() | st.builds(Composition, size=_INT),
    welfare=st.none() | st.builds(Welfare, expenditure=_LONG, basis=st.sampled_from(WelfareBasis)),
    dwelling=st.none() | _DWELLING,
    members=st.none() | st.lists(_MEMBER, max_size=4).map(tuple),
    programmes=st.none() | st.lists(_PROGRAMME, max_size=3).map(tuple),
    nutrition=st.none() | st.lists(_CHILD, max_size=2).map(tuple),
)
REJECTED = st.builds(
    EventRejected,
    topic=_TEXT,
    partition=_INT,
    offset=_LONG,
    arrived_at=_TIME,
    cause=_TEXT,
    field=_TEXT,
    message=_TEXT,
    digest=_TEXT,
)
_COUNTS = (
    *("revision", "households", "people", "known_people", "unknown_people", "poor_households", "poor_people", "rupiah_gap_per_month"),
    *("extreme_known_people", "extreme_poor_people", "vulnerable_people", "aspiring_people", "middle_people", "upper_people"),
    *("expenditure_rupiah_per_month", "modelled_people", "zero_expenditure_people"),
)
_RATIOS = (
    *("p0_ratio", "p1_ratio", "p2_ratio", "income_gap_ratio", "watts_ratio", "extreme_p0_ratio"),
    *("mean_expenditure_rupiah_per_person_month", "modelled_ratio"),
)
INDICATORS = st.builds(
    IndicatorPublished,
    region=_TEXT,
    region_name=_TEXT,
    level=_TEXT,
    urbanisation=_TEXT,
    month=st.dates(),
    reference_version=_INT,
    line_is_stale=st.booleans(),
    **dict.fromkeys(_COUNTS, _LONG),
    **dict.fromkeys(_RATIOS, _RATIO),
)
EVENTS = st.one_of(HOUSEHOLDS, REJECTED, INDICATORS)
