"""
Reading a region file: all mistakes at once, each with its line and key, and a suggestion where one is near.

Why: a mistake that shows at the first odd record, weeks later, costs a region its trust in us.
Must not: read a source, or let the value of an environment variable into a message.
"""

import re
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from textwrap import shorten
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from producers.authoring.lines import lines_of, place, syntax_mistakes
from producers.authoring.meaning import meaning_mistakes
from producers.authoring.mistakes import key_of, placeholders, told
from producers.declaration import Declaration
from producers.faults import RegionFileWrong

__all__ = ["read_region_file", "unset_variables"]

_VARIABLE = re.compile(r"\$\{([A-Z][A-Z0-9_]*)\}")
_LONGEST_PLACEHOLDER = 100
Key = tuple[str, ...]


def read_region_file(path: Path, environ: Mapping[str, str] | None, *, secrets: bool = False) -> Declaration:
    """
    Return a region file with its `${VARIABLES}` filled in; with None for the environment they are left as they are.

    With `secrets`, variables that hold secrets must be set too: whoever runs it would wait for ever.
    Raises `RegionFileWrong` with every mistake at once.
    """
    try:
        text = path.read_text(encoding="utf-8")
        raw = tomllib.loads(text)
    except OSError as error:
        raise _wrong(path, [f"cannot be read: {error.strerror}"]) from error
    except UnicodeDecodeError as error:
        raise _wrong(path, ["is no TOML: it is not written in UTF-8"]) from error
    except tomllib.TOMLDecodeError as error:
        raise _wrong(path, [f"is no TOML: {one}" for one in syntax_mistakes(text, error)]) from error
    lines = lines_of(text)
    mistakes: list[tuple[Key, str]] = []
    if environ is not None:
        mistakes += [(key, f"{name} is not set") for key, name in _unset(raw, environ)]
        named = _secrets(raw.get("source"), ("source",)) if secrets else ()
        mistakes += [(key, f"{name} is not set: it is to hold a secret") for key, name in named if not environ.get(name)]
    left = list(placeholders(raw))
    mistakes += [(key, f"is still to be filled in: {shorten(found, _LONGEST_PLACEHOLDER)}") for key, found in left]
    found: Declaration | None = None
    try:
        found = Declaration(**(raw if environ is None else _filled(raw, environ)))
    except ValidationError as error:
        mistakes += [(key, told(one, raw)) for one in _own(error) if not _is_left(key := key_of(one), left)]
    mapping_right = not any(key[:1] == ("mapping",) for key, _ in mistakes)
    mistakes += [(key, words) for key, words in meaning_mistakes(raw, mapping_right=mapping_right) if not _is_left(key, left)]
    if found is None or mistakes:
        raise _wrong(path, [f"{place(lines, key)}: {words}" for key, words in mistakes])
    return found


def unset_variables(path: Path, environ: Mapping[str, str]) -> list[str]:
    """Return the environment variables that a region file names and that are not set, placeholders and secrets alike."""
    declared = read_region_file(path, None)
    source = declared.source.model_dump()
    names = [name for _, name in [*_unset(source, environ), *_secrets(source)]]
    return sorted({name for name in names if not environ.get(name)})


def _secrets(source: object, at: Key = ()) -> Iterator[tuple[Key, str]]:
    """Give key and name of variables that hold secrets: what a source names in a key that ends in `_env`; of several the first."""
    for name, one in source.items() if isinstance(source, Mapping) else ():
        first = one[0] if isinstance(one, list | tuple) and one else one
        if isinstance(one, Mapping):
            yield from _secrets(one, (*at, name))
        elif name.endswith("_env") and isinstance(first, str):
            yield (*at, name), first


def _own(error: ValidationError) -> list[ErrorDetails]:
    """Return the errors that do not only follow from others: a list whose items are wrong counts as empty."""
    found = error.errors()
    places = [one["loc"] for one in found]
    return [
        one
        for one in found
        if one["type"] != "too_short" or not any(place != one["loc"] and place[: len(one["loc"])] == one["loc"] for place in places)
    ]


def _is_left(key: Key, left: list[tuple[Key, str]]) -> bool:
    """Return whether a mistake comes only of something that is still to be filled in, at its place, above or below."""
    return any(key[: len(one)] == one or one[: len(key)] == key for one, _ in left if one and key)


def _unset(value: Any, environ: Mapping[str, str], at: Key = ()) -> Iterator[tuple[Key, str]]:  # noqa: ANN401 - TOML
    """Give the key and name of every placeholder that the environment does not fill."""
    if isinstance(value, Mapping):
        for name, one in value.items():
            yield from _unset(one, environ, (*at, str(name)))
    elif isinstance(value, list | tuple):
        for one in value:
            yield from _unset(one, environ, at)
    elif isinstance(value, str):
        yield from ((at, name) for name in _VARIABLE.findall(value) if not environ.get(name))


def _filled(value: Any, environ: Mapping[str, str]) -> Any:  # noqa: ANN401 - TOML
    if isinstance(value, dict):
        return {name: _filled(one, environ) for name, one in value.items()}
    if isinstance(value, list):
        return [_filled(one, environ) for one in value]
    return _VARIABLE.sub(lambda found: environ.get(found.group(1), ""), value) if isinstance(value, str) else value


def _wrong(path: Path, mistakes: list[str]) -> RegionFileWrong:
    count = "1 mistake" if len(mistakes) == 1 else f"{len(mistakes)} mistakes"
    return RegionFileWrong(count=count, file=path.name, mistakes="\n".join(f"{path.name}: {one}" for one in mistakes))
