"""
Mistakes in a region file in the words of the file: where, what, and what may be meant.

Why: whoever writes a region file is no programmer of ours; pydantic's words speak of types and schemas.
Must not: read a file, or tell the value of an environment variable.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from difflib import get_close_matches
from typing import Any, get_args

from pydantic_core import ErrorDetails

from producers.declaration import SOURCE_KINDS, Declaration, Value
from producers.declaration.model import PATTERNS, Misplaced, Model, every_model

__all__ = ["PLACEHOLDER", "key_of", "keys_of", "model_at", "near", "placeholders", "told"]

PLACEHOLDER = re.compile(r"<[^<>]+>")
"""What a starting file leaves to its author."""
_NEEDED = {
    "int_type": "a whole number is needed",
    "int_parsing": "a whole number is needed",
    "int_from_float": "a whole number is needed",
    "float_type": "a number is needed",
    "float_parsing": "a number is needed",
    "string_type": "a text in quotes is needed",
    "bool_type": "true or false is needed",
    "bool_parsing": "true or false is needed",
    "tuple_type": "a list in [ ] is needed",
    "list_type": "a list in [ ] is needed",
    "dict_type": "a table is needed, such as {{ name = 1 }}",
    "mapping_type": "a table is needed, such as {{ name = 1 }}",
    "model_type": "a table is needed, such as {{ name = 1 }}",
    "model_attributes_type": "a table is needed, such as {{ name = 1 }}",
    "greater_than_equal": "is to be {ge} or more",
    "greater_than": "is to be more than {gt}",
    "less_than_equal": "is to be {le} or less",
    "less_than": "is to be less than {lt}",
    "too_short": "needs {min_length} or more",
    "too_long": "takes {max_length} or fewer",
    "string_too_short": "is empty",
    "string_too_long": "takes {max_length} letters at most",
    "missing": "is missing",
}
_LIKE = 0.6


def told(error: ErrorDetails, raw: Mapping[str, Any]) -> Iterator[tuple[tuple[str, ...], str]]:
    """Give what is wrong, each with its key; `raw` is the file as it stands, variables not filled in."""
    cause = error.get("ctx", {}).get("error")
    if not isinstance(cause, Misplaced):
        yield key_of(error), _told(error, raw)
        return
    for one in cause.mistakes:
        meant = near(one.typed, one.known)
        yield (*key_of(error), *one.key), one.words + (f": is {meant} meant?" if meant else "")


def _told(error: ErrorDetails, raw: Mapping[str, Any]) -> str:
    """Return what is wrong, without the place."""
    kind, context = error["type"], error.get("ctx", {})
    given = _given(raw, key_of(error))
    if kind == "extra_forbidden":
        return _unknown(key_of(error), raw)
    if kind in ("literal_error", "union_tag_invalid", "union_tag_not_found"):
        return _no_such(given, _literals(str(context["expected"])) if kind == "literal_error" else SOURCE_KINDS)
    if kind == "string_pattern_mismatch":
        return PATTERNS.get(str(context["pattern"]), f"does not fit {context['pattern']}")
    if kind in ("model_type", "model_attributes_type") and model_at(key_of(error), raw) is Value:
        return 'a path in quotes is needed, or a table such as { path = "..." }'
    if kind in _NEEDED:
        whole = {name: int(one) if isinstance(one, float) and one.is_integer() else one for name, one in context.items()}
        return _NEEDED[kind].format(**whole)
    # Our own words may begin with a name of the file, pydantic's never do.
    return str(context["error"]) if kind == "value_error" else f"{error['msg'][0].lower()}{error['msg'][1:]}"


def key_of(error: ErrorDetails) -> tuple[str, ...]:
    """Return where a mistake is, as the file has it: what pydantic adds for the kind of source is left out."""
    key = tuple(str(one) for place, one in enumerate(error["loc"]) if not (place == 1 and one in SOURCE_KINDS))
    return (*key, "kind") if error["type"] in ("union_tag_invalid", "union_tag_not_found") else key


def placeholders(value: Any, at: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], str]]:  # noqa: ANN401 - TOML
    """Give the key and text of everything that is still to be filled in."""
    if isinstance(value, Mapping):
        for name, one in value.items():
            yield from ((at, found) for found in PLACEHOLDER.findall(str(name)))
            yield from placeholders(one, (*at, str(name)))
    elif isinstance(value, list | tuple):
        for number, one in enumerate(value):
            yield from placeholders(one, (*at, str(number)))
    elif isinstance(value, str):
        yield from ((at, found) for found in PLACEHOLDER.findall(value))


def near(typed: str, known: Sequence[str]) -> str | None:
    """Return the known name that was probably meant."""
    found = get_close_matches(typed, known, 1, _LIKE)
    return found[0] if found else None


def keys_of(model: type[Model]) -> list[str]:
    """Return the keys that a part of a region file can have, as they are written."""
    return [told.alias or name for name, told in model.model_fields.items()]


def model_at(key: Sequence[str], raw: Mapping[str, Any]) -> type[Model] | None:
    """Return the part of a region file that lies at a key, or None where none does."""
    model: type[Model] | None = Declaration
    for depth, name in enumerate(key):
        if model is None:
            return None
        if name.isdigit():
            continue
        field = next((one for field, one in model.model_fields.items() if name in (field, one.alias)), None)
        found = _models(field.annotation) if field else []
        if tuple(key[: depth + 1]) == ("source",):
            found = [one for one in found if _kind(one) == _given(raw, ("source", "kind"))]
        if model is not None and field is None:
            found = []
        model = found[0] if found else None
    return model


def _kind(model: type[Model]) -> str | None:
    kinds = get_args(model.model_fields["kind"].annotation) if "kind" in model.model_fields else ()
    return kinds[0] if kinds else None


def _models(annotation: Any) -> list[type[Model]]:  # noqa: ANN401 - a type
    if isinstance(annotation, type) and issubclass(annotation, Model):
        return [annotation]
    return [model for one in get_args(annotation) for model in _models(one)]


def _given(raw: Any, key: Sequence[str]) -> Any:  # noqa: ANN401 - TOML
    """Return what the file has at a key."""
    for name in key:
        if isinstance(raw, Mapping):
            raw = raw.get(name)
        elif isinstance(raw, list) and name.isdigit() and int(name) < len(raw):
            raw = raw[int(name)]
        else:
            return None
    return raw


def _unknown(key: tuple[str, ...], raw: Mapping[str, Any]) -> str:
    name, model = key[-1], model_at(key[:-1], raw)
    known = keys_of(model) if model else sorted({one for each in every_model() for one in keys_of(each)})
    if meant := near(name, known):
        return f"is not known here: is {meant} meant?"
    homes = [".".join(place) for place, other in _places() if name in keys_of(other)]
    if homes:
        return f"is not known here: it belongs in [{homes[0]}]"
    return f"is not known here: there are {', '.join(known)}"


def _places() -> Iterator[tuple[tuple[str, ...], type[Model]]]:
    """Give the sections of a region file in which a key may have been meant to stand."""
    yield ("mapping",), next(iter(_models(Declaration.model_fields["mapping"].annotation)))
    for source in _models(Declaration.model_fields["source"].annotation):
        yield ("source",), source
    mapping = next(iter(_models(Declaration.model_fields["mapping"].annotation)))
    for name, field in mapping.model_fields.items():
        for section in _models(field.annotation):
            if "path" not in section.model_fields:
                yield ("mapping", name), section
    yield ("drift",), next(iter(_models(Declaration.model_fields["drift"].annotation)))


def _literals(expected: str) -> list[str]:
    return re.findall(r"'([^']*)'", expected)


def _no_such(given: Any, known: Sequence[str]) -> str:  # noqa: ANN401 - TOML
    there = f"there are {', '.join(known)}"
    if given is None:
        return f"is missing: {there}"
    meant = near(str(given), known)
    return f"{given} is not known: is {meant} meant? {there}" if meant else f"{given} is not known: {there}"
