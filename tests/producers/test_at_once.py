"""Reading many fields at once: whatever a record is like, it becomes what each field's own reading makes of it, or the same fault."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from producers import compiling, mapping
from producers.declaration import Declaration
from producers.faults import RecordUnreadable, SourceFrozen
from producers.mapping import Mapper
from producers.plausible import Plausible
from producers.records import Node, nodes_of
from producers.region_file import read_region_file
from producers.thawed import maker
from schemas.events import ChildMeasured, Dwelling, HouseholdChanged, Member
from tests.producers.events import event
from tests.producers.samples import KAMPUNG, building, card, carik, family, mapper, member, nik

_ODD: st.SearchStrategy[Any] = st.sampled_from(
    (None, "", "1", 1, 1.0, True, False, "t", "2024-03-01", "1990-02-30", "2024-03-05T08:00:00Z", "MILIK", "P", "ADA", "x", "\ud800", -1)
) | st.sampled_from((10**20, "99.99.99.9999", [], {}, [1], {"a": 1}, [None], card(7), nik(1), "PKH"))
_MISSING = object()


def _slow(declared: Declaration) -> Mapper:
    """Return a mapper for which every record is odd."""

    def odd(*_: object) -> Any:
        raise KeyError

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(mapping, "at_once", lambda _: odd)
        patch.setattr(compiling, "at_once", lambda _: odd)
        patch.setattr(compiling, "each_at_once", lambda *_: odd)
        return mapper(declared)


def _become(one: Mapper, record: Node) -> object:
    try:
        return one.event(record)
    except (RecordUnreadable, SourceFrozen) as fault:
        return type(fault), fault.facts


def _changed(record: dict[str, Any], changes: list[tuple[str, Any]]) -> dict[str, Any]:
    """Return a record with values put at paths, or taken away; of lists the first item is changed."""
    for path, value in changes:
        *above, name = path.split(".")
        at: Any = record
        for step in above:
            found = at.get(step)
            at = found[0] if isinstance(found, list) and found else found
            if not isinstance(at, dict):
                break
        if isinstance(at, dict):
            if value is _MISSING:
                at.pop(name, None)
            else:
                at[name] = value
    return record


def _places(*names: str) -> st.SearchStrategy[list[tuple[str, Any]]]:
    return st.lists(st.tuples(st.sampled_from(names), _ODD | st.just(_MISSING)), max_size=3)


_OF_FAMILY = _places(
    *("no_kk", "berlaku_sejak", "diubah_pada", "dihapus", "dibatalkan", "pengeluaran", "pengeluaran.makanan", "pengeluaran.dasar"),
    *("anggota", "bantuan", "anggota.nik", "anggota.jenis_kelamin", "anggota.tanggal_lahir", "anggota.kehadiran", "bantuan.program"),
    *("bantuan.bulan_terakhir", "bantuan.jumlah"),
)
_OF_BUILDING = _places("kode_kelurahan", "rumah_tangga.luas_lantai", "rumah_tangga.status_rumah", "rumah_tangga.limbah")


@given(st.lists(st.tuples(_OF_FAMILY, _OF_BUILDING), min_size=1, max_size=4))
@settings(max_examples=300, deadline=None)
def test_odd_families_of_carik(cases: list[tuple[list[tuple[str, Any]], list[tuple[str, Any]]]]) -> None:
    """Nested records, parents and sums: an event, or a fault, of the same field with the same cause."""
    declared = carik()
    quick, slow = mapper(declared), _slow(declared)
    for of_family, of_building in cases:
        told = _changed(building(_changed(family(7), of_family)), of_building)
        for record in nodes_of({"data": [told]}, declared.source.records)[0]:  # type: ignore[union-attr, arg-type]
            assert _become(quick, record) == _become(slow, record)


_ROW = {
    "no_kk": card(7),
    "kode_desa": "35.10.01.2001",
    "jumlah_jiwa": "2",
    "pengeluaran": "2400000",
    "dasar_pengeluaran": "SURVEI",
    "status_rumah": "MILIK",
    "luas_lantai": "36",
    "berlaku_sejak": "2024-03-01",
    "dibatalkan": "f",
    "diubah_pada": "2024-03-05 08:00:00+07",
}
_PERSON = {"nik": nik(1), "jenis_kelamin": "P", "tanggal_lahir": "1990-05-05", "hubungan": "ANAK", "kehadiran": "ADA"}


@given(
    st.lists(
        st.tuples(
            _places(*_ROW, "anggota", "bantuan", *(f"anggota.{name}" for name in _PERSON), "bantuan.program", "bantuan.bulan"),
            _places("revision", "deleted"),
        ),
        min_size=1,
        max_size=4,
    )
)
@settings(max_examples=300, deadline=None)
def test_odd_rows_of_a_database(cases: list[tuple[list[tuple[str, Any]], list[tuple[str, Any]]]]) -> None:
    """Rows with what the log tells around them: the same."""
    declared = read_region_file(KAMPUNG, {"MUARA_SMARTKAMPUNG_DSN": "host=nowhere"})
    quick, slow = mapper(declared), _slow(declared)
    for of_row, of_around in cases:
        row = _ROW | {"anggota": [dict(_PERSON), {**_PERSON, "nik": nik(2)}], "bantuan": [{"program": "PKH", "bulan": "2024-02-01"}]}
        record = Node(_changed(dict(row), of_row), Node(_changed({"revision": 7, "deleted": False}, of_around)))
        assert _become(quick, record) == _become(slow, record)


def test_nothing_of_a_plain_record_is_read_by_itself() -> None:
    """A row as it usually is takes no other way, with lists, nulls and an undeclared column."""
    declared = read_region_file(KAMPUNG, {"MUARA_SMARTKAMPUNG_DSN": "host=nowhere"})
    row = dict.fromkeys(("jenis_lantai", "jenis_dinding", "sumber_air", "penerangan", "bahan_bakar", "kloset")) | _ROW
    record = Node(row | {"anggota": [member(1)], "bantuan": []}, Node({"revision": 7, "deleted": False}))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(compiling, "_raw", lambda _: lambda _: pytest.fail("a field was read by itself"))
        patch.setattr(Plausible, "look", lambda *_: None)  # it reads some records once more, by readings of its own
        made = mapper(declared).event(record)

    assert made == mapper(declared).event(record)
    assert made.dwelling == Dwelling(tenure=1, floor_area_m2=36)


def test_what_is_made_quickly_is_what_its_class_makes() -> None:
    """It is equal, of the class, hashed and shown alike, and frozen."""
    one, quick = event(1), maker(HouseholdChanged)
    values = [getattr(one, name) for name in HouseholdChanged.__slots__]
    made = quick(*values)

    assert (made, hash(made), repr(made), type(made)) == (one, hash(one), repr(one), HouseholdChanged)
    assert maker(Member)(sex=1) == Member(sex=1)
    assert maker(ChildMeasured)(None, 9, measured_on=one.valid_from) == ChildMeasured(None, 9, measured_on=one.valid_from)
    with pytest.raises(AttributeError):
        made.revision = 2  # type: ignore[misc]
    with pytest.raises(TypeError):
        maker(ChildMeasured)(None, 9)
