"""
Every error of Muara, classed by what must happen next.

Why: a caller decides by type alone: reject the event, wait and try again, end the process, or halt one partition.
Must not: name a person or carry a value that may be personal: facts here reach logs and dead letters.
"""

from inspect import cleandoc

__all__ = ["Fatal", "Halted", "MuaraError", "Rejected", "Retriable"]


class MuaraError(Exception):
    """Muara failed in a way that it did not foresee."""

    def __init__(self, **facts: object) -> None:
        """Fill the docstring, which is the message, with the facts; keep them for log and dead letter."""
        self.facts = facts
        super().__init__(cleandoc(type(self).__doc__ or type(self).__name__).format(**facts).rstrip("."))

    def __reduce__(self) -> tuple[object, ...]:
        """Let an error cross a process border with its facts."""
        return (_remade, (type(self), self.facts))


def _remade(kind: type[MuaraError], facts: dict[str, object]) -> MuaraError:
    return kind(**facts)


class Rejected(MuaraError):  # noqa: N818 - it names what happens to the event
    """this event can never be applied"""

    field = ""
    """The field of the event that is at fault; empty where it is the record as a whole."""


class Retriable(MuaraError):  # noqa: N818
    """this cannot be done now: wait and try again, nothing is lost meanwhile"""


class Fatal(MuaraError):  # noqa: N818
    """this process cannot go on"""


class Halted(MuaraError):  # noqa: N818
    """this partition waits for a person, the others go on"""
