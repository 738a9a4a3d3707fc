"""
Mistakes of a region file in the codes that it gives to coded fields: what the contract does not have.

Why: a code table is written by hand, and its right side is a number like any other until somebody counts codes.
Must not: read a file, a source or a sample.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from schemas.codes import CODES, Codes

__all__ = ["code_mistakes"]

Mistake = tuple[tuple[str, ...], str]


def code_mistakes(mapping: Mapping[str, Any]) -> Iterator[Mistake]:
    """Give every constant, entry of a table and range of a mapping, as it stands in the file, that goes beyond its field's codes."""
    for name, codes in CODES.items():
        section, field = name.split(".")
        inside = mapping.get(section)
        value = inside.get(field) if isinstance(inside, Mapping) else None
        if isinstance(value, Mapping):
            yield from (((*("mapping", section, field), *key), words) for key, words in _of_field(field, value, codes))


def _of_field(field: str, value: Mapping[str, Any], codes: Codes) -> Iterator[Mistake]:
    told: list[tuple[tuple[str, ...], Any]] = [(("constant",), value.get("constant"))]
    if isinstance(table := value.get("table"), Mapping):
        told += [(("table", str(code)), one) for code, one in table.items()]
    for key, one in told:
        if type(one) is int and not codes.least <= one <= codes.greatest:
            yield key, f"{one} is no code of {field}: there are {codes}"
    match value.get("range"):
        case [int(least), int(greatest)] if least < codes.least or greatest > codes.greatest:
            yield ("range",), f"[{least}, {greatest}] is wider than the codes of {field}: there are {codes}"
