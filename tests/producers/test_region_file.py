"""Region files: those of the product are right and short; of a wrong one every mistake is told at once, with line and suggestion."""

from pathlib import Path

import pytest

from producers.faults import RegionFileWrong
from producers.region_file import read_region_file, unset_variables
from tests.producers.samples import CARIK, ENVIRON, KEY, REGIONS, SDDD
from tests.producers.sumedang import DESA

_LONGEST = 60


@pytest.mark.parametrize("file", sorted(REGIONS.glob("*.toml")), ids=lambda file: file.stem)
def test_the_products_region_files_are_right_and_short(file: Path) -> None:
    """Every region file of the product can be read, and is one that a person can take in."""
    declared = read_region_file(file, ENVIRON)

    assert len(file.read_text(encoding="utf-8").splitlines()) <= _LONGEST
    assert declared.mapping_version >= 1


def test_placeholders_are_filled_from_the_environment() -> None:
    """Addresses come from the environment, and no secret is ever in the declaration."""
    declared = read_region_file(CARIK, ENVIRON)

    assert declared.source.kind == "rest"
    assert declared.source.url == ENVIRON["MUARA_CARIK_URL"]
    assert ENVIRON["MUARA_CARIK_CLIENT_SECRET"] not in declared.model_dump_json()


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        ("${MUARA_CARIK_URL}", "http://127.0.0.1:1/${MUARA_PSEUDONYM_KEY}"),
        ('client_secret_env = "MUARA_CARIK_CLIENT_SECRET"', 'client_secret_env = "MUARA_PSEUDONYM_PREVIOUS_KEY"'),
    ],
)
def test_no_source_is_told_a_key(tmp_path: Path, right: str, wrong: str) -> None:
    """A region file that names a variable of pseudonyms, which would send the key to its source, starts nothing and shows nothing."""
    text = CARIK.read_text(encoding="utf-8")
    assert right in text
    file = tmp_path / "wrong.toml"
    file.write_text(text.replace(right, wrong), encoding="utf-8")

    for environ in (None, {**ENVIRON, "MUARA_PSEUDONYM_KEY": KEY.hex(), "MUARA_PSEUDONYM_PREVIOUS_KEY": KEY.hex()}):
        with pytest.raises(RegionFileWrong, match=r"names MUARA_PSEUDONYM_\w*KEY, which is for pseudonyms alone") as caught:
            read_region_file(file, environ)
        assert KEY.hex() not in str(caught.value)


def test_every_mistake_is_told_at_once(tmp_path: Path) -> None:
    """Seven mistakes make seven lines, each with its line and key, and a suggestion where one is near."""
    file = tmp_path / "wrong.toml"
    text = CARIK.read_text(encoding="utf-8")
    for right, wrong in {
        "household =": "houshold =",
        'as = "microseconds"': 'as = "microsecs"',
        "mapping_version = 1": "mapping_version = 0",
        'MODEL = "MODELLED"': 'MODEL = "GUESSED"',
        '"31.01"': '"3101"',
        'size = { count = "anggota"': 'size = { count = "anggota", path = "x"',
    }.items():
        assert right in text
        text = text.replace(right, wrong)
    file.write_text(text, encoding="utf-8")

    with pytest.raises(RegionFileWrong) as caught:
        read_region_file(file, {name: value for name, value in ENVIRON.items() if name != "MUARA_CARIK_URL"})

    lines = dict(enumerate(text.splitlines(), 1))
    told = str(caught.value).splitlines()
    assert told[0] == "wrong.toml has 8 mistakes, nothing starts:"
    assert told[1] == f"wrong.toml: line {_line(lines, 'url =')}, source.url: MUARA_CARIK_URL is not set"
    assert f"wrong.toml: line {_line(lines, 'houshold =')}, mapping.houshold: is not known here: is household meant?" in told
    assert f"wrong.toml: line {_line(lines, '[mapping]')}, mapping.household: is missing" in told
    assert (
        f"wrong.toml: line {_line(lines, 'basis =')}, mapping.welfare.basis:"
        " give a table or constant with the values OBSERVED and MODELLED" in told
    )
    size = _line(lines, "composition =")
    assert f"wrong.toml: line {size}, mapping.composition.size: give exactly one of path, constant, sum, count" in told
    assert any(one.startswith(f"wrong.toml: line {_line(lines, 'mapping_version')}, mapping_version: ") for one in told)
    assert any(one.startswith(f"wrong.toml: line {_line(lines, 'regencies')}, regencies.0: ") for one in told)
    assert any(one.startswith(f"wrong.toml: line {_line(lines, 'revision =')}, mapping.revision.as: ") for one in told)


def _line(lines: dict[int, str], begins: str) -> int:
    return next(number for number, line in lines.items() if line.startswith(begins))


@pytest.mark.parametrize(
    ("right", "wrong", "told"),
    [
        ('kind = "rest"', 'kind = "rst"', "source: input tag 'rst' found using 'kind' does not match any of the expected tags"),
        ('household = "no_kk"', "household = 3", "mapping.household: input should be"),
        ('valid_from = "berlaku_sejak"', "valid_from = { sum = ['a'] }", "mapping.valid_from: a date is needed, this gives a whole"),
        ('ended = "dihapus"', "ended = { constant = 1 }", "mapping.ended: a flag is needed, this gives a whole"),
        ('village = "^.^.kode_kelurahan"', 'village = "kode.^.x"', "mapping.village.path: string should match pattern"),
        ("L = 1, P = 2", 'L = 1, P = "2"', "mapping.members.sex: the values of a table are all of one type"),
        ("table = { L = 1, P = 2 }", 'table = { L = 1 }, as = "whole"', "mapping.members.sex: give a table or a conversion (as), not both"),
        ("page = {", "pages = {", "source.pages: is not known here: is page meant?"),
        ('each = "anggota"', "", "mapping.members.each: is missing"),
    ],
)
def test_single_mistakes(tmp_path: Path, right: str, wrong: str, told: str) -> None:
    """Each kind of mistake is told in words of the file."""
    text = CARIK.read_text(encoding="utf-8")
    assert right in text
    file = tmp_path / "wrong.toml"
    file.write_text(text.replace(right, wrong), encoding="utf-8")

    with pytest.raises(RegionFileWrong) as caught:
        read_region_file(file, None)
    assert told in str(caught.value)


@pytest.mark.parametrize(
    ("right", "wrong", "told"),
    [
        ("{village}", "", "file_name needs {village}, {period} and {exported}, each once"),
        ("greatest_loss = 0.2", "greatest_loss = 2", "source.greatest_loss: input should be less than or equal to 1"),
        ("range = [1, 5]", "range = [5, 1]", "mapping.dwelling.tenure: range is [least, greatest]"),
    ],
)
def test_single_mistakes_of_a_folder(tmp_path: Path, right: str, wrong: str, told: str) -> None:
    """The same for a folder of files."""
    file = tmp_path / "wrong.toml"
    file.write_text(SDDD.read_text(encoding="utf-8").replace(right, wrong, 1), encoding="utf-8")

    with pytest.raises(RegionFileWrong) as caught:
        read_region_file(file, None)
    assert told in str(caught.value)


@pytest.mark.parametrize(
    ("right", "wrong", "told"),
    [
        ('listen = "${MUARA_SUMEDANG_DESA_LISTEN}"', 'listen = "8443"', "source.listen: give host:port, such as 127.0.0.1:8443"),
        ('listen = "${MUARA_SUMEDANG_DESA_LISTEN}"', 'listen = "127.0.0.1:70000"', "source.listen: give host:port"),
        ('path = "/desa"', 'path = "desa"', "source.path: "),
        ('secret_env = ["', 'secret_env = ["the secret itself", "', "source.secret_env.0: "),
        ('records = "notifikasi[]"', "window_s = 2000", "source: remember_s must be more than twice window_s"),
        ('records = "notifikasi[]"', 'signature = "X-Sig"', "source.signature: is not known here"),
    ],
)
def test_single_mistakes_of_what_is_pushed(tmp_path: Path, right: str, wrong: str, told: str) -> None:
    """A mistake of a receiver is told."""
    text = DESA.read_text(encoding="utf-8")
    assert right in text
    (tmp_path / "wrong.toml").write_text(text.replace(right, wrong), encoding="utf-8")

    with pytest.raises(RegionFileWrong) as caught:
        read_region_file(tmp_path / "wrong.toml", ENVIRON)
    assert told in str(caught.value)
    assert "the secret itself" not in str(caught.value)


@pytest.mark.parametrize(("content", "told"), [(b"name = ", "is no TOML"), (b"\xff\xfe", "is no TOML"), (None, "cannot be read")])
def test_a_file_that_is_none(tmp_path: Path, content: bytes | None, told: str) -> None:
    """What is no TOML, or not there, is told as that."""
    file = tmp_path / "wrong.toml"
    if content is not None:
        file.write_bytes(content)

    with pytest.raises(RegionFileWrong) as caught:
        read_region_file(file, None)
    assert f"wrong.toml: {told}" in str(caught.value)


def test_variables_that_are_not_set_are_named() -> None:
    """Placeholders and secrets that the environment lacks are known before anything starts."""
    assert unset_variables(CARIK, {"MUARA_CARIK_URL": "x"}) == ["MUARA_CARIK_CLIENT_ID", "MUARA_CARIK_CLIENT_SECRET"]
    assert unset_variables(SDDD, ENVIRON) == []
