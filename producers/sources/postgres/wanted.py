"""
Which columns a mapping reads: no other leaves the database.

Why: names and addresses that no event carries are not even asked for, and what is not read costs nothing.
Must not: know a clock, IO or a driver.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from producers.declaration import Declaration, PostgresSource

__all__ = ["Wanted", "wanted_of"]


@dataclass(frozen=True, slots=True)
class Wanted:
    """The columns that a mapping reads: of the main table, and of each list by its name."""

    main: tuple[str, ...]
    lists: Mapping[str, tuple[str, ...]]
    date: str | None
    """The column of `valid_from`, where it is one."""
    village: str | None
    """The column of the village's code, where it is one."""
    retracted: str | None = None
    """The column that says whether the statement was wrong, where there is one."""


def wanted_of(declared: Declaration, source: PostgresSource) -> Wanted:
    """Return the columns that a region file's mapping reads, the keys and the columns by which lists are chosen among them."""
    main, lists = {source.key}, {one.name: {one.key} for one in source.lists}
    for path, within in _paths(declared.mapping.model_dump(), None):
        steps = [*within.split("."), *path.split(".")] if within else path.split(".")
        while "^" in steps and within:  # from an item of a list back to the record
            steps.remove("^")
            steps = steps[1:]
        if steps[0] == "^":
            continue  # what the log tells, not a column
        if steps[0] not in lists:
            main.add(steps[0])
        elif len(steps) > 1:
            lists[steps[0]].add(steps[1])
    for one in source.lists:
        lists[one.name] |= {name for name in (one.one_per, one.newest_by) if name}
    if source.capture == "changed_at" and source.changed_at:
        main.add(source.changed_at)
    mapping = declared.mapping
    return Wanted(
        tuple(sorted(main)),
        {name: tuple(sorted(columns)) for name, columns in lists.items()},
        _column(mapping.valid_from.path, main),
        _column(mapping.village.path, main),
        _column(mapping.retracted.path, main) if mapping.retracted else None,
    )


def _column(path: str | None, main: set[str]) -> str | None:
    return path if path in main else None


def _paths(told: Any, within: str | None) -> Iterator[tuple[str, str | None]]:  # noqa: ANN401 - a model, dumped
    """Give every path of a mapping with the list that it lies in."""
    if not isinstance(told, Mapping):
        return
    each = told.get("each")
    inner = each if isinstance(each, str) else within
    for name, one in told.items():
        if name in ("path", "when", "each") and isinstance(one, str):
            yield one, within if name == "each" else inner
        elif name == "sum" and one:
            yield from ((path, inner) for path in one)
        elif name == "count" and one:
            yield one, within
            yield from ((column, one) for column in told.get("where") or ())
        elif name == "where" and isinstance(each, str):
            yield from ((column, each) for column in one)
        else:
            yield from _paths(one, inner)
