"""
Writers' schemas as far as they are known, and a thread that asks the registry for the others.

Why: a registry that answers slowly, or not at all, must not hold up the event loop, nor what other partitions have to say.
Must not: ask on the event loop; take a schema for unknown on one answer (replicas lag), or believe that longer than one batch.
"""

import asyncio
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from schemas.codec import WriterSchemas
from schemas.errors import Rejected, Retriable

__all__ = ["Answers", "KnownSchemas", "SchemaUnasked"]

Key = int | UUID
_ASKED_S, _AGAIN_S = 1.0, 0.2
"""How long a batch waits for answers, and when a schema that was not there is asked for again before its records are rejected."""
_FRESH_S = 3.0
"""For how long an answer that came too late is still believed: its batch comes again after a second of rest."""
_AT_ONCE = 50
"""Schemas asked for at once: what is answered in a second, even twice; random ids must not hold their batch up for a minute."""
_REMEMBERED = 1_000


class SchemaUnasked(Retriable):
    """schema {schema} is not known here yet: the registry is asked for it"""


@dataclass(frozen=True, slots=True)
class Answers:
    """What the registry said: which schemas it refuses, and why it said no more."""

    refused: Mapping[Key, Rejected]
    away: Retriable | None = None


class KnownSchemas:
    """A `WriterSchemas` that answers from memory alone; `ask` fills it."""

    def __init__(self, registry: WriterSchemas) -> None:
        """Know nothing yet; the registry is to remember no refusals itself."""
        self._registry = registry
        self._known: dict[Key, dict[str, Any]] = {}
        self._asking: asyncio.Task[tuple[dict[Key, dict[str, Any]], Answers]] | None = None
        self._answered = 0.0

    def by_id(self, schema_id: int) -> dict[str, Any]:
        """Return the parsed schema of an id; raise `SchemaUnasked` where it is not known."""
        return self._of(schema_id)

    def by_guid(self, guid: UUID) -> dict[str, Any]:
        """Return the parsed schema of a GUID; raise `SchemaUnasked` where it is not known."""
        return self._of(guid)

    def __contains__(self, key: Key) -> bool:
        """Return whether a schema is known."""
        return key in self._known

    async def ask(self, wanted: Sequence[Key]) -> Answers:
        """
        Ask for schemas in their order, as many as can be had soon; what is neither known nor refused then was not answered yet.

        An answer that came too late for whoever asked is told to whoever asks next, while it is fresh.
        """
        if (before := self._asking) is not None:
            await asyncio.wait({before}, timeout=_ASKED_S)
            if before.done() and self._asking is before:
                self._asking, late = None, before.result()[1]
                if time.monotonic() - self._answered < _FRESH_S and (late.away or late.refused.keys() & set(wanted)):
                    return late
        lacking = [key for key in wanted if key not in self._known][:_AT_ONCE]
        if not lacking or self._asking is not None:
            return Answers({})
        asking = self._asking = asyncio.create_task(asyncio.to_thread(self._ask, lacking))
        asking.add_done_callback(self._learn)
        done, _ = await asyncio.wait({asking}, timeout=_ASKED_S + _AGAIN_S)
        if not done:
            return Answers({})
        if self._asking is asking:
            self._asking = None
        return asking.result()[1]

    def _of(self, key: Key) -> dict[str, Any]:
        if key not in self._known:
            raise SchemaUnasked(schema=key)
        return self._known[key]

    def _learn(self, asking: asyncio.Task[tuple[dict[Key, dict[str, Any]], Answers]]) -> None:
        self._answered = time.monotonic()
        if not asking.cancelled() and asking.exception() is None:
            self._known.update(asking.result()[0])
            for key in list(self._known)[:-_REMEMBERED]:
                del self._known[key]

    def _ask(self, wanted: Sequence[Key]) -> tuple[dict[Key, dict[str, Any]], Answers]:
        """
        Ask one after the other, in a thread; a schema is refused when it is not there twice.

        Half the time is kept for the second time: else a registry that answers slowly would never be believed, and nothing go on.
        """
        began = time.monotonic()
        half, until = began + _ASKED_S / 2, began + _ASKED_S
        found: dict[Key, dict[str, Any]] = {}
        refused: dict[Key, Rejected] = {}
        try:
            doubted = {key: time.monotonic() for key in wanted if time.monotonic() < half and self._refusal(key, found) is not None}
            for key, asked in doubted.items():
                time.sleep(max(0.0, asked + _AGAIN_S - time.monotonic()))
                if time.monotonic() < until and (error := self._refusal(key, found)) is not None:
                    refused[key] = error
        except Retriable as error:
            return found, Answers(refused, error)
        return found, Answers(refused)

    def _refusal(self, key: Key, found: dict[Key, dict[str, Any]]) -> Rejected | None:
        """Ask once; return why there is no schema, or note it."""
        try:
            found[key] = self._registry.by_guid(key) if isinstance(key, UUID) else self._registry.by_id(key)
        except Rejected as error:
            return error
        return None
