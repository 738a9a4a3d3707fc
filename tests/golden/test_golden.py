"""What was written by any version of the contract is read for ever."""

import json
from pathlib import Path
from typing import Any

import fastavro
import pytest

from schemas.codec import decode, encode, schema_text
from schemas.compatibility import CONTRACT, check
from tests.golden.cases import CASES, SCHEMA_ID, main, told
from tests.schemas.events import Known

HERE = Path(__file__).parent
VERSIONS = sorted((one for one in HERE.glob("v[0-9]*")), key=lambda one: int(one.name[1:]))
KEPT = sorted(HERE.glob("v*/*.hex"))


def kept_schema(folder: Path, name: str) -> dict[str, Any]:
    """Return a schema of the contract as it was in a version."""
    schema: dict[str, Any] = json.loads((folder / f"{name}.avsc").read_text(encoding="utf-8"))
    return schema


def short(path: Path) -> str:
    """Return a file's name with its version."""
    return f"{path.parent.name}/{path.stem}"


@pytest.mark.parametrize("file", KEPT, ids=short)
def test_kept_bytes_are_read(file: Path) -> None:
    """Bytes of any version say today what they said when they were written; fields added since have their default."""
    name = file.stem.partition(".")[0]
    writer: Any = fastavro.parse_schema(kept_schema(file.parent, name))

    record = decode(name, bytes.fromhex(file.read_text(encoding="ascii")), (), Known({SCHEMA_ID[name]: writer}))

    said = json.loads(file.with_suffix(".json").read_text(encoding="utf-8"))
    assert said == {field: value for field, value in _told(record).items() if field in said}
    defaults = {one["name"]: one.get("default") for one in json.loads(schema_text(name))["fields"]}
    assert {field: record[field] for field in record if field not in said} == {
        field: defaults[field] for field in record if field not in said
    }


def _told(record: dict[str, Any]) -> dict[str, Any]:
    plain: dict[str, Any] = json.loads(json.dumps(_plain(record)))
    return plain


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _plain(one) for name, one in value.items()}
    return [_plain(one) for one in value] if isinstance(value, list) else told(value)


@pytest.mark.parametrize("case", CASES)
def test_todays_bytes_are_those_of_the_newest_version(case: str) -> None:
    """The encoder writes what it wrote when the newest version was made; a changed contract needs a new folder."""
    newest = VERSIONS[-1] / f"{case}.hex"

    assert encode(CASES[case], SCHEMA_ID[case.partition(".")[0]]).hex() == newest.read_text(encoding="ascii").strip()


@pytest.mark.parametrize("name", CONTRACT)
def test_the_newest_version_is_the_contract(name: str) -> None:
    """A schema cannot change without its bytes being kept too: python -m tests.golden.cases tests/golden/vN makes the folder."""
    assert kept_schema(VERSIONS[-1], name) == json.loads(schema_text(name))


@pytest.mark.parametrize("name", CONTRACT)
@pytest.mark.parametrize("version", VERSIONS, ids=lambda one: one.name)
def test_every_version_and_todays_contract_read_each_other(version: Path, name: str) -> None:
    """No change since any version breaks a rule of compatibility."""
    assert check(kept_schema(version, name), json.loads(schema_text(name))) == []


def test_no_case_is_missing(tmp_path: Path) -> None:
    """Every case is kept in the newest version, byte for byte as a new folder would have it, and nothing else is there."""
    main(tmp_path / "new")

    made = {one.name: one.read_bytes() for one in (tmp_path / "new").iterdir()}
    assert made == {one.name: one.read_bytes() for one in VERSIONS[-1].iterdir()}
    assert len(KEPT) >= len(CASES) > 0
