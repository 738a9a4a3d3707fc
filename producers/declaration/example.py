"""
A test inside a region file: a record of the source, and the event or the fault that it must become.

Why: whoever changes a mapping sees at once what else changed with it, without a source.
Must not: run a mapping (producers/authoring/examples.py does).
"""

import json
from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, model_validator

from producers.declaration.model import Model

__all__ = ["Example", "Section"]

Section = Literal["residence", "composition", "welfare", "dwelling", "members", "programmes", "nutrition"]


def _record(told: Any) -> Any:  # noqa: ANN401 - TOML
    if not isinstance(told, str):
        return told
    try:
        return json.loads(told)
    except ValueError:
        raise ValueError("is no JSON: give an object in JSON, or a table such as { name = 1 }") from None


class Example(Model):
    """One test: exactly one of event (with what must be silent) and fault."""

    name: str = ""
    """What it shows, in a few words."""
    record: Annotated[Mapping[str, Any], BeforeValidator(_record)]
    """The record as a table, or as text in JSON; what is left out is null."""
    within: tuple[Annotated[Mapping[str, Any], BeforeValidator(_record)], ...] = ()
    """What the record lies in, the nearest first: `^` is the first, `^.^` the second."""
    event: Mapping[str, Any] | None = None
    """The fields of the event that must be so, sections as tables; what is left out may be anything."""
    silent: tuple[Section, ...] = ()
    """Sections of which the event must say nothing."""
    fault: str | None = Field(None, min_length=1)
    """The field that cannot be read, such as `members.sex`."""

    @model_validator(mode="after")
    def _one_expectation(self) -> "Example":
        if (self.fault is None) == (self.event is None and not self.silent):
            raise ValueError("give either event (and silent), or fault")
        return self
