"""
A record as its source told it, as bytes to be sealed, and back: the record with what it lies in, apart from the way to other records.

Why: what is mapped again by a mended mapping must be what was mapped before, wherever the mapping looks for it.
Must not: know a clock, IO or a driver; be shown to anybody.
"""

import json
from collections.abc import Collection
from typing import Any

from producers.records import Node, Spoilt

__all__ = ["MOST_BYTES", "record_of", "told"]

MOST_BYTES = 1 << 20
"""Of one record: families have a few thousand."""


def told(record: Node, way: Collection[str], *, part: bool = False) -> bytes | None:
    """
    Return a record as bytes, None where they would be too many or it cannot be written as JSON (what lies too deep).

    `way` are the names that lead to records: what a record lies in is kept without them, or it would hold all others. `part` tells that
    it is no record, but a part in which the way to records ended.
    """
    around, at = [], record.parent
    while at is not None:
        around.append(
            {name: one for name, one in at.value.items() if name not in way or not isinstance(one, dict | list)}
            if isinstance(at.value, dict)
            else None
        )
        at = at.parent
    value = record.value
    spoilt = {name: one.cause for name, one in value.items() if isinstance(one, Spoilt)} if isinstance(value, dict) else {}
    try:
        content = json.dumps(
            {"value": value, "around": around, "spoilt": spoilt, "part": part}, default=str, separators=(",", ":")
        ).encode()
    except (ValueError, RecursionError):
        return None
    return content if len(content) <= MOST_BYTES else None


def record_of(content: bytes) -> tuple[Node, bool]:
    """
    Return the record that `told` wrote, and whether it is only a part.

    >>> whole = Node({"no": 1}, Node({"village": "x", "rows": [1, 2]}))
    >>> record_of(told(whole, {"rows"}))
    (Node(value={'no': 1}, parent=Node(value={'village': 'x'}, parent=None)), False)
    """
    found: dict[str, Any] = json.loads(content)
    at: Node | None = None
    for one in reversed(found["around"]):
        at = Node(one, at)
    value = found["value"]
    for name, cause in found["spoilt"].items():
        value[name] = Spoilt(cause, value[name])
    return Node(value, at), bool(found["part"])
