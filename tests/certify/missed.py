"""
Adapters that are broken on purpose, one way each, in ways that a certification once let pass; beside those of broken.py.

Why: what slipped through once must not do so again.
Must not: be broken in more than one way at once.

`python -m tests.certify.missed WAY FILE`
"""

import sys
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from deploy.certify import process
from producers import compiling, conversions
from producers.checkpoint import StateFile
from producers.drift import Drift
from producers.faults import RecordUnreadable
from producers.mapping import Mapper
from producers.quarantine import PutAside
from producers.reader import Reader
from producers.sources.files import FilesReader
from schemas.errors import Fatal
from schemas.events import Programme

__all__ = ["WAYS"]


class GivesUp(Fatal):
    """this adapter gives up"""


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


def blames_the_card() -> None:
    """Put aside what cannot be read, always for the same reason."""

    def made(record: Any) -> Any:
        def blaming(mark: bytes, place: str, fault: RecordUnreadable, told: bytes | None = None) -> PutAside:
            other = RecordUnreadable(field="household", cause=str(fault.facts["cause"]), value="hidden")
            found: PutAside = record(mark, place, other, told)
            return found

        return staticmethod(blaming)

    _instead(PutAside, "record", made)


def tells_no_drift() -> None:
    """Go on without what is new or missing, and tell nobody."""
    _instead(Drift, "notice", lambda _: lambda *_: None)


def guesses_days() -> None:
    """Read a day in whatever format it seems to be."""

    def made(day_as: Any) -> Any:
        def guessing(written: str | None) -> Any:
            read = day_as(written)

            def day(value: Any) -> Any:
                if isinstance(value, str) and value.count(".") == 2:
                    value = "-".join(reversed(value.split(".")))
                return read(value)

            return day

        return guessing

    _instead(conversions, "_day_as", made)


def takes_text_for_nothing() -> None:
    """Say nothing of a section whose list is none, and go on."""

    def made(follow: Any) -> Any:
        def listed(path: str) -> Any:
            find = follow(path)
            return lambda node: None if path == "bantuan" and isinstance(find(node), str) else find(node)

        return listed

    _instead(compiling, "follower", made)


def believes_the_newest() -> None:
    """Take no file that was exported before the newest that it has read, of whatever village."""
    newest = [0]

    def made(counts_already: Any) -> Any:
        def older(self: Any, told: Any) -> bool:
            newest[0] = max(newest[0], told.exported)
            return bool(told.exported < newest[0] or counts_already(self, told))

        return older

    _instead(FilesReader, "_counts_already", made)


def stops_with_the_broker() -> None:
    """Read nothing while anything waits for the broker."""
    _instead(Reader, "step", lambda step: lambda self: 0.1 if self._spool.size()[1] else step(self))


def needs_the_registry() -> None:
    """End where the registry does not answer at a first start."""

    def made(reading: Any) -> Any:
        def ending(self: Any, state: str, why: str = "") -> Any:
            if state == "waiting for registry":
                raise GivesUp
            return reading(self, state, why)

        return ending

    _instead(StateFile, "reading", made)


def one_topic() -> None:
    """Speak of every family in the topic of the first regency, wherever it lives."""
    _instead(Mapper, "event", lambda event: lambda self, record: replace(event(self, record), region=self.declared.regencies[0]))


_READINGS = (publishes_numbers, takes_any_name, blames_the_card, tells_no_drift, guesses_days, takes_text_for_nothing)
_ALL = (*_READINGS, believes_the_newest, stops_with_the_broker, needs_the_registry, one_topic)
WAYS: dict[str, Callable[[], None]] = {one.__name__: one for one in _ALL}


def main() -> int:
    """Break the adapter, and run it."""
    WAYS[sys.argv.pop(1)]()
    return process.main()


if __name__ == "__main__":
    sys.exit(main())
