"""
The adapter under certification: its own code in a process of its own, which may be told to die at a step, and whose clock may be wrong.

Why: `kill -9` at each step must be at that step, not somewhere near it; and this machine's own clock cannot be set for one process.
Must not: change what a step does; be used for anything but a certification.
"""

import os
import signal
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from pkgutil import resolve_name
from typing import Any, NamedTuple

from deploy.secrecy import environment_for
from producers import runner
from producers.pseudonym import Pseudonyms
from producers.reader import Reader
from producers.settings import AdapterSettings
from producers.sources import Batch

__all__ = ["STEPS", "STEPS_OF", "die_at", "main", "wrong_clock"]


class Step(NamedTuple):
    """A step at which an adapter may die: the method at its border, and whether death comes before it or after it."""

    place: str
    """Module and class; what one kind of source needs is imported for that kind alone."""
    method: str
    before: bool = False

    @property
    def owner(self) -> Any:  # noqa: ANN401 - a class
        """The class whose method it is."""
        return resolve_name(self.place)


STEPS: Mapping[str, Step] = {
    "read, nothing kept": Step("producers.reader:Reader", "_keep", before=True),
    "spooled, in the transaction": Step("producers.spool:Spool", "append"),
    "position moved, not committed": Step("producers.checkpoint:StateFile", "move"),
    "committed, nothing sent": Step("producers.reader:Reader", "_keep"),
    "handed to the producer": Step("producers.publisher:Publisher", "_hand_over"),
    "delivered, still in the spool": Step("producers.spool:Spool", "delivered", before=True),
    "delivered, noted, not committed": Step("producers.ledger:Ledger", "note"),
    "delivered and forgotten": Step("producers.spool:Spool", "delivered"),
}
"""What every adapter does."""
STEPS_OF: Mapping[str, Mapping[str, Step]] = {
    "webhook": {"answered": Step("producers.sources.webhook.waiting:Waiting", "settle")},
    "postgres": {"slot moved": Step("producers.sources.postgres.slot:Slot", "advance")},
}
"""What adapters of one kind of source do besides; a database has a slot only where its log is read."""
_OF_BATCHES = ("_keep", "append", "move")
"""Methods that run for every batch: one that brings nothing is no step at which anything could be lost."""
_PREFIX = "CERTIFICATION_"


def die_at(step: str, times: int, pause_s: float = 0.0) -> None:
    """
    Wrap a step's method so that this process dies there the given time; of batches only those count that bring something.

    With a pause all else that it does goes on for so long before: what was to be said only later is said by then.
    """
    one = next(steps[step] for steps in (STEPS, *STEPS_OF.values()) if step in steps)
    watched = _watched()
    method: Callable[..., Any] = getattr(one.owner, one.method)
    left = times

    def die(arguments: Sequence[Any], result: object) -> None:
        nonlocal left
        if _counts(one.method, arguments, result, watched):
            left -= 1
            if left <= 0:
                time.sleep(pause_s)
                os.kill(os.getpid(), signal.SIGKILL)

    def dying(*arguments: Any, **named: Any) -> Any:  # noqa: ANN401 - any of the methods
        if one.before:
            if one.method == "_keep":
                watched.look(arguments[1])
            die(arguments, None)
        result = method(*arguments, **named)
        if not one.before:
            die(arguments, result)
        return result

    setattr(one.owner, one.method, dying)


@dataclass
class _Watched:
    """The batch that is kept now, and whether it brings anything."""

    brings: bool = False

    def look(self, batch: Batch) -> None:
        """Look at the batch that is to be kept."""
        self.brings = bool(batch.events or batch.encoded or batch.aside)


def _watched() -> _Watched:
    """Return what sees each batch before it is kept."""
    watched, keep = _Watched(), Reader._keep  # noqa: SLF001 - the border of a batch

    def kept(self: Reader, batch: Batch, *arguments: Any) -> None:  # noqa: ANN401
        watched.look(batch)
        keep(self, batch, *arguments)

    Reader._keep = kept  # type: ignore[method-assign,assignment]  # noqa: SLF001
    return watched


def _counts(method: str, arguments: Sequence[Any], result: object, watched: _Watched) -> bool:
    """Return whether anything was done at a step."""
    if method in _OF_BATCHES:
        return watched.brings
    if method == "_hand_over":
        return bool(result)
    return method != "settle" or any(refusal is None for _, refusal in arguments[1])


def wrong_clock(told: Path) -> None:
    """Let this process's clock be wrong by as many seconds as a file says whenever it is asked; what only grows (monotonic) is right."""
    right_s = time.time

    def now_s() -> float:
        return right_s() + float(told.read_text(encoding="ascii"))

    time.time = now_s
    runner._now = lambda: datetime.fromtimestamp(now_s(), UTC)  # noqa: SLF001 - the adapter's one clock


def main() -> int:
    """Run the adapter as the environment says."""
    file = Path(sys.argv[1])
    environ = environment_for(file)
    told = {name.removeprefix(_PREFIX): value for name, value in environ.items() if name.startswith(_PREFIX)}
    if step := told.get("DIE_AT"):
        die_at(step, int(told["DIE_TIMES"]), float(told.get("DIE_PAUSE_S", "0")))
    if clock := told.get("CLOCK"):
        wrong_clock(Path(clock))
    settings = AdapterSettings(
        kafka=told["KAFKA"],
        registry=told["REGISTRY"],
        state_directory=Path(told["STATE"]),
        pseudonyms=Pseudonyms.from_environ(environ),
        environ=environ,
        spool_bytes=int(told["SPOOL_BYTES"]),
        poll_interval_s=0.05,
    )
    return runner.run(file, settings)


if __name__ == "__main__":
    sys.exit(main())
