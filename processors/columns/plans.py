"""
Plans: a writer's schema as the steps by which columns read it, field after field.

Why: the schema is taken apart once and not for every batch.
Must not: read records, or fail on a schema: what columns do not read has no plan, and its records go one by one.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

__all__ = ["ARRAY", "BOOLEAN", "FIXED", "RECORD", "STRING", "WHOLE", "Plan", "Step", "compile_plan", "wanted_names"]

WHOLE, BOOLEAN, FIXED, STRING, RECORD, ARRAY = range(6)
"""Kinds of values, by how their bytes are passed: a varint, one byte, so many bytes, a length and bytes, fields, items."""
_WIDTHS = {"float": 4, "double": 8, "null": 0}


@dataclass(frozen=True, slots=True)
class Step:
    """One field of the writer's schema: how to get past it, and under which name it is wanted."""

    name: str
    kind: int
    nullable: bool
    null_branch: int
    size: int = 0
    symbols: int = 0
    fields: tuple["Step", ...] = ()
    wanted: bool = False
    is_date: bool = False
    is_text: bool = False
    idle: bool = False
    """Whether it is a record in which nothing is wanted."""


Plan = tuple[Step, ...]


def compile_plan(schema: Mapping[str, Any], wanted: frozenset[str]) -> Plan | None:
    """
    Return how to read a writer's schema, or None where it holds something that columns do not read (then every record is odd).

    `wanted` names fields by path, such as `residence.village`.
    """
    try:
        return _fields(schema, wanted, "", {})
    except (KeyError, ValueError, RecursionError):  # a record that holds itself has no end of steps
        return None


def _fields(record: Mapping[str, Any], wanted: frozenset[str], prefix: str, named: dict[str, Any]) -> Plan:
    return tuple(_step(f"{prefix}{one['name']}", one["type"], wanted, named) for one in record["fields"])


def _step(name: str, kind: Any, wanted: frozenset[str], named: dict[str, Any]) -> Step:  # noqa: ANN401 - JSON
    nullable, null_branch = isinstance(kind, list), 0
    if nullable:
        if len(kind) != 2 or "null" not in kind:
            raise ValueError(name)
        null_branch = kind.index("null")
        kind = kind[1 - null_branch]
    if isinstance(kind, str):
        kind = named.get(kind, {"type": kind})
    if "name" in kind:
        named[kind["name"]] = kind
    usual = {"int": WHOLE, "long": WHOLE, "enum": WHOLE, "boolean": BOOLEAN, "fixed": FIXED, "string": STRING, "bytes": STRING}
    base = kind["type"]
    step: dict[str, Any] = {"nullable": nullable, "null_branch": null_branch, "wanted": name in wanted}
    if base == "record":
        fields = _fields(kind, wanted, f"{name}.", named)
        return Step(name, RECORD, fields=fields, idle=not wanted_names(fields), **step)
    if base == "array":
        item = _step(name + "[]", kind["items"], frozenset(), named)
        return Step(name, ARRAY, fields=(item,), **step)
    if base in _WIDTHS:
        return Step(name, FIXED, size=_WIDTHS[base], **step)
    step |= {"is_date": kind.get("logicalType") == "date", "is_text": base == "string"}
    return Step(name, usual[base], size=kind.get("size", 0), symbols=len(kind.get("symbols", ())), **step)


def wanted_names(plan: Plan) -> list[str]:
    """Return the paths of the fields that are wanted of a plan."""
    return [name for step in plan for name in ([step.name] * step.wanted + wanted_names(step.fields))]
