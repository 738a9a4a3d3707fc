"""
What a mapping reads of a record: every path of a region file, with the place where it stands there.

Why: what is dropped, what leads nowhere and what went missing are all told by comparing records with this.
Must not: follow a path (records.py does), or read a record.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from producers.declaration import Declaration, RegionMapping, Value
from producers.declaration.model import Model

__all__ = ["Reading", "readings", "way_to_records"]


@dataclass(frozen=True, slots=True)
class Reading:
    """One path: where it stands in the region file, the path as written there, and the list whose items it starts from, if any."""

    place: tuple[str, ...]
    """Such as `mapping`, `members`, `sex`, `path`, or the same without its end where the path alone stands for the value."""
    field: str
    """The field of the event that it is for, such as `members.sex`, or the section where it is the section's own."""
    path: str
    each: str | None = None
    value: Value | None = None
    """How what is found there is read; None where only its presence counts, or its items."""

    @property
    def whole(self) -> str:
        """The path from the record itself; `^` in an item of a list is the record."""
        if self.each is None:
            return self.path
        return self.path.removeprefix("^.") if self.path.startswith("^.") else f"{self.each}.{self.path}"


def way_to_records(declared: Declaration) -> frozenset[str]:
    """Return the names that lead from an answer to its records: they are in what a record lies in, and are nobody's to read there."""
    source = declared.source
    paths = [getattr(part, "records", None) for part in (source, getattr(source, "snapshot", None))]
    return frozenset(step.removesuffix("[]") for path in paths if path for step in path.split("."))


def readings(mapping: RegionMapping) -> Iterator[Reading]:
    """Give every path that a mapping reads, in the order of the declaration."""
    for name in type(mapping).model_fields:
        told = getattr(mapping, name)
        if isinstance(told, Value):
            yield from _of_value(("mapping", name), name, told, None)
        elif isinstance(told, Model):
            yield from _of_section(("mapping", name), name, told)


def _of_section(place: tuple[str, ...], name: str, section: Model) -> Iterator[Reading]:
    each, when = getattr(section, "each", None), getattr(section, "when", None)
    if when is not None:
        yield Reading((*place, "when"), name, when)
    if each is not None:
        yield Reading((*place, "each"), name, each)
        yield from _of_where((*place, "where"), name, section, each)
    for field in type(section).model_fields:
        told = getattr(section, field)
        if isinstance(told, Value):
            yield from _of_value((*place, field), f"{name}.{field}", told, each)


def _of_value(place: tuple[str, ...], field: str, value: Value, each: str | None) -> Iterator[Reading]:
    if value.path is not None:
        yield Reading((*place, "path"), field, value.path, each, value)
    for path in value.sum or ():
        yield Reading((*place, "sum"), field, path, each, value)
    if value.count is not None:
        yield Reading((*place, "count"), field, value.count, each)
        yield from _of_where((*place, "where"), field, value, value.count)


def _of_where(place: tuple[str, ...], field: str, told: Model, each: str) -> Iterator[Reading]:
    where: Mapping[str, str] = getattr(told, "where", {})
    yield from (Reading((*place, name), field, name, each) for name in where)
