"""Checking a region file: a sample shows what leaves and what does not, and nothing of it is shown that must not be."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from producers.check import check
from producers.faults import RegionFileWrong, SampleUnreadable
from tests.producers import sumedang
from tests.producers.samples import CARIK, SDDD, building, card, drop, family, nik, row, snapshot_name


def test_a_sample_answer_shows_events_and_what_is_dropped(tmp_path: Path) -> None:
    """First records become events, the others are counted by cause; names and addresses are dropped by name, never shown."""
    sample = tmp_path / "sample.json"
    answer = {"data": [building(family(1), family(2, no_kk="12"), family(3))], "berikutnya": "x", "masih_ada": False}
    sample.write_text(json.dumps(answer), encoding="utf-8")
    found = check(CARIK, {"MUARA_CARIK_URL": "http://x"}, sample)

    assert [one.event is not None for one in found.records] == [True, False, True]
    assert (found.read, found.faults) == (3, {"household is not 16 digits": 1})
    assert {"anggota.nama", "^.^.alamat", "^.^.dasawisma"} <= set(found.records[0].dropped)
    assert not {"anggota.nik", "no_kk", "pengeluaran.makanan", "^.luas_lantai", "anggota.kehadiran"} & set(found.records[0].dropped)
    told = str(found)
    assert "not set yet: MUARA_CARIK_CLIENT_ID, MUARA_CARIK_CLIENT_SECRET" in told
    assert "  welfare: expenditure 4300000, basis OBSERVED" in told
    assert "\n1 of 3 records go into quarantine: household is not 16 digits\n" in told
    assert "\nnot in order: 3 of 3 examples hold, 2 of 3 records can be mapped, " in told
    assert not any(hidden in told for hidden in (card(1), nik(1), "WARGA", "JALAN"))


@pytest.mark.parametrize("name", [snapshot_name("51.01.01.2001", 202403, datetime(2024, 4, 2, tzinfo=UTC)), "export.csv"])
def test_a_sample_file_shows_events(tmp_path: Path, name: str) -> None:
    """A snapshot is a sample, whatever its name."""
    found = check(SDDD, {}, drop(tmp_path, name, [row(1), row(2, P401="9")]))

    assert [one.event is not None for one in found.records] == [True, False]
    assert found.records[0].dropped == ["P302", "P304", "P411"]
    assert found.unset == ["MUARA_SDDD_FOLDER"]


@pytest.mark.parametrize("several", [False, True])
def test_a_sample_of_what_is_pushed_shows_events(tmp_path: Path, several: bool) -> None:
    """One notification is a sample, and a batch is; what no event carries is named."""
    sample = tmp_path / "sample.json"
    told = [sumedang.family(1), sumedang.family(2, jenis="keluarga.pindah")]
    sample.write_text(json.dumps({"notifikasi": told} if several else told[0]), encoding="utf-8")
    found = check(sumedang.DESA, {"MUARA_SUMEDANG_DESA_SECRET": "x"}, sample)

    assert found.unset == ["MUARA_SUMEDANG_DESA_LISTEN"]
    assert found.faults == ({"retracted is a code that the table does not have": 1} if several else {})
    assert found.records[0].event is not None
    assert found.records[0].dropped == ["data.anggota.nama", "id"]
    assert not any(hidden in str(found) for hidden in (card(1), nik(1), "WARGA"))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (
            '"program"\nfree_text = true',
            "mapping.programmes.free_text: lets whatever is written there leave the region, a person's name too",
        ),
        ('{ path = "program", table = { PKH = "PKH" } }\nfree_text = true', "mapping.programmes.free_text: is never used"),
    ],
)
def test_free_text_is_warned_of(tmp_path: Path, change: str, words: str) -> None:
    """Whoever lets free text out is asked whether they mean it."""
    file = tmp_path / "free.toml"
    file.write_text(CARIK.read_text(encoding="utf-8").replace('programme = "program"', f"programme = {change}"), encoding="utf-8")

    assert [words in one for one in check(file, {}).warnings] == [True]


def test_as_many_records_are_shown_as_were_asked_for(tmp_path: Path) -> None:
    """Of a longer sample the first records are shown, and all are counted."""
    sample = drop(tmp_path, "export.csv", [row(number) for number in range(1, 8)])

    assert [len(check(SDDD, {}, sample, shown).records) for shown in (1, 5, 9)] == [1, 5, 7]
    assert len(check(SDDD, {}, sample).records) == 3
    assert check(SDDD, {}, sample, 1).read == 7


def test_without_a_sample_the_file_alone_is_checked() -> None:
    """A file in order says what it is and where it sends to."""
    told = str(check(SDDD, {"MUARA_SDDD_FOLDER": "/x"}))

    assert told.startswith("Jembrana Satu Data Dari Desa: source sddd, kind files, mapping version 1; no mistakes\nsends to muara.51.01")
    assert told.endswith("\nin order: 2 of 2 examples hold, no warnings")
    assert "not set yet" not in told


def test_mistakes_are_told_before_the_sample(tmp_path: Path) -> None:
    """A wrong file is told as that."""
    (tmp_path / "wrong.toml").write_text("name = 1", encoding="utf-8")

    with pytest.raises(RegionFileWrong):
        check(tmp_path / "wrong.toml", {})


@pytest.mark.parametrize(
    ("content", "why"), [("{", "is no JSON: line 1, column 2"), ("{}", "data[] is missing"), (None, "No such file or directory")]
)
def test_a_sample_that_is_none_is_told(tmp_path: Path, content: str | None, why: str) -> None:
    """A sample that cannot be read is told with its cause."""
    if content is not None:
        (tmp_path / "sample.json").write_text(content, encoding="utf-8")

    with pytest.raises(SampleUnreadable) as caught:
        check(CARIK, {}, tmp_path / "sample.json")
    assert caught.value.facts["why"] == why
