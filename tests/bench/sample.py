"""
Some thousand households of the workload, all that was sent of them, and whether the database holds just that.

Why: a recomputation from what is held cannot see what was never held: a worker that drops events and moves on would be exact.
Must not: share a line with the worker's reading or merging: fastavro reads what was sent, and SQL what is held.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import psycopg

from schemas.codec import FRAME, parsed, read_body
from tests.bench.workload import Change

__all__ = ["Sample"]

_HOUSEHOLDS = 4_000
_HELD = """
select household, speaker.code, source, valid_from, revision, mapping_version, operation, village.code, size, expenditure, basis
from statement join region as speaker on speaker.id = claim_region left join region as village on village.id = statement.village
where household = any(%s)"""
_Statement = tuple[Any, ...]
"""A row of `_HELD`: first whose it is, who speaks, and from which day on; then what is said."""
_IDENTITY, _AGE = slice(0, 4), slice(4, 6)


@dataclass(slots=True)
class Sample:
    """What was sent of one household in so many, by the household's number."""

    households: int
    """Of the whole workload."""
    _sent: dict[int, list[bytes]] = field(default_factory=dict)

    def take(self, change: Change) -> None:
        """Keep a change's bytes if its household is one of the sample."""
        if not change.household % max(1, self.households // _HOUSEHOLDS):
            self._sent.setdefault(change.household, []).append(change.value)

    def compared(self, connection: psycopg.Connection[Any]) -> tuple[int, int]:
        """Return how many statements should stand, and how many of them, or of what the database holds, the other side lacks."""
        wanted = {statement for values in self._sent.values() for statement in _standing(values)}
        names = [UUID(bytes=name) for name in {statement[0] for statement in wanted}]
        held = {(row[0].bytes, *row[1:]) for row in connection.execute(_HELD, (names,)).fetchall()}
        return len(wanted), len(wanted ^ held)


def _standing(values: Iterable[bytes]) -> list[_Statement]:
    """Return the statements of one household that should stand, under its newest name: of each speaker and day the newest."""
    schema = parsed("HouseholdChanged")
    events = [read_body(value[FRAME:], schema, schema) for value in values]
    name = max(events, key=lambda event: (event["key_version"], event["revision"]))["household"]
    newest: dict[_Statement, _Statement] = {}
    for statement in (_statement(name, event) for event in events):
        held = newest.setdefault(statement[_IDENTITY], statement)
        if statement[_AGE] > held[_AGE]:
            newest[statement[_IDENTITY]] = statement
    return list(newest.values())


def _statement(name: bytes, event: dict[str, Any]) -> _Statement:
    return (
        name,
        event["region"],
        event["source"],
        event["valid_from"],
        event["revision"],
        event["mapping_version"],
        event["operation"],
        event["residence"]["village"],
        event["composition"]["size"],
        event["welfare"]["expenditure"],
        event["welfare"]["basis"],
    )
