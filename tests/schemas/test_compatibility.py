"""Every rule finds the change that it is there for, in both directions, and lets harmless changes pass."""

import copy
import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from confluent_kafka.schema_registry import ConfigCompatibilityLevel, Schema, SchemaRegistryClient, ServerConfig

from deploy.embedded import EmbeddedServices
from schemas.codec import schema_text
from schemas.compatibility import CONTRACT, Incompatibility, check, check_registered, faults, schema_name_of
from schemas.registry import Registry
from schemas.topics import INDICATOR_TOPIC, household_topic, rejected_topic, subject_of

Change = Callable[[dict[str, Any]], None]


def household() -> dict[str, Any]:
    """Return today's schema of a household's change, free to be changed."""
    schema: dict[str, Any] = json.loads(schema_text("HouseholdChanged"))
    return schema


def field(schema: dict[str, Any], path: str) -> dict[str, Any]:
    """Return a field by its path of names, through unions and arrays."""
    found: dict[str, Any] = {"type": schema}
    for name in path.split("."):
        found = next(one for one in record_in(found["type"])["fields"] if one["name"] == name)
    return found


def record_in(kind: Any) -> dict[str, Any]:
    """Return the record that a type is, or holds in a union or array."""
    while not (isinstance(kind, dict) and kind["type"] == "record"):
        kind = kind["items"] if isinstance(kind, dict) else kind[1]
    return kind


def money(scale: int = 2, precision: int = 12, **more: Any) -> dict[str, Any]:
    """Return a record with one decimal field."""
    amount = {"type": "bytes", "logicalType": "decimal", "precision": precision, "scale": scale}
    return record({"name": "amount", "type": amount, "doc": "Amount. Unit: rupiah.", **more})


def record(*fields: dict[str, Any]) -> dict[str, Any]:
    """Return a record with some fields."""
    return {"type": "record", "name": "Aid", "fields": list(fields)}


def told(found: list[Incompatibility]) -> list[tuple[str, str]]:
    """Return where and what."""
    return [(one.path, one.what) for one in found]


@pytest.mark.parametrize("name", CONTRACT)
def test_the_contract_keeps_its_own_rules(name: str) -> None:
    """Every field of ours has a doc and a unit, arrays are last, and a schema is compatible with itself."""
    schema = json.loads(schema_text(name))

    assert faults(schema) == []
    assert check(schema, schema) == []


@pytest.mark.parametrize(
    ("change", "path", "what"),
    [
        (lambda s: field(s, "region").pop("doc"), "HouseholdChanged.region", "has no doc"),
        (lambda s: field(s, "region").update(doc="  "), "HouseholdChanged.region", "has no doc"),
        (lambda s: field(s, "region").update(doc="Code of the regency."), "HouseholdChanged.region", "its doc names no unit"),
        (lambda s: field(s, "region").update(doc="Code. Unit: ."), "HouseholdChanged.region", "its doc names no unit"),
        (lambda s: field(s, "welfare.basis").pop("doc"), "HouseholdChanged.welfare.basis", "has no doc"),
        (lambda s: field(s, "members.sex").pop("doc"), "HouseholdChanged.members.sex", "has no doc"),
        (
            lambda s: s["fields"].append({"name": "late", "type": "int", "default": 0, "doc": "Late. Unit: none."}),
            "HouseholdChanged.late",
            "stands after the array nutrition",
        ),
        (lambda s: s["fields"].insert(0, s["fields"].pop()), "HouseholdChanged.household", "stands after the array nutrition"),
    ],
)
def test_a_fault_of_a_schema_is_found(change: Change, path: str, what: str) -> None:
    """A field without doc or unit, at any depth, and a scalar behind an array are told with their path."""
    schema = household()
    change(schema)

    assert (path, what) in told(faults(schema))


@pytest.mark.parametrize(
    ("change", "path", "what"),
    [
        (
            lambda s: field(s, "welfare.expenditure").update(doc="Expenditure. Unit: rupiah per year."),
            "HouseholdChanged.welfare.expenditure",
            "unit changed from 'rupiah per month, at least 0' to 'rupiah per year'",
        ),
        (
            lambda s: field(s, "nutrition.weight_g").update(doc="Weight. Unit: kilograms."),
            "HouseholdChanged.nutrition.weight_g",
            "unit changed from 'grams' to 'kilograms'",
        ),
        (
            lambda s: field(s, "operation")["type"]["symbols"].append("MERGE"),
            "HouseholdChanged.operation",
            "symbols added: MERGE",
        ),
        (
            lambda s: field(s, "operation")["type"]["symbols"].remove("RETRACT"),
            "HouseholdChanged.operation",
            "symbols removed: RETRACT",
        ),
        (
            lambda s: field(s, "recorded_at")["type"].update(logicalType="timestamp-millis"),
            "HouseholdChanged.recorded_at",
            "logicalType changed from timestamp-micros to timestamp-millis",
        ),
        (
            lambda s: field(s, "valid_from").update(type="int"),
            "HouseholdChanged.valid_from",
            "logicalType changed from date to None",
        ),
        (
            lambda s: field(s, "programmes.last_month").update(type=["null", "int"]),
            "HouseholdChanged.programmes.last_month",
            "logicalType changed from date to None",
        ),
        (lambda s: field(s, "dwelling.floor").update(type="int", default=1), "HouseholdChanged.dwelling.floor", "its default changed"),
    ],
)
def test_a_changed_meaning_is_found(change: Change, path: str, what: str) -> None:
    """What Avro reads without complaint into something else is told with its path, and is wrong the other way round too."""
    schema = household()
    change(schema)

    assert (path, what) in told(check(household(), schema))
    assert path in {one.path for one in check(schema, household())}


def test_a_unit_may_be_named_later_but_not_taken_back() -> None:
    """An old version without a unit does not keep a new one from naming it; the other way round a reader would no longer know."""
    bare = household()
    field(bare, "nutrition.weight_g")["doc"] = "Weight."

    assert check(bare, household()) == []
    assert told(check(household(), bare)) == [("HouseholdChanged.nutrition.weight_g", "its unit, grams, is no longer named")]


@pytest.mark.parametrize(
    ("old", "new", "what"),
    [
        (money(scale=2), money(scale=3), "scale changed from 2 to 3"),
        (money(precision=12), money(precision=14), "precision changed from 12 to 14"),
        (money(), record({"name": "amount", "type": "bytes", "doc": "Unit: rupiah."}), "logicalType changed from decimal to None"),
    ],
)
def test_a_changed_decimal_is_found(old: dict[str, Any], new: dict[str, Any], what: str) -> None:
    """A changed scale, which registries and Avro's checker let pass, is told; inside a union too."""
    assert ("Aid.amount", what) in told(check(old, new))

    for one in (old, new):
        one["fields"][0]["type"] = ["null", one["fields"][0]["type"]]
    assert ("Aid.amount", what) in told(check(old, new))


def test_a_decimal_that_became_optional_is_still_compared() -> None:
    """Moving a type into a union does not hide a change inside it."""
    new = money(scale=3)
    new["fields"][0]["type"] = ["null", new["fields"][0]["type"]]

    assert ("Aid.amount", "scale changed from 2 to 3") in told(check(money(), new))


@pytest.mark.parametrize(
    ("change", "cause"),
    [
        (
            lambda s: s["fields"].append({"name": "more", "type": "int", "doc": "More. Unit: none."}),
            "reader_field_missing_default_value: more",
        ),
        (lambda s: s["fields"].remove(field(s, "region")), "reader_field_missing_default_value: region"),
        (lambda s: field(s, "region").update(type="int"), "type_mismatch"),
        (lambda s: field(s, "key_version").update(type="long"), "type_mismatch: reader type: int not compatible with writer type: long"),
        (lambda s: s.update(name="FamilyChanged"), "name_mismatch"),
        (lambda s: field(s, "household")["type"].update(size=20), "fixed_size_mismatch"),
        (lambda s: field(s, "residence").update(type=["null", "string"]), "missing_union_branch: reader union lacking writer type"),
    ],
)
def test_what_avro_cannot_read_is_found(change: Change, cause: str) -> None:
    """Fields without default, other types, names and sizes are told, whichever of the two versions reads."""
    schema = household()
    change(schema)

    for found in (check(household(), schema), check(schema, household())):
        assert any(cause in one.what for one in found), told(found)


@pytest.mark.parametrize(
    "change",
    [
        lambda s: s["fields"].append({"name": "more", "type": ["null", "string"], "default": None, "doc": "More. Unit: none."}),
        lambda s: s["fields"].remove(field(s, "dwelling")),
        lambda s: s["fields"].insert(3, s["fields"].pop(4)),
        lambda s: field(s, "region").update(doc="Said better. Unit: code."),
        lambda s: field(s, "welfare.basis").update(doc="Reworded. Unit: none. With more behind it."),
        lambda s: s.update(doc="Said better."),
        lambda s: field(s, "operation")["type"]["symbols"].reverse(),
        lambda s: field(s, "key_version").update(type={"type": "int"}),
    ],
)
def test_a_harmless_change_passes(change: Change) -> None:
    """New fields with a default, fields with a default taken away, other order, other words: every version reads every other."""
    schema = household()
    change(schema)

    assert check(household(), schema) == []
    assert check(schema, household()) == []


def test_symbols_may_come_where_every_reader_has_a_default() -> None:
    """An enum that had a default from the start may grow and shrink."""
    colours = {"type": "enum", "name": "Colour", "symbols": ["RED", "OTHER"], "default": "OTHER"}
    old = record({"name": "colour", "type": colours, "doc": "Colour. Unit: none."})
    new = copy.deepcopy(old)
    new["fields"][0]["type"]["symbols"] = ["RED", "GREEN", "OTHER"]

    assert check(old, new) == []
    assert check(new, old) == []


def test_a_finding_is_one_line_for_a_person() -> None:
    """Where, what and what to do instead."""
    (found,) = check(money(), money(scale=3))

    assert str(found) == "Aid.amount: scale changed from 2 to 3; add a field of another name, and keep this one as it was"


def test_our_subjects_are_known_by_their_name() -> None:
    """Each of our topics carries one schema of the contract; other people's subjects are left alone."""
    subjects = [subject_of(topic) for topic in (household_topic("31.74"), rejected_topic("31.74"), INDICATOR_TOPIC)]

    assert [schema_name_of(one) for one in subjects] == ["HouseholdChanged", "EventRejected", "IndicatorPublished"]
    for other in ("muara.31.74.household.v1", "muara.31.74.household.v1-key", "muara..rejected.v1-value", "orders-value", "-value", ""):
        assert schema_name_of(other) is None


@pytest.fixture
def client(services: EmbeddedServices) -> Iterator[SchemaRegistryClient]:
    """The registry as anybody may write to it; subjects of the regencies 99.8x are gone in the end."""
    with SchemaRegistryClient({"url": services.addresses.registry}) as asked:
        yield asked
        for subject in asked.get_subjects():
            if subject.startswith("muara.99.8"):
                asked.delete_subject(subject)
                asked.delete_subject(subject, permanent=True)


@pytest.fixture
def registry(services: EmbeddedServices) -> Iterator[Registry]:
    """Our own way to the registry."""
    asked = Registry(services.addresses.registry)
    yield asked
    asked.close()


def test_what_is_registered_is_compared_with_the_contract(client: SchemaRegistryClient, registry: Registry) -> None:
    """A version of another unit, which the registry took, is told with subject and version, once for all regencies that have it."""
    faulty = household()
    field(faulty, "welfare.expenditure")["doc"] = "Expenditure. Unit: rupiah per year."
    good, first, second = (household_topic(f"99.8{number}") for number in range(3))
    registry.register(good, "HouseholdChanged")
    for topic in (first, second):
        client.register_schema(subject_of(topic), Schema(json.dumps(faulty), "AVRO"))
        registry.register(topic, "HouseholdChanged")

    found = check_registered(registry, [subject_of(one) for one in (second, good, first)])

    assert [one.where for one in found] == ["muara.99.81.household.v1-value version 1"]
    assert str(found[0]) == (
        "muara.99.81.household.v1-value version 1: HouseholdChanged.welfare.expenditure: unit changed from 'rupiah per year' to "
        "'rupiah per month, at least 0'; add a field of another name for the other unit"
    )
    assert {str(one) for one in found} <= {str(one) for one in check_registered(registry)}
    assert check_registered(registry, [subject_of(good), subject_of(household_topic("99.89"))]) == []


def test_every_version_is_compared_not_the_last_one_alone(client: SchemaRegistryClient, registry: Registry) -> None:
    """An old version that ours cannot read is found behind a newer one that it can."""
    topic = household_topic("99.83")
    old = household()
    old["fields"].append({"name": "must", "type": "int", "doc": "Must. Unit: none."})
    client.register_schema(subject_of(topic), Schema(json.dumps(old), "AVRO"))
    client.set_config(subject_of(topic), ServerConfig(compatibility=ConfigCompatibilityLevel.NONE))
    registry.register(topic, "HouseholdChanged")

    assert [number for number, _ in registry.versions(subject_of(topic))] == [1, 2]
    found = check_registered(registry, [subject_of(topic)])
    assert [one.where for one in found] == ["muara.99.83.household.v1-value version 1"]
    assert "the old version cannot read the new" in found[0].what
