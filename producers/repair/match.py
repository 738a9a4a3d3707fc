"""
Which entries of the quarantine are meant: by what `muara rejected list` and `group` show of them.

Why: a repair is made for one fault, and must touch nothing else.
Must not: look into a sealed record.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from difflib import get_close_matches
from typing import Any, Protocol

__all__ = ["KEYS", "Match", "match_of"]

KEYS = ("id", "field", "cause", "value", "place", "put_from", "put_until")
_DAYS = ("put_from", "put_until")


class _Meant(Protocol):
    """What is looked at of an entry."""

    @property
    def id(self) -> str: ...
    @property
    def field(self) -> str: ...
    @property
    def cause(self) -> str: ...
    @property
    def value(self) -> str: ...
    @property
    def place(self) -> str: ...
    @property
    def put_at(self) -> datetime: ...


@dataclass(frozen=True, slots=True)
class Match:
    """All that is named must be so, of several values one; nothing named means all."""

    id: tuple[str, ...] = ()
    field: tuple[str, ...] = ()
    """The field at fault."""
    cause: tuple[str, ...] = ()
    value: tuple[str, ...] = ()
    """The value at fault, masked."""
    place: tuple[str, ...] = ()
    """The feed, table, path or file in which it lay."""
    put_from: date | None = None
    """The first day (UTC) on which it was put aside last."""
    put_until: date | None = None

    def means(self, one: _Meant) -> bool:
        """Return whether an entry is meant."""
        if any(wanted and getattr(one, name) not in wanted for name in KEYS[:5] if (wanted := getattr(self, name))):
            return False
        day = one.put_at.date()
        return (self.put_from is None or self.put_from <= day) and (self.put_until is None or day <= self.put_until)


def match_of(raw: Any) -> tuple[Match, list[tuple[tuple[str, ...], str]]]:  # noqa: ANN401 - TOML
    """Return what `[match]` of a repair file says, and its mistakes: key and words."""
    if not isinstance(raw, Mapping) or not raw:
        return Match(), [(("match",), "says which records are meant: give at least one of " + ", ".join(KEYS))]
    mistakes: list[tuple[tuple[str, ...], str]] = list(_mistakes(raw))
    told: dict[str, Any] = {}
    if not mistakes:
        told = {name: one if name in _DAYS else (one,) if isinstance(one, str) else tuple(one) for name, one in raw.items()}
    found = Match(**told)
    if found.put_from and found.put_until and found.put_from > found.put_until:
        mistakes.append((("match", "put_until"), "lies before put_from"))
    return found, mistakes


def _mistakes(raw: Mapping[str, Any]) -> Iterator[tuple[tuple[str, ...], str]]:
    for name, one in raw.items():
        if name not in KEYS:
            near = get_close_matches(name, KEYS, 1)
            yield ("match", name), "is not known here" + (f": is {near[0]} meant?" if near else f": one of {', '.join(KEYS)}")
        elif name in _DAYS and type(one) is not date:
            yield ("match", name), "must be a date without quotes, such as 2024-01-31"
        elif name not in _DAYS and not (one and (isinstance(one, str) or (isinstance(one, list) and all(isinstance(x, str) for x in one)))):
            yield ("match", name), "must be a text, or a list of texts"
