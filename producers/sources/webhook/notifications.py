"""
From a body to the notifications in it: JSON, of a depth and a number that can be borne.

Why: a body is one notification or a batch, and what is no JSON at all is the sender's to mend.
Must not: know a clock, IO or a driver; judge what a notification says (the mapping does).
"""

import json
from typing import Any, NoReturn

from producers.records import Node, Unreachable, nodes_of
from producers.sources.webhook.refusals import Refusal, RequestRefused

__all__ = ["notifications", "parsed"]

_DEEPEST = 32
"""Levels of lists and objects; notifications have five."""
_MOST_RECORDS = 10_000
"""Of one batch; systems send hundreds."""


def parsed(body: bytes) -> Any:  # noqa: ANN401 - JSON
    """Return a body's JSON; raises `RequestRefused`."""
    try:
        value = json.loads(body.decode("utf-8"), parse_constant=_no_number)
    except RecursionError:
        raise RequestRefused(Refusal.TOO_DEEP) from None
    except ValueError:  # with it, text that is no UTF-8, and whole numbers of thousands of digits
        raise RequestRefused(Refusal.NO_JSON) from None
    if _too_deep(value):
        raise RequestRefused(Refusal.TOO_DEEP)
    return value


def notifications(value: Any, path: str | None) -> tuple[list[Node], list[Unreachable]]:  # noqa: ANN401 - JSON
    """
    Return the notifications in what was sent, and the parts in which the path of a batch leads nowhere; raises `RequestRefused`.

    >>> [one.value for one in notifications({"n": [1, 2]}, "n[]")[0]], [one.value for one in notifications({"id": 1}, "n[]")[0]]
    ([1, 2], [{'id': 1}])
    """
    if path is None or not isinstance(value, dict) or path.split(".")[0].removesuffix("[]") not in value:
        return [Node(value)], []
    found, faults = nodes_of(value, path)
    if len(found) > _MOST_RECORDS:
        raise RequestRefused(Refusal.TOO_MANY_RECORDS)
    return found, faults


def _no_number(_: str) -> NoReturn:
    """Refuse NaN and Infinity, which Python reads and JSON does not have."""
    raise ValueError


def _too_deep(value: Any) -> bool:  # noqa: ANN401 - JSON
    """Return whether lists and objects lie in each other beyond what is borne, level by level and without recursion."""
    level = [value] if isinstance(value, dict | list) else []
    for _ in range(_DEEPEST):
        if not level:
            return False
        inner = (part for one in level for part in (one.values() if isinstance(one, dict) else one))
        level = [part for part in inner if type(part) in (dict, list)]
    return bool(level)
