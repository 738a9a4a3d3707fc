"""
An adapter in a process of its own, which may be told to die by SIGKILL when it reaches a step for the n-th time.

Why: `kill -9` at each step must be at that step, not somewhere near it.
Must not: change what a step does.
"""

import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from producers.checkpoint import StateFile
from producers.ledger import Ledger
from producers.pseudonym import Pseudonyms
from producers.publisher import Publisher
from producers.reader import Reader
from producers.runner import run
from producers.settings import AdapterSettings
from producers.spool import Spool

__all__ = ["STEPS", "die_at"]

STEPS: dict[str, tuple[type, str, bool]] = {
    "read, nothing kept": (Reader, "_keep", True),
    "spooled, in the transaction": (Spool, "append", False),
    "position moved, not committed": (StateFile, "move", False),
    "committed, nothing sent": (Reader, "_keep", False),
    "handed to the producer": (Publisher, "_hand_over", False),
    "delivered, still in the spool": (Spool, "delivered", True),
    "delivered, noted, not committed": (Ledger, "note", False),
    "delivered and forgotten": (Spool, "delivered", False),
}
"""Each step: the method at its border, and whether death comes before it or after it."""


def die_at(step: str, times: int) -> None:
    """Wrap a step's method so that this process dies there the given time."""
    kind, name, before = STEPS[step]
    method: Callable[..., Any] = getattr(kind, name)
    left = times

    def dying(*arguments: Any, **named: Any) -> Any:
        nonlocal left
        if before:
            left -= 1
            _die_if(left)
        result = method(*arguments, **named)
        if not before and (name != "_hand_over" or result):
            left -= 1
            _die_if(left)
        return result

    setattr(kind, name, dying)


def _die_if(left: int) -> None:
    if left <= 0:
        os.kill(os.getpid(), signal.SIGKILL)


def main() -> int:
    """Run the adapter as the environment says."""
    if step := os.environ.get("DIE_AT"):
        die_at(step, int(os.environ["DIE_TIMES"]))
    settings = AdapterSettings(
        kafka=os.environ["KAFKA"],
        registry=os.environ["REGISTRY"],
        state_directory=Path(os.environ["STATE"]),
        pseudonyms=Pseudonyms.from_environ(os.environ),
        environ=os.environ,
        poll_interval_s=0.05,
    )
    return run(Path(sys.argv[1]), settings)


if __name__ == "__main__":
    sys.exit(main())
