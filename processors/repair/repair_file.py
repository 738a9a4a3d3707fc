"""
Reading a repair file: all mistakes at once, each with its line and key, and a suggestion where one is near.

Why: a mistake must show before the first event is touched, and in words of the file.
Must not: open a file (deploy does), or repeat a value of it in a message where it might be personal: a table's own keys are codes.
"""

import re
import tomllib
from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from hashlib import sha256
from typing import Any

from pydantic import ValidationError

from processors.repair.language import TOGETHER, Match, RepairFile, Set, clashes
from schemas.errors import Fatal

__all__ = ["RepairFileWrong", "digest_of", "read_repair_file"]

_HEADER = re.compile(r"\s*(\[\[?)\s*([\w.\"-]+)\s*\]\]?")
_KEY = re.compile(r"\s*([\w\"-]+)\s*=")
_KNOWN = sorted({one.alias or name for model in (RepairFile, Match, Set) for name, one in model.model_fields.items()})
_PLAIN = {"extra_forbidden": "is not known here", "missing": "is missing"}
Key = tuple[str, ...]


class RepairFileWrong(Fatal):
    """
    {file} has {count}, nothing is repaired:
    {mistakes}
    """


def digest_of(content: bytes) -> bytes:
    """Return the SHA-256 by which the audit names a file's content."""
    return sha256(content).digest()


def read_repair_file(name: str, content: bytes) -> RepairFile:
    """Return what a repair file says; `name` is what the messages call it. Raises `RepairFileWrong` with every mistake."""
    try:
        text = content.decode("utf-8")
        raw = tomllib.loads(text)
    except UnicodeDecodeError as error:
        raise _wrong(name, ["is no TOML: it is not UTF-8"]) from error
    except tomllib.TOMLDecodeError as error:
        raise _wrong(name, [f"is no TOML: {error}"]) from error
    lines = dict(_lines(text))
    mistakes = [f"{_place(lines, tuple(key.split('.')))}: {words}" for key, words in clashes(*_outline(raw))]
    try:
        found = RepairFile(**raw)
    except ValidationError as error:
        for one in error.errors():
            mistakes += _told(lines, one["loc"], one["type"], one["msg"], one.get("ctx", {}))
    else:
        if not mistakes:
            return found
    raise _wrong(name, mistakes)


def _outline(raw: Mapping[str, Any]) -> tuple[list[str], bool]:
    """Return the field of each `[[set]]`, and whether events are sent unchanged, whatever else the file says."""
    sets = raw.get("set")
    fields = [str(one.get("field", "") if isinstance(one, dict) else "") for one in sets] if isinstance(sets, list) else []
    return fields, raw.get("unchanged") is True


def _lines(text: str) -> Iterator[tuple[Key, int]]:
    """Give the line of every key that begins a line and of every table's header; tables of a list are numbered."""
    table: Key = ()
    count: dict[str, int] = {}
    for number, line in enumerate(text.splitlines(), 1):
        if header := _HEADER.fullmatch(line.split("#")[0].rstrip()):
            table = tuple(part.strip('"') for part in header.group(2).split("."))
            if header.group(1) == "[[":
                place = count[table[0]] = count.get(table[0], -1) + 1
                table = (table[0], str(place), *table[1:])
            elif table[0] in count:
                table = (table[0], str(count[table[0]]), *table[1:])
            yield table, number
        elif key := _KEY.match(line):
            yield (*table, key.group(1).strip('"')), number


def _told(lines: Mapping[Key, int], location: tuple[int | str, ...], kind: str, message: str, facts: Mapping[str, object]) -> Iterator[str]:
    at = tuple(str(one) for one in location)
    if kind == TOGETHER:
        pairs: list[tuple[str, str]] = facts["mistakes"]  # type: ignore[assignment]  # as the language put them
        yield from (f"{_place(lines, (*at, *key.split('.')))}: {words}" for key, words in pairs)
        return
    words = _PLAIN.get(kind) or message.removeprefix("Value error, ")
    if kind == "extra_forbidden" and (near := get_close_matches(at[-1], _KNOWN, 1)):
        words += f": is {near[0]} meant?"
    yield f"{_place(lines, at)}: {words[0].lower()}{words[1:]}"


def _place(lines: Mapping[Key, int], key: Key) -> str:
    """Return a key as people write it, with the line of the nearest part of it that begins one."""
    named = ".".join(part for part in key if not part.isdigit()) or "the file"
    for length in range(len(key), 0, -1):
        if key[:length] in lines:
            return f"line {lines[key[:length]]}, {named}"
    return named


def _line(mistake: str) -> int:
    """Return the line that a mistake names, 0 where it names none."""
    named = re.match(r"line (\d+), ", mistake)
    return int(named[1]) if named else 0


def _wrong(name: str, mistakes: list[str]) -> RepairFileWrong:
    mistakes = sorted(mistakes, key=_line)
    return RepairFileWrong(
        count="1 mistake" if len(mistakes) == 1 else f"{len(mistakes)} mistakes",
        file=name,
        mistakes="\n".join(f"{name}: {one}" for one in mistakes),
    )
