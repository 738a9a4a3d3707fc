"""
Writers' schemas: where they are found, and by which plan columns read the records of each.

Why: a schema is looked at once, not once per record; one that means something else by a field than ours is not read by columns.
Must not: fetch a schema (it is given a `WriterSchemas`), or reject a record.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from processors.columns.plans import Plan, compile_plan
from schemas.codec import WriterSchemas, parsed
from schemas.errors import Rejected

__all__ = ["LINKING", "WANTED", "Readers"]

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
LINKING = ("previous_household", "key_version")
"""The fields that make a link; schemas of before keys were rotated have only the second."""


_PLANS = 1_000
"""Plans kept at once; they are quickly made anew."""


class Readers:
    """Where writers' schemas are found, and the plan by which columns read each; ids are resolved once."""

    def __init__(self, schemas: WriterSchemas) -> None:
        """Resolve nothing yet."""
        self.schemas = schemas
        self._plans: dict[int, Plan | None] = {}

    def plan(self, schema_id: int) -> Plan | None:
        """Return the plan of a writer's schema, None where its records go one by one; may raise `Retriable` while the registry is away."""
        if schema_id not in self._plans:
            if len(self._plans) >= _PLANS:
                self._plans.clear()
            try:
                writer = self.schemas.by_id(schema_id)
            except Rejected:
                return None
            self._plans[schema_id] = compile_plan(writer, frozenset((*WANTED, *LINKING))) if _means_the_same(writer) else None
        return self._plans[schema_id]

    def refusing(self, refused: Mapping[int | UUID, Rejected]) -> "Readers":
        """Return the same, except that some schemas are refused: what was said of them may hold for this once only."""
        made = Readers(_Refusing(self.schemas, refused))
        made._plans = self._plans
        return made


@dataclass(frozen=True, slots=True)
class _Refusing:
    """`WriterSchemas` of which some are refused."""

    schemas: WriterSchemas
    refused: Mapping[int | UUID, Rejected]

    def by_id(self, schema_id: int) -> dict[str, Any]:
        self._check(schema_id)
        return self.schemas.by_id(schema_id)

    def by_guid(self, guid: UUID) -> dict[str, Any]:
        self._check(guid)
        return self.schemas.by_guid(guid)

    def _check(self, key: int | UUID) -> None:
        if key in self.refused:
            raise type(self.refused[key])(**self.refused[key].facts)


def _means_the_same(writer: Mapping[str, Any]) -> bool:
    """Return whether a schema is our record, where no field has other symbols (columns go by number) or another logical type."""
    ours = parsed("HouseholdChanged")
    theirs = _meanings(writer)
    return writer.get("name") == ours["name"] and all(theirs.get(path, meaning) == meaning for path, meaning in _meanings(ours).items())


def _meanings(kind: Any, path: str = "") -> dict[str, Any]:  # noqa: ANN401 - JSON
    """Return what the bytes of each field mean beyond their type, by path: an enum's symbols, or the logical type."""
    if isinstance(kind, list):
        return {at: meaning for part in kind if part != "null" for at, meaning in _meanings(part, path).items()}
    if not isinstance(kind, dict):
        return {path: None}
    if kind.get("type") == "record":
        return {at: meaning for one in kind["fields"] for at, meaning in _meanings(one["type"], f"{path}.{one['name']}").items()}
    if kind.get("type") == "array":
        return _meanings(kind["items"], f"{path}[]")
    return {path: kind.get("symbols", kind.get("logicalType"))}
