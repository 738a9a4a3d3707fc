"""The mapping: what a record of each system becomes, field by field, and what is put aside with which cause."""

from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from producers.declaration import Declaration
from producers.faults import RecordUnreadable
from producers.mapping import Mapper
from producers.pseudonym import Pseudonyms
from producers.records import Node, nodes_of
from producers.region_file import read_region_file
from schemas.codec import decode, encode, parsed
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
    to_record,
)
from tests.producers.samples import (
    CARIK,
    COLUMNS,
    ENVIRON,
    KEY,
    NEW_KEY,
    building,
    card,
    carik,
    family,
    mapper,
    member,
    nik,
    rotated,
    row,
    sddd,
)

PSEUDONYMS = Pseudonyms(KEY, 1)
PERSON = Member(person=PSEUDONYMS.person(nik(1)), sex=2, birth_year=1990, birth_month=5, relation=1, schooling=13, work=4, presence=1)
CHANGED = HouseholdChanged(
    household=PSEUDONYMS.family_card(card(7)),
    key_version=1,
    region="31.74",
    source="carik",
    valid_from=date(2024, 3, 1),
    revision=1_709_625_600_000_001,
    mapping_version=1,
    operation=Operation.UPSERT,
    recorded_at=datetime(2024, 3, 5, 8, 0, 0, 1, UTC),
    residence=Residence("31.74.01.1001"),
    composition=Composition(2),
    welfare=Welfare(4_300_000, WelfareBasis.OBSERVED),
    dwelling=Dwelling(1, 36, 2, 1, 2, 3, 1, 4, 1, 1),
    members=(
        PERSON,
        replace(PERSON, person=PSEUDONYMS.person(nik(2)), relation=3),
        replace(PERSON, person=PSEUDONYMS.person(nik(3)), relation=8, presence=3),
    ),
    programmes=(Programme("PKH", date(2024, 2, 1), 300_000),),
)
SILENT = replace(CHANGED, residence=None, composition=None, welfare=None, dwelling=None, members=None, programmes=None)


def of_carik(one: dict[str, Any], **said: Any) -> HouseholdChanged:
    """Return the event of a family in a building."""
    return mapper(carik()).event(_record(one, **said))


def _record(one: dict[str, Any], **said: Any) -> Node:
    records, _ = nodes_of({"data": [building(one, **said)]}, carik().source.records)  # type: ignore[union-attr, arg-type]  # of kind rest
    return records[0]


def of_sddd(cells: list[str], declared: Declaration | None = None) -> HouseholdChanged:
    """Return the event of a row in the snapshot of a village for March 2024."""
    file = Node({"village": "51.01.01.2001", "period": "2024-03", "exported": "2024-04-02T10:15:00+00:00", "file": "x"})
    return mapper(declared or sddd()).event(Node({name: cell or None for name, cell in zip(COLUMNS, cells, strict=True)}, file))


def test_a_family_of_carik() -> None:
    """A family becomes the event that a person worked out from the two systems' code lists."""
    assert of_carik(family(7)) == CHANGED


@pytest.mark.parametrize("said", [{}, {"dihapus": True}, {"dibatalkan": True}])
def test_while_keys_are_rotated_every_event_names_the_household_by_both(said: dict[str, Any]) -> None:
    """Whatever an event says, the older name stands beside the new one, and that is all that differs but for pseudonyms of people."""
    alone, both = of_carik(family(7, **said)), mapper(carik(), rotated()).event(_record(family(7, **said)))

    assert (alone.previous_household, both.previous_household) == (None, PSEUDONYMS.family_card(card(7)))
    assert (both.household, both.key_version) == (Pseudonyms(NEW_KEY, 2).family_card(card(7)), 2)
    people: dict[str, Any] = {"household": b"", "key_version": 0, "previous_household": None, "members": None}
    assert replace(alone, **people) == replace(both, **people)


def test_what_was_put_aside_under_the_older_key_is_found_again() -> None:
    """A record put aside before the rotation is known by a mark of the older key; a statement said in the window has both marks."""
    before, window = mapper(carik()), mapper(carik(), rotated())
    mark = before.statement_mark(_record(family(7, anggota=[member(1, jenis_kelamin="X")])))

    assert mark in window.marks_of(window.event(_record(family(7))))
    assert mark not in window.marks_of(window.event(_record(family(8))))
    assert window.statement_mark(_record(family(7, pengeluaran={"makanan": "x"}))) in window.marks_of(window.event(_record(family(7))))


def test_a_row_of_jembrana() -> None:
    """A row becomes an event of its village, dated the first of the month, with the export's time as revision."""
    assert of_sddd(row(7, P401="2", P403="45")) == HouseholdChanged(
        household=PSEUDONYMS.family_card(card(7)),
        key_version=1,
        region="51.01",
        source="sddd",
        valid_from=date(2024, 3, 1),
        revision=1_712_052_900_000_000,
        mapping_version=1,
        operation=Operation.UPSERT,
        recorded_at=datetime(2024, 4, 2, 10, 15, tzinfo=UTC),
        residence=Residence("51.01.01.2001"),
        composition=Composition(4),
        welfare=Welfare(2_400_000, WelfareBasis.OBSERVED),
        dwelling=Dwelling(tenure=2, floor_area_m2=45, floor=1, wall=1, roof=1, lighting=1, fuel=1),
    )


@pytest.mark.parametrize(
    ("said", "wanted"),
    [
        ({"pengeluaran": None}, replace(CHANGED, welfare=None)),
        ({"anggota": None}, replace(CHANGED, composition=None, members=None)),
        ({"bantuan": None}, replace(CHANGED, programmes=None)),
        ({"bantuan": []}, replace(CHANGED, programmes=())),
        (
            {"pengeluaran": {"makanan": 0, "bukan_makanan": 0, "dasar": "MODEL"}},
            replace(CHANGED, welfare=Welfare(0, WelfareBasis.MODELLED)),
        ),
        ({"dihapus": True}, replace(SILENT, operation=Operation.END)),
        ({"dibatalkan": True}, replace(SILENT, operation=Operation.RETRACT)),
        ({"dihapus": True, "dibatalkan": True, "anggota": None}, replace(SILENT, operation=Operation.RETRACT)),
        ({"anggota": [member(1)]}, replace(CHANGED, composition=Composition(1), members=(PERSON,))),
    ],
)
def test_sections_and_operations(said: dict[str, Any], wanted: HouseholdChanged) -> None:
    """A null section says nothing, an empty list says none, and an END or RETRACT says nothing else."""
    assert of_carik(family(7, **said)) == wanted


@pytest.mark.parametrize("number", ["", None, "9901014505909999", "123", "9901014513900001"])
def test_a_person_without_an_identifier_has_no_pseudonym(number: str | None) -> None:
    """An empty, pending or impossible NIK says nothing, and the rest of the member is kept."""
    event = of_carik(family(7, anggota=[member(1, nik=number)]))

    assert event.members == (replace(PERSON, person=None),)


def test_cells_that_are_empty_say_nothing() -> None:
    """An expenditure that was not asked and codes that were not filled in are left out, and the row still counts."""
    event = of_sddd(row(7, P350="", P351="", P401="", P409=""))

    assert (event.welfare, event.composition) == (None, Composition(4))
    assert event.dwelling == Dwelling(floor_area_m2=1, floor=1, wall=1, roof=1, lighting=1)


@pytest.mark.parametrize(
    ("said", "field", "cause", "value"),
    [
        ({"no_kk": "9901"}, "household", "is not 16 digits", "9999"),
        ({"no_kk": None}, "household", "is missing", "nothing"),
        ({"no_kk": 9901010101200001}, "household", "is no text", "9" * 16),
        (
            {"diubah_pada": "yesterday"},
            "revision",
            "is no moment: it does not fit ISO 8601, such as 2024-03-05T08:00:00+07:00",
            "aaaaaaaaa",
        ),
        ({"berlaku_sejak": "2024-02-30"}, "valid_from", "is no date: it does not fit ISO 8601, such as 2024-03-01", "9999-99-99"),
        ({"dihapus": "maybe"}, "ended", "is neither true nor false", "aaaaa"),
        ({"dibatalkan": None}, "retracted", "is missing", "nothing"),
        ({"anggota": []}, "composition.size", "is less than one person", "0"),
        ({"anggota": [member(1, kehadiran="MENINGGAL")]}, "composition.size", "is less than one person", "0"),
        ({"anggota": 3}, "composition.size", "is no list", "nothing"),
        ({"anggota": [member(1, jenis_kelamin="X")]}, "members.sex", "is a code that the table does not have", "a"),
        (
            {"anggota": [member(1, tanggal_lahir="5 Mei")]},
            "members.birth_year",
            "is no date: it does not fit ISO 8601, such as 2024-03-01",
            "9 aaa",
        ),
        ({"anggota": [member(1)] * 1001}, "members", "has more than 1000 items", "1001"),
        ({"pengeluaran": {"makanan": -2, "bukan_makanan": 1, "dasar": "SURVEI"}}, "welfare.expenditure", "is negative", "-9"),
        ({"pengeluaran": {"makanan": 10**12, "bukan_makanan": 1, "dasar": "SURVEI"}}, "welfare.expenditure", "is beyond reason", "9" * 13),
        ({"pengeluaran": {"makanan": 1.5, "bukan_makanan": 1, "dasar": "SURVEI"}}, "welfare.expenditure", "is no whole number", "nothing"),
        ({"pengeluaran": {"makanan": 1, "dasar": "SURVEI"}}, "welfare.expenditure", "is missing", "nothing"),
        ({"pengeluaran": {"makanan": 1, "bukan_makanan": 1}}, "welfare.basis", "is missing", "nothing"),
        ({"bantuan": [{"jumlah": 1}]}, "programmes.programme", "is missing", "nothing"),
        (
            {"bantuan": [{"program": f"PKH {nik(1)}"}]},
            "programmes.programme",
            "is no short name such as PKH or BLT-Desa: it needs a table",
            "aaa " + "9" * 16,
        ),
        (
            {"bantuan": [{"program": "WARGA CONTOH"}]},
            "programmes.programme",
            "is no short name such as PKH or BLT-Desa: it needs a table",
            "aaaaa aaaaaa",
        ),
        ({"bantuan": [{"program": "PKH", "jumlah": int(card(1))}]}, "programmes.amount", "is beyond reason", "9" * 16),
        ({"bantuan": [{"program": "PKH \ud83d"}]}, "programmes.programme", "is no text in UTF-8", "aaa ?"),
        ({"no_kk": "9901\ud83d"}, "household", "is no text in UTF-8", "9999?"),
        ({"bantuan": [{"program": "PKH", "jumlah": 1 << 63}]}, "programmes.amount", "is beyond reason", "9" * 19),
    ],
)
def test_what_cannot_be_mapped(said: dict[str, Any], field: str, cause: str, value: str) -> None:
    """A record that cannot be mapped is refused with field, cause and a masked value."""
    with pytest.raises(RecordUnreadable) as caught:
        of_carik(family(7, **said))

    assert {name: caught.value.facts[name] for name in ("field", "cause", "value")} == {"field": field, "cause": cause, "value": value}


@pytest.mark.parametrize(
    ("village", "cause"),
    [
        ("31.74.01.100", "is no village's code such as 31.74.01.1001"),
        ("3174011001", "is no village's code such as 31.74.01.1001"),
        ("32.11.01.2001", r"lies in 32\.11, which is not in regencies \[31\.01, 31\.71, 31\.72, 31\.73, 31\.74, 31\.75\]"),
    ],
)
def test_a_village_elsewhere_is_refused(village: str, cause: str) -> None:
    """Only villages of the region file's regencies are spoken for."""
    with pytest.raises(RecordUnreadable, match=cause):
        of_carik(family(7), village=village)


@pytest.mark.parametrize(("cell", "value"), [("P401", "6"), ("P401", "0"), ("P409", "12"), ("P408", "x"), ("P303", "4.0")])
def test_codes_outside_their_range_are_refused(cell: str, value: str) -> None:
    """A code that the form does not have is no code."""
    with pytest.raises(RecordUnreadable, match=r"is not from|is no whole number"):
        of_sddd(row(7, **{cell: value}))


@pytest.mark.parametrize("drift", ["", '[drift.only]\n"dwelling.floor" = { new_code = "discard" }\n'])
def test_codes_that_the_contract_does_not_have_are_refused(tmp_path: Path, drift: str) -> None:
    """By a plain path a number beyond a field's codes is a new code: put aside, or what the region file says; those within are taken."""
    text = CARIK.read_text(encoding="utf-8")
    at = text.index("floor = {")
    text = f'{text[:at]}floor = "kode_lantai"\n{text[text.index("wall =", at) :]}'.partition("[[example]]")[0]
    (tmp_path / "plain.toml").write_text(f"{text}{drift}", encoding="utf-8")
    mapping = mapper(read_region_file(tmp_path / "plain.toml", ENVIRON))

    def floor(written: Any) -> int | None:
        dwelling = mapping.event(_record(family(7, kode_lantai=written))).dwelling
        assert dwelling is not None
        return dwelling.floor

    assert [floor(one) for one in (1, "9", None)] == [1, 9, None]
    for beyond in (0, 10, "99", -1):
        if drift:
            assert floor(beyond) is None
            continue
        with pytest.raises(RecordUnreadable, match=r"dwelling\.floor is no code of it: there are 1 to 9") as caught:
            floor(beyond)
        assert caught.value.drift == "new_code"


def test_a_family_finds_its_village_two_levels_up() -> None:
    """What a record lies in is found by parents; a record that lies in nothing has no village."""
    with pytest.raises(RecordUnreadable, match=r"residence\.village is missing"):
        mapper(carik()).event(Node(family(7)))


class _Ours:
    """The registry's answer for a schema that we wrote ourselves."""

    def by_id(self, _: int) -> dict[str, Any]:
        """Return our own schema."""
        return parsed("HouseholdChanged")

    def by_guid(self, _: UUID) -> dict[str, Any]:
        """Return our own schema."""
        return parsed("HouseholdChanged")


_TEXTS = st.text(st.characters(exclude_categories=()))
"""Halves of letters included, which JSON can hold."""


@given(
    st.dictionaries(
        st.sampled_from([*family(7), "asing"]),
        st.none()
        | st.booleans()
        | st.integers()
        | _TEXTS
        | st.lists(st.none() | st.integers() | st.just(member(1)) | st.fixed_dictionaries({"program": _TEXTS, "nik": _TEXTS}))
        | st.just({"a": 1}),
    )
)
def test_whatever_a_record_holds_it_becomes_an_event_or_is_put_aside(said: dict[str, Any]) -> None:
    """No record, however odd, ends the adapter: it is refused with a cause, or becomes an event that the contract can write."""
    try:
        event = of_carik(family(7, **said))
    except RecordUnreadable as fault:
        told, written = set(fault.facts) - {"drift"}, str(fault).encode()
    else:
        told, written = {"field", "cause", "value"}, b"nothing"
        assert decode("HouseholdChanged", encode(event, 1), (), _Ours()) == to_record(event)
    assert told == {"field", "cause", "value"}
    assert written


def test_the_greatest_event_fits_a_record_of_kafka() -> None:
    """A household with as many members and programmes as are let through, all at their longest, is far below Kafka's own limit."""
    programme = {"program": "\U00010000" * 100, "bulan_terakhir": "2024-02", "jumlah": 10**12}
    event = mapper(free_text()).event(_record(family(7, anggota=[member(1)] * 1000, bantuan=[programme] * 1000)))

    assert len(encode(event, 1)) < 600_000


def free_text(**programme: Any) -> Declaration:
    """Return Carik's declaration, whose programmes are declared to be free text; `programme` is added to where it comes from."""
    found = carik()
    assert found.mapping.programmes is not None
    value = found.mapping.programmes.programme.model_copy(update=programme)
    programmes = found.mapping.programmes.model_copy(update={"free_text": True, "programme": value})
    return found.model_copy(update={"mapping": found.mapping.model_copy(update={"programmes": programmes})})


@pytest.mark.parametrize("name", ["PKH", "BPNT", "BLT-Desa", "BLT-DD", "PBI-JKN", "KJP2"])
def test_a_short_name_is_a_programme(name: str) -> None:
    """What the pilots write, and what is written likewise."""
    assert of_carik(family(7, bantuan=[{"program": name}])).programmes == (Programme(name),)


@pytest.mark.parametrize(
    "name", ["", "P", "WARGA CONTOH", "Warga", "warga contoh", "JALAN CONTOH 000001", "PKH 99", "KJP2024", "PKH\n", "\uff30KH"]
)
def test_what_may_be_a_person_is_no_programme_unless_that_is_declared(name: str) -> None:
    """No author's mistake lets a name or an address out: only a declaration that says so in plain words does, or a table."""
    record = _record(family(7, bantuan=[{"program": name}]))

    with pytest.raises(RecordUnreadable) as caught:
        mapper(carik()).event(record)
    assert caught.value.facts["field"] == "programmes.programme"
    assert caught.value.drift == "new_code"
    assert mapper(free_text()).event(record).programmes == (Programme(name),)
    table = {name: "PKH"}
    assert mapper(free_text(table=table)).event(record).programmes == (Programme("PKH"),)


@pytest.mark.parametrize(
    ("name", "cause"),
    [
        (f"PKH {nik(1)}", "holds 16 digits in a row, the shape of a national identifier"),
        ("P" * 101, "has more than 100 letters"),
    ],
)
def test_free_text_is_no_identifier_and_has_an_end(name: str, cause: str) -> None:
    """Whatever is declared."""
    with pytest.raises(RecordUnreadable, match=cause):
        mapper(free_text()).event(_record(family(7, bantuan=[{"program": name}])))


def test_marks_know_a_record_again() -> None:
    """The same record has the same mark, another one another, and the mark tells nothing of it."""
    of = mapper(carik())

    assert of.mark(_record(family(7))) == of.mark(_record(family(7))) != of.mark(_record(family(8)))
    assert isinstance(Mapper(carik(), Pseudonyms(bytes(32), 1)).mark(_record(family(7))), bytes)
    assert Mapper(carik(), Pseudonyms(bytes(32), 1)).mark(_record(family(7))) != of.mark(_record(family(7)))
