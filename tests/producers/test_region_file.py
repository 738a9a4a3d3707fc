"""Region files: those of the product are right and short; of a wrong one every mistake is told at once, with line and suggestion."""

from pathlib import Path

import pytest

from producers.check import check
from producers.faults import RegionFileWrong
from producers.region_file import read_region_file
from tests.producers.samples import CARIK, ENVIRON, KEY, REGIONS, SDDD
from tests.producers.sumedang import DESA

LONGEST = 60
TOKEN = next(line for line in CARIK.read_text(encoding="utf-8").splitlines() if line.startswith("token = "))


def lines_without_examples(text: str) -> list[str]:
    """Return a region file's lines up to its first example: examples do not make it longer."""
    return text.partition("\n[[example]]")[0].rstrip().splitlines()


@pytest.mark.parametrize("file", sorted(REGIONS.glob("*.toml")), ids=lambda file: file.stem)
def test_the_products_region_files_are_right_and_short(file: Path) -> None:
    """Every region file of the product can be read, and is one that a person can take in, nearly all with their examples, too."""
    declared, text = read_region_file(file, ENVIRON), file.read_text(encoding="utf-8")

    assert len(lines_without_examples(text)) <= LONGEST
    assert file == CARIK or len(text.splitlines()) <= LONGEST, "all but the one with three examples"
    assert declared.mapping_version >= 1
    assert len(declared.example) >= 2


@pytest.mark.parametrize("file", sorted(REGIONS.glob("*.toml")), ids=lambda file: file.stem)
def test_the_products_examples_hold(file: Path) -> None:
    """Every example in a region file of the product holds, and nothing is said to no effect."""
    found = check(file, {})

    assert found.in_order, str(found)
    assert found.warnings == []


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
        ('kind = "rest"', 'kind = "rst"', "source.kind: rst is not known: is rest meant? there are rest, "),
        ('household = "no_kk"', "household = 3", "mapping.household: a path in quotes is needed, or a table such as { path"),
        ('valid_from = "berlaku_sejak"', "valid_from = { sum = ['a'] }", "mapping.valid_from: a date is needed, this gives a whole"),
        ('ended = "dihapus"', "ended = { constant = 1 }", "mapping.ended: a flag is needed, this gives a whole"),
        ('village = "^.^.kode_kelurahan"', 'village = "kode.^.x"', "mapping.village.path: is no path: names joined by dots"),
        ("L = 1, P = 2", 'L = 1, P = "2"', "mapping.members.sex: the values of a table are all of one type"),
        ("table = { L = 1, P = 2 }", 'table = { L = 1 }, as = "whole"', "mapping.members.sex: give a table or a conversion (as), not both"),
        ("page = {", "pages = {", "source.pages: is not known here: is page meant?"),
        ('each = "anggota"', "", "mapping.members.each: is missing"),
        (
            'valid_from = "berlaku_sejak"',
            "valid_from = { path = 'x', format = 'DD-MM-YYYY' }",
            "mapping.valid_from.format: DD-MM-YYYY has no % in it: is %d-%m-%Y meant?",
        ),
        (
            'recorded_at = "diubah_pada"',
            "recorded_at = { path = 'x', format = 'yyyy-MM-dd HH:mm:ss' }",
            "recorded_at.format: yyyy-MM-dd HH:mm:ss has no % in it: is %Y-%m-%d %H:%M:%S meant?",
        ),
        (
            'valid_from = "berlaku_sejak"',
            "valid_from = { path = 'x', format = 'date' }",
            "date has no % in it: %d is the day, %m the month",
        ),
        ('valid_from = "berlaku_sejak"', "valid_from = { path = 'x', format = '%D' }", "format: %D stands for nothing: %d is the day"),
        ('valid_from = "berlaku_sejak"', "valid_from = { path = 'x', format = '%d-%' }", "format: ends with a single %"),
        ('as = "year"', 'as = "years"', "mapping.members.birth_year.as: years is not known: is year meant? there are text, whole"),
        ("[mapping.welfare]", "[mapping.welfar]", "mapping.welfar: is not known here: is welfare meant?"),
        (
            "[mapping.members]",
            "[mapping.x]",
            "mapping.x: is not known here: there are household, village",
        ),
        ('more = "masih_ada"', 'mapping_version = "x"', "source.mapping_version: is not known here"),
        (
            "[mapping.dwelling]",
            "greatest_loss = 0.2\n[mapping.dwelling]",
            "mapping.welfare.greatest_loss: is not known here: it belongs in [source]",
        ),
        ("[source]", 'tenure = "x"\n[source]', "tenure: is not known here: it belongs in [mapping.dwelling]"),
        ("[source]", "[sources]", "source: is missing"),
        (
            'token = { path = "/oauth/token", ',
            "token = { ",
            "source.token: path is missing: give path, client_id_env and",
        ),
        (
            "token = {",
            'token = { bearer_env = "X", ',
            "source.token: bearer_env does not belong to client_id_env and",
        ),
        ("token = {", 'tokens = { bearer_env = "X" }\ntoken = {', "source.tokens: is not known here: is token meant?"),
        (TOKEN, "token = {}", "source.token: bearer_env is missing: give path, "),
        (TOKEN, 'token = { key_env = "X" }', "source.token: header is missing: give path, "),
        (TOKEN, 'token = { header = "X: y", key_env = "X" }', "source.token.header: is no name of a header"),
        (TOKEN, 'token = { bearer_env = "MUARA_PSEUDONYM_KEY" }', "names MUARA_PSEUDONYM_KEY, which is for pseudonyms alone"),
        ('kind = "rest"', "", "source.kind: is missing: there are rest, "),
        ('source_id = "carik"', 'source_id = "Carik 2"', "source_id: is no source's id: up to 16 small letters"),
        ('"31.01"', '"3101"', "regencies.0: is no regency's code such as 31.74"),
        ('regencies = ["31.01", "31.71", "31.72", "31.73", "31.74", "31.75"]', "regencies = []", "regencies: needs 1 or more"),
        ('regencies = ["31.01", "31.71", "31.72", "31.73", "31.74", "31.75"]', 'regencies = "31.74"', "regencies: a list in [ ] is needed"),
        ("mapping_version = 1", 'mapping_version = "one"', "mapping_version: a whole number is needed"),
        ("size = 500", "size = 0", "source.page.size: is to be 1 or more"),
        ('"${MUARA_CARIK_URL}"', '"${muara-url}"', "source.url: ${muara-url} names no variable: ${NAME}, of capitals, digits and _"),
        ('"${MUARA_CARIK_URL}"', '"${MUARA_URL"', "source.url: ${MUARA_URL names no variable"),
        ('"${MUARA_CARIK_URL}"', '"<the address>"', "source.url: is still to be filled in: <the address>"),
        ("L = 1, P = 2", "L = 1, L = 2", ": L stands twice in one table"),
    ],
)
def test_single_mistakes(tmp_path: Path, right: str, wrong: str, told: str) -> None:
    """Each kind of mistake is told in words of the file."""
    text = CARIK.read_text(encoding="utf-8")
    assert right in text
    file = tmp_path / "wrong.toml"
    file.write_text(text.replace(right, wrong, 1), encoding="utf-8")

    with pytest.raises(RegionFileWrong) as caught:
        read_region_file(file, None)
    assert told in str(caught.value)


@pytest.mark.parametrize(
    ("lines", "told"),
    [
        ('[drift.only]\n"members.sx" = { new_code = "discard" }', "is no field or section of the mapping: is members.sex meant?"),
        ('[drift.only]\nroof = { new_code = "discard" }', "drift.only.roof: is no field or section of the mapping"),
        ('[drift.only]\nrevision = { new_code = "evolve" }', "drift.only.revision: evolve cannot be: there is no event without revision"),
        ('[drift]\nnew_code = "ignore"', "drift.new_code: ignore is not known: there are freeze, evolve, discard, quarantine"),
        ('[drift]\nnew_codes = "freeze"', "drift.new_codes: is not known here: is new_code meant?"),
    ],
)
def test_mistakes_in_what_drift_is_to_do(tmp_path: Path, lines: str, told: str) -> None:
    """A mode that could never act is a mistake, not a silence."""
    file = tmp_path / "wrong.toml"
    file.write_text(CARIK.read_text(encoding="utf-8").replace("[[example]]", f"{lines}\n[[example]]", 1), encoding="utf-8")

    with pytest.raises(RegionFileWrong) as caught:
        read_region_file(file, None)
    assert told in str(caught.value)


def test_a_wrong_kind_is_told_with_what_would_be_right(tmp_path: Path) -> None:
    """Whoever gives a field something of another kind hears what gives the right one."""
    text = CARIK.read_text(encoding="utf-8").replace('as = "microseconds"', 'as = "date"')
    file = tmp_path / "wrong.toml"
    file.write_text(text, encoding="utf-8")

    with pytest.raises(RegionFileWrong) as caught:
        read_region_file(file, None)
    assert "mapping.revision: a whole is needed, this gives a date: take a path as whole or " in str(caught.value)
    assert "or microseconds or" in str(caught.value)
    assert "a sum or a count" in str(caught.value)


def test_a_misnamed_section_makes_one_mistake(tmp_path: Path) -> None:
    """Examples that speak of its fields are not blamed as well."""
    file = tmp_path / "wrong.toml"
    file.write_text(CARIK.read_text(encoding="utf-8").replace("[mapping.members]", "[mapping.membres]"), encoding="utf-8")

    with pytest.raises(RegionFileWrong) as caught:
        read_region_file(file, None)
    assert str(caught.value).startswith("wrong.toml has 1 mistake, nothing starts:\n")
    assert str(caught.value).endswith("mapping.membres: is not known here: is members meant?")


def test_a_list_whose_items_are_wrong_is_not_called_empty(tmp_path: Path) -> None:
    """One wrong item makes one mistake."""
    text = CARIK.read_text(encoding="utf-8")
    file = tmp_path / "wrong.toml"
    file.write_text(text.replace('["31.01", "31.71", "31.72", "31.73", "31.74", "31.75"]', '["3174"]'), encoding="utf-8")

    with pytest.raises(RegionFileWrong) as caught:
        read_region_file(file, None)
    assert str(caught.value) == (
        "wrong.toml has 1 mistake, nothing starts:\nwrong.toml: line 5, regencies.0: is no regency's code such as 31.74"
    )


def test_what_is_said_to_no_effect_is_a_warning(tmp_path: Path) -> None:
    """A range beside a table, a format of nothing, and a code with blanks are told apart from mistakes."""
    text = CARIK.read_text(encoding="utf-8")
    for right, wrong in {
        "table = { L = 1, P = 2 } }": 'table = { L = 1, "P " = 2 }, range = [1, 2] }',
        'amount = "jumlah"': "amount = { constant = 1, range = [1, 2] }",
    }.items():
        assert right in text
        text = text.replace(right, wrong, 1)
    file = tmp_path / "odd.toml"
    file.write_text(text, encoding="utf-8")
    found = check(file, {})

    assert [one.split(", ", 1)[1].partition(":")[0] for one in found.warnings] == [
        "mapping.members.sex.range",
        "mapping.members.sex.table",
        "mapping.programmes.amount.range",
    ]


@pytest.mark.parametrize(
    ("right", "wrong", "told"),
    [
        ("{village}", "", "file_name needs {village}, {period} and {exported}, each once"),
        ("greatest_loss = 0.2", "greatest_loss = 2", "source.greatest_loss: is to be 1 or less"),
        ("range = [1, 5]", "range = [5, 1]", "mapping.dwelling.tenure: range is [least, greatest]"),
        (
            "greatest_loss = 0.2",
            'footer = { where = { "NAMA KEPALA" = "JUMLAH" }, rows = "P301" }\ngreatest_loss = 0.2',
            "source.footer.where.NAMA KEPALA: NAMA KEPALA is not in columns",
        ),
        (
            "greatest_loss = 0.2",
            'footer = { where = { P301 = "J" }, rows = "P30" }\ngreatest_loss = 0.2',
            "source.footer.rows: P30 is not in columns: is P350 meant?",
        ),
        ("greatest_loss = 0.2", 'labels = { "Nama" = "x" }\ngreatest_loss = 0.2', "source.labels.Nama: Nama is not in columns"),
        (
            "greatest_loss = 0.2",
            'dates = { P304 = "DD/MM/YYYY" }\ngreatest_loss = 0.2',
            "source.dates.P304: DD/MM/YYYY has no % in it: is %d/%m/%Y meant?",
        ),
        ('table = { 1 = "OBSERVED"', 'table = { "" = "MODELLED", 1 = "OBSERVED"', 'mapping.welfare.basis.table: the code "" is never met'),
    ],
)
def test_single_mistakes_of_a_folder(tmp_path: Path, right: str, wrong: str, told: str) -> None:
    """The same for a folder of files; what is wrong below a key has the line of that key."""
    file = tmp_path / "wrong.toml"
    text = SDDD.read_text(encoding="utf-8").replace(right, wrong, 1)
    assert wrong in text
    file.write_text(text, encoding="utf-8")

    with pytest.raises(RegionFileWrong) as caught:
        read_region_file(file, None)
    assert told in str(caught.value)
    begins = (wrong.splitlines() or ["file_name"])[0]
    lines = [number for number, line in enumerate(text.splitlines(), 1) if begins in line]
    assert f"line {lines[0]}, " in str(caught.value)


@pytest.mark.parametrize(
    ("right", "wrong", "told"),
    [
        ('listen = "${MUARA_SUMEDANG_DESA_LISTEN}"', 'listen = "8443"', "source.listen: give host:port, such as 127.0.0.1:8443"),
        ('listen = "${MUARA_SUMEDANG_DESA_LISTEN}"', 'listen = "127.0.0.1:70000"', "source.listen: give host:port"),
        ('path = "/desa"', 'path = "desa"', "source.path: "),
        ('secret_env = ["', 'secret_env = ["the secret itself", "', "source.secret_env.0: "),
        ('records = "notifikasi[]"', "window_s = 2000", "source.window_s: remember_s must be more than twice window_s"),
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
