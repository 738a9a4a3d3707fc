"""
A digest of what an event says, whenever it was said.

Why: where rows are read again and again, only what has changed is to be said again.
Must not: count the revision or the time of recording: they change where nothing else does.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any

from producers.encoding import encode
from producers.written import Written
from schemas.events import HouseholdChanged

__all__ = ["digest_of"]

_NEVER = datetime(1970, 1, 1, tzinfo=UTC)


def digest_of(event: HouseholdChanged) -> bytes:
    """Return 16 bytes that are the same where two events say the same, members in whatever order."""
    members, programmes = map(_in_one_order, (event.members, event.programmes))
    told = replace(event, revision=0, recorded_at=_NEVER, members=members, programmes=programmes)
    return sha256(encode(told, 0)).digest()[:16]


def _in_one_order(items: Sequence[Any] | None) -> Sequence[Any] | None:
    return items.in_one_order() if isinstance(items, Written) else items
