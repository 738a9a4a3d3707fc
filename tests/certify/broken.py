"""
Adapters that are broken on purpose, one way each, run in place of the adapter's own code.

Why: a check that nothing fails proves nothing.
Must not: be broken in more than one way at once.

`python -m tests.certify.broken WAY FILE`
"""

import itertools
import os
import pickle
import signal
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any, BinaryIO

from deploy.certify import process
from producers import reader, runner
from producers.faults import RecordUnreadable, SourceAway, SourceRefuses
from producers.ledger import Ledger
from producers.mapping import Mapper
from producers.publisher import Publisher
from producers.reader import Reader
from producers.sources import Batch
from producers.sources.postgres.log import LogReader
from producers.sources.postgres.places import Position
from producers.sources.rest import RestReader
from producers.sources.webhook.reader import WebhookReader
from producers.spool import Spool
from schemas.errors import Fatal
from schemas.events import Operation, Programme

__all__ = ["WAYS"]

_ballast: list[bytes] = []


class GivesUp(Fatal):
    """this adapter gives up"""


def _instead(of: Any, name: str, made: Callable[[Any], Any]) -> None:
    """Put in place of a function what is made of it."""
    setattr(of, name, made(getattr(of, name)))


def _events(changed: Callable[[Any, Any], Any]) -> None:
    """Change each event, given the record that it was made from."""
    _instead(Mapper, "event", lambda event: lambda self, record: changed(event(self, record), record))


def _appended(changed: Callable[[list[Any]], list[Any]]) -> None:
    """Change the events of a batch, whatever kind of source they come from."""

    def made(append: Any) -> Any:
        return lambda self, batch: append(self, replace(batch, events=changed(list(batch.events)), written=None))

    _instead(Reader, "_append", made)


def _spooled(changed: Callable[[list[Any]], list[Any]]) -> None:
    """Change what a batch puts into the spool."""
    _instead(Spool, "append", lambda append: lambda self, events: append(self, changed(list(events))))


def loses() -> None:
    """Forget the last event of every batch of several."""
    _spooled(lambda events: events[:-1] if len(events) > 1 else events)


def loses_when_killed() -> None:
    """Keep events in memory for a moment after their position is on disk."""
    held: list[Any] = []
    append = Spool.append

    def made(keep: Any) -> Any:
        def keep_and_then_spool(self: Any, *arguments: Any) -> None:
            keep(self, *arguments)
            if os.environ.get("CERTIFICATION_DIE_AT"):
                os.kill(os.getpid(), signal.SIGKILL)
            with self._state.transaction():
                append(self._spool, list(held))
            held.clear()

        return keep_and_then_spool

    _instead(Spool, "append", lambda _: lambda _, events: held.extend(events))
    _instead(Reader, "_keep", made)


def doubles() -> None:
    """Send every event twice."""
    _spooled(lambda events: [one for one in events for _ in range(2)])


def invents() -> None:
    """Take every family for another one, which nobody has."""
    _events(lambda event, _: replace(event, household=bytes(one ^ 1 for one in event.household)))


def turns_round() -> None:
    """Send each batch from its end."""
    _spooled(lambda events: events[::-1])


def counts_itself() -> None:
    """Take revisions from a counter of its own, which begins anew with every start."""
    counter = itertools.count(time.time_ns())
    _events(lambda event, _: replace(event, revision=next(counter)))


def counts_in_its_folder() -> None:
    """Take revisions from a counter on its own disk, which lasts over restarts, and begins anew when the disk is lost."""
    file = Path(os.environ["CERTIFICATION_STATE"]) / "counter"

    def counted(event: Any) -> Any:
        number = int(file.read_text(encoding="ascii")) + 1 if file.exists() else 1
        file.write_text(str(number), encoding="ascii")
        return replace(event, revision=number)

    _appended(lambda events: [counted(one) for one in events])


def asks_its_own_clock() -> None:
    """Take revisions from the clock of its own machine."""
    _events(lambda event, _: replace(event, revision=int(runner._now().timestamp() * 1e6)))


def any_key() -> None:
    """Begin with whatever key it is given."""
    _instead(runner, "begin_with", lambda _: lambda *_: None)


def believes() -> None:
    """Take what it is not let in for to be nothing at all: caught up, as ever."""

    def made(read: Any) -> Any:
        def trusting(self: Any, position: str | None) -> Any:
            try:
                return read(self, position)
            except SourceRefuses:
                return Batch([], position, caught_up=True)

        return trusting

    _instead(RestReader, "read", made)


def notes_nothing() -> None:
    """Keep no receipt of every second delivery."""
    deliveries = itertools.count()
    _instead(Ledger, "note", lambda note: lambda self, topic, sent: note(self, topic, sent) if next(deliveries) % 2 else None)


def one_revision() -> None:
    """Give every change the same revision."""
    _appended(lambda events: [replace(one, revision=1) for one in events])


def leaks() -> None:
    """Publish a name where a programme belongs."""

    def named(event: Any, record: Any) -> Any:
        _, found, after = str(record.value).partition("WARGA")
        return replace(event, programmes=(Programme(found + after[:7]),)) if found else event

    _events(named)


def logs_records() -> None:
    """Write every record into the log."""

    def logged(event: Any, record: Any) -> Any:
        sys.stderr.write(f"{record.value}\n")
        return event

    _events(logged)


def hoards() -> None:
    """Keep ever more in memory."""

    def hoarded(events: list[Any]) -> list[Any]:
        _ballast.append(os.urandom(200 << 20))
        return events

    _spooled(hoarded)


def silent() -> None:
    """Tell of no state in which it waits."""
    for half in (Publisher, Reader):
        _instead(half, "_say", lambda say: lambda self, state, why="": None if state.startswith("waiting") else say(self, state, why))


def gives_up() -> None:
    """End when the source is away."""

    def made(step: Any) -> Any:
        def ending(self: Any) -> float:
            asked = self._read

            def read(position: Any) -> Any:
                try:
                    return asked(position)
                except SourceAway:
                    raise GivesUp from None

            self._read = read
            try:
                return float(step(self))
            finally:
                self._read = asked

        return ending

    _instead(Reader, "step", made)


def drops_silently() -> None:
    """Leave out what it cannot read, and say nothing of it."""
    _instead(reader, "remember", lambda remember: lambda state, batch, at: remember(state, replace(batch, aside=()), at))


def grows() -> None:
    """Read on however full the spool is."""
    _instead(Spool, "size", lambda _: lambda _: (0, 0))


def ignores_ends() -> None:
    """Put the end of a family aside, as if it could not be read."""

    def alive(event: Any, _: Any) -> Any:
        if event.operation is Operation.END:
            raise RecordUnreadable(field="operation", cause="is not believed", value="hidden")
        return event

    _events(alive)


def says_no_lists() -> None:
    """Say nothing of members and dwelling, and that there is no aid."""
    _appended(lambda events: [replace(one, members=None, programmes=(), dwelling=None) for one in events])


def says_it_once() -> None:
    """Say of a family and date what was said first of it, and nothing that was said later."""
    told: set[tuple[bytes, date]] = set()

    def first(events: list[Any]) -> list[Any]:
        found = []
        for one in events:
            if (one.household, one.valid_from) not in told:
                told.add((one.household, one.valid_from))
                found.append(one)
        return found

    _appended(first)


def mixes_up() -> None:
    """Take each family of a batch for living in the dwelling of the one before it."""

    def mixed(events: list[Any]) -> list[Any]:
        said = [place for place, one in enumerate(events) if one.dwelling is not None]
        dwellings = [events[place].dwelling for place in said]
        for place, dwelling in zip(said, [*dwellings[-1:], *dwellings[:-1]], strict=True):
            events[place] = replace(events[place], dwelling=dwelling)
        return events

    _appended(mixed)


def answers_early() -> None:
    """Answer whoever pushes before what was pushed is on the disk."""

    def made(read: Any) -> Any:
        def answered(self: Any, position: str | None) -> Any:
            batch = read(self, position)
            batch.kept()
            return replace(batch, kept=None)

        return answered

    _instead(WebhookReader, "read", made)


def moves_the_slot_early() -> None:
    """Let a database forget its log as soon as it is read."""

    def made(read: Any) -> Any:
        def moving(self: Any, position: str | None) -> Any:
            batch = read(self, position)
            if batch.events and self._stream is None:
                self._slot.advance(Position.of(batch.position).place)
            return batch

        return moving

    _instead(LogReader, "read", made)


def sends_all_again() -> None:
    """Send all that it ever sent once more after every start."""
    file, append = Path(os.environ["CERTIFICATION_STATE"]) / "sent", Spool.append

    def remembered(self: Any, events: Any) -> None:
        rows = list(events)
        with file.open("ab") as kept:
            for row in rows:
                pickle.dump(tuple(row), kept)
        append(self, rows)

    def made(run: Any) -> Any:
        def sending(self: Any, *arguments: Any, **named: Any) -> None:
            with file.open("ab"), file.open("rb") as kept, self._state.transaction():
                append(self._spool, list(_unpickled(kept)))
            run(self, *arguments, **named)

        return sending

    _instead(Spool, "append", lambda _: remembered)
    _instead(Reader, "run", made)


def _unpickled(file: BinaryIO) -> Iterator[Any]:
    try:
        while True:
            yield pickle.load(file)  # noqa: S301 - written by this adapter
    except EOFError:
        return


_ALL = (loses, loses_when_killed, doubles, invents, turns_round, counts_itself, one_revision, leaks)
_MORE = (logs_records, hoards, silent, gives_up, drops_silently, grows, ignores_ends, asks_its_own_clock, any_key, believes, notes_nothing)
_OTHERS = (counts_in_its_folder, says_no_lists, says_it_once, mixes_up, answers_early, moves_the_slot_early, sends_all_again)
WAYS: dict[str, Callable[[], None]] = {one.__name__: one for one in (*_ALL, *_MORE, *_OTHERS)}


def main() -> int:
    """Break the adapter, and run it."""
    WAYS[sys.argv.pop(1)]()
    return process.main()


if __name__ == "__main__":
    sys.exit(main())
