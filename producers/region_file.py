"""
Reading a region file: all mistakes at once, each with its line and key, and a suggestion where one is near.

Why: a mistake that shows at the first odd record, weeks later, costs a region its trust in us.
Must not: read a source, or let the value of an environment variable into a message.
"""

import re
import tomllib
from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from producers.declaration import SOURCE_KINDS, Declaration, PostgresSource, RestSource, WebhookSource
from producers.declaration.model import every_model
from producers.faults import RegionFileWrong

__all__ = ["read_region_file", "unset_variables"]

_VARIABLE = re.compile(r"\$\{([A-Z][A-Z0-9_]*)\}")
_SECRET = re.compile(r"MUARA_PSEUDONYM\w*")
_HEADER = re.compile(r"\s*\[\[?\s*([\w.\"-]+)\s*\]\]?")
_KEY = re.compile(r"\s*([\w.\"-]+)\s*=")
_KNOWN = sorted({told.alias or name for model in every_model() for name, told in model.model_fields.items()})


def read_region_file(path: Path, environ: Mapping[str, str] | None) -> Declaration:
    """
    Return a region file with its `${VARIABLES}` filled in; with None for the environment they are left as they are.

    Raises `RegionFileWrong` with every mistake at once.
    """
    try:
        text = path.read_text(encoding="utf-8")
        raw = tomllib.loads(text)
    except OSError as error:
        raise _wrong(path, [f"cannot be read: {error.strerror}"]) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise _wrong(path, [f"is no TOML: {error}"]) from error
    lines = dict(_lines(text))
    mistakes = [] if environ is None else [f"{_place(lines, key)}: {name} is not set" for key, name in _unset(raw, environ)]
    mistakes += [f"{_place(lines, key)}: names {name}, which is for pseudonyms alone" for key, name in _secret(raw)]
    try:
        found = Declaration(**(raw if environ is None else _filled(raw, environ)))
    except ValidationError as error:
        mistakes += [_told(lines, one["loc"], one["type"], one["msg"]) for one in error.errors()]
    else:
        if not mistakes:
            return found
    raise _wrong(path, mistakes)


def unset_variables(path: Path, environ: Mapping[str, str]) -> list[str]:
    """Return the environment variables that a region file names and that are not set, placeholders and secrets alike."""
    declared = read_region_file(path, None)
    names = [name for _, name in _unset(declared.model_dump(), environ)]
    if isinstance(declared.source, RestSource) and declared.source.token is not None:
        names += [declared.source.token.client_id_env, declared.source.token.client_secret_env]
    if isinstance(declared.source, WebhookSource):
        names.append(declared.source.secret_env[0])
    if isinstance(declared.source, PostgresSource):
        names.append(declared.source.dsn_env)
    return sorted({name for name in names if not environ.get(name)})


def _unset(value: Any, environ: Mapping[str, str]) -> Iterator[tuple[tuple[str, ...], str]]:  # noqa: ANN401 - TOML
    """Give the key and name of every placeholder that the environment does not fill."""
    yield from ((at, name) for at, text in _texts(value) for name in _VARIABLE.findall(text) if not environ.get(name))


def _secret(value: Any) -> Iterator[tuple[tuple[str, ...], str]]:  # noqa: ANN401 - TOML
    """Give the key and name of every variable of pseudonyms that a file names: a source would be told the key."""
    yield from ((at, name) for at, text in _texts(value) for name in _SECRET.findall(text))


def _texts(value: Any, at: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], str]]:  # noqa: ANN401 - TOML
    """Give every text of a file with its key."""
    if isinstance(value, Mapping):
        for name, one in value.items():
            yield from _texts(one, (*at, str(name)))
    elif isinstance(value, list | tuple):
        for one in value:
            yield from _texts(one, at)
    elif isinstance(value, str):
        yield at, value


def _filled(value: Any, environ: Mapping[str, str]) -> Any:  # noqa: ANN401 - TOML
    if isinstance(value, dict):
        return {name: _filled(one, environ) for name, one in value.items()}
    if isinstance(value, list):
        return [_filled(one, environ) for one in value]
    return _VARIABLE.sub(lambda found: environ.get(found.group(1), ""), value) if isinstance(value, str) else value


def _lines(text: str) -> Iterator[tuple[tuple[str, ...], int]]:
    """Give the line of every key that begins a line, and of every table's header."""
    table: tuple[str, ...] = ()
    for number, line in enumerate(text.splitlines(), 1):
        if header := _HEADER.fullmatch(line.split("#")[0].rstrip()):
            table = _split(header.group(1))
            yield table, number
        elif key := _KEY.match(line):
            yield (*table, *_split(key.group(1))), number


def _split(key: str) -> tuple[str, ...]:
    return tuple(part.strip('"') for part in key.split("."))


def _place(lines: Mapping[tuple[str, ...], int], key: tuple[str, ...]) -> str:
    """Return a key as people write it, with the line of the nearest part of it that begins one."""
    for length in range(len(key), 0, -1):
        if key[:length] in lines:
            return f"line {lines[key[:length]]}, {'.'.join(key)}"
    return ".".join(key) or "the file"


def _told(lines: Mapping[tuple[str, ...], int], location: tuple[int | str, ...], kind: str, message: str) -> str:
    key = tuple(str(one) for one in location if one not in SOURCE_KINDS)
    words = message.removeprefix("Value error, ")
    if kind == "extra_forbidden":
        near = get_close_matches(key[-1], _KNOWN, 1)
        words = "is not known here" + (f": is {near[0]} meant?" if near else "")
    elif kind == "missing":
        words = "is missing"
    return f"{_place(lines, key)}: {words[0].lower()}{words[1:]}"


def _wrong(path: Path, mistakes: list[str]) -> RegionFileWrong:
    return RegionFileWrong(count=len(mistakes), file=path.name, mistakes="\n".join(f"{path.name}: {one}" for one in mistakes))
