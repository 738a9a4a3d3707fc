"""
The variables that an adapter is given, each of which may lie in a file instead: NAME_FILE names the file that holds what NAME would.

Why: a file is seen by who may read it, a variable by whoever may look at the process; and a file may change while the adapter runs.
Must not: show a value, in a repr or an error.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path

__all__ = ["FILE", "Environment", "content_of", "why_missing"]

FILE = "_FILE"
"""What the name of a variable ends in that names the file of another."""
_GREATEST = 1 << 16
"""Bytes of a file that are read: a slip that names another file, or a device, must not fill the memory."""


class Environment(Mapping[str, str]):
    """Variables by name; an empty one counts as not set. What lies in a file is read anew each time that it is asked for."""

    __slots__ = ("_last", "_values")

    def __init__(self, values: Mapping[str, str]) -> None:
        """Know the variables as they were set."""
        self._values = {name: value for name, value in values.items() if value}
        self._last: dict[str, str] = {}

    def __getitem__(self, name: str) -> str:
        """Return a variable's value, or its file's content without the blanks around it; raises KeyError where there is neither."""
        if found := self._values.get(name):
            return found
        if not (file := self._values.get(name + FILE)):
            raise KeyError(name)
        try:
            self._last[name] = content_of(Path(file))
        except (OSError, ValueError):
            # A file that is being replaced is not there for a moment: what it held last goes on.
            if name not in self._last:
                raise KeyError(name) from None
        if not self._last[name]:
            raise KeyError(name)
        return self._last[name]

    def may_change(self, name: str) -> bool:
        """Return whether a variable lies in a file."""
        return not self._values.get(name) and bool(self._values.get(name + FILE))

    def __iter__(self) -> Iterator[str]:
        """Give the names as they were set."""
        return iter(self._values)

    def __len__(self) -> int:
        """Return how many are set."""
        return len(self._values)

    def __repr__(self) -> str:
        """Tell how many there are, and nothing of them."""
        return f"{len(self)} variables"


def content_of(file: Path) -> str:
    """Return what a secret's file holds, without blanks around it; raises OSError, or ValueError where it is no text or too long."""
    with file.open("rb") as opened:
        content = opened.read(_GREATEST + 1)
    if len(content) > _GREATEST:
        raise ValueError("it is too long to be one")
    try:
        return content.decode("utf-8").strip()
    except UnicodeDecodeError:
        raise ValueError("it is no text in UTF-8") from None  # the error of Python would hold the content


def why_missing(name: str, environ: Mapping[str, str]) -> str:
    """Return why a variable has no value, for people: it is not set, or its file cannot be read."""
    file = environ.get(name + FILE)
    if not file:
        return f"{name} is not set"
    try:
        found = content_of(Path(file))
    except OSError as error:
        return f"{name + FILE} names a file that cannot be read ({error.strerror})"
    except ValueError as error:
        return f"{name + FILE} names a file that cannot be used ({error})"
    return f"{name + FILE} names a file that is empty" if not found else f"{name} is not set"
