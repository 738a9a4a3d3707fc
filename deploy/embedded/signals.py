"""
A polite end on SIGTERM and SIGHUP: the same unwinding as after Ctrl-C, so that `with` blocks stop what they started.

Why: `kill`, a closed terminal and a CI that is cancelled all send these, and Python's default is to vanish.
Must not: replace a handler that somebody has set.
"""

import signal
import threading
from typing import NoReturn

__all__ = ["PoliteEnd"]


class PoliteEnd:
    """Turns the signals into `SystemExit` until `restore`; does nothing outside the main thread, where Python allows no handlers."""

    def __init__(self) -> None:
        """Take the signals that still have their default."""
        self._taken: list[signal.Signals] = []
        if threading.current_thread() is not threading.main_thread():
            return
        for number in (signal.SIGTERM, signal.SIGHUP):
            if signal.getsignal(number) is signal.SIG_DFL:
                signal.signal(number, _leave)
                self._taken.append(number)

    def restore(self) -> None:
        """Give the default back, where nobody has set another handler since."""
        for number in self._taken:
            if signal.getsignal(number) is _leave:
                signal.signal(number, signal.SIG_DFL)
        self._taken.clear()


def _leave(number: int, _: object) -> NoReturn:
    raise SystemExit(128 + number)
