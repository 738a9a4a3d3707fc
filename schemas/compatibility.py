"""
What a new version of a schema may change: Avro's own rules in both directions, and ours on top.

Why: 514 regencies upgrade when they like, so any version must read any other; and registries pass what silently changes a meaning:
another decimal scale, another unit, another logical type on the same bytes, another default.
Must not: talk to a registry itself (schemas/registry.py does) or decide that a rule may be broken.
"""

import json
import warnings
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

import avro.schema
from avro.compatibility import ReaderWriterCompatibilityChecker, SchemaCompatibilityType, SchemaIncompatibilityType

from schemas.codec import schema_text
from schemas.topics import INDICATOR_TOPIC, NotAHouseholdTopic, regency_of, rejected_topic, subject_of

__all__ = ["CONTRACT", "Incompatibility", "RegisteredVersions", "check", "check_registered", "faults", "schema_name_of"]

CONTRACT = ("EventRejected", "HouseholdChanged", "IndicatorPublished")
"""The schemas of the contract, as their files are named."""

Json = Any
_KINDS_WITH_MEANING = ("logicalType", "scale", "precision")
_ABSENT = object()


@dataclass(frozen=True, slots=True)
class Incompatibility:
    """One rule that a schema breaks: at which field, what, and what to do instead; `where` is the registered version compared with."""

    path: str
    what: str
    remedy: str
    where: str = ""

    def __str__(self) -> str:
        """Return it as one line for a person."""
        return f"{self.where}{': ' if self.where else ''}{self.path}: {self.what}; {self.remedy}"


class RegisteredVersions(Protocol):
    """A registry as far as it is needed here; schemas/registry.py has it."""

    def subjects(self) -> list[str]:
        """Return all subjects."""

    def versions(self, subject: str) -> list[tuple[int, dict[str, Any]]]:
        """Return the versions registered for a subject and their schemas as JSON, oldest first; empty where there is none."""


def check_registered(registry: RegisteredVersions, subjects: Collection[str] | None = None) -> list[Incompatibility]:
    """
    Compare our schemas with every version registered for some subjects (without them: for all subjects that are ours).

    Returns the faults of our own schemas too, and each finding once, with the first subject where it was met.
    Raises what the registry raises.
    """
    found = [one for name in CONTRACT for one in faults(_ours(name))]
    known: set[tuple[str, str]] = set()
    for subject in sorted(registry.subjects() if subjects is None else subjects):
        name = schema_name_of(subject)
        if name is None:
            continue
        for version, registered in registry.versions(subject):
            same = (name, json.dumps(registered, sort_keys=True))
            if same not in known:
                known.add(same)
                found.extend(replace(one, where=f"{subject} version {version}") for one in check(registered, _ours(name)))
    return found


def schema_name_of(subject: str) -> str | None:
    """
    Return the schema of the contract that a subject carries, or None where the subject is not ours.

    >>> [schema_name_of(one) for one in ("muara.31.74.household.v1-value", "muara.31.74.rejected.v1-value", "orders-value")]
    ['HouseholdChanged', 'EventRejected', None]
    """
    topic = subject.removesuffix("-value")
    if subject_of(topic) != subject:
        return None
    if topic == INDICATOR_TOPIC:
        return "IndicatorPublished"
    try:
        regency_of(topic)
    except NotAHouseholdTopic:
        regency = topic.partition(".")[2].rpartition(".rejected.")[0]
        return "EventRejected" if regency and topic == rejected_topic(regency) else None
    return "HouseholdChanged"


def check(old: Json, new: Json) -> list[Incompatibility]:
    """
    Return what makes two versions of a schema (JSON) unable to read each other alike; empty where every version reads every other.

    The rules hold in both directions, so `check(a, b)` and `check(b, a)` are empty together, but for a unit: it may be named later.
    """
    return [*_meanings(old, new, _name(new)), *_avro(old, new)]


def faults(schema: Json) -> list[Incompatibility]:
    """Return what is wrong with a schema (JSON) by itself: a field without doc or unit, an array before a scalar."""
    return list(_faults(schema, _name(schema)))


def _ours(name: str) -> Json:
    return json.loads(schema_text(name))


def _name(schema: Json) -> str:
    return str(schema["name"]) if isinstance(schema, Mapping) and "name" in schema else "schema"


def _faults(kind: Json, path: str) -> Iterator[Incompatibility]:
    array_before: str | None = None
    for field in _fields(kind):
        at = f"{path}.{field['name']}"
        if not str(field.get("doc", "")).strip():
            yield Incompatibility(at, "has no doc", "say what it is, and its unit")
        elif _unit(field) is None:
            yield Incompatibility(at, "its doc names no unit", "end the doc with 'Unit: ...', or with 'Unit: none.'")
        if _holds_array(field["type"]):
            array_before = field["name"]
        elif array_before is not None:
            yield Incompatibility(
                at, f"stands after the array {array_before}", "put arrays last, so that a reader of scalars can stop early"
            )
        yield from _faults(field["type"], at)
    for part in _parts(kind):
        yield from _faults(part, path)


def _meanings(old: Json, new: Json, path: str) -> Iterator[Incompatibility]:
    """Yield changes that Avro reads without complaint, into something else; fields are paired by name, parts of types by shape."""
    if isinstance(old, list) or isinstance(new, list):
        for before, after in _paired(_branches(old), _branches(new)):
            yield from _meanings(before, after, path)
        return
    yield from _of_symbols(old, new, path)
    for key in _KINDS_WITH_MEANING:
        before, after = _property(old, key), _property(new, key)
        if before != after:
            yield Incompatibility(
                path, f"{key} changed from {before} to {after}", "add a field of another name, and keep this one as it was"
            )
    earlier = {field["name"]: field for field in _fields(old)}
    for field in _fields(new):
        if field["name"] in earlier:
            yield from _of_field(earlier[field["name"]], field, f"{path}.{field['name']}")
    for before, after in _paired(_parts(old), _parts(new)):
        yield from _meanings(before, after, path)


def _of_field(old: Json, new: Json, path: str) -> Iterator[Incompatibility]:
    if _unit(old) is not None and _unit(new) is None:
        yield Incompatibility(path, f"its unit, {_unit(old)}, is no longer named", "name it in the doc")
    elif _unit(old) not in (None, _unit(new)):
        yield Incompatibility(path, f"unit changed from '{_unit(old)}' to '{_unit(new)}'", "add a field of another name for the other unit")
    if old.get("default", _ABSENT) != new.get("default", _ABSENT):
        yield Incompatibility(path, "its default changed", "keep the default: events written without the field would say something else")
    yield from _meanings(old["type"], new["type"], path)


def _of_symbols(old: Json, new: Json, path: str) -> Iterator[Incompatibility]:
    if not (_is(old, "enum") and _is(new, "enum")):
        return
    before, after = old["symbols"], new["symbols"]
    added = [one for one in after if one not in before]
    removed = [one for one in before if one not in after]
    if added and "default" not in old:
        yield Incompatibility(
            path, f"symbols added: {', '.join(added)}", "readers of the old version cannot read them: add a field of another name"
        )
    if removed and "default" not in new:
        yield Incompatibility(path, f"symbols removed: {', '.join(removed)}", "keep them: events that hold them are kept for ever")


def _avro(old: Json, new: Json) -> Iterator[Incompatibility]:
    """Yield what Avro's own checker finds when either version reads what the other wrote; enum symbols are told above."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # logical types that avro does not know are compared above
        before, after = avro.schema.parse(json.dumps(old)), avro.schema.parse(json.dumps(new))
    for reader, writer, who in (
        (after, before, "the new version cannot read the old"),
        (before, after, "the old version cannot read the new"),
    ):
        checker = ReaderWriterCompatibilityChecker()  # type: ignore[no-untyped-call]  # avro leaves its constructor without types
        verdict = checker.get_compatibility(reader, writer)
        causes = set(verdict.incompatibilities) - {SchemaIncompatibilityType.missing_enum_symbols}
        if verdict.compatibility is SchemaCompatibilityType.incompatible and causes:
            what = f"{who} ({', '.join(sorted(one.value for one in causes))}: {', '.join(sorted(verdict.messages))})"
            yield Incompatibility(", ".join(sorted(verdict.locations)), what, "add only fields with a default, and keep names and types")


def _fields(kind: Json) -> Sequence[Json]:
    """Return the fields of a record; nothing for any other type."""
    return kind["fields"] if _is(kind, "record") else ()


def _parts(kind: Json) -> Sequence[Json]:
    """Return the types that a union, array, map or wrapped type is made of."""
    if isinstance(kind, list):
        return kind
    if not isinstance(kind, Mapping):
        return ()
    if isinstance(kind["type"], Mapping | list):
        return (kind["type"],)
    return tuple(kind[key] for key in ("items", "values") if key in kind)


def _branches(kind: Json) -> Sequence[Json]:
    return kind if isinstance(kind, list) else [kind]


def _paired(old: Sequence[Json], new: Sequence[Json]) -> Iterator[tuple[Json, Json]]:
    """Pair parts of types that name the same thing: records, enums and fixed by name, all others by Avro's type."""
    earlier = {_identity(one): one for one in old}
    for one in new:
        if _identity(one) in earlier:
            yield earlier[_identity(one)], one


def _identity(kind: Json) -> str:
    if isinstance(kind, Mapping):
        return str(kind.get("name", kind["type"]))
    return "union" if isinstance(kind, list) else str(kind)


def _is(kind: Json, of: str) -> bool:
    return isinstance(kind, Mapping) and kind["type"] == of


def _property(kind: Json, key: str) -> object:
    return kind.get(key) if isinstance(kind, Mapping) else None


def _holds_array(kind: Json) -> bool:
    """Return whether values of this type have no fixed number of parts: an array or map, also inside a union or record."""
    inside = [*(field["type"] for field in _fields(kind)), *_parts(kind)]
    return _is(kind, "array") or _is(kind, "map") or any(_holds_array(part) for part in inside)


def _unit(field: Json) -> str | None:
    """
    Return the unit that a field's doc names, without the full stop.

    >>> _unit({"doc": "Weight. Unit: grams."})
    'grams'
    """
    _, found, unit = str(field.get("doc", "")).partition("Unit:")
    unit = unit.partition(". ")[0].strip().removesuffix(".")
    return unit if found and unit else None
