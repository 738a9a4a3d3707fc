"""
A sample of an answer beside what a region file declares of answers: where they tell the next place, and whether more is there.

Why: a mistyped path of the cursor is no fault of any record: the feed would be read from its beginning for ever, or not at all.
Must not: ask a source, or tell a value of the sample.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from producers.authoring.mistakes import near
from producers.authoring.sample import within
from producers.declaration import Declaration, RestSource
from producers.drift import shown
from producers.readings import way_to_records
from producers.records import Node, follower, holder

__all__ = ["astray"]

Finding = tuple[tuple[str, ...], str]
_Told = tuple[tuple[str, ...], str, Callable[[Any], bool], str]
"""The key of the region file, the path that stands there, what a value found by it must be, and what one that is not is called."""


def astray(declared: Declaration, answer: Any) -> Iterator[Finding]:  # noqa: ANN401 - JSON
    """Give the paths of an answer's own parts that a sample does not have, with the one that may be meant, or has as something else."""
    if not isinstance(declared.source, RestSource):
        return
    node, way = Node(answer), way_to_records(declared)
    rest = {name: value for name, value in answer.items() if name not in way} if isinstance(answer, Mapping) else {}
    told = list(_of_snapshot(declared.source) if _is_snapshots(declared.source, node) else _of_feed(declared.source))
    free = sorted(set(within(rest)) - {path for _, path, _, _ in told})
    for key, path, fits, odd in told:
        if not holder(path)(node):
            meant = near(path, free)
            yield key, f"{path} is nowhere in the sample" + (f": is {shown(meant)} meant?" if meant else "")
        elif not fits(follower(path)(node)):
            yield key, f"{path} is {odd} in the sample"


def _of_feed(source: RestSource) -> Iterator[_Told]:
    yield ("source", "cursor", "path"), source.cursor.path, _is_place, "no text and no number"
    yield ("source", "more"), source.more, _is_flag, "neither true nor false"


def _of_snapshot(source: RestSource) -> Iterator[_Told]:
    snapshot = source.snapshot
    if snapshot is None:
        return
    yield ("source", "snapshot", "key", "path"), snapshot.key.path, _is_place, "no text and no number"
    yield ("source", "snapshot", "since"), snapshot.since, _is_text, "no text"
    key = ("source", "more") if snapshot.more is None else ("source", "snapshot", "more")
    yield key, snapshot.more or source.more, _is_flag, "neither true nor false"
    if snapshot.total is not None:
        yield ("source", "snapshot", "total"), snapshot.total, _is_number, "no whole number"


def _is_snapshots(source: RestSource, answer: Node) -> bool:
    """Return whether an answer is a page of the snapshot: it has what only such pages have. Its key may be named as the feed's cursor."""
    told = (source.snapshot.since, source.snapshot.total) if source.snapshot is not None else ()
    return any(holder(path)(answer) for path in told if path is not None)


def _is_place(value: Any) -> bool:  # noqa: ANN401 - JSON
    return value is None or (isinstance(value, str | int) and not isinstance(value, bool))


def _is_text(value: Any) -> bool:  # noqa: ANN401 - JSON
    return isinstance(value, str)


def _is_flag(value: Any) -> bool:  # noqa: ANN401 - JSON
    return isinstance(value, bool)


def _is_number(value: Any) -> bool:  # noqa: ANN401 - JSON
    return value is None or type(value) is int
