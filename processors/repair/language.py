"""
The repair file: what it may say, as types; a small closed language, so that every mistake shows before anything is touched.

Why: whoever mends events says what is wrong and what becomes of it in data, not in code, and another person can read it.
Must not: read a file (repair_file.py does), or know how a rejected event was found.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from difflib import get_close_matches
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StrictBool, StrictInt, StrictStr, model_validator
from pydantic_core import PydanticCustomError

from processors.repair.causes import REPAIRS
from processors.repair.fields import CODE_FIELDS, FIELDS, shown

__all__ = ["ARRIVAL", "TOGETHER", "Match", "RepairFile", "Set", "clashes"]

ARRIVAL = "arrival"
"""Stands for the day on which the rejected record arrived at the broker, in UTC+9."""
TOGETHER = "together"
"""Type of the error that holds the mistakes of a table as pairs of key and words."""
_OPERATIONS = ("constant", "copy", "table", "drop", "at_most", "at_least", "multiply", "divide", "range")
_FIT = ({"at_most", "at_least"}, {"multiply", "range"}, {"divide", "range"})
"""Operations that one `[[set]]` may hold together; any other stands alone."""
_FAULTS = (*FIELDS, "programmes[].programme")


def _listed(value: Any) -> Any:  # noqa: ANN401 - TOML
    return (value,) if isinstance(value, str) else value


def _a_date(value: Any) -> Any:  # noqa: ANN401 - TOML
    if type(value) is not date:
        raise ValueError("must be a date without quotes, such as 2024-01-31")
    return value


def _a_value(value: Any) -> Any:  # noqa: ANN401 - TOML
    if type(value) not in (str, int, date):
        raise ValueError("must be text, a whole number or a date")
    return value


_Texts = Annotated[tuple[StrictStr, ...], BeforeValidator(_listed), Field(min_length=1)]
_Date = Annotated[date, BeforeValidator(_a_date)]
_Scalar = Annotated[Any, BeforeValidator(_a_value)]


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    @model_validator(mode="after")
    def _fits_together(self) -> "_Model":
        """Tell all mistakes that need more than one key to be seen; the reader gives each its line."""
        if mistakes := list(self.mistakes()):
            raise PydanticCustomError(TOGETHER, "does not fit together", {"mistakes": mistakes})
        return self

    def mistakes(self) -> Iterator[tuple[str, str]]:
        """Give what does not fit together: key and words."""
        yield from ()


class Match(_Model):
    """Which rejected events are meant: all that is named must be so; of several values one."""

    cause: StrictStr
    field: StrictStr | None = None
    """The field at fault, as the dead letter names it."""
    regency: _Texts | None = None
    """Of the topics that the events lie in."""
    source: _Texts | None = None
    """Of the event."""
    value: _Texts | None = None
    """Of the field at fault, where it holds a code."""
    arrived_from: _Date | None = None
    """The first day of arrival, in UTC+9."""
    arrived_until: _Date | None = None
    """The last one."""

    def mistakes(self) -> Iterator[tuple[str, str]]:
        """Give what does not fit together: key and words."""
        if self.cause not in REPAIRS:
            yield "cause", f"is no cause of rejection{_meant(self.cause, REPAIRS)}"
        if self.field is not None and self.field not in _FAULTS:
            yield "field", f"is no field that can be at fault{_meant(self.field, _FAULTS)}"
        if self.value is not None and self.field not in CODE_FIELDS:
            yield "value", f"needs field to be one that holds a code: {', '.join(CODE_FIELDS)}"
        if self.arrived_from and self.arrived_until and self.arrived_from > self.arrived_until:
            yield "arrived_until", "lies before arrived_from"


class Set(_Model):
    """
    What becomes of one field: exactly one of constant, copy, table, drop, multiply, divide, range, at_most, at_least.

    At_most and at_least go together, and range with multiply or divide. A field whose section is null stays as it is; an event that a
    table or a range does not provide for is not repaired.
    """

    field: StrictStr
    constant: _Scalar | None = None
    copy_of: StrictStr | None = Field(None, alias="copy")
    table: Annotated[Mapping[StrictStr, _Scalar], Field(min_length=1)] | None = None
    drop: Literal[True] | None = None
    at_most: _Scalar | None = None
    at_least: _Date | None = None
    multiply: Annotated[StrictInt, Field(ge=2, le=1_000_000_000)] | None = None
    divide: Annotated[StrictInt, Field(ge=2, le=1_000_000_000)] | None = None
    range: tuple[StrictInt, StrictInt] | None = None
    outside: Literal["leave", "nearest", "drop"] = "leave"
    """What becomes of a number outside the range: not repaired, set to the nearest within, or its section dropped."""

    @property
    def operations(self) -> tuple[str, ...]:
        """Names of the operations that are given."""
        return tuple(name for name in _OPERATIONS if getattr(self, "copy_of" if name == "copy" else name) is not None)

    def mistakes(self) -> Iterator[tuple[str, str]]:
        """Give what does not fit together: key and words."""
        kind, given = FIELDS.get(self.field), self.operations
        if kind is None:
            yield "field", f"is no field that can be set{_meant(self.field, FIELDS)}"
        if not given:
            yield "field", f"has no operation: give one of {', '.join(sorted(kind.operations) if kind else _OPERATIONS)}"
        if len(given) > 1 and set(given) not in _FIT:
            yield given[1], f"does not go together with {given[0]}"
        if self.outside != "leave" and self.range is None:
            yield "outside", "belongs to range"
        if self.range is not None and self.range[0] > self.range[1]:
            yield "range", "is [least, greatest]"
        if kind is None:
            return
        for name in given:
            if name not in kind.operations:
                yield name, f"does not fit {self.field}, which takes {', '.join(sorted(kind.operations))}"
        if "copy" in kind.operations and self.copy_of not in (None, kind.copies):
            yield "copy", f"{self.field} can only be copied from {kind.copies}"
        yield from self._wrong_values()

    def _wrong_values(self) -> Iterator[tuple[str, str]]:
        kind = FIELDS[self.field]
        if self.constant is not None and "constant" in kind.operations and (wrong := kind.mistake(self.constant)):
            yield "constant", wrong
        if self.table is not None and "table" in kind.operations:
            yield from (
                ("table", f"{shown(self.field, key)} gives what {wrong}") for key, one in self.table.items() if (wrong := kind.mistake(one))
            )
        if self.at_most is not None and type(self.at_most) is not date and self.at_most != ARRIVAL:
            yield "at_most", f'must be "{ARRIVAL}" or a date without quotes, such as 2024-01-31'
        if type(self.at_most) is date and self.at_least is not None and self.at_least > self.at_most:
            yield "at_least", "lies after at_most"


class RepairFile(_Model):
    """
    Which rejected events are meant, and what becomes of them; every `[[set]]` acts on the event as it was said.

    What must not stand together in a file is told by `clashes`, beside the mistakes of each table.
    """

    match: Match
    set: tuple[Set, ...] = ()
    unchanged: StrictBool = False
    """Send the events again as they are, because what they were judged by has changed."""


def clashes(fields: Sequence[str], unchanged: bool) -> Iterator[tuple[str, str]]:
    """Give what does not fit together in a file whose `[[set]]` have these fields, in this order: key and words."""
    if not fields and not unchanged:
        yield "match", "nothing is to be done: give a [[set]], or unchanged = true before it to send the events again as they are"
    if fields and unchanged:
        yield "unchanged", "does not go together with a [[set]]"
    for place, name in enumerate(fields):
        section = name.partition(".")[0]
        if name in fields[:place]:
            yield f"set.{place}.field", f"{name} is set twice"
        if name != section and section in fields:
            yield f"set.{place}.field", f"{name} is set, and its section {section} dropped"
    if {"key", "household"} <= {*fields}:
        yield f"set.{fields.index('household')}.field", "key and household are each to be copied from the other"


def _meant(typed: str, known: Mapping[str, Any] | tuple[str, ...]) -> str:
    near = get_close_matches(typed, known, 1, 0.8)
    return f": is {near[0]} meant?" if near else f": one of {', '.join(known)}"
