"""
The shape of a sealed record: which paths it has and what kind of value stands at each, masked; and how its fault can be repaired.

Why: whoever mends a mapping must see how the source wrote it, and need not see of whom.
Must not: let a value out but masked, or a name that may be a number.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from producers.drift import shown
from producers.faults import masked
from producers.records import Node, Spoilt
from producers.repair.entries import Entry

__all__ = ["repair_for", "shape_of"]

_MOST = 200
_DEEPEST = 40


def shape_of(record: Node) -> list[tuple[str, str, str]]:
    """
    Return the paths of a record, as a region file writes them, each with kind and masked value, at most 200; of a list the first item's.

    >>> shape_of(Node({"nik": "9901014505900001", "n": [{"a": 1}, {"a": 2}]}, Node({"desa": None})))
    [('nik', 'text', '9999999999999999'), ('n', 'list of 2', ''), ('n[].a', 'number', '9'), ('^.desa', 'nothing', '')]
    """
    found = list(_within(record.value, "", 0))
    up, around = "^", record.parent
    while around is not None:
        found += _within(around.value, up, 0)
        up, around = f"{up}.^", around.parent
    return found[:_MOST]


def _within(value: Any, at: str, depth: int) -> Iterator[tuple[str, str, str]]:  # noqa: ANN401 - JSON
    if isinstance(value, Mapping) and depth < _DEEPEST:
        for name, one in value.items():
            yield from _within(one, f"{at}.{shown(str(name))}" if at else shown(str(name)), depth + 1)
    elif isinstance(value, list) and depth < _DEEPEST:
        yield at, f"list of {len(value)}", ""
        if value:
            yield from _within(value[0], f"{at}[]", depth + 1)
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
    """Return the lines of a repair file for an entry and all like it, to be completed; none where no repair is known."""
    head = ["[match]", f'field = "{entry.field}"', f'cause = "{entry.cause}"', f'# or only this record: id = "{entry.id}"']
    section, _, name = entry.field.partition(".")
    if not entry.kept or entry.field in ("household", "revision", "event", "records", ""):
        return []
    if entry.field == "residence.village":
        return [*head, "[mapping]", 'village = { constant = "<the village\'s code>" }']
    if not name:
        return [*head, "[mapping]", f'{section} = {{ path = "<where it is>" }}   # or: constant = <what it is>']
    kind = {"is a code that the table does not have": "new_code", "is missing": "missing_field"}.get(entry.cause, "changed_type")
    coded = 'table = { "<the source\'s code>" = "<ours>" }'
    mended = coded if kind == "new_code" else 'path = "<where it is>"   # or: constant = <what it is>'
    silent = [f'# [drift.only."{entry.field}"]', f'# {kind} = "discard"   # say nothing of it']
    return [*head, f"[mapping.{section}.{name}]", mended, "# or instead of it:", *silent]
