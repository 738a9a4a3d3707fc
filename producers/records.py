"""
Records as a source gives them: nested parts that know what they lie in, and paths through them.

Why: a family knows its village only through the building it lies in.
Must not: know a clock, IO or a driver; judge a value.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

__all__ = ["DeadEnd", "Node", "Spoilt", "Unreachable", "dead_end", "follower", "holder", "nodes_behind", "nodes_of"]


@dataclass(slots=True)
class Node:
    """A record, or a part of one, and what it lies in."""

    value: Any
    parent: "Node | None" = None


@dataclass(frozen=True, slots=True)
class Spoilt:
    """A value that the source's own form has lost already, and why: whatever needs it is unreadable for that cause."""

    cause: str
    text: str = field(repr=False)
    """What is there in its place: it tells two spoilt records apart, and is shown to nobody."""

    def __str__(self) -> str:
        """Return what is there in its place; no conversion takes it."""
        return self.text


@dataclass(frozen=True, slots=True)
class Unreachable:
    """A part of an answer in which a path of records ends before its end: what is wrong there, and the part."""

    field: str
    cause: str
    part: Node


def nodes_of(answer: Any, path: str) -> tuple[list[Node], list[Unreachable]]:  # noqa: ANN401 - JSON
    """
    Return the records that a path such as `data[].rumah_tangga[].keluarga[]` leads to, and the parts where it leads nowhere.

    >>> records, faults = nodes_of({"a": [{"b": [1, 2]}, {"c": 3}]}, "a[].b[]")
    >>> [record.value for record in records], [fault.cause for fault in faults]
    ([1, 2], ['is missing'])
    """
    return _followed([Node(answer)], path.split("."))


def nodes_behind(part: Node, path: str) -> tuple[list[Node], list[Unreachable]]:
    """
    Return the same of a part of an answer, from where it lies: as many steps of the path lead to it as it lies deep.

    >>> nodes_behind(Node({"b": [1]}, Node({})), "a[].b[]")[0][0].value
    1
    """
    depth, at = 0, part.parent
    while at is not None:
        depth, at = depth + 1, at.parent
    return _followed([part], path.split(".")[depth:])


def _followed(nodes: list[Node], steps: Iterable[str]) -> tuple[list[Node], list[Unreachable]]:
    faults: list[Unreachable] = []
    for step in steps:
        name, many = step.removesuffix("[]"), step.endswith("[]")
        inner: list[Node] = []
        for node in nodes:
            value = node.value.get(name) if isinstance(node.value, dict) else None
            if value is None or (many and not isinstance(value, list)):
                faults.append(Unreachable(step, "is missing" if value is None else "is no list", node))
            elif many:
                inner.extend(Node(one, node) for one in value)
            else:
                inner.append(Node(value, node))
        nodes = inner
    return nodes, faults


@dataclass(frozen=True, slots=True)
class DeadEnd:
    """Where a path of records ends in an answer before its end, whichever part is followed."""

    path: str
    """The path up to there, without the signs of lists."""
    missing: bool
    """Whether that is not there at all, in no part; else it is no list."""
    parts: int
    """In how many parts; 0 where no list was gone through before, so that there can be no other part."""


def dead_end(answer: Any, path: str) -> DeadEnd | None:  # noqa: ANN401 - JSON
    """
    Return where a path leads nowhere in a whole answer, None where some part of it leads to its end, or to a list that is empty.

    >>> dead_end({"hasil": {"keluarga": []}}, "hasil.keluarg[]")
    DeadEnd(path='hasil.keluarg', missing=True, parts=0)
    >>> [dead_end({"a": parts}, "a[].b[]") for parts in ([{"c": []}, {"c": []}], [{"b": []}, {"c": []}], [])]
    [DeadEnd(path='a.b', missing=True, parts=2), None, None]
    """
    nodes, through_list = [answer], False
    names: list[str] = []
    for step in path.split("."):
        name, many = step.removesuffix("[]"), step.endswith("[]")
        names.append(name)
        found = [value for value in (one.get(name) if isinstance(one, dict) else None for one in nodes) if value is not None]
        right = [value for value in found if isinstance(value, list)] if many else found
        if nodes and not right:
            return DeadEnd(".".join(names), not found, len(nodes) if through_list else 0)
        nodes = [one for value in right for one in value] if many else right
        through_list |= many
    return None


def follower(path: str) -> Callable[[Node], Any]:
    """Return the function that follows a path from a record, `^` going to what it lies in; it gives None where the path leads nowhere."""
    steps = path.split(".")
    up = len([step for step in steps if step == "^"])
    names = steps[up:]
    if up <= 1 and len(names) == 1:
        return _one_step_around(names[0]) if up else _one_step(names[0])

    def follow(node: Node) -> Any:  # noqa: ANN401
        at: Node | None = node
        for _ in range(up):
            at = at.parent if at is not None else None
        value = at.value if at is not None else None
        for name in names:
            value = value.get(name) if isinstance(value, dict) else None
        return value

    return follow


def _one_step(name: str) -> Callable[[Node], Any]:
    """Return the same for the commonest path, half of an event's values."""

    def follow(node: Node) -> Any:  # noqa: ANN401
        value = node.value
        return value.get(name) if isinstance(value, dict) else None

    return follow


def _one_step_around(name: str) -> Callable[[Node], Any]:
    """Return the same for a name in what the record lies in, which is where a row's file tells when it was made."""

    def follow(node: Node) -> Any:  # noqa: ANN401
        value = node.parent.value if node.parent is not None else None
        return value.get(name) if isinstance(value, dict) else None

    return follow


def holder(path: str) -> Callable[[Node], bool]:
    """
    Return the function that tells whether a record has a path, with null or without: only a missing name counts as missing.

    What lies below a part that is null or no table is not missing: nothing is known of it.

    >>> [holder("a.b")(Node(one)) for one in ({"a": {"b": None}}, {"a": None}, {"a": {}}, {})]
    [True, True, False, False]
    """
    *above, name = path.split(".")
    follow = follower(".".join(above)) if any(step != "^" for step in above) else None
    up = len(above)

    def holds(node: Node) -> bool:
        if follow is None:
            at: Node | None = node
            for _ in range(up):
                at = at.parent if at is not None else None
            inside = at.value if at is not None else None
        else:
            inside = follow(node)
            if not isinstance(inside, dict):
                return holder(".".join(above))(node)
        return isinstance(inside, dict) and name in inside

    return holds
