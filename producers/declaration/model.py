"""
What every part of a region file has in common: frozen, nothing unknown in it, no value in a message.

Why: a mistyped key that is silently ignored would be found months later.
Must not: say anything of a single part.
"""

from collections.abc import Iterator
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

__all__ = ["PATTERNS", "Model", "Path", "every_model"]

_PATH = r"^(\^\.)*[^.^\[\]]+(\.[^.^\[\]]+)*$"
Path = Annotated[str, Field(pattern=_PATH)]
"""Names joined by dots; `^.` in front goes to what the record lies in."""
PATTERNS = {_PATH: "is no path: names joined by dots, such as rumah.lantai, with ^. in front for what the record lies in"}
"""What is wrong with a text that does not fit a pattern, in words; a module that declares a pattern adds it."""


class Model(BaseModel):
    """A part of a region file."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True, populate_by_name=True)


def every_model(of: type[Model] = Model) -> Iterator[type[Model]]:
    """Give every part that a region file can have, for suggestions."""
    for part in of.__subclasses__():
        yield part
        yield from every_model(part)
