"""
What every part of a region file has in common: frozen, nothing unknown in it, no value in a message.

Why: a mistyped key that is silently ignored would be found months later.
Must not: say anything of a single part.
"""

from collections.abc import Iterator, Sequence
from typing import Annotated, NamedTuple

from pydantic import BaseModel, ConfigDict, Field

__all__ = ["PATTERNS", "Misplaced", "Mistake", "Model", "Path", "every_model"]

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


class Mistake(NamedTuple):
    """One mistake in a part: its key below that part, what is wrong, and where a name was typed, it and those that there are."""

    key: tuple[str, ...]
    words: str
    typed: str = ""
    known: Sequence[str] = ()


class Misplaced(ValueError):  # noqa: N818 - it is where a check stands apart from what it finds
    """Mistakes that are found where several keys of a part are looked at together, each with its own key."""

    def __init__(self, *mistakes: Mistake) -> None:
        """Hold them."""
        super().__init__("; ".join(one.words for one in mistakes))
        self.mistakes = mistakes
