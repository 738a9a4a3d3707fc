"""
The events whose bytes are kept: each record of the contract with all it can hold and with as little as it can, and odd values.

Why: the bytes in the folders beside this file were made from them; Confluent's serializers are tried on them too.
Must not: lose a case; a changed contract adds cases, and a folder with the bytes of all.
"""

import json
import sys
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

from schemas.codec import encode, schema_text
from schemas.compatibility import CONTRACT
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
    to_record,
)

__all__ = ["CASES", "SCHEMA_ID", "main", "told"]

Event = HouseholdChanged | EventRejected | IndicatorPublished

SCHEMA_ID = {name: number for number, name in enumerate(CONTRACT, 1)}
"""The ids in the frames of the bytes that are kept."""

_BARE = HouseholdChanged(
    household=bytes(16),
    key_version=1,
    region="99.01",
    source="alpha",
    valid_from=date(2024, 3, 31),
    revision=1,
    mapping_version=1,
    operation=Operation.UPSERT,
    recorded_at=datetime(2024, 4, 1, tzinfo=UTC),
)

CASES: dict[str, Event] = {
    "HouseholdChanged.bare": _BARE,
    "HouseholdChanged.full": HouseholdChanged(
        household=bytes(range(16)),
        key_version=2,
        region="99.01",
        source="carik",
        valid_from=date(2024, 2, 29),
        revision=1_709_164_800_000_001,
        mapping_version=3,
        operation=Operation.UPSERT,
        recorded_at=datetime(2024, 3, 1, 2, 3, 4, 567_890, UTC),
        residence=Residence("99.01.01.1001"),
        composition=Composition(4),
        welfare=Welfare(3_301_152, WelfareBasis.OBSERVED),
        dwelling=Dwelling(1, 36, 2, 3, 4, 5, 1, 4, 1, 2),
        members=(
            Member(bytes(range(16, 32)), 1, 1980, 12, 1, 14, 4, 1),
            Member(bytes(range(32, 48)), 2, 1983, 1, 2, 11, 0, 1),
            Member(None, 2, 2015, None, 3, None, None, 1),
            Member(),
        ),
        programmes=(Programme("PKH", date(2024, 1, 1), 600_000), Programme("BPNT")),
        nutrition=(ChildMeasured(person=bytes(range(48, 64)), measured_on=date(2024, 2, 1), weight_g=11_250, height_mm=865, status=2),),
    ),
    "HouseholdChanged.renamed": replace(_BARE, household=b"\xfe" * 16, key_version=2**31 - 1, previous_household=bytes(range(64, 80))),
    "HouseholdChanged.end": HouseholdChanged(
        household=b"\xff" * 16,
        key_version=1,
        region="99.02",
        source="sddd",
        valid_from=date(1945, 8, 17),
        revision=2**63 - 1,
        mapping_version=2**31 - 1,
        operation=Operation.END,
        recorded_at=datetime(1945, 8, 17, 10, 0, tzinfo=UTC),
    ),
    "HouseholdChanged.retract": HouseholdChanged(
        household=b"\x80" * 16,
        key_version=0,
        region="",
        source="é村",
        valid_from=date(9999, 12, 31),
        revision=-(2**63),
        mapping_version=-(2**31),
        operation=Operation.RETRACT,
        recorded_at=datetime(2199, 12, 31, 23, 59, 59, 999_999, UTC),
        residence=Residence(""),
        composition=Composition(0),
        welfare=Welfare(0, WelfareBasis.MODELLED),
        dwelling=Dwelling(),
        members=(),
        programmes=(),
        nutrition=(),
    ),
    "EventRejected.full": EventRejected(
        topic="muara.99.01.household.v1",
        partition=0,
        offset=123_456_789_012,
        arrived_at=datetime(2024, 3, 1, 2, 3, 4, 567_000, UTC),
        cause="village_unknown",
        field="residence.village",
        message="village 99.01.01.1009 is not known: load it, or correct the event",
        digest="9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
    ),
    "IndicatorPublished.full": IndicatorPublished(
        region="99.01",
        region_name="Kabupaten Contoh",
        level="regency",
        urbanisation="all",
        month=date(2024, 3, 1),
        revision=1_709_164_800_000_001,
        reference_version=7,
        households=250,
        people=1000,
        known_people=960,
        unknown_people=40,
        poor_households=20,
        poor_people=96,
        rupiah_gap_per_month=9_600_001,
        extreme_known_people=960,
        extreme_poor_people=12,
        vulnerable_people=200,
        aspiring_people=500,
        middle_people=160,
        upper_people=4,
        expenditure_rupiah_per_month=1_200_000_000_000,
        modelled_people=30,
        zero_expenditure_people=1,
        p0_ratio=0.1,
        p1_ratio=0.0125,
        p2_ratio=0.0021,
        income_gap_ratio=0.125,
        watts_ratio=0.0131,
        extreme_p0_ratio=0.0125,
        mean_expenditure_rupiah_per_person_month=1_250_000.5,
        modelled_ratio=0.03125,
        line_is_stale=True,
    ),
    "IndicatorPublished.nobody": IndicatorPublished(
        region="99.02",
        region_name="Kota Contoh",
        level="regency",
        urbanisation="rural",
        month=date(1970, 1, 1),
        revision=1,
        reference_version=1,
        households=0,
        people=0,
        known_people=0,
        unknown_people=0,
        poor_households=0,
        poor_people=0,
        rupiah_gap_per_month=0,
        extreme_known_people=0,
        extreme_poor_people=0,
        vulnerable_people=0,
        aspiring_people=0,
        middle_people=0,
        upper_people=0,
        expenditure_rupiah_per_month=0,
        modelled_people=0,
        zero_expenditure_people=0,
    ),
}


def told(value: object) -> object:
    """Return an event's record as JSON can keep it: bytes in hexadecimal, dates and times in ISO 8601."""
    record = to_record(value)
    if isinstance(record, dict):
        return {name: told(one) for name, one in record.items()}
    if isinstance(record, list):
        return [told(one) for one in record]
    if isinstance(record, bytes):
        return record.hex()
    return record.isoformat() if isinstance(record, date) else record


def main(folder: Path) -> None:
    """Write the schemas of today, and of every case its bytes and what they say, into a new folder."""
    folder.mkdir()
    for name in CONTRACT:
        (folder / f"{name}.avsc").write_text(schema_text(name), encoding="utf-8")
    for case, event in CASES.items():
        (folder / f"{case}.hex").write_text(encode(event, SCHEMA_ID[case.partition(".")[0]]).hex() + "\n", encoding="ascii")
        (folder / f"{case}.json").write_text(json.dumps(told(event), indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
