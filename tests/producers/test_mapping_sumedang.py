"""The mapping of Sumedang's two systems: families from the one, measured children from the other, which says nothing of residence."""

from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

import pytest

from processors.law import kept, view
from processors.reference import Reference
from producers.encoding import encode
from producers.faults import RecordUnreadable
from producers.pseudonym import Pseudonyms
from producers.records import Node
from schemas.codec import encode as official
from schemas.events import (
    ChildMeasured,
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
from tests.integration.events import said_by
from tests.producers.samples import KEY, card, mapper, nik
from tests.producers.sumedang import DESA, SIMPATI, child, declared, family, measured

PSEUDONYMS = Pseudonyms(KEY, 1)
PERSON = Member(person=PSEUDONYMS.person(nik(1)), sex=2, birth_year=1990, birth_month=5, relation=1, presence=1)
CHANGED = HouseholdChanged(
    household=PSEUDONYMS.family_card(card(7)),
    key_version=1,
    region="32.11",
    source="desa",
    valid_from=date(2024, 5, 1),
    revision=3,
    mapping_version=1,
    operation=Operation.UPSERT,
    recorded_at=datetime(2024, 5, 2, 3, 4, 5, 6, UTC),
    residence=Residence("32.11.01.2001"),
    composition=Composition(2),
    welfare=Welfare(3_100_000, WelfareBasis.OBSERVED),
    dwelling=Dwelling(tenure=1, floor_area_m2=36, floor=2),
    members=(PERSON, replace(PERSON, person=PSEUDONYMS.person(nik(2)), relation=3)),
    programmes=(Programme("BPNT", date(2024, 4, 1), 200_000),),
)
SILENT = replace(CHANGED, residence=None, composition=None, welfare=None, dwelling=None, members=None, programmes=None)
MEASURED = replace(
    SILENT,
    source="simpati",
    valid_from=date(2024, 5, 7),
    recorded_at=datetime(2024, 5, 8, 3, 4, 5, 6, UTC),
    nutrition=(ChildMeasured(PSEUDONYMS.person(nik(8)), measured_on=date(2024, 5, 7), weight_g=9_400, height_mm=745, status=1),),
)


def of_desa(**said: Any) -> HouseholdChanged:
    """Return the event of a notification of the village services."""
    return mapper(declared(DESA)).event(Node(family(7, 3, **said)))


def of_simpati(**said: Any) -> HouseholdChanged:
    """Return the event of a notification of e-Simpati."""
    return mapper(declared(SIMPATI)).event(Node(measured(7, 3, **said)))


@pytest.mark.parametrize(
    ("said", "wanted"),
    [
        ({}, CHANGED),
        (
            {"pengeluaran": None, "rumah": None, "anggota": None, "bantuan": None},
            replace(SILENT, residence=CHANGED.residence, composition=Composition(2)),
        ),
        ({"jumlah_anggota": None}, replace(CHANGED, composition=None)),
        ({"bantuan": []}, replace(CHANGED, programmes=())),
        ({"jenis": "keluarga.berakhir", "anggota": None}, replace(SILENT, operation=Operation.END)),
        ({"jenis": "keluarga.dibatalkan"}, replace(SILENT, operation=Operation.RETRACT)),
    ],
)
def test_a_family(said: dict[str, Any], wanted: HouseholdChanged) -> None:
    """A notification becomes the event that a person worked out."""
    assert of_desa(**said) == wanted


@pytest.mark.parametrize(
    ("said", "wanted"),
    [
        ({}, MEASURED),
        ({"balita": []}, replace(MEASURED, nutrition=())),
        ({"balita": None}, replace(MEASURED, nutrition=None)),
        (
            {"balita": [child(8, nik=None, berat_kg=None, tinggi_cm=None, status_gizi=None)]},
            replace(MEASURED, nutrition=(ChildMeasured(measured_on=date(2024, 5, 7)),)),
        ),
        ({"jenis": "balita.dibatalkan"}, replace(MEASURED, operation=Operation.RETRACT, nutrition=None)),
    ],
)
def test_measured_children(said: dict[str, Any], wanted: HouseholdChanged) -> None:
    """Weights become grams, lengths millimetres, exactly; and nothing is said of where the household lives."""
    assert of_simpati(**said) == wanted


@pytest.mark.parametrize(
    ("said", "field", "cause"),
    [
        ({"jenis": "balita.lahir"}, "retracted", "is a code that the table does not have"),
        ({"balita": {}}, "nutrition", "is no list"),
        ({"balita": [child(8, berat_kg="9,4")]}, "nutrition.weight_g", "is no decimal number"),
        ({"balita": [child(8, tinggi_cm="74.55")]}, "nutrition.height_mm", "has more than 1 digits behind the point"),
        ({"balita": [child(8, status_gizi="?")]}, "nutrition.status", "is a code that the table does not have"),
        ({"tanggal_ukur": None}, "valid_from", "is missing"),
        ({"kode_desa": "99.01.01.2001"}, "residence.village", "lies in 99.01, which is not in regencies [32.11]"),
    ],
)
def test_what_cannot_be_mapped(said: dict[str, Any], field: str, cause: str) -> None:
    """What cannot be read is told with its field and cause."""
    with pytest.raises(RecordUnreadable) as caught:
        of_simpati(**said)
    assert (caught.value.facts["field"], caught.value.facts["cause"]) == (field, cause)


def test_a_measured_child_can_be_sent() -> None:
    """The event has the contract's shape."""
    assert encode(MEASURED, 1) == official(MEASURED, 1)


def test_a_household_that_only_e_simpati_knows_lives_nowhere() -> None:
    """By the law such a claim holds no household; one that the village services know lives where they say, measured or not."""
    nobody, families = Reference(1, 0, {}, (), ()), said_by(of_desa())
    children = said_by(of_simpati(kode_desa="32.11.02.2002"))

    assert view(kept([children]), date(2024, 6, 1), nobody) is None
    found = view(kept([children, families]), date(2024, 6, 1), nobody)
    assert found is not None
    assert (found.village, found.size) == ("32.11.01.2001", 2)
