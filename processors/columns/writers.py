"""
Writers' schemas: where they are found, and by which plan columns read the records of each.

Why: a schema is looked at once, not once per record; one that means something else by a field than ours is not read by columns.
Must not: fetch a schema (it is given a `WriterSchemas`), or reject a record.
"""

from collections.abc import Mapping
from typing import Any

from processors.columns.plans import Plan, compile_plan
from schemas.codec import WriterSchemas, parsed
from schemas.errors import Rejected

__all__ = ["WANTED", "Readers"]

WANTED = (
    "household",
    "region",
    "source",
    "valid_from",
    "revision",
    "mapping_version",
    "operation",
    "residence.village",
    "composition.size",
    "welfare.expenditure",
    "welfare.basis",
)
"""The fields that the merge wants."""


class Readers:
    """Where writers' schemas are found, and the plan by which columns read each; ids are resolved once."""

    def __init__(self, schemas: WriterSchemas) -> None:
        """Resolve nothing yet."""
        self.schemas = schemas
        self._plans: dict[int, Plan | None] = {}

    def plan(self, schema_id: int) -> Plan | None:
        """Return the plan of a writer's schema, None where its records go one by one; may raise `Retriable` while the registry is away."""
        if schema_id not in self._plans:
            try:
                writer = self.schemas.by_id(schema_id)
            except Rejected:
                return None
            self._plans[schema_id] = compile_plan(writer, frozenset(WANTED)) if _same_symbols(writer) else None
        return self._plans[schema_id]


def _same_symbols(writer: Mapping[str, Any]) -> bool:
    """Return whether a schema is our record with our operations in our order; columns read enums by number."""
    ours = parsed("HouseholdChanged")
    if writer.get("name") != ours["name"]:
        return False
    theirs = {one["name"]: one["type"] for one in writer["fields"]}
    return all(_enums(theirs.get(one["name"])) == _enums(one["type"]) for one in ours["fields"] if _enums(one["type"]))


def _enums(kind: Any) -> list[Any]:  # noqa: ANN401 - JSON
    """Return the symbols of all enums inside a type."""
    if isinstance(kind, list):
        return [one for part in kind for one in _enums(part)]
    if isinstance(kind, dict):
        return (
            list(kind.get("symbols", []))
            + _enums(kind.get("items"))
            + [one for part in kind.get("fields", []) for one in _enums(part["type"])]
        )
    return []
