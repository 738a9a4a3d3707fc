"""Codes in a region file: those that the contract has are taken, any other is told with its line, and nothing starts."""

from pathlib import Path

import pytest

from producers.faults import RegionFileWrong
from producers.region_file import read_region_file
from schemas.codes import CODES
from tests.producers.samples import CARIK, ENVIRON


@pytest.mark.parametrize(
    ("right", "wrong", "line", "told"),
    [
        ("P = 2", "P = 7", "sex = ", "mapping.members.sex.table.P: 7 is no code of sex: there are 1 to 2"),
        ("TANAH = 8", "TANAH = 99", "floor = ", "mapping.dwelling.floor.table.TANAH: 99 is no code of floor: there are 1 to 9"),
        ("ANAK = 3", "ANAK = -1", "relation = ", "mapping.members.relation.table.ANAK: -1 is no code of relation: there are 1 to 8"),
        (
            '{ path = "pekerjaan", table = { TIDAK = 0, USAHA = 1, BURUH = 4, PNS = 5 } }',
            "{ constant = 8 }",
            "work = ",
            "mapping.members.work.constant: 8 is no code of work: there are 0 to 7",
        ),
        (
            '{ path = "^.kloset", table = { SENDIRI = 1, BERSAMA = 2, KOMUNAL = 3, UMUM = 4, TIDAK = 6 } }',
            '{ path = "^.kloset", range = [0, 6] }',
            "toilet = ",
            "mapping.dwelling.toilet.range: [0, 6] is wider than the codes of toilet: there are 1 to 6",
        ),
    ],
)
def test_codes_that_the_contract_does_not_have(tmp_path: Path, right: str, wrong: str, line: str, told: str) -> None:
    """A target code beyond its field's codes is told with its line, and nothing starts."""
    text = CARIK.read_text(encoding="utf-8")
    assert right in text
    text = text.replace(right, wrong, 1)
    (tmp_path / "wrong.toml").write_text(text, encoding="utf-8")

    for environ in (None, ENVIRON):
        with pytest.raises(RegionFileWrong) as caught:
            read_region_file(tmp_path / "wrong.toml", environ)
        number = next(number for number, one in enumerate(text.splitlines(), 1) if one.startswith(line))
        assert str(caught.value) == f"wrong.toml has 1 mistake, nothing starts:\nwrong.toml: line {number}, {told}"


@pytest.mark.parametrize("name", sorted(CODES))
def test_every_code_of_the_contract_may_stand_in_a_table(tmp_path: Path, name: str) -> None:
    """The least and the greatest code of every coded field are taken, the next beyond them are not."""
    section, field = name.split(".")
    head, each = CARIK.read_text(encoding="utf-8").partition("[mapping.welfare]")[0], "" if section == "dwelling" else 'each = "x"\n'
    needed = 'measured_on = "y"\n' if section == "nutrition" else ""
    file = tmp_path / "coded.toml"

    for codes, right in ((CODES[name], True), ((CODES[name].least - 1, 1), False), ((1, CODES[name].greatest + 1), False)):
        table = f"{{ A = {codes[0]}, B = {codes[1]} }}"
        file.write_text(f"{head}[mapping.{section}]\n{each}{needed}{field} = {{ path = 'z', table = {table} }}\n", encoding="utf-8")
        if right:
            assert read_region_file(file, None).mapping
        else:
            with pytest.raises(RegionFileWrong, match=f"is no code of {field}: there are {CODES[name]}"):
                read_region_file(file, None)
