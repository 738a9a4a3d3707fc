"""
Mistakes in a region file that its types allow: names that nothing has, codes that are never met, numbers that may be a person's.

Why: each would be silent: a mode that never acts, an entry that never counts, an example that holds nothing.
Must not: read a file, a source or a sample.
"""

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

from producers.authoring.coded import code_mistakes
from producers.authoring.expected import unknown_fields
from producers.authoring.mistakes import PLACEHOLDER, near
from producers.declaration import ESSENTIAL, Declaration, RegionMapping, Value
from producers.declaration.model import Model
from producers.mapping import VILLAGE

__all__ = ["field_names", "meaning_mistakes", "meaning_warnings", "unknown_districts", "unknown_regencies"]

Mistake = tuple[tuple[str, ...], str]
_ANY_VARIABLE = re.compile(r"\$\{([^}]*)\}?")
_VARIABLE = re.compile(r"[A-Z][A-Z0-9_]*")
_KEYS = re.compile(r"MUARA_PSEUDONYM\w*")
_IDENTIFIER = re.compile(r"(?<!\d)\d{16}(?!\d)")
_INVENTED = "99"
_RENAMED = {"village": "residence.village"}


def field_names(mapping: Mapping[str, Any]) -> Iterator[str]:
    """Give the names that faults and drift have for what a mapping declares: fields, sections, and fields of sections."""
    for name, told in mapping.items():
        field = RegionMapping.model_fields.get(name)
        if field is None:
            continue
        yield _RENAMED.get(name, name)
        if isinstance(told, Mapping) and not set(told) & {"path", "constant", "sum", "count"}:
            yield from (f"{name}.{inner}" for inner in told if inner not in ("when", "each", "where"))


def meaning_mistakes(raw: Mapping[str, Any], *, mapping_right: bool) -> Iterator[Mistake]:
    """
    Give the mistakes of a region file as it stands; parts whose types are wrong are passed over, as that is told elsewhere.

    Where the mapping has mistakes itself, nothing is said of names that it does not have: they may be those.
    """
    yield from _variables(raw, ())
    mapping = _table(raw, "mapping")
    names = list(field_names(mapping)) if mapping_right else None
    yield from code_mistakes(mapping)
    yield from _modes(_table(_table(raw, "drift"), "only"), names)
    if _table(raw, "source").get("kind") == "files":
        yield from _empty_codes(mapping, ("mapping",))
    examples = raw.get("example")
    for number, one in enumerate(examples if isinstance(examples, list) else ()):
        if isinstance(one, Mapping):
            yield from ((("example", str(number), *key), words) for key, words in _example(one, names))


def _table(raw: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    found = raw.get(name)
    return found if isinstance(found, Mapping) else {}


def _variables(value: Any, at: tuple[str, ...]) -> Iterator[Mistake]:  # noqa: ANN401 - TOML
    if isinstance(value, Mapping):
        for name, one in value.items():
            yield from _variables(one, (*at, str(name)))
    elif isinstance(value, list):
        for one in value:
            yield from _variables(one, at)
    elif isinstance(value, str):
        for found in _ANY_VARIABLE.finditer(value):
            if not found[0].endswith("}") or not _VARIABLE.fullmatch(found[1]):
                yield at, f"{found[0]} names no variable: ${{NAME}}, of capitals, digits and _"
        # A source would be told the key.
        yield from ((at, f"names {name}, which is for pseudonyms alone") for name in _KEYS.findall(value))


def _modes(only: Mapping[str, Any], names: Sequence[str] | None) -> Iterator[Mistake]:
    for name, modes in only.items():
        key = ("drift", "only", name)
        if names is not None and name not in names:
            meant = near(name, names)
            yield key, "is no field or section of the mapping" + (f": is {meant} meant?" if meant else "")
        elif name in ESSENTIAL and isinstance(modes, Mapping):
            odd = sorted({str(mode) for mode in modes.values()} & {"evolve", "discard"})
            yield from ((key, f"{mode} cannot be: there is no event without {name}; freeze or quarantine can") for mode in odd)


def _empty_codes(value: Any, at: tuple[str, ...]) -> Iterator[Mistake]:  # noqa: ANN401 - TOML
    if not isinstance(value, Mapping):
        return
    for name, one in value.items():
        if name == "table" and isinstance(one, Mapping) and "" in one:
            yield (*at, name), 'the code "" is never met: an empty cell says nothing'
        yield from _empty_codes(one, (*at, str(name)))


def _example(one: Mapping[str, Any], names: Sequence[str] | None) -> Iterator[Mistake]:
    event, fault = one.get("event"), one.get("fault")
    for key, why, known in unknown_fields(event) if isinstance(event, Mapping) else ():
        meant = near(key[-1], known)
        yield ("event", *key), why + (f": is {meant} meant?" if meant and "field of" in why else "")
    if names is not None and isinstance(fault, str) and not PLACEHOLDER.search(fault) and fault not in names:
        meant = near(fault, names)
        yield ("fault",), f"{fault} is no field or section of the mapping" + (f": is {meant} meant?" if meant else "")
    for part in ("record", "within"):
        if any(not number.startswith(_INVENTED) for number in _IDENTIFIER.findall(str(one.get(part, "")))):
            yield (part,), "holds a number that may be a person's or a family card's: examples are invented, with area 99 in front"


def meaning_warnings(declared: Declaration) -> Iterator[Mistake]:
    """Give what a region file says to no effect, and what it lets leave the region as it is written."""
    if declared.mapping.programmes is not None and declared.mapping.programmes.free_text:
        yield ("mapping", "programmes", "free_text"), _free_text_warning(declared.mapping.programmes.programme)
    for key, value in _values(declared.mapping, ("mapping",)):
        if value.range is not None and (value.table is not None or value.constant is not None):
            yield (*key, "range"), "is never used: a table or constant gives only what it lists"
        elif value.format is not None and value.conversion is None and value.path is None:
            yield (*key, "format"), "is never used: nothing is read here"
        for code in value.table or ():
            if code != code.strip():
                yield (*key, "table"), "has a code with blanks around it: it is met only where the source writes them, too"
    yield from ((("mapping", "village"), words) for words in _odd_villages(declared))
    if declared.drift.known and declared.drift.new_field == "discard":
        yield ("drift", "known"), "is never used: new fields are discarded"


def _free_text_warning(programme: Value) -> str:
    if programme.path is None or programme.table is not None:
        return "is never used: the programme is only what the file lists"
    return "lets whatever is written there leave the region, a person's name too: are you sure that nobody is ever named there?"


def _odd_villages(declared: Declaration) -> Iterator[str]:
    """Say of each village that a file gives itself why every record of it would be put aside."""
    for village in _villages(declared):
        if not VILLAGE.fullmatch(village):
            yield f"{village} is no village's code such as 31.74.01.1001: its records would be put aside"
        elif village[:5] not in declared.regencies:
            yield f"{village} lies in {village[:5]}, which is none of the file's regencies: its records would be put aside"


def _villages(declared: Declaration) -> list[str]:
    """Return the villages that a file gives itself, in a table or as the only one."""
    told = declared.mapping.village
    return sorted({str(one) for one in ((told.table or {}).values() if told.constant is None else [told.constant])})


def unknown_districts(declared: Declaration, areas: Collection[str]) -> Iterator[Mistake]:
    """Give the villages of a file's own table whose district is not among the areas (six digits): the office would reject their records."""
    for village in _villages(declared):
        if village[:5] in declared.regencies and VILLAGE.fullmatch(village) and village[:8].replace(".", "") not in areas:
            words = f"{village} lies in no district that the product's list has: muara regions list {village[:5]} shows them"
            yield ("mapping", "village"), words


def unknown_regencies(declared: Declaration, areas: Collection[str]) -> Iterator[Mistake]:
    """Give the regencies of which there is no district among the areas (six digits): records of them would be rejected by the office."""
    known = {area[:4] for area in areas}
    for place, regency in enumerate(declared.regencies):
        if regency.replace(".", "") not in known:
            yield ("regencies", str(place)), f"{regency} is no regency that the product's list has: is it a Kemendagri code, and a new one?"


def _values(model: Model, at: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Value]]:
    for name in type(model).model_fields:
        told = getattr(model, name)
        if isinstance(told, Value):
            yield (*at, name), told
        elif isinstance(told, Model):
            yield from _values(told, (*at, name))
