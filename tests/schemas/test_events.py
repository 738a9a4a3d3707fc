"""The dataclasses are the Avro schemas, field for field: names, order, types, defaults."""

import json
from collections.abc import Sequence
from dataclasses import MISSING, Field, fields
from datetime import date, datetime
from types import NoneType, UnionType
from typing import Any, get_args, get_origin, get_type_hints

import pytest

from schemas import events
from schemas.codec import schema_text
from schemas.compatibility import CONTRACT
from schemas.events import HouseholdChanged, Operation, Programme, Residence, to_record

PLAIN: dict[str, type] = {"int": int, "long": int, "double": float, "boolean": bool, "string": str, "null": NoneType}
LOGICAL: dict[str, type] = {"date": date, "timestamp-micros": datetime}


def same(kind: Any, avro: Any, named: dict[str, Any]) -> bool:
    """Return whether a Python type is what an Avro type is read as, dataclasses and enums looked into."""
    if isinstance(avro, str):
        return same(kind, named[avro], named) if avro in named else kind is PLAIN[avro]
    if isinstance(avro, list):
        parts = get_args(kind) if isinstance(kind, UnionType) else (kind,)
        return len(parts) == len(avro) and avro[0] == "null" and parts[-1] is NoneType and same(parts[0], avro[1], named)
    named.update({avro["name"]: avro} if "name" in avro else {})
    return bool("logicalType" in avro and kind is LOGICAL[avro["logicalType"]]) or same_shape(kind, avro, named)


def same_shape(kind: Any, avro: dict[str, Any], named: dict[str, Any]) -> bool:
    """Return whether a Python type has the shape of a complex Avro type."""
    match avro["type"]:
        case "fixed":
            return kind is bytes
        case "enum":
            return bool(kind.__name__ == avro["name"]) and [one.value for one in kind] == avro["symbols"]
        case "array":
            listed = get_origin(kind) is Sequence or (get_origin(kind) is tuple and get_args(kind)[1:] == (...,))
            return listed and same(get_args(kind)[0], avro["items"], named)
        case "record":
            return bool(kind.__name__ == avro["name"]) and same_fields(kind, avro, named)
    return False


def same_fields(kind: type, record: dict[str, Any], named: dict[str, Any]) -> bool:
    """Return whether a dataclass has the fields of an Avro record; fails with the first that differs."""
    ours, types = fields(kind), get_type_hints(kind)
    assert [one.name for one in ours] == [one["name"] for one in record["fields"]]
    for one, avro in zip(ours, record["fields"], strict=True):
        assert same(types[one.name], avro["type"], named), f"{record['name']}.{one.name}"
        assert default_of(one) == avro.get("default", MISSING), f"{record['name']}.{one.name}"
    return True


def default_of(one: "Field[Any]") -> object:
    """Return the default of a dataclass's field."""
    assert one.default_factory is MISSING
    return one.default


@pytest.mark.parametrize("name", CONTRACT)
def test_a_dataclass_is_its_schema(name: str) -> None:
    """Every record of the contract has a dataclass of its name with its fields, in order, with type and default."""
    assert same(getattr(events, name), json.loads(schema_text(name)), {})


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (lambda schema: schema["fields"].reverse(), "order"),
        (lambda schema: schema["fields"][0].update(name="family"), "name"),
        (lambda schema: schema["fields"][1].update(type="string"), "type"),
        (lambda schema: schema["fields"][9].pop("default"), "default"),
        (lambda schema: schema["fields"][7]["type"]["symbols"].reverse(), "symbols"),
    ],
)
def test_a_difference_would_be_seen(change: Any, why: str) -> None:
    """The comparison above is not blind: a schema changed in one respect is not the dataclass's."""
    schema = json.loads(schema_text("HouseholdChanged"))
    change(schema)

    with pytest.raises(AssertionError):
        assert same(HouseholdChanged, schema, {}), why


def test_to_record_turns_events_into_plain_values() -> None:
    """Records become dicts and tuples lists, at every depth; scalars, enums among them, stay what they are."""
    aid = (Programme("PKH", date(2024, 3, 1), 600_000), Programme("BPNT"))

    assert to_record(aid) == [
        {"programme": "PKH", "last_month": date(2024, 3, 1), "amount": 600_000},
        {"programme": "BPNT", "last_month": None, "amount": None},
    ]
    assert to_record(Residence("99.01.01.1001")) == {"village": "99.01.01.1001"}
    assert to_record(Operation.END) == "END"
    assert to_record(()) == []
    assert to_record(None) is None
