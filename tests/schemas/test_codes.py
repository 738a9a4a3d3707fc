"""The codes of the contract are those that the documentation of the Avro schema names, of every coded field, and of no other."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import schemas
from schemas.codes import CODES, Codes

_SPAN = re.compile(r"Unit: (?:code|month) (\d+) to (\d+)\.")
_ONE_BY_ONE = re.compile(r"(\d+) [a-z]+(?=[,.])")


def _fields(record: dict[str, Any], section: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """Give the fields of the schema's sections, by section and name."""
    for field in record["fields"]:
        for kind in field["type"] if isinstance(field["type"], list) else [field["type"]]:
            inner = kind["items"] if isinstance(kind, dict) and kind.get("type") == "array" else kind
            if isinstance(inner, dict) and inner.get("type") == "record":
                yield from _fields(inner, field["name"])
        if section:
            yield f"{section}.{field['name']}", field


def _codes(field: dict[str, Any]) -> Codes | None:
    """Return the codes that a field's documentation names: from one to another, or one by one."""
    if found := _SPAN.search(field["doc"]):
        return Codes(int(found[1]), int(found[2]))
    if "int" in field["type"] and "Unit: code." in field["doc"]:
        named = sorted(int(one) for one in _ONE_BY_ONE.findall(field["doc"]))
        assert named == list(range(named[0], named[-1] + 1)), field
        return Codes(named[0], named[-1])
    return None


def test_the_codes_are_those_of_the_schema() -> None:
    """Field for field the same, and none missing on either side."""
    schema = json.loads((Path(schemas.__file__).parent / "avro" / "HouseholdChanged.avsc").read_text(encoding="utf-8"))

    told = {name: codes for name, field in _fields(schema) if (codes := _codes(field)) is not None}

    assert len(told) == 16
    assert told == CODES
