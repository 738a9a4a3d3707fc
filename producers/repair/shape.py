"""
The shape of a sealed record: which paths it has and what kind of value stands at each, masked; and how its fault can be repaired.

Why: whoever mends a mapping must see how the source wrote it, and need not see of whom.
Must not: let a value out but masked, or a name that may be a number.
"""

import json
from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Any

from producers.declaration import RegionMapping
from producers.drift import shown
from producers.faults import masked
from producers.records import Node, Spoilt
from producers.repair.entries import Entry

__all__ = ["NEW_CODE", "NEW_FIELD", "repair_for", "shape_of"]

NEW_CODE, NEW_FIELD = "is a code that the table does not have", "is a field that the source did not have before"
"""Causes of the mapping; a test holds them equal to its own."""
_LISTS = ("members", "programmes", "nutrition")
_SECTIONS = ("composition", "welfare", "dwelling", *_LISTS)
_MOST = 200
_MOST_LOOKED_AT = 100_000
_FEW = 4
_DEEPEST = 40


def shape_of(record: Node) -> list[tuple[str, str, str]]:
    """
    Return the paths of a record, as a region file writes them, at most 200, each with the kinds and masked values that stand there.

    >>> shape_of(Node({"nik": "9901014505900001", "n": [{"a": 1}, {"a": 2}, {"a": "x"}]}, Node({"desa": None})))
    [('nik', 'text', '9999999999999999'), ('n', 'list of 3', ''), ('n[].a', 'number, text', '9, a'), ('^.desa', 'nothing', '')]
    """
    found: dict[str, tuple[dict[str, None], dict[str, None]]] = {}
    up: str = ""
    around: Node | None = record
    while around is not None:
        for path, kind, value in islice(_within(around.value, up, 0), _MOST_LOOKED_AT):
            if path not in found and len(found) >= _MOST:
                break
            kinds, values = found.setdefault(path, ({}, {}))
            kinds[kind] = None
            if value:
                values[value] = None
        up, around = f"{up}.^" if up else "^", around.parent
    return [(path, _few(kinds), _few(values)) for path, (kinds, values) in found.items()]


def _few(told: Mapping[str, None]) -> str:
    """Return the first of some different things."""
    return ", ".join(islice(told, _FEW)) + (", ..." if len(told) > _FEW else "")


def _within(value: Any, at: str, depth: int) -> Iterator[tuple[str, str, str]]:  # noqa: ANN401 - JSON
    if isinstance(value, Mapping) and depth < _DEEPEST:
        for name, one in value.items():
            yield from _within(one, f"{at}.{shown(str(name))}" if at else shown(str(name)), depth + 1)
    elif isinstance(value, list) and depth < _DEEPEST:
        yield at, f"list of {len(value)}", ""
        for one in value:
            yield from _within(one, f"{at}[]", depth + 1)
    else:
        yield at or "the record", _kind(value), "" if value is None or isinstance(value, bool) else masked(value)


def _kind(value: Any) -> str:  # noqa: ANN401 - JSON
    if value is None:
        return "nothing"
    if isinstance(value, Spoilt):
        return f"a value that {value.cause}"
    if isinstance(value, bool):
        return "true or false"
    return "number" if isinstance(value, int | float) else "text" if isinstance(value, str) else type(value).__name__


def repair_for(entry: Entry) -> list[str]:
    """Return the lines of a repair file for an entry and all like it, to be completed; none where no repair file can help."""
    told = _told_otherwise(entry) if entry.kept else []
    match = ["[match]", f"field = {json.dumps(entry.field)}", f"cause = {json.dumps(entry.cause)}"]
    return [*match, f'# or only this record: id = "{entry.id}"', *told] if told else []


def _told_otherwise(entry: Entry) -> list[str]:
    """Return what a repair could map otherwise."""
    section, _, name = entry.field.partition(".")
    if entry.cause == NEW_FIELD:
        return ["[drift]", 'new_field = "evolve"   # go on without reading it; to read it, mend the region file']
    if entry.field == "residence.village":
        return ["[mapping]", 'village = { constant = "<the village\'s code>" }   # of a regency of the region file']
    if section not in RegionMapping.model_fields or section in ("household", "revision"):
        return []
    if name:
        return [f"[mapping.{section}.{name}]", *_of_field(entry)]
    if section in _SECTIONS:
        return [f"[mapping.{section}]", f'{"each" if section in _LISTS else "when"} = "<the path of it>"']
    return ["[mapping]", f'{section} = {{ path = "<where it is>" }}   # or: constant = <what it is>']


def _of_field(entry: Entry) -> list[str]:
    """Return what a repair could say of a section's field, and how it could be left unsaid."""
    if entry.cause == NEW_CODE:
        kind, mended = "new_code", 'table = { "<the source\'s code>" = "<ours>" }   # which one it is, only the source shows'
    elif entry.cause.startswith("is not from"):
        kind, mended = "new_code", 'range = ["<the least>", "<the greatest>"]   # numbers, without quotes'
    else:
        kind = "missing_field" if entry.cause == "is missing" else "changed_type"
        mended = 'path = "<where it is>"   # or: constant = <what it is>'
    return [mended, "# or instead of it:", f'# [drift.only."{entry.field}"]', f'# {kind} = "discard"   # say nothing of it']
