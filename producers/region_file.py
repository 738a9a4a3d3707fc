"""
Reading a region file: all mistakes at once, each with its line and key, and a suggestion where one is near.

Why: a mistake that shows at the first odd record, weeks later, costs a region its trust in us.
Must not: read a source, or let the value of an environment variable into a message.
"""

import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from textwrap import shorten
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from producers.authoring.lines import Lines, lines_of, place, syntax_mistakes
from producers.authoring.meaning import meaning_mistakes
from producers.authoring.mistakes import key_of, placeholders, told
from producers.declaration import Declaration
from producers.environment import why_missing
from producers.faults import RegionFileWrong

__all__ = ["declaration_of", "read_region_file", "read_toml", "unset_variables", "variables_of"]

_VARIABLE = re.compile(r"\$\{([A-Z][A-Z0-9_]*)\}")
_LONGEST_PLACEHOLDER = 100
Key = tuple[str, ...]


def read_region_file(path: Path, environ: Mapping[str, str] | None) -> Declaration:
    """
    Return a region file with its `${VARIABLES}` filled in; with None for the environment they are left as they are.

    Raises `RegionFileWrong` with every mistake at once.
    """
    raw, lines = read_toml(path)
    return declaration_of(path, raw, lines, environ)


def read_toml(path: Path) -> tuple[dict[str, Any], Lines]:
    """Return what a TOML file says, and the lines of its keys; raises `RegionFileWrong` where it is none."""
    try:
        text = path.read_text(encoding="utf-8")
        raw = tomllib.loads(text)
        if not raw:
            raise _wrong(path, ["says nothing: muara adapter new NAME --source KIND --out FILE begins one"])
        return raw, lines_of(text)
    except OSError as error:
        raise _wrong(path, [f"cannot be read: {error.strerror}"]) from error
    except UnicodeDecodeError as error:
        raise _wrong(path, ["is no TOML: it is not written in UTF-8"]) from error
    except tomllib.TOMLDecodeError as error:
        raise _wrong(path, [f"is no TOML: {one}" for one in syntax_mistakes(text, error)]) from error


def declaration_of(
    path: Path, raw: Mapping[str, Any], lines: Lines, environ: Mapping[str, str] | None, mistakes: Sequence[tuple[Key, str]] = ()
) -> Declaration:
    """Return the declaration that TOML says; raises `RegionFileWrong` with every mistake, those given among them, at their lines."""
    mistakes = list(mistakes)
    if environ is not None:
        mistakes += [(key, why_missing(name, environ)) for key, name in _unset(raw, environ)]
    left = [*placeholders(raw), *((key, "") for key, _ in mistakes)]
    mistakes += [(key, f"is still to be filled in: {shorten(found, _LONGEST_PLACEHOLDER)}") for key, found in left if found]
    found: Declaration | None = None
    try:
        found = Declaration(**(raw if environ is None else _filled(raw, environ)))
    except ValidationError as error:
        mistakes += [mistake for one in _own(error) if not _is_left(key_of(one), left) for mistake in told(one, raw)]
    if found is not None and environ is not None:
        wanted = [(key, names[0]) for key, names in _secrets(found.source.model_dump(), ("source",))]
        mistakes += [(key, why_missing(name, environ)) for key, name in wanted if not environ.get(name)]
    mapping_right = not any(key[:1] == ("mapping",) for key, _ in mistakes)
    mistakes += [(key, words) for key, words in meaning_mistakes(raw, mapping_right=mapping_right) if not _is_left(key, left)]
    if found is None or mistakes:
        raise _wrong(path, [f"{place(lines, key)}: {words}" for key, words in mistakes])
    return found


def unset_variables(path: Path, environ: Mapping[str, str]) -> list[str]:
    """Return the environment variables that a region file names and that have no value, placeholders and secrets alike."""
    source = read_region_file(path, None).source.model_dump()
    names = [name for _, name in _named(source)] + [names[0] for _, names in _secrets(source)]
    return sorted({name for name in names if not environ.get(name)})


def variables_of(path: Path) -> set[str]:
    """Return the environment variables that a region file names, those that need not be set too; none where it cannot be read."""
    try:
        raw = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return set()
    source = raw.get("source")
    secrets = _secrets(source) if isinstance(source, Mapping) else ()
    return {name for _, name in _named(raw)} | {name for _, names in secrets for name in names}


def _secrets(source: Mapping[str, Any], at: Key = ()) -> Iterator[tuple[Key, Sequence[str]]]:
    """Give the variables that hold secrets: what a key that ends in `_env` names, at least one; of several only the first must be set."""
    for name, one in source.items():
        if isinstance(one, Mapping):
            yield from _secrets(one, (*at, name))
        elif name.endswith("_env") and one and isinstance(one, str | list | tuple):
            yield (*at, str(name)), [one] if isinstance(one, str) else [str(each) for each in one]


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


def _unset(value: Any, environ: Mapping[str, str]) -> Iterator[tuple[Key, str]]:  # noqa: ANN401 - TOML
    """Give the key and name of every placeholder that the environment does not fill."""
    return ((key, name) for key, name in _named(value) if not environ.get(name))


def _named(value: Any, at: Key = ()) -> Iterator[tuple[Key, str]]:  # noqa: ANN401 - TOML
    """Give the key and name of every placeholder."""
    if isinstance(value, Mapping):
        for name, one in value.items():
            yield from _named(one, (*at, str(name)))
    elif isinstance(value, list | tuple):
        for one in value:
            yield from _named(one, at)
    elif isinstance(value, str):
        yield from ((at, name) for name in _VARIABLE.findall(value))


def _filled(value: Any, environ: Mapping[str, str]) -> Any:  # noqa: ANN401 - TOML
    if isinstance(value, dict):
        return {name: _filled(one, environ) for name, one in value.items()}
    if isinstance(value, list):
        return [_filled(one, environ) for one in value]
    return _VARIABLE.sub(lambda found: environ.get(found.group(1), ""), value) if isinstance(value, str) else value


def _wrong(path: Path, mistakes: list[str]) -> RegionFileWrong:
    count = "1 mistake" if len(mistakes) == 1 else f"{len(mistakes)} mistakes"
    return RegionFileWrong(count=count, file=path.name, mistakes="\n".join(f"{path.name}: {one}" for one in mistakes))
