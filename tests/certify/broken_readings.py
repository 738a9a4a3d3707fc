"""
Adapters that are broken on purpose in what they make of a record, or let out of it, one way each; beside those of broken.py.

Why: a check that nothing fails proves nothing.
Must not: be broken in more than one way at once.

`python -m tests.certify.broken_readings WAY FILE`
"""

import sys
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from deploy.certify import process
from producers import compiling, conversions
from producers.mapping import Mapper
from schemas.events import Programme

__all__ = ["WAYS"]


def _instead(of: Any, name: str, made: Callable[[Any], Any]) -> None:
    """Put in place of a function what is made of it."""
    setattr(of, name, made(getattr(of, name)))


def publishes_numbers() -> None:
    """Publish the family card's number as a number: as what a programme paid."""

    def paid(event: Any, record: Any) -> Any:
        number = str(record.value.get("no_kk", ""))
        return replace(event, programmes=(Programme("PKH", None, int(number)),)) if number.isdigit() and event.programmes else event

    _instead(Mapper, "event", lambda event: lambda self, record: paid(event(self, record), record))


def takes_any_name() -> None:
    """Take whatever stands in a programme's place for a programme."""
    _instead(compiling, "short_name", lambda _: conversions.converter("text", "text", None))


WAYS: dict[str, Callable[[], None]] = {one.__name__: one for one in (publishes_numbers, takes_any_name)}


def main() -> int:
    """Break the adapter, and run it."""
    WAYS[sys.argv.pop(1)]()
    return process.main()


if __name__ == "__main__":
    sys.exit(main())
