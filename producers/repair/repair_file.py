"""
The file of a repair: a mended region file, or a repair file, which says only what differs, and for which records.

Why: both are read by the one mapping language, with all mistakes at once, so that whoever wrote a region file can mend a record.
Must not: let a repair give a household another card or a claim another revision: a repaired event wins and loses as the record would.
"""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

from producers.declaration import Declaration
from producers.region_file import declaration_of, read_toml
from producers.repair.match import Match, match_of
from schemas.errors import Fatal

__all__ = ["Mending", "OfAnotherSource", "read_mending"]

_PARTS = ("match", "mapping", "drift")
_NOT_SET = {
    "household": "whose record it is, only the source can say",
    "revision": "is the source's own: a repaired event wins and loses as its record would",
}
_ORIGINS = ("path", "constant", "sum", "count")
_IDENTIFIER = re.compile(r"(?<![0-9])(?!99)[0-9]{16}(?![0-9])")
Mistake = tuple[tuple[str, ...], str]


class OfAnotherSource(Fatal):
    """{file} is of source {found}, and the records are of {source}: give the mended region file of that one"""


@dataclass(frozen=True, slots=True)
class Mending:
    """What a repair's file says: the region as it is mapped by it, the entries meant, and the file by name and SHA-256."""

    declared: Declaration
    match: Match
    file_name: str
    digest: bytes
    versioned: Declaration
    """The declaration whose mapping the version stands for: the mended region file's, or that of the one under a repair file."""
    laid_over: bool
    """It is a repair file, laid over the region file; else it is a mended region file."""


def read_mending(file: Path, region_file: Path, environ: Mapping[str, str]) -> Mending:
    """Return what a repair's file says; raises `RegionFileWrong` with every mistake, or `OfAnotherSource`."""
    base, base_lines = read_toml(region_file)
    region = declaration_of(region_file, base, base_lines, environ_for(base, environ))
    raw, lines = read_toml(file)
    digest = sha256(file.read_bytes()).digest()
    if "match" not in raw and "source" in raw:
        found = declaration_of(file, raw, lines, environ_for(raw, environ))
        if found.source_id != region.source_id:
            raise OfAnotherSource(file=file.name, found=found.source_id, source=region.source_id)
        return Mending(found, Match(), file.name, digest, found, laid_over=False)
    match, mistakes = match_of(raw.get("match"))
    mistakes += _mistakes(raw)
    parts = {name: raw[name] for name in ("mapping", "drift") if isinstance(raw.get(name), Mapping)}
    whole = {name: one for name, one in _laid_over(base, parts).items() if name != "example"}
    found = declaration_of(file, whole, lines, environ_for(whole, environ), mistakes)
    return Mending(found, match, file.name, digest, region, laid_over=True)


def environ_for(raw: Mapping[str, Any], environ: Mapping[str, str]) -> Mapping[str, str] | None:
    """Return the environment where a mapping is filled in from it: a source's address and secrets need not be there for a repair."""
    return environ if "${" in json.dumps(raw.get("mapping"), default=str) else None


def _mistakes(raw: Mapping[str, Any]) -> Iterator[Mistake]:
    for name in raw:
        if name not in _PARTS:
            yield (name,), f"does not belong into a repair file: one of {', '.join(_PARTS)}"
    if not raw.get("mapping") and not raw.get("drift"):
        yield ("mapping",), "is missing: say what is mapped otherwise for these records, as the region file would"
    mapping = raw.get("mapping")
    for name, why in _NOT_SET.items():
        if isinstance(mapping, Mapping) and name in mapping:
            yield ("mapping", name), f"cannot be repaired: {why}"
    if _IDENTIFIER.search(json.dumps(raw, default=str)):
        yield (), "holds 16 digits in a row, the shape of a national identifier"


def _laid_over(base: Any, over: Any) -> Any:  # noqa: ANN401 - TOML
    """
    Return TOML with other TOML laid over it: tables go into tables, and a value that says itself where it comes from takes its place.

    >>> _laid_over({"sex": {"path": "jk", "table": {"L": 1}}}, {"sex": {"table": {"X": 2}}})
    {'sex': {'path': 'jk', 'table': {'L': 1, 'X': 2}}}
    >>> _laid_over({"size": "n"}, {"size": {"constant": 3}}), _laid_over({"size": "n"}, {"size": {"range": [1, 9]}})
    ({'size': {'constant': 3}}, {'size': {'path': 'n', 'range': [1, 9]}})
    """
    if not isinstance(over, Mapping) or any(name in over for name in _ORIGINS):
        return over
    if isinstance(base, str):
        base = {"path": base}
    if not isinstance(base, Mapping):
        return over
    return {**base, **{name: _laid_over(base.get(name), one) for name, one in over.items()}}
