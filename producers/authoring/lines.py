"""
The lines of a TOML text: where each key stands, and what is wrong where it is no TOML.

Why: the parser gives values without their lines, and its errors name letters where a person needs the mistake.
Must not: know what a region file may say.
"""

import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

__all__ = ["Lines", "lines_of", "place", "syntax_mistakes"]

Lines = Mapping[tuple[str, ...], int]
"""The line of every key that begins a line and of every header; tables of an array are numbered from 0."""
_HEADER = re.compile(r"\s*(\[\[?)\s*([^\[\]]+?)\s*\]\]?")
_KEY = re.compile(r"""\s*((?:[\w-]+|"[^"]*"|'[^']*')(?:\s*\.\s*(?:[\w-]+|"[^"]*"|'[^']*'))*)\s*=""")
_PART = re.compile(r"""[\w-]+|"([^"]*)"|'([^']*)'""")
_AT = re.compile(r"\s*\(at (?:line (\d+), column (\d+)|end of document)\)$")
_MOST = 20
_OVERWRITES = "a name stands twice, or is a value in one place and a table in another"
_SECTION_TWICE = "a section stands twice"
_WORDS = (
    ("Invalid value", "a value is expected here: a text stands in quotes, a list in [ ], a table in { }"),
    ("Expected '=' after a key", "= is expected after a name; a name with other signs than letters, digits, - and _ stands in quotes"),
    ("Unterminated string", "a text has no closing quote"),
    ("Found invalid character '\\n'", "a text has no closing quote on its line"),
    ('Expected "\'"', "a text has no closing quote"),
    ("Duplicate inline table key", "{0} stands twice in one table"),
    ("Cannot overwrite a value", _OVERWRITES),
    ("Cannot declare", _SECTION_TWICE),
    ("Cannot mutate immutable namespace", "what stands in { } cannot be added to in a section of its own"),
    ("Unclosed array", "a comma or ] is expected: a list has no end"),
    ("Unclosed inline table", "a comma or } is expected: a table in { } ends on the line on which it begins"),
    ("Expected newline or end of document", "the end of the line is expected: one name = value a line, and no 0 in front of a number"),
    ("Expected ']", "] is expected: a section's name has no end"),
    ("Invalid initial character for a key part", "a name is expected: a table in { } ends on its line, without a comma before the }"),
    ("Unescaped '\\'", "a backslash stands in a text: put the text in single quotes"),
    ("Invalid statement", "name = value or [section] is expected"),
)


def lines_of(text: str) -> Lines:
    """Return the lines of a TOML text's keys; of a key that stands twice the first."""
    found: dict[tuple[str, ...], int] = {}
    for key, line in _keys(text):
        found.setdefault(key, line)
    return found


def place(lines: Lines, key: Sequence[str]) -> str:
    """Return a key as people write it, with the line of the nearest part of it that begins one."""
    key = tuple(key)
    for length in range(len(key), 0, -1):
        if key[:length] in lines:
            return f"line {lines[key[:length]]}, {'.'.join(key)}"
    return ".".join(key) or "the file"


def syntax_mistakes(text: str, error: tomllib.TOMLDecodeError) -> list[str]:
    """
    Return what is wrong with a text that is no TOML, line by line.

    After each mistake its line is left out and the rest is read, until it can be, or a mistake is not of one line.
    """
    lines = text.split("\n")
    found: list[tuple[int, str]] = []
    twice = [f"line {line}, {'.'.join(key)}: stands a second time, the first is in line {first}" for key, first, line in _twice(text)]
    while len(found) < _MOST:
        number, words = _told(error, lines)
        if not (twice and words in (_OVERWRITES, _SECTION_TWICE)):
            found.append((number, words))
        if not lines[number - 1].strip() or lines[number - 1].startswith("#"):
            break
        lines[number - 1] = ""
        try:
            tomllib.loads("\n".join(lines))
        except tomllib.TOMLDecodeError as next_one:
            error = next_one
        else:
            break
    return twice + [f"line {number}: {words}" for number, words in found]


def _told(error: tomllib.TOMLDecodeError, lines: Sequence[str]) -> tuple[int, str]:
    """Return the line of an error, and what was expected there."""
    message = str(error)
    at = _AT.search(message)
    last = max((number for number, line in enumerate(lines, 1) if line.strip()), default=1)
    number = int(at[1]) if at and at[1] else last
    for begins, words in _WORDS:
        if message.startswith(begins):
            name = re.search(r"key '(.*)' ?\(", message)
            return number, words.replace("{0}", name[1] if name else "a name")
    return number, (message[: at.start()] if at else message).lower()


def _twice(text: str) -> Iterator[tuple[tuple[str, ...], int, int]]:
    """Give keys and sections that stand twice: key, first line, second line."""
    first: dict[tuple[str, ...], int] = {}
    for key, line in _keys(text):
        if key in first:
            yield key, first[key], line
        first.setdefault(key, line)


def _keys(text: str) -> Iterator[tuple[tuple[str, ...], int]]:
    """Give the line of every key that begins a line, and of every header; what stands within texts of many lines is none."""
    table: tuple[str, ...] = ()
    counts: dict[tuple[str, ...], int] = {}
    within, array = "", _Array((), 0)
    for number, line in enumerate(text.splitlines(), 1):
        if within:
            within = "" if within in line else within
            continue
        if array.key:
            told, array = array.taken(line)
            yield from ((one, number) for one in told)
            continue
        if (header := _HEADER.match(line)) and not line.lstrip().startswith("#"):
            table = _numbered(_split(header[2]), counts, many=header[1] == "[[")
            yield table, number
        elif key := _KEY.match(line):
            yield (*table, *_split(key[1])), number
            if line[key.end() :].partition("#")[0].strip() == "[":
                array = _Array((*table, *_split(key[1])), 0)
        within = next((quotes for quotes in ('"""', "'''") if line.count(quotes) % 2), "")


class _Array(NamedTuple):
    """A list that goes on over lines: its key (none where no list is open), and the number of its next item."""

    key: tuple[str, ...]
    item: int

    def taken(self, line: str) -> tuple[list[tuple[str, ...]], "_Array"]:
        """Return the keys of the items that begin on a line, one a line, and what the list is after it."""
        stripped = line.strip()
        if stripped.startswith("]"):
            return [], _Array((), 0)
        if not stripped or stripped.startswith("#"):
            return [], self
        return [(*self.key, str(self.item))], _Array(self.key, self.item + 1)


def _numbered(name: tuple[str, ...], counts: dict[tuple[str, ...], int], *, many: bool) -> tuple[str, ...]:
    """Return a header's key with the number of the table of an array in it: the next one, or the last for what belongs to it."""
    if many:
        counts[name] = counts.get(name, -1) + 1
    numbered: tuple[str, ...] = ()
    for length in range(1, len(name) + 1):
        numbered = (*numbered, name[length - 1])
        if name[:length] in counts:
            numbered = (*numbered, str(counts[name[:length]]))
    return numbered


def _split(key: str) -> tuple[str, ...]:
    return tuple(next(one for one in (part[1], part[2], part[0]) if one is not None) for part in _PART.finditer(key))
