"""A sample beside the mapping: mistyped paths are found though no record fails by them; what is never met is told apart from mistakes."""

import json
from pathlib import Path
from typing import Any

import pytest

from producers.check import Checked, check
from producers.faults import SampleUnreadable
from tests.producers.samples import CARIK, REGIONS, SDDD, building, card, drop, family, member, nik, row

AREAS = frozenset({"317401"})


def checked(folder: Path, *records: dict[str, Any], change: tuple[str, str] = ("", ""), **said: Any) -> Checked:
    """Return what is found of a sample of Carik's, with one change made to the region file."""
    file, sample = folder / "carik.toml", folder / "sample.json"
    text = CARIK.read_text(encoding="utf-8")
    assert change[0] in text
    file.write_text(text.replace(*change, 1) if change[0] else text, encoding="utf-8")
    sample.write_text(
        json.dumps({"data": [building(*(records or (family(1),)), **said)], "berikutnya": "x", "masih_ada": False}), encoding="utf-8"
    )
    return check(file, {}, sample)


@pytest.mark.parametrize(
    ("change", "key", "meant"),
    [
        (('"jenis_kelamin"', '"jenis_kelamn"'), "mapping.members.sex.path: jenis_kelamn", "jenis_kelamin"),
        (('"^.luas_lantai"', '"luas_lantai"'), "mapping.dwelling.floor_area_m2.path: luas_lantai", "^.luas_lantai"),
        (('"^.^.kode_kelurahan"', '"^.kode_kelurahan"'), "mapping.village.path: ^.kode_kelurahan", "^.^.kode_kelurahan"),
        (('when = "pengeluaran"', 'when = "pengluaran"'), "mapping.welfare.when: pengluaran", "pengeluaran"),
        (('each = "bantuan"', 'each = "bantuam"'), "mapping.programmes.each: bantuam", "bantuan"),
        (('"pengeluaran.makanan"', '"pengeluaran.mak"'), "mapping.welfare.expenditure.sum: pengeluaran.mak", "pengeluaran.makanan"),
        (("where = { kehadiran", "where = { hadir"), "mapping.composition.size.where.hadir: hadir", "kehadiran"),
        (('person = "nik"', 'person = "no_kk"'), "mapping.members.person.path: no_kk", "^.no_kk"),
    ],
)
def test_paths_that_lead_nowhere(tmp_path: Path, change: tuple[str, str], key: str, meant: str) -> None:
    """Each is told with its line and the path that may be meant, as it would be written in its place."""
    found = checked(tmp_path, change=change)

    lines = (tmp_path / "carik.toml").read_text(encoding="utf-8").splitlines()
    number = next(place for place, line in enumerate(lines, 1) if change[1] in line)
    assert found.nowhere == [f"line {number}, {key} leads nowhere in the sample: is {meant} meant?"]
    assert not found.in_order
    assert "1 path leads nowhere" in str(found).splitlines()[-1]


def test_a_path_out_of_an_item_leads_to_the_record(tmp_path: Path) -> None:
    """Within a list `^` is the record, which has its card's number."""
    assert checked(tmp_path, change=('person = "nik"', 'person = "^.no_kk"')).nowhere == []


def test_what_is_null_is_not_judged(tmp_path: Path) -> None:
    """Below a part that is null in every record, or in a list that is empty, nothing is known of a path."""
    found = checked(tmp_path, family(1, pengeluaran=None, anggota=[]), change=('"pengeluaran.makanan"', '"pengeluaran.makan"'))
    assert found.nowhere == []

    assert checked(tmp_path, family(1, pengeluaran=None), family(2)).nowhere == []


def test_a_column_that_is_empty_is_there(tmp_path: Path) -> None:
    """Of a snapshot every declared column is there, and what the mapping takes from the file's name, too."""
    found = check(SDDD, {}, drop(tmp_path, "x.csv", [row(1, P350="", P401="")]))

    assert found.nowhere == []
    assert any("mapping.dwelling.tenure.range: the sample has no value here" in one for one in found.warnings)


def test_codes_that_are_never_met_are_warnings(tmp_path: Path) -> None:
    """A table's entries that the sample never has, and tables with nothing to read, are told and fail nothing."""
    found = checked(tmp_path, family(1), family(2, anggota=[member(1, jenis_kelamin="L", pendidikan=None)]))

    assert found.in_order
    told = [one.split(", ", 1)[1] for one in found.warnings]
    assert "mapping.welfare.basis.table: the sample never has MODEL" in told
    assert not any(one.startswith("mapping.members.sex.table") for one in told)
    assert "mapping.dwelling.tenure.table: the sample never has SEWA, KONTRAK, BEBAS, DINAS, LAIN" in told
    assert str(found).splitlines()[-1] == f"in order: 3 of 3 examples hold, 2 of 2 records can be mapped, {len(told)} warnings"


def test_codes_of_the_sample_that_the_table_lacks_are_told(tmp_path: Path) -> None:
    """Beside what is never met stands what is met instead: short codes plainly, longer ones where several records have them."""
    people = [member(number, jenis_kelamin="LK", hubungan="SUAMI", pendidikan=f"WARGA {number:06}") for number in range(1, 5)]
    found = checked(tmp_path, family(1, anggota=people), family(2, anggota=[member(5, hubungan="MENANTU"), member(6, jenis_kelamin="P")]))

    told = [one.split(", ", 1)[1] for one in found.warnings]
    assert "mapping.members.sex.table: the sample never has L; it has LK, which the table does not have" in told
    assert (
        "mapping.members.relation.table: the sample never has ISTRI, ANAK, LAIN; it has SUAMI, aaaaaaa, which the table does not have"
        in told
    )
    schooling = next(one for one in told if one.startswith("mapping.members.schooling.table"))
    assert schooling.endswith("it has aaaaa 999999, which the table does not have")
    assert "WARGA" not in str(found)


def test_a_wrong_path_to_a_table_shows_nobodys_number(tmp_path: Path) -> None:
    """Where a table's path leads to national identifiers they are shown by their shape, however often each is there."""
    found = checked(tmp_path, *[family(1, anggota=[member(1)] * 5)], change=('"jenis_kelamin"', '"nik"'))

    assert any("it has 9999999999999999, which the table does not have" in one for one in found.warnings)
    assert nik(1) not in str(found)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (('each = "anggota"', 'each = "angotaa"'), "mapping.members.each: angotaa leads nowhere in the sample: is anggota meant?"),
        (
            ('count = "anggota"', 'count = "anggotaa"'),
            "mapping.composition.size.count: anggotaa leads nowhere in the sample: is anggota meant?",
        ),
    ],
)
def test_for_a_list_a_list_is_suggested(tmp_path: Path, change: tuple[str, str], told: str) -> None:
    """Never a field of its items, though nothing reads those any more."""
    assert any(told in one for one in checked(tmp_path, change=change).nowhere)


def test_a_village_elsewhere_is_told_with_its_regency(tmp_path: Path) -> None:
    """A record of another regency says which one that is, and which the file has."""
    found = checked(tmp_path, kode_kelurahan="33.72.01.1001")

    told = "residence.village lies in 33.72, which is not in regencies [31.01, 31.71, 31.72, 31.73, 31.74, 31.75]"
    assert dict(found.faults) == {told: 1}


def test_a_regency_that_nobody_knows_is_a_warning(tmp_path: Path) -> None:
    """Where the districts of the country are given, a regency without one is told with its line; it may be a new one."""
    (tmp_path / "x.toml").write_text(CARIK.read_text(encoding="utf-8").replace('"31.01"', '"33.99"'), encoding="utf-8")
    areas = {f"31{city}01" for city in (71, 72, 73, 74, 75)}

    assert check(tmp_path / "x.toml", {}).warnings == []
    found = check(tmp_path / "x.toml", {}, areas=areas)
    (told,) = found.warnings
    assert "regencies.0: 33.99 is no regency that the product's list has: is it a Kemendagri code, and a new one?" in told
    assert told.startswith("line ")
    assert found.in_order


def test_villages_of_a_table_that_can_never_arrive_are_warnings(tmp_path: Path) -> None:
    """No village's code, another regency's, or of a district that there is not: each is told before a record of it is put aside."""
    table = '{ A = "3174011001", B = "32.01.01.2001", C = "31.74.99.1001", D = "31.74.01.1001" }'
    text = CARIK.read_text(encoding="utf-8").replace('village = "^.^.kode_kelurahan"', f"village = {{ path = 'x', table = {table} }}")
    file = tmp_path / "x.toml"
    file.write_text(text.split("[[example]]")[0], encoding="utf-8")
    areas = {f"31{city}01" for city in ("01", 71, 72, 73, 74, 75)}

    told = [one.split(", ", 1)[1] for one in check(file, {}, areas=areas).warnings]

    assert told == [
        "mapping.village: 3174011001 is no village's code such as 31.74.01.1001: its records would be put aside",
        "mapping.village: 32.01.01.2001 lies in 32.01, which is none of the file's regencies: its records would be put aside",
        "mapping.village: 31.74.99.1001 lies in no district that the product's list has: muara regions list 31.74 shows them",
    ]


def test_areas_that_are_none_now_are_a_warning(tmp_path: Path) -> None:
    """National identifiers keep the area of their first issue: an unknown one is told by number, never by itself."""
    file = tmp_path / "sample.json"
    known = "317401" + nik(1)[6:]
    answer = {"data": [building(family(1, anggota=[member(1), member(2, nik=known), member(3, nik="x")]))]}
    file.write_text(json.dumps(answer), encoding="utf-8")

    assert not any("area" in one for one in check(CARIK, {}, file).warnings)
    told = [one.split(", ", 1)[1] for one in check(CARIK, {}, file, areas=AREAS).warnings if "area" in one]
    assert told == [
        "mapping.household.path: 1 of 1 numbers begin with an area that is none now; they are taken all the same",
        "mapping.members.person.path: 1 of 2 numbers begin with an area that is none now; they are taken all the same",
    ]


def test_placeholders_are_a_warning(tmp_path: Path) -> None:
    """A number whose serial is 9999 stands for one that is still to come: it is taken, and told how many there are."""
    file = tmp_path / "sample.json"
    file.write_text(json.dumps({"data": [building(family(1, anggota=[member(1), member(9999)]))]}), encoding="utf-8")

    told = [one for one in check(CARIK, {}, file, areas=AREAS).warnings if "9999" in one]
    assert [one.split(", ", 1)[1] for one in told] == [
        "mapping.members.person.path: 1 of 2 numbers are placeholders (serial 9999): of these people no pseudonym is made"
    ]


def test_what_leaves_stands_beside_what_does_not(tmp_path: Path) -> None:
    """Each line of a record has the event on its left and the dropped fields on its right; no value of these is shown."""
    lines = str(checked(tmp_path, family(1, catatan="RAHASIA"), alamat="JALAN CONTOH 12")).splitlines()

    first = lines.index(next(line for line in lines if line.startswith("record 1:")))
    assert lines[first].endswith(" dropped:")
    pairs = [(line[:74].strip(), line[75:].strip()) for line in lines[first + 1 :]]
    assert {"^.^.alamat", "anggota.nama", "catatan"} <= {right for _, right in pairs}
    assert {"composition: size 2", "welfare: expenditure 4300000, basis OBSERVED"} <= {left for left, _ in pairs}
    assert not any(hidden in "\n".join(lines) for hidden in ("RAHASIA", "JALAN", "WARGA", card(1), nik(1)))


def test_what_silence_means_is_told(tmp_path: Path) -> None:
    """For each section: what it means where a record does not have it, and which are never said."""
    told = str(checked(tmp_path, change=("[mapping.programmes]", "[drift.only]\n[mapping.programmes]")))

    assert "  welfare: where pengeluaran is missing or null, nothing is said, what was said before goes on" in told
    assert "an empty list says that there are none" in told
    assert "  members: is not declared: this source never says anything of it" in str(check(SDDD, {}))


def test_names_of_fields_may_be_numbers_of_people(tmp_path: Path) -> None:
    """A source that uses national identifiers as names has them shown by their shape."""
    told = str(checked(tmp_path, family(1, per_orang={nik(1): 1})))

    assert "aaa_aaaaa.9999999999999999" in told
    assert nik(1) not in told


@pytest.mark.parametrize("content", ["[" * 100_000, '{"data": [{}]}', "\ud83d"])
def test_samples_that_are_none(tmp_path: Path, content: str) -> None:
    """However odd a sample, it is told that it cannot be read."""
    (tmp_path / "x.json").write_bytes(content.encode("utf-8", "surrogatepass"))

    with pytest.raises(SampleUnreadable):
        check(CARIK, {}, tmp_path / "x.json")


@pytest.mark.parametrize("file", ["sumedang-desa", "banyuwangi-smart-kampung"])
@pytest.mark.parametrize("content", ["3", '"x"', "[]", "[3]", "{}", '[{"^": 3}]', '{"notifikasi": 3}', "null"])
def test_odd_samples_of_what_pushes_and_of_databases(tmp_path: Path, file: str, content: str) -> None:
    """Whatever JSON is given, it is told that it is no sample, or each record that it cannot be mapped."""
    (tmp_path / "x.json").write_text(content, encoding="utf-8")
    try:
        found = check(REGIONS / f"{file}.toml", {}, tmp_path / "x.json")
    except SampleUnreadable:
        return
    assert sum(found.faults.values()) == found.read


def test_a_row_of_a_database_may_say_what_the_log_tells(tmp_path: Path) -> None:
    """A row, or a list of rows; `^` in it is the change, of which there is one by itself."""
    row_of = {"no_kk": card(1), "kode_desa": "35.10.01.2001", "berlaku_sejak": "2024-03-01", "diubah_pada": "2024-03-05T08:00:00+07:00"}
    rows = [{**row_of, "dibatalkan": False, "jumlah_jiwa": 3, "anggota": []}, {**row_of, "dibatalkan": False, "^": {"deleted": True}}]
    (tmp_path / "x.json").write_text(json.dumps(rows), encoding="utf-8")
    found = check(REGIONS / "banyuwangi-smart-kampung.toml", {}, tmp_path / "x.json")

    assert [one.event.operation.value if one.event else one.fault for one in found.records] == ["UPSERT", "END"]


def test_a_list_is_no_body_that_is_pushed(tmp_path: Path) -> None:
    """What a sample must be depends on the kind of source, and the message says it."""
    sample = tmp_path / "sample.json"
    sample.write_text("[{}]", encoding="utf-8")

    with pytest.raises(SampleUnreadable, match=r"sample\.json cannot be read \(is a list\): give one body as it is posted, in JSON"):
        check(REGIONS / "sumedang-desa.toml", {}, sample)
