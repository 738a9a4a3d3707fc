"""
The adapter under certification: its own code in a process of its own, which may be told to die at a step, and whose clock may be wrong.

Why: `kill -9` at each step must be at that step, not somewhere near it; and this machine's own clock cannot be set for one process.
Must not: change what a step does; be used for anything but a certification.
"""

import os
import signal
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from deploy.secrecy import no_core_dumps, seclude, secluded
from deploy.settings import SECRETS
from producers import runner
from producers.checkpoint import StateFile
from producers.ledger import Ledger
from producers.pseudonym import Pseudonyms
from producers.publisher import Publisher
from producers.reader import Reader
from producers.region_file import variables_of
from producers.settings import AdapterSettings
from producers.spool import Spool

__all__ = ["STEPS", "die_at", "main", "wrong_clock"]

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
_PREFIX = "CERTIFICATION_"


def die_at(step: str, times: int) -> None:
    """Wrap a step's method so that this process dies there the given time."""
    kind, name, before = STEPS[step]
    method: Callable[..., Any] = getattr(kind, name)
    left = times

    def dying(*arguments: Any, **named: Any) -> Any:  # noqa: ANN401 - any of the methods
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
    no_core_dumps()
    seclude({*SECRETS, *variables_of(file)})
    environ = secluded()
    told = {name.removeprefix(_PREFIX): value for name, value in environ.items() if name.startswith(_PREFIX)}
    if step := told.get("DIE_AT"):
        die_at(step, int(told["DIE_TIMES"]))
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
